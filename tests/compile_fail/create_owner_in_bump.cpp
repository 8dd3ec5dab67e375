// first error: DiesProperly
#include <allot/bump.hpp>

struct Owner {
  ~Owner() {}
};

void use(allot::Bump& bump) {
  (void)bump.create<int>(1);
#ifdef MUST_FAIL
  (void)bump.create<Owner>();
#endif
}
