// first error: deleted
#include <allot/threads/shared_arena.hpp>

void use(allot::SharedArena& strategy) {
  (void)strategy.try_allocate(8);
#ifdef MUST_FAIL
  allot::SharedArena copied = strategy;
#endif
}
