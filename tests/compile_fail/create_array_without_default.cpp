// first error: CreatableFrom
#include <allot/region.hpp>

struct Point {
  explicit Point(int) {}
};

void use(allot::Region& region) {
  (void)region.create_array<int>(8);
#ifdef MUST_FAIL
  (void)region.create_array<Point>(8);
#endif
}
