// first error: Poppable
#include <allot/stack.hpp>

void use(allot::Stack& stack) {
  (void)stack.pop<const unsigned char*>();
#ifdef MUST_FAIL
  (void)stack.pop<const char*>(); // its characters were pushed, not the pointer
#endif
}
