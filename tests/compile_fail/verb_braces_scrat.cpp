// first error: scrat(
#include <allot/use/arena.hpp>

using namespace allot::use::arena;

void use(allot::Scratch& s) {
  scrat(s, save);
#ifdef MUST_FAIL
  scrat(s, {});
#endif
}
