#include <allot/threads/shared_object_pool.hpp>

#include "support.hpp"

#include <array>
#include <atomic>
#include <barrier>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <thread>

using namespace allot;
using test::error;
using test::kind;
using test::ReportedMisuse;
using test::TestResource;

namespace {

template <class F>
void in_threads(std::size_t count, F f) {
  std::barrier start(static_cast<std::ptrdiff_t>(count));
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i != count; ++i)
    threads.emplace_back([&, i] {
      start.arrive_and_wait();
      f(i);
    });
  for (std::thread& thread : threads)
    thread.join();
}

/// Counts itself.
struct Counted {
  Counted() { ++alive; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --alive; }
  std::size_t owner = 0;
  static inline std::atomic<int> alive = 0;
};

TEST(SharedObjectPool, HandsOutWhatTheThreadReturnedLast) {
  SharedObjectPool pool([] { return std::string(); }, [](std::string& s) { s.clear(); }, 8);
  std::string& first = pool.acquire();
  std::string& second = pool.acquire();
  first.assign(1000, 'x');
  pool.give_back(second);
  pool.give_back(first);
  std::string& again = pool.acquire();
  EXPECT_EQ(&again, &first);
  EXPECT_TRUE(again.empty());
  EXPECT_GE(again.capacity(), 1000U);
  EXPECT_EQ(&pool.acquire(), &second);
  EXPECT_EQ(pool.stats().total_allocated, 2U);
}

TEST(SharedObjectPool, CountsAsObjectPoolDoes) {
  SharedObjectPool<int> pool(20, {.name = "numbers"});
  EXPECT_TRUE(pool.empty());
  std::vector<int*> objects;
  for (int i = 0; i != 100; ++i)
    objects.push_back(&pool.acquire());
  EXPECT_EQ(std::set<int*>(objects.begin(), objects.end()).size(), 100U);
  for (int* const object : objects)
    EXPECT_TRUE(pool.owns(object));
  EXPECT_EQ(pool.used(), 100U);
  EXPECT_EQ(pool.peak(), 100U);
  for (int i = 0; i != 60; ++i)
    pool.give_back(*objects[static_cast<std::size_t>(i)]);
  EXPECT_FALSE(pool.owns(objects[0]));
  EXPECT_EQ(pool.used(), 40U);
  EXPECT_EQ(pool.available(), 60U);
  pool.reset_peak();
  EXPECT_EQ(pool.peak(), 40U);
  const ObjectPoolStats stats = pool.stats();
  EXPECT_EQ(stats.total_allocated, 100U);
  EXPECT_EQ(stats.capacity, 20U);
  EXPECT_STREQ(stats.memory.name, "numbers");
  EXPECT_EQ(stats.memory.used, 40 * stats.memory.capacity / 100);
}

TEST(SharedObjectPool, DestroysAllObjectsAtItsEnd) {
  {
    SharedObjectPool<Counted> pool(0);
    std::vector<Counted*> objects;
    for (int i = 0; i != 50; ++i)
      objects.push_back(&pool.acquire());
    std::thread([&] {
      for (std::size_t i = 0; i != 30; ++i)
        pool.give_back(*objects[i]);
    }).join();
    EXPECT_EQ(Counted::alive, 50);
  }
  EXPECT_EQ(Counted::alive, 0);
}

TEST(SharedObjectPool, WhatAnotherThreadReturnsIsHandedOutFromTheDepot) {
  SharedObjectPool<Counted> pool(0);
  for (int round = 0; round != 20; ++round) {
    std::vector<Counted*> objects;
    for (int i = 0; i != 100; ++i)
      objects.push_back(&pool.acquire());
    std::thread([&] {
      for (Counted* const object : objects)
        pool.give_back(*object);
    }).join();
  }
  EXPECT_LE(pool.stats().total_allocated, 100U) << "threads that ended left theirs";
}

TEST(SharedObjectPool, SixteenThreadsNeverGetOneObjectTwice) {
  SharedObjectPool<Counted> pool(0);
  std::array<std::atomic<Counted*>, 64> exchange{};
  in_threads(16, [&](std::size_t number) {
    const std::size_t owner = number + 1;
    std::vector<Counted*> mine;
    std::uint32_t random = static_cast<std::uint32_t>(owner) * 7919;
    for (std::size_t i = 0; i != 4000; ++i) {
      random = random * 1664525 + 1013904223;
      const std::uint32_t what = random >> 28;
      if (what < 8 && mine.size() < 50) {
        Counted& object = pool.acquire();
        ASSERT_EQ(object.owner, 0U) << "another thread has it";
        object.owner = owner;
        mine.push_back(&object);
      } else if (!mine.empty()) {
        std::swap(mine[random / 16 % mine.size()], mine.back());
        Counted* const object = mine.back();
        mine.pop_back();
        ASSERT_EQ(object->owner, owner);
        if (what >= 14) {
          Counted* const other = exchange[random / 16 % exchange.size()].exchange(object);
          if (other != nullptr) {
            other->owner = 0;
            pool.give_back(*other);
          }
          continue;
        }
        object->owner = 0;
        pool.give_back(*object);
      }
    }
    for (Counted* const object : mine) {
      object->owner = 0;
      pool.give_back(*object);
    }
  });
  std::size_t kept = 0;
  for (std::atomic<Counted*>& place : exchange)
    kept += place != nullptr ? 1U : 0U;
  EXPECT_EQ(pool.used(), kept);
  EXPECT_EQ(static_cast<std::size_t>(Counted::alive), pool.stats().total_allocated);
  EXPECT_LE(pool.peak(), pool.stats().total_allocated);
}

TEST(SharedObjectPool, ManyShortThreadsShareIt) {
  SharedObjectPool<Counted> pool(0);
  for (int round = 0; round != 250; ++round)
    in_threads(8, [&](std::size_t) {
      for (int i = 0; i != 5; ++i) {
        const auto first = pool.lease();
        const auto second = pool.lease();
        EXPECT_NE(&*first, &*second);
      }
    });
  EXPECT_TRUE(pool.empty());
  EXPECT_LE(pool.stats().total_allocated, 200U) << "each thread had its own";
}

/// An upstream that has so much and no more.
class Bounded : public TestResource {
public:
  explicit Bounded(std::size_t bytes) : left_(bytes) {}

private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (bytes > left_)
      throw std::bad_alloc();
    left_ -= bytes;
    return TestResource::do_allocate(bytes, alignment);
  }
  std::size_t left_;
};

TEST(SharedObjectPool, FindsWhatLiesIdleElsewhereWhereItMayNotGrow) {
  struct Large {
    std::byte bytes[200];
  };
  Bounded upstream(instrumented ? 80'000 : 40'000);
  SharedObjectPool<Large> pool(0, {.upstream = &upstream});
  std::barrier step(2);
  std::size_t all = 0;
  std::thread other([&] {
    std::vector<Large*> objects;
    while (Large* const object = pool.try_acquire())
      objects.push_back(object);
    all = objects.size();
    for (Large* const object : objects)
      pool.give_back(*object);
    step.arrive_and_wait(); // some are in its magazine
    step.arrive_and_wait();
    EXPECT_EQ(pool.try_acquire(), nullptr);
    step.arrive_and_wait();
  });
  step.arrive_and_wait();
  std::vector<Large*> objects;
  while (Large* const object = pool.try_acquire())
    objects.push_back(object);
  EXPECT_GE(all, 100U);
  EXPECT_EQ(objects.size(), all);
  EXPECT_THROW((void)pool.acquire(), std::bad_alloc);
  step.arrive_and_wait();
  step.arrive_and_wait();
  other.join();
  pool.give_back(*objects.back());
  EXPECT_EQ(pool.try_acquire(), objects.back());
}

TEST(SharedObjectPool, NewObjectsOfAThreadLieSideBySide) {
  SharedObjectPool<int> pool(1000);
  std::array<std::set<int*>, 2> objects;
  std::barrier turn(2);
  in_threads(2, [&](std::size_t number) {
    for (std::size_t i = 0; i != 400; ++i) {
      if (i % 2 == number)
        objects[number].insert(&pool.acquire());
      turn.arrive_and_wait();
    }
  });
  std::set<int*> all = objects[0];
  all.insert(objects[1].begin(), objects[1].end());
  ASSERT_EQ(all.size(), 400U);
  int changes = 0;
  bool first = false;
  for (int* const object : all)
    changes += std::exchange(first, objects[0].contains(object)) != first ? 1 : 0;
  EXPECT_LE(changes, 12) << "groups of 64, but where chunks end";
}

TEST(SharedObjectPool, SlotsOfThreadsThatEndedAreUsed) {
  SharedObjectPool<int> pool(100); // in chunks of 34 and 68
  std::barrier both(2);
  in_threads(2, [&](std::size_t) {
    (void)pool.acquire();
    both.arrive_and_wait();
  });
  const std::size_t held = pool.stats().memory.committed;
  for (int i = 0; i != 100; ++i)
    (void)pool.acquire();
  EXPECT_EQ(pool.stats().memory.committed, held);
  (void)pool.acquire();
  EXPECT_GT(pool.stats().memory.committed, held);
}

TEST(SharedObjectPool, SlotsOfOtherThreadsAreUsedWhereItMayNotGrow) {
  class Closing : public TestResource {
  public:
    bool closed = false;

  private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override {
      return closed ? throw std::bad_alloc() : TestResource::do_allocate(bytes, alignment);
    }
  } upstream;
  SharedObjectPool<int> pool(100, {.upstream = &upstream}); // in chunks of 34 and more
  std::barrier step(2);
  std::thread other([&] {
    (void)pool.acquire();
    step.arrive_and_wait();
    step.arrive_and_wait();
    EXPECT_NE(pool.try_acquire(), nullptr);
    EXPECT_EQ(pool.try_acquire(), nullptr);
  });
  step.arrive_and_wait();
  upstream.closed = true;
  for (int i = 0; i != 32; ++i)
    EXPECT_NE(pool.try_acquire(), nullptr);
  step.arrive_and_wait();
  other.join();
  EXPECT_EQ(pool.try_acquire(), nullptr);
}

TEST(SharedObjectPool, TrimsChunksWithSlotsThatThreadsHave) {
  SharedObjectPool<Counted> pool(100);
  in_threads(2, [&](std::size_t) {
    for (int i = 0; i != 50; ++i)
      (void)pool.lease();
  });
  Counted& object = pool.acquire();
  std::barrier step(2);
  std::thread other([&] {
    std::vector<Counted*> objects;
    for (int i = 0; i != 40; ++i)
      objects.push_back(&pool.acquire());
    for (Counted* const each : objects)
      pool.give_back(*each);
    step.arrive_and_wait();
    step.arrive_and_wait();
    for (int i = 0; i != 500; ++i)
      (void)pool.acquire();
  });
  step.arrive_and_wait();
  pool.trim();
  EXPECT_EQ(Counted::alive, 1);
  EXPECT_TRUE(pool.owns(&object));
  step.arrive_and_wait();
  other.join();
  pool.give_back(object);
  EXPECT_EQ(Counted::alive, 501);
}

TEST(SharedObjectPool, WhatACallableThrowsLosesNothing) {
  bool make_throws = false;
  bool reset_throws = false;
  SharedObjectPool pool(
      [&] {
        if (make_throws)
          throw std::runtime_error("made");
        return 7;
      },
      [&](int&) {
        if (reset_throws)
          throw std::runtime_error("reset");
      });
  make_throws = true;
  for (int i = 0; i != 50; ++i) {
    EXPECT_THROW((void)pool.acquire(), std::runtime_error);
    EXPECT_THROW((void)pool.try_acquire(), std::runtime_error);
    EXPECT_THROW((void)pool.lease(), std::runtime_error);
  }
  EXPECT_EQ(pool.used() + pool.available(), 0U);
  make_throws = false;
  int& object = pool.acquire();
  EXPECT_EQ(object, 7);
  EXPECT_LE(pool.stats().memory.committed, 4000U * red_zones.stretch(1)) << "slots were lost";
  pool.give_back(object);
  reset_throws = true;
  for (int i = 0; i != 50; ++i)
    EXPECT_THROW((void)pool.acquire(), std::runtime_error);
  EXPECT_EQ(pool.available(), 1U);
  EXPECT_EQ(pool.used(), 0U);
  reset_throws = false;
  EXPECT_EQ(&pool.acquire(), &object);
  EXPECT_EQ(pool.stats().total_allocated, 1U);
}

TEST(SharedObjectPool, NoLockIsHeldWhileACallableRuns) {
  std::barrier inside(2); // both threads are in one at a time, or none gets on
  SharedObjectPool pool([&] { return inside.arrive_and_wait(), 1; },
                        [&](int&) { inside.arrive_and_wait(); });
  in_threads(2, [&](std::size_t) {
    int& object = pool.acquire();
    pool.give_back(object);
    pool.give_back(pool.acquire());
  });
  EXPECT_EQ(pool.available(), 2U);
}

/// Callables that use the pool themselves, once.
struct UsesPool {
  void operator()() {
    if (std::exchange(armed, false))
      (*use)();
  }
  std::function<void()>* use;
  bool armed = true;
};

TEST(SharedObjectPool, CallablesMayUseIt) {
  std::function<void()> use;
  SharedObjectPool pool([calls = UsesPool{&use}]() mutable { return calls(), 0; },
                        [calls = UsesPool{&use}](int&) mutable { calls(); });
  use = [&] { pool.give_back(pool.acquire()); };
  int& object = pool.acquire();
  EXPECT_EQ(pool.used(), 1U);
  EXPECT_EQ(pool.available(), 1U);
  pool.give_back(object);
  EXPECT_EQ(&pool.acquire(), &object);
  EXPECT_EQ(pool.available(), 1U);
  EXPECT_EQ(pool.stats().total_allocated, 2U);
}

TEST(SharedObjectPool, LeasesEndInWhicheverThread) {
  SharedObjectPool<Counted> pool(4);
  {
    auto lease = pool.lease();
    EXPECT_EQ(kind([&] { return pool.give_back(*lease), 0; }), "Misuse(busy)");
    std::thread([moved = std::move(lease)] { EXPECT_EQ(moved->owner, 0U); }).join();
  }
  EXPECT_TRUE(pool.empty());
  EXPECT_EQ(pool.available(), 1U);
  std::optional<SharedObjectPool<Counted>::Lease> made_elsewhere;
  std::thread([&] { made_elsewhere.emplace(pool); }).join();
  EXPECT_EQ(pool.used(), 1U);
  made_elsewhere.reset();
  EXPECT_TRUE(pool.empty());
}

TEST(SharedObjectPool, TellsLeasesThatAreOut) {
  const ReportedMisuse reported;
  {
    SharedObjectPool<int> pool(4);
    {
      const auto first = pool.lease();
      const auto second = pool.lease();
      pool.release();
      EXPECT_FALSE(pool.freed());
    }
    alignas(SharedObjectPool<int>::Lease) static std::byte never_ends[64];
    ::new (never_ends) SharedObjectPool<int>::Lease(pool);
  }
  ASSERT_EQ(ReportedMisuse::texts().size(), 2U);
  EXPECT_EQ(ReportedMisuse::texts()[0], "busy shared_object_pool: released with 2 leases out");
  EXPECT_EQ(ReportedMisuse::texts()[1], "busy shared_object_pool: destroyed with 1 leases out");
}

TEST(SharedObjectPool, TellsThatACallableRuns) {
  const ReportedMisuse reported;
  std::barrier step(2);
  SharedObjectPool pool([&] {
    step.arrive_and_wait();
    step.arrive_and_wait();
    return 1;
  });
  std::thread other([&] { (void)pool.acquire(); });
  step.arrive_and_wait();
  const std::string trimmed = error([&] { return pool.trim(), 0; });
  pool.release();
  step.arrive_and_wait();
  other.join();
  EXPECT_EQ(trimmed, "Misuse(busy) shared_object_pool: used while one of its callables runs");
  EXPECT_EQ(ReportedMisuse::texts(),
            std::vector<std::string>{"busy shared_object_pool: released with 0 leases out, while "
                                     "one of its callables runs"});
  EXPECT_EQ(pool.used(), 1U);
}

TEST(SharedObjectPool, TellsWhatIsNoObjectInUse) {
  struct Packed {
    char bytes[24];
  };
  SharedObjectPool<Packed> pool(4);
  Packed& object = pool.acquire();
  Packed others{};
  const auto returned = [&](Packed& which) {
    return kind([&] { return pool.give_back(which), 0; });
  };
  EXPECT_EQ(returned(others), "Misuse(foreign_pointer)");
  EXPECT_EQ(returned((&object)[2]), "Misuse(foreign_pointer)") << "not made yet";
  EXPECT_EQ(returned(*reinterpret_cast<Packed*>(object.bytes + 8)), "Misuse(misaligned_pointer)");
  std::thread([&] { pool.give_back(object); }).join();
  EXPECT_EQ(returned(object), "Misuse(double_free)");
  std::thread([&] { EXPECT_EQ(returned(object), "Misuse(double_free)"); }).join();
  Packed& kept = pool.acquire();
  Packed& second = pool.acquire();
  pool.give_back(second);
  pool.trim();
  EXPECT_EQ(error([&] { return pool.give_back(second), 0; }).substr(0, 40),
            "Misuse(foreign_pointer) shared_object_po");
  pool.give_back(kept);
  pool.release();
  EXPECT_EQ(returned(kept), "Misuse(released)");
  EXPECT_EQ(kind([&] { return &pool.acquire(); }), "Misuse(released)");
  EXPECT_EQ(pool.try_acquire(), nullptr);
  EXPECT_EQ(kind([&] { return pool.trim(), 0; }), "Misuse(released)");
}

TEST(SharedObjectPool, TrimsWhatLiesInMagazinesOfOthers) {
  TestResource upstream;
  SharedObjectPool<Counted> pool(10, {.upstream = &upstream});
  std::vector<Counted*> objects;
  for (int i = 0; i != 1000; ++i)
    objects.push_back(&pool.acquire());
  Counted* const kept = objects[3];
  objects.erase(objects.begin() + 3);
  std::barrier step(2);
  std::thread other([&] {
    for (Counted* const object : objects)
      pool.give_back(*object);
    step.arrive_and_wait();
    step.arrive_and_wait();
    pool.give_back(*kept);
    pool.give_back(pool.acquire());
  });
  step.arrive_and_wait();
  pool.shrink();
  EXPECT_EQ(pool.available(), 10U);
  EXPECT_EQ(Counted::alive, 11);
  EXPECT_TRUE(pool.owns(kept));
  pool.trim();
  EXPECT_EQ(Counted::alive, 1);
  EXPECT_EQ(pool.used(), 1U);
  const std::size_t held = pool.stats().memory.committed;
  EXPECT_LT(held, 5000 * red_zones.stretch(1));
  step.arrive_and_wait();
  other.join();
  EXPECT_EQ(pool.available(), 1U);
  for (int i = 0; i != 1000; ++i) // vacant slots are used again
    (void)pool.acquire();
  EXPECT_EQ(Counted::alive, 1000);
}

/// Takes from a pool when it is destroyed.
struct UsesInDestructor {
  SharedObjectPool<int>* pool = nullptr;
  int* object = nullptr;
  UsesInDestructor() = default;
  UsesInDestructor(const UsesInDestructor&) = delete;
  UsesInDestructor& operator=(const UsesInDestructor&) = delete;
  ~UsesInDestructor() {
    if (pool == nullptr)
      return;
    pool->give_back(*object);
    pool->give_back(pool->acquire());
  }
};

TEST(SharedObjectPool, ServesDestructorsOfAThreadThatEnds) {
  SharedObjectPool<int> pool(4);
  std::thread([&] {
    static thread_local UsesInDestructor last; // made before the parts, and so destroyed after
    last.pool = &pool;
    last.object = &pool.acquire();
  }).join();
  EXPECT_TRUE(pool.empty());
  EXPECT_EQ(pool.stats().total_allocated, 1U);
}

TEST(SharedObjectPool, VisitsObjectsInUse) {
  SharedObjectPool<int> pool(4);
  std::set<int*> objects;
  for (int i = 0; i != 40; ++i)
    objects.insert(&pool.acquire());
  const auto lease = pool.lease();
  objects.insert(&*lease);
  pool.give_back(**objects.begin());
  objects.erase(objects.begin());
  std::set<int*> visited;
  pool.for_each([&](int& object) { visited.insert(&object); });
  EXPECT_EQ(visited, objects);
}

TEST(SharedObjectPool, ServesTheChildOfAForkThoughOthersAreInside) {
#if defined(_WIN32)
  GTEST_SKIP() << "there is no fork";
#else
  SharedObjectPool pool([] { return Counted(); }, [](Counted& object) { object.owner = 0; }, 4);
  std::atomic<bool> done = false;
  std::vector<std::thread> threads;
  for (int i = 0; i != 3; ++i)
    threads.emplace_back([&] {
      while (!done) {
        Counted& first = pool.acquire();
        Counted& second = pool.acquire();
        pool.give_back(first);
        pool.give_back(second);
      }
    });
  for (int i = 0; i != 20; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      const std::size_t used = pool.used(); // by threads that are not here
      std::vector<Counted*> objects;
      for (int n = 0; n != 100; ++n)
        objects.push_back(&pool.acquire());
      const bool right = pool.used() == used + 100 && used <= 6;
      for (Counted* const object : objects)
        pool.give_back(*object);
      const bool returned = pool.used() == used;
      pool.trim(); // no callable of another thread's runs here
      std::_Exit(right && returned && pool.used() + pool.available() <= used ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  done = true;
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_TRUE(pool.empty());
#endif
}

} // namespace
