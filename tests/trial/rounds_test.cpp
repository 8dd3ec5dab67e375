// Rounds of ways whose times are made up.
#include "trial/rounds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace {

using trial::Comparison;
using trial::Sample;
using trial::Samples;

constexpr std::size_t as_is = 0;
constexpr std::size_t control = 1;
constexpr std::size_t routed = 2;
constexpr std::size_t other = 3;
const std::vector<Comparison> comparisons{{control, routed, as_is}, {as_is, other, as_is}};

void nowhere(std::string_view) {}

TEST(Gain, IsPercentOfTheProgramAsItIs) {
  const Samples samples{{{2, 100}}, {{3, 100}}, {{2.5, 100}}};
  EXPECT_EQ(trial::gain(samples, {control, routed, as_is}).mid, 25);
}

TEST(Gain, IsTakenRoundForRound) {
  // Each round is twice as slow as the one before; the difference stays a tenth.
  Samples samples(2);
  for (double slow = 1; slow < 100; slow *= 2) {
    samples[0].push_back({10 * slow, 0});
    samples[1].push_back({9 * slow, 0});
  }
  const trial::Interval gain = trial::gain(samples, {0, 1, 0});
  EXPECT_DOUBLE_EQ(gain.low, 10);
  EXPECT_DOUBLE_EQ(gain.high, 10);
}

TEST(Gain, UsesTheRoundsThatBothWaysHave) {
  const Samples samples{{{10, 0}, {10, 0}, {99, 0}}, {{8, 0}, {8, 0}}};
  EXPECT_EQ(trial::gain(samples, {0, 1, 0}).mid, 20);
}

TEST(Memory, IsPercentOfThePeakOfTheProgramAsItIs) {
  const Samples samples{{{1, 100}, {1, 100}, {1, 900}}, {{1, 110}}, {{1, 130}}};
  EXPECT_EQ(trial::memory(samples, {control, routed, as_is}), 20);
}

TEST(Rounds, RunEachWayOnceARound) {
  std::vector<std::size_t> runs;
  std::size_t n = 0;
  trial::go_round(
      4, comparisons, {.rounds = 7, .points = 2},
      [&](std::size_t way) {
        runs.push_back(way);
        return Sample{++n % 3 == 0 ? 10.0 : 20.0, 1};
      },
      nowhere);
  ASSERT_EQ(runs.size(), 4u * 7);
  for (auto round = runs.begin(); round != runs.end(); round += 4)
    EXPECT_EQ(std::set(round, round + 4).size(), 4u);
}

TEST(Rounds, GoInAnotherOrderEachTime) {
  std::set<std::vector<std::size_t>> orders;
  std::vector<std::size_t> order;
  double seconds = 1;
  trial::go_round(
      4, comparisons, {.rounds = 15, .points = 0},
      [&](std::size_t way) {
        order.push_back(way);
        if (order.size() == 4) {
          orders.insert(order);
          order.clear();
        }
        return Sample{seconds *= 1.1, 1};
      },
      nowhere);
  EXPECT_GT(orders.size(), 5u);
}

TEST(Rounds, EndOnceAllIntervalsAreNarrow) {
  const Samples samples = trial::go_round(
      4, comparisons, {.rounds = 50, .points = 2},
      [](std::size_t) {
        return Sample{1, 1};
      },
      nowhere);
  EXPECT_EQ(samples[as_is].size(), trial::least_rounds);
  EXPECT_EQ(samples[routed].size(), trial::least_rounds);
}

TEST(Rounds, GoOnWithWhatIsNotKnownYet) {
  std::size_t n = 0;
  const Samples samples = trial::go_round(
      4, comparisons, {.rounds = 12, .points = 2},
      [&](std::size_t way) {
        return Sample{way == other && ++n % 2 == 0 ? 1.5 : 1, 1};
      },
      nowhere);
  EXPECT_EQ(samples[as_is].size(), 12u);
  EXPECT_EQ(samples[other].size(), 12u);
  EXPECT_EQ(samples[control].size(), trial::least_rounds);
  EXPECT_EQ(samples[routed].size(), trial::least_rounds);
}

TEST(Rounds, ShowHowFarTheyHaveCome) {
  std::vector<std::string> shown;
  trial::go_round(
      2, {{0, 1, 0}}, {.rounds = 5, .points = 2},
      [](std::size_t) {
        return Sample{1, 1};
      },
      [&](std::string_view text) { shown.emplace_back(text); });
  ASSERT_EQ(shown.size(), 10u);
  EXPECT_EQ(shown[0], "round 1 of 5 at the most, run 1 of 2");
  EXPECT_EQ(shown[9], "round 5 of 5 at the most, run 2 of 2");
}

} // namespace
