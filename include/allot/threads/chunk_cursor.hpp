// A bump cursor in a chunk that a thread has to itself: what Cursor is to an Arena, to a thread's
// part of a SharedArena. Others may read how much it handed out at any time.
//
//   begin           head        frontier       end
//   | handed out    | zero      | to be zeroed |
//   |<-------------->|<------- rest() -------->|
//
// The check is Cursor's: `bytes < limit - head`, with the limit one above the frontier. A cursor
// without a chunk (all null) and a closed one (limit == head) let nothing pass.
//
// A fast path writes the head, and counts nothing: what was handed out in all chunks is the head
// less a base, which moves with it when the chunk is exchanged. Who reads both in the middle of
// that finds an odd number of exchanges, or another one afterwards, or a head outside the chunk.
#pragma once

#include <allot/base/annotate.hpp>
#include <allot/base/size.hpp>
#include <allot/buffer.hpp>
#include <allot/threads/atomics.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

class ChunkCursor {
public:
  /// What is left of a chunk, zero below `frontier`.
  struct Rest {
    std::byte* begin = nullptr;
    std::byte* frontier = nullptr;
    std::byte* end = nullptr;
  };

  explicit ChunkCursor(Gap gap) noexcept : gap_(gap) {}
  ChunkCursor(const ChunkCursor&) = delete;
  ChunkCursor& operator=(const ChunkCursor&) = delete;

  // ---- For the thread that has it.

  // In two steps, with the head that was read once: a compiler does not join two reads of what is
  // atomic.
  /// Whether the next `bytes` lie below the frontier. `head` is what head() gives.
  [[nodiscard]] bool fits(const std::byte* head, std::size_t bytes) const noexcept {
    // What the compiler knows to be small, no address wraps by: it takes two instructions less.
    if (__builtin_constant_p(bytes) && bytes <= few_bytes)
      return address(head) + gap_.stretch(round_up(bytes)) < limit_;
    return bytes < gap_.shrink(limit_ - address(head));
  }
  /// `bytes` at `p`, which is the head, or above it and below the frontier.
  std::byte* take(std::byte* p, std::size_t bytes) noexcept {
    head_.store(p + gap_.stretch(round_up(bytes)), std::memory_order_relaxed);
    annotate::allocated(nullptr, p, bytes);
    return p;
  }
  /// The next `bytes` at `alignment`, with what was skipped for it. Null: they do not lie below the
  /// frontier, are none, or it is no power of two.
  [[nodiscard]] std::byte* take_aligned(std::size_t bytes, std::size_t alignment) noexcept {
    std::byte* const from = head();
    const std::size_t skip = padding(address(from), gap_.stretch(alignment));
    const std::size_t room = limit_ - address(from);
    if (!is_power_of_two(alignment) || skip >= room ||
        !allot::fits(bytes, gap_.shrink(room - skip) - 1))
      return nullptr;
    return take(from + skip, bytes);
  }
  /// The same of all that is left of the chunk, which is zeroed shortly before; `alignment` is a
  /// power of two. Not while closed.
  [[nodiscard]] std::byte* take_beyond(std::size_t bytes, std::size_t alignment) noexcept;
  /// Whether it would find room.
  [[nodiscard]] bool has_room(std::size_t bytes, std::size_t alignment) const noexcept {
    const std::size_t skip = padding(address(head()), gap_.stretch(alignment));
    const std::size_t room = distance(head(), end());
    return skip < room && allot::fits(bytes, gap_.shrink(room - skip));
  }
  /// What a zero-byte request gives: aligned, not null, and nobody's to touch.
  [[nodiscard]] void* nothing(std::size_t alignment) const noexcept;

  /// Whether `p` is the newest allocation in the chunk, of `bytes`.
  [[nodiscard]] bool is_newest(const void* p, std::size_t bytes) const noexcept {
    const std::size_t reach = address(head()) - reinterpret_cast<std::uintptr_t>(p);
    return p != nullptr && reach <= distance(begin(), head()) && bytes <= gap_.shrink(reach) &&
           gap_.stretch(round_up(bytes)) == reach;
  }
  /// Whether `bytes` at `p`, in the chunk, lie in it.
  [[nodiscard]] bool reaches(const std::byte* p, std::size_t bytes) const noexcept {
    return bytes <= gap_.shrink(distance(p, end()));
  }
  /// Makes it longer, or shorter, in place. It lies in the chunk then.
  void resize_newest(std::byte* p, std::size_t old_bytes, std::size_t new_bytes) noexcept;
  /// Takes back all from `to` on, which is in the chunk.
  void truncate(std::byte* to) noexcept;
  /// Whether `p` is in what is left.
  [[nodiscard]] bool is_left(const void* p) const noexcept {
    return reinterpret_cast<std::uintptr_t>(p) - address(head()) < distance(head(), end());
  }

  // The same, and other threads are told: not in the middle of a fork.

  /// The chunk goes on to `end`, zero to `frontier` if it was to its old end.
  void extend(std::byte* end, std::byte* frontier) noexcept {
    if (this->frontier() == this->end())
      set_frontier(frontier);
    end_.store(end, std::memory_order_release);
  }
  /// Goes on in another chunk. What is left of this one is the caller's.
  Rest exchange(const Rest& next) noexcept;
  /// Counts `distance` in memory that was handed out beside the chunk.
  void add_used(std::size_t distance) noexcept {
    base_.store(base_.load(std::memory_order_relaxed) - distance, std::memory_order_relaxed);
  }
  /// Counts `bytes` that nobody will have.
  void add_lost(std::size_t bytes) noexcept {
    lost_.store(lost_.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
  }

  /// All that was handed out.
  [[nodiscard]] std::size_t used() const noexcept {
    return gap_.shrink(address(head()) - base_.load(std::memory_order_relaxed));
  }
  /// Refuses every request, for good.
  void close() noexcept { limit_ = address(head()); }

  // ---- For any thread. Bytes accounted for; exact at rest, and never less than before but for
  // what was given back.

  [[nodiscard]] std::size_t observe_used() const noexcept;
  [[nodiscard]] std::size_t lost() const noexcept { return lost_.load(std::memory_order_relaxed); }
  /// The most that was ever used since `reset_peak`.
  [[nodiscard]] std::size_t observe_peak() const noexcept {
    const std::size_t now = observe_used();
    return larger(now, high_.load(std::memory_order_relaxed));
  }
  void reset_peak() noexcept { high_.store(0, std::memory_order_relaxed); }
  /// Whether the chunk is being exchanged.
  [[nodiscard]] bool is_exchanging() const noexcept {
    return exchanges_.load(std::memory_order_relaxed) % 2 != 0;
  }

  // ---- For the thread that has it, or whoever has it if nobody does.

  [[nodiscard]] std::byte* head() const noexcept { return head_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::byte* begin() const noexcept { return begin_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::byte* end() const noexcept { return end_.load(std::memory_order_relaxed); }
  /// In bytes accounted for.
  [[nodiscard]] std::size_t rest() const noexcept { return gap_.shrink(distance(head(), end())); }
  [[nodiscard]] Gap gap() const noexcept { return gap_; }

private:
  static constexpr std::size_t few_bytes = 1024;

  static std::uintptr_t address(const std::byte* p) noexcept {
    return reinterpret_cast<std::uintptr_t>(p);
  }
  static std::size_t distance(const std::byte* from, const std::byte* to) noexcept {
    return static_cast<std::size_t>(to - from);
  }
  // Null while there is no chunk.
  [[nodiscard]] std::byte* frontier() const noexcept {
    return limit_ == 0 ? nullptr : head() + (limit_ - gap_.stretch(1) - address(head()));
  }
  void set_frontier(const std::byte* to) noexcept {
    limit_ = to == nullptr ? 0 : address(to) + gap_.stretch(1);
  }
  void zero_to(const std::byte* needed) noexcept;

  std::atomic<std::byte*> head_ = nullptr; // the only member that a fast path writes
  std::uintptr_t limit_ = 0;               // a number: no pointer may go past the end
  std::atomic<std::byte*> begin_ = nullptr;
  std::atomic<std::byte*> end_ = nullptr;
  std::atomic<std::uintptr_t> base_ = 0;
  std::atomic<std::size_t> lost_ = 0;
  std::atomic<std::size_t> high_ = 0; // the most that was used when some was given back
  std::atomic<std::uint32_t> exchanges_ = 0;
  Gap gap_;
};

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
