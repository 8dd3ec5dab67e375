// first error: PushableValue
#include <allot/stack.hpp>

struct Plain {
  int value;
};
struct Owner {
  ~Owner();
  int value;
};

void use(allot::Stack& stack) {
  stack.push(Plain{1});
#ifdef MUST_FAIL
  stack.push(Owner{1});
#endif
}
