// first error: deleted
#include <allot/bump.hpp>

#include <utility>

void use(allot::Bump strategy) {
  allot::Bump moved = std::move(strategy);
#ifdef MUST_FAIL
  allot::Bump copied = moved;
#endif
}
