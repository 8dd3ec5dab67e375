#include <allot/side_stack.hpp>

#include "support.hpp"

#include <utility>

using namespace allot;

namespace {

SideStack<int> with(int count) {
  SideStack<int> stack;
  for (int i = 0; i != count; ++i)
    stack.push("test", i);
  return stack;
}

TEST(SideStack, StartsEmpty) {
  const SideStack<int> stack;
  EXPECT_TRUE(stack.empty());
  EXPECT_EQ(stack.size(), 0u);
}

TEST(SideStack, KeepsItsRecordsAsItGrows) {
  SideStack<int> stack = with(1000);
  ASSERT_EQ(stack.size(), 1000u);
  for (int i = 0; i != 1000; ++i)
    EXPECT_EQ(std::as_const(stack)[static_cast<std::size_t>(i)], i);
  EXPECT_EQ(stack.back(), 999);
}

TEST(SideStack, PopsNewestFirst) {
  SideStack<int> stack = with(20);
  for (int i = 20; i != 0; --i)
    EXPECT_EQ(stack.pop(), i - 1);
  EXPECT_TRUE(stack.empty());
}

TEST(SideStack, WhatWasPoppedIsAboveTheEndUntilItIsForgotten) {
  SideStack<int> stack;
  EXPECT_FALSE(stack.has_room());
  stack.reserve("test", 3);
  ASSERT_TRUE(stack.has_room());
  EXPECT_EQ(*stack.end(), 0);
  stack.push_reserved(5);
  stack.pop();
  EXPECT_EQ(*stack.end(), 5);
  stack.restore();
  EXPECT_EQ(stack.back(), 5);
  EXPECT_EQ(*stack.end(), 0);
  stack.pop();
  stack.forget_popped();
  EXPECT_EQ(*stack.end(), 0);
  while (stack.has_room())
    stack.push_reserved(7);
  const std::size_t room = stack.size();
  stack.push("test", 8);
  EXPECT_EQ(stack.size(), room + 1);
}

TEST(SideStack, TruncatingKeepsTheOldest) {
  SideStack<int> stack = with(20);
  stack.truncate(3);
  EXPECT_EQ(stack.size(), 3u);
  EXPECT_EQ(stack.back(), 2);
  stack.truncate(0);
  EXPECT_TRUE(stack.empty());
}

TEST(SideStack, WhatIsReservedIsNotMovedByPushes) {
  SideStack<int> stack = with(1);
  stack.reserve("test", 500);
  const int* const first = &stack[0];
  while (stack.size() != 500)
    stack.push_reserved(7);
  EXPECT_EQ(&stack[0], first);
  EXPECT_EQ(stack[0], 0);
  EXPECT_EQ(stack.back(), 7);
}

TEST(SideStack, AMoveTakesEverythingAndLeavesAnEmptyStack) {
  SideStack<int> from = with(20);
  SideStack<int> to = with(3);
  to = std::move(from);
  EXPECT_EQ(to.size(), 20u);
  EXPECT_TRUE(from.empty());
  from.push("test", 5); // which can be used again
  EXPECT_EQ(from.back(), 5);
  SideStack<int>& alias = to;
  to = std::move(alias);
  EXPECT_EQ(to.back(), 19);
}

TEST(SideStack, AHeapThatRefusesIsTheOwnersExhausted) {
  SideStack<int> stack = with(16);
  EXPECT_EQ(test::error([&] { stack.reserve("arena", SIZE_MAX / 2); }),
            "Exhausted(system_refused) arena: the heap refused " + std::to_string(SIZE_MAX) +
                " bytes for its "
                "records");
#if SIZE_MAX > UINT32_MAX // else a heap may have as much
  EXPECT_EQ(test::kind([&] { stack.reserve("arena", SIZE_MAX / 16384); }),
            "Exhausted(system_refused)");
#endif
  EXPECT_EQ(stack.size(), 16u);
  EXPECT_EQ(stack.back(), 15);
}

} // namespace
