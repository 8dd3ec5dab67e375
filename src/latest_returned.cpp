#include <allot/latest_returned.hpp>

#include <allot/size.hpp>

#include <utility>

namespace allot::inline ALLOT_ABI {

ALLOT_INLINE LatestReturned& LatestReturned::operator=(LatestReturned&& other) noexcept {
  std::swap(end_, other.end_);
  std::swap(floor_, other.floor_);
  std::swap(begin_, other.begin_);
  std::swap(room_, other.room_);
  return *this;
}

ALLOT_INLINE LatestReturned::~LatestReturned() {
  if (room_ != 0)
    detail::free_grown(begin_);
}

ALLOT_INLINE void LatestReturned::reserve(const char* owner, std::size_t count) {
  const std::size_t entries = saturating_add(count, 2); // one of nobody at each end
  if (entries <= room_)
    return;
  const std::ptrdiff_t end = end_ - begin_;
  const std::ptrdiff_t floor = floor_ - begin_;
  const bool first = room_ == 0;
  const detail::Grown grown = detail::grow(owner, first ? nullptr : begin_, entries, sizeof(Entry));
  begin_ = static_cast<Entry*>(grown.p);
  if (first)
    begin_[0] = begin_[1] = no_entry;
  end_ = begin_ + end;
  floor_ = begin_ + floor;
  room_ = grown.count;
}

} // namespace allot::inline ALLOT_ABI
