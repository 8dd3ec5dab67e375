// first error: bad
#include <allot/hooks.hpp>
#include <allot/region.hpp>

struct State {
  void* opaque;
};
struct Other {
  void* opaque;
};

using Hooks = allot::hooks::Through<&State::opaque, allot::Region>;
void (*good)(State*, void*) = Hooks::deallocate;
#ifdef MUST_FAIL
void (*bad)(Other*, void*) = Hooks::deallocate;
#endif
