// What every strategy that makes objects keeps true.
#include "strategies.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace allot;
using conformance::is_exhausted, conformance::room;
using test::Witness;

namespace {

using Log = std::vector<int>;

template <class Config>
class Objects : public conformance::Suite<Config> {};
using Creating =
    testing::Types<conformance::On<Arena, conformance::Heap>,
                   conformance::On<Scratch, conformance::Borrowed<7>>, conformance::RegionOnHeap>;
TYPED_TEST_SUITE(Objects, Creating, conformance::Names);

// Counts the objects that live, by address; the constructor that makes more than `limit` throws.
class Counted {
public:
  Counted() {
    if (live == limit)
      throw std::runtime_error("one too many");
    number = live++;
  }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { destroyed.push_back(number), --live; }

  static inline int live = 0;
  static inline int limit = -1;
  static inline Log destroyed;
  static void start(int most = -1) {
    live = 0;
    limit = most;
    destroyed.clear();
  }
  int number;
};

TYPED_TEST(Objects, AreDestroyedOnceNewestFirstByReset) {
  Log log;
  auto s = this->make();
  for (int i = 0; i != 5; ++i) {
    EXPECT_EQ(s.template create<Witness>(log, i)->number(), i);
    (void)s.allocate(8);
  }
  EXPECT_EQ(s.objects(), 5u);
  s.reset();
  EXPECT_EQ(log, (Log{4, 3, 2, 1, 0}));
  EXPECT_EQ(s.objects(), 0u);
  s.reset();
  s.release();
  EXPECT_EQ(log.size(), 5u);
}

TYPED_TEST(Objects, AreDestroyedOnceNewestFirstByReleaseAndByTheEnd) {
  Log log;
  {
    auto s = this->make();
    s.template create<Witness>(log, 1);
    s.template create<Witness>(log, 2);
    s.release();
    EXPECT_EQ(log, (Log{2, 1}));
    EXPECT_EQ(s.objects(), 0u);
  }
  EXPECT_EQ(log, (Log{2, 1}));
  {
    auto s = this->make();
    s.template create<Witness>(log, 3);
    s.template create<Witness>(log, 4);
  }
  EXPECT_EQ(log, (Log{2, 1, 4, 3}));
}

TYPED_TEST(Objects, GoWithAMove) {
  Log log;
  {
    auto from = this->make();
    from.template create<Witness>(log, 1);
    auto to = std::move(from);
    EXPECT_EQ(to.objects(), 1u);
    EXPECT_EQ(from.objects(), 0u);
    from.release();
    EXPECT_TRUE(log.empty());
    to.template create<Witness>(log, 2);
    auto other = this->make();
    other.template create<Witness>(log, 3);
    to = std::move(other); // whose own are destroyed
    EXPECT_EQ(log, (Log{2, 1}));
  }
  EXPECT_EQ(log, (Log{2, 1, 3}));
}

TYPED_TEST(Objects, WithoutDestructorsCostNoRecord) {
  auto s = this->make();
  EXPECT_EQ(*s.template create<int>(7), 7);
  EXPECT_EQ(s.used(), 8u);
  EXPECT_EQ(*s.template create<std::uint64_t>(), 0u);
  EXPECT_EQ(s.used(), 16u);
  const std::span<std::uint64_t> array = s.template create_array<std::uint64_t>(4);
  EXPECT_EQ(array.size(), 4u);
  EXPECT_TRUE(test::is_aligned(array.data(), 8));
  EXPECT_TRUE(s.owns(&array.back()) && s.owns(reinterpret_cast<std::byte*>(&*array.end()) - 1));
  EXPECT_EQ(s.used(), 48u);
  EXPECT_EQ(s.objects(), 0u);
}

TYPED_TEST(Objects, TheirRecordsCountAsUsed) {
  Log log;
  auto s = this->make();
  s.template create<Witness>(log, 1);
  EXPECT_GT(s.used(), sizeof(Witness));
  EXPECT_LE(s.used(), sizeof(Witness) + 16);
}

template <std::size_t alignment>
struct alignas(alignment) Aligned {
  ~Aligned() { destroyed += value == 7; }
  int value = 7;
  static inline int destroyed = 0;
};

TYPED_TEST(Objects, AreAlignedAsTheirTypesAre) {
  const auto check = [&]<std::size_t alignment>(std::integral_constant<std::size_t, alignment>) {
    using T = Aligned<alignment>;
    T::destroyed = 0;
    auto s = this->make();
    (void)s.allocate(8);
    EXPECT_TRUE(test::is_aligned(s.template create<T>(), alignment));
    (void)s.allocate(8);
    for (const T& object : s.template create_array<T>(3))
      EXPECT_TRUE(test::is_aligned(&object, alignment));
    EXPECT_EQ(s.objects(), 4u);
    s.reset();
    EXPECT_EQ(T::destroyed, 4);
  };
  check(std::integral_constant<std::size_t, 4>());
  check(std::integral_constant<std::size_t, 16>());
  check(std::integral_constant<std::size_t, 64>());
  check(std::integral_constant<std::size_t, 128>());
  check(std::integral_constant<std::size_t, 4096>());
}

TYPED_TEST(Objects, ArraysAreValueInitialisedAndDestroyedNewestFirst) {
  Counted::start();
  auto s = this->make();
  const std::span<Counted> array = s.template create_array<Counted>(4);
  EXPECT_EQ(array.size(), 4u);
  EXPECT_EQ(array[3].number, 3);
  s.template create<Counted>();
  EXPECT_EQ(s.objects(), 5u);
  s.reset();
  EXPECT_EQ(Counted::destroyed, (Log{4, 3, 2, 1, 0}));

  auto dirty = this->make({.zero = false});
  test::fill(dirty.allocate(64), 64);
  dirty.reset();
  for (const int number : dirty.template create_array<int>(16))
    EXPECT_EQ(number, 0);
}

TYPED_TEST(Objects, AnArrayOfNoneOwesNothing) {
  auto s = this->make();
  EXPECT_TRUE(s.template create_array<std::string>(0).empty());
  EXPECT_TRUE(s.template create_array<int>(0).empty());
  EXPECT_EQ(s.objects(), 0u);
  EXPECT_EQ(s.used(), 0u);
}

TYPED_TEST(Objects, AnArrayThatCannotFitIsRefusedAndChangesNothing) {
  Counted::start();
  auto s = this->make();
  s.template create<Counted>();
  const test::State before = test::state(s);
  for (const std::size_t count : {room, SIZE_MAX, SIZE_MAX / sizeof(Counted),
                                  SIZE_MAX / sizeof(Counted) + 1, SIZE_MAX / sizeof(Counted) - 7}) {
    EXPECT_TRUE(is_exhausted([&] { s.template create_array<Counted>(count); })) << count;
    EXPECT_TRUE(is_exhausted([&] { s.template create_array<std::uint64_t>(count); })) << count;
  }
  using Large = std::array<std::string, room / sizeof(std::string) + 1>;
  EXPECT_TRUE(is_exhausted([&] { s.template create<Large>(); }));
  EXPECT_EQ(Counted::live, 1);
  EXPECT_EQ(test::state(s), before);
  EXPECT_EQ(s.objects(), 1u);
}

TYPED_TEST(Objects, AConstructorThatThrowsLeavesNothingBehind) {
  Counted::start(1);
  auto s = this->make();
  s.template create<Counted>();
  const std::size_t used = s.used();
  EXPECT_THROW(s.template create<Counted>(), std::runtime_error);
  EXPECT_EQ(s.used(), used);
  EXPECT_EQ(s.objects(), 1u);

  struct Plain { // no destructor, so no record
    Plain() { throw std::runtime_error("always"); }
    std::uint64_t bytes[4];
  };
  EXPECT_THROW(s.template create<Plain>(), std::runtime_error);
  EXPECT_THROW(s.template create_array<Plain>(3), std::runtime_error);
  EXPECT_EQ(s.used(), used);
  s.reset();
  EXPECT_EQ(Counted::destroyed, Log{0});
}

TYPED_TEST(Objects, AConstructorThatThrowsInAnArrayDestroysThoseBeforeNewestFirst) {
  Counted::start(4);
  auto s = this->make();
  s.template create<Counted>();
  const std::size_t used = s.used();
  EXPECT_THROW(s.template create_array<Counted>(10), std::runtime_error);
  EXPECT_EQ(Counted::destroyed, (Log{3, 2, 1}));
  EXPECT_EQ(s.used(), used);
  EXPECT_EQ(s.objects(), 1u);
  s.reset();
  EXPECT_EQ(Counted::destroyed, (Log{3, 2, 1, 0}));
}

TYPED_TEST(Objects, TryCreateMakesOneOrGivesNull) {
  Counted::start();
  auto s = this->make();
  ASSERT_NE(s.template try_create<Counted>(), nullptr);
  EXPECT_EQ(s.objects(), 1u);
  while (s.available() >= sizeof(Cleanups::Record) + sizeof(Counted))
    ASSERT_NE(s.template try_create<Counted>(), nullptr);
  const test::State full = test::state(s);
  EXPECT_EQ(s.template try_create<Counted>(), nullptr);
  EXPECT_TRUE(is_exhausted([&] { s.template create<Counted>(); }));
  EXPECT_EQ(test::state(s), full);
  s.reset();
  EXPECT_EQ(Counted::live, 0);
  s.release();
  if (s.freed()) {
    EXPECT_EQ(s.template try_create<Counted>(), nullptr);
  }
}

TYPED_TEST(Objects, WhatAConstructorThrowsPassesThroughTryCreate) {
  Counted::start(0);
  auto s = this->make();
  EXPECT_THROW((void)s.template try_create<Counted>(), std::runtime_error);
  EXPECT_EQ(s.used(), 0u);
  EXPECT_EQ(s.objects(), 0u);
}

TYPED_TEST(Objects, TryCreateRefusesAConstructorThatTakesItsMemoryBack) {
  using S = typename TypeParam::Strategy;
  struct Resets {
    explicit Resets(S& s) { s.reset(); }
  };
  auto s = this->make();
  EXPECT_EQ(s.template try_create<Resets>(s), nullptr);
  EXPECT_EQ(s.used(), 0u);
}

// Where no destructor is ever run, only what needs none is made.
template <class Config>
class PlainObjects : public conformance::Suite<Config> {};
using CreatingPlain = testing::Types<conformance::On<Bump, conformance::Heap>,
                                     conformance::On<Bump, conformance::Borrowed<7>>,
                                     conformance::Reserved<Commit::demand>>;
TYPED_TEST_SUITE(PlainObjects, CreatingPlain, conformance::Names);

struct Point {
  int x = 1, y = 2;
};

TYPED_TEST(PlainObjects, AreMadeInPlace) {
  auto s = this->make();
  const Point* const point = s.template create<Point>(3, 4);
  EXPECT_TRUE(s.owns(point));
  EXPECT_EQ(point->y, 4);
  EXPECT_EQ(s.used(), sizeof(Point)); // no record
  const std::span<Point> points = s.template create_array<Point>(10);
  EXPECT_EQ(points.size(), 10u);
  EXPECT_EQ(points[9].y, 2);
  EXPECT_NE(s.template try_create<Point>(), nullptr);
  EXPECT_TRUE(is_exhausted([&] { (void)s.template create_array<Point>(room); }));
  while (s.template try_create<Point>() != nullptr) {
  }
  EXPECT_EQ(s.available(), 0u);
}

TYPED_TEST(PlainObjects, AConstructorThatThrowsLeavesNothingBehind) {
  struct Throws {
    Throws() { throw std::runtime_error("always"); }
    std::uint64_t bytes[4];
  };
  auto s = this->make();
  EXPECT_THROW(s.template create<Throws>(), std::runtime_error);
  EXPECT_THROW((void)s.template try_create<Throws>(), std::runtime_error);
  EXPECT_THROW(s.template create_array<Throws>(3), std::runtime_error);
  EXPECT_EQ(s.used(), 0u);
}

// Makes another object in the same strategy, then throws if it shall.
template <class S>
struct Nesting {
  Nesting(S& s, Log& log, bool fails) : inner(s.template create<Witness>(log, 1)) {
    if (fails)
      throw std::runtime_error("outer");
  }
  ~Nesting() { EXPECT_EQ(inner->number(), 1); } // which was finished later, and goes later
  Witness* inner;
};

TYPED_TEST(Objects, AConstructorMayMakeOthers) {
  using S = typename TypeParam::Strategy;
  Log log;
  auto s = this->make();
  s.template create<Nesting<S>>(s, log, false);
  EXPECT_EQ(s.objects(), 2u);
  s.reset();
  EXPECT_EQ(log, Log{1});
}

TYPED_TEST(Objects, AConstructorThatMadeOthersAndThrowsKeepsThem) {
  using S = typename TypeParam::Strategy;
  Log log;
  auto s = this->make();
  EXPECT_THROW((s.template create<Nesting<S>>(s, log, true)), std::runtime_error);
  EXPECT_EQ(s.objects(), 1u);
  EXPECT_TRUE(log.empty());
  void* const p = s.allocate(64);
  test::fill(p, 64); // which is not where the other object is
  s.reset();
  EXPECT_EQ(log, Log{1});
}

// Calls `then` while it is destroyed.
struct AtTheEnd {
  explicit AtTheEnd(std::function<void()> call) : then(std::move(call)) {}
  ~AtTheEnd() { then(); }
  std::function<void()> then;
};

TYPED_TEST(Objects, AConstructorThatTakesItsOwnMemoryBackIsRefused) {
  using S = typename TypeParam::Strategy;
  struct Resets {
    explicit Resets(S& s) { s.reset(); }
  };
  auto s = this->make();
  (void)s.allocate(8);
  EXPECT_EQ(test::kind([&] { s.template create<Resets>(s); }), "Misuse(busy)");
  EXPECT_EQ(s.used(), 0u);
  EXPECT_NE(s.try_allocate(8), nullptr);
}

TYPED_TEST(Objects, AggregatesAreMadeFromTheirMembers) {
  struct Pair {
    int first;
    std::string second;
  };
  auto s = this->make();
  const Pair& pair = *s.template create<Pair>(1, "two");
  EXPECT_EQ(pair.first, 1);
  EXPECT_EQ(pair.second, "two");
}

TYPED_TEST(Objects, AssignmentFromADestructorIsReportedAndIgnored) {
  const test::ReportedMisuse reported;
  Log log;
  auto s = this->make();
  void* const p = s.allocate(8);
  auto other = this->make();
  s.template create<Witness>(log, 1);
  s.template create<AtTheEnd>([&] { s = std::move(other); });
  s.reset();
  ASSERT_EQ(reported.texts().size(), 1u);
  EXPECT_TRUE(reported.texts()[0].ends_with(": assigned to while its own destructors run"));
  EXPECT_EQ(log, Log{1});
  EXPECT_EQ(s.allocate(8), p);
  EXPECT_NE(other.try_allocate(8), nullptr);
}

TYPED_TEST(Objects, WhileTheyAreDestroyedAllIsClosed) {
  auto s = this->make();
  std::vector<std::string> kinds;
  bool refused = false;
  const auto misbehave = [&] {
    kinds = {test::kind([&] { return s.allocate(8); }),
             test::kind([&] { return s.allocate(0); }),
             test::kind([&] { return s.allocate(8, 64); }),
             test::kind([&] { s.template create<std::string>(); }),
             test::kind([&] { return s.copy("text"); }),
             test::kind([&] { s.reset(); })};
    void* const p = s.try_allocate(8);
    refused = p == nullptr && s.try_allocate(0) == nullptr && s.try_allocate(8, 64) == nullptr;
  };
  void* const p = s.allocate(8);
  s.template create<AtTheEnd>([&] { EXPECT_FALSE(s.try_resize(p, 8, 8)); });
  s.template create<AtTheEnd>(misbehave);
  s.reset();
  EXPECT_EQ(kinds, std::vector<std::string>(6, "Misuse(busy)"));
  EXPECT_TRUE(refused);
  EXPECT_NE(s.try_allocate(room), nullptr);
  s.reset();

  kinds.clear();
  refused = false;
  s.template create<AtTheEnd>(misbehave);
  s.release();
  EXPECT_EQ(kinds, std::vector<std::string>(6, "Misuse(busy)"));
  EXPECT_TRUE(refused);
}

TYPED_TEST(Objects, ADestructorThatReleasesIsReportedAndIgnored) {
  const test::ReportedMisuse reported;
  Log log;
  auto s = this->make();
  s.template create<Witness>(log, 1);
  s.template create<AtTheEnd>([&] { s.release(); });
  s.reset();
  ASSERT_EQ(reported.texts().size(), 1u);
  EXPECT_TRUE(reported.texts()[0].starts_with("busy ")) << reported.texts()[0];
  EXPECT_EQ(log, Log{1});
  EXPECT_NE(s.try_allocate(8), nullptr);
}

TYPED_TEST(Objects, TheMemoryOfDestroyedOnesIsZeroAfterAReset) {
  auto s = this->make();
  for (int i = 0; i != 20; ++i)
    *s.template create<std::string>() = "long enough to be on the heap, " + std::to_string(i);
  s.reset();
  EXPECT_TRUE(test::holds(s.allocate(room), room, 0));
}

} // namespace
