// first error: CreatableFrom
#include <allot/arena.hpp>

struct Point {
  explicit Point(int) {}
};

void use(allot::Arena& arena) {
  (void)arena.create<Point>(1);
#ifdef MUST_FAIL
  (void)arena.create<Point>("a point");
#endif
}
