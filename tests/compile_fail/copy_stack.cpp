// first error: deleted
#include <allot/stack.hpp>

#include <utility>

void use(allot::Stack strategy) {
  allot::Stack moved = std::move(strategy);
#ifdef MUST_FAIL
  allot::Stack copied = moved;
#endif
}
