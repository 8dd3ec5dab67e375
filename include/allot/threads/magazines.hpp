// Free blocks on their way between threads and pools: what SharedPools is made of. Not for use on
// its own.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/pmr/pools.hpp>
#include <allot/threads/thread_parts.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

/// Free blocks of one class: their chunks lie before it, and their numbers behind, as a chunk has
/// them, so that a place is found by its number alone, and pairs of them would be a third longer.
///
///   | chunk 3 | chunk 2 | chunk 1 | chunk 0 | Magazine | index 0 | index 1 | index 2 | index 3 |
struct Magazine {
  static constexpr std::uint32_t most = 64;
  static constexpr std::size_t levels = 3; // of room: 4, 16, 64

  std::uint32_t count = 0;
  std::uint32_t capacity = 0; // at most its room
  Magazine* next = nullptr;   // of the list it is in
  std::size_t level = 0;

  [[nodiscard]] static constexpr std::uint32_t room_of(std::size_t level) noexcept {
    return std::uint32_t{4} << 2 * level;
  }
  /// The least that has room for so many blocks, if any has.
  [[nodiscard]] static constexpr std::size_t level_for(std::uint32_t blocks) noexcept {
    return blocks <= room_of(0) ? 0 : blocks <= room_of(1) ? 1 : 2;
  }
  [[nodiscard]] static constexpr std::size_t bytes_before(std::size_t level) noexcept {
    return room_of(level) * sizeof(PoolChunk*);
  }
  [[nodiscard]] static constexpr std::size_t bytes_of(std::size_t level) noexcept {
    return bytes_before(level) + sizeof(Magazine) + room_of(level) * sizeof(BlockIndex);
  }
  [[nodiscard]] BlockIndex* indices() noexcept { return reinterpret_cast<BlockIndex*>(this + 1); }
  /// The chunks of the `first` blocks, the last of which comes first.
  [[nodiscard]] PoolChunk** chunks(std::uint32_t first) noexcept {
    return reinterpret_cast<PoolChunk**>(this) - first;
  }
  [[nodiscard]] Pools::Block at(std::uint32_t i) noexcept {
    return {chunks(0)[-1 - static_cast<std::ptrdiff_t>(i)], indices()[i]};
  }
  void put_at(std::uint32_t i, Pools::Block block) noexcept {
    chunks(0)[-1 - static_cast<std::ptrdiff_t>(i)] = block.chunk;
    indices()[i] = static_cast<BlockIndex>(block.index);
  }
  void push(Pools::Block block) noexcept { put_at(count++, block); }
  [[nodiscard]] Pools::Block pop() noexcept { return at(--count); }
  /// Drops the first `from` places.
  void drop(std::uint32_t from) noexcept {
    if (from == 0)
      return;
    for (std::uint32_t i = from; i != count; ++i)
      put_at(i - from, at(i));
    count -= from;
  }
};

// In place of a magazine where there is none: both empty and full.
inline constinit Magazine no_magazine{};

/// A thread's part of a class, behind the thread's lock. Only that thread touches it, but who has
/// closed the lock.
struct alignas(64) Shelf {
  // A sixteenth more each time that a thread meets the others: so what lies idle is little beside
  // what was used, and a thread that goes on soon meets them once in 64 blocks.
  static constexpr std::uint32_t growth = 16;

  Magazine* loaded = &no_magazine;
  Magazine* previous = &no_magazine;
  PoolChunk* recent = &no_chunk; // where the last block that was given back lies
  ExactDivisor by_stride;
  ChunkPlace* places = nullptr; // the pool's, as they were when last looked at
  std::uint32_t stride = 0;
  std::uint16_t ramp = growth; // `growth` times the blocks to exchange next
  bool needs_room = false;     // for places
  std::uint32_t chunks = 0;
  std::uint32_t room = 0; // of `places`

  [[nodiscard]] std::size_t index_in(const PoolChunk& chunk, const void* p) const noexcept {
    return by_stride.quotient(reinterpret_cast<std::uintptr_t>(p) -
                              reinterpret_cast<std::uintptr_t>(chunk.begin));
  }
};
static_assert(sizeof(Shelf) == 64);

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot

#endif
