// Arithmetic on sizes: pure integers, no memory, nothing that can wrap unnoticed.
//
// Sizes are bytes. Every strategy keeps its cursor on a multiple of the granule by rounding sizes,
// never pointers: an add-and-and on the pointer would lengthen the chain from one allocation to the
// next.
#pragma once

#include <allot/base/errc.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace allot {
inline namespace ALLOT_ABI {

/// Every allocation is aligned to this many bytes, and every size is rounded up to a multiple.
inline constexpr std::size_t granule = 8;

/// Larger than any request that can be served; what saturating arithmetic gives on overflow.
inline constexpr std::size_t max_size = std::numeric_limits<std::size_t>::max();

[[nodiscard]] constexpr std::size_t smaller(std::size_t a, std::size_t b) noexcept {
  return a < b ? a : b;
}
[[nodiscard]] constexpr std::size_t larger(std::size_t a, std::size_t b) noexcept {
  return a < b ? b : a;
}

[[nodiscard]] constexpr bool is_power_of_two(std::size_t n) noexcept {
  return n != 0 && (n & (n - 1)) == 0;
}

/// `bytes` rounded up to the granule. Only meaningful after `fits`: 0 and what would overflow
/// give 0.
[[nodiscard]] constexpr std::size_t round_up(std::size_t bytes) noexcept {
  return (bytes + (granule - 1)) & ~(granule - 1);
}

/// Whether a request that is neither empty nor larger than `left` was made, in one comparison.
/// With `left` a multiple of the granule, the rounded size fits too.
[[nodiscard]] constexpr bool fits(std::size_t bytes, std::size_t left) noexcept {
  return bytes - 1 < left;
}

/// Bytes to skip from `address` to the next multiple of `alignment`, a power of two.
[[nodiscard]] constexpr std::size_t padding(std::uintptr_t address,
                                            std::size_t alignment) noexcept {
  return static_cast<std::size_t>(0 - address) & (alignment - 1);
}

/// `a * b`, or `max_size` if that overflows.
[[nodiscard]] constexpr std::size_t saturating_multiply(std::size_t a, std::size_t b) noexcept {
  return b != 0 && a > max_size / b ? max_size : a * b;
}

/// `a + b`, or `max_size` if that overflows.
[[nodiscard]] constexpr std::size_t saturating_add(std::size_t a, std::size_t b) noexcept {
  return a > max_size - b ? max_size : a + b;
}

/// `bytes` rounded up to a multiple of `step`, a power of two, or `max_size` if that overflows.
[[nodiscard]] constexpr std::size_t saturating_round_up(std::size_t bytes,
                                                        std::size_t step) noexcept {
  return bytes > max_size - (step - 1) ? max_size : (bytes + (step - 1)) & ~(step - 1);
}

/// How many steps of `step`, not zero, hold `n`.
[[nodiscard]] constexpr std::size_t divide_up(std::size_t n, std::size_t step) noexcept {
  return n / step + (n % step != 0 ? 1 : 0);
}

/// Divides by a number, not zero, without dividing: a multiplication and a rotation.
class ExactDivisor {
public:
  ExactDivisor() = default;
  // The inverse of the odd part modulo 2^64, or 2^32: Newton's iteration doubles the correct bits,
  // and any odd number is its own inverse modulo 8.
  constexpr explicit ExactDivisor(std::size_t n) noexcept
      : shift_(static_cast<std::size_t>(std::countr_zero(n))) {
    const std::size_t odd = n >> shift_;
    inverse_ = odd;
    for (int correct_bits = 3; correct_bits < 64; correct_bits *= 2)
      inverse_ *= 2 - odd * inverse_;
  }
  /// The quotient of a multiple; of anything else, a number above that of any multiple. So that one
  /// comparison with a count tells both whether `offset` is in range and whether it is a multiple.
  [[nodiscard]] constexpr std::size_t quotient(std::size_t offset) const noexcept {
    return std::rotr(offset * inverse_, static_cast<int>(shift_));
  }

private:
  std::size_t inverse_ = 0;
  std::size_t shift_ = 0;
};

/// The nearest multiple of `alignment`, any number but zero, that is not below `size`.
/// Misuse: an alignment of zero, a multiple that a std::size_t cannot hold.
[[nodiscard]] constexpr std::size_t align_up(std::size_t size, std::size_t alignment) {
  if (alignment == 0)
    throw_misuse("align_up", Errc::bad_alignment, "an alignment of 0 was asked for");
  const std::size_t over = size % alignment;
  if (over == 0)
    return size;
  if (size > max_size - (alignment - over))
    throw_misuse("align_up", Errc::overflow, "no multiple of %zu at or above %zu fits in a size_t",
                 alignment, size);
  return size + (alignment - over);
}

namespace detail {
/// `n` with its bits mixed, so that neighbours have nothing in common. No two give the same.
[[nodiscard]] constexpr std::uint64_t mixed(std::uint64_t n) noexcept {
  constexpr std::uint64_t odd = 0x9E3779B97F4A7C15;
  n *= odd;
  n = (n ^ n >> 29) * odd;
  return n ^ n >> 32;
}

[[noreturn]] void size_t_cannot_hold_this(); // nowhere defined: no constant calls it
[[noreturn]] void only_integers();           // nor this
consteval unsigned digit(char c) {
  return static_cast<unsigned>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}
/// What a literal's characters say, times 2^shift.
template <int shift, char... characters>
consteval std::size_t scaled() {
  constexpr char text[] = {characters..., '\0'};
  constexpr std::uint64_t most = std::uint64_t{max_size} >> shift;
  const bool hex = (text[1] | 0x20) == 'x';
  const bool binary = (text[1] | 0x20) == 'b';
  const unsigned base = text[0] != '0' ? 10 : hex ? 16 : binary ? 2 : 8;
  std::uint64_t n = 0;
  for (const char* c = text + (hex || binary ? 2 : 0); *c != '\0'; ++c) {
    if (*c == '\'')
      continue;
    if (digit(*c) >= base) // a point or an exponent
      only_integers();
    n = n * base + digit(*c);
    if (n > most) // which is far from where the next digit would wrap
      size_t_cannot_hold_this();
  }
  return static_cast<std::size_t>(n << shift);
}
} // namespace detail

// Templates, whose constants are constants wherever they stand: clang 14 would call a consteval
// function of a number, which is nowhere, where what is initialized depends on a template's type.
inline namespace literals {
template <char... characters>
constexpr std::size_t operator""_KiB() {
  constexpr std::size_t bytes = detail::scaled<10, characters...>();
  return bytes;
}
template <char... characters>
constexpr std::size_t operator""_MiB() {
  constexpr std::size_t bytes = detail::scaled<20, characters...>();
  return bytes;
}
template <char... characters>
constexpr std::size_t operator""_GiB() {
  constexpr std::size_t bytes = detail::scaled<30, characters...>();
  return bytes;
}
template <char... characters>
constexpr std::size_t operator""_TiB() {
  constexpr std::size_t bytes = detail::scaled<40, characters...>();
  return bytes;
}
} // namespace literals

} // namespace ALLOT_ABI
} // namespace allot
