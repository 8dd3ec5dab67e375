// first error: Integer
#include <allot/use/arena.hpp>

using namespace allot::use::arena;

void use() {
  (void)scrat(64);
#ifdef MUST_FAIL
  (void)scrat(L'c');
#endif
}
