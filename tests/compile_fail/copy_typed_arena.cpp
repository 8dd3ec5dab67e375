// first error: deleted
#include <allot/typed_arena.hpp>

#include <utility>

void use(allot::TypedArena<int> strategy) {
  allot::TypedArena<int> moved = std::move(strategy);
#ifdef MUST_FAIL
  allot::TypedArena<int> copied = moved;
#endif
}
