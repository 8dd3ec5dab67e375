// first error: deleted
#include <allot/threads/shared_arena.hpp>

#include <utility>

void use(allot::SharedArena& strategy) {
  (void)strategy.try_allocate(8);
#ifdef MUST_FAIL
  allot::SharedArena moved = std::move(strategy);
#endif
}
