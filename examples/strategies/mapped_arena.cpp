// A table that grows without a bound, and never moves.
#include <allot/mapped_arena.hpp>

#include <cassert>
#include <cstdint>

int main() {
  using namespace allot::literals;
  allot::MappedArena arena(64_GiB); // addresses only
  constexpr std::size_t entry = sizeof(std::uint64_t);
  auto* table = static_cast<std::uint64_t*>(arena.allocate(entry));
  for (std::uint64_t i = 1; i < 10'000; ++i) {
    if (!arena.try_resize(table, i * entry, (i + 1) * entry)) // in place
      return 1;
    table[i] = i * i;
  }
  assert(table[9'999] == 9'999u * 9'999u);
  assert(arena.committed() < 1_MiB);
  arena.reset();
  arena.trim(); // gives the memory back, keeps the addresses
  assert(arena.committed() == 0);
}
