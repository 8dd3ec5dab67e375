#include <allot/object_pool.hpp>

#include "support.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <functional>
#include <memory>
#include <memory_resource>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace allot;
using test::TestResource;

namespace {

using Log = std::vector<int>;
using Texts = std::vector<std::string>;

// {available, in_use, total_allocated, capacity}
using Numbers = std::array<std::size_t, 4>;
template <class Pool>
Numbers numbers(const Pool& pool) {
  const auto stats = pool.stats();
  return {stats.available, stats.in_use, stats.total_allocated, stats.capacity};
}

template <class Pool>
auto acquire(Pool& pool, std::size_t count) {
  std::vector<decltype(&pool.acquire())> objects(count);
  for (auto& object : objects)
    object = &pool.acquire();
  return objects;
}

TEST(ObjectPool, MakesNothingAtConstruction) {
  int made = 0;
  ObjectPool pool([&] { return ++made; }, [](int&) {}, 1000);
  pool.shrink(); // nothing, too
  EXPECT_EQ(made, 0);
  EXPECT_EQ(numbers(pool), (Numbers{0, 0, 0, 1000}));
}

TEST(ObjectPool, HandsOutTheOneReturnedLastResetOrElseANewOne) {
  Log resets;
  int made = 0;
  ObjectPool pool([&] { return made++; }, [&](int& n) { resets.push_back(n); }, 4);
  int& zero = pool.acquire();
  int& one = pool.acquire();
  EXPECT_EQ(zero, 0);
  EXPECT_EQ(one, 1);
  pool.give_back(one);
  pool.give_back(zero);
  EXPECT_TRUE(resets.empty()); // before reuse, not at return
  EXPECT_EQ(&pool.acquire(), &zero);
  EXPECT_EQ(&pool.acquire(), &one);
  EXPECT_EQ(resets, (Log{0, 1}));
  EXPECT_EQ(pool.acquire(), 2);
  EXPECT_EQ(resets.size(), 2u);
}

TEST(ObjectPool, DeducesWhatItHolds) {
  ObjectPool from_lambda([] { return std::string(); }, [](std::string&) {}, 1);
  static_assert(std::is_same_v<decltype(from_lambda.acquire()), std::string&>);
  static const std::string shared = "a copy of this";
  ObjectPool from_reference([]() -> const std::string& { return shared; }, LeaveAsIs(), 1);
  static_assert(std::is_same_v<decltype(from_reference.acquire()), std::string&>);
  EXPECT_EQ(from_reference.acquire(), shared);
  EXPECT_NE(&from_reference.acquire(), &shared);
  std::function<int()> make = [] { return 7; };
  std::function<void(int&)> reset = [](int& n) { n = 8; };
  ObjectPool from_functions(make, reset, 1);
  static_assert(std::is_same_v<decltype(from_functions),
                               ObjectPool<int, std::function<int()>, std::function<void(int&)>>>);
  int& number = from_functions.acquire();
  EXPECT_EQ(number, 7);
  from_functions.give_back(number);
  EXPECT_EQ(from_functions.acquire(), 8);
}

TEST(ObjectPool, IsDeducedFromItsConstructorFunctionAlone) {
  const auto make = [] { return std::string("new"); };
  ObjectPool pool(make);
  static_assert(std::is_same_v<decltype(pool.acquire()), std::string&>);
  EXPECT_EQ(pool.acquire(), "new");
  EXPECT_EQ(pool.capacity(), 0u);
  ObjectPool hinted(make, 8);
  EXPECT_EQ(hinted.capacity(), 8u);
  ObjectPool named(make, 8, {.name = "strings"});
  EXPECT_STREQ(named.name(), "strings");
  ObjectPool resetting(make, [](std::string& s) { s = "again"; });
  std::string& lent = resetting.acquire();
  resetting.give_back(lent);
  EXPECT_EQ(resetting.acquire(), "again");
}

TEST(ObjectPool, VisitsWhatIsInUse) {
  ObjectPool<int> pool(4);
  std::vector<int*> objects;
  for (int i = 0; i != 40; ++i) { // more than a chunk
    objects.push_back(&pool.acquire());
    *objects.back() = i;
  }
  for (std::size_t i = 0; i < objects.size(); i += 2)
    pool.give_back(*objects[i]);
  std::vector<int> seen;
  pool.for_each([&](int& object) { seen.push_back(object++); });
  std::sort(seen.begin(), seen.end());
  std::vector<int> odd;
  for (int i = 1; i < 40; i += 2)
    odd.push_back(i);
  EXPECT_EQ(seen, odd);
  EXPECT_EQ(*objects[1], 2); // it may be changed
  EXPECT_EQ(pool.used(), 20u);
  EXPECT_EQ(test::kind([&] { pool.for_each([&](int&) { (void)pool.acquire(); }); }),
            "Misuse(busy)");
  EXPECT_EQ(pool.used(), 20u);
  pool.release();
  EXPECT_EQ(test::kind([&] { pool.for_each([](int&) {}); }), "Misuse(released)");
}

TEST(ObjectPool, TrimLeavesAsManyAsItIsTold) {
  ObjectPool<int> pool(100);
  std::vector<int*> objects;
  for (int i = 0; i != 50; ++i)
    objects.push_back(&pool.acquire());
  for (int* const object : objects)
    pool.give_back(*object);
  pool.trim(60);
  EXPECT_EQ(pool.available(), 50u);
  pool.trim(7);
  EXPECT_EQ(pool.available(), 7u);
  const std::size_t held = pool.stats().memory.committed;
  EXPECT_GT(held, 0u);
  pool.trim();
  EXPECT_EQ(pool.available(), 0u);
  EXPECT_EQ(pool.stats().memory.committed, 0u);
  EXPECT_EQ(pool.peak(), 50u);
  pool.reset_peak();
  EXPECT_EQ(pool.peak(), 0u);
  EXPECT_NE(&pool.acquire(), nullptr);
}

TEST(ObjectPool, WithoutCallablesValueInitialisesAndLeavesObjectsAsTheyAre) {
  ObjectPool<int> pool(2);
  int& number = pool.acquire();
  EXPECT_EQ(number, 0);
  number = 7;
  pool.give_back(number);
  EXPECT_EQ(pool.acquire(), 7);
}

TEST(ObjectPool, CallablesMayHaveStateAndOnlyMove) {
  int made = 0;
  ObjectPool pool([&made, owned = std::make_unique<int>(5)] { return *owned + made++; },
                  [count = 0](int& n) mutable { n = ++count; }, 2);
  auto moved = std::move(pool);
  int& first = moved.acquire();
  EXPECT_EQ(first, 5);
  EXPECT_EQ(moved.acquire(), 6);
  moved.give_back(first);
  EXPECT_EQ(moved.acquire(), 1);
  moved.give_back(first);
  EXPECT_EQ(moved.acquire(), 2);
}

TEST(ObjectPool, PoolsOfCapturingLambdasCanBeAssigned) {
  int made = 0;
  const auto pool_of = [&](int first) {
    return ObjectPool([&made, first] { return ++made, first; }, [first](int& n) { n = -first; }, 2);
  };
  auto pool = pool_of(1);
  EXPECT_EQ(pool.acquire(), 1);
  pool = pool_of(2);
  EXPECT_EQ(numbers(pool), (Numbers{0, 0, 0, 2}));
  int& two = pool.acquire();
  EXPECT_EQ(two, 2);
  pool.give_back(two);
  EXPECT_EQ(pool.acquire(), -2);
}

TEST(ObjectPool, ObjectsNeedNotMove) {
  struct Immovable {
    explicit Immovable(int n) : number(n) {}
    Immovable(const Immovable&) = delete;
    Immovable& operator=(const Immovable&) = delete;
    int number;
  };
  ObjectPool pool([n = 0]() mutable { return Immovable(++n); }, [](Immovable&) {}, 1);
  EXPECT_EQ(pool.acquire().number, 1);
  EXPECT_EQ(pool.acquire().number, 2);
}

template <std::size_t alignment>
struct alignas(alignment) Aligned {
  char byte = 'x';
};

TEST(ObjectPool, ObjectsAreAlignedAsTheirTypesAre) {
  const auto check = []<std::size_t alignment>(std::integral_constant<std::size_t, alignment>) {
    ObjectPool<Aligned<alignment>> pool(3);
    for (const auto* object : acquire(pool, 100)) {
      EXPECT_TRUE(test::is_aligned(object, alignment));
      EXPECT_EQ(object->byte, 'x');
    }
  };
  check(std::integral_constant<std::size_t, 1>());
  check(std::integral_constant<std::size_t, 16>());
  check(std::integral_constant<std::size_t, 128>());
  check(std::integral_constant<std::size_t, 4096>());
}

TEST(ObjectPool, ObjectsNeverMoveAndNeverOverlap) {
  ObjectPool<std::uint64_t> pool(1);
  const auto objects = acquire(pool, 5000);
  for (std::size_t i = 0; i != objects.size(); ++i)
    *objects[i] = i;
  for (std::size_t i = 0; i != objects.size(); ++i)
    ASSERT_EQ(*objects[i], i);
  EXPECT_EQ(std::set(objects.begin(), objects.end()).size(), objects.size());
}

TEST(ObjectPool, TheCapacityIsAHint) {
  ObjectPool<int> none(0);
  (void)acquire(none, 100);
  EXPECT_EQ(numbers(none), (Numbers{0, 100, 100, 0}));
  for (const std::size_t hint : {SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 16384}) {
    ObjectPool<std::string> too_many(hint);
    EXPECT_EQ(numbers(too_many), (Numbers{0, 0, 0, hint}));
    const auto objects = acquire(too_many, 100);
    EXPECT_EQ(numbers(too_many), (Numbers{0, 100, 100, hint}));
    for (std::string* const object : objects)
      too_many.give_back(*object);
    too_many.shrink();
    EXPECT_EQ(numbers(too_many), (Numbers{100, 0, 100, hint}));
  }
}

TEST(ObjectPool, GetsItsMemoryFromUpstreamAndGivesItBack) {
  TestResource upstream; // which checks what it gets
  {
    ObjectPool<std::string> pool(16, {.upstream = &upstream});
    EXPECT_EQ(upstream.requests.size(), 0u);
    const auto objects = acquire(pool, 100); // 16, 32 and 64 of them
    EXPECT_EQ(upstream.live(), 3u);
    for (std::string* const object : objects)
      pool.give_back(*object);
    ObjectPool other([] { return 7; }, LeaveAsIs(), 1, {.upstream = &upstream});
    (void)other.acquire();
    EXPECT_EQ(upstream.live(), 4u);
    pool.shrink();
    EXPECT_EQ(upstream.live(), 2u); // 16 are left, in the first chunk
    auto moved = std::move(pool);
    (void)acquire(moved, 16 + 32);
    EXPECT_EQ(upstream.live(), 3u);
    (void)moved.acquire();
    EXPECT_EQ(upstream.live(), 4u);
    moved.release();
    EXPECT_EQ(upstream.live(), 1u);
  }
  EXPECT_EQ(upstream.live(), 0u);
}

TEST(ObjectPool, AnUpstreamThatRefusesChangesNothing) {
  using Answer = TestResource::Answer;
  for (const Answer answer : {Answer::null, Answer::exception, Answer::misaligned}) {
    for (const std::size_t capacity : test::Sizes{0, 1000}) {
      TestResource upstream;
      ObjectPool<int> pool(capacity, {.upstream = &upstream});
      upstream.answer = answer;
      EXPECT_THROW((void)pool.acquire(), std::bad_alloc);
      EXPECT_EQ(numbers(pool), (Numbers{0, 0, 0, capacity}));
      EXPECT_EQ(upstream.live(), 0u);
      upstream.answer = Answer::memory;
      auto objects = acquire(pool, 1);
      upstream.answer = answer;
      const auto until_refused = [&] {
        for (;;)
          objects.push_back(&pool.acquire());
      };
      EXPECT_THROW(until_refused(), std::bad_alloc);
      EXPECT_EQ(numbers(pool), (Numbers{0, objects.size(), objects.size(), capacity}));
      pool.give_back(*objects[0]); // which needs no memory
      EXPECT_EQ(&pool.acquire(), objects[0]);
    }
  }
}

// A doubled chunk is refused, a small one is not.
TEST(ObjectPool, GrowsByALittleWhereThereIsNotMuch) {
  struct Scarce : std::pmr::memory_resource {
    void* do_allocate(std::size_t bytes, std::size_t alignment) override {
      if (bytes > most)
        throw std::bad_alloc();
      return heap->allocate(bytes, alignment);
    }
    void do_deallocate(void* p, std::size_t bytes, std::size_t alignment) override {
      heap->deallocate(p, bytes, alignment);
    }
    [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
      return this == &other;
    }
    std::pmr::memory_resource* heap = std::pmr::new_delete_resource();
    std::size_t most = red_zones.stretch(20000);
  };
  Scarce upstream;
  ObjectPool<std::array<char, 100>> pool(0, {.upstream = &upstream});
  const auto objects = acquire(pool, 1000);
  EXPECT_EQ(std::set(objects.begin(), objects.end()).size(), 1000u);
  upstream.most = 0;
  EXPECT_THROW(acquire(pool, 1000), std::bad_alloc);
}

TEST(ObjectPool, CountsWhatIsAvailableInUseAndEverMade) {
  ObjectPool<int> pool(4);
  const auto objects = acquire(pool, 3);
  EXPECT_EQ(numbers(pool), (Numbers{0, 3, 3, 4}));
  pool.give_back(*objects[1]);
  EXPECT_EQ(numbers(pool), (Numbers{1, 2, 3, 4}));
  (void)pool.acquire();
  EXPECT_EQ(numbers(pool), (Numbers{0, 3, 3, 4}));
  (void)acquire(pool, 97);
  EXPECT_EQ(numbers(pool), (Numbers{0, 100, 100, 4}));
}

TEST(ObjectPool, RefusesWhatIsNotItsOwnOrWasReturned) {
  ObjectPool<std::array<int, 4>> pool(4);
  ObjectPool<std::array<int, 4>> other(4);
  auto& object = pool.acquire();
  auto& theirs = other.acquire();
  std::array<int, 4> local{};
  auto* const inside = reinterpret_cast<std::array<int, 4>*>(&object[1]);
  auto* const behind = reinterpret_cast<std::array<int, 4>*>(
      reinterpret_cast<std::byte*>(&object) + red_zones.stretch(sizeof object)); // not made yet
  const auto code = [&](std::array<int, 4>& it) { return test::kind([&] { pool.give_back(it); }); };
  const Numbers before = numbers(pool);
  EXPECT_EQ(code(local), "Misuse(foreign_pointer)");
  EXPECT_EQ(code(theirs), "Misuse(foreign_pointer)");
  EXPECT_EQ(code(*behind), "Misuse(foreign_pointer)");
  EXPECT_EQ(code(*inside), "Misuse(misaligned_pointer)");
  EXPECT_EQ(numbers(pool), before);
  pool.give_back(object);
  EXPECT_EQ(code(object), "Misuse(double_free)");
  EXPECT_EQ(code(*inside), "Misuse(misaligned_pointer)");
  EXPECT_EQ(numbers(pool), (Numbers{1, 0, 1, 4}));
}

TEST(ObjectPool, RefusesAnObjectThatItDestroyed) {
  ObjectPool<int> pool(1);
  const auto objects = acquire(pool, 10);
  for (int* const object : objects)
    pool.give_back(*object);
  pool.shrink();
  std::size_t refused = 0;
  for (int* const object : objects) {
    const std::string kind = test::kind([&] { pool.give_back(*object); });
    EXPECT_TRUE(kind == "Misuse(foreign_pointer)" || kind == "Misuse(double_free)") << kind;
    refused += kind == "Misuse(foreign_pointer)";
  }
  EXPECT_EQ(refused, 9u); // but the one that was kept
  EXPECT_EQ(numbers(pool), (Numbers{1, 0, 10, 1}));
}

TEST(ObjectPool, NamesItselfInErrors) {
  ObjectPool<int> pool(1);
  pool.release();
  EXPECT_EQ(test::error([&] { (void)pool.acquire(); }),
            "Misuse(released) object_pool: used after release");
}

struct Exploding {
  explicit Exploding(bool shall) {
    if (shall)
      throw std::runtime_error("make");
  }
};

TEST(ObjectPool, AMakeThatThrowsLosesNothing) {
  bool fails = false;
  ObjectPool pool([&] { return Exploding(fails); }, [](Exploding&) {}, 2);
  Exploding& first = pool.acquire();
  for (const bool recycled : {false, true}) { // in a fresh slot, and in that of a destroyed object
    if (recycled) {
      const auto more = acquire(pool, 4);
      for (Exploding* const object : more)
        pool.give_back(*object);
      pool.shrink();
      (void)acquire(pool, 2); // what is left
    }
    const Numbers before = numbers(pool);
    fails = true;
    for (int i = 0; i != 100; ++i)
      EXPECT_THROW((void)pool.acquire(), std::runtime_error);
    EXPECT_EQ(numbers(pool), before);
    fails = false;
    EXPECT_NE(&pool.acquire(), &first);
    EXPECT_EQ(pool.stats().in_use, before[1] + 1);
  }
}

TEST(ObjectPool, AResetThatThrowsLosesNothing) {
  bool fails = false;
  ObjectPool pool([n = 0]() mutable { return n++; },
                  [&](int&) {
                    if (fails)
                      throw std::runtime_error("reset");
                  },
                  2);
  int& object = pool.acquire();
  pool.give_back(object);
  fails = true;
  for (int i = 0; i != 3; ++i)
    EXPECT_THROW((void)pool.acquire(), std::runtime_error);
  EXPECT_EQ(numbers(pool), (Numbers{1, 0, 1, 2}));
  fails = false;
  EXPECT_EQ(&pool.acquire(), &object);
  EXPECT_EQ(object, 0);
}

TEST(ObjectPool, ItsCallablesMustNotUseIt) {
  ObjectPool<int, std::function<int()>, std::function<void(int&)>>* self = nullptr;
  int* taken = nullptr;
  Texts kinds;
  const auto misbehave = [&] {
    kinds = {test::kind([&] { (void)self->acquire(); }),
             test::kind([&] { self->give_back(*taken); }), test::kind([&] { self->shrink(); }),
             test::kind([&] { const auto lease = self->lease(); })};
  };
  const Texts busy(4, "Misuse(busy)");
  bool misbehaving_make = false;
  ObjectPool<int, std::function<int()>, std::function<void(int&)>> pool(
      [&] {
        if (misbehaving_make)
          misbehave();
        return 0;
      },
      [&](int&) { misbehave(); }, 2);
  self = &pool;
  taken = &pool.acquire();
  misbehaving_make = true;
  int& second = pool.acquire();
  EXPECT_EQ(kinds, busy);
  pool.give_back(second);
  kinds.clear();
  (void)pool.acquire(); // resets
  EXPECT_EQ(kinds, busy);
  EXPECT_EQ(numbers(pool), (Numbers{0, 2, 2, 2}));
}

TEST(ObjectPool, AReleaseByACallableIsReportedAndIgnored) {
  const test::ReportedMisuse reported;
  ObjectPool<int, std::function<int()>>* self = nullptr;
  ObjectPool<int, std::function<int()>> pool(
      [&] {
        self->release();
        return 7;
      },
      LeaveAsIs(), 2);
  self = &pool;
  EXPECT_EQ(pool.acquire(), 7);
  ASSERT_EQ(reported.texts().size(), 1u);
  EXPECT_TRUE(reported.texts()[0].starts_with("busy object_pool: "));
  EXPECT_EQ(numbers(pool), (Numbers{0, 1, 1, 2}));
}

TEST(ObjectPool, AMoveByACallableIsReportedAndIgnored) {
  const test::ReportedMisuse reported;
  using Pool = ObjectPool<int, ValueInitialise<int>, std::function<void(int&)>>;
  std::function<void()> misbehave = [] {};
  Pool pool(
      ValueInitialise<int>(), [&](int&) { misbehave(); }, 2);
  pool.give_back(pool.acquire());
  misbehave = [&] {
    Pool other(1);
    other = std::move(pool);
    EXPECT_EQ(numbers(other), (Numbers{0, 0, 0, 1}));
  };
  const int& object = pool.acquire();
  EXPECT_TRUE(pool.owns(&object));
  EXPECT_EQ(reported.texts(),
            Texts{"busy object_pool: moved with 0 leases out, by one of its callables"});
  EXPECT_EQ(numbers(pool), (Numbers{0, 1, 1, 2}));
}

// A pool whose constructor function assigns to it, once `self` is set.
struct AssignedByItself {
  using Pool = ObjectPool<int, std::function<int()>>;
  Pool* self = nullptr;
  Pool pool{[this] {
              if (self != nullptr)
                *self = Pool([] { return 8; }, LeaveAsIs(), 3);
              return 7;
            },
            LeaveAsIs(), 2};
};

TEST(ObjectPool, AnAssignmentByACallableIsReportedAndIgnored) {
  const test::ReportedMisuse reported;
  AssignedByItself by_itself;
  auto& pool = by_itself.pool;
  by_itself.self = &pool;
  EXPECT_EQ(pool.acquire(), 7);
  EXPECT_EQ(pool.acquire(), 7);
  const char* const report =
      "busy object_pool: assigned to with 0 leases out, by one of its callables";
  EXPECT_EQ(reported.texts(), (Texts{report, report}));
  EXPECT_EQ(numbers(pool), (Numbers{0, 2, 2, 2}));
}

TEST(ObjectPool, AnAssignmentThatIsRefusedForgetsNoLease) {
  const test::ReportedMisuse reported;
  AssignedByItself by_itself;
  auto& pool = by_itself.pool;
  {
    const auto lease = pool.lease();
    by_itself.self = &pool;
    (void)pool.acquire();
    pool.release();
    EXPECT_EQ(*lease, 7);
    EXPECT_EQ(reported.texts(),
              (Texts{"busy object_pool: assigned to with 1 leases out, by one of its callables",
                     "busy object_pool: released with 1 leases out"}));
  }
  EXPECT_EQ(numbers(pool), (Numbers{1, 1, 2, 2}));
}

TEST(ObjectPool, AllObjectsCountAsInUseWhileACallableRuns) {
  ObjectPool<int, ValueInitialise<int>, std::function<void(int&)>>* self = nullptr;
  Numbers during{};
  bool owns_destroyed = true;
  const int* destroyed = nullptr;
  ObjectPool<int, ValueInitialise<int>, std::function<void(int&)>> pool(
      ValueInitialise<int>(),
      [&](int&) {
        during = numbers(*self);
        owns_destroyed = self->owns(destroyed);
      },
      1);
  self = &pool;
  const auto objects = acquire(pool, 3);
  destroyed = objects[0];
  pool.give_back(*objects[0]);
  pool.give_back(*objects[1]);
  pool.shrink();
  (void)pool.acquire(); // resets
  EXPECT_EQ(during, (Numbers{0, 2, 3, 1}));
  EXPECT_FALSE(owns_destroyed);
  EXPECT_EQ(numbers(pool), (Numbers{0, 2, 3, 1}));
}

// The first address behind the objects, which bookkeeping follows.
TEST(ObjectPool, RefusesWhatLiesBehindItsObjectsThoughOneIsOnALease) {
  ObjectPool<long> pool(16);
  const auto lease = pool.lease();
  auto* const behind = reinterpret_cast<long*>(reinterpret_cast<std::byte*>(&*lease) +
                                               16 * red_zones.stretch(round_up(sizeof(long))));
  EXPECT_EQ(test::kind([&] { pool.give_back(*behind); }), "Misuse(foreign_pointer)");
  EXPECT_EQ(numbers(pool), (Numbers{0, 1, 1, 16}));
}

// As stacks of leases and objects do that are held on and given back in another order.
TEST(ObjectPool, LeasesAndObjectsComeBackInAnyOrder) {
  ObjectPool<int> pool(4);
  for (int*& object : acquire(pool, 4))
    pool.give_back(*object);
  auto first = std::make_unique<ObjectPool<int>::Lease>(pool);
  int& taken = pool.acquire();
  auto second = std::make_unique<ObjectPool<int>::Lease>(pool);
  EXPECT_EQ(test::kind([&] { pool.give_back(**first); }), "Misuse(busy)");
  EXPECT_EQ(test::kind([&] { pool.give_back(**second); }), "Misuse(busy)");
  int* const leased_first = &**first;
  int* const leased_second = &**second;
  first.reset();
  EXPECT_EQ(test::kind([&] { pool.give_back(*leased_first); }), "Misuse(double_free)");
  EXPECT_EQ(test::kind([&] { pool.give_back(**second); }), "Misuse(busy)");
  pool.give_back(taken);
  EXPECT_EQ(test::kind([&] { pool.give_back(taken); }), "Misuse(double_free)");
  second.reset();
  EXPECT_EQ(test::kind([&] { pool.give_back(*leased_second); }), "Misuse(double_free)");
  EXPECT_EQ(&pool.acquire(), leased_second);
  EXPECT_EQ(&pool.acquire(), &taken);
  EXPECT_EQ(&pool.acquire(), leased_first);
  EXPECT_EQ(numbers(pool), (Numbers{1, 3, 4, 4}));
}

struct Logged {
  Logged(Log& destroyed, int name) : log(destroyed), number(name) {}
  Logged(const Logged&) = delete;
  Logged& operator=(const Logged&) = delete;
  ~Logged() { log.push_back(number); }
  Log& log;
  int number;
};

TEST(ObjectPool, ReleaseAndTheEndDestroyAllObjectsThoseInUseToo) {
  Log log;
  const auto make = [&log, n = 0]() mutable { return Logged(log, n++); };
  {
    ObjectPool pool(make, LeaveAsIs(), 2);
    const auto objects = acquire(pool, 40);
    for (std::size_t i = 0; i != 40; i += 2)
      pool.give_back(*objects[i]);
    pool.release();
    EXPECT_EQ(std::set(log.begin(), log.end()).size(), 40u);
    EXPECT_EQ(log.size(), 40u);
    EXPECT_EQ(pool.stats().available + pool.stats().in_use, 0u);
    EXPECT_EQ(test::kind([&] { (void)pool.acquire(); }), "Misuse(released)");
    EXPECT_EQ(test::kind([&] { pool.give_back(*objects[0]); }), "Misuse(released)");
    EXPECT_EQ(test::kind([&] { pool.shrink(); }), "Misuse(released)");
    EXPECT_EQ(test::kind([&] { const auto lease = pool.lease(); }), "Misuse(released)");
    EXPECT_FALSE(pool.owns(objects[1]));
    pool.release();
  }
  EXPECT_EQ(log.size(), 40u);
  {
    ObjectPool pool(make, LeaveAsIs(), 2);
    (void)acquire(pool, 3);
  }
  EXPECT_EQ(log.size(), 43u);
}

TEST(ObjectPool, ObjectsGoWithAMove) {
  Log log;
  ObjectPool from([&log, n = 0]() mutable { return Logged(log, n++); }, LeaveAsIs(), 2);
  const auto objects = acquire(from, 3);
  from.give_back(*objects[2]);
  auto to = std::move(from);
  EXPECT_EQ(numbers(from), (Numbers{0, 0, 0, 0}));
  EXPECT_EQ(numbers(to), (Numbers{1, 2, 3, 2}));
  EXPECT_EQ(test::kind([&] { (void)from.acquire(); }), "Misuse(released)");
  EXPECT_EQ(test::kind([&] { from.give_back(*objects[0]); }), "Misuse(released)");
  from.release();
  EXPECT_TRUE(log.empty());
  EXPECT_EQ(&to.acquire(), objects[2]);
  to.give_back(*objects[0]);
  auto& alias = to;
  to = std::move(alias);
  EXPECT_EQ(numbers(to), (Numbers{1, 2, 3, 2}));
  to.release();
  EXPECT_EQ(log.size(), 3u);
}

TEST(ObjectPool, ShrinkKeepsAsManyAsItsCapacityTheOnesReturnedLast) {
  Log log;
  ObjectPool pool([&log, n = 0]() mutable { return Logged(log, n++); }, LeaveAsIs(), 3);
  const auto objects = acquire(pool, 8);
  for (const int i : {7, 0, 6, 1, 5, 2})
    pool.give_back(*objects[static_cast<std::size_t>(i)]);
  pool.shrink();
  EXPECT_EQ(std::set(log.begin(), log.end()), (std::set{7, 0, 6}));
  EXPECT_EQ(numbers(pool), (Numbers{3, 2, 8, 3}));
  for (const int i : {2, 5, 1})
    EXPECT_EQ(&pool.acquire(), objects[static_cast<std::size_t>(i)]);
  EXPECT_EQ(pool.acquire().number, 8);
  pool.shrink(); // there is nothing to destroy
  EXPECT_EQ(log.size(), 3u);
  EXPECT_EQ(numbers(pool), (Numbers{0, 6, 9, 3}));
  pool.release();
  EXPECT_EQ(log.size(), 9u); // each once, and nothing where shrink left a slot vacant
}

// A pool of 16-byte objects, what its chunks hold, and what they hold at most for so many objects.
struct Measured {
  using Object = std::array<long, 2>;
  explicit Measured(std::size_t capacity) : pool(capacity, {.upstream = &upstream}) {}

  std::vector<Object*> acquire(std::size_t count) { return ::acquire(pool, count); }
  void give_back_at_random(std::vector<Object*> objects) {
    std::shuffle(objects.begin(), objects.end(), random);
    for (Object* const object : objects)
      pool.give_back(*object);
  }
  [[nodiscard]] std::size_t held() const {
    const std::size_t bytes = pool.stats().memory.committed;
    EXPECT_EQ(upstream.live_bytes(), red_zones.stretch(bytes));
    return bytes;
  }
  [[nodiscard]] std::size_t bytes_for(std::size_t slots) const {
    const std::size_t slot_and_place = sizeof(Object) + sizeof(std::size_t);
    return upstream.live() * 256 + slots * slot_and_place; // a header is not larger
  }

  TestResource upstream;
  ObjectPool<Object> pool;
  std::mt19937 random{4};
};

TEST(ObjectPool, WhatItHoldsFollowsWhatShrinkKeeps) {
  for (const std::size_t capacity : test::Sizes{0, 1, 16, 47, 100, 1000, 10000})
    for (const std::size_t count : test::Sizes{10, 1000, 10000}) {
      Measured measured(capacity);
      for (const std::size_t keep : test::Sizes{capacity, 100, 99, 49, 33, 16, 2, 1}) {
        measured.give_back_at_random(measured.acquire(count));
        measured.pool.trim(keep);
        EXPECT_EQ(measured.pool.available(), std::min(count, keep));
        EXPECT_LT(measured.held(), measured.bytes_for(2 * keep + 48))
            << capacity << ", " << count << ", " << keep;
        measured.pool.trim();
        EXPECT_EQ(measured.held(), 0u);
      }
    }
}

TEST(ObjectPool, WhatItHoldsStaysSmallHoweverOftenItGrowsAndShrinks) {
  for (const std::size_t capacity : test::Sizes{0, 1, 20, 50, 70, 300}) {
    Measured measured(capacity);
    for (int round = 0; round != 200; ++round) {
      measured.give_back_at_random(measured.acquire(measured.random() % 1000));
      measured.pool.shrink();
      EXPECT_LT(measured.held(), measured.bytes_for(2 * capacity + 48)) << capacity;
    }
  }
}

TEST(ObjectPool, WhatItHoldsFollowsItsUseAndNotTheHint) {
  Measured measured(100000);
  (void)measured.acquire(1);
  EXPECT_LT(measured.held(), measured.bytes_for(48));
}

TEST(ObjectPool, AsManyAsTheHintFillWholeChunks) {
  for (const std::size_t capacity : test::Sizes{16, 47, 48, 100, 1000, 4097, 100000}) {
    Measured measured(capacity);
    (void)measured.acquire(capacity);
    EXPECT_LE(measured.held(), measured.bytes_for(capacity + capacity / 16)) << capacity;
    EXPECT_LE(measured.upstream.live(), static_cast<std::size_t>(std::bit_width(capacity / 16)));
  }
}

// What is in use holds its chunk; of the others go those that are the most, together.
TEST(ObjectPool, ShrinkKeepsNoChunkThatItCouldDoWithout) {
  constexpr std::array<std::size_t, 5> counts{16, 32, 64, 128, 256};
  for (unsigned round = 0; round != 200; ++round) {
    Measured measured(16);
    measured.random.seed(round);
    std::vector<Measured::Object*> objects = measured.acquire(496);
    EXPECT_EQ(measured.upstream.live(), 5u);
    std::array<std::size_t, 5> in_use{};
    for (std::size_t left = measured.random() % 4; left != 0; --left) {
      const std::size_t i = measured.random() % objects.size();
      if (objects[i] == nullptr)
        continue;
      objects[i] = nullptr;
      const auto chunk = static_cast<std::size_t>(std::bit_width(i / 16 + 1)) - 1;
      ++in_use[chunk];
    }
    std::erase(objects, nullptr);
    measured.give_back_at_random(objects);
    const std::size_t keep = measured.random() % (round % 2 == 0 ? 500u : 50u);
    measured.pool.trim(keep);

    const std::size_t available = std::min(keep, objects.size());
    EXPECT_EQ(measured.pool.available(), available);
    std::size_t fewest = 496;
    for (unsigned set = 0; set != 32; ++set) { // of all sets of chunks that would do
      std::size_t slots = 0;
      std::size_t room = 0;
      bool holds_those_in_use = true;
      for (std::size_t i = 0; i != counts.size(); ++i)
        if ((set >> i & 1U) != 0) {
          slots += counts[i];
          room += counts[i] - in_use[i];
        } else {
          holds_those_in_use = holds_those_in_use && in_use[i] == 0;
        }
      if (holds_those_in_use && room >= available)
        fewest = std::min(fewest, slots);
    }
    EXPECT_LE(measured.held(), measured.bytes_for(fewest)) << round;
  }
}

TEST(ObjectPool, ShrinkToNoneFreesAllMemoryAndThePoolGoesOn) {
  ObjectPool<std::string> pool(0);
  for (int round = 0; round != 3; ++round) {
    const auto objects = acquire(pool, 1000);
    for (std::string* const object : objects)
      *object = "long enough not to be stored in the object itself";
    for (std::string* const object : objects)
      pool.give_back(*object);
    pool.shrink();
    EXPECT_EQ(numbers(pool), (Numbers{0, 0, 1000u * (static_cast<std::size_t>(round) + 1), 0}));
    EXPECT_FALSE(pool.owns(objects[0]));
  }
}

// Random use, with the pool's word for everything compared with what must be so.
TEST(ObjectPool, StaysTrueUnderAnyOrderOfCalls) {
  struct Thing {
    std::uint64_t id = 0;
    std::array<std::uint64_t, 2> rest{};
  };
  for (const std::size_t capacity : test::Sizes{0, 1, 10, 100}) {
    std::size_t made = 0;
    std::set<const Thing*> alive;
    struct Counted : Thing {
      explicit Counted(std::set<const Thing*>& those) : living(those) { living.insert(this); }
      Counted(const Counted&) = delete;
      Counted& operator=(const Counted&) = delete;
      ~Counted() { living.erase(this); }
      std::set<const Thing*>& living;
    };
    ObjectPool pool(
        [&] {
          ++made;
          return Counted(alive);
        },
        LeaveAsIs(), capacity);
    std::vector<Counted*> taken;
    std::vector<Counted*> returned;
    std::mt19937 random(4);
    for (std::uint64_t step = 1; step != 20000; ++step) {
      const auto choice = random() % 1000;
      // Grows to hundreds, then shrinks, in turns.
      const bool growing = step / 1500 % 2 == 0;
      if (choice < (growing ? 600u : 350u)) {
        Counted* const object = &pool.acquire();
        if (!returned.empty()) {
          ASSERT_EQ(object, returned.back());
          returned.pop_back();
        }
        object->id = step;
        object->rest.fill(step);
        taken.push_back(object);
      } else if (choice < 998) {
        if (taken.empty())
          continue;
        if (random() % 2 == 0) // else in stack order
          std::swap(taken[random() % taken.size()], taken.back());
        Counted* const object = taken.back();
        ASSERT_EQ(object->rest[0], object->id);
        ASSERT_EQ(object->rest[1], object->id);
        ASSERT_TRUE(pool.owns(object));
        pool.give_back(*object);
        ASSERT_FALSE(pool.owns(object));
        ASSERT_EQ(test::kind([&] { pool.give_back(*object); }), "Misuse(double_free)");
        returned.push_back(object);
        taken.pop_back();
      } else {
        const std::size_t left = std::min(returned.size(), capacity);
        pool.shrink();
        ASSERT_EQ(pool.available(), left);
        for (Counted* const object : returned)
          ASSERT_NE(test::kind([&] { pool.give_back(*object); }), "none");
        std::erase_if(returned, [&](const Counted* object) { return !alive.contains(object); });
      }
      ASSERT_EQ(numbers(pool), (Numbers{returned.size(), taken.size(), made, capacity}));
      ASSERT_EQ(alive.size(), returned.size() + taken.size());
    }
    EXPECT_EQ(std::set(taken.begin(), taken.end()).size(), taken.size());
  }
}

TEST(ObjectPool, OwnsObjectsInUse) {
  ObjectPool<std::array<int, 3>> pool(2);
  const auto& object = pool.acquire();
  const auto* const bytes = reinterpret_cast<const std::byte*>(&object);
  EXPECT_TRUE(pool.owns(&object));
  EXPECT_TRUE(pool.owns(bytes + sizeof object - 1));
  EXPECT_FALSE(pool.owns(bytes - 1));
  EXPECT_FALSE(pool.owns(bytes + red_zones.stretch(16)));
  EXPECT_FALSE(pool.owns(nullptr));
  EXPECT_FALSE(pool.owns(&pool));
}

TEST(ObjectPool, ALeaseGivesItsObjectBack) {
  int made = 0;
  ObjectPool pool([&] { return std::string(1, static_cast<char>('a' + made++)); },
                  [](std::string& text) { text += " again"; }, 2);
  const std::string* object = nullptr;
  {
    const auto lease = pool.lease();
    EXPECT_EQ(*lease, "a");
    EXPECT_EQ(lease->size(), 1u);
    object = &*lease;
    const auto second = pool.lease();
    EXPECT_EQ(*second, "b");
    EXPECT_EQ(pool.stats().in_use, 2u);
  }
  EXPECT_EQ(pool.stats().available, 2u);
  {
    auto lease = pool.lease(); // leases end in reverse, so that the first is on top
    EXPECT_EQ(&*lease, object);
    EXPECT_EQ(*lease, "a again");
    const auto moved = std::move(lease);
    EXPECT_EQ(&*moved, object);
    EXPECT_EQ(pool.stats().in_use, 1u);
  }
  EXPECT_EQ(pool.stats().available, 2u);
}

TEST(ObjectPool, ALeaseEndsByAnException) {
  ObjectPool<int> pool(1);
  EXPECT_THROW(
      {
        const auto lease = pool.lease();
        throw std::runtime_error("away");
      },
      std::runtime_error);
  EXPECT_EQ(numbers(pool), (Numbers{1, 0, 1, 1}));
}

TEST(ObjectPool, ALeaseThatCannotBeMadeIsNotOut) {
  ObjectPool<int, std::function<int()>> pool([]() -> int { throw std::runtime_error("make"); },
                                             LeaveAsIs(), 1);
  EXPECT_THROW((void)pool.lease(), std::runtime_error);
  const test::ReportedMisuse reported;
  pool.release();
  EXPECT_TRUE(reported.texts().empty());
}

TEST(ObjectPool, ALeaseForbidsRelease) {
  const test::ReportedMisuse reported;
  ObjectPool<int> pool(2);
  {
    const auto lease = pool.lease();
    *lease = 7;
    pool.release();
    EXPECT_EQ(reported.texts(), Texts{"busy object_pool: released with 1 leases out"});
    EXPECT_EQ(*lease, 7);
    EXPECT_EQ(numbers(pool), (Numbers{0, 1, 1, 2}));
  }
  EXPECT_EQ(numbers(pool), (Numbers{1, 0, 1, 2}));
  pool.release();
  EXPECT_EQ(reported.texts().size(), 1u);
}

// Else somebody else could get it, and the lease would take it from him.
TEST(ObjectPool, OnlyItsLeaseGivesALeasedObjectBack) {
  const test::ReportedMisuse reported;
  ObjectPool<int> pool(2);
  for (const bool recycled : {false, true}) {
    {
      const auto lease = pool.lease();
      EXPECT_EQ(test::kind([&] { pool.give_back(*lease); }), "Misuse(busy)") << recycled;
      EXPECT_TRUE(pool.owns(&*lease));
      EXPECT_EQ(numbers(pool), (Numbers{0, 1, 1, 2}));
      pool.shrink();
      EXPECT_TRUE(pool.owns(&*lease));
    }
    EXPECT_EQ(numbers(pool), (Numbers{1, 0, 1, 2}));
  }
  int& object = pool.acquire(); // the same, and no longer leased
  pool.give_back(object);
  EXPECT_EQ(test::kind([&] { pool.give_back(object); }), "Misuse(double_free)");
  EXPECT_TRUE(reported.texts().empty());
}

TEST(ObjectPool, ALeaseThatEndsInACallableIsReported) {
  using Pool = ObjectPool<int, std::function<int()>>;
  const test::ReportedMisuse reported;
  std::optional<Pool::Lease> lease;
  Pool pool(
      [&] {
        lease.reset();
        return 7;
      },
      LeaveAsIs(), 2);
  lease.emplace(pool);
  (void)pool.acquire();
  EXPECT_EQ(reported.texts(), Texts{"busy object_pool: a lease ended in one of the callables"});
  EXPECT_EQ(pool.stats().in_use, 2u);
}

TEST(ObjectPool, AMoveUnderALeaseIsReported) {
  const test::ReportedMisuse reported;
  ObjectPool<int> pool(2);
  {
    const auto lease = pool.lease();
    const auto moved = std::move(pool);
    ASSERT_EQ(reported.texts(), Texts{"busy object_pool: moved with 1 leases out"});
  }
  EXPECT_EQ(reported.texts().size(), 2u); // the lease finds its object gone
}

// What the assigned pool had is not lost, though a lease on it was out.
TEST(ObjectPool, AnAssignmentUnderALeaseIsReportedAndLosesNothing) {
  const test::ReportedMisuse reported;
  Log log;
  const auto pool_of = [&log](int first) {
    return ObjectPool([&log, n = first]() mutable { return Logged(log, n++); }, LeaveAsIs(), 2);
  };
  {
    auto pool = pool_of(0);
    auto other = pool_of(10);
    (void)other.acquire();
    {
      const auto lease = pool.lease();
      pool = std::move(other);
      ASSERT_FALSE(reported.texts().empty());
      EXPECT_TRUE(reported.texts()[0].starts_with("busy object_pool: "));
    }
  }
  EXPECT_EQ(std::multiset(log.begin(), log.end()), (std::multiset{0, 10}));
}

// Its object lies where that of the lease did.
TEST(ObjectPool, ALeaseFromBeforeAnAssignmentGivesNoOtherObjectBack) {
  struct OneBuffer : std::pmr::memory_resource {
    void* do_allocate(std::size_t bytes, std::size_t /*alignment*/) override {
      EXPECT_LE(bytes, sizeof memory);
      return memory;
    }
    void do_deallocate(void* /*p*/, std::size_t /*bytes*/, std::size_t /*alignment*/) override {}
    [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
      return this == &other;
    }
    alignas(4096) std::byte memory[8192];
  };
  const test::ReportedMisuse reported;
  OneBuffer upstream;
  using Pool = ObjectPool<int>;
  Pool pool(1, {.upstream = &upstream});
  auto old_lease = std::make_unique<Pool::Lease>(pool);
  const int* const leased = &**old_lease;
  pool = Pool(1, {.upstream = &upstream});
  ASSERT_EQ(&pool.acquire(), leased);
  const auto new_lease = pool.lease();
  old_lease.reset();
  EXPECT_EQ(numbers(pool), (Numbers{0, 2, 2, 1}));
  pool.release();
  EXPECT_EQ(reported.texts(),
            (Texts{"busy object_pool: assigned to with 1 leases out",
                   "foreign_pointer object_pool: a lease ended whose object is not here any more",
                   "busy object_pool: released with 1 leases out"}));
}

TEST(ObjectPoolDeathTest, ALeaseThatOutlivesItsPoolIsReported) {
  EXPECT_DEATH(
      {
        ObjectPool<int> pool(2);
        const auto lease = pool.lease();
        std::destroy_at(&pool);
      },
      "allot: object_pool: destroyed with 1 leases out");
}

class ObjectPoolHiding : public test::Watched {};

TEST_F(ObjectPoolHiding, WhatWasReturnedAndWhatLiesBehind) {
  struct Twelve {
    int numbers[3];
  };
  ObjectPool<Twelve> pool(2);
  Twelve& object = pool.acquire();
  EXPECT_EQ(test::visible(&object, 64), 12u);
  EXPECT_EQ(test::visible(&pool.acquire(), 64), 12u);
  pool.give_back(object);
  EXPECT_TRUE(test::all_hidden(&object, sizeof object));
  EXPECT_EQ(&pool.acquire(), &object);
  EXPECT_EQ(test::visible(&object, 64), 12u);
}

TEST_F(ObjectPoolHiding, WhatAResetThatThrewLeft) {
  ObjectPool pool([] { return 0; }, [](int&) { throw std::runtime_error("reset"); }, 2);
  int& object = pool.acquire();
  pool.give_back(object);
  EXPECT_THROW((void)pool.acquire(), std::runtime_error);
  EXPECT_TRUE(test::all_hidden(&object, sizeof object));
}

#if defined(ALLOT_ASAN)
TEST(ObjectPoolDeathTest, AddressSanitizerCatchesUseOfAReturnedObject) {
  ObjectPool<std::uint64_t> pool(2);
  std::uint64_t& object = pool.acquire();
  EXPECT_DEATH(test::touch(&object + 1), "use-after-poison");
  pool.give_back(object);
  EXPECT_DEATH(test::touch(&object), "use-after-poison");
  pool.release();
  EXPECT_DEATH(test::touch(&object), "heap-use-after-free");
}
#endif

} // namespace
