#include <allot/detail/record_stack.hpp>

#include "support.hpp"

#include <utility>

using namespace allot;

namespace {

RecordStack<int> with(int count) {
  RecordStack<int> stack;
  for (int i = 0; i != count; ++i)
    stack.push("test", i);
  return stack;
}

TEST(RecordStack, StartsEmpty) {
  const RecordStack<int> stack;
  EXPECT_TRUE(stack.empty());
  EXPECT_EQ(stack.size(), 0u);
}

TEST(RecordStack, KeepsItsRecordsAsItGrows) {
  const RecordStack<int> stack = with(1000);
  ASSERT_EQ(stack.size(), 1000u);
  for (int i = 0; i != 1000; ++i)
    EXPECT_EQ(stack[static_cast<std::size_t>(i)], i);
}

TEST(RecordStack, PopsNewestFirst) {
  RecordStack<int> stack = with(20);
  for (int i = 20; i != 0; --i)
    EXPECT_EQ(stack.pop(), i - 1);
  EXPECT_TRUE(stack.empty());
}

TEST(RecordStack, TruncatingKeepsTheOldest) {
  RecordStack<int> stack = with(20);
  stack.truncate(3);
  EXPECT_EQ(stack.size(), 3u);
  EXPECT_EQ(stack[2], 2);
  stack.truncate(0);
  EXPECT_TRUE(stack.empty());
}

TEST(RecordStack, DropsTheNewestUnwantedAndAsksOfOneMore) {
  RecordStack<int> stack = with(20);
  int asked = 0;
  const auto from = [&](int lowest) {
    return [&asked, lowest](int record) { return ++asked, record >= lowest; };
  };
  stack.drop_while(from(15));
  EXPECT_EQ(stack.size(), 15u);
  EXPECT_EQ(asked, 5 + 1); // and of none below
  stack.drop_while(from(15));
  EXPECT_EQ(stack.size(), 15u);
  EXPECT_EQ(asked, 5 + 1 + 1);
  stack.drop_while(from(0));
  EXPECT_TRUE(stack.empty());
  EXPECT_EQ(asked, 5 + 1 + 1 + 15);
}

TEST(RecordStack, IsFullWhenThePushToComeGrowsIt) {
  RecordStack<int> stack;
  EXPECT_TRUE(stack.full());
  stack.push("test", 0);
  EXPECT_FALSE(stack.full());
  const int* const first = &stack[0];
  while (!stack.full()) {
    stack.push("test", 0);
    EXPECT_EQ(&stack[0], first);
  }
}

TEST(RecordStack, AMoveTakesEverythingAndLeavesAnEmptyStack) {
  RecordStack<int> from = with(20);
  RecordStack<int> to = with(3);
  to = std::move(from);
  EXPECT_EQ(to.size(), 20u);
  EXPECT_TRUE(from.empty());
  from.push("test", 5); // which can be used again
  EXPECT_EQ(from[0], 5);
  RecordStack<int>& alias = to;
  to = std::move(alias);
  EXPECT_EQ(to[19], 19);
}

} // namespace
