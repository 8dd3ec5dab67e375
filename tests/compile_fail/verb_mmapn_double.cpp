// first error: Integer
#include <allot/use/arena.hpp>

using namespace allot::use::arena;

void use() {
  (void)mmapn(4096, {.guard_pages = true});
#ifdef MUST_FAIL
  (void)mmapn(4096.0, {.guard_pages = true});
#endif
}
