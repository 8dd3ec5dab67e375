// first error: is_data
#include <allot/stack.hpp>

void use(allot::Stack& stack) {
  stack.restore(stack.mark());
#ifdef MUST_FAIL
  stack.push(stack.mark());
#endif
}
