// first error: is_data
#include <allot/stack.hpp>

void use(allot::Stack& stack) {
  (void)stack.try_push("text");
#ifdef MUST_FAIL
  (void)stack.try_push(nullptr);
#endif
}
