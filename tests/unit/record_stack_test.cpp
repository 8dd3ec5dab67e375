#include <allot/detail/end_records.hpp>
#include <allot/detail/record_stack.hpp>

#include "support.hpp"

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

using namespace allot;

namespace {

struct Record {
  std::int64_t number;
  std::int64_t square;
};

/// Records in the object, and room for as many as are needed beside it.
struct Stack {
  explicit Stack(std::size_t room = 1000) : memory(room) {
    records.reserve(reinterpret_cast<std::byte*>(memory.data() + room), room);
  }
  void push(std::int64_t number) { records.push(number, number * number); }
  static Stack with(std::int64_t count) {
    Stack stack;
    for (std::int64_t i = 0; i != count; ++i)
      stack.push(i);
    return stack;
  }

  std::vector<Record> memory;
  RecordStack<Record> records;
};

TEST(RecordStack, StartsEmptyWithRoomForAFew) {
  RecordStack<Record> stack;
  EXPECT_TRUE(stack.empty());
  EXPECT_FALSE(stack.full());
  EXPECT_EQ(stack.size(), 0u);
  EXPECT_EQ(stack.room(), 0u);
  EXPECT_EQ(stack.reserved(), 0u);
  EXPECT_FALSE(stack.has_borrowed());
}

TEST(RecordStack, AFewLieInTheObject) {
  RecordStack<Record> stack;
  for (std::size_t i = 0; i != few_records; ++i) {
    EXPECT_FALSE(stack.full());
    stack.push(std::int64_t{1}, std::int64_t{2});
    EXPECT_GE(test::distance(&stack, &stack.newest()), 0);
    EXPECT_LE(test::distance(&stack, &stack.newest() + 1), std::ptrdiff_t{sizeof stack});
  }
  EXPECT_TRUE(stack.full());
}

TEST(RecordStack, TheRestLieBelowEachOther) {
  Stack stack(10);
  for (std::size_t i = 0; i != few_records + 10; ++i) {
    EXPECT_FALSE(stack.records.full());
    stack.push(static_cast<std::int64_t>(i));
    if (i >= few_records) {
      EXPECT_EQ(&stack.records.newest(), &stack.memory[10 - (i - few_records) - 1]);
    }
  }
  EXPECT_TRUE(stack.records.full());
  EXPECT_EQ(stack.records.lowest_place(), stack.memory.data());
}

TEST(RecordStack, KeepsItsRecordsAsItGrows) {
  const Stack stack = Stack::with(1000);
  ASSERT_EQ(stack.records.size(), 1000u);
  for (std::int64_t i = 0; i != 1000; ++i) {
    EXPECT_EQ(stack.records[static_cast<std::size_t>(i)].number, i);
    EXPECT_EQ(stack.records[static_cast<std::size_t>(i)].square, i * i);
  }
}

TEST(RecordStack, PopsNewestFirst) {
  Stack stack = Stack::with(20);
  for (std::int64_t i = 20; i != 0; --i) {
    EXPECT_EQ(stack.records.newest().number, i - 1);
    EXPECT_EQ(stack.records.pop().number, i - 1);
  }
  EXPECT_TRUE(stack.records.empty());
}

TEST(RecordStack, TruncatingKeepsTheOldest) {
  Stack stack = Stack::with(20);
  stack.records.truncate(3);
  EXPECT_EQ(stack.records.size(), 3u);
  EXPECT_EQ(stack.records[2].number, 2);
  stack.records.truncate(0);
  EXPECT_TRUE(stack.records.empty());
}

TEST(RecordStack, DropsTheNewestUnwantedAndAsksOfOneMore) {
  Stack stack = Stack::with(20);
  int asked = 0;
  const auto from = [&](std::int64_t lowest) {
    return [&asked, lowest](const Record& record) { return ++asked, record.number >= lowest; };
  };
  stack.records.drop_while(from(15));
  EXPECT_EQ(stack.records.size(), 15u);
  EXPECT_EQ(asked, 5 + 1); // and of none below
  stack.records.drop_while(from(15));
  EXPECT_EQ(stack.records.size(), 15u);
  EXPECT_EQ(asked, 5 + 1 + 1);
  stack.records.drop_while(from(0));
  EXPECT_TRUE(stack.records.empty());
  EXPECT_EQ(asked, 5 + 1 + 1 + 15);
}

TEST(RecordStack, RoomBeyondWhatIsReservedIsIdleOnceItsRecordsAreGone) {
  std::array<Record, 8> memory;
  RecordStack<Record> stack;
  stack.reserve(reinterpret_cast<std::byte*>(memory.data() + memory.size()), 2);
  for (std::size_t i = 0; i != few_records + 2; ++i)
    stack.push(std::int64_t{0}, std::int64_t{0});
  EXPECT_TRUE(stack.full());
  EXPECT_FALSE(stack.has_borrowed());
  for (std::size_t room = 3; room != 6; ++room) {
    stack.set_room(room);
    stack.push(std::int64_t{0}, std::int64_t{0});
  }
  EXPECT_TRUE(stack.has_borrowed());
  EXPECT_EQ(stack.reserved(), 2u);
  EXPECT_EQ(stack.room(), 5u);
  EXPECT_EQ(stack.idle(), 0u);
  (void)stack.pop();
  EXPECT_EQ(stack.idle(), 1u);
  stack.set_room(4);
  EXPECT_EQ(stack.idle(), 0u);
  stack.truncate(0);
  EXPECT_EQ(stack.idle(), 2u); // what is reserved is not
  stack.set_room(2);
  EXPECT_FALSE(stack.has_borrowed());
}

TEST(RecordStack, AMoveTakesEverythingAndLeavesAnEmptyStack) {
  Stack source = Stack::with(20);
  RecordStack<Record>& from = source.records;
  Stack target = Stack::with(3);
  RecordStack<Record>& to = target.records;
  to = std::move(from);
  EXPECT_EQ(to.size(), 20u);
  EXPECT_EQ(to.room(), 1000u);
  for (std::int64_t i = 0; i != 20; ++i)
    EXPECT_EQ(to[static_cast<std::size_t>(i)].number, i);
  EXPECT_TRUE(from.empty());
  EXPECT_EQ(from.room(), 0u);
  from.push(std::int64_t{5}, std::int64_t{25}); // which can be used again
  EXPECT_EQ(from[0].number, 5);
  RecordStack<Record>& alias = to;
  to = std::move(alias);
  EXPECT_EQ(to[19].number, 19);
}

// ----------------------------------------------------------- room from the heap, or from upstream

TEST(RecordRoom, DoublesAndMovesTheRecordsWithTheFewCalls) {
  test::TestResource upstream;
  RecordStack<Record> records;
  RecordRoom room;
  for (std::int64_t i = 0; i != 1000; ++i) {
    if (records.full())
      room.grow(records, records.room() + 1, "test", &upstream);
    records.push(i, i * i);
  }
  EXPECT_LE(upstream.requests.size(), 8u); // 8, 16, ... 1024
  EXPECT_EQ(upstream.live(), 1u);
  for (std::int64_t i = 0; i != 1000; ++i)
    ASSERT_EQ(records[static_cast<std::size_t>(i)].square, i * i);

  RecordRoom other = std::move(room);
  room.release();
  EXPECT_EQ(upstream.live(), 1u);
  other = RecordRoom();
  EXPECT_EQ(upstream.live(), 0u);
}

TEST(RecordRoom, IsAsLargeAsAskedAtLeast) {
  RecordStack<Record> records;
  RecordRoom room;
  room.grow(records, 100, "test", {});
  EXPECT_GE(records.room(), 100u);
  EXPECT_EQ(records.reserved(), records.room());
  EXPECT_EQ(test::error([&] { room.grow(records, SIZE_MAX, "test", {}); }),
            "Exhausted(system_refused) test: the heap refused " + std::to_string(SIZE_MAX) +
                " bytes for its records");
}

TEST(RecordRoom, ARefusalLosesNothing) {
  test::TestResource upstream;
  RecordStack<Record> records;
  RecordRoom room;
  for (std::int64_t i = 0;; ++i) {
    if (records.full()) {
      if (i == 12) // of which 8 are in the room
        break;
      room.grow(records, 1, "test", &upstream);
    }
    records.push(i, i * i);
  }
  for (const auto answer : test::failures()) {
    upstream.answer = answer;
    EXPECT_ANY_THROW(room.grow(records, records.room() + 1, "test", &upstream));
    ASSERT_EQ(records.size(), 12u);
    EXPECT_TRUE(records.full());
    EXPECT_EQ(records[11].square, 11 * 11);
  }
  room.release();
}

// ----------------------------------------------------------------- room at the far end of a buffer

class EndRecords : public testing::Test {
protected:
  static constexpr std::size_t bytes = 256;
  void SetUp() override {
    annotate::open(memory, sizeof memory);
    cursor = Cursor(memory, bytes, Gap());
  }
  void TearDown() override { annotate::close(memory, sizeof memory); }

  alignas(8) std::byte memory[bytes]{};
  Cursor cursor;
  RecordStack<Record> records;
};

TEST(EndRecordsSize, IsWhatTheRecordsBeyondTheFewTake) {
  for (std::size_t marks = 0; marks != 20; ++marks) {
    const std::size_t taken = marks <= few_records ? 0 : (marks - few_records) * sizeof(Record);
    EXPECT_EQ(detail::end_bytes<Record>(marks), taken);
    EXPECT_EQ(detail::with_end_bytes<Record>(20, marks), 24 + taken);
    EXPECT_EQ(detail::with_end_bytes<Record>(0, marks), 0u); // which is refused
  }
  EXPECT_EQ(detail::end_bytes<Record>(SIZE_MAX), SIZE_MAX);
  EXPECT_EQ(detail::with_end_bytes<Record>(20, SIZE_MAX), SIZE_MAX);
}

TEST_F(EndRecords, LieAtTheEndAndComeBack) {
  test::fill(cursor.take(40), 40, 1);
  detail::reserve_at_end(records, cursor, 0, "test");
  for (std::size_t i = 0; i != 10; ++i) {
    if (records.full())
      detail::add_at_end(records, cursor, "test", bytes);
    records.push(static_cast<std::int64_t>(i), std::int64_t{0});
    const std::size_t beyond = i < few_records ? 0 : i + 1 - few_records;
    ASSERT_EQ(cursor.available(), bytes - 40 - beyond * sizeof(Record));
  }
  for (std::int64_t i = 10; i-- != 0;) {
    ASSERT_EQ(records.pop().number, i);
    detail::drop_at_end(records, cursor);
    const std::size_t left = static_cast<std::size_t>(i);
    ASSERT_EQ(cursor.available(),
              bytes - 40 - (left <= few_records ? 0 : left - few_records) * sizeof(Record));
  }
  std::byte* const rest = cursor.take_aligned(bytes - 40, 8);
  EXPECT_EQ(rest, nullptr); // where records were it is to be zeroed first
  EXPECT_TRUE(test::holds(cursor.take_slow(bytes - 40, 8), bytes - 40, 0));
  EXPECT_TRUE(test::holds(memory, 40, 1));
}

TEST_F(EndRecords, AreRefusedWhereAllIsTaken) {
  (void)cursor.take(bytes - sizeof(Record) - 8);
  detail::reserve_at_end(records, cursor, 0, "test");
  for (std::size_t i = 0; i != few_records; ++i)
    records.push(std::int64_t{0}, std::int64_t{0});
  detail::add_at_end(records, cursor, "test", bytes);
  records.push(std::int64_t{0}, std::int64_t{0});
  EXPECT_EQ(test::error([&] { detail::add_at_end(records, cursor, "test", bytes); }),
            "Exhausted(no_room) test: 16 bytes for a mark asked, 8 of 256 left");
  EXPECT_EQ(records.room(), 1u);
  EXPECT_EQ(cursor.available(), 8u);
}

TEST_F(EndRecords, WhatIsReservedStays) {
  detail::reserve_at_end(records, cursor, few_records + 3, "test");
  EXPECT_EQ(cursor.capacity(), bytes - 3 * sizeof(Record));
  for (std::size_t i = 0; i != few_records + 3; ++i)
    records.push(std::int64_t{0}, std::int64_t{0});
  EXPECT_TRUE(records.full());
  records.truncate(0);
  detail::drop_at_end(records, cursor);
  EXPECT_EQ(cursor.capacity(), bytes - 3 * sizeof(Record));
  EXPECT_EQ(test::error([&] { detail::reserve_at_end(records, cursor, 100, "test"); }),
            "Misuse(bad_size) test: a buffer of 208 bytes has no room for 100 marks");
}

} // namespace
