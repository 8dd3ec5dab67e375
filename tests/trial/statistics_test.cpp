// Medians, their intervals, and when they decide.
#include "trial/statistics.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace {

using trial::bootstrap;
using trial::decided;
using trial::Interval;
using trial::median;

TEST(Median, OfAnOddNumberIsTheMiddleOne) {
  EXPECT_EQ(median(std::vector{9.0, 1.0, 5.0}), 5);
}

TEST(Median, OfAnEvenNumberLiesBetweenTheMiddleTwo) {
  EXPECT_EQ(median(std::vector{4.0, 100.0, 1.0, 3.0}), 3.5);
}

TEST(Median, OfOneValueIsThatValue) {
  EXPECT_EQ(median(std::vector{7.0}), 7);
}

TEST(Bootstrap, OfEqualValuesHasNoWidth) {
  const Interval interval = bootstrap(std::vector(9, 4.0));
  EXPECT_EQ(interval.low, 4);
  EXPECT_EQ(interval.mid, 4);
  EXPECT_EQ(interval.high, 4);
}

TEST(Bootstrap, GivesTheSameIntervalForTheSameValues) {
  const std::vector values{1.0, 8.0, 3.0, 9.0, 4.0, 7.0};
  EXPECT_EQ(bootstrap(values).low, bootstrap(values).low);
  EXPECT_EQ(bootstrap(values).high, bootstrap(values).high);
}

TEST(Bootstrap, OfFiveValuesGoesFromTheLeastToTheMost) {
  const Interval interval = bootstrap(std::vector{5.0, 1.0, 2.0, 4.0, 3.0});
  EXPECT_EQ(interval.low, 1);
  EXPECT_EQ(interval.high, 5);
}

TEST(Bootstrap, LeavesOutValuesThatStandAlone) {
  std::vector<double> values(14, 10.0);
  values.push_back(1000);
  EXPECT_EQ(bootstrap(values).high, 10);
}

TEST(Bootstrap, HoldsTheMiddleHalfOfTwentyEvenlySpreadValues) {
  std::vector<double> values;
  for (int i = 1; i <= 20; ++i)
    values.push_back(i);
  const Interval interval = bootstrap(values);
  EXPECT_EQ(interval.mid, 10.5);
  // The binomial distribution has 6 and 15 for the ranks.
  EXPECT_NEAR(interval.low, 6, 1.5);
  EXPECT_NEAR(interval.high, 15, 1.5);
}

TEST(Decided, IsWhatLeavesZeroOut) {
  EXPECT_TRUE(decided({1, 20, 40}, 2));
  EXPECT_TRUE(decided({-40, -20, -1}, 2));
}

TEST(Decided, IsThatThereIsNoDifferenceOfSoMuch) {
  EXPECT_TRUE(decided({-1, 0.5, 2}, 2));
}

TEST(Decided, IsNotAWideIntervalAroundZero) {
  EXPECT_FALSE(decided({-3, 0, 1}, 2));
  EXPECT_FALSE(decided({-1, 0, 3}, 2));
  EXPECT_FALSE(decided({0, 3, 9}, 2));
}

} // namespace
