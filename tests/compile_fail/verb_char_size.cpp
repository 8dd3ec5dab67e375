// first error: Integer
#include <allot/use/arena.hpp>

using namespace allot::use::arena;

void use(allot::Arena& a) {
  (void)arena(a, 64);
#ifdef MUST_FAIL
  (void)arena(a, 'c');
#endif
}
