// Bytes in a buffer on the stack: no heap at all.
#include <allot/bump.hpp>

#include <cassert>
#include <cstddef>

int main() {
  alignas(8) std::byte local[256];
  allot::Bump bump(allot::Buffer::borrowed(local));

  auto text = bump.copy("a copy of a text"); // a std::string_view
  auto numbers = bump.create_array<int>(10); // a std::span, all zero
  numbers[0] = static_cast<int>(text.size());
  assert(bump.owns(text.data()) && bump.used() == 16 + 40);
  bump.reset();
  assert(bump.used() == 0 && bump.peak() == 56);
}
