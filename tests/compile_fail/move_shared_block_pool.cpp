// first error: deleted
#include <allot/threads/shared_block_pool.hpp>

#include <utility>

void use(allot::SharedBlockPool& strategy) {
  allot::SharedBlockPool& same = strategy;
#ifdef MUST_FAIL
  allot::SharedBlockPool moved = std::move(same);
#endif
  (void)same;
}
