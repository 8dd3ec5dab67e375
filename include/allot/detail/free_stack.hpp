// FreeStack: which of the numbers 0 to n - 1 are free, and the one that was freed last first.
//
// BlockPool's Order::any. Not for use on its own: numbers, no memory but its bookkeeping.
//
//   stack   | 7 | 2 | none | 5 | 9 | 4 |        flags   | 1 1 0 1 1 0 0 0 1 0 0 ...
//             bottom_ floor_           top_              1 is in use       limit_
//
// Numbers are pushed and popped above floor_, where `none` stands, so that popping tests nothing
// else. There, `find` goes on: with what lies below, from which floor_ falls by one each time, then
// with the numbers from limit_ on, which were never taken. What lies below floor_ was free all the
// time since reset_peak raised it, so the most that were in use are limit_ without those.
//
// All is O(1), construction and reset too: flags are read below limit_ only.
#pragma once

#include <allot/base/size.hpp>

#include <cstddef>
#include <cstdint>

namespace allot {
inline namespace ALLOT_ABI {

/// Whether numbers are put back inline, or by calls only.
enum class Freeing : bool { slow, quick };

class FreeStack {
public:
  static constexpr std::size_t none = max_size;
  static constexpr std::size_t max_count = 0xFFFFFFFF; // an index has 32 bits, and one is no number

  /// The bytes of bookkeeping that `count` numbers need, or max_size if no size holds that.
  [[nodiscard]] static std::size_t bytes(std::size_t count) noexcept;

  /// No numbers, and `find` must not be called.
  FreeStack() = default;
  /// All of 0 to `count` - 1 are free. `memory` is `bytes(count)` bytes, aligned to 8.
  /// `Freeing::slow`: put_back frees none, but put_back_slow all.
  FreeStack(std::byte* memory, std::size_t count, Freeing freeing = Freeing::quick) noexcept;

  /// The number freed last, no longer free. False: `find` may know of one.
  [[nodiscard, gnu::always_inline]] bool take(std::size_t& number) noexcept {
    if (top_[-1] == no_index) [[unlikely]]
      return false;
    number = *--top_;
    flags_[number] = Flag::in_use;
    return true;
  }
  /// The same, when `take` gave none. `none`: all that are ready are in use.
  [[nodiscard]] std::size_t find() noexcept;

  /// Frees a number. False: `put_back_slow` may do it.
  [[nodiscard, gnu::always_inline]] bool put_back(std::size_t number) noexcept {
    return number < quick_limit_ && push(number);
  }
  /// The same, when `put_back` did not. False: it is not in use.
  [[nodiscard]] bool put_back_slow(std::size_t number) noexcept {
    return number < limit_ && push(number);
  }
  /// Frees all numbers.
  void reset() noexcept;

  /// Free numbers from here on are not taken: `count` at first.
  [[nodiscard]] std::size_t ready() const noexcept { return ready_; }
  /// Not below what was ever taken.
  void set_ready(std::size_t ready) noexcept { ready_ = ready; }

  /// No number from here on was taken since construction or reset.
  [[nodiscard]] std::size_t limit() const noexcept { return limit_; }
  [[nodiscard]] bool in_use(std::size_t number) const noexcept {
    return number < limit_ && flags_[number] != Flag::free;
  }
  /// The lowest number in use that is not below `number`, or `none`.
  [[nodiscard]] std::size_t next_in_use(std::size_t number) const noexcept;
  /// How many are in use.
  [[nodiscard]] std::size_t used() const noexcept { return limit_ - free_below(top_ - 1); }
  /// The most that were in use since construction, reset or reset_peak.
  [[nodiscard]] std::size_t peak() const noexcept { return limit_ - free_below(floor_); }
  /// The peak is what is used now.
  void reset_peak() noexcept;

private:
  // Types that alias no member, so that a store to one makes the compiler reload nothing; a plain
  // byte would alias everything.
  using Index = std::uint32_t;
  enum class Flag : std::uint8_t { free, in_use };

  static constexpr Index no_index = max_count;
  static inline Index empty[] = {no_index}; // the stack of no numbers; never written

  [[nodiscard, gnu::always_inline]] bool push(std::size_t number) noexcept {
    if (flags_[number] == Flag::free) [[unlikely]]
      return false;
    flags_[number] = Flag::free;
    *top_++ = static_cast<Index>(number);
    return true;
  }

  // Every number on the stack has a place of its own, floor_ one more.
  [[nodiscard]] std::size_t free_below(const Index* place) const noexcept {
    return static_cast<std::size_t>(place - bottom_);
  }

  Index* top_ = empty + 1;
  Flag* flags_ = nullptr;
  std::size_t quick_limit_ = 0; // limit_, or 0 if Freeing::slow
  std::size_t limit_ = 0;
  Index* floor_ = empty;
  Index* bottom_ = empty;
  std::size_t ready_ = 0;
  bool quick_ = false;
};

} // namespace ALLOT_ABI
} // namespace allot
