// first error: Poppable
#include <allot/stack.hpp>

#include <array>
#include <span>

void use(allot::Stack& stack) {
  (void)stack.pop<std::array<int, 2>>();
#ifdef MUST_FAIL
  (void)stack.pop<std::span<int, 2>>(); // its elements were pushed, not the view
#endif
}
