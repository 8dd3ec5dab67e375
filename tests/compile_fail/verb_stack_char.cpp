// first error: Integer
#include <allot/use/arena.hpp>

using namespace allot::use::arena;

void use(allot::Stack& s) {
  stack(s, "x");
#ifdef MUST_FAIL
  stack(s, 'x'); // a number of bytes, or one byte?
#endif
}
