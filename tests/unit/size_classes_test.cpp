#include <allot/detail/size_classes.hpp>

#include "support.hpp"

#include <allot/base/size.hpp>

using namespace allot;
using detail::SizeClasses;

namespace {

TEST(SizeClasses, RiseWithTheSizeAndHoldIt) {
  std::size_t before = 0;
  for (std::size_t bytes = 1; bytes <= SizeClasses::largest; ++bytes) {
    const std::size_t size_class = SizeClasses::of(bytes);
    ASSERT_LT(size_class, SizeClasses::count);
    ASSERT_TRUE(size_class == before || size_class == before + 1) << bytes;
    ASSERT_GE(SizeClasses::bytes(size_class), bytes);
    // The next smaller one does not hold it.
    ASSERT_TRUE(size_class == 0 || SizeClasses::bytes(size_class - 1) < bytes);
    before = size_class;
  }
  EXPECT_EQ(before, SizeClasses::count - 1);
  EXPECT_EQ(SizeClasses::of(0), 0u);
}

TEST(SizeClasses, WasteLessThanAQuarterAbove32Bytes) {
  for (std::size_t bytes = 33; bytes <= SizeClasses::largest; ++bytes) {
    const std::size_t size = SizeClasses::bytes(SizeClasses::of(bytes));
    ASSERT_LT(4 * (size - bytes), size) << bytes;
  }
}

TEST(SizeClasses, AFullRunLosesAQuarterAtTheMost) {
  for (std::size_t bytes = 160; bytes <= SizeClasses::largest; ++bytes) {
    const std::size_t size_class = SizeClasses::of(bytes);
    const std::size_t room = SizeClasses::run(size_class) * SizeClasses::slab_bytes;
    ASSERT_GE(4 * (room / SizeClasses::bytes(size_class)) * bytes, 3 * room) << bytes;
  }
}

TEST(SizeClasses, ARunIsOfFewSlabs) {
  std::size_t large = 0;
  for (std::size_t i = 0; i != SizeClasses::count; ++i) {
    EXPECT_LE(SizeClasses::run(i), SizeClasses::bytes(i) < 24_KiB ? 1u : 5u);
    large += SizeClasses::is_large(i);
  }
  EXPECT_EQ(large, 4u); // 56, 64, 112 and 128 KiB
  EXPECT_TRUE(SizeClasses::is_large(SizeClasses::large));
}

TEST(SizeClasses, OfLargeSizesThereAreNone) {
  for (const std::size_t bytes : {SizeClasses::largest + 1, SIZE_MAX / 2, SIZE_MAX - 7, SIZE_MAX}) {
    EXPECT_EQ(SizeClasses::of(bytes), SizeClasses::large) << bytes;
    for (std::size_t alignment = 1; alignment != 0; alignment *= 2)
      EXPECT_EQ(SizeClasses::of(bytes, alignment), SizeClasses::large) << bytes << ' ' << alignment;
  }
  for (const std::size_t alignment : test::bad_alignments)
    EXPECT_EQ(SizeClasses::of(8, alignment), SizeClasses::large);
}

TEST(SizeClasses, AreMultiplesOfTheAlignmentThatWasAskedFor) {
  for (std::size_t alignment = 1; alignment <= SizeClasses::largest; alignment *= 2)
    for (std::size_t bytes = 0; bytes <= SizeClasses::largest; bytes += 1 + bytes / 50) {
      const std::size_t size_class = SizeClasses::of(bytes, alignment);
      if (size_class == SizeClasses::large) {
        ASSERT_GT((bytes + alignment - 1) / alignment * alignment, SizeClasses::largest);
        continue;
      }
      ASSERT_GE(SizeClasses::bytes(size_class), bytes);
      ASSERT_EQ(SizeClasses::bytes(size_class) % alignment, 0u) << bytes << ' ' << alignment;
    }
}

} // namespace
