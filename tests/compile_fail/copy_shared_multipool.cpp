// first error: deleted
#include <allot/threads/shared_multipool.hpp>

#include <utility>

void use(allot::SharedMultipool& strategy) {
  allot::SharedMultipool& same = strategy;
#ifdef MUST_FAIL
  allot::SharedMultipool moved = std::move(same);
#endif
  (void)same;
}
