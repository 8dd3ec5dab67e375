#include <allot/latest_free.hpp>

#include <new>

namespace allot::inline ALLOT_ABI {

ALLOT_INLINE std::size_t LatestFree::bytes(std::size_t count) noexcept {
  return saturating_multiply(count, sizeof(Index) + sizeof(Flag));
}

ALLOT_INLINE LatestFree::LatestFree(std::byte* memory, std::size_t count) noexcept
    : top_(::new (memory) Index[count]), bottom_(top_),
      flags_(::new (memory + count * sizeof(Index)) Flag[count]), count_(count) {}

ALLOT_INLINE void LatestFree::reset() noexcept {
  top_ = bottom_;
  limit_ = 0;
}

ALLOT_INLINE std::size_t LatestFree::used() const noexcept {
  return limit_ - static_cast<std::size_t>(top_ - bottom_);
}

} // namespace allot::inline ALLOT_ABI
