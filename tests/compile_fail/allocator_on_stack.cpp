// first error: serves no containers
#include <allot/allocator.hpp>
#include <allot/arena.hpp>
#include <allot/stack.hpp>

#include <vector>

void use(allot::Arena& arena, allot::Stack& stack) {
  (void)stack.capacity();
  std::vector<int, allot::Allocator<int, allot::Arena>>(1, arena);
#ifdef MUST_FAIL
  std::vector<int, allot::Allocator<int, allot::Stack>>(1, stack);
#endif
}
