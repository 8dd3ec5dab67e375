// first error: 'reset'
#include <allot/use/arena.hpp>

void use(allot::Arena& a) {
  allot::use::arena::arena(a, allot::use::arena::reset);
#ifdef MUST_FAIL
  allot::use::arena::arena(a, allot::reset); // the page's words are not the core's
#endif
}
