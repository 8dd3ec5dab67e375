#include <allot/pmr/pools.hpp>

#include <allot/pmr/runs.hpp>
#include <allot/threads/slab_chunks.hpp>

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <new>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

inline constexpr std::size_t largest_block = std::size_t{4} << 20;
inline constexpr std::size_t default_largest_block = 4096;
// Others have up to 2^19, with less bookkeeping a block: so chunks are no larger than theirs.
inline constexpr std::size_t most_blocks = std::size_t{1} << 18;

// A pool starts with so many bytes of blocks, but with one block at least, and at most 64.
inline constexpr std::size_t first_chunk = 4096;

// The classes end where largest_required_pool_block lies, so what is in force is a class.
std::pmr::pool_options in_force(std::pmr::pool_options options) noexcept {
  if (options.max_blocks_per_chunk == 0)
    options.max_blocks_per_chunk = most_blocks;
  options.max_blocks_per_chunk = std::min(options.max_blocks_per_chunk, most_blocks);
  if (options.largest_required_pool_block == 0)
    options.largest_required_pool_block = default_largest_block;
  const std::size_t largest = std::min(options.largest_required_pool_block, largest_block);
  options.largest_required_pool_block = class_size(class_of(largest - 1));
  return options;
}

Pools::Pools(const std::pmr::pool_options& options, pmr::ChunkOptions chunks,
             std::pmr::memory_resource* upstream, const char* owner)
    : options_(in_force(options)), max_bytes_(chunks.max_bytes == 0 ? max_size : chunks.max_bytes),
      upstream_(upstream), owner_(owner) {
  UpstreamRef(upstream).check(owner);
}

Pools::Pools(SlabChunks& slabs, std::size_t largest, const char* owner) noexcept
    : options_(in_force({.max_blocks_per_chunk = 0, .largest_required_pool_block = largest})),
      max_bytes_(max_size), upstream_(nullptr), slabs_(&slabs), owner_(owner) {}

void* Pools::ask(std::size_t bytes, std::size_t alignment) {
  void* const p = UpstreamRef(upstream_).ask(bytes, alignment, owner_);
  held_ += bytes;
  return p;
}

// Null where that would throw, for a chunk.
void* Pools::try_ask(std::size_t bytes, std::size_t alignment) noexcept {
  if (slabs_ != nullptr) {
    void* const p = slabs_->take(bytes, alignment);
    held_ += p == nullptr ? 0 : bytes;
    return p;
  }
  return null_if_thrown([&] { return ask(bytes, alignment); });
}

void Pools::give(void* p, std::size_t bytes, std::size_t alignment) noexcept {
  held_ -= bytes;
  upstream_->deallocate(p, bytes, alignment);
}

void Pools::release() noexcept {
  peak_before_ = peak();
  while (newest_ != nullptr) { // a guest before its host, which is older
    PoolChunk& chunk = *newest_;
    newest_ = chunk.older;
    retire(chunk);
  }
  while (kept_ != nullptr) {
    const Kept kept = *kept_;
    give(kept_, kept.bytes, kept.alignment);
    kept_ = kept.older;
  }
  abandon();
  if (upstream_ != nullptr)
    large_.release(*upstream_);
}

void Pools::abandon() noexcept {
  for (; newest_ != nullptr; newest_ = newest_->older)
    annotate::close(
        newest_, newest_->begin,
        static_cast<std::size_t>(reinterpret_cast<std::byte*>(newest_) - newest_->begin));
  held_ = 0;
  kept_ = nullptr;
  pools_ = nullptr;
  small_ = nullptr;
  limit_ = small_limit_ = 0;
}

void Pools::reset(bool zero) noexcept {
  for (PoolChunk* chunk = newest_; chunk != nullptr; chunk = chunk->older)
    for (std::size_t i = 0; i != chunk->fresh; ++i) {
      const BlockFlag flag = chunk->live()[i];
      if (flag == 0 || flag == rests)
        continue;
      const std::size_t bytes = red_zones.shrink(chunk->pool->stride);
      std::byte* const p = chunk->begin + i * chunk->pool->stride;
      if (zero) {
        annotate::show(p, bytes);
        std::memset(p, 0, bytes);
      }
      if (flag != run_goes_on)
        annotate::freed(chunk, p, bytes);
      annotate::hide(p, bytes);
      chunk->live()[i] = 0;
      chunk->pool->put_back(*chunk, i);
    }
}

Pools::Block Pools::find_in_use(const void* p, PoolChunk* likely) const noexcept {
  const auto in_chunk = [p](PoolChunk& chunk, const Pool& pool) {
    const std::size_t index = pool.index_in(chunk, p);
    const BlockFlag flag = index < chunk.end ? chunk.live()[index] : BlockFlag{0};
    const bool in_use = flag != 0 && flag != rests && flag != run_goes_on;
    return Block{in_use ? &chunk : nullptr, index};
  };
  Block block = likely != nullptr ? in_chunk(*likely, *likely->pool) : Block{nullptr, 0};
  for (std::size_t i = 0; block.chunk == nullptr && limit_ != 0 && i != classes(); ++i)
    block = in_chunk(*pools_[i].find(p), pools_[i]);
  return block;
}

Pools::Block Pools::find_around(const void* p) const noexcept {
  for (std::size_t i = 0; limit_ != 0 && i != classes(); ++i) {
    const Pool& pool = pools_[i];
    PoolChunk& chunk = *pool.find(p);
    const std::size_t offset =
        reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(chunk.begin);
    if (offset >= chunk.end * pool.stride) // what lies behind may be lent to another pool
      continue;
    std::size_t index = offset / pool.stride;
    while (chunk.live()[index] == run_goes_on)
      --index;
    if (index < chunk.fresh)
      return {&chunk, index};
  }
  return {nullptr, 0};
}

void* Pools::keep(std::size_t bytes, std::size_t alignment) {
  if (slabs_ != nullptr)
    return slabs_->keep(bytes, alignment);
  const std::size_t front = (sizeof(Kept) + alignment - 1) & (0 - alignment);
  void* const memory = ask(front + bytes, alignment);
  kept_ = ::new (memory) Kept{kept_, front + bytes, alignment};
  return static_cast<std::byte*>(memory) + front;
}

bool Pools::start(std::size_t bytes, std::size_t alignment) {
  if (!is_power_of_two(alignment))
    throw_bad_alignment(owner_, alignment);
  if (last_of(bytes, alignment) >= options_.largest_required_pool_block)
    return false;
  if (limit_ != 0)
    return true;
  void* const memory = keep(classes() * (sizeof(Pool) + first_room * sizeof(ChunkPlace)) +
                                small / granule * sizeof(void*),
                            alignof(Pool));
  if (memory == nullptr)
    return false;
  pools_ = static_cast<Pool*>(memory);
  places_ = reinterpret_cast<ChunkPlace*>(pools_ + classes());
  for (std::size_t i = 0; i != classes(); ++i) {
    const std::size_t size = class_size(i);
    Pool& pool = *::new (pools_ + i) Pool;
    pool.places = first_places(pool);
    pool.room = first_room;
    pool.stride = red_zones.stretch(size);
    pool.by_stride = ExactDivisor(pool.stride);
    pool.next_count = std::min(std::clamp(first_chunk / size, std::size_t{1}, std::size_t{64}),
                               options_.max_blocks_per_chunk);
    if (slabs_ != nullptr)
      pool.next_count = filling_slabs(pool, 2);
  }
  small_ = reinterpret_cast<Pool**>(places_ + classes() * first_room);
  for (std::size_t i = 0; i != small / granule; ++i)
    small_[i] = pools_ + std::min(class_of(i * granule), classes() - 1);
  limit_ = options_.largest_required_pool_block;
  small_limit_ = std::min(limit_, small);
  return true;
}

void* Pools::allocate_large(std::size_t bytes, std::size_t alignment) {
  if (slabs_ != nullptr)
    return nullptr;
  large_.make_room_for_one(*upstream_, owner_);
  void* const p = UpstreamRef(upstream_).ask(bytes, alignment, owner_);
  large_.insert({p, bytes, alignment});
  return p;
}

bool Pools::deallocate_large(void* p, std::size_t bytes, std::size_t alignment) noexcept {
  LargeBlocks::Entry* const entry = large_.find(p);
  if (entry == nullptr || entry->bytes != bytes || entry->alignment != alignment)
    return false;
  large_.erase(entry);
  upstream_->deallocate(p, bytes, alignment);
  return true;
}

Pools::Block Pools::try_take(Pool& pool) const noexcept {
  while (pool.available != &no_chunk) {
    PoolChunk& chunk = *pool.available;
    if (chunk.top != chunk.bottom)
      return {&chunk, *chunk.top--};
    if (chunk.fresh != chunk.end)
      return {&chunk, chunk.fresh++};
    pool.available = chunk.next;
    chunk.listed = false;
  }
  return {nullptr, 0};
}

Pools::Block Pools::take(Pool& pool, bool alone) noexcept {
  const Block block = try_take(pool);
  return block.chunk == nullptr && (try_grow(pool) || borrow(pool, alone)) ? try_take(pool) : block;
}

Stats Pools::stats() const noexcept {
  Stats stats{};
  stats.name = owner_;
  for (const PoolChunk* chunk = newest_; chunk != nullptr; chunk = chunk->older) {
    const std::size_t size = red_zones.shrink(chunk->pool->stride);
    stats.capacity += chunk->end * size;
    stats.used += (chunk->fresh - chunk->freed()) * size;
  }
  stats.available = stats.capacity - stats.used;
  stats.capacity += large_.bytes();
  stats.used += large_.bytes();
  stats.peak = peak();
  stats.committed = held_ + large_.bytes() + large_.table_bytes();
  return stats;
}

// A chunk's freed blocks are a stack, and fresh ones come when it is empty: those that were not
// handed out since reset_peak were never in use together with the others.
std::size_t Pools::peak() const noexcept {
  std::size_t bytes = large_.peak();
  for (PoolChunk* chunk = newest_; chunk != nullptr; chunk = chunk->older) {
    std::size_t blocks = chunk->fresh;
    if (resets_peak_)
      blocks -= static_cast<std::size_t>(
          std::count_if(chunk->bottom + 1, static_cast<const BlockIndex*>(chunk->top) + 1,
                        [&](BlockIndex index) { return chunk->live()[index] == rests; }));
    bytes += blocks * red_zones.shrink(chunk->pool->stride);
  }
  return std::max(bytes, peak_before_);
}

void Pools::reset_peak() noexcept {
  for (PoolChunk* chunk = newest_; chunk != nullptr; chunk = chunk->older)
    for (const BlockIndex* index = chunk->bottom; index++ != chunk->top;)
      chunk->live()[*index] = rests;
  resets_peak_ = true;
  peak_before_ = 0;
  large_.reset_peak();
}

ClassStats Pools::class_stats(std::size_t index) const {
  if (index >= classes())
    throw_misuse(owner_, Errc::out_of_bounds, "class %zu was asked for, there are %zu", index,
                 classes());
  ClassStats stats{class_size(index), 0, 0};
  for (std::size_t i = 0; limit_ != 0 && i != pools_[index].chunks; ++i) {
    const PoolChunk& chunk = *pools_[index].places[i].chunk;
    stats.used += chunk.fresh - chunk.freed();
    stats.available += chunk.end - chunk.fresh + chunk.freed();
  }
  return stats;
}

Fault Pools::fault(const void* p, std::size_t alignment) noexcept {
  if (!is_power_of_two(alignment))
    return {Errc::bad_alignment};
  if (p == nullptr)
    return {Errc::null_pointer};
  if (const LargeBlocks::Entry* const entry = large_.find(p))
    return {Errc::bad_size, entry->bytes};
  for (std::size_t i = 0; limit_ != 0 && i != classes(); ++i) {
    const Pool& pool = pools_[i];
    PoolChunk& chunk = *pool.find(p);
    const std::size_t offset =
        reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(chunk.begin);
    if (offset >= chunk.end * pool.stride) // what lies behind may be lent to another pool
      continue;
    std::size_t first = offset / pool.stride;
    while (chunk.live()[first] == run_goes_on)
      --first;
    if (offset != first * pool.stride)
      return {Errc::misaligned_pointer, offset - first * pool.stride};
    if (first >= chunk.fresh)
      return {Errc::foreign_pointer};
    const BlockFlag flag = chunk.live()[first];
    if (flag == 0 || flag == rests)
      return {Errc::double_free};
    return {Errc::bad_size, is_run(flag) ? bytes_of_run(flag) : class_size(i)};
  }
  return {Errc::foreign_pointer};
}

void Pools::report(Fault fault, const void* p, std::size_t bytes,
                   std::size_t alignment) const noexcept {
  switch (fault.code) {
  case Errc::bad_alignment:
    return report_misuse(owner_, fault.code, "alignment %zu is not a power of two", alignment);
  case Errc::null_pointer:
    return report_misuse(owner_, fault.code, "a null pointer was given back");
  case Errc::bad_size:
    return report_misuse(owner_, fault.code,
                         "%zu bytes aligned to %zu given back at %p, where a block of %zu was "
                         "asked for otherwise",
                         bytes, alignment, p, fault.detail);
  case Errc::misaligned_pointer:
    return report_misuse(owner_, fault.code, "%p lies %zu bytes into a block, not at its start", p,
                         fault.detail);
  case Errc::double_free:
    return report_misuse(owner_, fault.code, "the block at %p is free already", p);
  default:
    return report_misuse(owner_, fault.code, "%p was not handed out by this resource", p);
  }
}

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
