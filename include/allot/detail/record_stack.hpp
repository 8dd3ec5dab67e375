// A stack of small records that a strategy keeps beside its memory: marks, checkpoints.
//
// A few lie in the object itself. If there are more, all of them lie where the strategy has room
// for them, until there are few again. They grow downwards, so that room which does so needs no
// move:
//
//   in the object              or outside
//   | 3 | 2 | 1 | 0 |          |   room    | 5 | 4 | 3 | 2 | 1 | 0 |
//                    ^ top                                          ^ top
#pragma once

#include <allot/base/annotate.hpp>
#include <allot/base/errc.hpp>
#include <allot/base/size.hpp>
#include <allot/upstream.hpp>

#include <cstddef>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

/// How many records lie in the object itself.
inline constexpr std::size_t few_records = 4;

/// Everything is O(1), but for drop_while, which takes a step for each that it drops.
template <class Record>
class RecordStack {
  static_assert(std::is_trivially_copyable_v<Record> && sizeof(Record) % granule == 0);

public:
  RecordStack() = default;
  RecordStack(RecordStack&& other) noexcept { *this = static_cast<RecordStack&&>(other); }
  RecordStack& operator=(RecordStack&& other) noexcept {
    if (this != &other) {
      std::memcpy(few_, other.few_, sizeof few_);
      const std::size_t size = other.size();
      if (other.is_outside())
        set(other.top_, size, other.room());
      else
        set(few_top(), size, few_records);
      reserved_ = std::exchange(other.reserved_, 0);
      borrowed_ = std::exchange(other.borrowed_, false);
      other.set(other.few_top(), 0, few_records);
    }
    return *this;
  }

  [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(top_ - next_); }
  [[nodiscard]] bool empty() const noexcept { return next_ == top_; }
  /// Whether there is no room for another push.
  [[nodiscard]] bool full() const noexcept { return next_ == lowest_; }
  [[nodiscard]] Record& operator[](std::size_t i) noexcept { return top_[-1 - signed_(i)]; }
  [[nodiscard]] const Record& operator[](std::size_t i) const noexcept {
    return top_[-1 - signed_(i)];
  }
  [[nodiscard]] Record& newest() noexcept { return *next_; }

  /// A record of `fields`, made where it stays: a copy would wait until it is written, since it is
  /// read in larger words. There must be room.
  template <class... Fields>
  void push(const Fields&... fields) noexcept {
    ::new (static_cast<void*>(--next_)) Record{fields...};
  }
  /// Valid until the next push.
  const Record& pop() noexcept { return *next_++; }
  void truncate(std::size_t size) noexcept { next_ = top_ - size; }
  /// Drops the newest records as long as `unwanted` says so of them; the one that stays is the last
  /// that it is asked about.
  template <class Unwanted>
  void drop_while(Unwanted unwanted) {
    Record* kept = next_;
    while (kept != top_ && unwanted(*kept))
      ++kept;
    next_ = kept;
  }

  /// How many there is room for, and whether it is outside.
  [[nodiscard]] std::size_t room() const noexcept {
    return static_cast<std::size_t>(top_ - lowest_);
  }
  [[nodiscard]] bool is_outside() const noexcept { return top_ != few_top(); }
  /// Whether there may be room outside for `drop_idle` to give back.
  [[nodiscard]] bool has_borrowed() const noexcept { return borrowed_; }
  [[nodiscard]] Record* lowest_place() const noexcept { return lowest_; }

  /// Moves to room for `count` outside, no fewer than there are, which ends at `top`. If it is
  /// reserved it stays when they are gone.
  void move_out(std::byte* top, std::size_t count, bool reserved) noexcept {
    auto* const to = reinterpret_cast<Record*>(top);
    std::memmove(static_cast<void*>(to - size()), next_, size() * sizeof(Record));
    set(to, size(), count);
    reserved_ = reserved ? count : 0;
    borrowed_ = !reserved;
  }
  /// The room outside goes on below for one more.
  void extend() noexcept {
    --lowest_;
    borrowed_ = true;
  }
  /// Gives back what is neither in use nor reserved outside, and tells for how many that is.
  [[nodiscard]] std::size_t drop_idle() noexcept {
    const std::size_t before = room();
    const std::size_t kept = larger(size(), reserved_);
    lowest_ = top_ - kept;
    borrowed_ = kept != reserved_;
    if (kept > few_records || reserved_ != 0)
      return before - kept;
    std::memcpy(static_cast<void*>(few_top() - size()), next_, size() * sizeof(Record));
    set(few_top(), size(), few_records);
    borrowed_ = false;
    return before;
  }

private:
  static std::ptrdiff_t signed_(std::size_t n) noexcept { return static_cast<std::ptrdiff_t>(n); }
  [[nodiscard]] Record* few_top() const noexcept {
    return reinterpret_cast<Record*>(const_cast<std::byte*>(few_)) + few_records;
  }
  void set(Record* top, std::size_t size, std::size_t room) noexcept {
    top_ = top;
    next_ = top - size;
    lowest_ = top - room;
  }

  Record* top_ = few_top();
  Record* next_ = few_top(); // the newest, or the top
  Record* lowest_ = few_top() - few_records;
  std::size_t reserved_ = 0; // for how many, outside
  bool borrowed_ = false;
  alignas(Record) std::byte few_[few_records * sizeof(Record)]; // not initialised
};

/// Room for more than a few records from an upstream, or from the heap if there is none. It
/// doubles, and the records move.
class RecordRoom {
public:
  RecordRoom() = default;
  RecordRoom(RecordRoom&& other) noexcept { *this = static_cast<RecordRoom&&>(other); }
  RecordRoom& operator=(RecordRoom&& other) noexcept {
    release();
    begin_ = std::exchange(other.begin_, nullptr);
    bytes_ = std::exchange(other.bytes_, 0);
    upstream_ = other.upstream_;
    return *this;
  }
  ~RecordRoom() { release(); }
  void release() noexcept;

  /// Gives `records` room for at least `count`. Exhausted, naming `owner`: refused.
  template <class Record>
  void grow(RecordStack<Record>& records, std::size_t count, Label owner, UpstreamRef upstream) {
    count = larger(count, saturating_multiply(records.room(), 2));
    RecordRoom more;
    records.move_out(more.take(saturating_multiply(count, sizeof(Record)), owner, upstream), count,
                     true);
    *this = std::move(more);
  }

private:
  std::byte* take(std::size_t bytes, Label owner, UpstreamRef upstream);

  std::byte* begin_ = nullptr;
  std::size_t bytes_ = 0;
  UpstreamRef upstream_;
};

} // namespace ALLOT_ABI
} // namespace allot
