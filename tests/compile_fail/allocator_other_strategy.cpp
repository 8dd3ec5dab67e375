// first error: Allocator<
#include <allot/allocator.hpp>
#include <allot/arena.hpp>
#include <allot/bump.hpp>

void use(allot::Allocator<int, allot::Arena> a) {
  allot::Allocator<char, allot::Arena> b = a;
  (void)b;
#ifdef MUST_FAIL
  allot::Allocator<int, allot::Bump> c = a;
#endif
}
