#include <allot/detail/arena_source.hpp>

#include <algorithm>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

Buffer ArenaSource::take(std::size_t front, std::size_t least, std::size_t wanted, Label owner) {
  std::size_t size = std::max(least, std::min(wanted, offered_));
  for (bool first = true;; first = false) {
    const std::size_t bytes = saturating_add(front, size);
    const bool last = size == least || bytes > largest_request; // which is a mistake, not tight
    const std::size_t half = size / 2 / granule * granule;
    const std::size_t before = std::exchange(offered_, std::min(offered_, half));
    Buffer buffer = last ? ask(bytes, owner) : try_ask(bytes, owner);
    if (buffer.data() != nullptr)
      offered_ = first ? std::max(before, saturating_multiply(size, 2)) : before;
    if (buffer.data() != nullptr || last)
      return buffer;
    size = std::max(least, half);
  }
}

Buffer ArenaSource::ask(std::size_t bytes, Label owner) const {
  return !upstream_ ? Buffer::try_heap(bytes, buffer_alignment, {.zero = zero_})
                    : Buffer::from(upstream_, bytes, buffer_alignment, owner);
}

Buffer ArenaSource::try_ask(std::size_t bytes, Label owner) const {
  return detail::none_if_refused([&] { return ask(bytes, owner); });
}

} // namespace ALLOT_ABI
} // namespace allot
