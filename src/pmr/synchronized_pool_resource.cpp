#include <allot/pmr/synchronized_pool_resource.hpp>

#include <algorithm>
#include <new>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

inline constexpr std::size_t most_in_magazine = 64;

/// Free blocks of one class.
struct Magazine {
  std::size_t count = 0;
  std::size_t capacity = 0;
  Magazine* next = nullptr; // of the list it is in
  Pools::Block blocks[most_in_magazine];
};

// In place of a magazine where there is none: both empty and full.
inline constinit Magazine no_magazine{};

// About 32 KiB of blocks, so that not much lies idle.
[[nodiscard]] std::size_t magazine_capacity(std::size_t class_index) noexcept {
  return std::clamp(std::size_t{32768} / class_size(class_index), std::size_t{4}, most_in_magazine);
}

/// A thread's part of a class. Only that thread touches it.
struct alignas(64) Shelf {
  Magazine* loaded = &no_magazine;
  Magazine* previous = &no_magazine;
  PoolChunk* recent = &no_chunk; // where the last block that was given back lies
  ExactDivisor by_stride;
  std::size_t stride = 0;
  ChunkPlace* places = nullptr; // the pool's, as they were when last looked at
  std::uint32_t chunks = 0;
  std::uint32_t room = 0;

  [[nodiscard]] std::size_t index_in(const PoolChunk& chunk, const void* p) const noexcept {
    return by_stride.quotient(reinterpret_cast<std::uintptr_t>(p) -
                              reinterpret_cast<std::uintptr_t>(chunk.begin));
  }
};

/// What a thread has of a resource. It is in memory of the resource, and in two lists: the
/// resource's and, while the thread lives, the thread's.
struct ThreadCache {
  pmr::synchronized_pool_resource* resource;
  std::uint64_t serial;
  ThreadCache* next_of_resource;
  ThreadCache* next_of_thread = nullptr;
  ThreadCache** link_of_thread = nullptr; // what points to this one; null when the thread ended
  ThreadCache* next_left = nullptr;       // orphans, or idle ones

  [[nodiscard]] Shelf* shelves() noexcept {
    return reinterpret_cast<Shelf*>(reinterpret_cast<std::byte*>(this) + sizeof(Shelf));
  }
  /// With the registry locked.
  void unlink() noexcept {
    *link_of_thread = next_of_thread;
    if (next_of_thread != nullptr)
      next_of_thread->link_of_thread = link_of_thread;
    link_of_thread = nullptr;
  }
  /// Leaves what it has to the resource, which lives as long as the registry is locked.
  void leave() noexcept {
    std::atomic<ThreadCache*>& orphans = resource->orphans_;
    next_left = orphans.load(std::memory_order_relaxed);
    while (!orphans.compare_exchange_weak(next_left, this, std::memory_order_release,
                                          std::memory_order_relaxed)) {
    }
  }
};
static_assert(sizeof(ThreadCache) <= sizeof(Shelf));

/// Guards the lists of all threads. Nothing else is locked while it is. Never destroyed, since
/// threads may end, and resources be used, after static objects are gone.
[[nodiscard]] std::mutex& registry() noexcept {
  union Kept {
    Kept() noexcept : mutex() {}
    Kept(const Kept&) = delete;
    Kept& operator=(const Kept&) = delete;
    ~Kept() {} // NOLINT(modernize-use-equals-default): not every mutex is trivially destroyed
    std::mutex mutex;
  };
  static Kept kept;
  return kept.mutex;
}
constinit std::atomic<std::uint64_t> last_serial = 0;

[[nodiscard]] std::uint64_t next_serial() noexcept {
  return last_serial.fetch_add(1, std::memory_order_relaxed) + 1;
}

// The caches that this thread used last, by serial. Serials are never used again, so an entry of a
// resource that is gone is harmless.
struct RecentCache {
  std::uint64_t serial;
  ThreadCache* cache;
};
inline constexpr std::size_t recent_caches = 8;
constinit thread_local RecentCache recent[recent_caches] = {};
constinit thread_local bool thread_ended = false;

/// Leaves the thread's caches to their resources when it ends.
struct Thread {
  Thread() = default;
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;
  ~Thread() {
    thread_ended = true; // other destructors may still allocate: without a cache
    std::fill_n(recent, recent_caches, RecentCache{});
    const std::lock_guard lock(registry());
    while (caches != nullptr) {
      ThreadCache* const cache = caches;
      cache->unlink();
      cache->leave();
    }
  }
  ThreadCache* caches = nullptr;
};
thread_local Thread this_thread;

} // namespace detail

namespace pmr {

synchronized_pool_resource::synchronized_pool_resource(const std::pmr::pool_options& options,
                                                       std::pmr::memory_resource* upstream)
    : serial_(detail::next_serial()), pools_(options, upstream, resource_name) {
  limit_ = pools_.options().largest_required_pool_block;
}

synchronized_pool_resource::~synchronized_pool_resource() {
  release();
}

void synchronized_pool_resource::release() {
  {
    const std::lock_guard lock(detail::registry());
    for (detail::ThreadCache* cache = caches_; cache != nullptr; cache = cache->next_of_resource)
      if (cache->link_of_thread != nullptr)
        cache->unlink();
  }
  const std::lock_guard lock(mutex_);
  serial_ = detail::next_serial();
  orphans_.store(nullptr, std::memory_order_relaxed);
  caches_ = idle_ = nullptr;
  empty_ = nullptr;
  full_ = nullptr;
  pools_.release();
}

detail::ThreadCache* synchronized_pool_resource::cache() const noexcept {
  const detail::RecentCache& recent = detail::recent[serial_ % detail::recent_caches];
  return recent.serial == serial_ ? recent.cache : nullptr;
}

// Pushed out of the recent ones by another resource's.
detail::ThreadCache* synchronized_pool_resource::linked_cache() const noexcept {
  if (detail::thread_ended)
    return nullptr;
  const std::lock_guard lock(detail::registry());
  detail::ThreadCache* cache = detail::this_thread.caches;
  while (cache != nullptr && cache->serial != serial_)
    cache = cache->next_of_thread;
  if (cache != nullptr)
    detail::recent[serial_ % detail::recent_caches] = {serial_, cache};
  return cache;
}

void* synchronized_pool_resource::take(detail::ThreadCache& mine, std::size_t bytes,
                                       std::size_t alignment) {
  const std::size_t class_index = detail::class_of(detail::last_of(bytes, alignment));
  detail::Shelf& shelf = mine.shelves()[class_index];
  if (shelf.loaded->count == 0) [[unlikely]]
    refill(shelf, class_index);
  const detail::Pools::Block block = shelf.loaded->blocks[--shelf.loaded->count];
  return detail::Pools::hand_out(shelf.stride, block, bytes, detail::flag_of(bytes));
}

// Of a block that is in use as it should be.
void synchronized_pool_resource::put(detail::Shelf& shelf, detail::Pools::Block block, void* p,
                                     std::size_t bytes, std::size_t alignment) noexcept {
  block.chunk->live()[block.index] = 0;
  annotate::freed(block.chunk, p, bytes);
  detail::Magazine& magazine = *shelf.loaded;
  if (magazine.count == magazine.capacity) [[unlikely]]
    return put_slow(shelf, detail::class_of(detail::last_of(bytes, alignment)), block);
  magazine.blocks[magazine.count++] = block;
}

void synchronized_pool_resource::give_back(detail::ThreadCache& mine, void* p, std::size_t bytes,
                                           std::size_t alignment) noexcept {
  detail::Shelf& shelf = mine.shelves()[detail::class_of(detail::last_of(bytes, alignment))];
  detail::PoolChunk& chunk = *shelf.recent;
  const std::size_t index = shelf.index_in(chunk, p);
  if (index >= chunk.count || chunk.live()[index] != detail::flag_of(bytes)) [[unlikely]]
    return deallocate_elsewhere(shelf, p, bytes, alignment);
  put(shelf, {&chunk, index}, p, bytes, alignment);
}

void* synchronized_pool_resource::do_allocate(std::size_t bytes, std::size_t alignment) {
  detail::ThreadCache* const mine = cache();
  if (mine == nullptr || !pooled(detail::last_of(bytes, alignment), alignment)) [[unlikely]]
    return allocate_slow(bytes, alignment);
  return take(*mine, bytes, alignment);
}

void synchronized_pool_resource::do_deallocate(void* p, std::size_t bytes, std::size_t alignment) {
  detail::ThreadCache* const mine = cache();
  if (mine == nullptr || !pooled(detail::last_of(bytes, alignment), alignment)) [[unlikely]]
    return deallocate_slow(p, bytes, alignment);
  give_back(*mine, p, bytes, alignment);
}

void* synchronized_pool_resource::allocate_slow(std::size_t bytes, std::size_t alignment) {
  bytes = std::max(bytes, std::size_t{1}); // no two allocations have one address
  const std::size_t last = detail::last_of(bytes, alignment);
  detail::ThreadCache* mine = pooled(last, alignment) ? linked_cache() : nullptr;
  if (mine == nullptr) {
    const std::lock_guard lock(mutex_);
    if (!pools_.start(bytes, alignment))
      return pools_.allocate_large(bytes, alignment);
    mine = attach();
    if (mine == nullptr) { // the thread ends
      detail::Pool& pool = pools_.pool(last);
      return detail::Pools::hand_out(pool.stride, pools_.take(pool), bytes, detail::flag_of(bytes));
    }
  }
  return take(*mine, bytes, alignment);
}

void synchronized_pool_resource::deallocate_slow(void* p, std::size_t bytes,
                                                 std::size_t alignment) noexcept {
  bytes = std::max(bytes, std::size_t{1});
  const std::size_t last = detail::last_of(bytes, alignment);
  detail::ThreadCache* mine = pooled(last, alignment) ? linked_cache() : nullptr;
  if (mine == nullptr) {
    std::unique_lock lock(mutex_);
    const bool pooled = pools_.serves(last, alignment);
    if (pooled)
      mine = detail::null_if_thrown([this] { return attach(); });
    if (mine == nullptr) { // the thread ends, or there is no memory for its part
      if (pooled) {
        detail::Pool& pool = pools_.pool(last);
        if (pool.give_back(*pool.find(p), p, bytes, detail::flag_of(bytes)))
          return;
      } else if (pools_.deallocate_large(p, bytes, alignment)) {
        return;
      }
      const detail::Fault fault = pools_.fault(p, alignment);
      lock.unlock(); // the handler may use the resource
      return pools_.report(fault, p, bytes, alignment);
    }
  }
  give_back(*mine, p, bytes, alignment);
}

// In another chunk than the last, or not as it should be.
void synchronized_pool_resource::deallocate_elsewhere(detail::Shelf& shelf, void* p,
                                                      std::size_t bytes,
                                                      std::size_t alignment) noexcept {
  const auto in_use = [&](detail::PoolChunk& chunk) {
    const std::size_t index = shelf.index_in(chunk, p);
    return index < chunk.count && chunk.live()[index] == detail::flag_of(bytes);
  };
  detail::PoolChunk* chunk = &detail::no_chunk;
  if (shelf.chunks != 0)
    chunk = detail::search(shelf.places, shelf.chunks, reinterpret_cast<std::uintptr_t>(p));
  if (!in_use(*chunk)) {
    std::unique_lock lock(mutex_);
    const detail::Pool& pool = pools_.pool(detail::last_of(bytes, alignment));
    update(shelf, pool);
    chunk = pool.find(p);
    if (!in_use(*chunk)) {
      const detail::Fault fault = pools_.fault(p, alignment);
      lock.unlock(); // the handler may use the resource
      return pools_.report(fault, p, bytes, alignment);
    }
  }
  shelf.recent = chunk;
  put(shelf, {chunk, shelf.index_in(*chunk, p)}, p, bytes, alignment);
}

// When the loaded magazine is empty: makes it one that is not.
void synchronized_pool_resource::refill(detail::Shelf& shelf, std::size_t class_index) {
  if (shelf.previous->count != 0)
    return std::swap(shelf.loaded, shelf.previous);
  const std::lock_guard lock(mutex_);
  adopt_orphans();
  if (detail::Magazine* const full = full_[class_index]) {
    full_[class_index] = full->next;
    store(std::exchange(shelf.previous, std::exchange(shelf.loaded, full)), class_index);
    return;
  }
  if (shelf.loaded == &detail::no_magazine) {
    shelf.loaded = empty_magazine();
    shelf.loaded->capacity = detail::magazine_capacity(class_index);
  }
  detail::Magazine& magazine = *shelf.loaded;
  detail::Pool& pool = pools_.pool(detail::class_size(class_index) - 1);
  for (detail::Pools::Block block = pools_.take(pool); block.chunk != nullptr;
       block = magazine.count == magazine.capacity ? detail::Pools::Block{nullptr, 0}
                                                   : pools_.try_take(pool))
    magazine.blocks[magazine.count++] = block;
  std::reverse(magazine.blocks, magazine.blocks + magazine.count); // the lowest comes first
}

// When the loaded magazine is full.
void synchronized_pool_resource::put_slow(detail::Shelf& shelf, std::size_t class_index,
                                          detail::Pools::Block block) noexcept {
  if (shelf.previous->count != shelf.previous->capacity) {
    std::swap(shelf.loaded, shelf.previous);
  } else {
    const std::lock_guard lock(mutex_);
    detail::Magazine* const empty = detail::null_if_thrown([this] { return empty_magazine(); });
    if (empty == nullptr) // upstream has no memory for a magazine
      return pools_.pool(detail::class_size(class_index) - 1).put_back(*block.chunk, block.index);
    empty->capacity = detail::magazine_capacity(class_index);
    store(std::exchange(shelf.previous, std::exchange(shelf.loaded, empty)), class_index);
  }
  shelf.loaded->blocks[shelf.loaded->count++] = block;
}

void synchronized_pool_resource::store(detail::Magazine* magazine,
                                       std::size_t class_index) noexcept {
  if (magazine == &detail::no_magazine)
    return;
  detail::Magazine*& list = magazine->count == 0 ? empty_ : full_[class_index];
  magazine->next = list;
  list = magazine;
}

detail::Magazine* synchronized_pool_resource::empty_magazine() {
  if (empty_ != nullptr)
    return std::exchange(empty_, empty_->next);
  return ::new (pools_.keep(sizeof(detail::Magazine))) detail::Magazine;
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

// A cache for this thread; null if it has ended but for its destructors.
detail::ThreadCache* synchronized_pool_resource::attach() {
  if (detail::thread_ended)
    return nullptr;
  adopt_orphans();
  const std::size_t classes = pools_.classes();
  if (full_ == nullptr)
    full_ = ::new (pools_.keep(classes * sizeof(void*))) detail::Magazine* [classes] {};
  detail::ThreadCache* cache = idle_;
  if (cache != nullptr) {
    idle_ = cache->next_left;
  } else {
    void* const memory = pools_.keep((classes + 1) * sizeof(detail::Shelf));
    cache = ::new (memory) detail::ThreadCache{this, serial_, caches_};
    caches_ = cache;
    for (std::size_t i = 0; i != classes; ++i) {
      const detail::Pool& pool = pools_.pool(detail::class_size(i) - 1);
      detail::Shelf& shelf = *::new (cache->shelves() + i) detail::Shelf;
      shelf.by_stride = pool.by_stride;
      shelf.stride = pool.stride;
    }
  }
  {
    const std::lock_guard lock(detail::registry());
    detail::ThreadCache*& first = detail::this_thread.caches;
    cache->next_of_thread = first;
    cache->link_of_thread = &first;
    if (first != nullptr)
      first->link_of_thread = &cache->next_of_thread;
    first = cache;
  }
  detail::recent[serial_ % detail::recent_caches] = {serial_, cache};
  return cache;
}

// Without memory for it the shelf stays as it is: the pool is asked the next time too.
void synchronized_pool_resource::update(detail::Shelf& shelf, const detail::Pool& pool) noexcept {
  if (shelf.room < pool.chunks) {
    void* const memory =
        detail::null_if_thrown([&] { return pools_.keep(pool.room * sizeof(detail::ChunkPlace)); });
    if (memory == nullptr)
      return;
    shelf.places = static_cast<detail::ChunkPlace*>(memory);
    shelf.room = pool.room;
  }
  std::copy_n(pool.places, pool.chunks, shelf.places);
  shelf.chunks = pool.chunks;
}

} // namespace pmr
} // namespace ALLOT_ABI
} // namespace allot
