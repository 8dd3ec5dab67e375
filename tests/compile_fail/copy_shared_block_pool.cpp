// first error: deleted
#include <allot/threads/shared_block_pool.hpp>

void use(allot::SharedBlockPool& strategy) {
  allot::SharedBlockPool& same = strategy;
#ifdef MUST_FAIL
  allot::SharedBlockPool copied = same;
#endif
  (void)same;
}
