#include <allot/use/arena.hpp>

using namespace allot::use::arena;

void use(allot::Stack& s) {
  stack(s, 1);
#ifdef MUST_FAIL
  stack(s, true);
#endif
}
