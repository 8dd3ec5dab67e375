// first error: deleted
#include <allot/block_pool.hpp>

#include <utility>

void use(allot::BlockPool strategy) {
  allot::BlockPool moved = std::move(strategy);
#ifdef MUST_FAIL
  allot::BlockPool copied = moved;
#endif
}
