// first error: Integer
#include <allot/use/arena.hpp>

using namespace allot::use::arena;

void use() {
  (void)arena(1);
#ifdef MUST_FAIL
  (void)arena(true);
#endif
}
