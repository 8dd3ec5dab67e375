// A program with a malloc linked in: every block is another part of an array.
#include <cstddef>
#include <cstring>

namespace {
alignas(16) char memory[1 << 20];
std::size_t used = 0;
} // namespace

extern "C" void* malloc(std::size_t bytes) {
  used += (bytes + 15) & ~std::size_t{15};
  return used <= sizeof memory ? memory + used - ((bytes + 15) & ~std::size_t{15}) : nullptr;
}
extern "C" void free(void*) {}
extern "C" void* calloc(std::size_t count, std::size_t bytes) {
  return malloc(count * bytes);
}
extern "C" void* realloc(void* p, std::size_t bytes) {
  void* const moved = malloc(bytes);
  return moved && p ? std::memcpy(moved, p, bytes) : moved;
}

int main() {
  return std::strlen(static_cast<char*>(calloc(1, 1))) == 0 ? 0 : 1;
}
