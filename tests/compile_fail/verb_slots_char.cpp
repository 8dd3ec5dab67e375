// first error: Integer
#include <allot/use/arena.hpp>

using namespace allot::use::arena;

void use() {
  (void)arena(64, slots{8});
#ifdef MUST_FAIL
  (void)arena(64, slots{'c'});
#endif
}
