// first error: deleted
#include <allot/threads/shared_object_pool.hpp>

#include <utility>

void use(allot::SharedObjectPool<int>& strategy) {
  allot::SharedObjectPool<int>& same = strategy;
#ifdef MUST_FAIL
  allot::SharedObjectPool<int> moved = std::move(same);
#endif
  (void)same;
}
