#include <allot/latest_free.hpp>

#include <new>

namespace allot::inline ALLOT_ABI {

ALLOT_INLINE std::size_t LatestFree::bytes(std::size_t count) noexcept {
  constexpr std::size_t ends = 2 * sizeof(Index); // of the stack
  return saturating_add(saturating_multiply(count, sizeof(Index) + sizeof(Flag)), ends);
}

ALLOT_INLINE LatestFree::LatestFree(std::byte* memory, std::size_t count) noexcept
    : bottom_(::new (memory) Index[count + 2]),
      flags_(::new (memory + (count + 2) * sizeof(Index)) Flag[count]), count_(count) {
  *bottom_++ = nobody;
  reset();
}

ALLOT_INLINE void LatestFree::reset() noexcept {
  top_ = bottom_;
  limit_ = 0;
  if (count_ != 0)
    *top_ = nobody;
}

ALLOT_INLINE std::size_t LatestFree::used() const noexcept {
  return limit_ - static_cast<std::size_t>(top_ - bottom_);
}

} // namespace allot::inline ALLOT_ABI
