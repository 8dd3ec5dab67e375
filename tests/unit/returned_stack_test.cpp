// ReturnedStack against the plainest thing that does the same.
#include <allot/detail/returned_stack.hpp>

#include "support.hpp"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <memory>
#include <random>
#include <utility>
#include <vector>

using allot::ReturnedStack;
using State = ReturnedStack::State;

namespace {

struct Object {
  ReturnedStack::Place place = 0;
};

class AgainstModel {
public:
  explicit AgainstModel(unsigned seed) : random_(seed) {}

  void step() {
    switch (random_() % 16) {
    case 0:
      lend();
      break;
    case 1:
      return_lent();
      break;
    case 2:
      if (random_() % 8 == 0)
        vacate();
      break;
    case 3:
      if (random_() % 8 == 0)
        drop();
      break;
    default:
      // As many as there are for a while, few for a while.
      random_() % 8 < (steps_ / 500 % 2 == 0 ? 5u : 3u) ? (void)take() : put_back();
    }
    ++steps_;
  }

  void check() {
    ASSERT_EQ(returned_.available(), available_.size());
    ASSERT_EQ(returned_.vacant(), vacant_.size());
    ASSERT_EQ(returned_.at_hand(), !available_.empty());
    for (const Object* const object : available_)
      ASSERT_EQ(state(object), State::available);
    for (const Object* const object : vacant_)
      ASSERT_EQ(state(object), State::vacant);
    for (const Object* const object : taken_)
      ASSERT_EQ(state(object), State::taken);
    for (const Object* const object : lent_)
      ASSERT_EQ(state(object), State::lent);
  }

private:
  [[nodiscard]] State state(const Object* object) const {
    return returned_.state(object, object->place);
  }

  Object* take() {
    Object* object = nullptr;
    if (!available_.empty()) {
      object = available_.back();
      available_.pop_back();
      EXPECT_EQ(returned_.newest(), object);
      returned_.take();
    } else if (!vacant_.empty()) {
      object = vacant_.back();
      vacant_.pop_back();
      EXPECT_EQ(returned_.newest_vacant(), object);
      returned_.take_vacant();
    } else {
      object = all_.emplace_back(std::make_unique<Object>()).get();
      returned_.reserve("test", taken_.size() + lent_.size() + 1);
      returned_.put_taken(object, &object->place);
    }
    taken_.push_back(object);
    return object;
  }
  void put_back() {
    if (taken_.empty())
      return;
    if (random_() % 4 == 0)
      std::swap(taken_[random_() % taken_.size()], taken_.back());
    Object* const object = taken_.back();
    taken_.pop_back();
    if (!returned_.put_back_newest(object))
      returned_.put_back(object, &object->place);
    EXPECT_FALSE(returned_.put_back_newest(object));
    available_.push_back(object);
  }
  void lend() {
    Object* const object = take();
    taken_.pop_back();
    EXPECT_EQ(returned_.lend(), &object->place);
    EXPECT_FALSE(returned_.put_back_newest(object));
    lent_.push_back(object);
  }
  void return_lent() {
    if (lent_.empty())
      return;
    if (random_() % 2 == 0)
      std::swap(lent_[random_() % lent_.size()], lent_.back());
    Object* const object = lent_.back();
    lent_.pop_back();
    if (!returned_.put_back_newest_lent(object, &object->place))
      returned_.put_back(object, &object->place);
    EXPECT_FALSE(returned_.put_back_newest_lent(object, &object->place));
    available_.push_back(object);
  }
  void vacate() {
    lower();
    for (std::size_t i = random_() % (available_.size() + 1); i != 0; --i) {
      Object* const object = available_.front();
      available_.pop_front();
      EXPECT_EQ(returned_.vacate_lowest(), object);
      vacant_.push_back(object);
    }
  }
  // Some of those available: the model asks in which order they came out.
  void lower() {
    std::vector<Object*> lowered, kept;
    for (Object* const object : available_)
      (random_() % 4 == 0 ? lowered : kept).push_back(object);
    for (Object* const object : lowered)
      object->place = ReturnedStack::leaving;
    returned_.lower();
    std::sort(lowered.begin(), lowered.end(),
              [](const Object* a, const Object* b) { return a->place < b->place; });
    available_.assign(lowered.begin(), lowered.end());
    available_.insert(available_.end(), kept.begin(), kept.end());
  }
  void drop() {
    std::erase_if(vacant_, [this](Object* object) {
      const bool leaves = random_() % 2 == 0;
      if (leaves)
        object->place = ReturnedStack::leaving;
      return leaves;
    });
    returned_.drop_vacant();
    const std::size_t all = taken_.size() + lent_.size() + available_.size() + vacant_.size();
    returned_.fit(all);
    EXPECT_GE(returned_.room(), all);
    EXPECT_LE(returned_.room(), all + all / 2 + 16);
  }

  std::mt19937 random_;
  std::size_t steps_ = 0;
  std::vector<std::unique_ptr<Object>> all_;
  std::vector<Object*> taken_, lent_, vacant_; // what came last is last
  std::deque<Object*> available_;
  ReturnedStack returned_;
};

TEST(ReturnedStack, StaysTrueUnderAnyOrderOfCalls) {
  for (const unsigned seed : {1u, 2u, 3u, 4u}) {
    AgainstModel model(seed);
    for (int i = 0; i != 5000; ++i) {
      model.step();
      if (i % 10 == 0)
        model.check();
      if (testing::Test::HasFailure())
        return;
    }
  }
}

// Every number of objects is available at once, so that the room is used to its end.
TEST(ReturnedStack, HasRoomForAllThatWasReserved) {
  std::vector<Object> objects(100);
  for (std::size_t count = 1; count != objects.size(); ++count) {
    ReturnedStack returned;
    for (std::size_t i = 0; i != count; ++i) {
      returned.reserve("test", i + 1);
      returned.put_taken(&objects[i], &objects[i].place);
    }
    for (std::size_t i = 0; i != count; ++i)
      returned.put_back(&objects[i], &objects[i].place);
    ASSERT_EQ(returned.available(), count);
    ASSERT_EQ(returned.newest(), &objects[count - 1]);
  }
}

// An object may come to lie where one did that was dropped.
TEST(ReturnedStack, WhatWasDroppedIsForgotten) {
  ReturnedStack returned;
  Object one, two;
  for (int round = 0; round != 2; ++round) {
    returned.reserve("test", 2);
    returned.put_taken(&one, &one.place);
    returned.put_taken(&two, &two.place);
    EXPECT_TRUE(returned.put_back_newest(&two));
    EXPECT_FALSE(returned.put_back_newest(&two));
    returned.put_back(&one, &one.place);
    returned.take();
    returned.take();
    returned.put_back(&one, &one.place);
    returned.put_back(&two, &two.place);
    EXPECT_EQ(returned.vacate_lowest(), &one);
    EXPECT_EQ(returned.vacate_lowest(), &two);
    one.place = two.place = ReturnedStack::leaving;
    returned.drop_vacant();
    EXPECT_EQ(returned.vacant(), 0u);
  }
  returned.put_taken(&two, &two.place);
  EXPECT_TRUE(returned.put_back_newest(&two));
  EXPECT_FALSE(returned.put_back_newest(&two));
}

TEST(ReturnedStack, WhatLeavesIsLowestAndTheOthersStayInOrder) {
  ReturnedStack returned;
  std::vector<Object> objects(8);
  returned.reserve("test", objects.size());
  for (Object& object : objects) {
    returned.put_taken(&object, &object.place);
    returned.put_back(&object, &object.place);
  }
  for (const std::size_t i : {1u, 4u, 7u})
    objects[i].place = ReturnedStack::leaving;
  returned.lower();
  for (int i = 0; i != 3; ++i) {
    const void* const lowest = returned.vacate_lowest();
    EXPECT_TRUE(lowest == &objects[1] || lowest == &objects[4] || lowest == &objects[7]);
  }
  for (const std::size_t i : {6u, 5u, 3u, 2u, 0u}) {
    EXPECT_EQ(returned.state(&objects[i], objects[i].place), State::available);
    EXPECT_EQ(returned.newest(), &objects[i]);
    returned.take();
  }
  EXPECT_FALSE(returned.at_hand());
}

TEST(ReturnedStack, RoomFollowsWhatIsThere) {
  ReturnedStack returned;
  std::vector<Object> objects(1000);
  returned.reserve("test", objects.size());
  EXPECT_GE(returned.room(), 1000u);
  returned.fit(1000);
  EXPECT_GE(returned.room(), 1000u);
  for (Object& object : objects) {
    returned.put_taken(&object, &object.place);
    returned.put_back(&object, &object.place);
  }
  for (std::size_t i = 0; i != 990; ++i) {
    (void)returned.vacate_lowest();
    objects[i].place = ReturnedStack::leaving;
  }
  returned.drop_vacant();
  returned.fit(10);
  EXPECT_GE(returned.room(), 10u);
  EXPECT_LE(returned.room(), 20u);
  EXPECT_EQ(returned.available(), 10u);
  EXPECT_EQ(returned.newest(), &objects[999]);
  for (std::size_t i = 0; i != 10; ++i) {
    (void)returned.vacate_lowest();
    objects[990 + i].place = ReturnedStack::leaving;
  }
  returned.drop_vacant();
  returned.fit(0);
  EXPECT_EQ(returned.room(), 0u);
  returned.reserve("test", 1); // and goes on
  returned.put_taken(&objects[0], &objects[0].place);
  EXPECT_TRUE(returned.put_back_newest(&objects[0]));
}

TEST(ReturnedStack, WhatIsClosedHasNothingAndTakesNothing) {
  ReturnedStack returned;
  Object one, two;
  returned.reserve("test", 2);
  returned.put_taken(&one, &one.place);
  returned.put_back(&one, &one.place);
  returned.put_taken(&two, &two.place);
  EXPECT_FALSE(returned.closed());

  auto* const end = returned.close();
  EXPECT_TRUE(returned.closed());
  EXPECT_FALSE(returned.at_hand());
  EXPECT_EQ(returned.available(), 0u);
  EXPECT_FALSE(returned.put_back_newest(&two));
  EXPECT_FALSE(returned.put_back_newest_lent(&two, &two.place));
  returned.open(end);
  EXPECT_FALSE(returned.closed());
  EXPECT_EQ(returned.available(), 1u);
  EXPECT_TRUE(returned.put_back_newest(&two));
  EXPECT_EQ(returned.available(), 2u);
}

TEST(ReturnedStack, AMoveTakesEverything) {
  ReturnedStack from;
  Object object;
  from.reserve("test", 1);
  from.put_taken(&object, &object.place);
  from.put_back(&object, &object.place);
  ReturnedStack to(std::move(from));
  EXPECT_EQ(to.available(), 1u);
  EXPECT_EQ(to.state(&object, object.place), State::available);
  EXPECT_EQ(from.available(), 0u); // NOLINT(bugprone-use-after-move): it has nothing
  EXPECT_FALSE(from.put_back_newest(&object));
}

TEST(ReturnedStack, WithoutRoomThereIsNothing) {
  const ReturnedStack returned;
  EXPECT_FALSE(returned.at_hand());
  EXPECT_FALSE(returned.closed());
  EXPECT_EQ(returned.available() + returned.vacant(), 0u);
  EXPECT_EQ(returned.room(), 0u);
  EXPECT_EQ(returned.state(&returned, 0), State::taken);
}

TEST(ReturnedStack, AHeapThatRefusesIsTheOwnersExhausted) {
  ReturnedStack returned;
  Object object;
  returned.reserve("test", 1);
  returned.put_taken(&object, &object.place);
  returned.put_back(&object, &object.place);
  EXPECT_EQ(test::error([&] { returned.reserve("arena", SIZE_MAX / 2); }),
            "Exhausted(system_refused) arena: the heap refused " + std::to_string(SIZE_MAX) +
                " bytes for its records");
#if SIZE_MAX > UINT32_MAX // else a heap may have as much
  EXPECT_EQ(test::kind([&] { returned.reserve("arena", SIZE_MAX / 16384); }),
            "Exhausted(system_refused)");
#endif
  EXPECT_EQ(returned.newest(), &object);
}

} // namespace
