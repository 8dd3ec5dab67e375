// first error: deleted
#include <allot/mapped_arena.hpp>

#include <utility>

void use(allot::MappedArena strategy) {
  allot::MappedArena moved = std::move(strategy);
#ifdef MUST_FAIL
  allot::MappedArena copied = moved;
#endif
}
