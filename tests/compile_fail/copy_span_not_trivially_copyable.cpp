// first error: BytesCanBeCopied
#include <allot/bump.hpp>

#include <span>
#include <string>

void use(allot::Bump& bump, std::span<int> numbers, [[maybe_unused]] std::span<std::string> texts) {
  (void)bump.copy(numbers);
#ifdef MUST_FAIL
  (void)bump.copy(texts);
#endif
}
