// first error: initializer list
#include <allot/use/arena.hpp>

using namespace allot::use::arena;

void use(allot::Region& r) {
  regio(r, release);
#ifdef MUST_FAIL
  regio(r, {});
#endif
}
