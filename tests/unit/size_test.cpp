#include <allot/base/size.hpp>

#include "support.hpp"

#include <bit>
#include <string>
#include <vector>

using namespace allot;

namespace {

// Values around every place where arithmetic on sizes goes wrong.
std::vector<std::size_t> edges() {
  std::vector<std::size_t> all;
  for (const std::size_t middle :
       {std::size_t{0}, std::size_t{8}, std::size_t{64}, std::size_t{4096}, test::root,
        std::size_t{PTRDIFF_MAX}, SIZE_MAX / 3, SIZE_MAX - 4096})
    for (std::size_t off = 0; off != 20; ++off)
      all.push_back(middle + off - 10); // around 0 this wraps to SIZE_MAX, as it should
  return all;
}

TEST(Size, PowersOfTwoHaveOneBit) {
  for (std::size_t n = 0; n != 5000; ++n)
    EXPECT_EQ(is_power_of_two(n), std::popcount(n) == 1) << n;
  for (const std::size_t n : edges())
    EXPECT_EQ(is_power_of_two(n), std::popcount(n) == 1) << n;
  for (int bit = 0; bit != 64; ++bit)
    EXPECT_TRUE(is_power_of_two(std::size_t{1} << bit));
}

TEST(Size, RoundUpGivesTheNextMultipleOfTheGranule) {
  for (std::size_t n = 1; n != 5000; ++n) {
    std::size_t naive = n;
    while (naive % granule != 0)
      ++naive;
    EXPECT_EQ(round_up(n), naive);
  }
}

TEST(Size, RoundUpOfNothingAndOfWhatOverflowsIsZero) {
  EXPECT_EQ(round_up(0), 0u);
  for (std::size_t under = 0; under != 7; ++under)
    EXPECT_EQ(round_up(SIZE_MAX - under), 0u);
  EXPECT_EQ(round_up(SIZE_MAX - 7), SIZE_MAX - 7);
}

TEST(Size, FitsIsOneComparisonForNotEmptyAndNotMore) {
  std::vector<std::size_t> all = edges();
  for (std::size_t n = 0; n != 100; ++n)
    all.push_back(n);
  for (const std::size_t bytes : all)
    for (const std::size_t left : all)
      EXPECT_EQ(fits(bytes, left), bytes != 0 && bytes <= left) << bytes << " in " << left;
}

TEST(Size, WhatFitsInWholeGranulesStillFitsWhenRounded) {
  for (const std::size_t bytes : edges())
    for (const std::size_t any : edges()) {
      const std::size_t left = any / granule * granule;
      if (fits(bytes, left)) {
        EXPECT_LE(round_up(bytes), left);
        EXPECT_GE(round_up(bytes), bytes);
      }
    }
}

TEST(Size, PaddingReachesTheNextMultiple) {
  for (std::size_t alignment = 1; alignment <= 512; alignment *= 2)
    for (std::uintptr_t address = 0; address != 1100; ++address) {
      std::size_t naive = 0;
      while ((address + naive) % alignment != 0)
        ++naive;
      EXPECT_EQ(padding(address, alignment), naive);
    }
}

TEST(Size, PaddingAtTheEndOfTheAddressSpaceReachesZero) {
  for (std::size_t short_of = 1; short_of <= 64; ++short_of)
    EXPECT_EQ(padding(0 - std::uintptr_t{short_of}, 64), short_of % 64);
}

TEST(Size, SaturatingArithmeticIsExactOrMax) {
  for (const std::size_t a : edges())
    for (const std::size_t b : edges()) {
      std::size_t exact = 0;
      EXPECT_EQ(saturating_add(a, b), __builtin_add_overflow(a, b, &exact) ? max_size : exact);
      EXPECT_EQ(saturating_multiply(a, b), __builtin_mul_overflow(a, b, &exact) ? max_size : exact);
    }
}

TEST(Size, SaturatingRoundUpIsTheNextMultipleOrMax) {
  for (std::size_t step = 1; step <= 4096; step *= 2)
    for (const std::size_t bytes : edges()) {
      const std::size_t over = bytes % step;
      std::size_t exact = bytes;
      const bool overflows = over != 0 && __builtin_add_overflow(bytes, step - over, &exact);
      EXPECT_EQ(saturating_round_up(bytes, step), overflows ? max_size : exact)
          << bytes << " in steps of " << step;
    }
}

TEST(Size, AlignUpGivesTheNearestMultipleOfAnyNumber) {
  for (std::size_t alignment = 1; alignment != 70; ++alignment)
    for (std::size_t size = 0; size != 300; ++size) {
      std::size_t naive = size;
      while (naive % alignment != 0)
        ++naive;
      EXPECT_EQ(align_up(size, alignment), naive);
    }
}

TEST(Size, AlignUpReachesTheLargestMultipleThereIs) {
  EXPECT_EQ(align_up(SIZE_MAX, 1), SIZE_MAX);
  EXPECT_EQ(align_up(1, SIZE_MAX), SIZE_MAX);
  EXPECT_EQ(align_up(SIZE_MAX - 1, SIZE_MAX), SIZE_MAX);
  EXPECT_EQ(align_up(SIZE_MAX, SIZE_MAX), SIZE_MAX);
  EXPECT_EQ(align_up(SIZE_MAX - 3, 5), SIZE_MAX); // 2^64 - 1 is a multiple of 5
  EXPECT_EQ(align_up(SIZE_MAX - 7, 8), SIZE_MAX - 7);
}

TEST(Size, AlignUpRefusesZeroAndWhatNoSizeHolds) {
  EXPECT_EQ(test::error([] { return align_up(5, 0); }),
            "Misuse(bad_alignment) align_up: an alignment of 0 was asked for");
  EXPECT_EQ(test::error([] { return align_up(SIZE_MAX, 2); }),
            "Misuse(overflow) align_up: no multiple of 2 at or above " + std::to_string(SIZE_MAX) +
                " fits in a size_t");
  EXPECT_EQ(test::kind([] { return align_up(SIZE_MAX - 6, 8); }), "Misuse(overflow)");
  EXPECT_EQ(test::kind([] { return align_up(SIZE_MAX, SIZE_MAX - 1); }), "Misuse(overflow)");
}

static_assert(align_up(10, 4) == 12 && round_up(9) == 16 && fits(8, 8) && padding(1, 8) == 7);
// Where what is initialized depends on a template's type, clang 14 does not evaluate what is
// consteval.
struct Bytes {
  explicit Bytes(std::size_t n) : count(n) {}
  std::size_t count;
};
template <class Number>
std::size_t from_literal() {
  const Number number(64_MiB);
  return number.count;
}
TEST(Size, ALiteralIsAConstantInATemplateToo) {
  EXPECT_EQ(from_literal<Bytes>(), 64U << 20);
}

static_assert(1'000_KiB == 1'024'000 && 0_TiB == 0);
static_assert(0x1F_KiB == 31 * 1024 && 010_KiB == 8 * 1024 && 0b11_MiB == 3 * 1024 * 1024);
static_assert(1_KiB == 1024 && 1_MiB == 1024 * 1_KiB && 1_GiB == 1024 * 1_MiB && 0_KiB == 0);
#if SIZE_MAX > UINT32_MAX
static_assert(1_TiB == 1024 * 1_GiB);
static_assert(16777215_TiB == SIZE_MAX - (1_TiB - 1)); // the most whole TiB that a size holds
#endif

TEST(Size, ExactDivisorDividesMultiplesAndPutsAllElseAboveThem) {
  static_assert(ExactDivisor(24).quotient(240) == 10);
  for (const std::size_t n : {1u, 2u, 3u, 8u, 24u, 40u, 48u, 64u, 7u, 4104u, 65536u}) {
    const ExactDivisor by(n);
    for (std::size_t offset = 0; offset != 5000; ++offset) {
      if (offset % n == 0)
        EXPECT_EQ(by.quotient(offset), offset / n) << n;
      else
        EXPECT_GT(by.quotient(offset), SIZE_MAX / n) << n << ' ' << offset;
    }
    for (const std::size_t offset : edges()) {
      if (offset % n == 0)
        EXPECT_EQ(by.quotient(offset), offset / n) << n;
      else
        EXPECT_GT(by.quotient(offset), SIZE_MAX / n) << n << ' ' << offset;
    }
  }
}

} // namespace
