// Free blocks on their way between threads and pools: what synchronized_pool_resource is made of.
// Not for use on its own.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/pmr/pools.hpp>
#include <allot/pmr/synchronized_pool_resource.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

inline constexpr std::uint32_t most_in_magazine = 64;
inline constexpr std::uint32_t first_room_of_shelf = 4; // for places

/// Free blocks of one class.
struct Magazine {
  std::uint32_t count = 0;
  std::uint32_t capacity = 0;
  Magazine* next = nullptr; // of the list it is in
  // The blocks' chunks, and their numbers there: pairs of them would be a third longer.
  PoolChunk* chunks[most_in_magazine];
  BlockIndex indices[most_in_magazine];

  void push(Pools::Block block) noexcept {
    chunks[count] = block.chunk;
    indices[count++] = static_cast<BlockIndex>(block.index);
  }
  [[nodiscard]] Pools::Block pop() noexcept {
    --count;
    return {chunks[count], indices[count]};
  }
  /// After it was filled from above but for the lowest `left`.
  void settle(std::uint32_t left) noexcept {
    count = capacity - left;
    if (left == 0)
      return;
    std::copy(chunks + left, chunks + capacity, chunks);
    std::copy(indices + left, indices + capacity, indices);
  }
};

// In place of a magazine where there is none: both empty and full.
inline constinit Magazine no_magazine{};

// About 32 KiB of blocks, so that not much lies idle.
[[nodiscard]] inline std::uint32_t magazine_capacity(std::size_t class_index) noexcept {
  return static_cast<std::uint32_t>(std::clamp(std::size_t{32768} / class_size(class_index),
                                               std::size_t{4}, std::size_t{most_in_magazine}));
}

/// A thread's part of a class. Only that thread touches it.
struct alignas(64) Shelf {
  Magazine* loaded = &no_magazine;
  Magazine* previous = &no_magazine;
  PoolChunk* recent = &no_chunk; // where the last block that was given back lies
  ExactDivisor by_stride;
  std::size_t stride = 0;
  ChunkPlace* places = nullptr; // the pool's, as they were when last looked at
  std::uint32_t chunks = 0;
  std::uint32_t room = 0;

  [[nodiscard]] std::size_t index_in(const PoolChunk& chunk, const void* p) const noexcept {
    return by_stride.quotient(reinterpret_cast<std::uintptr_t>(p) -
                              reinterpret_cast<std::uintptr_t>(chunk.begin));
  }
};

/// What a thread has of a resource. It is in memory of the resource, and in two lists: the
/// resource's and, while the thread lives, the thread's.
struct ThreadCache {
  pmr::synchronized_pool_resource* resource;
  std::uint64_t serial;
  ThreadCache* next_of_resource;
  ThreadCache* next_of_thread = nullptr;
  ThreadCache** link_of_thread = nullptr; // what points to this one; null when the thread ended
  ThreadCache* next_left = nullptr;       // orphans, or idle ones

  [[nodiscard]] Shelf* shelves() noexcept {
    return reinterpret_cast<Shelf*>(reinterpret_cast<std::byte*>(this) + sizeof(Shelf));
  }
  /// With the registry locked.
  void unlink() noexcept {
    *link_of_thread = next_of_thread;
    if (next_of_thread != nullptr)
      next_of_thread->link_of_thread = link_of_thread;
    link_of_thread = nullptr;
  }
  /// Leaves what it has to the resource, which lives as long as the registry is locked.
  void leave() noexcept {
    std::atomic<ThreadCache*>& orphans = resource->orphans_;
    next_left = orphans.load(std::memory_order_relaxed);
    while (!orphans.compare_exchange_weak(next_left, this, std::memory_order_release,
                                          std::memory_order_relaxed)) {
    }
  }
};
static_assert(sizeof(ThreadCache) <= sizeof(Shelf));

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot

#endif
