// FreeStack: which of the numbers 0 to n - 1 are free, and the one that was freed last first.
//
// BlockPool's Order::any. Not for use on its own: numbers, no memory but its bookkeeping.
//
//   stack   | nobody | 7 | 2 | 5 | 9 | 4 | nobody |    top_ points past 5, freed last
//                free        taken from here
//   flags   | 1 1 0 1 1 0 1 0 ... |    a 1 is in use; none was ever taken from limit on
//
// A number that was taken from the stack and is put back in stack order is still where it was, so
// that one comparison tells that it is in use, and nothing needs to be pushed. Any other overwrites
// what is there, and has `nobody` above it, since what lies further up may be free by now.
//
// When no number that was put back is left, those that were never taken follow, in order. All is
// O(1), construction and reset too.
#pragma once

#include <allot/base/size.hpp>

#include <cstddef>
#include <cstdint>

namespace allot {
inline namespace ALLOT_ABI {

class FreeStack {
public:
  static constexpr std::size_t none = max_size;
  static constexpr std::size_t max_count = 0xFFFFFFFF; // numbers have 32 bits, and `nobody` is none

  /// The bytes of bookkeeping that `count` numbers need, or max_size if no size holds that.
  [[nodiscard]] static std::size_t bytes(std::size_t count) noexcept;

  /// No numbers.
  FreeStack() = default;
  /// All of 0 to `count` - 1 are free. `memory` is `bytes(count)` bytes, aligned to 8.
  FreeStack(std::byte* memory, std::size_t count) noexcept;

  /// Whether `take` may be called; else `find` may know more.
  [[nodiscard]] bool at_hand() const noexcept { return top_[-1] != nobody; }
  /// The number freed last, no longer free.
  [[nodiscard, gnu::always_inline]] std::size_t take() noexcept {
    const Index number = *--top_;
    flags_[number] = Flag::in_use;
    return number;
  }
  /// As `take`, when nothing is at hand. `none`: all are in use.
  [[nodiscard]] std::size_t find() noexcept {
    if (limit_ == count_)
      return none;
    flags_[limit_] = Flag::in_use;
    return limit_++;
  }

  /// Frees the number that `take` gave last, or before those that were put back in this way since.
  /// False: it is another, which `put_back` may free. `number` is below `max_count`.
  [[nodiscard, gnu::always_inline]] bool put_back_newest(std::size_t number) noexcept {
    if (*top_ != static_cast<Index>(number))
      return false;
    flags_[number] = Flag::free;
    ++top_;
    return true;
  }
  /// Frees a number. False: it is not in use.
  [[nodiscard, gnu::always_inline]] bool put_back(std::size_t number) noexcept {
    if (!in_use(number)) [[unlikely]]
      return false;
    flags_[number] = Flag::free;
    *top_++ = static_cast<Index>(number);
    *top_ = nobody;
    return true;
  }
  /// Frees all numbers.
  void reset() noexcept;

  /// No number from here on was taken since construction or reset.
  [[nodiscard]] std::size_t limit() const noexcept { return limit_; }
  [[nodiscard]] bool in_use(std::size_t number) const noexcept {
    return number < limit_ && flags_[number] != Flag::free;
  }
  /// How many are in use.
  [[nodiscard]] std::size_t used() const noexcept;

private:
  // Types that alias no member, so that a store to one makes the compiler reload nothing; a plain
  // byte would alias everything.
  using Index = std::uint32_t;
  enum class Flag : std::uint8_t { free, in_use };

  static constexpr Index nobody = max_count;
  static inline Index nothing[] = {nobody, nobody}; // the stack of no numbers; never written

  Index* top_ = nothing + 1;
  Index* bottom_ = nothing + 1;
  Flag* flags_ = nullptr;
  std::size_t limit_ = 0;
  std::size_t count_ = 0;
};

} // namespace ALLOT_ABI
} // namespace allot
