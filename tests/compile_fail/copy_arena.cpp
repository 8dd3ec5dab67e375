// first error: deleted
#include <allot/arena.hpp>

#include <utility>

void use(allot::Arena strategy) {
  allot::Arena moved = std::move(strategy);
#ifdef MUST_FAIL
  allot::Arena copied = moved;
#endif
}
