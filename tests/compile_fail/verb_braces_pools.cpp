// first error: initializer list
#include <allot/use/arena.hpp>

using namespace allot::use::arena;

void use(allot::ObjectPool<int>& p) {
  (void)pools(p, stats);
#ifdef MUST_FAIL
  (void)pools(p, {});
#endif
}
