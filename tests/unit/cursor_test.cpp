#include <allot/detail/cursor.hpp>

#include "support.hpp"

#include <cstring>
#include <random>
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
  c.reset(true);
  EXPECT_EQ(c.used(), 0u);
  EXPECT_TRUE(test::holds(c.take(128), 128, 0));
}

TEST_P(CursorTest, ResetZeroesWhatWasTakenBackByShrinking) {
  Cursor c = cursor(128);
  std::byte* const p = c.take(96);
  test::fill(p, 96);
  EXPECT_TRUE(c.try_resize(p, 96, 8));
  c.reset(true);
  EXPECT_TRUE(test::holds(c.take(128), 128, 0));
}

TEST_P(CursorTest, ResetWithoutZeroingLeavesTheBytes) {
  Cursor c = cursor(64);
  test::fill(c.take(64), 64);
  c.reset(false);
  EXPECT_TRUE(test::holds(c.take(64), 64, 0xA5));
}

TEST_P(CursorTest, PeakIsTheMostThatWasEverUsed) {
  Cursor c = cursor(128, 40);
  EXPECT_EQ(c.peak(), 40u);
  c.rewind(at(8));
  EXPECT_EQ(c.peak(), 40u);
  EXPECT_EQ(c.high(), 40u);
  c.reset(true);
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
  c.reset_peak(true);
  EXPECT_EQ(c.peak(), 40u);
  EXPECT_EQ(c.high(), 40u); // what lay above is zero again
  c.rewind(at(8));
  (void)c.take(16);
  EXPECT_EQ(c.peak(), 40u);
  (void)c.take(24);
  EXPECT_EQ(c.peak(), 48u);
  EXPECT_TRUE(test::holds(c.take(48), 48, 0));
  Cursor moved = std::move(c);
  moved.reset(true);
  EXPECT_EQ(moved.peak(), 96u);
  EXPECT_EQ(moved.high(), 0u);
  moved.reset_peak(true);
  EXPECT_EQ(moved.peak(), 0u);
  EXPECT_TRUE(test::holds(moved.take(128), 128, 0));
}

TEST_P(CursorTest, APeakIsResetWithoutZeroingWhereNothingIsZeroed) {
  Cursor c = cursor(128);
  test::fill(c.take(96), 96);
  c.rewind(at(40));
  c.reset_peak(false);
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
  c.reset(true);
  EXPECT_TRUE(test::holds(c.take(32), 32, 0));
  EXPECT_EQ(c.peak(), 128u);
}

TEST_P(CursorTest, ResumesWhereAnotherStood) {
  Cursor before = cursor(128);
  test::fill(before.take(96), 96);
  before.rewind(at(40));
  Cursor c(memory, 128, gap());
  c.resume(before.used(), before.high());
  EXPECT_EQ(c.used(), 40u);
  EXPECT_EQ(c.available(), 88u);
  EXPECT_EQ(c.peak(), 96u);
  c.reset(true);
  EXPECT_TRUE(test::holds(c.take(128), 128, 0));
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
  from.reset(true);
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
    EXPECT_TRUE(test::holds(cursor.take(64), 64, zero ? 0 : 0xA5));
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

// Random calls, against a model that knows only a list of allocations and a set of written bytes.
TEST_P(CursorTest, AgreesWithANaiveModel) {
  struct Taken {
    std::size_t place, bytes;
    unsigned char mark;
  };
  std::mt19937 random(GetParam() ? 7 : 11); // the same each time
  const auto below = [&](std::size_t n) { return random() % n; };

  Cursor c = cursor(room);
  std::vector<Taken> model;
  std::vector<bool> written(sizeof memory);
  std::size_t peak = 0;
  unsigned char mark = 0;
  const auto end_of = [&] {
    return model.empty() ? 0 : model.back().place + round_up(model.back().bytes);
  };
  const auto write = [&](Taken& taken) {
    taken.mark = static_cast<unsigned char>(mark++ % 255 + 1);
    test::fill(at(taken.place), taken.bytes, taken.mark);
    std::fill_n(written.begin() + test::distance(memory, at(taken.place)), taken.bytes, true);
  };
  const auto expect_zero_where_not_written = [&](const Taken& taken) {
    for (std::size_t i = gap().stretch(taken.place); i != gap().stretch(taken.place) + taken.bytes;
         ++i)
      ASSERT_TRUE(written[i] || memory[i] == std::byte{0}) << "at " << i;
  };

  for (int step = 0; step != 20000; ++step) {
    const std::size_t bytes = below(40) == 0 ? test::unservable[below(4)] : below(100) + 1;
    switch (below(8)) {
    case 0:
    case 1: { // take
      const bool room_for_it = bytes <= room && end_of() + round_up(bytes) <= room;
      ASSERT_EQ(c.fits(bytes), room_for_it);
      if (room_for_it) {
        Taken taken{end_of(), bytes, 0};
        ASSERT_EQ(c.take(bytes), at(taken.place));
        expect_zero_where_not_written(taken);
        write(taken);
        model.push_back(taken);
      }
      break;
    }
    case 2:
    case 3: { // take_aligned
      const std::size_t alignment = std::size_t{1} << below(8);
      const std::size_t place = (end_of() + alignment - 1) / alignment * alignment;
      const bool room_for_it = bytes <= room && place + round_up(bytes) <= room;
      std::byte* const p = c.take_aligned(bytes, alignment);
      ASSERT_EQ(p, room_for_it ? at(place) : nullptr);
      if (room_for_it) {
        Taken taken{place, bytes, 0};
        expect_zero_where_not_written(taken);
        write(taken);
        model.push_back(taken);
      }
      break;
    }
    case 4: { // resize the newest
      if (model.empty())
        break;
      Taken& newest = model.back();
      const bool room_for_it = bytes <= room && newest.place + round_up(bytes) <= room;
      ASSERT_EQ(c.try_resize(at(newest.place), newest.bytes, bytes), room_for_it);
      if (room_for_it) {
        ASSERT_TRUE(test::holds(at(newest.place), std::min(newest.bytes, bytes), newest.mark));
        newest.bytes = bytes;
        write(newest);
      }
      break;
    }
    case 5: { // resize an older one
      if (model.size() < 2)
        break;
      Taken& older = model[below(model.size() - 1)];
      const bool shorter = bytes <= older.bytes;
      ASSERT_EQ(c.try_resize(at(older.place), older.bytes, bytes), shorter);
      if (shorter)
        older.bytes = bytes;
      break;
    }
    case 6: { // rewind
      if (model.empty())
        break;
      model.resize(below(model.size()));
      c.rewind(at(end_of()));
      break;
    }
    default: // reset, now and then
      if (below(10) == 0) {
        c.reset(true);
        model.clear();
        written.assign(sizeof memory, false);
      }
    }
    peak = std::max(peak, end_of());
    ASSERT_EQ(c.used(), end_of()) << "at step " << step;
    ASSERT_EQ(c.available(), room - end_of());
    ASSERT_EQ(c.peak(), peak);
    for (const Taken& taken : model)
      ASSERT_TRUE(test::holds(at(taken.place), taken.bytes, taken.mark)) << "at step " << step;
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
  c.reset(true);
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
