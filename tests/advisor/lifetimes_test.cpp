#include "analyze/lifetimes.hpp"
#include "recording.hpp"

#include <algorithm>
#include <functional>
#include <gtest/gtest.h>
#include <vector>

namespace {

using analyze::Lives;

struct Measured {
  analyze::Lifetimes lifetimes;
  std::vector<Lives> sites; // that allocated, in the order of their contexts
};

Measured measure(const std::function<void(Recording&)>& program) {
  const TemporaryFile file;
  {
    Recording recording(file.path());
    recording.enter(1);
    program(recording);
    recording.finish(1);
  }
  const trace::Trace trace = trace::Trace::open(file.path());
  const analyze::Stacks stacks(trace.contexts());
  Measured measured{measure_lifetimes(trace, stacks), {}};
  for (const Lives& lives : measured.lifetimes.sites)
    if (lives.calls != 0)
      measured.sites.push_back(lives);
  return measured;
}

TEST(Lifetimes, KnowHowDeepTheStackWasCut) {
  const Measured m = measure([](Recording& r) {
    const Call a(r, 2);
    Recording::Address block;
    {
      const Call b(r, 3);
      {
        const Call c(r, 4);
        block = r.allocate(10);
      }
    }
    const Call d(r, 5);
    r.free(block);
  });
  ASSERT_EQ(m.sites.size(), 1u);
  EXPECT_EQ(m.sites[0].scope_depth(), 2u); // 1 and 2 stayed
  EXPECT_EQ(m.sites[0].deaths_within(2), 1u);
  EXPECT_EQ(m.sites[0].deaths_within(3), 0u);
}

TEST(Lifetimes, SeeThatAFrameWasAnotherActivationMeanwhile) {
  const Measured m = measure([](Recording& r) {
    Recording::Address block;
    {
      const Call a(r, 2);
      block = r.allocate(10);
    }
    {
      const Call b(r, 3);
      r.free(r.allocate(20));
    }
    const Call c(r, 2);
    r.free(block);
  });
  EXPECT_EQ(m.sites[0].scope_depth(), 1u);
}

TEST(Lifetimes, FoldRecursionIntoItsOutermostActivation) {
  const Measured m = measure([](Recording& r) {
    for (int i = 0; i < 500; ++i)
      r.enter(2);
    const auto block = r.allocate(10);
    for (int i = 0; i < 499; ++i)
      r.leave();
    r.free(block);
    r.leave();
  });
  EXPECT_EQ(m.sites[0].scope_depth(), 2u);
}

TEST(Lifetimes, CountWhatAnotherThreadFrees) {
  const Measured m = measure([](Recording& r) {
    const auto block = r.allocate(10);
    r.on_thread(1);
    r.enter(1);
    r.free(block);
    r.on_thread(0);
  });
  EXPECT_EQ(m.lifetimes.foreign, 1u);
  EXPECT_EQ(m.sites[0].foreign, 1u);
  EXPECT_EQ(m.sites[0].scope_depth(), 0u);
  EXPECT_EQ(m.lifetimes.threads, 2u);
}

TEST(Lifetimes, CountFreesOfWhatNobodySaw) {
  const Measured m = measure([](Recording& r) {
    r.free(0x999990);
    r.reallocate(0x999980, 100);
  });
  EXPECT_EQ(m.lifetimes.unknown, 2u);
  EXPECT_EQ(m.lifetimes.calls, 1u);
  EXPECT_EQ(m.lifetimes.left, 1u);
  EXPECT_EQ(m.lifetimes.left_bytes, 100u);
}

TEST(Lifetimes, AReallocationEndsOneBlockAndBeginsAnother) {
  const Measured m = measure([](Recording& r) {
    const auto block = r.reallocate(r.allocate(10), 50);
    r.free(r.reallocate(block, 20, 4));
  });
  EXPECT_EQ(m.lifetimes.calls, 3u);
  EXPECT_EQ(m.lifetimes.reallocations, 2u);
  EXPECT_EQ(m.lifetimes.releases, 1u);
  EXPECT_EQ(m.lifetimes.peak_bytes, 50u);
  std::uint64_t growths = 0;
  for (const Lives& lives : m.sites)
    growths += lives.growths;
  EXPECT_EQ(growths, 1u); // the second made it smaller
}

TEST(Lifetimes, AnAddressIsFreeWhileAReallocationMovesAwayFromIt) {
  Recording::Address taken = 0;
  const Measured m = measure([&](Recording& r) {
    r.on_thread(1);
    r.enter(1);
    r.on_thread(0);
    const auto block = r.allocate(16, 1);
    const auto moved = r.reallocate_while(block, 5000, 1, [&] { taken = r.allocate(16, 7); });
    ASSERT_EQ(taken, block);
    r.free(moved);
    r.on_thread(1);
    r.free(taken);
    r.on_thread(0);
  });
  EXPECT_EQ(m.lifetimes.unknown, 0u);
  EXPECT_EQ(m.lifetimes.left, 0u);
  EXPECT_EQ(m.lifetimes.foreign, 0u);
  EXPECT_EQ(m.lifetimes.calls, 3u);
  EXPECT_EQ(m.lifetimes.peak_bytes, 16u + 5000u);
}

TEST(Lifetimes, TellOrderFromDisorder) {
  const Measured m = measure([](Recording& r) {
    for (int i = 0; i < 100; ++i) {
      const auto a = r.allocate(10, 1);
      const auto b = r.allocate(10, 1);
      r.free(b);
      r.free(a);
      const auto c = r.allocate(10, 5);
      const auto d = r.allocate(10, 5);
      r.free(c);
      r.free(d);
    }
  });
  ASSERT_EQ(m.sites.size(), 2u);
  EXPECT_TRUE(m.sites[0].in_order());
  EXPECT_FALSE(m.sites[1].in_order());
}

TEST(Lifetimes, KnowHowLongASiteIsNeverEmpty) {
  const Measured m = measure([](Recording& r) {
    for (int i = 0; i < 10; ++i)
      r.free(r.allocate(100, 1));
    const auto lasting = r.allocate(100, 5);
    for (int i = 0; i < 10; ++i)
      r.free(r.allocate(100, 1));
    r.free(lasting);
  });
  ASSERT_EQ(m.sites.size(), 2u);
  EXPECT_EQ(m.sites[0].longest, 1u);
  EXPECT_EQ(m.sites[1].longest, 21u);
  EXPECT_EQ(m.sites[0].ages, 20u);
}

} // namespace
