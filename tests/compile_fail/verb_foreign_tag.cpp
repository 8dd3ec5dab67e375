// first error: Integer
#include <allot/use/arena.hpp>

using namespace allot::use::arena;

void use(allot::Arena& a, allot::Region& r) {
  (void)regio(r, stats);
#ifdef MUST_FAIL
  (void)arena(a, stats);
#endif
}
