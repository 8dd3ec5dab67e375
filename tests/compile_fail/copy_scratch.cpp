// first error: deleted
#include <allot/scratch.hpp>

#include <utility>

void use(allot::Scratch strategy) {
  allot::Scratch moved = std::move(strategy);
#ifdef MUST_FAIL
  allot::Scratch copied = moved;
#endif
}
