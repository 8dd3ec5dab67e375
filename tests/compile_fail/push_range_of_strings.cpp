// first error: PushableValue
#include <allot/stack.hpp>

#include <string>
#include <vector>

void use(allot::Stack& stack) {
  stack.push(std::vector<int>{1, 2});
#ifdef MUST_FAIL
  stack.push(std::vector<std::string>{"one", "two"});
#endif
}
