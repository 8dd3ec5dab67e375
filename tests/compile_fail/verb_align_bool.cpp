// first error: Integer
#include <allot/use/arena.hpp>

using namespace allot::use::arena;

void use() {
  (void)arena(64, align{1});
#ifdef MUST_FAIL
  (void)arena(64, align{true});
#endif
}
