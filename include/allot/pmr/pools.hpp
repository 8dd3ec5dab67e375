// Pools of blocks, one a size class, over memory from a resource: what the two pool resources have
// in common. Not for use on its own.
//
// A class is a multiple of 8 bytes up to 64, and one of four to each doubling above, so a block is
// at most a quarter longer than what was asked for. It has a list of chunks:
//
//   | block | block | ... | fresh: never handed out | Chunk | live: flags | freed: indices |
//                         ^ fresh                   ^ end
//
// Each chunk is twice the one before, up to max_blocks_per_chunk and the ChunkOptions' max_bytes,
// and blocks are carved as they are needed; where several threads share the pools a chunk is no
// more than a quarter of what its pool has, since each of them idles a little too. Those that were
// freed are a stack of indices a chunk. The first chunk of the list that has free blocks serves; a
// chunk joins the list with its first free block, and leaves it when it has none.
//
// What upstream refuses is asked for again at half the size, down to one block. Where it refuses
// even that, the chunk with the longest fresh end lends half of it, as a chunk, to the class that
// has none: a guest. If no end is long enough, all free blocks at the ends of chunks become fresh
// again, first. Where no end is worth a chunk's bookkeeping, a request gets a run: fresh blocks of
// another class that lie side by side, as many as it needs; else a freed block of a larger class.
// So a request fails only where no class has what it needs in one piece at the end of a chunk. Of
// 1 MiB with nothing behind it, in sizes drawn from 8 to 1024, the first to be refused finds 88 %
// served by unsynchronized_pool_resource, 86 % by synchronized_pool_resource, of 256 KiB 83 % and
// 75 %: what is left is what sizes are rounded up by, and bookkeeping.
//
// A block that is given back is found by the class of its size, then by a search among the chunks
// of the class, sorted by address, the last one found first. One multiplication tells whether it
// is the start of a block there (ExactDivisor), and its flag whether it is in use and was asked
// for with this size: a flag holds the size in its low bits, and is 0 for what is free. A run is
// not found there, and is looked for among the other classes.
//
// Larger requests go to upstream as they are, and are kept in a table by address.
//
// All of it, the table and the bookkeeping included, is memory from upstream; the heap is not used.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/annotate.hpp>
#include <allot/base/size.hpp>
#include <allot/pmr/chunks.hpp>
#include <allot/pmr/large_blocks.hpp>
#include <allot/stats.hpp>
#include <allot/upstream.hpp>

#include <cstddef>
#include <cstdint>
#include <memory_resource>

namespace allot {
inline namespace ALLOT_ABI {
namespace pmr {

/// What the standard's pool_options leave open.
struct ChunkOptions {
  /// The most bytes of a chunk, bookkeeping included; 0: no limit. A chunk has one block at least,
  /// and now and then the table of all chunks of its size.
  std::size_t max_bytes = 0;
};

} // namespace pmr

namespace detail {

class SlabChunks;

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

/// What is wrong with what was given back.
struct Fault {
  Errc code;
  std::size_t detail = 0;
};

/// How much longer a pool's next chunk is.
enum class ChunkGrowth : bool { doubling, by_a_quarter };

class Pools {
public:
  static constexpr std::size_t small = 1024;

  struct Block {
    PoolChunk* chunk;
    std::size_t index;
  };

  /// Misuse, naming `owner`: a null upstream.
  Pools(const std::pmr::pool_options& options, pmr::ChunkOptions chunks,
        std::pmr::memory_resource* upstream, const char* owner);
  /// Of blocks up to `largest` bytes in chunks of whole slabs, which throws nothing.
  Pools(SlabChunks& slabs, std::size_t largest, const char* owner) noexcept;
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

  /// A block, from a new chunk if there is none; null for the chunk if there is no memory for one.
  /// `alone`: no other thread looks at chunks, so that guests may go.
  [[nodiscard]] Block take(Pool& pool, bool alone) noexcept;
  /// The same, but never grows.
  [[nodiscard]] Block try_take(Pool& pool) const noexcept;
  /// For a request whose pool has no block: a run of other pools' blocks, or else a chunk of one
  /// block, marked with `flag`. What upstream throws passes through.
  [[nodiscard, gnu::cold]] void* take_elsewhere(std::size_t bytes, std::size_t alignment,
                                                BlockFlag flag);
  /// False: there is no such run. O(classes * log chunks).
  [[nodiscard, gnu::cold]] bool give_back_run(void* p, std::size_t bytes,
                                              std::size_t alignment) noexcept;
  /// Gets a chunk from upstream, smaller ones if that refuses. False: it has not one block.
  [[nodiscard, gnu::cold]] bool try_grow(Pool& pool,
                                         ChunkGrowth growth = ChunkGrowth::doubling) noexcept;
  /// Gets a chunk in the memory of another. False: none has one long end.
  [[nodiscard, gnu::cold]] bool borrow(Pool& pool, bool alone) noexcept;
  /// Frees all blocks, and zeroes those in use if `zero`.
  void reset(bool zero) noexcept;
  /// Forgets everything, whose memory has gone.
  void abandon() noexcept;
  /// The block in use, or run, that starts at `p`, in `likely` if that is not null, or wherever it
  /// is; null for the chunk: none does. O(classes * log chunks), but O(1) if it is likely.
  [[nodiscard, gnu::cold]] Block find_in_use(const void* p, PoolChunk* likely) const noexcept;
  /// The block that `p` is in, whether or not it is in use; null for the chunk: there is none.
  [[nodiscard, gnu::cold]] Block find_around(const void* p) const noexcept;
  /// Gives chunks in which nothing is in use back to upstream, as long as it holds `keep` bytes
  /// then. O(chunks), some few times.
  [[gnu::cold]] void trim(std::size_t keep) noexcept;
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

  /// O(chunks), and after reset_peak O(free blocks). `used` and `peak` count blocks by the size of
  /// their class; `peak` adds the most of each chunk and the most that was large. What a
  /// synchronized resource has in magazines is used.
  [[nodiscard, gnu::cold]] Stats stats() const noexcept;
  /// Misuse: there is no such class. O(chunks of the class).
  [[nodiscard, gnu::cold]] ClassStats class_stats(std::size_t index) const;
  /// O(free blocks).
  [[gnu::cold]] void reset_peak() noexcept;
  /// Neither chunks nor large blocks are there.
  [[nodiscard]] bool is_empty() const noexcept { return newest_ == nullptr && large_.count() == 0; }

  /// Memory for bookkeeping, until release. What upstream throws passes through.
  [[nodiscard, gnu::cold]] void* keep(std::size_t bytes, std::size_t alignment = granule);

private:
  struct Kept {
    Kept* older;
    std::size_t bytes;
    std::size_t alignment;
  };
  /// Where the parts of a chunk lie: see add.
  struct Shape {
    std::size_t count, blocks, bytes;
    std::uint32_t room;
  };
  static constexpr std::uint32_t first_room = 4; // of a pool's table of places

  [[nodiscard]] static Shape shape_of(const Pool& pool, std::size_t count) noexcept;
  /// How many blocks a chunk has that is no larger than that, or 1.
  [[nodiscard]] std::size_t count_within(const Pool& pool, std::size_t bytes) const noexcept;
  [[nodiscard]] std::size_t count_after(const Pool& pool, ChunkGrowth growth) const noexcept;
  [[nodiscard]] std::size_t filling_slabs(const Pool& pool, std::size_t count) const noexcept;
  [[nodiscard]] void* ask(std::size_t bytes, std::size_t alignment);
  [[nodiscard]] void* try_ask(std::size_t bytes, std::size_t alignment) noexcept;
  void give(void* p, std::size_t bytes, std::size_t alignment) noexcept;
  [[nodiscard]] ChunkPlace* first_places(const Pool& pool) const noexcept {
    return places_ + static_cast<std::size_t>(&pool - pools_) * first_room;
  }
  PoolChunk& add(Pool& pool, void* memory, const Shape& shape, PoolChunk* host = nullptr) noexcept;
  [[nodiscard]] PoolChunk* longest_end() const noexcept;
  [[nodiscard]] bool lend(PoolChunk* host, Pool& pool) noexcept;
  [[nodiscard]] void* take_run(std::size_t bytes, std::size_t alignment) noexcept;
  [[nodiscard]] std::size_t peak() const noexcept;
  void take_back(std::size_t keep) noexcept;
  [[nodiscard]] PoolChunk* unlink_free(std::size_t keep) noexcept;
  void forget_going(Pool& pool) noexcept;
  void take_home(std::byte* begin, std::size_t bytes, std::size_t bookkeeping) const noexcept;
  void retire(PoolChunk& chunk) noexcept;

  // Limits of what pools serve; 0 until there are pools.
  std::size_t small_limit_ = 0;
  Pool** small_ = nullptr; // the pool of each multiple of 8 up to `small`
  std::size_t limit_ = 0;
  Pool* pools_ = nullptr;
  std::pmr::pool_options options_;
  std::size_t max_bytes_; // of a chunk
  std::pmr::memory_resource* upstream_;
  SlabChunks* slabs_ = nullptr; // in place of an upstream
  PoolChunk* newest_ = nullptr; // of all chunks
  Kept* kept_ = nullptr;
  ChunkPlace* places_ = nullptr; // the pools' first tables
  std::size_t held_ = 0;         // bytes that upstream gave for pools
  LargeBlocks large_;
  std::size_t peak_before_ = 0; // before the chunks changed that it is derived from
  bool resets_peak_ = false;    // some blocks may rest
  const char* owner_;
};

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot

#endif
