#include <allot/pmr/synchronized_pool_resource.hpp>

namespace allot {
inline namespace ALLOT_ABI {
namespace pmr {

synchronized_pool_resource::synchronized_pool_resource(const std::pmr::pool_options& options,
                                                       std::pmr::memory_resource* upstream,
                                                       ChunkOptions chunks)
    : pools_(options, chunks, upstream, resource_name) {}

synchronized_pool_resource::~synchronized_pool_resource() = default;

void synchronized_pool_resource::release() {
  pools_.release();
}

void synchronized_pool_resource::trim(std::size_t keep) {
  pools_.trim(keep);
  if (keep == 0 && pools_.is_empty())
    release();
}

void* synchronized_pool_resource::do_allocate(std::size_t bytes, std::size_t alignment) {
  return pools_.allocate(bytes, alignment);
}

void synchronized_pool_resource::do_deallocate(void* p, std::size_t bytes, std::size_t alignment) {
  pools_.deallocate(p, bytes, alignment);
}

} // namespace pmr
} // namespace ALLOT_ABI
} // namespace allot
