// first error: constructor function must give a T
#include <allot/object_pool.hpp>

struct Point {
  explicit Point(int) {}
};

void use() {
  allot::ObjectPool points([] { return Point(1); });
#ifdef MUST_FAIL
  allot::ObjectPool<Point> undefined(8);
#endif
}
