// first error: PushableValue
#include <allot/stack.hpp>

#include <span>
#include <string>

void use(allot::Stack& stack, std::span<int> numbers, std::span<std::string> texts) {
  stack.push(numbers);
#ifdef MUST_FAIL
  stack.push(texts); // nor the span itself, though it is a value
#endif
}
