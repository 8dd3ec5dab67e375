// first error: reset function must take a T&
#include <allot/object_pool.hpp>

struct Point {};
struct Line {};

void use() {
  allot::ObjectPool lines([] { return Line(); }, [](Line&) {});
#ifdef MUST_FAIL
  allot::ObjectPool points([] { return Point(); }, [](Line&) {});
#endif
}
