#include <allot/detail/cursor.hpp>

#include <algorithm>

namespace allot {
inline namespace ALLOT_ABI {

Cursor::Cursor(Label owner, const Buffer& buffer, bool zero, std::size_t skip) {
  if (buffer.data() == nullptr || skip >= buffer.size())
    throw_misuse(owner, Errc::bad_size, "the buffer has no room for 8 aligned bytes");
  const Gap gap = buffer.gap();
  *this = Cursor(buffer.data() + gap.stretch(skip), buffer.size() - skip, gap, zero);
  if (zero && !buffer.is_zero())
    set_frontier(begin_);
  annotate::open(begin_, distance(begin_, end_));
}

void* Cursor::take_slow(std::size_t bytes, std::size_t alignment) noexcept {
  if (bytes == 0)
    return nothing(alignment);
  const std::size_t skip = padding(address(head_), gap_.stretch(alignment));
  if (skip >= distance(head_, end_) || !advance(head_ + skip, bytes))
    return nullptr;
  return take_aligned(bytes, alignment);
}

// Moves the frontier beyond the `bytes` at `at`. False: they do not fit.
bool Cursor::advance(std::byte* at, std::size_t bytes) noexcept {
  if (!allot::fits(bytes, gap_.shrink(distance(at, end_))))
    return false;
  std::byte* const needed = at + gap_.stretch(round_up(bytes));
  const std::size_t step = detail::step_ahead(distance(begin_, frontier()), 256);
  const bool ends = step >= distance(frontier(), end_);
  if (needed > frontier())
    advance_to(ends || !zero_ ? end_ : std::max(needed, frontier() + step));
  return true;
}

void Cursor::advance_to(std::byte* to) noexcept {
  if (zero_)
    clear(frontier(), to);
  set_frontier(to);
}

Cursor::Padding Cursor::padding_before(std::byte* block) noexcept {
  const auto read_before = [block](std::size_t words) {
    std::uint64_t value = 0;
    std::byte* const at = block - words * sizeof value;
    annotate::show(at, sizeof value);
    std::memcpy(&value, at, sizeof value);
    annotate::hide(at, sizeof value);
    return value;
  };
  const std::uint64_t told = read_before(1);
  std::uint64_t skip = told % (long_skip / granule) * granule;
  if (skip == 0)
    skip = read_before(2);
  return {static_cast<std::size_t>(skip),
          static_cast<std::uintptr_t>(address(block) - (told >> 20) * granule)};
}

// The block at the head, which was padded, was given back.
void Cursor::drop_padding() noexcept {
  const Padding before = padding_before(head_);
  padded_ = before.older;
  head_ -= before.bytes;
}

void Cursor::check_request(Label who, bool busy, std::size_t alignment) const {
  if (released())
    throw_released(who);
  if (busy)
    throw_busy(who, "its own destructors run");
  if (!is_power_of_two(alignment))
    throw_bad_alignment(who, alignment);
}

void Cursor::refuse(Label who, bool busy, std::size_t bytes, std::size_t alignment) const {
  check_request(who, busy, alignment);
  throw_full(who, bytes, available(), capacity());
}

} // namespace ALLOT_ABI
} // namespace allot
