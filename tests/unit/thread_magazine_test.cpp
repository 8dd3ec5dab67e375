#include <allot/threads/number_depot.hpp>
#include <allot/threads/thread_magazine.hpp>

#include "support.hpp"

#include <array>
#include <set>
#include <vector>

using namespace allot;
using detail::NumberDepot;
using detail::OwnerLock;
using detail::ThreadMagazine;
using Number = NumberDepot::Number;

namespace {

constexpr Number none = 99;

class Magazines : public testing::Test {
protected:
  /// Negative: it gave none.
  int take() {
    Number number = none;
    const bool taken = magazine.take(
        lock, [&](Number newest) { return newest != none && (number = newest, true); });
    return taken ? static_cast<int>(number) : -1;
  }

  OwnerLock<> lock{true};
  std::array<Number, 17> items{};
  ThreadMagazine<Number> magazine{items.data(), none};
  std::array<Number, 40> numbers{};
  NumberDepot depot{numbers.data(), numbers.size()};
};

TEST_F(Magazines, StartWithNothingAndRoomForNothing) {
  EXPECT_EQ(take(), -1);
  EXPECT_FALSE(magazine.put(lock, 1));
  EXPECT_EQ(magazine.count(), 0U);
}

TEST_F(Magazines, TakeHalfOfTheirRoomInTheDepotsOrder) {
  magazine.refill(depot, 16); // room for 4
  EXPECT_EQ(magazine.count(), 2U);
  EXPECT_EQ(take(), 0);
  EXPECT_EQ(take(), 1);
  EXPECT_EQ(take(), -1);
  magazine.refill(depot, 16);
  EXPECT_EQ(magazine.count(), 4U);
  EXPECT_EQ(take(), 2);
}

TEST_F(Magazines, GrowUpToTheLimit) {
  for (const std::size_t count : {2U, 4U, 5U, 5U}) {
    magazine.refill(depot, 10);
    EXPECT_EQ(magazine.count(), count);
    while (take() >= 0) {
    }
  }
}

TEST_F(Magazines, LeaveTheOldestInTheDepot) {
  for (Number n = 0; n != 12; ++n)
    (void)depot.pop();
  Number put = 0;
  for (; put != 12; ++put) {
    const bool kept = magazine.put(lock, put) || magazine.put_or_spill(depot, put, 8);
    EXPECT_TRUE(kept);
  }
  EXPECT_EQ(magazine.count(), 8U);
  EXPECT_EQ(depot.out(), 8U);
  EXPECT_EQ(depot.pop(), 3U);
  for (int n = 11; n != 3; --n)
    EXPECT_EQ(take(), n);
}

TEST_F(Magazines, HaveNoRoomWhereItemsAreScarce) {
  const Number number = depot.pop();
  EXPECT_TRUE(magazine.put_or_spill(depot, number, 0));
  EXPECT_EQ(magazine.count(), 0U);
  EXPECT_EQ(depot.out(), 0U);
  EXPECT_EQ(depot.pop(), number);
  EXPECT_TRUE(magazine.put_or_spill(depot, number, 1));
  EXPECT_EQ(take(), static_cast<int>(number));
}

TEST_F(Magazines, GoEmptyToTheDepotAndStartAgain) {
  magazine.refill(depot, 16);
  EXPECT_TRUE(magazine.empty_into(depot));
  EXPECT_EQ(magazine.count(), 0U);
  EXPECT_EQ(depot.size(), 40U);
  EXPECT_FALSE(magazine.put(lock, 1)) << "the next goes to the depot";
}

TEST_F(Magazines, AreClosedToTheirOwnerWhileOthersUseThem) {
  magazine.refill(depot, 16);
  ASSERT_TRUE(lock.shut());
  EXPECT_EQ(take(), -1);
  EXPECT_FALSE(magazine.put(lock, 7));
  EXPECT_EQ(magazine.pop(), 0U);
  lock.open();
  EXPECT_EQ(take(), 1);
}

TEST_F(Magazines, KeepWhatCannotBeClaimed) {
  magazine.refill(depot, 16);
  EXPECT_FALSE(magazine.take(lock, [](Number) { return false; }));
  EXPECT_EQ(magazine.count(), 2U);
}

TEST_F(Magazines, TellWhatTheDepotRefuses) {
  magazine.refill(depot, 16);
  const Number twice = magazine.pop();
  EXPECT_TRUE(depot.push(twice));
  EXPECT_TRUE(magazine.put(lock, twice)); // two threads freed it at the same instant
  EXPECT_FALSE(magazine.empty_into(depot));
  EXPECT_EQ(depot.size(), 40U);
}

TEST(NumberDepots, GiveTheOneReturnedLastAndThenTheLowestThatWasNeverTaken) {
  std::array<Number, 5> numbers{};
  NumberDepot depot(numbers.data(), numbers.size());
  EXPECT_EQ(depot.pop(), 0U);
  EXPECT_EQ(depot.pop(), 1U);
  EXPECT_EQ(depot.out(), 2U);
  EXPECT_TRUE(depot.push(0));
  EXPECT_TRUE(depot.push(1));
  EXPECT_FALSE(depot.push(1)) << "all that were taken are here";
  EXPECT_EQ(depot.pop(), 1U);
  EXPECT_EQ(depot.pop(), 0U);
  EXPECT_EQ(depot.pop(), 2U);
  EXPECT_EQ(depot.size(), 2U);
  depot.reset();
  EXPECT_EQ(depot.pop(), 0U);
  EXPECT_EQ(depot.limit(), 1U);
}

TEST(NumberDepots, GiveRangesThatEndWithTheirGroup) {
  std::array<Number, 150> numbers{};
  NumberDepot depot(numbers.data(), numbers.size());
  const auto size = [&](NumberDepot::Range& range, std::size_t most) {
    return NumberDepot::Supply(depot, range, most).size();
  };
  const auto pop = [&](NumberDepot::Range& range, std::size_t most) {
    return NumberDepot::Supply(depot, range, most).pop();
  };
  NumberDepot::Range first;
  NumberDepot::Range second;
  EXPECT_EQ(pop(first, 100), 0U);
  EXPECT_EQ(size(first, 100), 63U);
  EXPECT_EQ(pop(second, 40), 64U);
  EXPECT_EQ(pop(first, 100), 1U);
  EXPECT_EQ(depot.out(), 3U);
  EXPECT_EQ(depot.limit(), 104U);
  EXPECT_TRUE(depot.push(1));
  EXPECT_EQ(pop(second, 40), 1U) << "what was returned comes first";
  depot.take_back(second);
  EXPECT_EQ(depot.size(), 46U + 39U);
  EXPECT_EQ(pop(second, 40), 65U);
  for (int i = 0; i != 38; ++i)
    (void)depot.pop();
  EXPECT_EQ(pop(second, 100), 104U);
  EXPECT_EQ(size(second, 100), 23U) << "what the first left of the group";
  second = {};
  EXPECT_EQ(size(second, 100), 22U) << "the last ones";
}

} // namespace
