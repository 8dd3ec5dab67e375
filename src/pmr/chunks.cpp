// How pools get chunks, lend parts of them, and give them back.
#include <allot/pmr/chunks.hpp>

#include <allot/pmr/pools.hpp>
#include <allot/pmr/runs.hpp>
#include <allot/threads/slab_chunks.hpp>

#include <algorithm>
#include <memory>
#include <new>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

[[nodiscard]] std::size_t stride_of(const PoolChunk& chunk) noexcept {
  return chunk.pool->stride;
}
[[nodiscard]] std::size_t fresh_bytes(const PoolChunk& chunk) noexcept {
  return (chunk.end - chunk.fresh) * stride_of(chunk);
}

// A shorter end is not worth a chunk's bookkeeping: it is left to runs, which need none.
inline constexpr std::size_t least_lent_from = 4096;

// Makes free blocks at the end fresh. The lowest of the others is handed out next.
void make_fresh(PoolChunk& chunk) noexcept {
  BlockIndex* const first = chunk.top - chunk.freed() + 1;
  std::sort(first, chunk.top + 1);
  while (chunk.top != chunk.bottom && *chunk.top == chunk.fresh - 1) {
    --chunk.top;
    --chunk.fresh;
  }
  std::reverse(first, chunk.top + 1);
}

Pools::Shape Pools::shape_of(const Pool& pool, std::size_t count) noexcept {
  Shape shape{};
  shape.count = count;
  shape.blocks = saturating_multiply(count, pool.stride);
  shape.room = pool.chunks == pool.room ? 2 * pool.room : 0;
  shape.bytes = saturating_add(shape.blocks, sizeof(PoolChunk) + PoolChunk::live_bytes(count) +
                                                 PoolChunk::freed_bytes(count) +
                                                 shape.room * sizeof(ChunkPlace));
  return shape;
}

std::size_t Pools::count_within(const Pool& pool, std::size_t bytes) const noexcept {
  const std::size_t least = shape_of(pool, 1).bytes + 2 * granule; // as flags and indices end
  const std::size_t more =
      bytes <= least ? 0 : (bytes - least) / (pool.stride + sizeof(BlockFlag) + sizeof(BlockIndex));
  return std::min(1 + more, options_.max_blocks_per_chunk);
}

// Of the next chunk, after one of so many as it should have had.
std::size_t Pools::count_after(const Pool& pool, ChunkGrowth growth) const noexcept {
  std::size_t most = options_.max_blocks_per_chunk;
  if (growth == ChunkGrowth::by_a_quarter) {
    std::size_t blocks = 0;
    for (std::size_t i = 0; i != pool.chunks; ++i)
      blocks += pool.places[i].chunk->count;
    most = std::min(most, std::max(pool.next_count, blocks / 4));
  }
  return std::min(2 * pool.next_count, most);
}

// As many as the slabs have room for that these lie in, or more slabs if too much of one was lost.
std::size_t Pools::filling_slabs(const Pool& pool, std::size_t count) const noexcept {
  const std::size_t least = divide_up(shape_of(pool, count).bytes, SlabChunks::extent);
  for (std::size_t slabs = least;; ++slabs) {
    const std::size_t bytes = slabs * SlabChunks::extent;
    const std::size_t blocks = std::max(count, count_within(pool, bytes));
    if (count == 1 || 4 * (bytes - shape_of(pool, blocks).bytes) <= bytes)
      return blocks;
  }
}

// | blocks | PoolChunk | live | freed | places, if there is no more room for them |
PoolChunk& Pools::add(Pool& pool, void* memory, const Shape& shape, PoolChunk* host) noexcept {
  auto* const begin = static_cast<std::byte*>(memory);
  auto* const chunk = ::new (begin + shape.blocks)
      PoolChunk{.begin = begin,
                .count = shape.count,
                .size_class = static_cast<std::uint8_t>(&pool - pools_),
                .room = shape.room,
                .end = static_cast<std::uint32_t>(shape.count),
                .host = host,
                .pool = &pool,
                .older = newest_,
                .bytes = shape.bytes};
  newest_ = chunk;
  ::new (chunk->live()) BlockFlag[shape.count]();
  std::byte* const after_live =
      reinterpret_cast<std::byte*>(chunk->live()) + PoolChunk::live_bytes(shape.count);
  chunk->top = ::new (after_live) BlockIndex[shape.count + 1];
  *chunk->top = no_block;
  chunk->bottom = chunk->top;
  if (ChunkPlace* const places = chunk->places()) {
    std::uninitialized_copy_n(pool.places, pool.chunks, places);
    pool.places = places;
    pool.room = shape.room;
  }
  pool.list(*chunk);

  const ChunkPlace place{reinterpret_cast<std::uintptr_t>(begin), chunk};
  ChunkPlace* const end = pool.places + pool.chunks;
  ChunkPlace* const after =
      std::upper_bound(pool.places, end, place,
                       [](const ChunkPlace& a, const ChunkPlace& b) { return a.begin < b.begin; });
  std::copy_backward(after, end, end + 1);
  *after = place;
  ++pool.chunks;
  annotate::open(chunk, begin, shape.blocks);
  if (slabs_ != nullptr && host == nullptr)
    slabs_->set(begin, shape.bytes, chunk);
  return *chunk;
}

bool Pools::try_grow(Pool& pool, ChunkGrowth growth) noexcept {
  const std::size_t most = std::min(pool.next_count, count_within(pool, max_bytes_));
  for (std::size_t count = most; count != 0; count /= 2) {
    const Shape shape = shape_of(pool, slabs_ == nullptr ? count : filling_slabs(pool, count));
    void* const memory = try_ask(shape.bytes, pool.alignment());
    if (memory == nullptr && slabs_ != nullptr && shape.bytes <= SlabChunks::extent)
      break; // there is nothing smaller
    if (memory == nullptr)
      continue;
    add(pool, memory, shape);
    pool.next_count = count == most ? count_after(pool, growth) : count;
    return true;
  }
  pool.next_count = 1; // or each request would ask for all of them again
  return false;
}

// ----------------------------------------------------------------------------------------- lending

bool Pools::borrow(Pool& pool, bool alone) noexcept {
  peak_before_ = peak();
  if (alone)
    take_back(max_size); // from guests
  if (lend(longest_end(), pool))
    return true;
  for (PoolChunk* chunk = newest_; chunk != nullptr; chunk = chunk->older)
    make_fresh(*chunk);
  return lend(longest_end(), pool);
}

PoolChunk* Pools::longest_end() const noexcept {
  PoolChunk* longest = newest_;
  for (PoolChunk* chunk = newest_; chunk != nullptr; chunk = chunk->older)
    if (fresh_bytes(*chunk) > fresh_bytes(*longest))
      longest = chunk;
  return longest;
}

// Half of what is fresh, since others may come, but a block at least. It lies at the very end.
bool Pools::lend(PoolChunk* host, Pool& pool) noexcept {
  if (host == nullptr || (fresh_bytes(*host) < least_lent_from && pool.stride <= most_in_run))
    return false;
  const std::size_t stride = stride_of(*host);
  std::byte* const first = host->begin + host->fresh * stride;
  std::byte* const last = host->begin + host->end * stride;
  const Shape shape = shape_of(pool, count_within(pool, fresh_bytes(*host) / 2));
  if (shape.bytes > static_cast<std::size_t>(last - first))
    return false;
  std::byte* memory = last - shape.bytes;
  memory -= reinterpret_cast<std::uintptr_t>(memory) & (pool.alignment() - 1);
  if (memory < first)
    return false;
  host->end = static_cast<std::uint32_t>(static_cast<std::size_t>(memory - host->begin) / stride);
  ++host->guests;
  annotate::show(memory, shape.bytes);
  add(pool, memory, shape, host);
  return true;
}

// ---------------------------------------------------------------------------------------- trimming

void Pools::trim(std::size_t keep) noexcept {
  peak_before_ = peak();
  if (upstream_ != nullptr && large_.count() == 0)
    large_.release(*upstream_); // its table
  take_back(keep);
}

// Each time from the newest on, so that a guest goes before its host. The chunk with a pool's table
// goes only when the others are so few that the first table has room for them: the next time.
void Pools::take_back(std::size_t keep) noexcept {
  while (PoolChunk* going = unlink_free(keep)) {
    for (std::size_t i = 0; i != classes(); ++i)
      forget_going(pools_[i]);
    while (going != nullptr)
      retire(*std::exchange(going, going->older));
  }
}

// A list of what goes, a guest before its host.
PoolChunk* Pools::unlink_free(std::size_t keep) noexcept {
  PoolChunk* going = nullptr;
  PoolChunk** last = &going;
  std::size_t held = held_;
  for (PoolChunk** link = &newest_; *link != nullptr;) {
    PoolChunk& chunk = **link;
    const Pool& pool = *chunk.pool;
    const std::size_t bytes = chunk.host == nullptr ? chunk.bytes : 0;
    const bool needed = pool.places == chunk.places() && pool.chunks > first_room + 1;
    const bool kept = bytes != 0 && (held < bytes || held - bytes < keep);
    if (!chunk.is_free() || needed || kept) {
      link = &chunk.older;
      continue;
    }
    held -= bytes;
    if (chunk.host != nullptr && --chunk.host->guests == 0)
      chunk.host->end = static_cast<std::uint32_t>(chunk.host->count);
    chunk.going = true;
    *link = chunk.older;
    chunk.older = nullptr;
    *last = &chunk;
    last = &chunk.older;
  }
  return going;
}

void Pools::forget_going(Pool& pool) noexcept {
  PoolChunk** link = &pool.available;
  while (*link != &no_chunk)
    if ((*link)->going)
      *link = (*link)->next;
    else
      link = &(*link)->next;
  const auto is_going = [](const ChunkPlace& place) { return place.chunk->going; };
  ChunkPlace* const end = pool.places + pool.chunks;
  const bool moves = std::any_of(pool.places, end, [&](const ChunkPlace& place) {
    return is_going(place) && place.chunk->places() == pool.places;
  });
  pool.chunks =
      static_cast<std::uint32_t>(std::remove_if(pool.places, end, is_going) - pool.places);
  if (moves) {
    std::copy_n(pool.places, pool.chunks, first_places(pool));
    pool.places = first_places(pool);
    pool.room = first_room;
  }
  for (std::size_t i = 0; i != pool.chunks; ++i)
    if (PoolChunk& chunk = *pool.places[i].chunk; !chunk.listed && chunk.fresh != chunk.end)
      pool.list(chunk); // its guests went
  pool.recent = &no_chunk;
}

// What was a guest's is fresh again.
void Pools::take_home(std::byte* begin, std::size_t bytes, std::size_t bookkeeping) const noexcept {
  if (slabs_ != nullptr && slabs_->zero())
    std::memset(begin + bytes - bookkeeping, 0, bookkeeping);
  annotate::hide(begin, bytes);
}

// To upstream, or to its host, where what is not handed out is hidden.
void Pools::retire(PoolChunk& chunk) noexcept {
  const PoolChunk kept = chunk; // it lies in the memory that goes
  const std::size_t alignment = chunk.pool->alignment();
  annotate::close(&chunk, kept.begin,
                  static_cast<std::size_t>(reinterpret_cast<std::byte*>(&chunk) - kept.begin));
  const std::size_t bookkeeping =
      kept.bytes - static_cast<std::size_t>(reinterpret_cast<std::byte*>(&chunk) - kept.begin);
  if (kept.host == nullptr && slabs_ == nullptr)
    give(kept.begin, kept.bytes, alignment);
  else if (kept.host == nullptr)
    held_ -= kept.bytes, slabs_->put(kept.begin, kept.bytes, bookkeeping);
  else
    take_home(kept.begin, kept.bytes, bookkeeping);
}

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
