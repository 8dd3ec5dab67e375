#include <allot/latest_free.hpp>

#include <new>

namespace allot::inline ALLOT_ABI {

ALLOT_INLINE std::size_t LatestFree::bytes(std::size_t count) noexcept {
  const std::size_t each = sizeof(Index) + sizeof(Flag);
  return saturating_add(saturating_multiply(count, each), sizeof(Index));
}

ALLOT_INLINE LatestFree::LatestFree(std::byte* memory, std::size_t count) noexcept
    : bottom_(::new (memory) Index[count + 1]), count_(count) {
  flags_ = ::new (memory + (count + 1) * sizeof(Index)) Flag[count];
  *bottom_ = bottom;
  top_ = bottom_;
}

ALLOT_INLINE void LatestFree::reset() noexcept {
  top_ = bottom_;
  limit_ = 0;
}

ALLOT_INLINE std::size_t LatestFree::find() noexcept {
  if (limit_ == count_)
    return none;
  flags_[limit_] = Flag::in_use;
  return limit_++;
}

ALLOT_INLINE std::size_t LatestFree::used() const noexcept {
  return limit_ - static_cast<std::size_t>(top_ - bottom_);
}

} // namespace allot::inline ALLOT_ABI
