// first error: deleted
#include <allot/region.hpp>

#include <utility>

void use(allot::Region strategy) {
  allot::Region moved = std::move(strategy);
#ifdef MUST_FAIL
  allot::Region copied = moved;
#endif
}
