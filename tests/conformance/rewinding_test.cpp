// What every strategy with checkpoints keeps true.
#include "strategies.hpp"

#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace allot;
using conformance::room;
using test::Witness;

namespace {

template <class Config>
class Checkpoints : public conformance::Suite<Config> {};
using Rewinding = testing::Types<conformance::On<Arena, conformance::Heap>,
                                 conformance::On<Scratch, conformance::Borrowed<7>>,
                                 conformance::Reserved<Commit::demand>,
                                 conformance::Reserved<Commit::strict>, conformance::RegionOnHeap>;
TYPED_TEST_SUITE(Checkpoints, Rewinding, conformance::Names);

TYPED_TEST(Checkpoints, ARestoreTakesBackWhatCameSince) {
  auto s = this->make();
  void* const kept = s.allocate(24);
  test::fill(kept, 24);
  EXPECT_EQ(s.checkpoint(), 0u);
  void* const gone = s.allocate(100);
  s.restore();
  EXPECT_EQ(test::state(s), (test::State{room, 24, room - 24, 128}));
  EXPECT_TRUE(s.owns(kept));
  EXPECT_FALSE(s.owns(gone));
  EXPECT_EQ(s.allocate(100), gone);
  EXPECT_TRUE(test::holds(kept, 24, 0xA5));
}

TYPED_TEST(Checkpoints, Nest) {
  auto s = this->make();
  std::vector<std::size_t> used;
  for (std::size_t depth = 0; depth != 100; ++depth) {
    used.push_back(s.used());
    EXPECT_EQ(s.checkpoint(), depth);
    (void)s.allocate(8 * (depth % 3));
  }
  for (; !used.empty(); used.pop_back()) {
    s.restore();
    EXPECT_EQ(s.used(), used.back());
  }
  EXPECT_EQ(test::kind([&] { s.restore(); }), "Misuse(no_checkpoint)");
}

TYPED_TEST(Checkpoints, AFailedRestoreChangesNothing) {
  auto s = this->make();
  void* const p = s.allocate(24);
  test::fill(p, 24);
  const test::State before = test::state(s);
  EXPECT_EQ(test::kind([&] { s.restore(); }), "Misuse(no_checkpoint)");
  EXPECT_EQ(test::state(s), before);
  EXPECT_TRUE(test::holds(p, 24, 0xA5));
}

TYPED_TEST(Checkpoints, OfAnEmptyOneTakesBackEverything) {
  auto s = this->make();
  s.checkpoint();
  (void)s.allocate(room);
  s.restore();
  EXPECT_EQ(s.used(), 0u);
  EXPECT_NE(s.try_allocate(room), nullptr);
}

// What is handed out after a shrink starts below the checkpoint, and goes with its restore.
TYPED_TEST(Checkpoints, KeepWhatIsLeftOfAnAllocationThatWasShrunk) {
  auto s = this->make();
  void* const kept = s.allocate(8);
  s.checkpoint();
  void* const shrunk = s.allocate(100);
  s.checkpoint();
  s.checkpoint();
  ASSERT_TRUE(s.try_resize(shrunk, 100, 20));
  void* const gone = s.allocate(300);
  s.restore();
  EXPECT_EQ(s.used(), 32u);
  EXPECT_TRUE(s.owns(shrunk));
  EXPECT_FALSE(s.owns(gone));
  EXPECT_EQ(s.allocate(300), gone);
  s.restore();
  EXPECT_EQ(s.used(), 32u);
  ASSERT_TRUE(s.try_resize(shrunk, 20, 0));
  s.restore();
  EXPECT_EQ(s.used(), 8u);
  EXPECT_TRUE(s.owns(kept));
  EXPECT_EQ(s.peak(), 336u);
}

TYPED_TEST(Checkpoints, WhatGrewSinceHasItsOldSizeAgain) {
  auto s = this->make();
  void* const p = s.allocate(8);
  test::fill(p, 8);
  s.checkpoint();
  ASSERT_TRUE(s.try_resize(p, 8, 64));
  test::fill(p, 64);
  s.restore();
  EXPECT_EQ(s.used(), 8u);
  EXPECT_TRUE(test::holds(p, 8, 0xA5));
}

// Else the next restore would be to where there is nothing any more.
template <class S>
void expect_no_checkpoint_of_a_failed_constructor(S& s, std::size_t before) {
  struct Fails {
    explicit Fails(S& strategy) {
      strategy.checkpoint();
      throw std::runtime_error("always");
    }
    std::byte bytes[100];
  };
  (void)s.allocate(before);
  s.checkpoint();
  (void)s.allocate(24);
  EXPECT_THROW(s.template create<Fails>(s), std::runtime_error);
  EXPECT_EQ(s.used(), before + 24);
  s.restore();
  EXPECT_EQ(s.used(), before);
  EXPECT_EQ(test::kind([&] { s.restore(); }), "Misuse(no_checkpoint)");
}

TEST(Checkpoint, OfAConstructorThatFailedGoesWithIt) {
  Scratch scratch(4096);
  expect_no_checkpoint_of_a_failed_constructor(scratch, 8);
  Region region({.arena_size = 1024, .max_arena_size = 1024});
  expect_no_checkpoint_of_a_failed_constructor(region, 8);
  Region next_arena({.arena_size = 1024, .max_arena_size = 1024});
  expect_no_checkpoint_of_a_failed_constructor(next_arena, 960);
}

TYPED_TEST(Checkpoints, GoWithAResetWithAReleaseAndWithAMove) {
  auto s = this->make();
  s.checkpoint();
  s.reset();
  EXPECT_EQ(test::kind([&] { s.restore(); }), "Misuse(no_checkpoint)");
  EXPECT_EQ(s.checkpoint(), 0u);
  (void)s.allocate(8);

  auto to = std::move(s);
  EXPECT_EQ(test::kind([&] { s.checkpoint(); }), "Misuse(released)");
  EXPECT_EQ(test::kind([&] { s.restore(); }), "Misuse(released)");
  EXPECT_EQ(test::kind([&] { const auto scope = s.scope(); }), "Misuse(released)");
  to.restore();
  EXPECT_EQ(to.used(), 0u);
  to.checkpoint();
  to.release();
  EXPECT_TRUE(test::kind([&] { to.restore(); }).starts_with("Misuse"));
}

TYPED_TEST(Checkpoints, AScopeRestoresByItself) {
  auto s = this->make();
  (void)s.allocate(8);
  {
    const auto outer = s.scope();
    (void)s.allocate(8);
    {
      const auto inner = s.scope();
      (void)s.allocate(8);
    }
    EXPECT_EQ(s.used(), 16u);
    s.checkpoint();
    (void)s.allocate(8);
    s.restore();
    EXPECT_EQ(s.used(), 16u);
  }
  EXPECT_EQ(s.used(), 8u);
  EXPECT_EQ(test::kind([&] { s.restore(); }), "Misuse(no_checkpoint)");
  EXPECT_THROW(
      {
        const auto scope = s.scope();
        (void)s.allocate(8);
        throw std::runtime_error("away");
      },
      std::runtime_error);
  EXPECT_EQ(s.used(), 8u);
}

TYPED_TEST(Checkpoints, AreNotRestoredBehindTheInnermostScope) {
  const test::ReportedMisuse reported;
  auto s = this->make();
  (void)s.allocate(8);
  s.checkpoint();
  (void)s.allocate(8);
  {
    const auto scope = s.scope();
    const std::string refused = test::error([&] { s.restore(); });
    EXPECT_TRUE(refused.starts_with("Misuse(no_checkpoint) ")) << refused;
    EXPECT_TRUE(refused.ends_with(": restore without a checkpoint made in the innermost scope"))
        << refused;
    EXPECT_EQ(s.used(), 16u);
    s.checkpoint();
    {
      const auto inner = s.scope();
      EXPECT_EQ(test::kind([&] { s.restore(); }), "Misuse(no_checkpoint)");
    }
    (void)s.allocate(8);
    s.restore();
    EXPECT_EQ(s.used(), 16u);
    EXPECT_EQ(test::kind([&] { s.restore(); }), "Misuse(no_checkpoint)");
  }
  s.restore();
  EXPECT_EQ(s.used(), 8u);
  EXPECT_TRUE(reported.texts().empty());
}

TYPED_TEST(Checkpoints, GiveTheRoomOfTheirRecordsBack) {
  auto s = this->make();
  (void)s.allocate(8);
  const test::State before = test::state(s);
  for (const int count : {4, 5, 100}) {
    for (int i = 0; i != count; ++i)
      s.checkpoint();
    EXPECT_EQ(s.used(), 8u);
    EXPECT_EQ(s.capacity(), before.capacity);
    for (int i = 0; i != count; ++i)
      s.restore();
    EXPECT_EQ(test::state(s), before) << count;
    {
      const auto scope = s.scope();
      EXPECT_EQ(test::state(s), before); // which has none
      for (int i = 0; i != count; ++i)
        s.checkpoint();
    }
    EXPECT_EQ(test::state(s), before) << count;
    for (int i = 0; i != count; ++i)
      s.checkpoint();
    s.reset();
    EXPECT_TRUE(test::holds(s.allocate(room), room, 0)) << count;
    s.reset();
    (void)s.allocate(8);
    EXPECT_EQ(s.available(), before.available) << count;
    s.reset_peak();
  }
}

TYPED_TEST(Checkpoints, AScopeTakesThoseThatWereSetInItAlong) {
  const test::ReportedMisuse reported;
  auto s = this->make();
  (void)s.allocate(8);
  {
    const auto scope = s.scope();
    for (int i = 0; i != 3; ++i) {
      (void)s.allocate(8);
      s.checkpoint();
    }
  }
  EXPECT_TRUE(reported.texts().empty());
  EXPECT_EQ(s.used(), 8u);
  EXPECT_EQ(test::kind([&] { s.restore(); }), "Misuse(no_checkpoint)");
}

TYPED_TEST(Checkpoints, AnOpenScopeForbidsResetAndRelease) {
  const test::ReportedMisuse reported;
  auto s = this->make();
  {
    const auto scope = s.scope();
    void* const p = s.allocate(8);
    test::fill(p, 8);
    EXPECT_EQ(test::kind([&] { s.reset(); }), "Misuse(busy)");
    s.release();
    ASSERT_EQ(reported.texts().size(), 1u);
    EXPECT_TRUE(reported.texts()[0].ends_with(": released with 1 scopes open"));
    EXPECT_EQ(s.used(), 8u);
    EXPECT_TRUE(test::holds(p, 8, 0xA5));
  }
  EXPECT_EQ(s.used(), 0u);
  s.reset();
  s.release();
  EXPECT_EQ(reported.texts().size(), 1u);
}

TYPED_TEST(Checkpoints, ScopesThatEndOutOfOrderAreReportedAndIgnored) {
  using S = typename TypeParam::Strategy;
  const test::ReportedMisuse reported;
  auto s = this->make();
  auto first = std::make_unique<Scope<S>>(s);
  auto second = std::make_unique<Scope<S>>(s);
  (void)s.allocate(8);
  first.reset();
  ASSERT_EQ(reported.texts().size(), 1u);
  EXPECT_TRUE(reported.texts()[0].starts_with("no_checkpoint "));
  EXPECT_EQ(s.used(), 8u);
  second.reset();
  EXPECT_EQ(reported.texts().size(), 1u);
  EXPECT_EQ(s.used(), 0u);
}

TYPED_TEST(Checkpoints, AnAssignmentUnderAnOpenScopeIsReported) {
  const test::ReportedMisuse reported;
  auto s = this->make();
  {
    const auto scope = s.scope();
    (void)s.allocate(8);
    s = this->make();
    ASSERT_FALSE(reported.texts().empty());
    EXPECT_TRUE(reported.texts()[0].starts_with("busy "));
  }
  const std::size_t reports = reported.texts().size(); // of the assignment, and of the scope
  s.reset();
  s.release();
  EXPECT_EQ(reported.texts().size(), reports);
}

TYPED_TEST(Checkpoints, AScopeThatOutlivesItsStrategyIsReported) {
  EXPECT_DEATH(
      {
        auto s = this->make();
        const auto scope = s.scope();
        std::destroy_at(&s);
      },
      "destroyed with 1 scopes open");
}

// An allocation may be cut short although a checkpoint was set behind it.
TYPED_TEST(Checkpoints, ARestoreNeverTakesMoreThanThereIs) {
  auto s = this->make();
  void* const p = s.allocate(64);
  s.checkpoint();
  if (!s.try_resize(p, 64, 8))
    return; // it may be refused
  const std::size_t used = s.used();
  s.restore();
  EXPECT_LE(s.used(), used);
  EXPECT_NE(s.try_allocate(room - used), nullptr);
}

TYPED_TEST(Checkpoints, ARestoreCutsWhatGrewSince) {
  auto s = this->make();
  void* const p = s.allocate(16);
  test::fill(p, 16);
  s.checkpoint();
  if (s.try_resize(p, 16, 64))
    test::fill(p, 64);
  s.restore();
  EXPECT_GE(s.used(), 16u);
  EXPECT_TRUE(test::holds(p, 16, 0xA5));
}

TYPED_TEST(Checkpoints, WhatWasRestoredIsZeroAfterTheNextReset) {
  auto s = this->make();
  s.checkpoint();
  test::fill(s.allocate(1000), 1000);
  s.restore();
  (void)s.allocate(8);
  s.reset();
  EXPECT_TRUE(test::holds(s.allocate(room), room, 0));
}

TYPED_TEST(Checkpoints, PeakCountsWhatWasRestored) {
  auto s = this->make();
  s.checkpoint();
  (void)s.allocate(1000);
  s.restore();
  EXPECT_EQ(s.peak(), 1000u);
  s.reset();
  EXPECT_EQ(s.peak(), 1000u);
}

struct Piece {
  void* p;
  std::size_t bytes;
  int pattern;
};

TYPED_TEST(Checkpoints, ContentsStayIntactUnderAnyOrderOfCalls) {
  auto s = this->make();
  std::mt19937 random(2);
  struct Level {
    std::size_t used, pieces;
  };
  std::vector<Piece> pieces;
  std::vector<Level> levels;
  std::size_t most = 0;
  for (int step = 0; step != 20000; ++step) {
    const auto choice = random() % 100;
    if (choice < 60) {
      const std::size_t bytes = random() % 300;
      if (void* const p = s.try_allocate(bytes)) {
        const int pattern = static_cast<int>(random() % 256);
        test::fill(p, bytes, pattern);
        pieces.push_back({p, bytes, pattern});
      }
    } else if (choice < 78) {
      EXPECT_EQ(s.checkpoint(), levels.size());
      levels.push_back({s.used(), pieces.size()});
    } else if (choice < 98) {
      if (levels.empty())
        continue;
      s.restore();
      ASSERT_EQ(s.used(), levels.back().used);
      pieces.resize(levels.back().pieces);
      levels.pop_back();
    } else if (choice == 99) {
      s.reset();
      pieces.clear();
      levels.clear();
    }
    most = std::max(most, s.used());
    ASSERT_EQ(s.peak(), most);
    for (std::size_t i = 0; step % 64 == 0 && i != pieces.size(); ++i)
      ASSERT_TRUE(test::holds(pieces[i].p, pieces[i].bytes, pieces[i].pattern));
  }
}

// Checkpoints and scopes, and what was allocated before them given back: against a model that
// lowers each of them at once.
template <class S>
void agree_with_a_model(S& s, std::size_t largest) {
  struct Level {
    std::size_t used, pieces;
    std::unique_ptr<Scope<S>> scope; // null: a checkpoint
  };
  std::mt19937 random(4);
  const auto below = [&](std::size_t n) { return random() % n; };
  std::vector<Piece> pieces;
  std::vector<Level> levels;
  const auto lower_levels = [&] {
    for (Level& level : levels) {
      level.used = std::min(level.used, s.used());
      level.pieces = std::min(level.pieces, pieces.size());
    }
  };
  const auto go_back = [&](std::size_t to) { // to a checkpoint on top, or to a scope
    const std::size_t used = levels[to].used;
    pieces.resize(levels[to].pieces);
    if (levels[to].scope == nullptr)
      s.restore();
    else
      levels[to].scope.reset();
    levels.resize(to);
    ASSERT_EQ(s.used(), used);
  };
  std::size_t most = 0;
  for (int step = 0; step != 20000; ++step) {
    const auto choice = below(100);
    if (choice < 45) {
      const std::size_t bytes = 1 + below(below(8) == 0 ? largest : 200);
      if (void* const p = s.try_allocate(bytes, std::size_t{1} << below(8))) {
        pieces.push_back({p, bytes, static_cast<int>(below(256))});
        test::fill(p, bytes, pieces.back().pattern);
      }
    } else if (choice < 60 && !pieces.empty()) { // give back
      if (s.try_resize(pieces.back().p, pieces.back().bytes, 0)) {
        pieces.pop_back();
        lower_levels();
      }
    } else if (choice < 70 && !pieces.empty()) { // shrink
      Piece& last = pieces.back();
      const std::size_t bytes = 1 + below(last.bytes);
      ASSERT_TRUE(s.try_resize(last.p, last.bytes, bytes));
      last.bytes = bytes;
      lower_levels();
    } else if (choice < 80 && levels.size() < 40) {
      if (test::kind([&] { s.checkpoint(); }) == "none")
        levels.push_back({s.used(), pieces.size(), nullptr});
    } else if (choice < 84 && levels.size() < 40) {
      levels.push_back({s.used(), pieces.size(), std::make_unique<Scope<S>>(s)});
    } else if (choice < 97 && !levels.empty()) {
      go_back(levels.size() - 1);
    } else { // the innermost scope, and what was left in it
      for (std::size_t i = levels.size(); i-- != 0;)
        if (levels[i].scope != nullptr) {
          go_back(i);
          break;
        }
    }
    most = std::max(most, s.used());
    ASSERT_EQ(s.peak(), most) << "at step " << step;
    for (std::size_t i = 0; step % 64 == 0 && i != pieces.size(); ++i)
      ASSERT_TRUE(test::holds(pieces[i].p, pieces[i].bytes, pieces[i].pattern));
  }
  while (!levels.empty())
    go_back(levels.size() - 1);
}

TYPED_TEST(Checkpoints, AndScopesFollowWhatIsGivenBack) {
  auto s = this->make();
  agree_with_a_model(s, 2000);
}
TEST(CheckpointsOfARegion, AndScopesFollowWhatIsGivenBackInManyArenas) {
  test::TestResource upstream;
  Region region({.arena_size = 512, .max_arena_size = 2048, .upstream = &upstream});
  agree_with_a_model(region, 5000);
}

template <class Config>
class CheckpointsOfObjects : public conformance::Suite<Config> {};
using RewindingObjects =
    testing::Types<conformance::On<Scratch, conformance::Heap>, conformance::RegionOnHeap>;
TYPED_TEST_SUITE(CheckpointsOfObjects, RewindingObjects, conformance::Names);

TYPED_TEST(CheckpointsOfObjects, ARestoreDestroysExactlyThoseMadeSince) {
  std::vector<int> log;
  auto s = this->make();
  s.template create<Witness>(log, 0);
  s.checkpoint();
  s.template create<Witness>(log, 1);
  s.checkpoint();
  s.template create<Witness>(log, 2);
  s.template create<Witness>(log, 3);
  s.restore();
  EXPECT_EQ(log, (std::vector{3, 2}));
  EXPECT_EQ(s.objects(), 2u);
  s.restore();
  EXPECT_EQ(log, (std::vector{3, 2, 1}));
  s.reset();
  EXPECT_EQ(log, (std::vector{3, 2, 1, 0}));
}

TYPED_TEST(Checkpoints, HideWhatWasRestored) {
  if (!test::watched())
    GTEST_SKIP() << "no sanitizer watches";
  auto s = this->make();
  void* const kept = s.allocate(13);
  s.checkpoint();
  void* const gone = s.allocate(100);
  s.restore();
  EXPECT_TRUE(test::all_hidden(gone, 100));
  EXPECT_EQ(test::visible(kept, 64), 13u);
  EXPECT_EQ(s.allocate(8), gone);
  EXPECT_EQ(test::visible(gone, 100), 8u);
}

} // namespace
