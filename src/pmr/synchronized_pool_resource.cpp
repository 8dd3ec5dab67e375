#include <allot/pmr/magazines.hpp>
#include <allot/pmr/synchronized_pool_resource.hpp>

#include <algorithm>
#include <new>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

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
                                                       std::pmr::memory_resource* upstream,
                                                       ChunkOptions chunks)
    : serial_(detail::next_serial()), pools_(options, chunks, upstream, resource_name) {
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

void synchronized_pool_resource::trim(std::size_t keep) {
  {
    const std::lock_guard lock(mutex_);
    adopt_orphans();
    for (detail::ThreadCache* cache = caches_; cache != nullptr; cache = cache->next_of_resource)
      put_away(cache);
    pools_.trim(keep);
    for (detail::ThreadCache* cache = caches_; cache != nullptr; cache = cache->next_of_resource)
      for (std::size_t i = 0; i != pools_.classes(); ++i) {
        cache->shelves()[i].recent = &detail::no_chunk;
        cache->shelves()[i].chunks = 0;
      }
  }
  if (keep == 0 && pools_.is_empty())
    release();
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

inline void* synchronized_pool_resource::take(detail::ThreadCache& mine, std::size_t bytes,
                                              std::size_t alignment) {
  detail::Shelf& shelf = mine.shelves()[detail::class_of(detail::last_of(bytes, alignment))];
  if (shelf.loaded->count == 0) [[unlikely]]
    return take_slow(mine, bytes, alignment);
  return detail::Pools::hand_out(shelf.stride, shelf.loaded->pop(), bytes, detail::flag_of(bytes));
}

void* synchronized_pool_resource::take_slow(detail::ThreadCache& mine, std::size_t bytes,
                                            std::size_t alignment) {
  const std::size_t class_index = detail::class_of(detail::last_of(bytes, alignment));
  return refill(mine, mine.shelves()[class_index], class_index)
             ? take(mine, bytes, alignment)
             : take_directly(&mine, bytes, alignment);
}

// Of a block that is in use as it should be.
inline void synchronized_pool_resource::put(detail::Shelf& shelf, detail::PoolChunk& chunk,
                                            std::size_t index, void* p, std::size_t bytes,
                                            std::size_t alignment) noexcept {
  chunk.live()[index] = 0;
  annotate::freed(&chunk, p, bytes);
  detail::Magazine& magazine = *shelf.loaded;
  if (magazine.count == magazine.capacity) [[unlikely]]
    return put_slow(shelf, detail::class_of(detail::last_of(bytes, alignment)), {&chunk, index});
  magazine.push({&chunk, index});
}

inline void synchronized_pool_resource::give_back(detail::ThreadCache& mine, void* p,
                                                  std::size_t bytes,
                                                  std::size_t alignment) noexcept {
  detail::Shelf& shelf = mine.shelves()[detail::class_of(detail::last_of(bytes, alignment))];
  detail::PoolChunk& chunk = *shelf.recent;
  const std::size_t index = shelf.index_in(chunk, p);
  if (index >= chunk.count || chunk.live()[index] != detail::flag_of(bytes)) [[unlikely]]
    return deallocate_elsewhere(shelf, p, bytes, alignment);
  put(shelf, chunk, index, p, bytes, alignment);
}

void* synchronized_pool_resource::do_allocate(std::size_t bytes, std::size_t alignment) {
  const detail::RecentCache& recent = detail::recent[serial_ % detail::recent_caches];
  if (recent.serial != serial_ || !pooled(detail::last_of(bytes, alignment), alignment))
      [[unlikely]]
    return allocate_slow(bytes, alignment);
  return take(*recent.cache, bytes, alignment);
}

void synchronized_pool_resource::do_deallocate(void* p, std::size_t bytes, std::size_t alignment) {
  const detail::RecentCache& recent = detail::recent[serial_ % detail::recent_caches];
  if (recent.serial != serial_ || !pooled(detail::last_of(bytes, alignment), alignment))
      [[unlikely]]
    return deallocate_slow(p, bytes, alignment);
  give_back(*recent.cache, p, bytes, alignment);
}

void* synchronized_pool_resource::allocate_slow(std::size_t bytes, std::size_t alignment) {
  bytes = std::max(bytes, std::size_t{1}); // no two allocations have one address
  const std::size_t last = detail::last_of(bytes, alignment);
  detail::ThreadCache* mine = pooled(last, alignment) ? linked_cache() : nullptr;
  if (mine == nullptr) {
    const std::lock_guard lock(mutex_);
    if (!pools_.start(bytes, alignment))
      return pools_.allocate_large(bytes, alignment);
    mine = detail::null_if_thrown([this] { return attach(); });
  }
  return mine == nullptr ? take_directly(nullptr, bytes, alignment) : take(*mine, bytes, alignment);
}

// When the thread ends and has no part, or where upstream has no memory for it.
void* synchronized_pool_resource::take_directly(detail::ThreadCache* mine, std::size_t bytes,
                                                std::size_t alignment) {
  const std::lock_guard lock(mutex_);
  adopt_orphans();
  detail::Pool& pool = pools_.pool(detail::last_of(bytes, alignment));
  const detail::Pools::Block block = first_block(mine, pool);
  const detail::BlockFlag flag = detail::flag_of(bytes);
  return block.chunk == nullptr ? pools_.take_elsewhere(bytes, alignment, flag)
                                : detail::Pools::hand_out(pool.stride, block, bytes, flag);
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
      mine = attach_idle();
    if (mine == nullptr) { // the thread ends, or upstream would have to be asked
      if (pooled) {
        detail::Pool& pool = pools_.pool(last);
        if (pool.give_back(*pool.find(p), p, bytes, detail::flag_of(bytes)) ||
            pools_.give_back_run(p, bytes, alignment))
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
      if (pools_.give_back_run(p, bytes, alignment))
        return;
      const detail::Fault fault = pools_.fault(p, alignment);
      lock.unlock(); // the handler may use the resource
      return pools_.report(fault, p, bytes, alignment);
    }
  }
  shelf.recent = chunk;
  put(shelf, *chunk, shelf.index_in(*chunk, p), p, bytes, alignment);
}

// A cache for this thread; null if it has ended but for its destructors.
detail::ThreadCache* synchronized_pool_resource::attach() {
  if (detail::thread_ended)
    return nullptr;
  adopt_orphans();
  if (idle_ == nullptr)
    make_idle();
  detail::ThreadCache* const cache = attach_idle();
  if (idle_ == nullptr) // for a thread that only gives back, which must not ask upstream
    (void)detail::null_if_thrown([this] { return make_idle(); });
  return cache;
}

// The same, but null if there is none.
detail::ThreadCache* synchronized_pool_resource::attach_idle() noexcept {
  adopt_orphans();
  if (detail::thread_ended || idle_ == nullptr)
    return nullptr;
  detail::ThreadCache* const cache = std::exchange(idle_, idle_->next_left);
  const std::lock_guard lock(detail::registry());
  detail::ThreadCache*& first = detail::this_thread.caches;
  cache->next_of_thread = first;
  cache->link_of_thread = &first;
  if (first != nullptr)
    first->link_of_thread = &cache->next_of_thread;
  first = cache;
  detail::recent[serial_ % detail::recent_caches] = {serial_, cache};
  return cache;
}

} // namespace pmr
} // namespace ALLOT_ABI
} // namespace allot
