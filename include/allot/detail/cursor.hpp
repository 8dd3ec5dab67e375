// A bump cursor over a range of memory: the part that Arena, Bump, Stack, MappedArena, Region and
// Scratch have in common.
//
//   begin                head                      end
//   | handed out         | free                    |
//   |<------- used ----->|<------ available ------>|
//                              ^ dirty: the highest head since the last reset
//
// The check cannot wrap: a request is compared with what is left, never added to a pointer first.
// It is `bytes < limit - head` with the limit one above the end, so that an exact fit passes and so
// does a request for 0 bytes, which takes nothing. Released (both zero) and closed
// (limit == head) cursors let nothing pass, so the fast path has one branch, and the cold path
// finds out what it was.
//
// Used, peak and what must be zeroed are derived from the pointers; a fast path counts nothing.
#pragma once

#include <allot/base/annotate.hpp>
#include <allot/base/size.hpp>
#include <allot/buffer.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

class Cursor {
public:
  Cursor() = default;
  /// Over `bytes` (a multiple of 8) at `begin` (8-aligned), none of it handed out.
  Cursor(std::byte* begin, std::size_t bytes, Gap gap) noexcept
      : head_(begin), limit_(address(begin) + gap.stretch(bytes + 1)), begin_(begin), dirty_(begin),
        gap_(gap) {}
  /// Over all of `buffer`, which is cleared if `zero` and not known to be, and hidden from
  /// sanitizers. Misuse, naming `owner`: a buffer without room for 8 bytes.
  Cursor(Label owner, const Buffer& buffer, bool zero);
  /// The same capacity without red zones, for allocations that must lie side by side.
  [[nodiscard]] Cursor without_gap() const noexcept { return {begin_, capacity(), Gap()}; }
  Cursor(Cursor&& other) noexcept { *this = static_cast<Cursor&&>(other); }
  Cursor& operator=(Cursor&& other) noexcept {
    head_ = std::exchange(other.head_, nullptr);
    limit_ = std::exchange(other.limit_, 0);
    begin_ = std::exchange(other.begin_, nullptr);
    dirty_ = std::exchange(other.dirty_, nullptr);
    peak_ = std::exchange(other.peak_, 0);
    gap_ = other.gap_;
    return *this;
  }

  /// Goes on where a cursor over the same memory stood: its `used()` and `high()`.
  void resume(std::size_t used, std::size_t high) noexcept {
    head_ = begin_ + gap_.stretch(used);
    dirty_ = begin_ + gap_.stretch(high);
  }

  [[nodiscard]] std::byte* head() const noexcept { return head_; }
  [[nodiscard]] std::byte* begin() const noexcept { return begin_; }
  [[nodiscard]] bool released() const noexcept { return begin_ == nullptr; }
  [[nodiscard]] Gap gap() const noexcept { return gap_; }

  /// All in bytes accounted for.
  [[nodiscard]] std::size_t available() const noexcept {
    return gap_.shrink(distance(head_, end()));
  }
  [[nodiscard]] std::size_t used() const noexcept { return gap_.shrink(distance(begin_, head_)); }
  [[nodiscard]] std::size_t capacity() const noexcept {
    return gap_.shrink(distance(begin_, end()));
  }
  /// The most that was ever used between two resets; survives them.
  [[nodiscard]] std::size_t peak() const noexcept { return peak_ > high() ? peak_ : high(); }
  /// The most that was used since the last reset.
  [[nodiscard]] std::size_t high() const noexcept {
    return gap_.shrink(distance(begin_, head_ > dirty_ ? head_ : dirty_));
  }
  [[nodiscard]] bool owns(const void* p) const noexcept {
    return address(static_cast<const std::byte*>(p)) - address(begin_) < distance(begin_, head_);
  }
  /// Whether all of the `bytes`, not 0, at `p` are handed out.
  [[nodiscard]] bool holds(const void* p, std::size_t bytes) const noexcept {
    return owns(p) &&
           allot::fits(bytes, gap_.shrink(distance(static_cast<const std::byte*>(p), head_)));
  }

  [[nodiscard]] bool fits(std::size_t bytes) const noexcept {
    return bytes < gap_.shrink(limit_ - address(head_));
  }
  /// The next `bytes`, which must fit.
  [[nodiscard]] std::byte* take(std::size_t bytes) noexcept {
    std::byte* p = head_;
    head_ += gap_.stretch(round_up(bytes));
    annotate::allocated(pool(), p, bytes);
    return p;
  }

  /// The next `bytes` at `alignment`, or null if they do not fit or it is no power of two.
  [[nodiscard]] std::byte* take_aligned(std::size_t bytes, std::size_t alignment) noexcept {
    const std::size_t skip =
        padding(reinterpret_cast<std::uintptr_t>(head_), gap_.stretch(alignment));
    const std::size_t left = distance(head_, end());
    if (!is_power_of_two(alignment) || skip >= left ||
        !allot::fits(bytes, gap_.shrink(left - skip)))
      return nullptr;
    head_ += skip;
    return take(bytes);
  }

  /// What a zero-byte request gives: aligned, not null, and nobody's to touch.
  [[nodiscard]] void* nothing(std::size_t alignment) const noexcept {
    const std::size_t skip = padding(address(head_), alignment);
    if (skip < distance(head_, end()))
      return head_ + skip;
    // Others' memory may lie past the end; none lies at the last multiple that there is.
    const std::uintptr_t last = 0 - (alignment > granule ? alignment : granule);
    return reinterpret_cast<void*>(last); // NOLINT(performance-no-int-to-ptr)
  }

  /// Makes the allocation of `old_bytes` at `p` `new_bytes` long where it is. Only the newest can
  /// grow; a smaller size for another takes nothing back.
  [[nodiscard]] bool try_resize(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept {
    const auto at = static_cast<std::byte*>(p);
    if (is_newest(at, old_bytes))
      return resize_newest(at, old_bytes, new_bytes);
    if (new_bytes == 0 || new_bytes > old_bytes || !holds(p, old_bytes))
      return false;
    annotate::hide(at + new_bytes, old_bytes - new_bytes);
    return true;
  }

  /// Takes back all that was handed out since `head()` was `to`.
  void rewind(std::byte* to) noexcept {
    if (dirty_ < head_)
      dirty_ = head_;
    annotate::truncated(pool(), to, distance(to, head_));
    head_ = to;
  }

  /// Lowers a position that the head was at to where it is now, and tells whether it was above.
  bool lower(std::byte*& position) const noexcept {
    const bool is_above = position > head_;
    if (is_above)
      position = head_;
    return is_above;
  }

  /// Takes everything back, and zeroes what may have been written since the last reset.
  void reset(bool zero) noexcept {
    rewind(begin_);
    if (zero && dirty_ != begin_)
      clear(begin_, dirty_);
    if (peak_ < high())
      peak_ = high();
    dirty_ = begin_;
  }

  /// Starts the peak anew, at what is used. What was used and taken back is zeroed if `zero`, as
  /// reset would do, so that only what is used counts as high.
  void reset_peak(bool zero) noexcept {
    if (zero && dirty_ > head_)
      clear(head_, dirty_);
    dirty_ = head_;
    peak_ = 0;
  }

  /// Moves the end, as memory is committed or given back. What is at and above `end` reads as zero.
  void set_end(std::byte* end) noexcept {
    limit_ = address(end) + gap_.stretch(1);
    if (end < dirty_) {
      if (peak_ < high())
        peak_ = high();
      dirty_ = end;
    }
  }

  /// Refuses every request until `reopen(close())`.
  [[nodiscard]] std::uintptr_t close() noexcept { return std::exchange(limit_, address(head_)); }
  void reopen(std::uintptr_t limit) noexcept { limit_ = limit; }

  /// Whether `p` is the newest allocation, of `bytes`; if they are 0, whether it is the head.
  [[nodiscard]] bool is_newest(const std::byte* p, std::size_t bytes) const noexcept {
    const std::size_t reach = address(head_) - address(p); // more than is used, if p is elsewhere
    return p != nullptr && reach <= distance(begin_, head_) && bytes <= gap_.shrink(reach) &&
           gap_.stretch(round_up(bytes)) == reach;
  }

  /// Throws what a request that was not served deserves, if it is not for lack of room.
  void check_request(Label who, bool busy, std::size_t alignment) const;
  /// Throws what a request that was not served deserves; `busy` is while destructors run.
  [[noreturn, gnu::cold]] void refuse(Label who, bool busy, std::size_t bytes,
                                      std::size_t alignment) const;

private:
  [[nodiscard]] std::byte* end() const noexcept {
    const std::size_t room = limit_ - address(head_);
    return room == 0 ? head_ : head_ + (room - gap_.stretch(1));
  }
  static std::uintptr_t address(const std::byte* p) noexcept {
    return reinterpret_cast<std::uintptr_t>(p);
  }
  static std::size_t distance(const std::byte* from, const std::byte* to) noexcept {
    return static_cast<std::size_t>(to - from);
  }

  static void clear(std::byte* from, std::byte* to) noexcept {
    annotate::show(from, distance(from, to));
    std::memset(from, 0, distance(from, to));
    annotate::hide(from, distance(from, to));
  }
  [[nodiscard]] const void* pool() const noexcept {
    return gap_.stretch(1) != 1 ? begin_ : nullptr;
  }

  [[nodiscard]] bool resize_newest(std::byte* p, std::size_t old_bytes,
                                   std::size_t new_bytes) noexcept {
    if (new_bytes > old_bytes) {
      if (new_bytes >= gap_.shrink(limit_ - address(p)))
        return false;
      annotate::grown(pool(), p, head_, new_bytes);
    } else {
      if (dirty_ < head_)
        dirty_ = head_;
      annotate::truncated(pool(), p, distance(p, head_));
      annotate::allocated(pool(), p, new_bytes);
    }
    head_ = p + gap_.stretch(round_up(new_bytes));
    return true;
  }

  std::byte* head_ = nullptr; // the only member that a fast path writes
  std::uintptr_t limit_ = 0;  // a number: no pointer may go past the end
  std::byte* begin_ = nullptr;
  std::byte* dirty_ = nullptr;
  std::size_t peak_ = 0;
  Gap gap_;
};

} // namespace ALLOT_ABI
} // namespace allot
