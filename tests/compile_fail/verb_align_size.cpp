// first error: Integer
#include <allot/use/arena.hpp>

using namespace allot::use::arena;

void use() {
  (void)arena(64, align{8});
#ifdef MUST_FAIL
  (void)arena(align{8}, align{8});
#endif
}
