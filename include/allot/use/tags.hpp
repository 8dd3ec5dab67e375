// The words and numbers that tell apart what the page spells alike: which of its meanings a verb of
// use/arena.hpp has, and whether a number is a size, an alignment or a count.
//
// All constructors are explicit, so that `{}` selects none.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/errc.hpp>
#include <allot/base/size.hpp>

#include <concepts>
#include <cstddef>
#include <type_traits>

namespace allot {
inline namespace ALLOT_ABI {
namespace use {

/// What all of them are, so that none is taken for data to push.
struct Word {};

struct ResetTag : Word {
  explicit ResetTag() = default;
};
struct ReleaseTag : Word {
  explicit ReleaseTag() = default;
};
struct StatsTag : Word {
  explicit StatsTag() = default;
};
struct ShrinkTag : Word {
  explicit ShrinkTag() = default;
};
struct AcquireTag : Word {
  explicit AcquireTag() = default;
};
struct SaveTag : Word {
  explicit SaveTag() = default;
};
struct RestoreTag : Word {
  explicit RestoreTag() = default;
};

inline constexpr ResetTag reset{};
inline constexpr ReleaseTag release{};
inline constexpr StatsTag stats{};
inline constexpr ShrinkTag shrink{};
inline constexpr AcquireTag acquire{};
inline constexpr SaveTag save{};
inline constexpr RestoreTag restore{};

/// A number, as opposed to a truth value or a character; the 8-bit integers do count.
template <class N>
concept Integer =
    std::integral<N> && !std::same_as<std::remove_cv_t<N>, bool> &&
    !std::same_as<std::remove_cv_t<N>, char> && !std::same_as<std::remove_cv_t<N>, wchar_t> &&
    !std::same_as<std::remove_cv_t<N>, char8_t> && !std::same_as<std::remove_cv_t<N>, char16_t> &&
    !std::same_as<std::remove_cv_t<N>, char32_t>;

/// `n` as a size. Misuse, naming `verb`: a negative one, or one that no std::size_t can hold.
template <Integer N>
[[nodiscard]] constexpr std::size_t to_size(const char* verb, N n) {
  if constexpr (std::is_signed_v<N>)
    if (n < 0)
      throw_misuse(verb, Errc::bad_size, "a negative number, %lld, was given",
                   static_cast<long long>(n));
  if constexpr (sizeof(N) > sizeof(std::size_t))
    if (n > static_cast<N>(max_size))
      throw_misuse(verb, Errc::bad_size, "a number above %zu was given", max_size);
  return static_cast<std::size_t>(n);
}

/// An alignment, not a size: `arena(n, align{64})`.
struct align : Word {
  template <Integer N>
  explicit constexpr align(N n) : value(to_size("align", n)) {}
  std::size_t value;
};

/// A number of slots, not of bytes: `arena(n, slots{100})`.
struct slots : Word {
  template <Integer N>
  explicit constexpr slots(N n) : value(to_size("slots", n)) {}
  std::size_t value;
};

} // namespace use
} // namespace ALLOT_ABI
} // namespace allot

#endif
