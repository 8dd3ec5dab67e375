// first error: Integer
#include <allot/use/arena.hpp>

using namespace allot::use::arena;

void use(allot::BlockPool& b, void* p) {
  block(b, p);
#ifdef MUST_FAIL
  block(b, *static_cast<int*>(p));
#endif
}
