// SlabChunks: where SharedMultipool's pools have their chunks: in runs of slabs of 64 KiB, so that
// a chunk is found by an address in it without a lock; and large objects beside them. Not for use
// on its own.
//
//   slabs    | chunk of 64 bytes | chunk, two slabs       | bookkeeping | large object   |
//   chunks   | at 0              | at 1      | at 1       | null        | null   | null  |
//
// The table of chunks is written with the mutex held and read without: a slab's entry is there
// before a block of the chunk is handed out, and goes when no thread may be inside.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/mapping.hpp>
#include <allot/detail/slab_table.hpp>

#include <atomic>
#include <cstddef>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

struct PoolChunk;

class SlabChunks : public SlabTable {
public:
  /// A slab in memory, red zones included.
  static constexpr std::size_t extent = red_zones.stretch(slab_bytes);

  SlabChunks() = default;
  SlabChunks(const SlabChunks&) = delete;
  SlabChunks& operator=(const SlabChunks&) = delete;
  ~SlabChunks() { release(); }

  /// On runs that nothing is in, with a record of sizeof(Slab) for each slab. False: the system
  /// refused the table.
  [[nodiscard]] bool begin(SlabRuns&& runs, bool zero) noexcept;
  void release() noexcept;

  /// The chunk that has the slab that `p` is in, or null. Any thread's.
  [[nodiscard]] PoolChunk* chunk_at(const void* p) const noexcept {
    const std::size_t number = offset_of(p) / extent;
    return number < known_.load(std::memory_order_acquire)
               ? chunks_[number].load(std::memory_order_acquire)
               : nullptr;
  }

  // With the mutex held:

  /// Whole slabs, zero if that was asked for; or null.
  [[nodiscard]] void* take(std::size_t bytes, std::size_t alignment) noexcept;
  /// Takes them back. All of it is zero but the `dirty` bytes at the end, if zero was asked for.
  void put(void* p, std::size_t bytes, std::size_t dirty) noexcept;
  /// Which chunk they have from now on; null: none.
  void set(const void* p, std::size_t bytes, PoolChunk* chunk) noexcept;
  /// Memory for bookkeeping, until release; or null.
  [[nodiscard]] void* keep(std::size_t bytes, std::size_t alignment) noexcept;

  [[nodiscard]] void* allocate_large(std::size_t bytes, std::size_t alignment,
                                     const std::byte* origin = nullptr) noexcept;
  void deallocate_large(Slab& slab) noexcept;
  [[nodiscard]] bool resize_large(Slab& slab, std::size_t bytes) noexcept {
    const bool resized = SlabTable::resize_large(slab, bytes);
    see_new();
    return resized;
  }
  /// The large object in a new place, or null.
  [[nodiscard]] void* move_large(Slab& slab, std::size_t bytes, std::size_t alignment) noexcept;
  void deallocate_all_large() noexcept;
  /// Gives the memory of slabs in which nothing is in use to the system, all but `keep` bytes.
  void trim(std::size_t keep) noexcept { runs_.give_up(divide_up(keep, slab_bytes)); }

private:
  void see_new() noexcept;

  Mapping table_;
  std::atomic<PoolChunk*>* chunks_ = nullptr; // a slab each
  std::atomic<std::size_t> known_ = 0;        // entries that may be read
  std::byte* kept_ = nullptr;                 // what is left for bookkeeping
  std::size_t kept_left_ = 0;
};

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot

#endif
