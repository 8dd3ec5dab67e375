#include <allot/scratch.hpp>

#include "support.hpp"

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace allot;
using test::TestResource;
using test::Witness;

namespace {

using Log = std::vector<int>;
using Texts = std::vector<std::string>;

TEST(Scratch, NamesItselfInErrors) {
  EXPECT_EQ(test::error([] { return Scratch(0); }),
            "Misuse(bad_size) scratch: a size of 0 bytes was asked for");
  EXPECT_EQ(test::error([] { return Scratch(SIZE_MAX); }),
            "Exhausted(system_refused) scratch: the heap refused " + std::to_string(SIZE_MAX) +
                " bytes");
  EXPECT_EQ(test::error([] { return Scratch(Buffer()); }),
            "Misuse(bad_size) scratch: the buffer has no room for 8 aligned bytes");
  Scratch scratch(1024);
  (void)scratch.allocate(1008);
  EXPECT_EQ(test::error([&] { return scratch.allocate(64); }),
            "Exhausted(no_room) scratch: 64 bytes asked, 16 of 1024 left");
  EXPECT_EQ(test::error([&] { return scratch.allocate(8, 48); }),
            "Misuse(bad_alignment) scratch: alignment 48 is not a power of two");
  EXPECT_EQ(test::error([&] { scratch.restore(); }),
            "Misuse(no_checkpoint) scratch: restore without a checkpoint");
  scratch.release();
  EXPECT_EQ(test::error([&] { return scratch.allocate(8); }),
            "Misuse(released) scratch: used after release");
}

TEST(Scratch, RestoresTheLastCheckpoint) {
  Scratch scratch(1024);
  (void)scratch.allocate(8);
  EXPECT_EQ(scratch.checkpoint(), 0u);
  void* const p = scratch.allocate(100);
  EXPECT_EQ(scratch.offset(), 112u);
  scratch.restore();
  EXPECT_EQ(scratch.offset(), 8u);
  EXPECT_EQ(scratch.allocate(8), p);
}

TEST(Scratch, CheckpointsNest) {
  Scratch scratch(1 << 16);
  for (std::size_t depth = 0; depth != 100; ++depth) {
    EXPECT_EQ(scratch.checkpoint(), depth);
    (void)scratch.allocate(8);
  }
  for (std::size_t depth = 100; depth != 0; --depth) {
    EXPECT_EQ(scratch.offset(), 8 * depth);
    scratch.restore();
  }
  EXPECT_EQ(scratch.offset(), 0u);
  EXPECT_EQ(test::kind([&] { scratch.restore(); }), "Misuse(no_checkpoint)");
}

TEST(Scratch, ACheckpointIsUsedUpByItsRestore) {
  Scratch scratch(64);
  scratch.checkpoint();
  scratch.restore();
  (void)scratch.allocate(8);
  EXPECT_EQ(test::kind([&] { scratch.restore(); }), "Misuse(no_checkpoint)");
  EXPECT_EQ(scratch.offset(), 8u);
}

TEST(Scratch, ARestoreDestroysExactlyTheObjectsMadeSince) {
  Log log;
  Scratch scratch(1024);
  scratch.create<Witness>(log, 0);
  scratch.checkpoint();
  scratch.create<Witness>(log, 1);
  scratch.checkpoint();
  scratch.create<Witness>(log, 2);
  scratch.create<Witness>(log, 3);
  scratch.restore();
  EXPECT_EQ(log, (Log{3, 2}));
  EXPECT_EQ(scratch.objects(), 2u);
  scratch.restore();
  EXPECT_EQ(log, (Log{3, 2, 1}));
  scratch.reset();
  EXPECT_EQ(log, (Log{3, 2, 1, 0}));
}

TEST(Scratch, PeakSurvivesRestoresAndResets) {
  Scratch scratch(128);
  scratch.checkpoint();
  (void)scratch.allocate(64);
  scratch.restore();
  EXPECT_EQ(test::state(scratch), (test::State{128, 0, 128, 64}));
  scratch.reset();
  (void)scratch.allocate(8);
  EXPECT_EQ(scratch.peak(), 64u);
}

TEST(Scratch, IsZeroAfterAResetAlsoWhereItWasRestored) {
  Scratch scratch(1024);
  scratch.checkpoint();
  test::fill(scratch.allocate(1000), 1000);
  scratch.restore();
  (void)scratch.allocate(8);
  scratch.reset();
  EXPECT_TRUE(test::holds(scratch.allocate(1024), 1024, 0));
}

TEST(Scratch, ZeroesNothingWhereThatIsOff) {
  alignas(8) std::byte memory[64];
  test::fill(memory, sizeof memory);
  Scratch scratch(Buffer::borrowed(memory), {.zero = false});
  EXPECT_TRUE(test::holds(scratch.allocate(64), 64, 0xA5));
  scratch.reset();
  EXPECT_TRUE(test::holds(scratch.allocate(64), 64, 0xA5));
}

TEST(Scratch, AResetTakesBackCheckpointsToo) {
  Scratch scratch(64);
  scratch.checkpoint();
  (void)scratch.allocate(8);
  scratch.checkpoint();
  scratch.reset();
  EXPECT_EQ(scratch.offset(), 0u);
  EXPECT_EQ(test::kind([&] { scratch.restore(); }), "Misuse(no_checkpoint)");
  EXPECT_EQ(scratch.checkpoint(), 0u);
}

// An allocation may be cut short although a checkpoint was set behind it.
TEST(Scratch, ARestoreNeverTakesMoreThanThereIs) {
  Scratch scratch(64);
  void* const p = scratch.allocate(16);
  scratch.checkpoint();
  if (!scratch.try_resize(p, 16, 8))
    return; // it may be refused
  const std::size_t used = scratch.used();
  scratch.restore();
  EXPECT_LE(scratch.used(), used);
  EXPECT_NE(scratch.try_allocate(64 - used), nullptr);
}

TEST(Scratch, ScopesRestoreByThemselves) {
  Log log;
  Scratch scratch(1024);
  {
    const auto outer = scratch.scope();
    scratch.create<Witness>(log, 1);
    const std::size_t used = scratch.used();
    {
      const auto inner = scratch.scope();
      scratch.create<Witness>(log, 2);
    }
    EXPECT_EQ(log, Log{2});
    EXPECT_EQ(scratch.used(), used);
  }
  EXPECT_EQ(log, (Log{2, 1}));
  EXPECT_EQ(scratch.used(), 0u);
  EXPECT_EQ(test::kind([&] { scratch.restore(); }), "Misuse(no_checkpoint)");
}

TEST(Scratch, AScopeEndsByAnException) {
  Scratch scratch(64);
  EXPECT_THROW(
      {
        const auto scope = scratch.scope();
        (void)scratch.allocate(8);
        throw std::runtime_error("away");
      },
      std::runtime_error);
  EXPECT_EQ(scratch.used(), 0u);
}

TEST(Scratch, CheckpointsInsideAScopeAreItsOwn) {
  Scratch scratch(64);
  const auto scope = scratch.scope();
  scratch.checkpoint();
  (void)scratch.allocate(8);
  scratch.restore();
  EXPECT_EQ(scratch.used(), 0u);
}

TEST(Scratch, ScopesThatEndOutOfOrderAreReported) {
  const test::ReportedMisuse reported;
  Scratch scratch(64);
  auto first = std::make_unique<Scope<Scratch>>(scratch);
  auto second = std::make_unique<Scope<Scratch>>(scratch);
  (void)scratch.allocate(8);
  first.reset();
  EXPECT_EQ(reported.texts(), Texts{"no_checkpoint scratch: a scope ended out of order: one that "
                                    "was opened in it is still open"});
  EXPECT_EQ(scratch.used(), 8u); // and ignored
  second.reset();
  EXPECT_EQ(reported.texts().size(), 1u);
  EXPECT_EQ(scratch.used(), 0u);
  scratch.reset(); // no scope is open
}

TEST(Scratch, ARestoreInAScopeDoesNotGoBehindIt) {
  const test::ReportedMisuse reported;
  Scratch scratch(64);
  (void)scratch.allocate(8);
  scratch.checkpoint();
  {
    const auto scope = scratch.scope();
    (void)scratch.allocate(8);
    scratch.checkpoint();
    (void)scratch.allocate(8);
    scratch.restore();
    EXPECT_EQ(scratch.used(), 16u);
    EXPECT_EQ(test::error([&] { scratch.restore(); }),
              "Misuse(no_checkpoint) scratch: restore without a checkpoint made in the innermost "
              "scope");
    EXPECT_EQ(scratch.used(), 16u);
  }
  EXPECT_EQ(scratch.used(), 8u);
  scratch.restore();
  EXPECT_EQ(test::kind([&] { scratch.restore(); }), "Misuse(no_checkpoint)");
  EXPECT_EQ(reported.texts().size(), 0u);
}

// A few lie in the object; more, and those too then, at the far end of what is not from the heap.
TEST(Scratch, CheckpointsBeyondAFewTakeRoomOfABorrowedBufferUntilTheyAreRestored) {
  constexpr std::size_t record = sizeof(detail::ArenaPosition);
  alignas(8) std::byte memory[1024];
  Scratch scratch(Buffer::borrowed(memory));
  for (std::size_t i = 0; i != few_records; ++i)
    scratch.checkpoint();
  EXPECT_EQ(scratch.available(), 1024u);
  scratch.checkpoint();
  std::size_t checkpoints = few_records + 1;
  EXPECT_EQ(scratch.available(), 1024 - checkpoints * record);
  for (; scratch.available() >= record; ++checkpoints)
    scratch.checkpoint();
  const test::State full = test::state(scratch);
  EXPECT_EQ(test::kind([&] { scratch.checkpoint(); }), "Exhausted(no_room)");
  EXPECT_EQ(test::state(scratch), full);
  EXPECT_EQ(full.used, 0u);
  { const auto scope = scratch.scope(); } // which needs none
  for (; checkpoints != 0; --checkpoints)
    scratch.restore();
  EXPECT_EQ(test::state(scratch), (test::State{1024, 0, 1024, 0}));
  EXPECT_TRUE(test::holds(scratch.allocate(1024), 1024, 0)); // where records were, too
}

TEST(Scratch, CheckpointsOfOneOnTheHeapTakeNoRoomOfIt) {
  for (const std::size_t marks : test::Sizes{0, 10}) {
    Scratch scratch(64, {.marks = marks});
    (void)scratch.allocate(64);
    for (int i = 0; i != 100; ++i)
      scratch.checkpoint();
    EXPECT_EQ(test::state(scratch), (test::State{64, 64, 0, 64}));
    for (int i = 0; i != 100; ++i)
      scratch.restore();
    scratch.reset();
    EXPECT_EQ(test::state(scratch), (test::State{64, 0, 64, 64}));
  }
}

TEST(Scratch, AScopeDropsTheCheckpointsThatWereLeftInIt) {
  Scratch scratch(1024);
  {
    const auto scope = scratch.scope();
    for (int i = 0; i != 10; ++i) {
      (void)scratch.allocate(8);
      scratch.checkpoint();
    }
  }
  EXPECT_EQ(scratch.available(), 1024u);
  EXPECT_EQ(test::kind([&] { scratch.restore(); }), "Misuse(no_checkpoint)");
}

TEST(Scratch, AnOpenScopeForbidsResetAndRelease) {
  const test::ReportedMisuse reported;
  Log log;
  Scratch scratch(1024);
  scratch.checkpoint();
  {
    const auto scope = scratch.scope();
    scratch.create<Witness>(log, 1);
    EXPECT_EQ(test::error([&] { scratch.reset(); }),
              "Misuse(busy) scratch: reset with 1 scopes open");
    scratch.release();
    EXPECT_EQ(reported.texts(), Texts{"busy scratch: released with 1 scopes open"});
    EXPECT_TRUE(log.empty());
    EXPECT_NE(scratch.try_allocate(8), nullptr);
  }
  EXPECT_EQ(log, Log{1});
  scratch.restore(); // the checkpoint before the scope is still there
  scratch.reset();
  scratch.release();
  EXPECT_EQ(reported.texts().size(), 1u);
}

TEST(ScratchDeathTest, AScopeThatOutlivesItsScratchIsReported) {
  EXPECT_EXIT(
      {
        Scratch scratch(64);
        const auto scope = scratch.scope();
        std::destroy_at(&scratch);
      },
      test::by_abort, "allot: scratch: destroyed with 1 scopes open");
}

void expect_released(Scratch& scratch) {
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{8}, SIZE_MAX}) {
    EXPECT_EQ(test::kind([&] { return scratch.allocate(bytes); }), "Misuse(released)");
    EXPECT_EQ(test::kind([&] { return scratch.allocate(bytes, 64); }), "Misuse(released)");
    EXPECT_EQ(scratch.try_allocate(bytes), nullptr);
    EXPECT_EQ(scratch.try_allocate(bytes, 64), nullptr);
    EXPECT_FALSE(scratch.try_resize(nullptr, 0, bytes));
  }
  EXPECT_EQ(test::kind([&] { scratch.checkpoint(); }), "Misuse(released)");
  EXPECT_EQ(test::kind([&] { scratch.restore(); }), "Misuse(released)");
  EXPECT_EQ(test::kind([&] { const auto scope = scratch.scope(); }), "Misuse(released)");
  EXPECT_EQ(test::kind([&] { scratch.reset(); }), "Misuse(released)");
  EXPECT_EQ(test::state(scratch), (test::State{0, 0, 0, 0}));
  scratch.release(); // again
}

TEST(Scratch, RefusesEverythingOnceReleased) {
  Scratch scratch(64);
  scratch.checkpoint();
  scratch.release();
  expect_released(scratch);
}

TEST(Scratch, RefusesEverythingOnceMovedFrom) {
  Log log;
  Scratch from(128);
  from.checkpoint();
  from.create<Witness>(log, 1);
  Scratch to(64);
  to.checkpoint();
  to = std::move(from);
  expect_released(from);
  Scratch last = std::move(to);
  expect_released(to);
  EXPECT_TRUE(log.empty());
  last.restore(); // checkpoints move too
  EXPECT_EQ(log, Log{1});
  EXPECT_EQ(last.used(), 0u);
  EXPECT_EQ(test::kind([&] { last.restore(); }), "Misuse(no_checkpoint)");
  Scratch& alias = last;
  last = std::move(alias);
  EXPECT_EQ(last.capacity(), 128u);
}

TEST(Scratch, GivesBackToItsUpstream) {
  TestResource upstream; // which checks what it gets
  Scratch scratch(Buffer::from(&upstream, 100));
  scratch.checkpoint();
  (void)scratch.allocate(50);
  scratch = Scratch(Buffer::from(&upstream, 64));
  EXPECT_EQ(upstream.live(), 1u);
  scratch.release();
  EXPECT_EQ(upstream.live(), 0u);
}

// Calls `then` while it is destroyed.
struct AtTheEnd {
  std::function<void()> then;
  explicit AtTheEnd(std::function<void()> call) : then(std::move(call)) {}
  ~AtTheEnd() { then(); }
};

TEST(Scratch, IsClosedWhileARestoreDestroys) {
  Scratch scratch(1024);
  scratch.checkpoint();
  scratch.checkpoint();
  Texts kinds;
  scratch.create<AtTheEnd>([&] {
    kinds = {test::kind([&] { return scratch.allocate(8); }),
             test::kind([&] { scratch.checkpoint(); }), test::kind([&] { scratch.restore(); }),
             test::kind([&] { const auto scope = scratch.scope(); }),
             test::kind([&] { scratch.reset(); })};
    EXPECT_EQ(scratch.try_allocate(8), nullptr);
  });
  scratch.restore();
  EXPECT_EQ(kinds, Texts(5, "Misuse(busy)"));
  EXPECT_EQ(scratch.available(), 1024u);
  scratch.restore();
}

TEST(Scratch, AReleaseFromADestructorIsReportedAndIgnored) {
  const test::ReportedMisuse reported;
  Scratch scratch(1024);
  scratch.checkpoint();
  scratch.checkpoint();
  scratch.create<AtTheEnd>([&] { scratch.release(); });
  scratch.restore();
  EXPECT_EQ(reported.texts(), Texts{"busy scratch: released while its own destructors run"});
  EXPECT_EQ(test::kind([&] { scratch.restore(); }), "none"); // the first checkpoint is still there
}

class ScratchHiding : public test::Watched {};

TEST_F(ScratchHiding, WhatWasRestored) {
  Scratch scratch(1024);
  const void* const kept = scratch.allocate(13);
  scratch.checkpoint();
  const void* const gone = scratch.allocate(100);
  EXPECT_EQ(test::visible(gone, 1024), 100u);
  scratch.restore();
  EXPECT_TRUE(test::all_hidden(gone, 100));
  EXPECT_EQ(test::visible(kept, 1024), 13u);
}

#if defined(ALLOT_ASAN)
TEST(ScratchDeathTest, AddressSanitizerCatchesUseAfterRestore) {
  Scratch scratch(64);
  scratch.checkpoint();
  void* const p = scratch.allocate(8);
  scratch.restore();
  EXPECT_DEATH(test::touch(p), "use-after-poison");
}
#endif

} // namespace
