#include <allot/use/tags.hpp>

#include "support.hpp"

#include <concepts>
#include <cstdint>
#include <type_traits>

using namespace allot::use;

namespace {

static_assert(Integer<signed char> && Integer<unsigned char> && Integer<short> && Integer<int> &&
              Integer<unsigned> && Integer<long> && Integer<unsigned long long>);
static_assert(Integer<std::int8_t> && Integer<std::uint8_t> && Integer<const int>);
static_assert(!Integer<bool> && !Integer<char> && !Integer<wchar_t> && !Integer<char8_t> &&
              !Integer<char16_t> && !Integer<char32_t>);
static_assert(!Integer<const bool> && !Integer<volatile char> && !Integer<double> &&
              !Integer<void*> && !Integer<std::byte> && !Integer<allot::Errc>);

// `{}` makes none of them, and no number becomes one by itself.
template <class T>
concept MadeFromBraces = requires(void (*takes)(T)) { takes({}); };
template <class T>
constexpr bool is_a_tag =
    !MadeFromBraces<T> && !std::is_aggregate_v<T> && std::is_default_constructible_v<T> &&
    std::is_empty_v<T> && std::derived_from<T, Word>;
static_assert(MadeFromBraces<int>); // the concept can tell
static_assert(is_a_tag<ResetTag> && is_a_tag<ReleaseTag> && is_a_tag<StatsTag> &&
              is_a_tag<ShrinkTag> && is_a_tag<AcquireTag> && is_a_tag<SaveTag> &&
              is_a_tag<RestoreTag>);

template <class T>
constexpr bool is_a_strong_number =
    !MadeFromBraces<T> && !std::is_default_constructible_v<T> && !std::is_convertible_v<int, T> &&
    !std::is_convertible_v<T, std::size_t> && std::is_constructible_v<T, int> &&
    std::is_constructible_v<T, std::uint8_t> && !std::is_constructible_v<T, bool> &&
    !std::is_constructible_v<T, char> && !std::is_constructible_v<T, double> &&
    std::derived_from<T, Word>;
static_assert(is_a_strong_number<align> && is_a_strong_number<slots>);
static_assert(!std::is_constructible_v<align, slots> && !std::is_constructible_v<slots, align>);

TEST(Tags, SizesKeepTheirValue) {
  static_assert(to_size("test", 0) == 0);
  static_assert(to_size("test", std::uint8_t{255}) == 255);
  static_assert(to_size("test", std::int8_t{127}) == 127);
  static_assert(to_size("test", PTRDIFF_MAX) == std::size_t{PTRDIFF_MAX});
  static_assert(to_size("test", SIZE_MAX) == SIZE_MAX);
  static_assert(align(64).value == 64 && slots(std::uint8_t{200}).value == 200);
  EXPECT_EQ(to_size("test", 64), 64u);
}

TEST(Tags, NegativeSizesAreMisuse) {
  EXPECT_EQ(test::error([] { return to_size("test", -1); }),
            "Misuse(bad_size) test: a negative number, -1, was given");
  EXPECT_EQ(test::error([] { return to_size("test", INT64_MIN); }),
            "Misuse(bad_size) test: a negative number, -9223372036854775808, was given");
  EXPECT_EQ(test::kind([] { return to_size("test", std::int8_t{-128}); }), "Misuse(bad_size)");
  EXPECT_EQ(test::error([] { return align(-1); }),
            "Misuse(bad_size) align: a negative number, -1, was given");
  EXPECT_EQ(test::error([] { return slots(-1); }),
            "Misuse(bad_size) slots: a negative number, -1, was given");
}

} // namespace
