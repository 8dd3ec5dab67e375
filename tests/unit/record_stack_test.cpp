#include <allot/detail/buffer_records.hpp>
#include <allot/detail/record_stack.hpp>

#include "support.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

using namespace allot;

namespace {

struct Record {
  std::int64_t number;
  std::int64_t square;
};

/// Records in room outside.
struct Stack {
  explicit Stack(std::size_t room = 1000) : memory(room) {
    records.move_out(reinterpret_cast<std::byte*>(memory.data() + room), room, true);
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
  EXPECT_EQ(stack.room(), few_records);
  EXPECT_FALSE(stack.is_outside());
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

TEST(RecordStack, MoreLieOutsideBelowEachOther) {
  Stack stack(10);
  for (std::size_t i = 0; i != 10; ++i) {
    EXPECT_FALSE(stack.records.full());
    stack.push(static_cast<std::int64_t>(i));
    EXPECT_EQ(&stack.records.newest(), &stack.memory[10 - i - 1]);
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

TEST(RecordStack, MovesOutAndBackWithItsRecords) {
  std::array<Record, 8> memory;
  std::byte* const top = reinterpret_cast<std::byte*>(memory.data() + memory.size());
  RecordStack<Record> stack;
  for (int round = 0; round != 3; ++round) {
    for (std::size_t i = 0; i != few_records; ++i)
      stack.push(static_cast<std::int64_t>(i), std::int64_t{round});
    stack.move_out(top, few_records + 1, false);
    EXPECT_TRUE(stack.has_borrowed());
    stack.push(std::int64_t{few_records}, std::int64_t{round});
    EXPECT_TRUE(stack.full());
    stack.extend();
    stack.push(std::int64_t{few_records + 1}, std::int64_t{round});
    EXPECT_EQ(stack.drop_idle(), 0u);
    (void)stack.pop();
    EXPECT_EQ(stack.drop_idle(), 1u);
    EXPECT_TRUE(stack.is_outside());
    (void)stack.pop();
    EXPECT_EQ(stack.drop_idle(), few_records + 1); // the few are in the object again
    EXPECT_FALSE(stack.is_outside());
    EXPECT_FALSE(stack.has_borrowed());
    memory.fill({-1, -1});
    for (std::size_t i = few_records; i-- != 0;) {
      EXPECT_EQ(stack.newest().square, round);
      EXPECT_EQ(stack.pop().number, static_cast<std::int64_t>(i));
    }
  }
}

TEST(RecordStack, WhatIsReservedOutsideIsNeverIdle) {
  std::array<Record, 8> memory;
  RecordStack<Record> stack;
  stack.move_out(reinterpret_cast<std::byte*>(memory.data() + memory.size()), 6, true);
  for (std::size_t i = 0; i != 6; ++i)
    stack.push(std::int64_t{0}, std::int64_t{0});
  EXPECT_TRUE(stack.full());
  EXPECT_FALSE(stack.has_borrowed());
  stack.extend();
  stack.push(std::int64_t{0}, std::int64_t{0});
  EXPECT_TRUE(stack.has_borrowed());
  EXPECT_EQ(stack.drop_idle(), 0u);
  stack.truncate(0);
  EXPECT_EQ(stack.drop_idle(), 1u);
  EXPECT_FALSE(stack.has_borrowed());
  EXPECT_TRUE(stack.is_outside());
  EXPECT_EQ(stack.room(), 6u);
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
  EXPECT_EQ(from.room(), few_records);
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
  EXPECT_FALSE(records.has_borrowed()); // none of it is given back before the end
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
      if (i != std::int64_t{few_records})
        break;
      room.grow(records, 1, "test", &upstream);
    }
    records.push(i, i * i);
  }
  for (const auto answer : test::failures()) {
    upstream.answer = answer;
    EXPECT_ANY_THROW(room.grow(records, records.room() + 1, "test", &upstream));
    ASSERT_EQ(records.size(), 2 * few_records);
    EXPECT_TRUE(records.full());
    EXPECT_EQ(records[7].square, 7 * 7);
  }
  room.release();
}

// --------------------------------------------------------------------- room for those on a buffer

class BufferRecordsTest : public testing::Test {
protected:
  static constexpr std::size_t bytes = 256;
  void SetUp() override {
    annotate::open(memory, sizeof memory);
    cursor = Cursor(memory, bytes, Gap());
  }
  void TearDown() override { annotate::close(memory, sizeof memory); }

  std::size_t reserve(std::size_t marks) {
    room.prepare(records, Buffer::borrowed(memory), marks, "test");
    return room.set_aside(records, cursor, marks);
  }
  void push(std::size_t i) {
    if (records.full())
      room.add(records, cursor, "test");
    records.push(static_cast<std::int64_t>(i), std::int64_t{0});
  }
  void pop() {
    (void)records.pop();
    if (records.has_borrowed())
      BufferRecords::drop(records, cursor);
  }
  static std::size_t taken(std::size_t count) {
    return count <= few_records ? 0 : count * sizeof(Record);
  }

  alignas(8) std::byte memory[bytes]{};
  Cursor cursor;
  RecordStack<Record> records;
  BufferRecords room;
};

TEST_F(BufferRecordsTest, LieAtTheFarEndAndComeBack) {
  test::fill(cursor.take(40), 40, 1);
  EXPECT_EQ(reserve(0), 0u);
  for (std::size_t i = 0; i != 10; ++i) {
    push(i);
    ASSERT_EQ(cursor.available(), bytes - 40 - taken(i + 1));
  }
  for (std::size_t i = 10; i-- != 0;) {
    ASSERT_EQ(records.newest().number, static_cast<std::int64_t>(i));
    pop();
    ASSERT_EQ(cursor.available(), bytes - 40 - taken(i));
  }
  std::byte* const rest = cursor.take_aligned(bytes - 40, 8);
  EXPECT_EQ(rest, nullptr); // where records were it is to be zeroed first
  EXPECT_TRUE(test::holds(cursor.take_slow(bytes - 40, 8), bytes - 40, 0));
  EXPECT_TRUE(test::holds(memory, 40, 1));
}

TEST_F(BufferRecordsTest, AreRefusedWhereAllIsTaken) {
  (void)cursor.take(bytes - taken(few_records + 1) - 8);
  (void)reserve(0);
  for (std::size_t i = 0; i != few_records + 1; ++i)
    push(i);
  EXPECT_EQ(test::error([&] { push(9); }),
            "Exhausted(no_room) test: 16 bytes for marks asked, 8 of 176 left");
  EXPECT_EQ(records.size(), few_records + 1);
  EXPECT_EQ(cursor.available(), 8u);
  (void)cursor.take(8);
  pop();
  EXPECT_EQ(cursor.available(), taken(few_records + 1));
}

TEST_F(BufferRecordsTest, WhatIsSetAsideStays) {
  EXPECT_EQ(reserve(7), 7 * sizeof(Record));
  EXPECT_EQ(cursor.capacity(), bytes - 7 * sizeof(Record));
  for (std::size_t i = 0; i != 7; ++i)
    push(i);
  EXPECT_TRUE(records.full());
  while (!records.empty())
    pop();
  EXPECT_EQ(cursor.capacity(), bytes - 7 * sizeof(Record));
}

TEST_F(BufferRecordsTest, AreOnTheHeapWhereTheBufferIs) {
  room.prepare(records, Buffer::heap(64), 7, "test");
  EXPECT_EQ(room.set_aside(records, cursor, 7), 0u);
  EXPECT_GE(records.room(), 7u);
  for (std::size_t i = 0; i != 100; ++i)
    push(i);
  EXPECT_EQ(cursor.available(), bytes);
  for (std::size_t i = 0; i != 100; ++i)
    ASSERT_EQ(records[i].number, static_cast<std::int64_t>(i));
}

TEST(BufferRecords, ABufferMustLeaveSomethingBesideThem) {
  alignas(8) std::byte memory[256];
  const auto checked = [&](std::size_t marks, std::size_t front) {
    return test::error([&] {
      RecordStack<Record> records;
      BufferRecords().prepare(records, Buffer::borrowed(memory), marks, "test", front);
    });
  };
  EXPECT_EQ(checked(15, 0), "none");
  EXPECT_EQ(checked(16, 0),
            "Misuse(bad_size) test: a buffer of 256 bytes has no room for 16 marks");
  EXPECT_EQ(checked(15, 16),
            "Misuse(bad_size) test: a buffer of 240 bytes has no room for 15 marks");
  EXPECT_EQ(checked(SIZE_MAX, 0), "Misuse(bad_size) test: a buffer of 256 bytes has no room for " +
                                      std::to_string(SIZE_MAX) + " marks");
  EXPECT_EQ(checked(few_records, 256), "none");
}

} // namespace
