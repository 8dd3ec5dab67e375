// first error: is_data
#include <allot/use/arena.hpp>

void use(allot::Stack& stack) {
  stack.push(allot::use::align(8).value);
#ifdef MUST_FAIL
  stack.push(allot::use::align(8));
#endif
}
