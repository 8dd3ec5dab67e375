// first error: int
#include <allot/use/arena.hpp>

using namespace allot::use::arena;

void use(allot::ObjectPool<int>& p, int& mine, long& theirs) {
  poolr(p, mine);
#ifdef MUST_FAIL
  poolr(p, theirs);
#endif
}
