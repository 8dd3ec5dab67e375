// first error: deleted
#include <allot/stack.hpp>

void use(allot::Stack& stack) {
  stack.push("text");
#ifdef MUST_FAIL
  stack.push(nullptr);
#endif
}
