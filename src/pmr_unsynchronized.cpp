#include <allot/pmr/unsynchronized_pool_resource.hpp>

namespace allot::inline ALLOT_ABI::pmr {

ALLOT_INLINE unsynchronized_pool_resource::~unsynchronized_pool_resource() = default;

ALLOT_INLINE void* unsynchronized_pool_resource::allocate_fresh(std::size_t bytes,
                                                                std::size_t alignment) {
  detail::Pool& pool = pools_.pool(detail::last_of(bytes, alignment));
  return detail::Pools::hand_out(pool.stride, pools_.take(pool), bytes);
}

ALLOT_INLINE void* unsynchronized_pool_resource::allocate_slow(std::size_t bytes,
                                                               std::size_t alignment) {
  if (bytes == 0)
    return do_allocate(1, alignment); // no two allocations have one address
  if (pools_.start(bytes, alignment))
    return do_allocate(bytes, alignment);
  return pools_.allocate_large(bytes, alignment);
}

// In another chunk than the last.
ALLOT_INLINE void
unsynchronized_pool_resource::deallocate_elsewhere(void* p, std::size_t bytes,
                                                   std::size_t alignment) noexcept {
  detail::Pool& pool = pools_.pool(detail::last_of(bytes, alignment));
  detail::PoolChunk& chunk = *pool.find(p);
  if (pool.index_in(chunk, p) >= chunk.count) [[unlikely]]
    return pools_.refuse(p, bytes, alignment);
  pool.recent = &chunk;
  do_deallocate(p, bytes, alignment);
}

ALLOT_INLINE void unsynchronized_pool_resource::deallocate_slow(void* p, std::size_t bytes,
                                                                std::size_t alignment) noexcept {
  if (bytes == 0)
    do_deallocate(p, 1, alignment);
  else if (!pools_.deallocate_large(p, bytes, alignment))
    pools_.refuse(p, bytes, alignment);
}

} // namespace allot::inline ALLOT_ABI::pmr
