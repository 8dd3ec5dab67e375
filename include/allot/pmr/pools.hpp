// Pools of blocks, one a size class, over memory from a resource: what the two pool resources have
// in common. Not for use on its own.
//
// A class is a multiple of 8 bytes up to 64, and one of four to each doubling above, so a block is
// at most a quarter longer than what was asked for. It has a list of chunks:
//
//   | block | block | ... | fresh: never handed out | Chunk | live: flags | freed: indices |
//                         ^ fresh
//
// Each chunk is twice the one before, up to max_blocks_per_chunk, and blocks are carved as they are
// needed. Those that were freed are a stack of indices a chunk. The first chunk of the list that
// has free blocks serves; a chunk joins the list with its first free block, and leaves it when it
// has none.
//
// A block that is given back is found by the class of its size, then by a search among the chunks
// of the class, sorted by address, the last one found first. One multiplication tells whether it
// is the start of a block there (ExactDivisor), and its flag whether it is in use and was asked
// for with this size: a flag holds the size in its low bits, and is 0 for what is free.
//
// Larger requests go to upstream as they are, and are kept in a table by address.
//
// All of it, the table and the bookkeeping included, is memory from upstream; the heap is not used.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/annotate.hpp>
#include <allot/base/size.hpp>
#include <allot/upstream.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory_resource>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

/// Requests are classed by `last`: their size less one with the bits of their alignment less one,
/// which is the size less one once it is rounded up to the alignment. Every class is a multiple of
/// any alignment that leads to it. A size of 0 and an alignment of 0 give a `last` beyond all.
[[nodiscard]] constexpr std::size_t last_of(std::size_t bytes, std::size_t alignment) noexcept {
  return (bytes - 1) | (alignment - 1);
}
[[nodiscard]] constexpr std::size_t class_of(std::size_t last) noexcept {
  // The place of the highest bit, at least 5, as one instruction: std::bit_width takes three.
  const unsigned high = 63U ^ static_cast<unsigned>(__builtin_clzll(last | 32));
  return (last >> (high - 2)) + std::size_t{4} * high - 20;
}
/// In bytes.
[[nodiscard]] constexpr std::size_t class_size(std::size_t index) noexcept {
  const std::size_t doublings = index < 8 ? 0 : index / 4 - 1;
  return (index - 4 * doublings + 1) << (3 + doublings);
}

using BlockIndex = std::uint32_t;
using BlockFlag = std::uint16_t;
inline constexpr BlockIndex no_block = 0xFFFFFFFF;

/// What marks a block in use that was asked for as `bytes`. Sizes of one class have the same flag
/// only if they differ by a multiple of 32 KiB.
[[nodiscard]] constexpr BlockFlag flag_of(std::size_t bytes) noexcept {
  return static_cast<BlockFlag>(bytes | 0x8000);
}
/// The same where all of a pool's requests are for 1 to 65,535 bytes.
[[nodiscard]] constexpr BlockFlag small_flag_of(std::size_t bytes) noexcept {
  return static_cast<BlockFlag>(bytes);
}

struct PoolChunk {
  std::byte* begin = nullptr;
  std::size_t count = 0; // blocks
  // What changes as blocks are taken and put back:
  const BlockIndex* bottom = nullptr; // is no_block
  BlockIndex* top = nullptr;          // the block freed last
  std::size_t fresh = 0;              // blocks that were ever handed out
  PoolChunk* next = nullptr;          // of the list, while listed
  bool listed = false;
  // What was asked of upstream:
  PoolChunk* older = nullptr;
  std::size_t bytes = 0;
  std::size_t alignment = 0;

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
  /// Frees a block that is not in use any more.
  void put_back(PoolChunk& chunk, std::size_t index) noexcept {
    *++chunk.top = static_cast<BlockIndex>(index);
    if (!chunk.listed) [[unlikely]] {
      chunk.listed = true;
      chunk.next = available;
      available = &chunk;
    }
  }
};

/// What is wrong with what was given back.
struct Fault {
  Errc code;
  std::size_t detail = 0;
};

/// What is too large for any pool, as upstream gave it: a hash table by address.
class LargeBlocks {
public:
  struct Entry {
    void* p;
    std::size_t bytes;
    std::size_t alignment;
  };

  /// What upstream throws passes through.
  void make_room_for_one(std::pmr::memory_resource& upstream, const char* owner);
  void insert(const Entry& entry) noexcept; // after make_room_for_one
  [[nodiscard]] Entry* find(const void* p) noexcept;
  void erase(Entry* entry) noexcept;
  /// Gives all blocks and the table back.
  void release(std::pmr::memory_resource& upstream) noexcept;

private:
  [[nodiscard]] std::size_t home(const void* p) const noexcept;
  [[nodiscard]] std::size_t after(std::size_t slot) const noexcept {
    return (slot + 1) & (slots_ - 1);
  }

  Entry* table_ = nullptr;
  std::size_t slots_ = 0; // a power of two, or 0
  std::size_t used_ = 0;  // at most half of them
};

class Pools {
public:
  static constexpr std::size_t small = 1024;

  struct Block {
    PoolChunk* chunk;
    std::size_t index;
  };

  /// Misuse, naming `owner`: a null upstream.
  Pools(const std::pmr::pool_options& options, std::pmr::memory_resource* upstream,
        const char* owner);
  Pools(const Pools&) = delete;
  Pools& operator=(const Pools&) = delete;
  ~Pools() { release(); }

  /// Gives everything back to upstream, what is in use too.
  void release() noexcept;

  [[nodiscard]] std::pmr::pool_options options() const noexcept { return options_; }
  [[nodiscard]] std::pmr::memory_resource* upstream() const noexcept { return upstream_; }

  /// Whether there is a pool for a request, now.
  [[nodiscard]] bool serves(std::size_t last, std::size_t alignment) const noexcept {
    return last < limit_ && (alignment & (alignment - 1)) == 0;
  }
  [[nodiscard]] Pool& pool(std::size_t last) const noexcept { return pools_[class_of(last)]; }
  /// The same for requests below `small`, with a look in place of arithmetic.
  [[nodiscard]] bool serves_small(std::size_t last, std::size_t alignment) const noexcept {
    return last < small_limit_ && (alignment & (alignment - 1)) == 0;
  }
  [[nodiscard]] Pool& small_pool(std::size_t last) const noexcept {
    return *small_[last / granule];
  }
  [[nodiscard]] std::size_t classes() const noexcept {
    return class_of(options_.largest_required_pool_block - 1) + 1;
  }

  /// What is not served yet: makes the pools if that helps. False: it is for upstream.
  /// Misuse: an alignment that is no power of two. What upstream throws passes through.
  [[nodiscard, gnu::cold]] bool start(std::size_t bytes, std::size_t alignment);
  [[nodiscard, gnu::cold]] void* allocate_large(std::size_t bytes, std::size_t alignment);
  /// False: there is no such block.
  [[nodiscard, gnu::cold]] bool deallocate_large(void* p, std::size_t bytes,
                                                 std::size_t alignment) noexcept;

  /// A block, from a new chunk if there is none. What upstream throws passes through.
  [[nodiscard]] Block take(Pool& pool);
  /// As take, but never grows; null for the chunk then.
  [[nodiscard]] Block try_take(Pool& pool) const noexcept;
  /// Marks a block in use, for a request of `bytes`.
  [[nodiscard]] static void* hand_out(std::size_t stride, Block block, std::size_t bytes,
                                      BlockFlag flag) noexcept {
    block.chunk->live()[block.index] = flag;
    std::byte* const p = block.chunk->begin + block.index * stride;
    annotate::allocated(block.chunk, p, bytes);
    return p;
  }

  /// What is wrong with what was given back, and is not in use as it should be.
  [[nodiscard, gnu::cold]] Fault fault(const void* p, std::size_t alignment) noexcept;
  /// Tells the misuse handler.
  [[gnu::cold]] void report(Fault fault, const void* p, std::size_t bytes,
                            std::size_t alignment) const noexcept;
  [[gnu::cold]] void refuse(const void* p, std::size_t bytes, std::size_t alignment) noexcept {
    report(fault(p, alignment), p, bytes, alignment);
  }

  /// Memory for bookkeeping, on a cache line, until release. What upstream throws passes through.
  [[nodiscard, gnu::cold]] void* keep(std::size_t bytes);

private:
  struct alignas(64) Kept {
    Kept* older;
    std::size_t bytes;
  };
  void grow(Pool& pool);

  // Limits of what pools serve; 0 until there are pools.
  std::size_t small_limit_ = 0;
  Pool** small_ = nullptr; // the pool of each multiple of 8 up to `small`
  std::size_t limit_ = 0;
  Pool* pools_ = nullptr;
  std::pmr::pool_options options_;
  std::pmr::memory_resource* upstream_;
  PoolChunk* newest_ = nullptr; // of all chunks
  Kept* kept_ = nullptr;
  LargeBlocks large_;
  const char* owner_;
};

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot

#endif
