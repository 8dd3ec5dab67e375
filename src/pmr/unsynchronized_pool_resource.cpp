#include <allot/pmr/unsynchronized_pool_resource.hpp>

#include <algorithm>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

// As the inline functions mark blocks.
BlockFlag flag_in_its_pool(std::size_t bytes, std::size_t alignment) noexcept {
  return last_of(bytes, alignment) < Pools::small ? small_flag_of(bytes) : flag_of(bytes);
}

} // namespace detail

namespace pmr {
unsynchronized_pool_resource::~unsynchronized_pool_resource() = default;

void unsynchronized_pool_resource::trim(std::size_t keep) noexcept {
  pools_.trim(keep);
  if (keep == 0 && pools_.is_empty())
    release();
}

// When the first chunk has no freed block, or for blocks that are not small.
void* unsynchronized_pool_resource::allocate_fresh(std::size_t bytes, std::size_t alignment) {
  detail::Pool& pool = pools_.pool(detail::last_of(bytes, alignment));
  const detail::BlockFlag flag = detail::flag_in_its_pool(bytes, alignment);
  const detail::Pools::Block block = pools_.take(pool, true);
  return block.chunk == nullptr ? pools_.take_elsewhere(bytes, alignment, flag)
                                : detail::Pools::hand_out(pool.stride, block, bytes, flag);
}

// Neither small nor, perhaps, for a pool.
void* unsynchronized_pool_resource::allocate_slow(std::size_t bytes, std::size_t alignment) {
  bytes = std::max(bytes, std::size_t{1}); // no two allocations have one address
  if (pools_.serves(detail::last_of(bytes, alignment), alignment) || pools_.start(bytes, alignment))
    return allocate_fresh(bytes, alignment);
  return pools_.allocate_large(bytes, alignment);
}

// Not in the chunk where the last was, or not as it should be.
void unsynchronized_pool_resource::deallocate_elsewhere(void* p, std::size_t bytes,
                                                        std::size_t alignment) noexcept {
  detail::Pool& pool = pools_.pool(detail::last_of(bytes, alignment));
  detail::PoolChunk& chunk = *pool.find(p);
  if (pool.give_back(chunk, p, bytes, detail::flag_in_its_pool(bytes, alignment)))
    pool.recent = &chunk;
  else if (!pools_.give_back_run(p, bytes, alignment))
    pools_.refuse(p, bytes, alignment);
}

void unsynchronized_pool_resource::deallocate_slow(void* p, std::size_t bytes,
                                                   std::size_t alignment) noexcept {
  bytes = std::max(bytes, std::size_t{1});
  if (pools_.serves(detail::last_of(bytes, alignment), alignment))
    deallocate_elsewhere(p, bytes, alignment);
  else if (!pools_.deallocate_large(p, bytes, alignment))
    pools_.refuse(p, bytes, alignment);
}

} // namespace pmr
} // namespace ALLOT_ABI
} // namespace allot
