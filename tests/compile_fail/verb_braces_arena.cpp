// first error: arena(
#include <allot/use/arena.hpp>

using namespace allot::use::arena;

void use(allot::Arena& a) {
  arena(a, reset);
#ifdef MUST_FAIL
  arena(a, {});
#endif
}
