#include <allot/detail/slab_runs.hpp>

#include "support.hpp"

#include <map>
#include <random>

using namespace allot;
using detail::SlabRuns;

namespace {

constexpr std::size_t slab = SlabRuns::slab_bytes;
constexpr SlabRuns::Number none = SlabRuns::none;

SlabRuns make(std::size_t slabs, std::size_t most = max_size, Commit commit = Commit::demand) {
  SlabRuns runs;
  EXPECT_TRUE(runs.reserve(slabs, 64, commit));
  runs.limit(most);
  return runs;
}
std::byte* show(const SlabRuns& runs, std::size_t number, std::size_t length) {
  annotate::show(runs.address(number), red_zones.stretch(length * slab));
  return runs.address(number);
}

TEST(SlabRuns, HasNothingUntilItReserves) {
  SlabRuns runs;
  EXPECT_EQ(runs.take(1, 1), none);
  EXPECT_EQ(runs.next_in_use(0), none);
  EXPECT_EQ(runs.around(0), none);
  EXPECT_FALSE(runs.reserve(SIZE_MAX / slab, 64, Commit::demand));
  EXPECT_FALSE(runs.reserve(SIZE_MAX, 64, Commit::strict));
  EXPECT_EQ(runs.reserved(), 0u);
  runs.release();
}

TEST(SlabRuns, LeavesNothingHidden) {
  SlabRuns runs = make(8);
  runs.put(runs.take(3, 1), 0);
  std::byte* const p = runs.address(0);
  EXPECT_EQ(test::is_hidden(p), test::watched());
  runs.release();
  EXPECT_FALSE(test::is_hidden(p));
}

TEST(SlabRuns, TakesTheShortestThatIsLongEnough) {
  SlabRuns runs = make(32);
  const auto three = runs.take(3, 1);
  (void)runs.take(1, 1);
  const auto two = runs.take(2, 1);
  (void)runs.take(1, 1);
  const auto four = runs.take(4, 1);
  (void)runs.take(1, 1);
  for (const auto run : {three, two, four})
    runs.put(run, 0);
  EXPECT_EQ(runs.take(2, 1), two);
  EXPECT_EQ(runs.take(2, 1), three);
  EXPECT_EQ(runs.take(1, 1), three + 2);
  EXPECT_EQ(runs.take(5, 1), 12u); // above all
  EXPECT_EQ(runs.take(4, 1), four);
}

TEST(SlabRuns, NeighboursBecomeOneAndTheTopFalls) {
  SlabRuns runs = make(6);
  const auto first = runs.take(2, 1);
  const auto second = runs.take(2, 1);
  const auto third = runs.take(2, 1);
  EXPECT_EQ(runs.take(1, 1), none);
  runs.put(first, 0);
  runs.put(third, 0);
  EXPECT_EQ(runs.take(3, 1), none); // scattered
  runs.put(second, 0);
  EXPECT_EQ(runs.take(6, 1), first);
  EXPECT_EQ(runs.length(first), 6u);
  runs.put(first, 0);
  runs.give_up(0);
  EXPECT_EQ(runs.spare(), 0u);
  EXPECT_EQ(runs.take(6, 1), 0u);
}

TEST(SlabRuns, HoldsNoMoreThanTheLimit) {
  SlabRuns runs = make(32, 4);
  EXPECT_EQ(runs.most(), 4u);
  const auto first = runs.take(3, 1);
  const auto second = runs.take(1, 1);
  EXPECT_EQ(runs.take(1, 1), none);
  runs.put(first, 0);
  EXPECT_EQ(runs.spare(), 3u);
  EXPECT_EQ(runs.take(4, 1), none);
  runs.put(second, 0);
  EXPECT_NE(runs.take(4, 1), none);
  EXPECT_EQ(runs.in_use() + runs.spare(), 4u);
  EXPECT_EQ(runs.peak(), 4u);
}

TEST(SlabRuns, WhatComesBackIsZeroAsFarAsItWasWritten) {
  for (const Commit commit : {Commit::demand, Commit::strict}) {
    SlabRuns runs = make(512, max_size, commit);
    for (const std::size_t length : test::Sizes{1, 3, 200}) {
      for (const bool gives_up : {false, true}) {
        const auto run = runs.take(length, 1);
        test::fill(show(runs, run, length), length * slab - 100);
        runs.put(run, length * slab - 100);
        if (gives_up)
          runs.give_up(0);
        const auto again = runs.take(length, 1);
        ASSERT_TRUE(test::holds(show(runs, again, length), length * slab, 0));
        runs.put(again, 0);
      }
    }
    EXPECT_EQ(runs.in_use(), 0u);
  }
}

TEST(SlabRuns, MovesWithAllItHas) {
  SlabRuns runs = make(8);
  const auto free = runs.take(2, 1);
  const auto used = runs.take(1, 1);
  runs.put(free, 0);
  SlabRuns moved(std::move(runs));
  EXPECT_EQ(runs.take(1, 1), none); // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(runs.reserved(), 0u);
  EXPECT_EQ(moved.take(2, 1), free);
  runs = std::move(moved);
  EXPECT_EQ(runs.length(used), 1u);
  EXPECT_EQ(runs.in_use(), 3u);
}

// Random runs against a map of those in use.
void run_model(unsigned seed, std::size_t slabs, std::size_t most, Commit commit) {
  SlabRuns runs = make(slabs, most, commit);
  most = runs.most();
  std::mt19937 random(seed);
  std::map<std::size_t, std::size_t> used;
  std::size_t in_use = 0;
  const auto some = [&] {
    return random() % 8 == 0 ? random() % (slabs + 2) + 1 : random() % 4 + 1;
  };
  const auto room_behind = [&](auto at) {
    const auto next = std::next(at);
    return (next == used.end() ? slabs : next->first) - at->first;
  };
  for (int i = 0; i != 4000; ++i) {
    const std::size_t length = some();
    const auto at =
        used.empty() ? used.end()
                     : std::next(used.begin(), static_cast<std::ptrdiff_t>(random() % used.size()));
    switch (at == used.end() ? 0 : random() % 6) {
    case 0:
    case 1:
    case 2: {
      const std::size_t alignment = slab << (random() % 8 == 0 ? random() % 3 : 0);
      const auto run = runs.take(length, alignment);
      if (run == none) {
        ASSERT_TRUE(in_use + length > most || alignment != slab || !used.empty());
        break;
      }
      ASSERT_TRUE(test::is_aligned(runs.address(run), alignment));
      const auto behind = used.lower_bound(run);
      ASSERT_TRUE(behind == used.end() || run + length <= behind->first);
      ASSERT_TRUE(behind == used.begin() ||
                  std::prev(behind)->first + std::prev(behind)->second <= run);
      used[run] = length;
      in_use += length;
      break;
    }
    case 3:
      if (length < at->second) {
        runs.shrink(at->first, length, 0);
      } else {
        const bool may = length <= room_behind(at) && in_use + length - at->second <= most;
        ASSERT_EQ(runs.grow(at->first, length), may);
        if (!may)
          break;
      }
      in_use += length - at->second;
      at->second = length;
      break;
    default:
      in_use -= at->second;
      random() % 4 == 0 ? runs.keep(at->first) : runs.put(at->first, 0);
      used.erase(at);
    }
    if (random() % 64 == 0)
      runs.give_up(random() % 8);
    ASSERT_EQ(runs.in_use(), in_use);
    ASSERT_LE(runs.in_use() + runs.spare(), most);
    ASSERT_LE(runs.ready(), slabs);
    SlabRuns::Number next = runs.next_in_use(0);
    for (const auto& [number, size] : used) {
      ASSERT_EQ(next, number);
      ASSERT_EQ(runs.length(next), size);
      next = runs.next_in_use(next + size);
    }
    ASSERT_EQ(next, none);
    for (const auto& [number, size] : used)
      if (random() % 64 == 0) {
        ASSERT_EQ(runs.around(number + size - 1), number);
      }
  }
  while (!used.empty()) {
    runs.put(used.begin()->first, 0);
    used.erase(used.begin());
  }
  runs.give_up(0);
  EXPECT_EQ(runs.take(most, 1), 0u); // all of it is one piece again
}

TEST(SlabRuns, AgreesWithAMap) {
  run_model(1, 64, max_size, Commit::demand);
  run_model(2, 200, max_size, Commit::demand);
  run_model(3, 100, 40, Commit::demand);
  run_model(4, 100, 80, Commit::strict);
  run_model(5, 400, 300, Commit::strict);
}

TEST(SlabRuns, CountsMultiplesFromAnOrigin) {
  SlabRuns runs;
  ASSERT_TRUE(runs.reserve(400, 64, Commit::demand, HugePages::never));
  const std::size_t extent = runs.gap().stretch(SlabRuns::slab_bytes);
  for (std::size_t origin = 0; origin != 5; ++origin) {
    ASSERT_NE(runs.take(3, 1), SlabRuns::none);
    const auto number = runs.take(5, 32 * extent, runs.address(origin));
    ASSERT_NE(number, SlabRuns::none);
    EXPECT_EQ((number - origin) % 32, 0u);
  }
}

} // namespace
