#include <allot/detail/cursor.hpp>

#include "support.hpp"

#include <algorithm>
#include <cstring>
#include <random>
#include <span>
#include <utility>
#include <vector>

using namespace allot;

namespace {

// Memory for a cursor with or without red zones, at an address that every alignment tried meets.
class CursorTest : public testing::TestWithParam<bool> {
protected:
  static constexpr std::size_t room = 1024;
  void SetUp() override { annotate::open(memory, sizeof memory); }
  void TearDown() override { annotate::close(memory, sizeof memory); }

  [[nodiscard]] Gap gap() const { return Gap(GetParam()); }
  [[nodiscard]] Cursor cursor(std::size_t bytes) {
    annotate::truncated(memory, memory, sizeof memory); // what an earlier cursor handed out
    return {memory, bytes, gap()};
  }
  [[nodiscard]] Cursor cursor_that_zeroes_nothing(std::size_t bytes) {
    return {memory, bytes, gap(), false};
  }
  // A cursor of which `used` bytes are handed out.
  [[nodiscard]] Cursor cursor(std::size_t bytes, std::size_t used) {
    Cursor made = cursor(bytes);
    if (used != 0)
      (void)made.take(used);
    return made;
  }
  [[nodiscard]] std::byte* at(std::size_t offset) { return memory + gap().stretch(offset); }

  alignas(2 * room) std::byte memory[2 * room]{};
};

INSTANTIATE_TEST_SUITE_P(Gaps, CursorTest, testing::Bool(), [](const auto& red_zones) {
  return red_zones.param ? "RedZones" : "Plain";
});

TEST(Cursor, OfNothingIsReleasedAndFitsNothing) {
  Cursor cursor;
  EXPECT_TRUE(cursor.released());
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{8}, SIZE_MAX}) {
    EXPECT_FALSE(cursor.fits(bytes));
    for (const std::size_t alignment : test::Sizes{1, 8, 64, 4096})
      EXPECT_EQ(cursor.take_aligned(bytes, alignment), nullptr);
    EXPECT_FALSE(cursor.try_resize(nullptr, bytes, bytes));
    EXPECT_FALSE(cursor.try_resize(&cursor, bytes, bytes));
  }
  EXPECT_EQ(cursor.capacity() + cursor.used() + cursor.available() + cursor.peak(), 0u);
  EXPECT_FALSE(cursor.owns(nullptr));
  EXPECT_FALSE(cursor.owns(&cursor));
}

TEST_P(CursorTest, NothingIsAlignedAndInNobodysMemory) {
  const Cursor all = cursor(room / 2, room / 2);
  for (const std::size_t used : test::Sizes{0, 8, 56, 64}) {
    Cursor c(memory, 64, gap()); // its neighbour owns what follows
    if (used != 0)
      (void)c.take(used);
    for (std::size_t alignment = 1; alignment != 0; alignment *= 2) {
      const void* const p = c.nothing(alignment);
      EXPECT_NE(p, nullptr);
      EXPECT_TRUE(test::is_aligned(p, alignment)) << alignment;
      EXPECT_FALSE(c.owns(p)) << alignment;
      EXPECT_TRUE(!all.owns(p) || p < at(64)) << used << " used, " << alignment;
    }
  }
}

TEST_P(CursorTest, FitsWhatIsNotMoreThanIsLeft) {
  for (std::size_t bytes = 0; bytes <= 64; bytes += granule)
    for (std::size_t used = 0; used <= bytes; used += granule) {
      const Cursor c = cursor(bytes, used);
      for (std::size_t asked = 0; asked != 80; ++asked)
        EXPECT_EQ(c.fits(asked), asked + used <= bytes);
      for (const std::size_t asked : test::unservable)
        EXPECT_FALSE(c.fits(asked));
    }
}

TEST_P(CursorTest, TakesWholeGranulesOneAfterTheOther) {
  for (std::size_t first = 0; first != 40; ++first) {
    Cursor c = cursor(64);
    EXPECT_EQ(c.take(first), at(0));
    EXPECT_EQ(c.used(), round_up(first));
    EXPECT_EQ(c.available(), 64 - round_up(first));
    EXPECT_EQ(c.head(), at(round_up(first)));
    EXPECT_EQ(c.take(1), at(round_up(first)));
  }
}

TEST_P(CursorTest, TakesAlignedAsANaiveSearchDoes) {
  constexpr std::size_t capacity = 200; // so that the next multiple may lie past the end
  for (std::size_t used = 0; used <= capacity; used += granule)
    for (std::size_t alignment = 1; alignment <= 256; alignment *= 2)
      for (const std::size_t bytes :
           test::Sizes{0, 1, 7, 8, 9, 24, 63, 64, 65, 128, 129, 200, 201}) {
        Cursor c = cursor(capacity, used);
        std::size_t place = used;
        while (place % alignment != 0)
          place += granule;
        std::byte* const p = c.take_aligned(bytes, alignment);
        if (bytes == 0 || place + bytes > capacity) {
          EXPECT_EQ(p, nullptr);
          EXPECT_EQ(c.used(), used);
        } else {
          EXPECT_EQ(p, at(place));
          EXPECT_TRUE(test::is_aligned(p, alignment));
          EXPECT_EQ(c.used(), place + round_up(bytes));
        }
      }
}

TEST_P(CursorTest, TakesNothingAtAlignmentsThatAreNone) {
  for (std::size_t used = 0; used <= 64; used += granule) {
    Cursor c = cursor(64, used);
    for (const std::size_t alignment : test::bad_alignments)
      EXPECT_EQ(c.take_aligned(8, alignment), nullptr) << alignment;
    for (const std::size_t bytes : test::unservable)
      for (std::size_t alignment = 1; alignment != 0; alignment *= 2)
        EXPECT_EQ(c.take_aligned(bytes, alignment), nullptr) << alignment;
    EXPECT_EQ(c.used(), used);
  }
}

TEST_P(CursorTest, GivesForZeroBytesAnAlignedPlaceAndTakesNothing) {
  for (std::size_t used = 0; used <= 64; used += granule) {
    const Cursor c = cursor(64, used);
    for (std::size_t alignment = 1; alignment <= 4096; alignment *= 2) {
      EXPECT_NE(c.nothing(alignment), nullptr);
      EXPECT_TRUE(test::is_aligned(c.nothing(alignment), alignment));
    }
    EXPECT_EQ(c.used(), used);
  }
}

TEST_P(CursorTest, ResizesTheNewestInPlaceWhereverThereIsRoom) {
  for (std::size_t before = 0; before <= 16; before += granule)
    for (std::size_t old_bytes = 1; old_bytes != 34; ++old_bytes)
      for (std::size_t new_bytes = 0; new_bytes != 80; ++new_bytes) {
        Cursor c = cursor(64, before);
        std::byte* const p = c.take(old_bytes);
        const bool room_for_it = before + new_bytes <= 64;
        EXPECT_EQ(c.try_resize(p, old_bytes, new_bytes), room_for_it);
        EXPECT_EQ(c.used(), before + round_up(room_for_it ? new_bytes : old_bytes));
        EXPECT_EQ(c.peak(), std::max(before + round_up(old_bytes), c.used()));
      }
}

TEST_P(CursorTest, ResizesAnOlderOneOnlyDownAndTakesNothingBack) {
  for (std::size_t old_bytes = 1; old_bytes != 34; ++old_bytes)
    for (std::size_t new_bytes = 0; new_bytes != 40; ++new_bytes) {
      Cursor c = cursor(64);
      std::byte* const p = c.take(old_bytes);
      (void)c.take(8);
      EXPECT_EQ(c.try_resize(p, old_bytes, new_bytes), new_bytes != 0 && new_bytes <= old_bytes);
      EXPECT_EQ(c.used(), round_up(old_bytes) + 8);
    }
}

TEST_P(CursorTest, ResizesNothingThatItDidNotHandOut) {
  Cursor c = cursor(64);
  std::byte* const p = c.take(24);
  std::byte elsewhere[8];
  EXPECT_FALSE(c.try_resize(nullptr, 24, 8));
  EXPECT_FALSE(c.try_resize(nullptr, 0, 8));
  EXPECT_FALSE(c.try_resize(elsewhere, 8, 8));
  EXPECT_FALSE(c.try_resize(at(24) + 8, 8, 8)); // above the head
  EXPECT_FALSE(c.try_resize(p, 32, 8));         // longer than there is
  EXPECT_FALSE(c.try_resize(p, 0, 8));          // a zero-byte one that is not the newest
  EXPECT_FALSE(c.try_resize(p + 1, 24, 8));     // reaches past the head
  for (const std::size_t bytes : test::unservable) {
    EXPECT_FALSE(c.try_resize(p, bytes, 8));
    EXPECT_FALSE(c.try_resize(p, 24, bytes));
  }
  EXPECT_EQ(c.used(), 24u);
}

TEST_P(CursorTest, GrowsFromNothingAtTheHead) {
  Cursor c = cursor(64, 16);
  void* const p = c.nothing(8);
  EXPECT_TRUE(c.try_resize(p, 0, 48));
  EXPECT_EQ(c.used(), 64u);
  EXPECT_FALSE(c.try_resize(p, 48, 49));
}

TEST_P(CursorTest, OwnsWhatIsHandedOut) {
  Cursor c = cursor(64, 24);
  EXPECT_TRUE(c.owns(at(0)));
  EXPECT_TRUE(c.owns(at(16) + 7));
  EXPECT_FALSE(c.owns(at(24)));
  EXPECT_FALSE(c.owns(&c));
  EXPECT_FALSE(c.owns(nullptr));
  c.rewind(at(8));
  EXPECT_FALSE(c.owns(at(16)));
}

TEST_P(CursorTest, ResetZeroesAllThatMayHaveBeenWritten) {
  Cursor c = cursor(128);
  test::fill(c.take(96), 96);
  c.rewind(at(8));
  c.rewind(at(0));
  (void)c.take(8);
  c.reset();
  EXPECT_EQ(c.used(), 0u);
  EXPECT_TRUE(test::holds(c.take(128), 128, 0));
}

TEST_P(CursorTest, ResetZeroesWhatWasTakenBackByShrinking) {
  Cursor c = cursor(128);
  std::byte* const p = c.take(96);
  test::fill(p, 96);
  EXPECT_TRUE(c.try_resize(p, 96, 8));
  c.reset();
  EXPECT_TRUE(test::holds(c.take(128), 128, 0));
}

TEST_P(CursorTest, ResetWithoutZeroingLeavesTheBytes) {
  Cursor c = cursor_that_zeroes_nothing(64);
  test::fill(c.take(64), 64);
  c.reset();
  EXPECT_TRUE(test::holds(c.take(64), 64, 0xA5));
}

TEST_P(CursorTest, PeakIsTheMostThatWasEverUsed) {
  Cursor c = cursor(128, 40);
  EXPECT_EQ(c.peak(), 40u);
  c.rewind(at(8));
  EXPECT_EQ(c.peak(), 40u);
  EXPECT_EQ(c.high(), 40u);
  c.reset();
  EXPECT_EQ(c.peak(), 40u);
  EXPECT_EQ(c.high(), 0u);
  (void)c.take(16);
  EXPECT_EQ(c.peak(), 40u);
  (void)c.take(64);
  EXPECT_EQ(c.peak(), 80u);
}

TEST_P(CursorTest, APeakThatWasResetIsTheMostUsedFromThenOn) {
  Cursor c = cursor(128);
  test::fill(c.take(96), 96);
  c.rewind(at(40));
  c.reset_peak();
  EXPECT_EQ(c.peak(), 40u);
  EXPECT_EQ(c.high(), 40u); // what lay above is zero again
  c.rewind(at(8));
  (void)c.take(16);
  EXPECT_EQ(c.peak(), 40u);
  (void)c.take(24);
  EXPECT_EQ(c.peak(), 48u);
  EXPECT_TRUE(test::holds(c.take(48), 48, 0));
  Cursor moved = std::move(c);
  moved.reset();
  EXPECT_EQ(moved.peak(), 96u);
  EXPECT_EQ(moved.high(), 0u);
  moved.reset_peak();
  EXPECT_EQ(moved.peak(), 0u);
  EXPECT_TRUE(test::holds(moved.take(128), 128, 0));
}

TEST_P(CursorTest, APeakIsResetWithoutZeroingWhereNothingIsZeroed) {
  Cursor c = cursor_that_zeroes_nothing(128);
  test::fill(c.take(96), 96);
  c.rewind(at(40));
  c.reset_peak();
  EXPECT_EQ(c.peak(), 40u);
  std::byte* const p = c.take(16);
  if (!test::watched()) {
    EXPECT_TRUE(test::holds(p, 16, 0xA5));
  }
}

TEST_P(CursorTest, MovingTheEndKeepsThePeakAndForgetsWhatIsCutOff) {
  Cursor c = cursor(64);
  c.set_end(at(128));
  EXPECT_EQ(c.available(), 128u);
  test::fill(c.take(128), 128);
  c.rewind(at(8));
  c.set_end(at(32)); // above, everything reads as zero from now on
  EXPECT_EQ(c.capacity(), 32u);
  EXPECT_EQ(c.available(), 24u);
  EXPECT_EQ(c.peak(), 128u);
  EXPECT_EQ(c.high(), 32u);
  c.reset();
  EXPECT_TRUE(test::holds(c.take(32), 32, 0));
  EXPECT_EQ(c.peak(), 128u);
}

TEST_P(CursorTest, TheEndIsLoweredWhereThatIsFreeAndRaisedAgain) {
  Cursor c = cursor(128, 40);
  EXPECT_TRUE(c.lower_end(24));
  EXPECT_EQ(c.capacity(), 104u);
  EXPECT_EQ(c.available(), 64u);
  EXPECT_EQ(c.end(), at(104));
  EXPECT_FALSE(c.fits(65));
  EXPECT_EQ(c.take_slow(65, 8), nullptr);
  EXPECT_FALSE(c.lower_end(72));
  EXPECT_EQ(c.available(), 64u); // nothing was done
  EXPECT_TRUE(c.lower_end(64));
  EXPECT_EQ(c.available(), 0u);
  EXPECT_FALSE(c.lower_end(8));
  EXPECT_TRUE(c.lower_end(0));
  c.raise_end(64 + 24);
  EXPECT_EQ(c.capacity(), 128u);
  EXPECT_EQ(c.available(), 88u);
  EXPECT_EQ(c.used(), 40u);
}

TEST_P(CursorTest, WhereTheEndWasLoweredAllIsZeroAfterwards) {
  Cursor c = cursor(256);
  (void)c.take(8);
  ASSERT_TRUE(c.lower_end(64));
  annotate::show(at(192), gap().stretch(64)); // as its borrower does
  test::fill(at(192), gap().stretch(64));
  annotate::hide(at(192), gap().stretch(64));
  c.raise_end(64);
  EXPECT_TRUE(test::holds(c.take_slow(248, 8), 248, 0));
}

TEST_P(CursorTest, ThePeakSurvivesALoweredEnd) {
  Cursor c = cursor(256);
  test::fill(c.take(200), 200);
  c.rewind(at(8));
  ASSERT_TRUE(c.lower_end(128));
  EXPECT_EQ(c.peak(), 200u);
  EXPECT_EQ(c.high(), 128u);
  c.raise_end(128);
  EXPECT_EQ(c.peak(), 200u);
  c.reset();
  EXPECT_TRUE(test::holds(c.take_slow(256, 8), 256, 0));
}

TEST_P(CursorTest, ALowerPositionIsTheOneWhoseHeadIs) {
  Cursor c = cursor(256, 8);
  const Cursor::Position low = c.position();
  (void)c.take_aligned(8, 64);
  const Cursor::Position high = c.position();
  Cursor::Position p = high;
  p.lower(high);
  EXPECT_EQ(p, high);
  p.lower(low);
  EXPECT_EQ(p, low);
  p.lower(high);
  EXPECT_EQ(p, low);
}

TEST_P(CursorTest, RefusesEverythingWhileClosed) {
  Cursor c = cursor(64, 8);
  const std::uintptr_t limit = c.close();
  for (const std::size_t bytes : test::Sizes{0, 1, 8, 56}) {
    EXPECT_FALSE(c.fits(bytes));
    EXPECT_EQ(c.take_aligned(bytes, 8), nullptr);
  }
  EXPECT_EQ(c.used(), 8u);
  c.reopen(limit);
  EXPECT_EQ(c.available(), 56u);
}

TEST_P(CursorTest, AMoveTakesEverythingAndLeavesItReleased) {
  Cursor from = cursor(128, 64);
  from.reset();
  (void)from.take(8);
  const Cursor to = std::move(from);
  EXPECT_TRUE(from.released());
  EXPECT_FALSE(from.fits(1));
  EXPECT_EQ(from.peak(), 0u);
  EXPECT_EQ(to.used(), 8u);
  EXPECT_EQ(to.peak(), 64u);
  EXPECT_EQ(to.capacity(), 128u);
}

TEST_P(CursorTest, ChecksARequestForMisuseOnly) {
  const Cursor c = cursor(64, 64);
  EXPECT_EQ(test::kind([&] { c.check_request("arena", false, 8); }), "none");
  EXPECT_EQ(test::kind([&] { c.check_request("arena", false, 3); }), "Misuse(bad_alignment)");
  EXPECT_EQ(test::kind([&] { c.check_request("arena", true, 8); }), "Misuse(busy)");
  EXPECT_EQ(test::kind([&] { Cursor().check_request("arena", false, 8); }), "Misuse(released)");
}

TEST_P(CursorTest, RefusalsSayWhyInOrderOfBlame) {
  const Cursor c = cursor(64, 48);
  EXPECT_EQ(test::error([&] { c.refuse("arena", false, 32, 8); }),
            "Exhausted(no_room) arena: 32 bytes asked, 16 of 64 left");
  EXPECT_EQ(test::error([&] { c.refuse("arena", false, 32, 3); }),
            "Misuse(bad_alignment) arena: alignment 3 is not a power of two");
  EXPECT_EQ(test::error([&] { c.refuse("arena", true, 32, 3); }),
            "Misuse(busy) arena: used while its own destructors run");
  EXPECT_EQ(test::error([&] { Cursor().refuse("arena", true, 32, 3); }),
            "Misuse(released) arena: used after release");
}

TEST(Cursor, OverABufferIsZeroAsFarAsZeroingIsOn) {
  for (const bool zero : {true, false}) {
    alignas(8) std::byte memory[64];
    test::fill(memory, sizeof memory);
    const Buffer buffer = Buffer::borrowed(memory);
    Cursor cursor("test", buffer, zero);
    EXPECT_EQ(cursor.capacity(), 64u);
    EXPECT_TRUE(test::holds(cursor.take_slow(64, 8), 64, zero ? 0 : 0xA5));
    annotate::close(buffer.data(), buffer.extent());
  }
}

TEST(Cursor, OverABufferWithoutRoomIsRefused) {
  EXPECT_EQ(test::error([] { return Cursor("arena", Buffer(), true); }),
            "Misuse(bad_size) arena: the buffer has no room for 8 aligned bytes");
}

TEST(Cursor, WithoutGapAllocationsLieSideBySide) {
  const Buffer buffer = Buffer::heap(64);
  Cursor cursor = Cursor("test", buffer, true).without_gap();
  EXPECT_EQ(cursor.capacity(), 64u);
  std::byte* const first = cursor.take(8);
  EXPECT_EQ(cursor.take(8), first + 8);
  annotate::close(buffer.data(), buffer.extent());
}

// ---------------------------------------------------------- bytes skipped for alignment come back

TEST_P(CursorTest, BlocksGivenBackNewestFirstLeaveNothingUsed) {
  for (std::size_t alignment = 16; alignment <= 512; alignment *= 2)
    for (std::size_t before = 0; before <= 64; before += granule) {
      Cursor c = cursor(room);
      std::vector<std::pair<std::byte*, std::size_t>> blocks;
      std::vector<std::size_t> used{0};
      const auto note = [&](std::byte* p, std::size_t bytes) {
        ASSERT_NE(p, nullptr);
        blocks.emplace_back(p, bytes);
        used.push_back(c.used());
      };
      if (before != 0)
        note(c.take(before), before);
      for (std::size_t bytes = 8; c.available() >= alignment + 2 * bytes; bytes += 16) {
        note(c.take_aligned(bytes, alignment), bytes);
        if (bytes % 48 == 8)
          note(c.take(bytes), bytes);
      }
      for (; !blocks.empty(); blocks.pop_back()) {
        ASSERT_EQ(c.used(), used.back());
        used.pop_back();
        ASSERT_TRUE(c.try_resize(blocks.back().first, blocks.back().second, 0));
      }
      ASSERT_EQ(c.used(), 0u) << "alignment " << alignment << ", " << before << " before";
      ASSERT_EQ(c.position(), c.start());
    }
}

TEST_P(CursorTest, ASkipOfAnyLengthComesBack) {
  for (std::size_t skip = 8; skip != 256; skip += granule) {
    Cursor c = cursor(room);
    (void)c.take(256 - skip);
    std::byte* const p = c.take_aligned(24, 256);
    ASSERT_EQ(p, at(256));
    (void)c.try_resize(p, 24, 100); // it grows and shrinks meanwhile
    ASSERT_TRUE(c.try_resize(p, 100, 1));
    ASSERT_EQ(c.used(), 256u + 8);
    ASSERT_TRUE(c.try_resize(p, 1, 0));
    ASSERT_EQ(c.used(), 256 - skip);
  }
}

TEST_P(CursorTest, GoingBackToAPositionKnowsThePaddingThatWasBefore) {
  Cursor c = cursor(room, 8);
  std::byte* const low = c.take_aligned(8, 64);
  const Cursor::Position between = c.position();
  std::byte* const high = c.take_aligned(8, 128);
  EXPECT_NE(c.position(), between);
  c.rewind(between);
  EXPECT_EQ(c.position(), between);
  std::byte* const again = c.take_aligned(8, 128);
  EXPECT_EQ(again, high);
  ASSERT_TRUE(c.try_resize(again, 8, 0));
  EXPECT_EQ(c.position(), between);
  ASSERT_TRUE(c.try_resize(low, 8, 0));
  EXPECT_EQ(c.used(), 8u);
  EXPECT_EQ(c.position().padded, c.start().padded);
}

TEST_P(CursorTest, AResetForgetsPadding) {
  Cursor c = cursor(room, 8);
  (void)c.take_aligned(8, 64);
  c.reset();
  std::byte* const p = c.take_aligned(64, 64); // which nothing was skipped for
  std::byte* const q = c.take_aligned(8, 64);
  ASSERT_TRUE(c.try_resize(q, 8, 0));
  EXPECT_EQ(c.used(), 64u);
  ASSERT_TRUE(c.try_resize(p, 64, 0));
  EXPECT_EQ(c.used(), 0u);
}

// -------------------------------------------------------------- zeroing shortly before it is
// needed

// Memory full of rubbish, and how far something else was written to it.
class Rubbish {
public:
  explicit Rubbish(std::size_t bytes) : memory_(bytes) {
    test::fill(memory_.data(), memory_.size());
  }
  [[nodiscard]] Buffer buffer() { return Buffer::borrowed(memory_); }
  [[nodiscard]] std::size_t written() const { // when no cursor needs what is hidden any more
    annotate::close(memory_.data(), memory_.size());
    std::size_t end = memory_.size();
    while (end != 0 && memory_[end - 1] == std::byte{0xA5})
      --end;
    return end;
  }

private:
  std::vector<std::byte> memory_;
};
constexpr std::size_t largest_step = 16_KiB;

TEST(CursorAhead, BuildingOneWritesNothing) {
  for (const bool zero : {true, false}) {
    Rubbish rubbish(100'000);
    const Cursor cursor("test", rubbish.buffer(), zero);
    EXPECT_EQ(cursor.available(), 100'000u);
    EXPECT_EQ(rubbish.written(), 0u);
  }
}

TEST(CursorAhead, OnlyAStepBeyondWhatIsHandedOutIsWritten) {
  for (const std::size_t bytes : test::Sizes{1, 8, 100, 512, 5000, 100'000})
    for (const std::size_t blocks : test::Sizes{1, 2, 7, 30}) {
      Rubbish rubbish(4_MiB);
      Cursor cursor("test", rubbish.buffer(), true);
      for (std::size_t i = 0; i != blocks; ++i) {
        void* const p = cursor.fits(bytes) ? cursor.take(bytes) : cursor.take_slow(bytes, 8);
        ASSERT_TRUE(test::holds(p, bytes, 0));
      }
      const std::size_t used = cursor.used();
      EXPECT_EQ(used, blocks * round_up(bytes));
      EXPECT_LE(rubbish.written(), used + std::clamp<std::size_t>(used, 512, largest_step));
    }
}

TEST(CursorAhead, FewTakesAreSlow) {
  Rubbish rubbish(4_MiB);
  Cursor cursor("test", rubbish.buffer(), true);
  int slow = 0;
  while (cursor.available() != 0) {
    if (!cursor.fits(16)) {
      ++slow;
      ASSERT_TRUE(cursor.make_ready(16));
    }
    (void)cursor.take(16);
  }
  EXPECT_LE(slow, int{4_MiB / largest_step} + 6);
  EXPECT_FALSE(cursor.make_ready(1));
  annotate::close(rubbish.buffer().data(), 4_MiB);
}

TEST(CursorAhead, AlignedOnesAreZeroToo) {
  Rubbish rubbish(100'000);
  Cursor cursor("test", rubbish.buffer(), true);
  for (std::size_t alignment = 16; alignment <= 16384; alignment *= 2) {
    const auto* const p = static_cast<std::byte*>(cursor.take_slow(40, alignment));
    ASSERT_TRUE(test::is_aligned(p, alignment));
    EXPECT_TRUE(test::holds(p, 40, 0)) << alignment;
  }
  const std::size_t used = cursor.used();
  EXPECT_LE(rubbish.written(), used + largest_step);
}

TEST(CursorAhead, WhatDoesNotFitWritesNothing) {
  Rubbish rubbish(1024);
  Cursor cursor("test", rubbish.buffer(), true);
  EXPECT_EQ(cursor.take_slow(1025, 8), nullptr);
  EXPECT_EQ(cursor.take_slow(8, 1_MiB), nullptr);
  EXPECT_FALSE(cursor.make_ready(1025));
  for (const std::size_t bytes : test::unservable) {
    EXPECT_EQ(cursor.take_slow(bytes, 8), nullptr);
    EXPECT_FALSE(cursor.make_ready(bytes));
  }
  EXPECT_NE(cursor.take_slow(0, 64), nullptr);
  EXPECT_EQ(cursor.used(), 0u);
  EXPECT_EQ(rubbish.written(), 0u);
}

TEST(CursorAhead, WhatGrowsIsZeroAsFarAsItGrows) {
  Rubbish rubbish(200'000);
  Cursor cursor("test", rubbish.buffer(), true);
  auto* const p = static_cast<std::byte*>(cursor.take_slow(8, 8));
  std::size_t bytes = 8;
  for (const std::size_t more : test::Sizes{9, 500, 520, 20'000, 36'000, 36'384, 100'000}) {
    test::fill(p, bytes, 1);
    ASSERT_TRUE(cursor.try_resize(p, bytes, more));
    EXPECT_TRUE(test::holds(p, bytes, 1));
    EXPECT_TRUE(test::holds(p + round_up(bytes), more - std::min(more, round_up(bytes)), 0));
    bytes = more;
  }
  EXPECT_FALSE(cursor.try_resize(p, bytes, 200'001));
  EXPECT_EQ(cursor.used(), 100'000u);
  EXPECT_LE(rubbish.written(), 100'000 + largest_step);
}

TEST(CursorAhead, AResetZeroesWhatWasUsedAndGoesNoFurther) {
  Rubbish rubbish(1_MiB);
  Cursor cursor("test", rubbish.buffer(), true);
  for (int round = 0; round != 3; ++round) {
    void* const p = cursor.fits(50'000) ? cursor.take(50'000) : cursor.take_slow(50'000, 8);
    EXPECT_TRUE(test::holds(p, 50'000, 0)) << round;
    test::fill(p, 50'000, 1);
    cursor.reset();
  }
  EXPECT_LE(rubbish.written(), 50'000 + largest_step);
}

TEST(CursorAhead, WhereNothingIsZeroedNothingIsWritten) {
  Rubbish rubbish(100'000);
  Cursor cursor("test", rubbish.buffer(), false);
  EXPECT_TRUE(cursor.fits(100'000)); // there is no step
  std::byte* const p = cursor.take(1000);
  ASSERT_TRUE(cursor.try_resize(p, 1000, 60'000));
  EXPECT_NE(cursor.take_slow(30'000, 8), nullptr);
  cursor.zero_rest();
  cursor.reset();
  cursor.reset_peak();
  EXPECT_EQ(rubbish.written(), 0u);
}

TEST(CursorAhead, WhatIsKnownToBeZeroIsNotWrittenTo) {
  const Buffer buffer = Buffer::mapped(100'000);
  ASSERT_TRUE(buffer.is_zero());
  Cursor mapped("test", buffer, true);
  EXPECT_TRUE(mapped.fits(100'000)); // there is no step
  EXPECT_TRUE(test::holds(mapped.take(100'000), 100'000, 0));
  annotate::close(buffer.data(), buffer.extent());
  Rubbish rubbish(100'000); // which is said to be zero
  annotate::open(rubbish.buffer().data(), 100'000);
  Cursor cursor(rubbish.buffer().data(), 100'000, Gap());
  std::byte* const p = cursor.take(1000);
  ASSERT_TRUE(cursor.try_resize(p, 1000, 60'000));
  EXPECT_NE(cursor.take_slow(30'000, 8), nullptr);
  cursor.zero_rest();
  EXPECT_EQ(rubbish.written(), 0u);
}

TEST(CursorAhead, TheRestIsZeroedForWhoReadsItAll) {
  for (const bool constant : {false, true}) {
    Rubbish rubbish(100'000);
    Cursor cursor("test", rubbish.buffer(), true);
    test::fill(cursor.take_slow(1000, 8), 1000, 1);
    const std::byte* const memory = cursor.begin();
    if (constant)
      std::as_const(cursor).zero_rest();
    else
      cursor.zero_rest();
    EXPECT_EQ(cursor.fits(99'000), !constant); // which leaves the frontier where it is
    EXPECT_EQ(cursor.used(), 1000u);
    annotate::close(memory, 100'000);
    EXPECT_TRUE(test::holds(memory, 1000, 1));
    EXPECT_TRUE(test::holds(memory + 1000, 99'000, 0));
  }
}

TEST(CursorAhead, TheEndMayBeLoweredBelowWhatIsZero) {
  Rubbish rubbish(2048);
  Cursor cursor("test", rubbish.buffer(), true);
  test::fill(cursor.take_slow(8, 8), 8);
  for (const std::size_t lowered : test::Sizes{1000, 1800, 2040}) {
    ASSERT_TRUE(cursor.lower_end(lowered));
    annotate::show(cursor.end(), lowered);
    test::fill(cursor.end(), lowered);
    annotate::hide(cursor.end(), lowered);
    EXPECT_EQ(cursor.take_slow(2040 - lowered + 1, 8), nullptr);
    cursor.raise_end(lowered);
    const Cursor::Position before = cursor.position();
    EXPECT_TRUE(test::holds(cursor.take_slow(2040, 8), 2040, 0)) << lowered;
    cursor.rewind(before);
  }
  (void)rubbish.written();
}

TEST_P(CursorTest, DirtyIsWhatWasHandedOutBeforeSinceAReset) {
  Cursor c = cursor(room);
  std::byte* p = c.take(100);
  EXPECT_EQ(c.dirty_bytes(p, 100), 0u);
  ASSERT_TRUE(c.try_resize(p, 100, 40));
  std::byte* const q = c.take(200);
  EXPECT_EQ(c.dirty_bytes(q, 200), gap().stretch(104 - 40)); // no fewer than may be
  EXPECT_EQ(c.dirty_bytes(q, 16), 16u);
  c.rewind(c.start());
  p = c.take(240);
  EXPECT_EQ(c.dirty_bytes(p, 240), 240u);
  EXPECT_EQ(c.dirty_bytes(c.nothing(8), 0), 0u);
  c.reset();
  p = c.take(240);
  EXPECT_EQ(c.dirty_bytes(p, 240), 0u);
  Cursor plain = cursor_that_zeroes_nothing(64);
  p = plain.take(24);
  EXPECT_EQ(plain.dirty_bytes(p, 24), 24u);
}

// Random calls, against a model that knows only a list of allocations and a set of bytes that may
// have been written to.
class Model {
public:
  Model(Cursor cursor, unsigned seed)
      : c_(std::move(cursor)), begin_(c_.begin()), gap_(c_.gap()), room_(c_.capacity()),
        written_(gap_.stretch(room_)), random_(seed) {}

  void run() {
    for (int step = 0; step != 20000 && !testing::Test::HasFatalFailure(); ++step) {
      SCOPED_TRACE(step);
      this->step();
      peak_ = std::max(peak_, end());
      ASSERT_EQ(c_.used(), end());
      ASSERT_EQ(c_.available(), room_ - borrowed_ - end());
      ASSERT_EQ(c_.peak(), peak_);
      for (const Taken& taken : model_)
        ASSERT_TRUE(test::holds(at(taken.place), taken.bytes, taken.mark));
    }
  }

private:
  struct Taken {
    std::size_t place, bytes;
    std::size_t room; // more than the bytes, once it shrank when it was not the newest
    Cursor::Position before;
    unsigned char mark = 0;
  };

  std::size_t below(std::size_t n) { return random_() % n; }
  [[nodiscard]] std::byte* at(std::size_t offset) const { return begin_ + gap_.stretch(offset); }
  [[nodiscard]] std::size_t end() const {
    return model_.empty() ? 0 : model_.back().place + model_.back().room;
  }
  [[nodiscard]] bool fits(std::size_t place, std::size_t bytes) const {
    return bytes <= room_ && place + round_up(bytes) <= room_ - borrowed_;
  }
  void mark_written(std::size_t from, std::size_t to) {
    std::fill(written_.begin() + test::distance(begin_, at(from)),
              written_.begin() + test::distance(begin_, at(to)), true);
  }
  void write(Taken& taken) {
    taken.mark = static_cast<unsigned char>(mark_++ % 255 + 1);
    test::fill(at(taken.place), taken.bytes, taken.mark);
    mark_written(taken.place, taken.place + round_up(taken.bytes));
  }
  void expect_zero_where_not_written(std::size_t place, std::size_t from, std::size_t to) const {
    for (std::size_t i = gap_.stretch(place) + from; i != gap_.stretch(place) + to; ++i)
      ASSERT_TRUE(written_[i] || begin_[i] == std::byte{0}) << "at " << i;
  }

  void step() {
    const std::size_t bytes = below(40) == 0 ? test::unservable[below(4)] : below(100) + 1;
    switch (below(10)) {
    case 0:
    case 1:
      return take(bytes, 8);
    case 2:
    case 3:
      return take(bytes, std::size_t{1} << below(8));
    case 4:
      return resize_newest(bytes);
    case 5:
      return resize_older(bytes);
    case 6:
      return give_back_newest();
    case 7:
      return rewind();
    case 8:
      return move_end();
    default:
      if (below(10) == 0)
        reset();
    }
  }
  void take(std::size_t bytes, std::size_t alignment) {
    const Cursor::Position before = c_.position();
    const std::size_t place = (end() + alignment - 1) / alignment * alignment;
    void* p = nullptr;
    if (c_.fits(bytes) && alignment == 8)
      p = c_.take(bytes);
    else if ((p = c_.take_aligned(bytes, alignment)) == nullptr)
      p = c_.take_slow(bytes, alignment);
    ASSERT_EQ(p, fits(place, bytes) ? at(place) : nullptr);
    if (p == nullptr)
      return;
    expect_zero_where_not_written(place, 0, bytes);
    mark_written(end(), place); // how many were skipped is written there
    model_.push_back({place, bytes, round_up(bytes), before});
    write(model_.back());
  }
  void resize_newest(std::size_t bytes) {
    if (model_.empty() || model_.back().room != round_up(model_.back().bytes))
      return;
    Taken& newest = model_.back();
    const bool room_for_it = fits(newest.place, bytes);
    ASSERT_EQ(c_.try_resize(at(newest.place), newest.bytes, bytes), room_for_it);
    if (!room_for_it)
      return;
    ASSERT_TRUE(test::holds(at(newest.place), std::min(newest.bytes, bytes), newest.mark));
    expect_zero_where_not_written(newest.place, std::min(newest.bytes, bytes), bytes);
    newest.bytes = bytes;
    newest.room = round_up(bytes);
    write(newest);
  }
  void resize_older(std::size_t bytes) {
    if (model_.size() < 2)
      return;
    Taken& older = model_[below(model_.size() - 1)];
    const bool shorter = bytes <= older.bytes;
    ASSERT_EQ(c_.try_resize(at(older.place), older.bytes, bytes), shorter);
    if (shorter)
      older.bytes = bytes;
  }
  void give_back_newest() {
    if (model_.empty())
      return;
    const Taken& newest = model_.back();
    const bool whole = newest.room == round_up(newest.bytes);
    ASSERT_EQ(c_.try_resize(at(newest.place), newest.bytes, 0), whole);
    if (!whole)
      return;
    ASSERT_EQ(c_.position(), newest.before);
    model_.pop_back();
  }
  void rewind() {
    if (model_.empty())
      return;
    const std::size_t left = below(model_.size());
    c_.rewind(model_[left].before);
    model_.resize(left);
  }
  void move_end() {
    if (borrowed_ != 0 && below(2) == 0) {
      c_.raise_end(std::exchange(borrowed_, 0));
      return;
    }
    const std::size_t bytes = round_up(below(100) + 1);
    const bool is_free = bytes <= room_ - borrowed_ - end();
    ASSERT_EQ(c_.lower_end(bytes), is_free);
    if (!is_free)
      return;
    borrowed_ += bytes;
    ASSERT_EQ(c_.end(), at(room_ - borrowed_));
    annotate::show(c_.end(), gap_.stretch(bytes));
    test::fill(c_.end(), gap_.stretch(bytes));
    annotate::hide(c_.end(), gap_.stretch(bytes));
    std::fill(written_.begin() + test::distance(begin_, c_.end()), written_.end(), false);
  }
  void reset() {
    c_.reset();
    model_.clear();
    written_.assign(written_.size(), false);
  }

  Cursor c_;
  std::byte* begin_;
  Gap gap_;
  std::size_t room_;
  std::size_t borrowed_ = 0; // at the end
  std::size_t peak_ = 0;
  std::vector<Taken> model_;
  std::vector<bool> written_;
  std::mt19937 random_;
  unsigned char mark_ = 0;
};

TEST_P(CursorTest, AgreesWithANaiveModel) {
  Model(cursor(room), GetParam() ? 7 : 11).run(); // the same each time
}

TEST(CursorAhead, AgreesWithANaiveModel) {
  for (const std::size_t bytes : test::Sizes{1000, 4000}) {
    alignas(4096) static std::byte memory[4000];
    test::fill(memory, sizeof memory);
    Model(Cursor("test", Buffer::borrowed(std::span(memory, bytes)), true), 13).run();
    annotate::close(memory, sizeof memory);
  }
}

class CursorHiding : public CursorTest {
protected:
  void SetUp() override {
    CursorTest::SetUp();
    if (!test::watched())
      GTEST_SKIP() << "no sanitizer watches";
  }
};
INSTANTIATE_TEST_SUITE_P(Gaps, CursorHiding, testing::Bool(), [](const auto& red_zones) {
  return red_zones.param ? "RedZones" : "Plain";
});

TEST_P(CursorHiding, ShowsEveryByteAskedForAndNoneMore) {
  for (std::size_t bytes = 0; bytes != 34; ++bytes) {
    Cursor c = cursor(room);
    EXPECT_EQ(test::visible(c.take(bytes), room), bytes);
    c.rewind(memory);
    EXPECT_EQ(test::visible(memory, room), 0u);
  }
}

TEST_P(CursorHiding, AResizeMovesTheBoundary) {
  Cursor c = cursor(room);
  std::byte* const p = c.take(20);
  std::size_t old_bytes = 20;
  for (const std::size_t bytes : test::Sizes{33, 5, 8, 64, 1}) {
    EXPECT_TRUE(c.try_resize(p, old_bytes, bytes));
    EXPECT_EQ(test::visible(p, room), bytes);
    old_bytes = bytes;
  }
}

TEST_P(CursorHiding, AResetHidesEverything) {
  Cursor c = cursor(room);
  (void)c.take(100);
  (void)c.take_aligned(100, 128);
  c.reset();
  EXPECT_TRUE(test::all_hidden(memory, sizeof memory));
}

TEST_P(CursorHiding, BytesSkippedToAlignStayHidden) {
  Cursor c = cursor(room);
  (void)c.take(8);
  std::byte* const p = c.take_aligned(8, 64);
  EXPECT_TRUE(test::all_hidden(at(8), static_cast<std::size_t>(p - at(8))));
}

TEST_P(CursorHiding, RedZonesAreAtLeastAGranule) {
  if (!GetParam())
    GTEST_SKIP() << "no red zones";
  Cursor c = cursor(room);
  std::byte* const p = c.take(8);
  (void)c.take(8);
  EXPECT_TRUE(test::all_hidden(p + 8, 8));
}

} // namespace
