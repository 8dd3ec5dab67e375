// first error: fill
#include <allot/hooks.hpp>
#include <allot/region.hpp>

#include <cstddef>

struct Memory {
  void* (*allocate)(std::size_t, void* user);
  void* (*reallocate)(void* user, void*, std::size_t); // another family's
  void (*deallocate)(void*, void*);
  void* user;
};

void use(allot::Region& region, Memory& memory) {
  allot::hooks::fill(region, memory.allocate, memory.deallocate, memory.user);
#ifdef MUST_FAIL
  allot::hooks::fill(region, memory.allocate, memory.reallocate, memory.deallocate, memory.user);
#endif
}
