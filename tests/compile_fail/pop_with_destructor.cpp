// first error: Poppable
#include <allot/stack.hpp>

#include <string>
#include <utility>

void use(allot::Stack& stack) {
  (void)stack.pop<std::pair<int, double>>();
#ifdef MUST_FAIL
  (void)stack.pop<std::string>();
#endif
}
