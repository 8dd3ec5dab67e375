// first error: pass_to
#include <allot/hooks.hpp>
#include <allot/region.hpp>

#include <cstddef>

// mruby's: its state first, the context last. Where the first could be the context too, nothing
// tells which of the two is.
struct State;
State* open(void* (*)(State*, void*, std::size_t, void*), void*);
State* open_either(void* (*)(void*, void*, std::size_t, void*), void*);

void use(allot::Region& region) {
  (void)allot::hooks::pass_to(open, region);
#ifdef MUST_FAIL
  (void)allot::hooks::pass_to(open_either, region);
#endif
}
