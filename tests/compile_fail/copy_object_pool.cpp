// first error: deleted
#include <allot/object_pool.hpp>

#include <utility>

void use(allot::ObjectPool<int> strategy) {
  allot::ObjectPool<int> moved = std::move(strategy);
#ifdef MUST_FAIL
  allot::ObjectPool<int> copied = moved;
#endif
}
