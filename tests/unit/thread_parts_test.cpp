#include <allot/threads/thread_parts.hpp>

#include "shared_thing.hpp"
#include "support.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <thread>
#include <utility>
#include <vector>

using namespace allot::detail;
using test::Part;
using test::Thing;
using Things = std::vector<std::unique_ptr<Thing>>;

namespace {

/// A thread without parts, whatever other tests did.
template <class Call>
void in_thread(Call call) {
  std::thread(call).join();
}

Things make_things(std::size_t n) {
  Things things(n);
  for (auto& thing : things)
    thing = std::make_unique<Thing>();
  return things;
}

TEST(ThreadParts, OfThousandsOfThingsAreFound) {
  in_thread([] {
    const Things things = make_things(4096);
    for (const auto& thing : things)
      EXPECT_EQ(thing->part(), nullptr);
    for (const auto& thing : things)
      (void)thing->get();
    for (int round = 0; round != 2; ++round)
      for (const auto& thing : things)
        EXPECT_EQ(thing->part(), thing->made.front().get());
  });
}

TEST(ThreadParts, ThatAreUsedInTurnsAreAtHand) {
  in_thread([] {
    const Things many = make_things(1000);
    for (const auto& thing : many)
      (void)thing->get();
    const Things things = make_things(32); // one after the other: each has a place of its own
    for (const auto& thing : things)
      (void)thing->get();
    for (const auto& thing : things)
      EXPECT_EQ(thing->shared.part(), thing->made.front().get());
    EXPECT_EQ(many.front()->shared.part(), nullptr);
    EXPECT_NE(many.front()->part(), nullptr); // which is at hand from now on
    EXPECT_EQ(many.front()->shared.part(), many.front()->part());
  });
}

TEST(ThreadParts, OfThingsThatAreGoneAreNotFound) {
  in_thread([] {
    for (int generation = 0; generation != 200; ++generation) {
      const Things things = make_things(50); // some where others were
      for (const auto& thing : things)
        EXPECT_EQ(thing->part(), nullptr);
      for (const auto& thing : things) {
        const Part* const mine = &thing->get();
        EXPECT_EQ(mine, thing->made.front().get());
      }
    }
  });
}

TEST(ThreadParts, AreEachThreadsOwn) {
  Thing thing;
  std::set<const Part*> parts;
  std::vector<std::thread> threads;
  std::mutex mutex;
  std::atomic<int> there = 0;
  for (int i = 0; i != 8; ++i)
    threads.emplace_back([&] {
      const Part* const mine = &thing.get();
      ++there;
      while (there != 8) // so that none takes what another leaves
        std::this_thread::yield();
      EXPECT_EQ(&thing.get(), mine);
      const std::lock_guard lock(mutex);
      parts.insert(mine);
    });
  for (auto& thread : threads)
    thread.join();
  EXPECT_EQ(parts.size(), 8u);
  EXPECT_EQ(thing.part(), nullptr);
}

TEST(ThreadParts, OfThreadsThatEndedServeOthers) {
  Thing thing;
  for (int i = 0; i != 100; ++i)
    in_thread([&] { thing.add(); });
  const std::lock_guard lock(thing.shared.mutex);
  thing.collect();
  EXPECT_EQ(thing.made.size(), 1u);
  EXPECT_EQ(thing.collected, 100);
}

TEST(ThreadParts, EndBeforeOrAfterTheirThings) {
  in_thread([] {
    Thing kept;
    Part* const part = &kept.get();
    {
      Thing gone;
      (void)gone.get();
    }
    EXPECT_EQ(kept.part(), part);
    auto other = std::make_unique<Thing>();
    (void)other->get();
    in_thread([&] {
      (void)other->get();
      other.reset(); // while both have a part, one of which is another's
    });
    EXPECT_EQ(kept.part(), part);
  });
}

TEST(ThreadParts, AndThingsComeAndGoInAnyOrder) {
  std::mutex mutex; // of the list alone: things are used without it
  std::vector<std::shared_ptr<Thing>> things(64);
  const auto work = [&](unsigned seed) {
    std::minstd_rand random(seed);
    for (int i = 0; i != 2000; ++i) {
      std::shared_ptr<Thing> thing;
      {
        const std::lock_guard lock(mutex);
        auto& place = things[random() % things.size()];
        if (place == nullptr || random() % 16 == 0)
          place = std::make_shared<Thing>(); // another one may end here
        thing = place;
      }
      thing->add();
      EXPECT_EQ(thing->part(), &thing->get());
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i != 12; ++i) {
    threads.emplace_back(work, i);
    if (i % 3 == 2) {
      threads[i - 1].join();
      threads[i].join();
    }
  }
  for (auto& thread : threads)
    if (thread.joinable())
      thread.join();
}

TEST(ThreadParts, AreForgottenByAllThreads) {
  Thing thing;
  in_thread([&] {
    Part* const mine = &thing.get();
    in_thread([&] {
      (void)thing.get();
      thing.shared.forget_parts();
      EXPECT_EQ(thing.part(), nullptr);
    });
    EXPECT_EQ(thing.part(), nullptr);
    EXPECT_EQ(thing.shared.parts(), nullptr);
    Part* const again = &thing.get();
    EXPECT_NE(again, mine);
    EXPECT_EQ(thing.part(), again);
  });
  const std::lock_guard lock(thing.shared.mutex);
  thing.collect();
  EXPECT_NE(thing.shared.take_idle(), nullptr); // the thread left the new one
  EXPECT_EQ(thing.shared.take_idle(), nullptr);
}

/// Destroyed after the thread's parts were left.
struct Last {
  Last() = default;
  Last(const Last&) = delete;
  Last& operator=(const Last&) = delete;
  ~Last() {
    has_parts = Shared::thread_has_parts();
    part = thing->part();
  }
  Thing* thing = nullptr;
  static inline bool has_parts = true;
  static inline Part* part = nullptr;
};

TEST(ThreadParts, AreGoneInTheThreadsLastDestructors) {
  Thing thing;
  Last::part = &thing.get();
  in_thread([&] {
    thread_local Last last;
    last.thing = &thing;
    EXPECT_TRUE(Shared::thread_has_parts());
    (void)thing.get();
  });
  EXPECT_FALSE(Last::has_parts);
  EXPECT_EQ(Last::part, nullptr);
}

TEST(ThreadParts, AreClosedToTheirThreads) {
  Thing thing;
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int i = 0; i != 3; ++i)
    threads.emplace_back([&] {
      while (!stop)
        thing.add();
    });
  for (int i = 0; i != 200; ++i) {
    const std::lock_guard lock(thing.shared.mutex);
    if (!thing.shared.close_parts())
      continue;
    for (const auto& part : thing.made)
      EXPECT_EQ(part->first, part->second);
    thing.shared.open_parts();
  }
  stop = true;
  for (auto& thread : threads)
    thread.join();
}

#if !defined(_WIN32)
TEST(ThreadParts, AreWholeInTheChildOfAFork) {
  const Things things = make_things(16);
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int i = 0; i != 2; ++i)
    threads.emplace_back([&] {
      while (!stop)
        for (const auto& thing : things)
          thing->add();
    });
  for (int i = 0; i != 20; ++i) {
    (void)things.front()->get();
    const pid_t child = fork();
    if (child == 0) {
      bool whole = things.front()->part() != nullptr; // the thread's own is kept
      for (const auto& thing : things) {
        for (const auto& part : thing->made)
          whole = whole && part->first == part->second;
        thing->add();
        const std::lock_guard lock(thing->shared.mutex);
        thing->collect();
        for (const auto& part : thing->made)
          whole = whole && (part.get() == thing->part() || part->first == 0);
      }
      _exit(whole ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  stop = true;
  for (auto& thread : threads)
    thread.join();
}
#endif

} // namespace
