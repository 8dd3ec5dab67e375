// first error: Integer
#include <allot/use/arena.hpp>

using namespace allot::use::arena;

void use(allot::Stack& s) {
  stack(s, "text");
#ifdef MUST_FAIL
  stack(s, nullptr);
#endif
}
