#include <allot/stack.hpp>

void use(allot::Stack& stack) {
  stack.pop(8);
#ifdef MUST_FAIL
  stack.push(8); // which of its bytes would be meant?
#endif
}
