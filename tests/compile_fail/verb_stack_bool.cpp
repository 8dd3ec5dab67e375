// first error: Integer
#include <allot/use/arena.hpp>

using namespace allot::use::arena;

void use(allot::Stack& s) {
  stack(s, 1);
  stack(s, 1.0);
#ifdef MUST_FAIL
  stack(s, true); // a number of bytes, or a value?
#endif
}
