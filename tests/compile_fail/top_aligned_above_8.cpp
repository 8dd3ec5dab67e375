// first error: a stricter alignment
#include <allot/stack.hpp>

struct alignas(16) Wide {
  int value;
};

void use(allot::Stack& stack) {
  stack.push(Wide{1});
  (void)stack.pop<Wide>(); // a copy, aligned as it must be
#ifdef MUST_FAIL
  (void)stack.top<Wide>();
#endif
}
