#include <allot/pmr/pools.hpp>

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
inline constexpr std::size_t most_blocks = std::size_t{1} << 30; // a BlockIndex can tell more
inline constexpr std::size_t default_most_blocks = std::size_t{1} << 20;

// A pool starts with so many bytes of blocks, but with one block at least, and at most 64.
inline constexpr std::size_t first_chunk = 4096;

// The classes end where largest_required_pool_block lies, so what is in force is a class.
std::pmr::pool_options in_force(std::pmr::pool_options options) noexcept {
  if (options.max_blocks_per_chunk == 0)
    options.max_blocks_per_chunk = default_most_blocks;
  options.max_blocks_per_chunk = std::min(options.max_blocks_per_chunk, most_blocks);
  if (options.largest_required_pool_block == 0)
    options.largest_required_pool_block = default_largest_block;
  const std::size_t largest = std::min(options.largest_required_pool_block, largest_block);
  options.largest_required_pool_block = class_size(class_of(largest - 1));
  return options;
}

// ------------------------------------------------------------------------------------ large blocks

std::size_t LargeBlocks::home(const void* p) const noexcept {
  // The high bits of a product with 2^64 divided by the golden ratio are the well mixed ones.
  const auto mixed =
      static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(p)) * 0x9E3779B97F4A7C15;
  return static_cast<std::size_t>(mixed >> 32) & (slots_ - 1);
}

void LargeBlocks::make_room_for_one(std::pmr::memory_resource& upstream, const char* owner) {
  if (used_ + 1 <= slots_ / 2)
    return;
  const std::size_t slots = std::max(slots_ * 2, std::size_t{16});
  void* const memory =
      UpstreamRef(&upstream).allocate(slots * sizeof(Entry), alignof(Entry), owner);
  Entry* const old = table_;
  const std::size_t old_slots = slots_;
  table_ = ::new (memory) Entry[slots]();
  slots_ = slots;
  used_ = 0;
  for (std::size_t i = 0; i != old_slots; ++i)
    if (old[i].p != nullptr)
      insert(old[i]);
  if (old != nullptr)
    upstream.deallocate(old, old_slots * sizeof(Entry), alignof(Entry));
}

void LargeBlocks::insert(const Entry& entry) noexcept {
  std::size_t slot = home(entry.p);
  while (table_[slot].p != nullptr)
    slot = after(slot);
  table_[slot] = entry;
  ++used_;
}

LargeBlocks::Entry* LargeBlocks::find(const void* p) noexcept {
  if (slots_ == 0 || p == nullptr)
    return nullptr;
  for (std::size_t slot = home(p); table_[slot].p != nullptr; slot = after(slot))
    if (table_[slot].p == p)
      return &table_[slot];
  return nullptr;
}

// Moves up what would not be found past an empty slot.
void LargeBlocks::erase(Entry* entry) noexcept {
  auto hole = static_cast<std::size_t>(entry - table_);
  for (std::size_t slot = after(hole); table_[slot].p != nullptr; slot = after(slot)) {
    const std::size_t from_home = (slot - home(table_[slot].p)) & (slots_ - 1);
    if (from_home >= ((slot - hole) & (slots_ - 1))) {
      table_[hole] = table_[slot];
      hole = slot;
    }
  }
  table_[hole] = Entry{};
  --used_;
}

void LargeBlocks::release(std::pmr::memory_resource& upstream) noexcept {
  if (table_ == nullptr)
    return;
  for (std::size_t i = 0; i != slots_; ++i)
    if (table_[i].p != nullptr)
      upstream.deallocate(table_[i].p, table_[i].bytes, table_[i].alignment);
  upstream.deallocate(table_, slots_ * sizeof(Entry), alignof(Entry));
  table_ = nullptr;
  slots_ = used_ = 0;
}

// ------------------------------------------------------------------------------------------- pools

Pools::Pools(const std::pmr::pool_options& options, std::pmr::memory_resource* upstream,
             const char* owner)
    : options_(in_force(options)), upstream_(upstream), owner_(owner) {
  UpstreamRef(upstream).check(owner);
}

void Pools::release() noexcept {
  while (newest_ != nullptr) {
    const PoolChunk chunk = *newest_; // it lies in the memory that goes
    annotate::close(newest_, chunk.begin,
                    static_cast<std::size_t>(reinterpret_cast<std::byte*>(newest_) - chunk.begin));
    newest_ = chunk.older;
    upstream_->deallocate(chunk.begin, chunk.bytes, chunk.alignment);
  }
  while (kept_ != nullptr) {
    const Kept kept = *kept_;
    upstream_->deallocate(kept_, kept.bytes, alignof(Kept));
    kept_ = kept.older;
  }
  pools_ = nullptr;
  small_ = nullptr;
  limit_ = small_limit_ = 0;
  large_.release(*upstream_);
}

void* Pools::keep(std::size_t bytes) {
  const std::size_t all = sizeof(Kept) + bytes;
  void* const memory = UpstreamRef(upstream_).allocate(all, alignof(Kept), owner_);
  kept_ = ::new (memory) Kept{kept_, all};
  return kept_ + 1;
}

bool Pools::start(std::size_t bytes, std::size_t alignment) {
  if (!is_power_of_two(alignment))
    throw_bad_alignment(owner_, alignment);
  if (last_of(bytes, alignment) >= options_.largest_required_pool_block)
    return false;
  if (limit_ != 0)
    return true;
  pools_ = static_cast<Pool*>(keep(classes() * sizeof(Pool) + small / granule * sizeof(void*)));
  for (std::size_t i = 0; i != classes(); ++i) {
    const std::size_t size = class_size(i);
    Pool& pool = *::new (pools_ + i) Pool;
    pool.stride = red_zones.stretch(size);
    pool.by_stride = ExactDivisor(pool.stride);
    pool.next_count = std::min(std::clamp(first_chunk / size, std::size_t{1}, std::size_t{64}),
                               options_.max_blocks_per_chunk);
  }
  small_ = reinterpret_cast<Pool**>(pools_ + classes());
  for (std::size_t i = 0; i != small / granule; ++i)
    small_[i] = pools_ + std::min(class_of(i * granule), classes() - 1);
  limit_ = options_.largest_required_pool_block;
  small_limit_ = std::min(limit_, small);
  return true;
}

void* Pools::allocate_large(std::size_t bytes, std::size_t alignment) {
  large_.make_room_for_one(*upstream_, owner_);
  void* const p = UpstreamRef(upstream_).allocate(bytes, alignment, owner_);
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
    if (chunk.fresh != chunk.count)
      return {&chunk, chunk.fresh++};
    pool.available = chunk.next;
    chunk.listed = false;
  }
  return {nullptr, 0};
}

Pools::Block Pools::take(Pool& pool) {
  const Block block = try_take(pool);
  if (block.chunk != nullptr)
    return block;
  grow(pool);
  return try_take(pool);
}

// | blocks | PoolChunk | live | freed | places, if there is no more room for them |
void Pools::grow(Pool& pool) {
  const std::size_t count = pool.next_count;
  const std::uint32_t room = pool.chunks == pool.room ? std::max(2 * pool.room, 8U) : 0;
  const std::size_t blocks = saturating_multiply(count, pool.stride);
  const std::size_t live = round_up(count * sizeof(BlockFlag));
  const std::size_t freed = round_up((count + 1) * sizeof(BlockIndex));
  const std::size_t bytes =
      saturating_add(blocks, sizeof(PoolChunk) + live + freed + room * sizeof(ChunkPlace));
  const std::size_t alignment =
      std::max(pool.stride & (0 - pool.stride), alignof(std::max_align_t));
  auto* const begin =
      static_cast<std::byte*>(UpstreamRef(upstream_).allocate(bytes, alignment, owner_));

  std::byte* at = begin + blocks;
  auto* const chunk = ::new (at) PoolChunk{.begin = begin, .count = count};
  at += sizeof(PoolChunk);
  ::new (at) BlockFlag[count]();
  at += live;
  chunk->top = ::new (at) BlockIndex[count + 1];
  *chunk->top = no_block;
  chunk->bottom = chunk->top;
  at += freed;
  if (room != 0) {
    auto* const places = reinterpret_cast<ChunkPlace*>(at);
    std::uninitialized_copy_n(pool.places, pool.chunks, places);
    pool.places = places;
    pool.room = room;
  }
  chunk->bytes = bytes;
  chunk->alignment = alignment;
  chunk->older = newest_;
  newest_ = chunk;
  chunk->listed = true;
  chunk->next = pool.available;
  pool.available = chunk;

  const ChunkPlace place{reinterpret_cast<std::uintptr_t>(begin), chunk};
  ChunkPlace* const end = pool.places + pool.chunks;
  ChunkPlace* const after =
      std::upper_bound(pool.places, end, place,
                       [](const ChunkPlace& a, const ChunkPlace& b) { return a.begin < b.begin; });
  std::copy_backward(after, end, end + 1);
  *after = place;
  ++pool.chunks;
  pool.next_count = std::min(2 * count, options_.max_blocks_per_chunk);
  annotate::open(chunk, begin, blocks);
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
    if (offset >= chunk.count * pool.stride)
      continue;
    if (offset % pool.stride != 0)
      return {Errc::misaligned_pointer, offset % pool.stride};
    if (offset / pool.stride >= chunk.fresh)
      return {Errc::foreign_pointer};
    if (chunk.live()[offset / pool.stride] == 0)
      return {Errc::double_free};
    return {Errc::bad_size, class_size(i)};
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
