#include <allot/threads/shared_pools.hpp>

#include <allot/pmr/runs.hpp>

#include <algorithm>
#include <new>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

SharedPools::SharedPools(const std::pmr::pool_options& options, pmr::ChunkOptions chunks,
                         std::pmr::memory_resource* upstream, const char* owner)
    : pools_(options, chunks, upstream, owner),
      limit_(pools_.options().largest_required_pool_block) {}

SharedPools::SharedPools(SlabChunks& slabs, std::size_t largest, const char* owner)
    : pools_(slabs, largest, owner), on_slabs_(true),
      limit_(pools_.options().largest_required_pool_block) {}

void SharedPools::release() noexcept {
  forget_parts();
  const std::lock_guard lock(mutex);
  full_ = nullptr;
  std::fill(std::begin(empty_), std::end(empty_), nullptr);
  threads_ = 0;
  on_slabs_ ? pools_.abandon() : pools_.release();
}

void SharedPools::reset(bool zero) noexcept {
  const std::lock_guard lock(mutex);
  collect();
  empty_depot();
  for (ThreadPart* part = parts(); part != nullptr; part = part->next_of_shared)
    empty(static_cast<PoolPart&>(*part));
  pools_.reset(zero);
}

bool SharedPools::is_busy() const noexcept {
  if (!mutex.try_lock())
    return true;
  bool busy = false;
  for (const ThreadPart* part = parts(); part != nullptr; part = part->next_of_shared)
    busy = busy || part->lock.is_inside();
  mutex.unlock();
  return busy;
}

std::size_t SharedPools::idle(std::size_t size_class) noexcept {
  collect();
  std::size_t sum = 0;
  const auto add_up = [&](const Magazine& magazine, std::size_t of) {
    sum += size_class == any_class ? magazine.count * class_size(of)
                                   : (of == size_class ? magazine.count : 0);
  };
  for (std::size_t i = 0; full_ != nullptr && i != classes(); ++i)
    for (const Magazine* magazine = full_[i]; magazine != nullptr; magazine = magazine->next)
      add_up(*magazine, i);
  if (!close_parts())
    return sum;
  for (ThreadPart* part = parts(); part != nullptr; part = part->next_of_shared)
    for (std::size_t i = 0; i != classes(); ++i) {
      const Shelf& shelf = static_cast<PoolPart*>(part)->shelf(i);
      add_up(*shelf.loaded, i);
      add_up(*shelf.previous, i);
    }
  open_parts();
  return sum;
}

void SharedPools::trim(std::size_t keep) noexcept {
  const std::lock_guard lock(mutex);
  collect();
  empty_depot();
  if (!close_parts())
    return;
  for (ThreadPart* part = parts(); part != nullptr; part = part->next_of_shared) {
    empty(static_cast<PoolPart&>(*part));
    for (std::size_t i = 0; i != classes(); ++i) {
      Shelf& shelf = static_cast<PoolPart*>(part)->shelf(i);
      shelf.recent = &no_chunk;
      shelf.chunks = 0;
    }
  }
  pools_.trim(keep);
  open_parts();
}

// ---------------------------------------------------------------------------------------- taking

void* SharedPools::allocate_slow(std::size_t bytes, std::size_t alignment, BlockFlag flag) {
  bytes = std::max(bytes, std::size_t{1}); // no two allocations have one address
  const std::size_t last = last_of(bytes, alignment);
  const std::size_t size_class = class_of(last);
  PoolPart* mine = pooled(last, alignment) ? find_my_part() : nullptr;
  if (mine != nullptr && mine->lock.enter()) {
    Shelf& shelf = mine->shelf(size_class);
    if (shelf.loaded->count == 0)
      std::swap(shelf.loaded, shelf.previous);
    const Block block = shelf.loaded->count != 0 ? shelf.loaded->pop() : Block{};
    mine->lock.leave();
    if (block.chunk != nullptr)
      return Pools::hand_out(shelf.stride, block, bytes, flag);
  }
  const std::lock_guard lock(mutex);
  if (mine == nullptr) {
    if (!pools_.start(bytes, alignment))
      return pools_.allocate_large(bytes, alignment);
    mine = null_if_thrown([this] { return attach(); });
  }
  const Block block = take_any(mine, size_class);
  return block.chunk == nullptr ? pools_.take_elsewhere(bytes, alignment, flag)
                                : Pools::hand_out(pool_of(size_class).stride, block, bytes, flag);
}

// Null for the chunk: there is no memory. `mine` is null when the thread ends and has no part, or
// where upstream has no memory for it.
Pools::Block SharedPools::take_any(PoolPart* mine, std::size_t size_class) noexcept {
  collect();
  if (mine == nullptr)
    return block_of(nullptr, pool_of(size_class));
  Shelf& shelf = mine->shelf(size_class);
  if (shelf.loaded->count == 0)
    std::swap(shelf.loaded, shelf.previous);
  return shelf.loaded->count != 0 ? shelf.loaded->pop() : fetch(*mine, size_class);
}

// From the pool or upstream. Where that refuses, what lies in magazines may serve, or become a
// chunk of this pool's: this thread's and the depot's, and then those of all.
Pools::Block SharedPools::block_of(PoolPart* mine, Pool& pool) noexcept {
  const auto free_block = [&] {
    const Block block = pools_.try_take(pool);
    return block.chunk == nullptr && pools_.borrow(pool, false) ? pools_.try_take(pool) : block;
  };
  Block block = pools_.try_take(pool);
  if (block.chunk != nullptr)
    return block;
  if (pools_.try_grow(pool, threads_ > 1 ? ChunkGrowth::by_a_quarter : ChunkGrowth::doubling))
    return pools_.try_take(pool);
  empty_depot();
  if (mine != nullptr)
    empty(*mine);
  block = free_block();
  return block.chunk == nullptr && empty_others() ? free_block() : block;
}

// --------------------------------------------------------------------------------------- giving
// back

// In another chunk than the last, or not as it should be.
void SharedPools::deallocate_elsewhere(PoolPart& mine, void* p, std::size_t bytes,
                                       std::size_t alignment) noexcept {
  const std::size_t size_class = class_of(last_of(bytes, alignment));
  Shelf& shelf = mine.shelf(size_class);
  if (shelf.chunks != 0) {
    PoolChunk& chunk = *search(shelf.places, shelf.chunks, reinterpret_cast<std::uintptr_t>(p));
    const std::size_t index = shelf.index_in(chunk, p);
    if (index < chunk.count && chunk.live()[index] == flag_of(bytes)) {
      shelf.recent = &chunk;
      chunk.live()[index] = 0;
      annotate::freed(&chunk, p, bytes);
      if (shelf.loaded->count == shelf.loaded->capacity)
        return put_slow(mine, size_class, {&chunk, index});
      shelf.loaded->push({&chunk, index});
      return mine.lock.leave();
    }
  }
  mine.lock.leave();
  deallocate_slow(p, bytes, alignment);
}

// When the loaded magazine is full.
void SharedPools::put_slow(PoolPart& mine, std::size_t size_class, Block block) noexcept {
  Shelf& shelf = mine.shelf(size_class);
  if (shelf.previous->count != shelf.previous->capacity) {
    std::swap(shelf.loaded, shelf.previous);
    shelf.loaded->push(block);
    return mine.lock.leave();
  }
  mine.lock.leave();
  const std::lock_guard lock(mutex);
  put(mine, size_class, block);
}

void SharedPools::deallocate_slow(void* p, std::size_t bytes, std::size_t alignment) noexcept {
  bytes = std::max(bytes, std::size_t{1});
  const std::size_t last = last_of(bytes, alignment);
  PoolPart* mine = pooled(last, alignment) ? find_my_part() : nullptr;
  std::unique_lock lock(mutex);
  if (pools_.serves(last, alignment)) {
    const std::size_t size_class = class_of(last);
    Pool& pool = pool_of(size_class);
    PoolChunk& chunk = *pool.find(p);
    const std::size_t index = pool.index_in(chunk, p);
    if (index < chunk.count && chunk.live()[index] == flag_of(bytes)) {
      chunk.live()[index] = 0;
      annotate::freed(&chunk, p, bytes);
      return take_back(mine, {&chunk, index});
    }
    if (pools_.give_back_run(p, bytes, alignment))
      return;
  } else if (pools_.deallocate_large(p, bytes, alignment)) {
    return;
  }
  const Fault fault = pools_.fault(p, alignment);
  lock.unlock(); // the handler may use the resource
  pools_.report(fault, p, bytes, alignment);
}

// Of a block that is not in use any more. A thread has no part when it ends, or where upstream
// would have to be asked for one.
void SharedPools::take_back(PoolPart* mine, Block block) noexcept {
  const std::size_t size_class = block.chunk->size_class;
  Pool& pool = pool_of(size_class);
  if (mine == nullptr)
    mine = attach_idle();
  if (mine == nullptr)
    return pool.put_back(*block.chunk, block.index);
  Shelf& shelf = mine->shelf(size_class);
  shelf.recent = block.chunk;
  if (!on_slabs_)
    update(shelf, pool);
  put(*mine, size_class, block);
}

void SharedPools::give_back(Block block, bool zero) noexcept {
  const Pool& pool = *block.chunk->pool;
  const std::size_t bytes = red_zones.shrink(pool.stride);
  std::byte* const p = block.chunk->begin + block.index * pool.stride;
  const BlockFlag flag = block.chunk->live()[block.index];
  if (is_run(flag)) {
    if (zero)
      wipe(p, round_up(bytes_of_run(flag)));
    (void)pools_.give_back_run(p, bytes_of_run(flag), 1);
    return;
  }
  block.chunk->live()[block.index] = 0;
  if (zero)
    wipe(p, bytes);
  annotate::freed(block.chunk, p, bytes);
  take_back(find_my_part(), block);
}

// ------------------------------------------------------------------------------------------ parts

// A part for this thread; null if it has ended but for its destructors.
PoolPart* SharedPools::attach() {
  if (!thread_has_parts())
    return nullptr;
  collect();
  if (!has_idle())
    add_part();
  PoolPart* const part = attach_idle();
  if (!has_idle()) // for a thread that only gives back, which must not ask upstream
    (void)null_if_thrown([this] { return add_part(), this; });
  return part;
}

// The same, but null if there is none.
PoolPart* SharedPools::attach_idle() noexcept {
  collect();
  ThreadPart* const part = thread_has_parts() ? take_idle() : nullptr;
  if (part != nullptr) {
    Shared::attach(*part);
    ++threads_;
  }
  return static_cast<PoolPart*>(part);
}

// One that no thread has, if there is memory. What upstream throws passes through.
void SharedPools::add_part() {
  if (full_ == nullptr) {
    void* const lists = pools_.keep(classes() * sizeof(void*));
    if (lists == nullptr)
      return;
    full_ = ::new (lists) Magazine* [classes()] {};
  }
  void* const memory = pools_.keep((classes() + 1) * sizeof(Shelf), alignof(Shelf));
  if (memory == nullptr)
    return;
  auto* const part = ::new (memory) PoolPart(*this);
  for (std::size_t i = 0; i != classes(); ++i) {
    Shelf& shelf = *::new (&part->shelf(i)) Shelf;
    shelf.by_stride = pool_of(i).by_stride;
    shelf.stride = static_cast<std::uint32_t>(pool_of(i).stride);
  }
  add(*part);
}

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
