#include <allot/bump.hpp>

#include "support.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory_resource>
#include <span>
#include <string>
#include <utility>

using namespace allot;
using test::TestResource;

namespace {

TEST(Bump, RoundsItsSizeUpToTheGranule) {
  for (const auto& [asked, capacity] :
       {std::pair<std::size_t, std::size_t>{1, 8}, {7, 8}, {8, 8}, {9, 16}, {1024, 1024}}) {
    const Bump bump(asked);
    EXPECT_EQ(test::state(bump), (test::State{capacity, 0, capacity, 0}));
  }
}

TEST(Bump, RefusesSizesThatNoHeapHas) {
  EXPECT_EQ(test::error([] { return Bump(0); }),
            "Misuse(bad_size) bump: a size of 0 bytes was asked for");
  EXPECT_EQ(test::error([] { return Bump(SIZE_MAX); }),
            "Exhausted(system_refused) bump: the heap refused " + std::to_string(SIZE_MAX) +
                " bytes");
  for (const std::size_t bytes : test::unservable)
    EXPECT_EQ(test::kind([=] { return Bump(bytes); }), "Exhausted(system_refused)");
}

TEST(Bump, StartsOnACacheLine) {
  for (int i = 0; i != 10; ++i) {
    Bump bump(100);
    EXPECT_TRUE(test::is_aligned(bump.allocate(1), 64));
  }
}

TEST(Bump, HandsOutOnePieceBehindTheOther) {
  Bump bump(1024);
  const void* before = bump.allocate(8);
  std::size_t last = 8;
  for (const std::size_t bytes : test::Sizes{1, 7, 8, 9, 40}) {
    const void* const p = bump.allocate(bytes);
    EXPECT_EQ(test::distance(before, p), static_cast<std::ptrdiff_t>(red_zones.stretch(last)));
    before = p;
    last = round_up(bytes);
  }
}

TEST(Bump, ServesAnExactFitAndNotOneByteMore) {
  for (const std::size_t bytes : test::Sizes{1, 7, 8, 9, 63, 64}) {
    Bump bump(bytes);
    EXPECT_EQ(bump.try_allocate(bump.capacity() + 1), nullptr);
    EXPECT_NE(bump.try_allocate(bytes), nullptr);
    EXPECT_EQ(bump.available(), 0u);
    EXPECT_EQ(bump.try_allocate(1), nullptr);
  }
}

TEST(Bump, SaysWhatWasAskedAndWhatIsLeft) {
  Bump bump(1024);
  (void)bump.allocate(1008);
  EXPECT_EQ(test::error([&] { return bump.allocate(64); }),
            "Exhausted(no_room) bump: 64 bytes asked, 16 of 1024 left");
  EXPECT_EQ(test::error([&] { return bump.allocate(64, 128); }),
            "Exhausted(no_room) bump: 64 bytes asked, 16 of 1024 left");
  EXPECT_EQ(test::error([&] { return bump.allocate(SIZE_MAX); }),
            "Exhausted(no_room) bump: " + std::to_string(SIZE_MAX) +
                " bytes asked, 16 of 1024 left");
  EXPECT_EQ(test::error([&] { return bump.allocate(8, 24); }),
            "Misuse(bad_alignment) bump: alignment 24 is not a power of two");
  bump.release();
  EXPECT_EQ(test::error([&] { return bump.allocate(8); }),
            "Misuse(released) bump: used after release");
}

TEST(Bump, ARefusalChangesNothing) {
  Bump bump(64);
  void* const p = bump.allocate(24);
  test::fill(p, 24);
  const test::State before = test::state(bump);
  for (const std::size_t bytes : {std::size_t{65}, std::size_t{1000}, SIZE_MAX, SIZE_MAX - 7}) {
    EXPECT_EQ(test::kind([&] { return bump.allocate(bytes); }), "Exhausted(no_room)");
    EXPECT_EQ(test::kind([&] { return bump.allocate(bytes, 64); }), "Exhausted(no_room)");
    EXPECT_EQ(test::kind([&] { return bump.reallocate(p, 24, bytes); }), "Exhausted(no_room)");
    EXPECT_EQ(bump.try_allocate(bytes), nullptr);
    EXPECT_EQ(bump.try_allocate(bytes, 64), nullptr);
    EXPECT_FALSE(bump.try_resize(p, 24, bytes));
  }
  for (const std::size_t alignment : test::bad_alignments) {
    EXPECT_EQ(test::kind([&] { return bump.allocate(8, alignment); }), "Misuse(bad_alignment)");
    EXPECT_EQ(test::kind([&] { return bump.allocate(0, alignment); }), "Misuse(bad_alignment)");
    EXPECT_EQ(bump.try_allocate(8, alignment), nullptr);
    EXPECT_EQ(bump.try_allocate(0, alignment), nullptr);
  }
  EXPECT_EQ(test::state(bump), before);
  EXPECT_TRUE(test::holds(p, 24, 0xA5));
}

TEST(Bump, MeetsAlignmentsAndCountsWhatItSkips) {
  Bump bump(Buffer::heap(1 << 20, 1 << 16));
  for (std::size_t alignment = 1; alignment <= std::size_t{1} << 16; alignment *= 2) {
    (void)bump.allocate(8);
    const std::size_t used = bump.used();
    void* const p = bump.allocate(24, alignment);
    EXPECT_TRUE(test::is_aligned(p, alignment));
    EXPECT_EQ(bump.used(), saturating_round_up(used, alignment) + 24);
  }
}

TEST(Bump, MeetsTheSameAlignmentsWithoutExceptions) {
  for (std::size_t alignment = 1; alignment <= 4096; alignment *= 2) {
    Bump bump(Buffer::heap(8192, 4096));
    (void)bump.allocate(8);
    void* const p = bump.try_allocate(8, alignment);
    EXPECT_NE(p, nullptr);
    EXPECT_TRUE(test::is_aligned(p, alignment));
  }
}

TEST(Bump, ResizesNothingOutside) {
  alignas(8) std::byte memory[256];
  Bump bump(Buffer::borrowed(std::span(memory).subspan(64, 128)));
  std::byte* const p = static_cast<std::byte*>(bump.allocate(16));
  // Each of these would end at the head.
  EXPECT_FALSE(bump.try_resize(p - 8, 24, 8));
  EXPECT_FALSE(bump.try_resize(p - 64, 80, 8));
  EXPECT_FALSE(bump.try_resize(p + 24, SIZE_MAX - 7, 8));
  EXPECT_EQ(bump.used(), 16u);
}

TEST(Bump, AnAlignmentAboveEverythingIsRefused) {
  Bump bump(4096);
  constexpr int bits = std::numeric_limits<std::size_t>::digits;
  for (int bit = bits / 2 + 8; bit != bits; ++bit)
    EXPECT_EQ(test::kind([&] { return bump.allocate(8, std::size_t{1} << bit); }),
              "Exhausted(no_room)");
  EXPECT_EQ(bump.used(), 0u);
}

TEST(Bump, ZeroBytesTakeNothingAndAreNotNull) {
  Bump bump(16);
  (void)bump.allocate(8);
  for (const std::size_t more : test::Sizes{8, 0}) { // also when it is full
    for (const std::size_t alignment : test::Sizes{1, 8, 64, 4096}) {
      void* const p = bump.allocate(0, alignment);
      EXPECT_NE(p, nullptr);
      EXPECT_TRUE(test::is_aligned(p, alignment));
      EXPECT_NE(bump.try_allocate(0, alignment), nullptr);
    }
    EXPECT_NE(bump.allocate(0), nullptr);
    EXPECT_NE(bump.try_allocate(0), nullptr);
    EXPECT_EQ(bump.used(), 16 - more);
    (void)bump.allocate(more);
  }
}

TEST(Bump, IsZeroAtFirstAndAfterEveryReset) {
  Bump bump(4096);
  for (int round = 0; round != 3; ++round) {
    void* const p = bump.allocate(4000);
    EXPECT_TRUE(test::holds(p, 4000, 0));
    test::fill(p, 4000);
    EXPECT_TRUE(bump.try_resize(p, 4000, 8)); // what is taken back is zeroed as well
    bump.reset();
    EXPECT_EQ(bump.used(), 0u);
  }
}

TEST(Bump, IsZeroOnMemoryThatIsNot) {
  alignas(8) std::byte memory[64];
  test::fill(memory, sizeof memory);
  TestResource upstream;
  Bump on_borrowed(Buffer::borrowed(memory));
  Bump on_upstream(Buffer::from(&upstream, 64));
  Bump on_dirty_heap(Buffer::heap(64, 64, {.zero = false}));
  for (Bump* bump : {&on_borrowed, &on_upstream, &on_dirty_heap})
    EXPECT_TRUE(test::holds(bump->allocate(64), 64, 0));
}

TEST(Bump, ZeroesNothingWhereThatIsOff) {
  alignas(8) std::byte memory[64];
  test::fill(memory, sizeof memory);
  Bump bump(Buffer::borrowed(memory), {.zero = false});
  EXPECT_TRUE(test::holds(bump.allocate(64), 64, 0xA5));
  bump.reset();
  EXPECT_TRUE(test::holds(bump.allocate(64), 64, 0xA5));
}

TEST(Bump, StaysInsideABorrowedBufferAtAnyAddress) {
  for (std::size_t skip = 0; skip != 9; ++skip) {
    alignas(8) std::byte memory[64];
    test::fill(memory, sizeof memory);
    {
      Bump bump(Buffer::borrowed({memory + skip, 40}));
      EXPECT_EQ(bump.capacity(), skip % 8 == 0 ? 40u : 32u);
      test::fill(bump.allocate(bump.capacity()), bump.capacity(), 1);
    }
    EXPECT_TRUE(test::holds(memory, skip, 0xA5));
    EXPECT_TRUE(test::holds(memory + skip + 40, 24 - skip, 0xA5));
  }
}

TEST(Bump, RefusesABufferWithoutRoom) {
  alignas(8) std::byte memory[16];
  for (const std::span<std::byte> small :
       {std::span<std::byte>{}, {memory, 0}, {memory, 7}, {memory + 1, 14}})
    EXPECT_EQ(test::error([&] { return Bump(Buffer::borrowed(small)); }),
              "Misuse(bad_size) bump: the buffer has no room for 8 aligned bytes");
  EXPECT_EQ(test::kind([] { return Bump(Buffer()); }), "Misuse(bad_size)");
  EXPECT_EQ(Bump(Buffer::borrowed({memory + 1, 15})).capacity(), 8u);
}

TEST(Bump, GivesBackToItsUpstreamOnce) {
  TestResource upstream; // which checks what it gets
  {
    Bump bump(Buffer::from(&upstream, 100));
    (void)bump.allocate(50);
    EXPECT_EQ(upstream.live(), 1u);
    bump.release();
    EXPECT_EQ(upstream.live(), 0u);
  }
  {
    Bump first(Buffer::from(&upstream, 100)), second(Buffer::from(&upstream, 50));
    first = std::move(second);
    EXPECT_EQ(upstream.live(), 1u);
  }
  EXPECT_EQ(upstream.live(), 0u);
}

TEST(Bump, RunsOnPagesOfTheSystem) {
  Bump bump(Buffer::mapped(1_MiB));
  void* const p = bump.allocate(1_MiB);
  EXPECT_TRUE(test::holds(p, 1_MiB, 0));
  test::fill(p, 1_MiB);
  bump.reset();
  EXPECT_TRUE(test::holds(bump.allocate(1_MiB), 1_MiB, 0));
}

void expect_released(Bump& bump) {
  std::byte elsewhere[8];
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{8}, SIZE_MAX}) {
    EXPECT_EQ(test::kind([&] { return bump.allocate(bytes); }), "Misuse(released)");
    EXPECT_EQ(test::kind([&] { return bump.allocate(bytes, 64); }), "Misuse(released)");
    EXPECT_EQ(bump.try_allocate(bytes), nullptr);
    EXPECT_EQ(bump.try_allocate(bytes, 64), nullptr);
    EXPECT_FALSE(bump.try_resize(nullptr, 0, bytes));
    EXPECT_FALSE(bump.try_resize(elsewhere, 8, bytes));
  }
  EXPECT_EQ(test::kind([&] { bump.reset(); }), "Misuse(released)");
  EXPECT_EQ(test::kind([&] { return bump.copy("text"); }), "Misuse(released)");
  EXPECT_EQ(test::kind([&] { return bump.copy(""); }), "Misuse(released)");
  EXPECT_EQ(test::kind([&] { return bump.reallocate(nullptr, 0, 8); }), "Misuse(released)");
  EXPECT_FALSE(bump.owns(nullptr));
  EXPECT_EQ(test::state(bump), (test::State{0, 0, 0, 0}));
  bump.release(); // again
}

TEST(Bump, RefusesEverythingOnceReleased) {
  Bump bump(64);
  const void* const p = bump.allocate(8);
  bump.release();
  EXPECT_FALSE(bump.owns(p));
  expect_released(bump);
}

TEST(Bump, RefusesEverythingOnceMovedFrom) {
  Bump from(64);
  void* const p = from.allocate(24);
  test::fill(p, 24);
  Bump to = std::move(from);
  expect_released(from);
  EXPECT_EQ(test::state(to), (test::State{64, 24, 40, 24}));
  EXPECT_TRUE(test::holds(p, 24, 0xA5));
  from = std::move(to); // and works again once something is moved in
  expect_released(to);
  EXPECT_NE(from.try_allocate(40), nullptr);
  Bump& alias = from;
  from = std::move(alias);
  EXPECT_EQ(from.used(), 64u);
}

TEST(Bump, AMoveTakesItsOptions) {
  alignas(8) std::byte memory[64];
  Bump to(8);
  to = Bump(Buffer::borrowed(memory), {.zero = false});
  test::fill(to.allocate(64), 64);
  to.reset();
  EXPECT_TRUE(test::holds(to.allocate(64), 64, 0xA5));
}

TEST(Bump, PeakSurvivesResets) {
  Bump bump(64);
  (void)bump.allocate(40);
  bump.reset();
  EXPECT_EQ(test::state(bump), (test::State{64, 0, 64, 40}));
  (void)bump.allocate(8);
  EXPECT_EQ(bump.peak(), 40u);
  (void)bump.allocate(48);
  bump.reset();
  EXPECT_EQ(bump.peak(), 56u);
}

TEST(Bump, ResizesTheNewestInPlace) {
  Bump bump(64);
  (void)bump.allocate(8);
  void* const p = bump.allocate(16);
  test::fill(p, 16);
  EXPECT_TRUE(bump.try_resize(p, 16, 56)); // up to the end
  EXPECT_EQ(bump.available(), 0u);
  EXPECT_TRUE(test::holds(p, 16, 0xA5));
  EXPECT_TRUE(test::holds(static_cast<std::byte*>(p) + 16, 40, 0));
  EXPECT_FALSE(bump.try_resize(p, 56, 57));
  EXPECT_TRUE(bump.try_resize(p, 56, 3));
  EXPECT_EQ(bump.used(), 16u);
  EXPECT_TRUE(test::holds(p, 3, 0xA5));
  EXPECT_TRUE(bump.try_resize(p, 3, 0));
  EXPECT_EQ(bump.used(), 8u);
}

TEST(Bump, ResizesAnOlderOneOnlyDown) {
  Bump bump(64);
  void* const older = bump.allocate(16);
  (void)bump.allocate(8);
  EXPECT_FALSE(bump.try_resize(older, 16, 17));
  EXPECT_FALSE(bump.try_resize(older, 16, 0));
  EXPECT_TRUE(bump.try_resize(older, 16, 16));
  EXPECT_TRUE(bump.try_resize(older, 16, 8));
  EXPECT_EQ(bump.used(), 24u);
}

TEST(Bump, OwnsWhatIsAllocatedNow) {
  Bump bump(64);
  const auto* const p = static_cast<std::byte*>(bump.allocate(16));
  EXPECT_TRUE(bump.owns(p));
  EXPECT_TRUE(bump.owns(p + 15));
  EXPECT_FALSE(bump.owns(p + red_zones.stretch(16)));
  EXPECT_FALSE(bump.owns(p - 1));
  EXPECT_FALSE(bump.owns(&bump));
  EXPECT_FALSE(bump.owns(nullptr));
  bump.reset();
  EXPECT_FALSE(bump.owns(p));
}

class BumpHiding : public test::Watched {};

TEST_F(BumpHiding, EveryByteNotHandedOut) {
  for (std::size_t bytes = 1; bytes != 18; ++bytes) {
    Bump bump(1024);
    const auto* const p = static_cast<std::byte*>(bump.allocate(bytes));
    EXPECT_EQ(test::visible(p, 1024), bytes);
    const auto* const next = static_cast<std::byte*>(bump.allocate(bytes));
    EXPECT_TRUE(test::all_hidden(p + bytes, static_cast<std::size_t>(next - p) - bytes));
    EXPECT_GE(next - (p + bytes), 8);
  }
}

TEST_F(BumpHiding, TheBytesAroundTheBuffer) {
  Bump bump(64);
  const auto* const first = static_cast<std::byte*>(bump.allocate(64));
  EXPECT_TRUE(test::is_hidden(first - 1));
  EXPECT_TRUE(test::is_hidden(first + red_zones.stretch(64)));
}

TEST_F(BumpHiding, WhatWasTakenBackByReset) {
  Bump bump(64);
  const void* const p = bump.allocate(64);
  bump.reset();
  EXPECT_TRUE(test::all_hidden(p, 64));
}

TEST_F(BumpHiding, NothingOfABorrowedBufferAfterItsEnd) {
  alignas(8) std::byte memory[64];
  {
    Bump bump(Buffer::borrowed(memory));
    (void)bump.allocate(8);
    EXPECT_TRUE(test::all_hidden(memory + 8, 56));
  }
  EXPECT_EQ(test::visible(memory, 64), 64u);
}

#if defined(ALLOT_ASAN)
TEST(BumpDeathTest, AddressSanitizerCatchesOverflowAndUseAfterResetAndRelease) {
  Bump bump(64);
  auto* const p = static_cast<std::byte*>(bump.allocate(13));
  test::touch(p + 12);
  EXPECT_DEATH(test::touch(p + 13), "use-after-poison");
  bump.reset();
  EXPECT_DEATH(test::touch(p), "use-after-poison");
  bump.release();
  EXPECT_DEATH(test::touch(p), "heap-use-after-free");
}
#endif

TEST(Bump, CopiesAnyContiguousRange) {
  Bump bump(1024);
  const std::vector<int> numbers{1, 2, 3};
  const std::span<int> copied = bump.copy(numbers);
  EXPECT_TRUE(std::equal(copied.begin(), copied.end(), numbers.begin(), numbers.end()));
  const char* const text = "text";
  static_assert(std::is_same_v<decltype(bump.copy("text")), std::string_view>);
  EXPECT_EQ(bump.copy(text), "text");
  EXPECT_EQ(bump.copy(std::string(text)), "text");
}

TEST(Bump, OneByteIsKeptWhenItMoves) {
  Bump bump(100);
  void* const p = bump.allocate(1);
  test::fill(p, 1);
  (void)bump.allocate(8);
  void* const moved = bump.reallocate(p, 1, 20);
  EXPECT_NE(moved, p);
  EXPECT_TRUE(test::holds(moved, 1, 0xA5));
}

} // namespace
