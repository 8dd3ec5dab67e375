// first error: CreatableFrom
#include <allot/typed_arena.hpp>

struct Point {
  explicit Point(int) {}
};

void use(allot::TypedArena<Point>& points) {
  (void)points.create(1);
#ifdef MUST_FAIL
  (void)points.create();
#endif
}
