// Temporaries that nest: what a call needs for itself goes when it returns, and what it gives its
// caller lies there before.
#include <allot/scratch.hpp>

#include <cassert>
#include <span>

std::span<int> squares_of_odd(std::span<const int> numbers, allot::Scratch& scratch) {
  auto result = scratch.create_array<int>(numbers.size());
  std::size_t count = 0;
  auto scope = scratch.scope(); // what comes now is taken back at the end of the block
  auto odd = scratch.create_array<bool>(numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i)
    odd[i] = numbers[i] % 2 != 0;
  for (std::size_t i = 0; i < numbers.size(); ++i)
    if (odd[i])
      result[count++] = numbers[i] * numbers[i];
  return result.first(count);
}

int main() {
  allot::Scratch scratch(4096);
  const int numbers[] = {1, 2, 3, 4};
  auto squares = squares_of_odd(numbers, scratch);
  assert(scratch.owns(squares.data()) && scratch.used() == sizeof numbers);
  return squares.size() == 2 && squares[1] == 9 ? 0 : 1;
}
