#include <allot/base/annotate.hpp>

#include "support.hpp"

#include <cstddef>

using namespace allot;

namespace {

TEST(Gap, WithoutRedZonesDistancesAreBytes) {
  for (const std::size_t n : {std::size_t{0}, std::size_t{8}, std::size_t{4096}, SIZE_MAX}) {
    EXPECT_EQ(Gap().stretch(n), n);
    EXPECT_EQ(Gap(false).shrink(n), n);
  }
}

TEST(Gap, RedZonesDoubleDistancesInInstrumentedBuildsOnly) {
  const std::size_t factor = instrumented ? 2 : 1;
  for (const std::size_t n : {std::size_t{0}, std::size_t{8}, std::size_t{4096}}) {
    EXPECT_EQ(red_zones.stretch(n), n * factor);
    EXPECT_EQ(red_zones.shrink(n * factor), n);
  }
}

class Annotate : public test::Watched {
protected:
  void TearDown() override { annotate::show(pool, sizeof pool); }
  alignas(64) std::byte pool[128]{};
};

TEST_F(Annotate, WhatIsOpenIsHiddenUntilItIsAllocated) {
  annotate::open(pool, sizeof pool);
  EXPECT_TRUE(test::all_hidden(pool, sizeof pool));
  annotate::allocated(pool, pool + 16, 13);
  EXPECT_TRUE(test::all_hidden(pool, 16));
  EXPECT_EQ(test::visible(pool + 16, 32), 13u);
  annotate::freed(pool, pool + 16, 13);
  EXPECT_TRUE(test::all_hidden(pool, sizeof pool));
  annotate::close(pool, sizeof pool);
}

TEST_F(Annotate, EveryLengthIsExact) {
  annotate::open(pool, sizeof pool);
  for (std::size_t bytes = 1; bytes <= 33; ++bytes) {
    annotate::allocated(pool, pool, bytes);
    EXPECT_EQ(test::visible(pool, sizeof pool), bytes);
    annotate::freed(pool, pool, bytes);
    EXPECT_EQ(test::visible(pool, sizeof pool), 0u);
  }
  annotate::close(pool, sizeof pool);
}

TEST_F(Annotate, TruncatingHidesWhatIsNotKept) {
  annotate::open(pool, sizeof pool);
  annotate::allocated(pool, pool, 8);
  annotate::allocated(pool, pool + 16, 24);
  annotate::truncated(pool, pool + 16, 24);
  EXPECT_EQ(test::visible(pool, sizeof pool), 8u);
  annotate::truncated(pool, pool, 16);
  EXPECT_TRUE(test::all_hidden(pool, sizeof pool));
  annotate::close(pool, sizeof pool);
}

// Memory of others, behind what an allocation grew by and what is taken back of it.
TEST_F(Annotate, TakingBackGrowthHidesThatGrowthOnly) {
  std::byte* const end = pool + 64;
  annotate::open(pool, 64);
  annotate::allocated(pool, pool, 8);
  annotate::allocated(pool, pool + 16, 8);
  annotate::grown(pool, pool + 16, pool + 32, 13);
  EXPECT_EQ(test::visible(pool + 16, 48), 13u);
  annotate::grown(pool, pool + 16, pool + 32, 40);
  EXPECT_EQ(test::visible(pool + 16, 48), 40u);
  annotate::truncated(pool, pool + 32, 32);
  EXPECT_TRUE(test::all_hidden(pool + 32, 32));
  EXPECT_EQ(test::visible(pool + 16, 16), 16u);
  EXPECT_EQ(test::visible(end, 64), 64u);
  annotate::close(pool, 64);
}

TEST_F(Annotate, WithoutAPoolPartsCanBeTakenBack) {
  annotate::open(pool, 64);
  annotate::allocated(nullptr, pool, 32);
  annotate::allocated(nullptr, pool + 32, 32);
  annotate::truncated(nullptr, pool + 40, 24);
  EXPECT_EQ(test::visible(pool, 64), 40u);
  EXPECT_EQ(test::visible(pool + 64, 64), 64u);
  annotate::close(pool, 64);
}

TEST_F(Annotate, WhatIsClosedIsVisible) {
  annotate::open(pool, sizeof pool);
  annotate::close(pool, sizeof pool);
  EXPECT_EQ(test::visible(pool, sizeof pool), sizeof pool);
}

} // namespace
