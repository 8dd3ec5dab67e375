// The memory of a SharedArena: a reservation or a buffer, of which cursors get chunks, and what is
// too large for a chunk goes around it. It knows no threads: who takes holds the lock of the cursor
// that it takes for, or the mutex where memory must be committed.
//
//   base()                                     frontier
//   | chunk | chunk | around | chunk | chunk  | left                            |
//   |<- committed, where that is strict ------------->|
//   |<- known to be zero, where it is ------------------>|
#pragma once

#include <allot/base/mapping.hpp>
#include <allot/buffer.hpp>
#include <allot/threads/chunk_cursor.hpp>
#include <allot/threads/chunk_handout.hpp>

#include <cstddef>
#include <cstdint>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

class ChunkMemory {
public:
  struct Options {
    bool zero;               // what is handed out
    std::size_t chunk_bytes; // the most; 0 is the usual
  };

  /// Reserves `bytes`, rounded up to 4096. Misuse: 0. Exhausted: the system refused.
  ChunkMemory(Label owner, std::size_t bytes, const MapOptions& mapped, Options options);
  /// Misuse: a buffer with less than 8 aligned bytes.
  ChunkMemory(Label owner, Buffer buffer, Options options);
  ChunkMemory(const ChunkMemory&) = delete;
  ChunkMemory& operator=(const ChunkMemory&) = delete;

  /// The next `bytes`, not 0, at `alignment`, a power of two: of a new chunk of the cursor's, in
  /// which they did not fit, or around it. Null: there is no room, or the system refused to commit.
  [[nodiscard]] void* take(ChunkCursor& cursor, std::size_t bytes, std::size_t alignment) noexcept;
  /// Makes the cursor's chunk longer, so that `bytes` at `p` are in it. False: others took what is
  /// behind it, or there is no room.
  [[nodiscard]] bool grow(ChunkCursor& cursor, const std::byte* p, std::size_t bytes) noexcept;
  struct Apart {
    std::byte* p;
    std::size_t bytes; // with what was skipped
  };
  /// `bytes` for the arena's own use, not zeroed, and counted by it. Null: there is no room.
  [[nodiscard]] Apart take_apart(std::size_t bytes, std::size_t alignment) noexcept;

  /// Takes all back, and zeroes it.
  void reset() noexcept;
  void release() noexcept;

  [[nodiscard]] std::byte* base() const noexcept { return base_; }
  /// In memory, with red zones.
  [[nodiscard]] std::uint64_t extent() const noexcept { return gap_.stretch(capacity_); }
  [[nodiscard]] Gap gap() const noexcept { return gap_; }
  /// Whether memory must be committed before it is touched.
  [[nodiscard]] bool is_strict() const noexcept { return mapping_.is_strict(); }
  /// In bytes accounted for.
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::size_t left() const noexcept { return handout_.left(); }
  [[nodiscard]] std::size_t committed() const noexcept;
  /// Whether `bytes`, not 0, at `p` were taken.
  [[nodiscard]] bool is_taken(const void* p, std::size_t bytes) const noexcept {
    const std::size_t distance =
        reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(base_);
    const std::size_t taken = gap_.stretch(handout_.taken());
    return distance < taken && bytes <= gap_.shrink(taken - distance);
  }

private:
  using Handout = ChunkHandout<>;

  void set_up(std::byte* base, bool is_zero) noexcept;
  [[nodiscard]] void* take_around(ChunkCursor& cursor, std::size_t bytes, std::size_t alignment,
                                  std::size_t most) noexcept;
  [[nodiscard]] bool make_ready(std::size_t bytes) noexcept;
  // Between addresses and bytes accounted for.
  [[nodiscard]] std::byte* place(std::size_t offset) const noexcept {
    return base_ + gap_.stretch(offset);
  }
  [[nodiscard]] std::size_t offset(const std::byte* place) const noexcept {
    return gap_.shrink(static_cast<std::size_t>(place - base_));
  }
  [[nodiscard]] std::size_t marked() const noexcept {
    return mapping_.data() == nullptr ? gap_.stretch(capacity_) : mapping_.ready();
  }

  std::byte* base_ = nullptr;
  std::byte* zero_below_ = nullptr; // what was not taken since the last reset is zero up to here
  std::size_t capacity_;
  std::size_t chunk_bytes_;
  std::size_t taken_before_ = 0; // the most, at a reset
  bool zero_;
  Gap gap_;
  Mapping mapping_; // or
  Buffer buffer_;
  Handout handout_;
};

/// The bytes that a request takes at most, aligned.
[[nodiscard]] inline std::size_t most_taken(std::size_t bytes, std::size_t alignment) noexcept {
  return saturating_add(saturating_round_up(bytes, granule), larger(alignment, granule) - granule);
}

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
