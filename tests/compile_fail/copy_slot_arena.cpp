// first error: deleted
#include <allot/slot_arena.hpp>

#include <utility>

void use(allot::SlotArena strategy) {
  allot::SlotArena moved = std::move(strategy);
#ifdef MUST_FAIL
  allot::SlotArena copied = moved;
#endif
}
