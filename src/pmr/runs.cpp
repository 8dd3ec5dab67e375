// How pools serve a request for which there is neither a block of its class nor room for a chunk:
// with blocks of another class that lie side by side, fresh ones. It takes as many as it needs, so
// that no more is lost than part of one; there is no bookkeeping but the blocks' flags.
#include <allot/pmr/runs.hpp>

#include <allot/pmr/pools.hpp>

#include <algorithm>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

[[nodiscard]] std::size_t blocks_for(std::size_t bytes, std::size_t stride) noexcept {
  return (red_zones.stretch(round_up(bytes)) + stride - 1) / stride;
}

// The run that loses least. A block of a larger class that was freed is the last resort.
void* Pools::take_run(std::size_t bytes, std::size_t alignment) noexcept {
  PoolChunk* best = nullptr;
  std::size_t least = max_size;
  for (PoolChunk* chunk = newest_; chunk != nullptr; chunk = chunk->older) {
    const std::size_t stride = chunk->pool->stride;
    const std::size_t count = blocks_for(bytes, stride);
    const std::byte* const first = chunk->begin + chunk->fresh * stride;
    if (count <= chunk->end - chunk->fresh && count * stride < least &&
        (reinterpret_cast<std::uintptr_t>(first) & (alignment - 1)) == 0) {
      best = chunk;
      least = count * stride;
    }
  }
  if (best != nullptr) {
    const std::size_t first = best->fresh;
    best->fresh += least / best->pool->stride;
    std::fill(best->live() + first + 1, best->live() + best->fresh, run_goes_on);
    return hand_out(best->pool->stride, {best, first}, bytes, run_flag_of(bytes));
  }
  for (std::size_t i = class_of(last_of(bytes, alignment)) + 1; i < classes(); ++i) {
    Pool& pool = pools_[i];
    if (class_size(i) % alignment != 0)
      continue;
    if (const Block block = try_take(pool); block.chunk != nullptr)
      return hand_out(pool.stride, block, bytes, run_flag_of(bytes));
  }
  return nullptr;
}

void* Pools::take_elsewhere(std::size_t bytes, std::size_t alignment, BlockFlag flag) {
  if (bytes <= most_in_run)
    if (void* const p = take_run(bytes, alignment))
      return p;
  Pool& own = pool(last_of(bytes, alignment));
  const Shape shape = shape_of(own, 1);
  void* const memory =
      slabs_ != nullptr ? try_ask(shape.bytes, own.alignment()) : ask(shape.bytes, own.alignment());
  if (memory == nullptr)
    return nullptr;
  add(own, memory, shape);
  return hand_out(own.stride, try_take(own), bytes, flag);
}

bool Pools::give_back_run(void* p, std::size_t bytes, std::size_t alignment) noexcept {
  if (bytes > most_in_run || !is_power_of_two(alignment) || p == nullptr)
    return false;
  for (std::size_t i = 0; i != classes(); ++i) {
    Pool& pool = pools_[i];
    PoolChunk& chunk = *pool.find(p);
    std::size_t index = pool.index_in(chunk, p);
    if (index >= chunk.end || chunk.live()[index] != run_flag_of(bytes))
      continue;
    annotate::freed(&chunk, p, bytes);
    // Not by the flags behind it: another thread may have those.
    for (std::size_t left = blocks_for(bytes, pool.stride); left != 0; --left) {
      chunk.live()[index] = 0;
      pool.put_back(chunk, index++);
    }
    return true;
  }
  return false;
}

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
