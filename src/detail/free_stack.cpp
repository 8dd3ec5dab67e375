#include <allot/detail/free_stack.hpp>

#include <new>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

std::size_t FreeStack::bytes(std::size_t count) noexcept {
  return saturating_add(saturating_multiply(count, sizeof(Index) + sizeof(Flag)), sizeof(Index));
}

FreeStack::FreeStack(std::byte* memory, std::size_t count, Freeing freeing) noexcept
    : flags_(::new(memory + (count + 1) * sizeof(Index)) Flag[count]),
      bottom_(::new(memory) Index[count + 1]), ready_(count), quick_(freeing == Freeing::quick) {
  reset();
}

void FreeStack::reset() noexcept {
  limit_ = quick_limit_ = 0;
  floor_ = bottom_;
  top_ = bottom_ + 1;
  if (ready_ != 0) // else none was pushed
    *floor_ = no_index;
}

std::size_t FreeStack::find() noexcept {
  std::size_t number = limit_;
  if (floor_ != bottom_) {
    number = *--floor_;
    *floor_ = no_index;
    top_ = floor_ + 1;
  } else if (limit_ != ready_) {
    ++limit_;
    quick_limit_ = quick_ ? limit_ : 0;
  } else {
    return none;
  }
  flags_[number] = Flag::in_use;
  return number;
}

std::size_t FreeStack::next_in_use(std::size_t number) const noexcept {
  for (; number < limit_; ++number)
    if (flags_[number] != Flag::free)
      return number;
  return none;
}

// What lies above floor_ moves below it. Each number at most once after it was pushed.
void FreeStack::reset_peak() noexcept {
  for (; floor_ != top_ - 1; ++floor_)
    std::swap(floor_[0], floor_[1]);
}

} // namespace ALLOT_ABI
} // namespace allot
