#include <allot/detail/returned_stack.hpp>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

ReturnedStack& ReturnedStack::operator=(ReturnedStack&& other) noexcept {
  if (this != &other) {
    if (room_ != 0)
      std::free(begin_);
    end_ = std::exchange(other.end_, nothing + 1);
    floor_ = std::exchange(other.floor_, nothing + 1);
    begin_ = std::exchange(other.begin_, nothing);
    room_ = std::exchange(other.room_, 0);
  }
  return *this;
}

ReturnedStack::~ReturnedStack() {
  if (room_ != 0)
    std::free(begin_);
}

void ReturnedStack::reserve(Label owner, std::size_t count) {
  const std::size_t entries = saturating_add(count, 2); // one of nobody at each end
  if (entries <= room_)
    return;
  const std::ptrdiff_t end = end_ - begin_;
  const std::ptrdiff_t floor = floor_ - begin_;
  const bool first = room_ == 0;
  const std::size_t room = std::max<std::size_t>(16, saturating_add(entries, entries / 2));
  const std::size_t bytes = saturating_multiply(room, sizeof(Entry));
  void* grown = nullptr;
  if (bytes <= largest_request)
    grown = std::realloc(first ? nullptr : begin_, bytes);
  if (grown == nullptr)
    throw_exhausted(owner, Errc::system_refused, "the heap refused %zu bytes for its records",
                    bytes);
  begin_ = static_cast<Entry*>(grown);
  if (first)
    begin_[0] = begin_[1] = no_entry;
  end_ = begin_ + end;
  floor_ = begin_ + floor;
  room_ = room;
}

} // namespace ALLOT_ABI
} // namespace allot
