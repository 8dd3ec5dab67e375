// A program whose operator new is its own, and has its blocks from malloc.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>

namespace {
int made = 0;
}

void* operator new(std::size_t n) {
  void* const p = std::malloc(n + 16);
  if (!p)
    throw std::bad_alloc();
  ++made;
  return static_cast<char*>(p) + 16;
}
void operator delete(void* p) noexcept {
  if (p)
    std::free(static_cast<char*>(p) - 16);
}
void operator delete(void* p, std::size_t) noexcept {
  ::operator delete(p);
}

int main() {
  const auto number = std::make_unique<int>(1);
  const std::string text(100, 'x');
  return made == 2 && *number == 1 && text.size() == 100 ? 0 : 1;
}
