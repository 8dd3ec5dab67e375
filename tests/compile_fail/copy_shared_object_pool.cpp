// first error: deleted
#include <allot/threads/shared_object_pool.hpp>

void use(allot::SharedObjectPool<int>& strategy) {
  allot::SharedObjectPool<int>& same = strategy;
#ifdef MUST_FAIL
  allot::SharedObjectPool<int> copied = same;
#endif
  (void)same;
}
