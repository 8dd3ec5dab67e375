#include <allot/detail/free_stack.hpp>

#include <new>

namespace allot {
inline namespace ALLOT_ABI {

std::size_t FreeStack::bytes(std::size_t count) noexcept {
  constexpr std::size_t ends = 2 * sizeof(Index); // of the stack
  return saturating_add(saturating_multiply(count, sizeof(Index) + sizeof(Flag)), ends);
}

FreeStack::FreeStack(std::byte* memory, std::size_t count) noexcept
    : bottom_(::new (memory) Index[count + 2]),
      flags_(::new (memory + (count + 2) * sizeof(Index)) Flag[count]), count_(count) {
  *bottom_++ = nobody;
  reset();
}

void FreeStack::reset() noexcept {
  top_ = bottom_;
  limit_ = 0;
  if (count_ != 0)
    *top_ = nobody;
}

std::size_t FreeStack::used() const noexcept {
  return limit_ - static_cast<std::size_t>(top_ - bottom_);
}

} // namespace ALLOT_ABI
} // namespace allot
