// first error: allocate
#include <allot/hooks.hpp>
#include <allot/region.hpp>

#include <cstddef>

// pcre2's: the context comes last. Of the two functions only the second's type fits.
void* create(void* (*allocate)(std::size_t, void*), void (*deallocate)(void*, void*), void*);

void use(allot::Region& region) {
  (void)allot::hooks::pass_to(create, region);
#ifdef MUST_FAIL
  (void)create(allot::hooks::allocate<allot::Region>, allot::hooks::deallocate<allot::Region>,
               &region);
#endif
}
