// first error: Integer
#include <allot/use/arena.hpp>

using namespace allot::use::arena;

void use() {
  (void)bumpn(1024);
#ifdef MUST_FAIL
  (void)bumpn(1024.0);
#endif
}
