// first error: StaticAllocator<
#include <allot/allocator.hpp>
#include <allot/arena.hpp>

static allot::Arena one(64), other(64);

void use(allot::StaticAllocator<int, one> a) {
  allot::StaticAllocator<char, one> b = a;
  (void)b;
#ifdef MUST_FAIL
  allot::StaticAllocator<int, other> c = a;
#endif
}
