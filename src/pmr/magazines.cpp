// The depot: what happens with the lock held.
#include <allot/pmr/magazines.hpp>

#include <algorithm>
#include <mutex>
#include <new>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

// Gives the `count` blocks that were put in first to their pool.
void spill(Magazine& magazine, std::uint32_t count, Pool& pool) noexcept {
  if (count == 0) // no_magazine perhaps, which many threads have at once
    return;
  for (std::uint32_t i = 0; i != count;) {
    PoolChunk& chunk = *magazine.chunks[i];
    const std::uint32_t first = i;
    while (++i != count && magazine.chunks[i] == &chunk) {
    }
    pool.put_back(chunk, magazine.indices + first, magazine.indices + i);
  }
  std::copy(magazine.chunks + count, magazine.chunks + magazine.count, magazine.chunks);
  std::copy(magazine.indices + count, magazine.indices + magazine.count, magazine.indices);
  magazine.count -= count;
}

// Fills what it can of the `left` places below those that are filled, the lowest block uppermost.
// Tells how many are left then.
std::uint32_t fill_from_chunk(Magazine& magazine, std::uint32_t left, PoolChunk& chunk) noexcept {
  const auto freed = static_cast<std::uint32_t>(std::min<std::size_t>(left, chunk.freed()));
  const auto fresh =
      static_cast<std::uint32_t>(std::min<std::size_t>(left - freed, chunk.end - chunk.fresh));
  std::fill(magazine.chunks + left - freed - fresh, magazine.chunks + left, &chunk);
  chunk.top -= freed;
  std::copy(chunk.top + 1, chunk.top + 1 + freed, magazine.indices + left - freed);
  left -= freed;
  auto index = static_cast<BlockIndex>(chunk.fresh);
  chunk.fresh += fresh;
  for (const std::uint32_t rest = left - fresh; left != rest;)
    magazine.indices[--left] = index++;
  return left;
}

} // namespace detail

namespace pmr {

// When the loaded magazine is empty: makes it one that is not. False: there is none to fill.
bool synchronized_pool_resource::refill(detail::ThreadCache& mine, detail::Shelf& shelf,
                                        std::size_t class_index) {
  if (shelf.previous->count != 0) {
    std::swap(shelf.loaded, shelf.previous);
    return true;
  }
  const std::lock_guard lock(mutex_);
  adopt_orphans();
  detail::Pool& pool = pools_.pool(detail::class_size(class_index) - 1);
  if (detail::Magazine* const full = full_[class_index]) {
    full_[class_index] = full->next;
    store(std::exchange(shelf.previous, std::exchange(shelf.loaded, full)), class_index);
    make_room(shelf, pool);
    return true;
  }
  if (!stock(shelf, class_index))
    return false;
  detail::Magazine& magazine = *shelf.loaded;
  detail::Pools::Block block = first_block(&mine, pool);
  if (block.chunk == nullptr)
    return false;
  std::uint32_t left = magazine.capacity;
  do {
    magazine.chunks[--left] = block.chunk;
    magazine.indices[left] = static_cast<detail::BlockIndex>(block.index);
    left = detail::fill_from_chunk(magazine, left, *block.chunk);
  } while (left != 0 && (block = pools_.try_take(pool)).chunk != nullptr);
  magazine.settle(left);
  make_room(shelf, pool);
  return true;
}

// A magazine and room for places, and an empty magazine for the depot, come with the first block
// of a class that a thread takes, because giving back must not ask upstream.
bool synchronized_pool_resource::stock(detail::Shelf& shelf, std::size_t class_index) noexcept {
  if (shelf.loaded != &detail::no_magazine)
    return true;
  detail::Magazine* first = empty_;
  if (shelf.room != 0 && first != nullptr) // the shelf had a magazine before
    empty_ = first->next;
  else
    first = new_magazine(detail::first_room_of_shelf);
  if (first == nullptr)
    return false;
  first->capacity = detail::magazine_capacity(class_index);
  shelf.loaded = first;
  if (shelf.room == 0) {
    shelf.places = reinterpret_cast<detail::ChunkPlace*>(first + 1);
    shelf.room = detail::first_room_of_shelf;
  }
  if (empty_ == nullptr)
    store(new_magazine(0), class_index);
  return true;
}

// With room for so many places behind it. Null if upstream refuses.
detail::Magazine* synchronized_pool_resource::new_magazine(std::uint32_t places) noexcept {
  const std::size_t bytes = sizeof(detail::Magazine) + places * sizeof(detail::ChunkPlace);
  void* const memory = detail::null_if_thrown([&] { return pools_.keep(bytes); });
  return memory == nullptr ? nullptr : ::new (memory) detail::Magazine;
}

// From the pool or upstream. Where that refuses, what lies in magazines may become a chunk of this
// pool's. Null for the chunk: there is no memory.
detail::Pools::Block synchronized_pool_resource::first_block(detail::ThreadCache* mine,
                                                             detail::Pool& pool) {
  detail::Pools::Block block = pools_.try_take(pool);
  if (block.chunk == nullptr && !pools_.try_grow(pool)) {
    put_away(mine);
    block = pools_.try_take(pool);
    if (block.chunk == nullptr && !pools_.borrow(pool, false))
      return block;
  }
  return block.chunk == nullptr ? pools_.try_take(pool) : block;
}

// Gives what lies in the depot, and at `cache` if that is not null, to the pools.
void synchronized_pool_resource::put_away(detail::ThreadCache* cache) noexcept {
  for (std::size_t i = 0; full_ != nullptr && i != pools_.classes(); ++i) {
    detail::Pool& pool = pools_.pool(detail::class_size(i) - 1);
    while (detail::Magazine* const full = full_[i]) {
      full_[i] = full->next;
      detail::spill(*full, full->count, pool);
      store(full, i);
    }
    if (cache == nullptr)
      continue;
    detail::Shelf& shelf = cache->shelves()[i];
    detail::spill(*shelf.loaded, shelf.loaded->count, pool);
    detail::spill(*shelf.previous, shelf.previous->count, pool);
  }
}

// When the loaded magazine is full.
void synchronized_pool_resource::put_slow(detail::Shelf& shelf, std::size_t class_index,
                                          detail::Pools::Block block) noexcept {
  if (shelf.previous->count != shelf.previous->capacity) {
    std::swap(shelf.loaded, shelf.previous);
  } else {
    const std::lock_guard lock(mutex_);
    detail::Pool& pool = pools_.pool(detail::class_size(class_index) - 1);
    if (detail::Magazine* const empty = empty_) {
      empty_ = empty->next;
      empty->capacity = detail::magazine_capacity(class_index);
      store(std::exchange(shelf.previous, std::exchange(shelf.loaded, empty)), class_index);
    } else if (shelf.loaded == &detail::no_magazine) {
      return pool.put_back(*block.chunk, block.index);
    } else if (shelf.previous != &detail::no_magazine) {
      detail::spill(*shelf.previous, shelf.previous->count, pool);
      std::swap(shelf.loaded, shelf.previous);
    } else { // half, so that neither taking nor giving comes here again soon
      detail::spill(*shelf.loaded, (shelf.loaded->count + 1) / 2, pool);
    }
  }
  shelf.loaded->push(block);
}

void synchronized_pool_resource::store(detail::Magazine* magazine,
                                       std::size_t class_index) noexcept {
  if (magazine == nullptr || magazine == &detail::no_magazine)
    return;
  detail::Magazine*& list = magazine->count == 0 ? empty_ : full_[class_index];
  magazine->next = list;
  list = magazine;
}

void synchronized_pool_resource::adopt_orphans() noexcept {
  if (orphans_.load(std::memory_order_relaxed) == nullptr)
    return;
  detail::ThreadCache* orphan = orphans_.exchange(nullptr, std::memory_order_acquire);
  while (orphan != nullptr) {
    for (std::size_t i = 0; i != pools_.classes(); ++i) {
      detail::Shelf& shelf = orphan->shelves()[i];
      store(std::exchange(shelf.loaded, &detail::no_magazine), i);
      store(std::exchange(shelf.previous, &detail::no_magazine), i);
    }
    detail::ThreadCache* const next = orphan->next_left;
    orphan->next_left = idle_;
    idle_ = orphan;
    orphan = next;
  }
}

// A cache that no thread has. What upstream throws passes through.
detail::ThreadCache* synchronized_pool_resource::make_idle() {
  const std::size_t classes = pools_.classes();
  if (full_ == nullptr)
    full_ = ::new (pools_.keep(classes * sizeof(void*))) detail::Magazine* [classes] {};
  void* const memory = pools_.keep((classes + 1) * sizeof(detail::Shelf), alignof(detail::Shelf));
  auto* const cache = ::new (memory) detail::ThreadCache{this, serial_, caches_};
  for (std::size_t i = 0; i != classes; ++i) {
    const detail::Pool& pool = pools_.pool(detail::class_size(i) - 1);
    detail::Shelf& shelf = *::new (cache->shelves() + i) detail::Shelf;
    shelf.by_stride = pool.by_stride;
    shelf.stride = pool.stride;
  }
  cache->next_left = idle_;
  return caches_ = idle_ = cache;
}

// Without room the shelf stays as it is: the pool is asked the next time too.
void synchronized_pool_resource::update(detail::Shelf& shelf, const detail::Pool& pool) noexcept {
  if (shelf.room < pool.chunks)
    return;
  std::copy_n(pool.places, pool.chunks, shelf.places);
  shelf.chunks = pool.chunks;
}

// Where a thread takes, not where it gives back, since upstream is asked.
void synchronized_pool_resource::make_room(detail::Shelf& shelf,
                                           const detail::Pool& pool) noexcept {
  if (shelf.room >= pool.chunks)
    return;
  void* const memory =
      detail::null_if_thrown([&] { return pools_.keep(pool.room * sizeof(detail::ChunkPlace)); });
  if (memory == nullptr)
    return;
  shelf.places = static_cast<detail::ChunkPlace*>(memory);
  shelf.room = pool.room;
  shelf.chunks = 0;
}

} // namespace pmr
} // namespace ALLOT_ABI
} // namespace allot
