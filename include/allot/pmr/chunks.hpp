// A pool's chunks, and the blocks in them: see pools.hpp. Not for use on its own.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/annotate.hpp>
#include <allot/base/size.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

using BlockIndex = std::uint32_t;
using BlockFlag = std::uint16_t;
inline constexpr BlockIndex no_block = 0xFFFFFFFF;

/// What marks a block in use that was asked for as `bytes`. Sizes of one class have the same flag
/// only if they differ by a multiple of 32 KiB.
[[nodiscard]] constexpr BlockFlag flag_of(std::size_t bytes) noexcept {
  return static_cast<BlockFlag>(bytes | 0x8000);
}
/// The same where all of a pool's requests are for 1 to 1,024 bytes.
[[nodiscard]] constexpr BlockFlag small_flag_of(std::size_t bytes) noexcept {
  return static_cast<BlockFlag>(bytes);
}

/// A free block that was not handed out since reset_peak. Of others that are free the flag is 0.
inline constexpr BlockFlag rests = 0x6000;

struct Pool;
struct ChunkPlace;

struct PoolChunk {
  std::byte* begin = nullptr;
  std::size_t count = 0; // blocks
  // What changes as blocks are taken and put back:
  const BlockIndex* bottom = nullptr; // is no_block
  BlockIndex* top = nullptr;          // the block freed last
  std::size_t fresh = 0;              // blocks that were ever handed out
  PoolChunk* next = nullptr;          // of the list, while listed
  bool listed = false;
  bool going = false; // back to where its memory is from
  std::uint8_t size_class = 0;
  std::uint32_t room = 0;    // of the table of places at its end
  std::uint32_t end = 0;     // blocks that are its own: the memory of the others is lent
  std::uint32_t guests = 0;  // chunks in that memory
  PoolChunk* host = nullptr; // whose guest it is, if its memory is not upstream's
  Pool* pool = nullptr;
  PoolChunk* older = nullptr;
  std::size_t bytes = 0; // all that it has

  [[nodiscard]] std::size_t freed() const noexcept {
    return static_cast<std::size_t>(top - bottom);
  }
  /// The table at its end, or null.
  [[nodiscard]] ChunkPlace* places() noexcept {
    std::byte* const after_live = reinterpret_cast<std::byte*>(live()) + live_bytes(count);
    return room == 0 ? nullptr : reinterpret_cast<ChunkPlace*>(after_live + freed_bytes(count));
  }
  [[nodiscard]] static constexpr std::size_t live_bytes(std::size_t blocks) noexcept {
    return round_up(blocks * sizeof(BlockFlag));
  }
  [[nodiscard]] static constexpr std::size_t freed_bytes(std::size_t blocks) noexcept {
    return round_up((blocks + 1) * sizeof(BlockIndex));
  }
  /// Nothing of it is in use, by a pool or by a guest.
  [[nodiscard]] bool is_free() const noexcept { return freed() == fresh && guests == 0; }

  /// The blocks' flags, which come next in memory: a pointer to them would cost a load.
  [[nodiscard]] BlockFlag* live() noexcept { return reinterpret_cast<BlockFlag*>(this + 1); }
};

struct ChunkPlace {
  std::uintptr_t begin;
  PoolChunk* chunk;
};
/// The last of `count` places, at least one, that begins at or before `address`, or the first.
[[nodiscard]] inline PoolChunk* search(const ChunkPlace* places, std::size_t count,
                                       std::uintptr_t address) noexcept {
  while (count > 1) {
    const std::size_t half = count / 2;
    places = places[half].begin <= address ? places + half : places;
    count -= half;
  }
  return places->chunk;
}

// In place of a chunk where there is none, so that no hot path asks.
inline constinit BlockIndex empty_stack = no_block;
inline constinit PoolChunk no_chunk{.bottom = &empty_stack, .top = &empty_stack};

struct alignas(64) Pool {
  PoolChunk* available = &no_chunk;
  PoolChunk* recent = &no_chunk; // where the last block that was given back lies
  ExactDivisor by_stride;
  std::size_t stride = 0; // from block to block in memory, red zone included
  ChunkPlace* places = nullptr;
  std::uint32_t chunks = 0;
  std::uint32_t room = 0;     // of `places`
  std::size_t next_count = 0; // blocks of the next chunk

  /// Of chunks.
  [[nodiscard]] std::size_t alignment() const noexcept {
    return larger(stride & (0 - stride), alignof(std::max_align_t));
  }
  /// The block that starts at `p` if that is in `chunk`, or a number not below its count.
  [[nodiscard]] std::size_t index_in(const PoolChunk& chunk, const void* p) const noexcept {
    return by_stride.quotient(reinterpret_cast<std::uintptr_t>(p) -
                              reinterpret_cast<std::uintptr_t>(chunk.begin));
  }
  [[nodiscard]] PoolChunk* find(const void* p) const noexcept {
    return chunks == 0 ? &no_chunk : search(places, chunks, reinterpret_cast<std::uintptr_t>(p));
  }
  /// Frees the block at `p`. False: none with this flag is in use there.
  [[nodiscard]] bool give_back(PoolChunk& chunk, void* p, std::size_t bytes,
                               BlockFlag flag) noexcept {
    const std::size_t index = index_in(chunk, p);
    if (index >= chunk.count || chunk.live()[index] != flag) [[unlikely]]
      return false;
    chunk.live()[index] = 0;
    annotate::freed(&chunk, p, bytes);
    put_back(chunk, index);
    return true;
  }
  /// Frees blocks that are not in use any more.
  void put_back(PoolChunk& chunk, std::size_t index) noexcept {
    *++chunk.top = static_cast<BlockIndex>(index);
    if (!chunk.listed) [[unlikely]]
      list(chunk);
  }
  void put_back(PoolChunk& chunk, const BlockIndex* first, const BlockIndex* end) noexcept {
    std::memcpy(chunk.top + 1, first, static_cast<std::size_t>(end - first) * sizeof *first);
    chunk.top += end - first;
    if (!chunk.listed) [[unlikely]]
      list(chunk);
  }
  void list(PoolChunk& chunk) noexcept {
    chunk.listed = true;
    chunk.next = available;
    available = &chunk;
  }
};

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot

#endif
