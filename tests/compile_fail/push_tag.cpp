// first error: is_data
#include <allot/use/arena.hpp>

void use(allot::Stack& stack) {
  stack.push(5);
#ifdef MUST_FAIL
  stack.push(allot::use::arena::release);
#endif
}
