// A bump cursor over a range of memory: the part that Arena, Bump, Stack, MappedArena, Region and
// Scratch have in common.
//
//   begin               padded  head         frontier          end
//   | handed out        | skip | xx | free, and zero | free    |
//   |<------------ used ----------->|<------ available ------->|
//                                         ^ dirty: the highest head since the last reset
//
// The check cannot wrap: a request is compared with what is left, never added to a pointer first.
// It is `bytes < limit - head` with the limit one above the frontier, so that an exact fit passes
// and so does a request for 0 bytes, which takes nothing. Released (both zero) and closed
// (limit == head) cursors let nothing pass, so the fast path has one branch, and the cold path
// finds out what it was.
//
// Memory is zeroed shortly before it is handed out, not when it is acquired: the frontier is how
// far it is zero, and passing it is the cold path. So a strategy costs what is used of it. The
// frontier is the end where nothing is zeroed, and where all is known to be zero.
//
// Bytes skipped for alignment, at least 8, are free again with the block that they were skipped
// for. Their last word tells how many they are and how far back the padded block before lies:
//
//   | padded block | ...                    | skip         | block
//   ^<---------- distance << 17 | skip >> 3, in the last 8 bytes; a skip of 8 MiB and more counts
//   as
//                                             0 there and stands in the word before
//
// Used, peak and what must be zeroed are derived from the pointers; a fast path counts nothing.
// Everything is O(1), but for zeroing.
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
  /// Where a cursor stands, to go back to. The head is last: as the first of two words that lie
  /// side by side GCC would read it, which every allocation writes, as a part of 16 bytes, and
  /// wait.
  struct Position {
    std::uintptr_t padded = 0;
    std::byte* head = nullptr;
    bool operator==(const Position&) const = default;
    /// The lower of both.
    void lower(const Position& to) noexcept {
      if (head > to.head)
        *this = to;
    }
  };

  Cursor() = default;
  /// Over `bytes` (a multiple of 8) at `begin` (8-aligned), none of it handed out, all of it zero
  /// or of no matter.
  Cursor(std::byte* begin, std::size_t bytes, Gap gap, bool zero = true) noexcept
      : head_(begin), begin_(begin), dirty_(begin), end_(begin + gap.stretch(bytes)),
        padded_(no_padding()), gap_(gap), zero_(zero) {
    set_frontier(end_);
  }
  /// Over what follows the first `skip` bytes (a multiple of 8) of `buffer`, hidden from sanitizers
  /// and zeroed ahead of use if `zero`. Misuse, naming `owner`: there is no room for 8 bytes.
  Cursor(Label owner, const Buffer& buffer, bool zero, std::size_t skip = 0);
  /// The same capacity without red zones, for allocations that must lie side by side.
  [[nodiscard]] Cursor without_gap() const noexcept {
    Cursor plain(begin_, capacity(), Gap(), zero_);
    if (frontier() < end_)
      plain.set_frontier(begin_);
    return plain;
  }
  Cursor(const Cursor&) = default;
  Cursor& operator=(const Cursor&) = default;
  Cursor(Cursor&& other) noexcept { *this = static_cast<Cursor&&>(other); }
  Cursor& operator=(Cursor&& other) noexcept {
    head_ = std::exchange(other.head_, nullptr);
    limit_ = std::exchange(other.limit_, 0);
    begin_ = std::exchange(other.begin_, nullptr);
    dirty_ = std::exchange(other.dirty_, nullptr);
    end_ = std::exchange(other.end_, nullptr);
    padded_ = std::exchange(other.padded_, 0);
    peak_ = std::exchange(other.peak_, 0);
    gap_ = other.gap_;
    zero_ = other.zero_;
    return *this;
  }

  [[nodiscard]] std::byte* head() const noexcept { return head_; }
  [[nodiscard]] std::byte* begin() const noexcept { return begin_; }
  [[nodiscard]] std::byte* end() const noexcept { return end_; }
  [[nodiscard]] Position position() const noexcept { return {padded_, head_}; }
  /// Where nothing is handed out.
  [[nodiscard]] Position start() const noexcept { return {no_padding(), begin_}; }
  [[nodiscard]] bool released() const noexcept { return begin_ == nullptr; }
  [[nodiscard]] Gap gap() const noexcept { return gap_; }

  /// All in bytes accounted for.
  [[nodiscard]] std::size_t available() const noexcept {
    return gap_.shrink(distance(head_, end_));
  }
  [[nodiscard]] std::size_t used() const noexcept { return gap_.shrink(distance(begin_, head_)); }
  [[nodiscard]] std::size_t capacity() const noexcept {
    return gap_.shrink(distance(begin_, end_));
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

  /// The next `bytes` at `alignment`. Null: they do not lie below the frontier, are none, or it is
  /// no power of two.
  [[nodiscard]] std::byte* take_aligned(std::size_t bytes, std::size_t alignment) noexcept {
    const std::size_t skip = padding(address(head_), gap_.stretch(alignment));
    const std::size_t room = limit_ - address(head_);
    if (!is_power_of_two(alignment) || skip >= room ||
        !allot::fits(bytes, gap_.shrink(room - skip) - 1))
      return nullptr;
    if (skip != 0) {
      head_ += skip;
      note_padding(skip);
    }
    return take(bytes);
  }

  /// The same of what is left beyond the frontier, too; `alignment` is a power of two, and the
  /// cursor is not closed. Null: they do not fit.
  [[nodiscard, gnu::cold]] void* take_slow(std::size_t bytes, std::size_t alignment) noexcept;

  /// Whether the next `bytes`, at least one, can be taken: moves the frontier if it must.
  [[nodiscard]] bool make_ready(std::size_t bytes) noexcept { return advance(head_, bytes); }

  /// What a zero-byte request gives: aligned, not null, and nobody's to touch.
  [[nodiscard]] void* nothing(std::size_t alignment) const noexcept {
    const std::size_t skip = padding(address(head_), alignment);
    if (skip < distance(head_, end_))
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

  /// Takes back all that was handed out since `position()` was `to`.
  void rewind(const Position& to) noexcept {
    rewind(to.head);
    padded_ = to.padded;
  }
  /// The same where nothing was padded.
  void rewind(std::byte* to) noexcept {
    if (dirty_ < head_)
      dirty_ = head_;
    annotate::truncated(pool(), to, distance(to, head_));
    head_ = to;
  }

  /// Takes everything back, and zeroes what may have been written since the last reset.
  void reset() noexcept {
    rewind(start());
    if (zero_ && dirty_ != begin_)
      clear(begin_, dirty_);
    if (peak_ < high())
      peak_ = high();
    dirty_ = begin_;
  }

  /// Starts the peak anew, at what is used. What was used and taken back is zeroed, as reset would
  /// do, so that only what is used counts as high.
  void reset_peak() noexcept {
    if (zero_ && dirty_ > head_)
      clear(head_, dirty_);
    dirty_ = head_;
    peak_ = 0;
  }

  /// How many of the `bytes` at `p`, the newest allocation, may not be zero.
  [[nodiscard]] std::size_t dirty_bytes(const void* p, std::size_t bytes) const noexcept {
    if (!zero_)
      return bytes;
    const auto at = static_cast<const std::byte*>(p);
    return at < dirty_ ? smaller(bytes, distance(at, dirty_)) : 0;
  }

  /// Zeroes all that is left, so that the whole range can be read; a constant one does it each
  /// time.
  void zero_rest() noexcept {
    static_cast<const Cursor&>(*this).zero_rest();
    set_frontier(end_);
  }
  void zero_rest() const noexcept {
    if (zero_ && frontier() < end_)
      clear(frontier(), end_);
  }

  /// Moves the end, as memory is committed or given back. What is at and above `end` reads as zero.
  void set_end(std::byte* end) noexcept {
    end_ = end;
    set_frontier(end);
    lower_dirty();
  }

  /// Takes `bytes`, a multiple of 8, away at the far end; false, and nothing done, if they are not
  /// free. They are not handed out: who takes them away gives them back.
  [[nodiscard]] bool lower_end(std::size_t bytes) noexcept {
    if (gap_.stretch(bytes) > distance(head_, end_))
      return false;
    end_ -= gap_.stretch(bytes);
    if (frontier() > end_)
      set_frontier(end_);
    lower_dirty();
    return true;
  }
  void raise_end(std::size_t bytes) noexcept { end_ += gap_.stretch(bytes); }

  /// Refuses every request until `reopen(close())`.
  [[nodiscard]] std::uintptr_t close() noexcept { return std::exchange(limit_, address(head_)); }
  void reopen(std::uintptr_t limit) noexcept { limit_ = limit; }

  /// Calls `visit(offset, bytes)` for what was skipped for alignment, the newest first, in bytes
  /// accounted for.
  template <class Visit>
  void for_each_padding(Visit visit) const {
    if (released())
      return;
    for (std::uintptr_t block = padded_; block != no_padding();) {
      const Padding before = padding_before(begin_ + (block - address(begin_)));
      const std::size_t end = block - address(begin_);
      visit(gap_.shrink(end - before.bytes), gap_.shrink(before.bytes));
      block = before.older;
    }
  }

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
  static std::uintptr_t address(const std::byte* p) noexcept {
    return reinterpret_cast<std::uintptr_t>(p);
  }
  static std::size_t distance(const std::byte* from, const std::byte* to) noexcept {
    return static_cast<std::size_t>(to - from);
  }

  // None while the cursor is closed.
  [[nodiscard]] std::byte* frontier() const noexcept {
    return head_ + (limit_ - gap_.stretch(1) - address(head_));
  }
  void set_frontier(const std::byte* to) noexcept { limit_ = address(to) + gap_.stretch(1); }
  void advance_to(std::byte* to) noexcept;
  [[nodiscard, gnu::cold]] bool advance(std::byte* at, std::size_t bytes) noexcept;

  void lower_dirty() noexcept {
    if (dirty_ <= end_)
      return;
    if (peak_ < high())
      peak_ = high();
    dirty_ = end_;
  }

  static void clear(std::byte* from, std::byte* to) noexcept {
    annotate::show(from, distance(from, to));
    std::memset(from, 0, distance(from, to));
    annotate::hide(from, distance(from, to));
  }
  [[nodiscard]] const void* pool() const noexcept {
    return gap_.stretch(1) != 1 ? begin_ : nullptr;
  }

  // The newest padded block where there is none: an address that no head is at, so that nobody
  // asks.
  [[nodiscard]] std::uintptr_t no_padding() const noexcept { return address(begin_) - granule; }
  // The `skip` bytes before the head were skipped.
  void note_padding(std::size_t skip) noexcept {
    const std::uint64_t back = address(head_) - padded_;
    const bool is_long = skip >= long_skip;
    write_before(1, back << 17 | (is_long ? 0 : skip / granule));
    if (is_long) [[unlikely]]
      write_before(2, skip);
    padded_ = address(head_);
  }
  void drop_padding() noexcept;
  // What stands there: how many bytes were skipped, and which block is the padded one before.
  struct Padding {
    std::size_t bytes;
    std::uintptr_t older;
  };
  [[nodiscard]] static Padding padding_before(std::byte* block) noexcept;
  static constexpr std::size_t long_skip = 8_MiB;
  void write_before(std::size_t words, std::uint64_t value) noexcept {
    std::byte* const at = head_ - words * sizeof value;
    annotate::show(at, sizeof value);
    std::memcpy(at, &value, sizeof value);
    annotate::hide(at, sizeof value);
  }

  [[nodiscard]] bool resize_newest(std::byte* p, std::size_t old_bytes,
                                   std::size_t new_bytes) noexcept {
    if (new_bytes > old_bytes) {
      if (new_bytes >= gap_.shrink(limit_ - address(p)) && !advance(p, new_bytes))
        return false;
      annotate::grown(pool(), p, head_, new_bytes);
    } else {
      if (dirty_ < head_)
        dirty_ = head_;
      annotate::truncated(pool(), p, distance(p, head_));
      annotate::allocated(pool(), p, new_bytes);
    }
    head_ = p + gap_.stretch(round_up(new_bytes));
    if (address(head_) == padded_)
      drop_padding();
    return true;
  }

  std::byte* head_ = nullptr; // the only member that a fast path writes
  std::uintptr_t limit_ = 0;  // a number: no pointer may go past the end
  std::byte* begin_ = nullptr;
  std::byte* dirty_ = nullptr;
  std::byte* end_ = nullptr;
  std::uintptr_t padded_ = 0; // the newest block that bytes were skipped for
  std::size_t peak_ = 0;
  Gap gap_;
  bool zero_ = true; // whether what is handed out must be zero
};

} // namespace ALLOT_ABI
} // namespace allot
