#include <allot/detail/returned_stack.hpp>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

namespace detail {

// Half as many entries more than are needed, so that they are copied O(1) times each.
std::size_t entries_with_slack(std::size_t entries) noexcept {
  return std::max<std::size_t>(16, saturating_add(entries, entries / 2));
}

} // namespace detail

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

// False: the heap refused, and nothing changed.
bool ReturnedStack::resize(std::size_t room) noexcept {
  const std::size_t bytes = saturating_multiply(room, sizeof(Entry));
  if (bytes > largest_request)
    return false;
  const Place end = place_of(end_);
  const Place floor = place_of(floor_);
  const bool first = room_ == 0;
  void* const moved = std::realloc(first ? nullptr : begin_, bytes);
  if (moved == nullptr)
    return false;
  begin_ = static_cast<Entry*>(moved);
  if (first)
    begin_[0] = begin_[1] = no_entry;
  end_ = begin_ + end;
  floor_ = begin_ + floor;
  room_ = room;
  return true;
}

void ReturnedStack::reserve(Label owner, std::size_t count) {
  const std::size_t entries = saturating_add(count, ends);
  if (entries <= room_)
    return;
  const std::size_t room = detail::entries_with_slack(entries);
  if (!resize(room))
    throw_exhausted(owner, Errc::system_refused, "the heap refused %zu bytes for its records",
                    saturating_multiply(room, sizeof(Entry)));
}

// If the heap refuses, what there is serves as well.
void ReturnedStack::fit(std::size_t count) noexcept {
  if (count == 0) {
    *this = {};
    return;
  }
  const std::size_t room = detail::entries_with_slack(count + ends);
  if (room < room_)
    (void)resize(room);
}

void ReturnedStack::lower() noexcept {
  Entry* kept = end_;
  for (Entry* entry = end_; entry != floor_;)
    if (*(--entry)->place != leaving)
      std::swap(*--kept, *entry);
  for (Entry* entry = floor_; entry != end_; ++entry)
    *entry->place = place_of(entry);
}

void ReturnedStack::drop_vacant() noexcept {
  const Entry* const floor = floor_;
  Entry* kept = begin_ + 1;
  for (const Entry* entry = kept;; ++entry) {
    if (entry == floor)
      floor_ = kept;
    if (entry == end_)
      break;
    if (*entry->place == leaving)
      continue;
    *kept = *entry;
    *kept->place = place_of(kept);
    ++kept;
  }
  end_ = kept;
  *end_ = no_entry;
}

} // namespace ALLOT_ABI
} // namespace allot
