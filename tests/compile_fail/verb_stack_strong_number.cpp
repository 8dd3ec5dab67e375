// first error: Integer
#include <allot/use/arena.hpp>

using namespace allot::use::arena;

void use(allot::Stack& s) {
  stack(s, 8);
#ifdef MUST_FAIL
  stack(s, align{8});
#endif
}
