// NumberDepot: those of the numbers 0 to n - 1 that are free and that no thread has: the depot of
// magazines of numbers (thread_magazine.hpp). The mutex guards it.
//
//   | 7 | 2 | 9 | 4 |   ...   |     pop gives 4, 9, 2, 7, then limit(), limit() + 1, ...
//                   size of those given back
//
// What each number stands for may have a byte beside those of its neighbours. So that threads do
// not write to the same cache lines, each takes numbers that were never taken as a range of its
// own, at most as many as such bytes fill a line.
//
//   thread   | 66, 67 ... 127 |      what is left of the numbers 64 to 127
//   depot    returned, and 192, 193 ...
#pragma once

#include <allot/base/abi.hpp>

#include <allot/base/size.hpp>

#include <cstddef>
#include <cstdint>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

class NumberDepot {
public:
  using Number = std::uint32_t;
  static constexpr std::size_t max_count = 0xFFFFFFFF;
  static constexpr std::size_t group = 64; ///< a cache line of bytes
  /// What a thread has to itself of what was never taken. Only the mutex guards it, too.
  struct Range {
    Number next = 0;
    Number end = 0;
  };

  NumberDepot() = default; ///< of no numbers
  /// `numbers` has room for `count`, and is not touched yet.
  NumberDepot(Number* numbers, std::size_t count) noexcept : numbers_(numbers), count_(count) {}

  [[nodiscard]] std::size_t size() const noexcept { return returned_ + (count_ - limit_); }
  /// The one given back last; if there is none, the lowest that was never taken. Not when empty.
  [[nodiscard]] Number pop() noexcept {
    return returned_ != 0 ? numbers_[--returned_] : static_cast<Number>(limit_++);
  }
  /// False: all that were ever taken are here, so it is here already.
  [[nodiscard]] bool push(Number number) noexcept {
    if (out() == 0) [[unlikely]]
      return false;
    numbers_[returned_++] = number;
    return true;
  }

  /// What a thread takes next that has a range: what was returned; if that is none, its range; if
  /// that is empty, another, of at most `most` numbers. Not when empty. So what fills a magazine
  /// that takes and leaves a group at a time is a group.
  class Supply {
  public:
    Supply(NumberDepot& depot, Range& own, std::size_t most) noexcept : depot_(depot), own_(own) {
      if (depot.returned_ == 0 && own.next == own.end)
        own = depot.set_apart(most);
    }
    [[nodiscard]] std::size_t size() const noexcept {
      return depot_.returned_ != 0 ? depot_.returned_ : own_.end - own_.next;
    }
    [[nodiscard]] Number pop() noexcept {
      if (depot_.returned_ != 0)
        return depot_.pop();
      --depot_.apart_;
      return own_.next++;
    }

  private:
    NumberDepot& depot_;
    Range& own_;
  };
  /// What is left of a range is as if it was returned.
  void take_back(Range& range) noexcept {
    apart_ -= range.end - range.next;
    while (range.end != range.next)
      numbers_[returned_++] = --range.end;
  }

  /// No number from here on was taken, or is in a range, since construction or reset.
  [[nodiscard]] std::size_t limit() const noexcept { return limit_; }
  /// How many are neither here nor in a range.
  [[nodiscard]] std::size_t out() const noexcept { return limit_ - returned_ - apart_; }
  /// Ranges are void.
  void reset() noexcept { limit_ = returned_ = apart_ = 0; }

private:
  /// One at least; none of the next group.
  [[nodiscard]] Range set_apart(std::size_t most) noexcept {
    const std::size_t first = limit_;
    const std::size_t end = smaller(first - first % group + group, count_);
    limit_ = smaller(end, first + larger(most, std::size_t{1}));
    apart_ += limit_ - first;
    return {static_cast<Number>(first), static_cast<Number>(limit_)};
  }

  Number* numbers_ = nullptr;
  std::size_t count_ = 0;
  std::size_t limit_ = 0;
  std::size_t returned_ = 0;
  std::size_t apart_ = 0; // in ranges
};

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
