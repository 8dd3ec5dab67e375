// first error: memory_resource
#include <allot/threads/thread_scratch.hpp>

#include <memory_resource>

void use(allot::Region& region, std::pmr::memory_resource& resource) {
  (void)allot::thread_scratch(region);
  (void)resource.is_equal(resource);
#ifdef MUST_FAIL
  (void)allot::thread_scratch(resource);
#endif
}
