#include <allot/slot_arena.hpp>

#include "support.hpp"

#include <algorithm>
#include <string>
#include <utility>

using namespace allot;
using test::TestResource;

namespace {

TEST(SlotArena, HoldsExactlyAsManySlotsAsAsked) {
  for (const std::size_t bytes : test::Sizes{1, 7, 8, 9, 24, 64, 100, 4096}) {
    for (const std::size_t count : test::Sizes{1, 2, 3, 100}) {
      SlotArena slots(bytes, count);
      EXPECT_EQ(slots.slot_size(), round_up(bytes));
      EXPECT_EQ(test::state(slots), (test::State{count, 0, count, 0}));
      for (std::size_t i = 0; i != count; ++i) {
        const Slot slot = i % 2 == 0 ? slots.allocate() : slots.try_allocate();
        ASSERT_NE(slot.ptr, nullptr);
        EXPECT_EQ(slot.index, i);
        test::fill(slot.ptr, bytes);
      }
      EXPECT_EQ(test::state(slots), (test::State{count, count, 0, count}));
      EXPECT_EQ(test::kind([&] { return slots.allocate(); }), "Exhausted(no_room)");
      EXPECT_EQ(slots.try_allocate().ptr, nullptr);
      EXPECT_EQ(slots.try_allocate().index, 0u);
    }
  }
}

#if SIZE_MAX > UINT32_MAX // what 32 bits have no addresses for
TEST(SlotArena, NamesItselfInErrors) {
  EXPECT_EQ(test::error([] { return SlotArena(0, 5); }),
            "Misuse(bad_size) slot_arena: 5 slots of 0 bytes were asked for");
  EXPECT_EQ(test::error([] { return SlotArena(8, 0); }),
            "Misuse(bad_size) slot_arena: 0 slots of 8 bytes were asked for");
  EXPECT_EQ(test::error([] { return SlotArena(16, SIZE_MAX); }),
            "Misuse(overflow) slot_arena: " + std::to_string(SIZE_MAX) +
                " slots of 16 bytes are more than a "
                "size can hold");
  EXPECT_EQ(test::error([] { return SlotArena(8, std::size_t{1} << 59); }),
            "Exhausted(system_refused) slot_arena: the heap refused 4611686018427387904 bytes");
  EXPECT_EQ(test::error([] { return SlotArena(64, Buffer::heap(63 / 8 * 8)); }),
            "Misuse(bad_size) slot_arena: a buffer of 56 bytes has no room for one slot of 64");
  EXPECT_EQ(test::kind([] { return SlotArena(0, Buffer::heap(64)); }), "Misuse(bad_size)");
  SlotArena slots(8, 1);
  EXPECT_EQ(test::error([&] { return slots.at(0); }),
            "Misuse(out_of_bounds) slot_arena: index 0, of 0 slots in use");
  (void)slots.allocate();
  EXPECT_EQ(test::error([&] { return slots.allocate(); }),
            "Exhausted(no_room) slot_arena: 1 slots asked, 0 of 1 left");
  slots.release();
  EXPECT_EQ(test::error([&] { return slots.allocate(); }),
            "Misuse(released) slot_arena: used after release");
  EXPECT_EQ(test::error([&] { return slots.at(0); }),
            "Misuse(released) slot_arena: used after release");
}
#endif

TEST(SlotArena, ProductsThatOverflowAreMisuse) {
  for (const std::size_t bytes : test::unservable) {
    EXPECT_EQ(test::kind([=] { return SlotArena(bytes, 1); }), "Misuse(overflow)") << bytes;
    EXPECT_EQ(test::kind([=] { return SlotArena(1, bytes); }), "Misuse(overflow)") << bytes;
    EXPECT_EQ(test::kind([=] { return SlotArena(bytes, bytes); }), "Misuse(overflow)") << bytes;
    EXPECT_EQ(test::kind([=] { return SlotArena(bytes, Buffer::heap(64)); }), "Misuse(overflow)")
        << bytes;
  }
  EXPECT_EQ(test::kind([] { return SlotArena(test::root, test::root); }),
            "Misuse(overflow)"); // whose product is 0
  EXPECT_EQ(test::kind([] { return SlotArena(test::root + 8, test::root); }), "Misuse(overflow)");
}

TEST(SlotArena, AlignsSlotsToTheLargestPowerOfTwoThatDividesThem) {
  for (const auto& [bytes, alignment] : {std::pair<std::size_t, std::size_t>{8, 8},
                                         {16, 16},
                                         {24, 8},
                                         {32, 32},
                                         {48, 16},
                                         {64, 64},
                                         {96, 32},
                                         {128, 64},
                                         {4096, 64}}) {
    SlotArena slots(bytes, 5);
    for (int i = 0; i != 5; ++i)
      EXPECT_TRUE(test::is_aligned(slots.allocate().ptr, alignment)) << bytes;
  }
}

TEST(SlotArena, FindsSlotsByIndex) {
  SlotArena slots(24, 100);
  for (int i = 0; i != 100; ++i)
    test::fill(slots.allocate().ptr, 24, i);
  for (std::size_t i = 0; i != 100; ++i)
    EXPECT_TRUE(test::holds(std::as_const(slots).at(i), 24, static_cast<int>(i)));
  for (const std::size_t index : {std::size_t{100}, SIZE_MAX, SIZE_MAX / 24 + 1})
    EXPECT_EQ(test::kind([&] { return slots.at(index); }), "Misuse(out_of_bounds)");
}

TEST(SlotArena, AFailedCallChangesNothing) {
  SlotArena slots(24, 2);
  (void)slots.allocate();
  test::fill(slots.allocate().ptr, 24);
  const test::State before = test::state(slots);
  EXPECT_EQ(test::kind([&] { return slots.allocate(); }), "Exhausted(no_room)");
  EXPECT_EQ(slots.try_allocate().ptr, nullptr);
  EXPECT_EQ(test::kind([&] { return slots.at(2); }), "Misuse(out_of_bounds)");
  EXPECT_EQ(test::state(slots), before);
  EXPECT_TRUE(test::holds(slots.at(1), 24, 0xA5));
}

TEST(SlotArena, ResetTakesAllSlotsBackAndZeroesThem) {
  SlotArena slots(24, 10);
  for (int i = 0; i != 10; ++i)
    test::fill(slots.allocate().ptr, 24);
  void* const first = slots.at(0);
  slots.reset();
  EXPECT_EQ(test::state(slots), (test::State{10, 0, 10, 10}));
  EXPECT_EQ(test::kind([&] { return slots.at(0); }), "Misuse(out_of_bounds)");
  for (std::size_t i = 0; i != 10; ++i) {
    const Slot slot = slots.allocate();
    EXPECT_EQ(slot.index, i);
    EXPECT_TRUE(test::holds(slot.ptr, 24, 0));
  }
  EXPECT_EQ(slots.at(0), first);
}

// As much as was used, but at least a slot, and at most one or 16 KiB.
std::size_t step(std::size_t used, std::size_t slot) {
  return std::max(slot, std::min(used * slot, std::size_t{16} << 10));
}

TEST(SlotArena, ClearsWhatItHandsOutAndOneStepAhead) {
  alignas(8) static std::byte memory[1 << 18];
  for (const std::size_t bytes : test::Sizes{8, 24, 64, 4096, 16384, 40000}) {
    for (const std::size_t used : test::Sizes{0, 1, 2, 3, 5, 64, 65, 1000, 4097, 32768}) {
      if (used * bytes > sizeof memory)
        continue;
      test::fill(memory, sizeof memory, 0xFF);
      SlotArena slots(bytes, Buffer::borrowed(memory));
      const std::size_t capacity = slots.capacity();
      for (std::size_t i = 0; i != used; ++i) {
        EXPECT_EQ(slots.available(), capacity - i);
        const Slot slot = i % 2 == 0 ? slots.allocate() : slots.try_allocate();
        ASSERT_EQ(slot.index, i);
        ASSERT_TRUE(test::holds(slot.ptr, bytes, 0));
        test::fill(slot.ptr, bytes, 0x5A);
      }
      slots.release(); // or the others are hidden
      const std::size_t written =
          sizeof memory -
          static_cast<std::size_t>(std::count(memory, memory + sizeof memory, std::byte{0xFF}));
      EXPECT_GE(written, used * bytes);
      EXPECT_LE(written, used == 0 ? 0 : used * bytes + step(used, bytes)) << used;
    }
  }
}

TEST(SlotArena, WhatIsClearedOutlivesAResetAndGoesWithAMove) {
  alignas(8) static std::byte memory[1 << 16];
  test::fill(memory, sizeof memory, 0xFF);
  SlotArena slots(64, Buffer::borrowed(memory));
  const auto take_zero = [](SlotArena& arena, int count) {
    for (; count != 0; --count) {
      const Slot slot = arena.allocate();
      EXPECT_TRUE(test::holds(slot.ptr, 64, 0)) << slot.index;
      test::fill(slot.ptr, 64, 0x5A);
    }
  };
  for (int round = 0; round != 5; ++round) {
    take_zero(slots, 50);
    slots.reset();
  }
  take_zero(slots, 10);
  SlotArena to = std::move(slots);
  EXPECT_EQ(slots.try_allocate().ptr, nullptr);
  EXPECT_EQ(slots.available(), 0u);
  take_zero(to, 90);
  to.release();
  EXPECT_EQ(to.try_allocate().ptr, nullptr);
  const auto untouched = std::count(memory, memory + sizeof memory, std::byte{0xFF});
  EXPECT_GE(static_cast<std::size_t>(untouched), sizeof memory - 100 * 64 - step(100, 64));
}

// Of what is known to be zero, or need not be: what somebody else wrote there, stands.
TEST(SlotArena, ClearsNothingThatIsKnownToBeZero) {
  for (const bool known : {false, true}) {
    Buffer buffer = known ? Buffer::mapped(1 << 16) : Buffer::heap(1 << 16);
    EXPECT_EQ(buffer.is_zero(), known);
    test::fill(buffer.data(), buffer.extent(), 7);
    SlotArena slots(64, std::move(buffer), {.zero = known});
    for (int i = 0; i != 100; ++i)
      EXPECT_TRUE(test::holds(slots.allocate().ptr, 64, 7));
  }
}

TEST(SlotArena, ZeroesNothingWhereThatIsOff) {
  alignas(8) std::byte memory[64];
  test::fill(memory, sizeof memory);
  SlotArena slots(24, Buffer::borrowed(memory), {.zero = false});
  EXPECT_TRUE(test::holds(slots.allocate().ptr, 24, 0xA5));
  slots.reset();
  EXPECT_TRUE(test::holds(slots.allocate().ptr, 24, 0xA5));
}

TEST(SlotArena, PeakIsTheMostThatWereInUse) {
  SlotArena slots(8, 10);
  for (int i = 0; i != 7; ++i)
    (void)slots.allocate();
  slots.reset();
  EXPECT_EQ(slots.peak(), 7u);
  (void)slots.allocate();
  EXPECT_EQ(slots.peak(), 7u);
  slots.reset();
  EXPECT_EQ(slots.peak(), 7u);
}

TEST(SlotArena, OwnsSlotsInUse) {
  SlotArena slots(24, 10);
  const auto* const p = static_cast<const std::byte*>(slots.allocate().ptr);
  EXPECT_TRUE(slots.owns(p));
  EXPECT_TRUE(slots.owns(p + 23));
  EXPECT_FALSE(slots.owns(p + red_zones.stretch(24)));
  EXPECT_FALSE(slots.owns(p - 1));
  (void)slots.allocate();
  EXPECT_TRUE(slots.owns(p + red_zones.stretch(24)));
}

TEST(SlotArena, TakesAsManySlotsAsFitIntoABuffer) {
  alignas(8) std::byte memory[100];
  EXPECT_EQ(SlotArena(24, Buffer::borrowed(memory)).capacity(), 4u);
  EXPECT_EQ(SlotArena(20, Buffer::borrowed(std::span(memory).first(47))).capacity(), 1u);
  EXPECT_EQ(SlotArena(24, Buffer::heap(100)).capacity(), 4u);
  TestResource upstream;
  {
    SlotArena slots(24, Buffer::from(&upstream, 100));
    EXPECT_EQ(slots.capacity(), 4u);
    EXPECT_TRUE(test::holds(slots.allocate().ptr, 24, 0)); // the resource gives rubbish
  }
  EXPECT_EQ(upstream.live(), 0u);
}

TEST(SlotArena, GivesItsBufferBackWhenItIsAssignedTo) {
  TestResource upstream;
  SlotArena slots(8, Buffer::from(&upstream, 64));
  slots = SlotArena(8, Buffer::from(&upstream, 128));
  EXPECT_EQ(upstream.live(), 1u);
  EXPECT_EQ(slots.capacity(), 16u);
  slots.release();
  EXPECT_EQ(upstream.live(), 0u);
}

class SlotArenaHiding : public test::Watched {};

TEST_F(SlotArenaHiding, WhatLiesBehindASlotAndWhatWasReset) {
  SlotArena slots(13, 3);
  void* const p = slots.allocate().ptr;
  EXPECT_EQ(test::visible(p, 64), 13u);
  EXPECT_EQ(test::visible(slots.allocate().ptr, 64), 13u);
  EXPECT_EQ(test::visible(p, 64), 13u);
  slots.reset();
  EXPECT_TRUE(test::all_hidden(p, 13));
}

#if defined(ALLOT_ASAN)
TEST(SlotArenaDeathTest, AddressSanitizerCatchesUseBehindASlotAndAfterReset) {
  SlotArena slots(24, 3);
  auto* const p = static_cast<std::byte*>(slots.allocate().ptr);
  EXPECT_DEATH(test::touch(p + 24), "use-after-poison");
  slots.reset();
  EXPECT_DEATH(test::touch(p), "use-after-poison");
  slots.release();
  EXPECT_DEATH(test::touch(p), "heap-use-after-free");
}
#endif

} // namespace
