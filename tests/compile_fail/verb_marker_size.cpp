// first error: Integer
#include <allot/use/arena.hpp>

using namespace allot::use::arena;

void use(allot::Stack& s, allot::Arena& a) {
  stack(s, stack(s));
#ifdef MUST_FAIL
  (void)arena(a, stack(s));
#endif
}
