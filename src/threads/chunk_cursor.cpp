#include <allot/threads/chunk_cursor.hpp>

#include <algorithm>
#include <cstring>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

std::byte* ChunkCursor::take_beyond(std::size_t bytes, std::size_t alignment) noexcept {
  if (!has_room(bytes, alignment))
    return nullptr;
  const std::size_t skip = padding(address(head()), gap_.stretch(alignment));
  zero_to(head() + skip + gap_.stretch(round_up(bytes)));
  return take_aligned(bytes, alignment);
}

// Memory is zeroed in steps, so that it is still in the nearest cache when it is handed out. What
// lies beyond the frontier is this thread's alone, and it moves when that is done.
void ChunkCursor::zero_to(const std::byte* needed) noexcept {
  std::byte* const from = frontier();
  if (needed <= from)
    return;
  const std::size_t step =
      std::max(distance(from, needed), step_ahead(distance(begin(), from), 256));
  const std::size_t bytes = std::min(step, distance(from, end()));
  annotate::show(from, bytes);
  std::memset(from, 0, bytes);
  annotate::hide(from, bytes);
  set_frontier(from + bytes);
}

void* ChunkCursor::nothing(std::size_t alignment) const noexcept {
  const std::size_t skip = padding(address(head()), alignment);
  if (skip < distance(head(), end()))
    return head() + skip;
  // Others' memory may lie past the end; none lies at the last multiple that there is.
  const std::uintptr_t last = 0 - std::uintptr_t{std::max(alignment, granule)};
  return reinterpret_cast<void*>(last); // NOLINT(performance-no-int-to-ptr)
}

void ChunkCursor::resize_newest(std::byte* p, std::size_t old_bytes,
                                std::size_t new_bytes) noexcept {
  if (new_bytes <= old_bytes)
    truncate(p);
  else
    zero_to(p + gap_.stretch(round_up(new_bytes)));
  take(p, new_bytes);
}

void ChunkCursor::truncate(std::byte* to) noexcept {
  high_.store(std::max(used(), high_.load(std::memory_order_relaxed)), std::memory_order_relaxed);
  annotate::truncated(nullptr, to, distance(to, head()));
  head_.store(to, std::memory_order_relaxed);
}

ChunkCursor::Rest ChunkCursor::exchange(const Rest& next) noexcept {
  const Rest rest = {head(), frontier(), end()};
  const std::uintptr_t used = address(head()) - base_.load(std::memory_order_relaxed);
  const std::uint32_t before = exchanges_.load(std::memory_order_relaxed);
  exchanges_.store(before + 1, std::memory_order_relaxed);
  base_.store(address(next.begin) - used, std::memory_order_release);
  begin_.store(next.begin, std::memory_order_release);
  end_.store(next.end, std::memory_order_release);
  head_.store(next.begin, std::memory_order_release);
  set_frontier(next.frontier);
  exchanges_.store(before + 2, std::memory_order_release);
  return rest;
}

std::size_t ChunkCursor::observe_used() const noexcept {
  for (;; Atomics::yield()) {
    const std::uint32_t before = exchanges_.load(std::memory_order_acquire);
    const std::uintptr_t base = base_.load(std::memory_order_acquire);
    const std::byte* const begin = begin_.load(std::memory_order_acquire);
    const std::byte* const end = end_.load(std::memory_order_acquire);
    const std::byte* const head = head_.load(std::memory_order_acquire);
    if (before % 2 == 0 && begin <= head && head <= end &&
        exchanges_.load(std::memory_order_relaxed) == before)
      return gap_.shrink(address(head) - base);
  }
}

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
