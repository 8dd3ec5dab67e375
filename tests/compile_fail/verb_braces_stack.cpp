// first error: initializer list
#include <allot/use/arena.hpp>

using namespace allot::use::arena;

void use(allot::Stack& s, allot::Marker m) {
  stack(s, m);
#ifdef MUST_FAIL
  stack(s, {});
#endif
}
