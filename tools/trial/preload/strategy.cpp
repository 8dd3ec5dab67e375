#include "strategy.hpp"

#include <algorithm>
#include <bit>
#include <new>

#include <sys/mman.h>

namespace trial {
namespace {

constexpr std::size_t huge_page = std::size_t{2} << 20;
constexpr std::size_t smallest_arena = 4096;
constexpr std::size_t largest_arena = std::size_t{1} << 30;
constexpr std::size_t least_limit = std::size_t{64} << 20;
constexpr std::size_t fewest_blocks = 64;

const Route& route_of(const Header& plan, std::uint32_t i) {
  return reinterpret_cast<const Route*>(reinterpret_cast<const char*>(&plan) + routes_at(plan))[i];
}

// As the advice says it, a round number with some room.
std::size_t arena_for(std::uint64_t bytes) {
  const std::uint64_t most = std::min<std::uint64_t>(bytes, largest_arena / 2);
  return std::bit_ceil(std::max<std::size_t>(most + most / 4, smallest_arena));
}

} // namespace

Strategy::Strategy(const Header& plan, std::uint32_t route, std::byte* span, Instance& seen)
    : seen_(&seen), is_pool_(route_of(plan, route).kind == Kind::pool),
      serves_(plan.way == Way::routed && (plan.served >> route & 1) != 0), route_(route),
      memory_(span, span_bytes) {
  const Route& predicted = route_of(plan, route);
  seen.route = route;
  if (predicted.bytes * std::max<std::uint64_t>(predicted.blocks, 1) < huge_page)
    ::madvise(span, span_bytes, MADV_NOHUGEPAGE); // which malloc's heap would share with others
  if (is_pool_) {
    // Addresses alone; what isn't handed out isn't touched.
    const std::size_t block = std::clamp<std::size_t>(predicted.bytes, 16, span_bytes / 4);
    const std::size_t each = ((block + 15) & ~std::size_t{15}) + 8;
    const std::size_t count = std::min<std::size_t>(
        std::max<std::size_t>(predicted.blocks, fewest_blocks) * outgrown, span_bytes / 2 / each);
    ::new (&pool_) allot::BlockPool(block, allot::Buffer::from(&memory_, count * each + 4096),
                                    {.zero = false, .order = allot::Order::any, .alignment = 16});
    block_bytes_ = pool_.block_size();
  } else {
    const std::size_t arena = arena_for(predicted.bytes);
    // With heads, twice as much as is told to be too much: a plan that is wrong is not to take all
    // of the machine's memory.
    const std::size_t limit =
        std::clamp<std::size_t>(2 * outgrown * std::min<std::uint64_t>(predicted.bytes, span_bytes),
                                least_limit, span_bytes / 2);
    // Without exceptions allot's own code ends the program where an upstream refuses: it doesn't.
    ::new (&region_) allot::Region({.zero = false,
                                    .arena_size = arena,
                                    .max_arena_size = arena,
                                    .limit = limit,
                                    .upstream = &memory_});
    largest_shared_ = arena / 4 - 64;
  }
}

// The first block of an arena.
[[gnu::cold]] void* Strategy::take_first(void* q, std::size_t bytes) {
  const std::size_t extent = in_region(bytes);
  while (!region_.try_resize(q, extent, extent + 8)) {
    q = region_.try_allocate(extent); // it was the last, too
    if (!q)
      return nullptr;
    if ((reinterpret_cast<std::uintptr_t>(q) & 8) != 0) {
      void* const p = static_cast<std::byte*>(q) + 8;
      head_of(p) = bytes;
      count_in_region(bytes);
      return p;
    }
  }
  void* const p = static_cast<std::byte*>(q) + 16;
  head_of(p) = bytes | padded | led;
  count_in_region(bytes);
  return p;
}

// What may get an arena of its own has room wherever that begins, and `spare` bytes behind it.
void* Strategy::take_large(std::size_t bytes, std::size_t alignment, std::size_t spare) {
  if (bytes > largest || alignment > largest)
    return nullptr;
  const std::size_t skip = alignment > 16 ? alignment : 0;
  const std::size_t extent = in_region(bytes) + 8 + skip;
  void* const q = region_.try_allocate(extent + spare);
  if (!q)
    return nullptr;
  if (spare != 0)
    static_cast<void>(region_.try_resize(q, extent + spare, extent));
  const auto first = reinterpret_cast<std::uintptr_t>(q) + 8;
  const auto lead = ((first + alignment - 1) & ~(alignment - 1)) - first + 8;
  void* const p = static_cast<std::byte*>(q) + lead;
  head_of(p) = bytes | padded | (lead == 16 ? led : 0) | (skip != 0 ? fixed : 0);
  count_in_region(bytes);
  return p;
}

void* Strategy::allocate_growing(std::size_t bytes) {
  if (is_pool_ || bytes <= largest_shared_ || bytes > largest)
    return allocate(bytes);
  const Working working(*this);
  if (foreign_.load(std::memory_order_relaxed))
    take_back_foreign();
  void* const p = take_large(bytes, 16, bytes / 8 & ~std::size_t{15});
  if (!p)
    ++seen_->refused;
  return p;
}

void* Strategy::allocate_aligned(std::size_t bytes, std::size_t alignment) {
  if (alignment <= 16)
    return allocate(bytes);
  const Working working(*this);
  if (foreign_.load(std::memory_order_relaxed))
    take_back_foreign();
  void* const p = is_pool_ ? nullptr : take_large(bytes, alignment, 0);
  if (!p)
    ++seen_->refused;
  return p;
}

bool Strategy::try_resize(void* p, std::size_t bytes) {
  const Working working(*this);
  const std::size_t before = size_of(p);
  if (bytes > before) {
    if (is_pool_ || bytes > largest || (head_of(p) & fixed) != 0 ||
        !region_.try_resize(start_of(p), extent_of(p, before), extent_of(p, bytes)))
      return false;
    head_of(p) += bytes - before;
    seen_->bytes += counted(bytes) - counted(before);
  }
  ++seen_->served;
  ++seen_->freed;
  return true;
}

void Strategy::deallocate_moved(void* p) {
  const Working working(*this);
  if (is_pool_)
    pool_.deallocate(p);
  else if ((head_of(p) & fixed) == 0) // only what is newest, or has an arena of its own
    static_cast<void>(region_.try_resize(start_of(p), extent_of(p, size_of(p)), 0));
  count_freed();
}

void Strategy::deallocate_foreign(void* p) {
  void* first = foreign_.load(std::memory_order_relaxed);
  do
    *static_cast<void**>(p) = first;
  while (!foreign_.compare_exchange_weak(first, p, std::memory_order_release,
                                         std::memory_order_relaxed));
  seen_->foreign.fetch_add(1, std::memory_order_relaxed);
}

[[gnu::cold]] void Strategy::take_back_foreign() {
  void* p = foreign_.exchange(nullptr, std::memory_order_acquire);
  while (p) {
    void* const next = *static_cast<void**>(p);
    if (is_pool_)
      pool_.deallocate(p);
    count_freed();
    p = next;
  }
}

void Strategy::end_epoch() {
  ++seen_->epochs;
  seen_->peak = std::max(seen_->peak, seen_->bytes);
  seen_->bytes = 0;
  region_.reset();
}

} // namespace trial
