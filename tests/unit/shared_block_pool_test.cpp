#include <allot/allocator.hpp>
#include <allot/block_pool.hpp>
#include <allot/resource.hpp>
#include <allot/threads/shared_block_pool.hpp>

#include "support.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <list>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <thread>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ALLOT_WITH_TSAN
#endif
#endif

using namespace allot;
using test::error;
using test::fill;
using test::holds;
using test::kind;
using test::ReportedMisuse;

namespace {

/// Runs `f(i)` in `count` threads, which start together.
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

std::vector<void*> take_all(SharedBlockPool& pool) {
  std::vector<void*> blocks;
  while (void* const p = pool.try_allocate())
    blocks.push_back(p);
  return blocks;
}

TEST(SharedBlockPool, HandsOutEveryBlockOnce) {
  SharedBlockPool pool(24, 1000);
  const std::vector<void*> blocks = take_all(pool);
  EXPECT_EQ(blocks.size(), 1000U);
  EXPECT_EQ(std::set<void*>(blocks.begin(), blocks.end()).size(), 1000U);
  for (void* const p : blocks)
    EXPECT_TRUE(pool.owns(p));
  EXPECT_EQ(error([&] { return pool.allocate(); }),
            "Exhausted(no_room) shared_block_pool: 1 blocks asked, 0 of 1000 left");
}

TEST(SharedBlockPool, ServesFreshBlocksInTheOrderOfTheirAddresses) {
  SharedBlockPool pool(24, 1000);
  void* before = pool.allocate();
  for (int i = 1; i != 1000; ++i) {
    void* const p = pool.allocate();
    EXPECT_GT(p, before);
    before = p;
  }
}

// Their flags fill a cache line then: no two threads write to the same.
TEST(SharedBlockPool, GivesEachOfTwoThreadsThatTakeTurnsWholeGroupsOf64) {
  constexpr std::size_t each = 1024;
  SharedBlockPool pool(64, 4 * each);
  std::array<std::vector<std::byte*>, 2> blocks;
  std::barrier turn(2);
  const auto is_whole = [&] {
    std::set<std::byte*> all(blocks[0].begin(), blocks[0].end());
    const std::byte* const first = std::min(*all.begin(), *std::ranges::min_element(blocks[1]));
    const auto stride = static_cast<std::size_t>(*std::next(all.begin()) - *all.begin());
    std::array<std::set<std::size_t>, 2> groups;
    for (std::size_t i = 0; i != 2; ++i)
      for (const std::byte* const p : blocks[i])
        groups[i].insert(static_cast<std::size_t>(p - first) / stride / 64);
    return groups[0].size() == each / 64 && groups[1].size() == each / 64;
  };
  in_threads(2, [&](std::size_t i) {
    for (int round = 0; round != 3; ++round) {
      for (std::size_t n = 0; n != 2 * each; ++n) {
        if (n % 2 == i)
          blocks[i].push_back(static_cast<std::byte*>(pool.allocate()));
        turn.arrive_and_wait();
      }
      if (i == 0) {
        EXPECT_TRUE(is_whole()) << "round " << round;
      }
      for (std::size_t n = 0; n != 2 * each; ++n) {
        turn.arrive_and_wait();
        if (n % 2 == i) {
          pool.deallocate(blocks[i].back()); // the newest first
          blocks[i].pop_back();
        }
      }
    }
  });
}

TEST(SharedBlockPool, IsServedToItsLastBlockThoughOthersHaveRanges) {
  for (const std::size_t count : {200U, 1000U, 4000U}) {
    SharedBlockPool pool(24, count);
    std::thread([&] { // ended, but may have a range
      pool.deallocate(pool.allocate());
    })
        .join();
    std::barrier step(2);
    std::thread other([&] {
      void* const p = pool.allocate();
      step.arrive_and_wait();
      step.arrive_and_wait();
      EXPECT_EQ(pool.try_allocate(), nullptr);
      pool.deallocate(p);
      EXPECT_EQ(pool.allocate(), p);
    });
    step.arrive_and_wait();
    EXPECT_EQ(pool.used(), 1U) << "ranges are free";
    EXPECT_LE(pool.peak(), 8U);
    EXPECT_EQ(take_all(pool).size(), count - 1);
    EXPECT_EQ(pool.used(), count);
    step.arrive_and_wait();
    other.join();
    pool.reset();
    EXPECT_TRUE(pool.empty());
    EXPECT_EQ(take_all(pool).size(), count);
  }
}

TEST(SharedBlockPool, TakesTheNewestBlockFirst) {
  SharedBlockPool pool(24, 1000);
  void* const first = pool.allocate();
  void* const second = pool.allocate();
  pool.deallocate(first);
  pool.deallocate(second);
  EXPECT_EQ(pool.allocate(), second);
  EXPECT_EQ(pool.allocate(), first);
}

TEST(SharedBlockPool, CountsAsBlockPoolDoes) {
  SharedBlockPool pool(20, 100, {.name = "orders"});
  EXPECT_EQ(pool.block_size(), 24U);
  EXPECT_EQ(pool.capacity(), 100U);
  EXPECT_TRUE(pool.empty());
  EXPECT_EQ(pool.peak(), 0U);
  std::vector<void*> blocks;
  for (int i = 0; i != 10; ++i)
    blocks.push_back(pool.allocate());
  EXPECT_EQ(pool.used(), 10U);
  EXPECT_EQ(pool.available(), 90U);
  EXPECT_GE(pool.peak(), 10U);
  EXPECT_LE(pool.peak(), 20U) << "what lies in the magazine";
  for (void* const p : blocks)
    pool.deallocate(p);
  EXPECT_TRUE(pool.empty());
  pool.reset_peak();
  EXPECT_EQ(pool.peak(), 0U);
  const BlockPoolStats stats = pool.stats();
  EXPECT_EQ(stats.total, 100U);
  EXPECT_EQ(stats.free, 100U);
  EXPECT_STREQ(stats.memory.name, "orders");
  EXPECT_EQ(stats.memory.capacity, 2400U);
  EXPECT_GE(stats.memory.committed, 2400U);
}

TEST(SharedBlockPool, ZeroesBeforeFirstUseAndWhenFreed) {
  for (const std::size_t bytes : {8U, 24U, 5000U, 70'000U}) {
    alignas(64) static std::byte memory[1'000'000];
    fill(memory, sizeof memory);
    SharedBlockPool pool(bytes, Buffer::borrowed(memory));
    for (int round = 0; round != 3; ++round) {
      std::vector<void*> blocks = take_all(pool);
      EXPECT_EQ(blocks.size(), pool.capacity());
      for (void* const p : blocks) {
        EXPECT_TRUE(holds(p, bytes, 0));
        fill(p, bytes);
      }
      if (round == 1)
        pool.reset();
      else
        for (void* const p : blocks)
          pool.deallocate(p);
    }
  }
}

TEST(SharedBlockPool, LeavesBlocksAsTheyAreIfAsked) {
  SharedBlockPool pool(24, 100, {.zero = false});
  void* const p = pool.allocate();
  fill(p, 24);
  pool.deallocate(p);
  void* const again = pool.allocate();
  EXPECT_EQ(again, p);
  EXPECT_TRUE(test::watched() || holds(again, 24, 0xA5));
}

TEST(SharedBlockPool, AlignsBlocks) {
  for (const std::size_t alignment : {8U, 64U, 256U, 4096U}) {
    SharedBlockPool pool(24, 100, {.alignment = alignment});
    EXPECT_GE(pool.block_alignment(), alignment);
    for (void* const p : take_all(pool))
      EXPECT_TRUE(test::is_aligned(p, alignment));
  }
}

TEST(SharedBlockPool, IsServedToItsLastBlockThoughOthersLieIdleElsewhere) {
  for (const std::size_t count : {1U, 2U, 5U, 16U, 100U, 1000U}) {
    SharedBlockPool pool(24, count);
    std::barrier step(2);
    std::thread other([&] {
      for (void* const p : take_all(pool))
        pool.deallocate(p);
      step.arrive_and_wait(); // some lie in its magazine
      step.arrive_and_wait();
      EXPECT_EQ(pool.try_allocate(), nullptr);
      step.arrive_and_wait();
      step.arrive_and_wait();
      EXPECT_NE(pool.try_allocate(), nullptr);
    });
    step.arrive_and_wait();
    std::vector<void*> blocks = take_all(pool);
    EXPECT_EQ(blocks.size(), count);
    step.arrive_and_wait();
    step.arrive_and_wait();
    pool.deallocate(blocks.back());
    step.arrive_and_wait();
    other.join();
  }
}

TEST(SharedBlockPool, ServesWithoutPartsForItsThreads) {
  alignas(64) std::byte memory[600];
  SharedBlockPool pool(32, Buffer::borrowed(memory)); // too few blocks for any
  in_threads(3, [&](std::size_t) {
    for (int i = 0; i != 1000; ++i)
      if (void* const p = pool.try_allocate())
        pool.deallocate(p);
  });
  EXPECT_TRUE(pool.empty());
  EXPECT_EQ(take_all(pool).size(), pool.capacity());
}

TEST(SharedBlockPool, ServesMoreThreadsThanThereIsRoomFor) {
  alignas(64) static std::byte memory[4096];
  SharedBlockPool pool(32, Buffer::borrowed(memory));
  in_threads(8, [&](std::size_t) {
    for (int i = 0; i != 1000; ++i)
      if (void* const p = pool.try_allocate())
        pool.deallocate(p);
  });
  EXPECT_TRUE(pool.empty());
  EXPECT_EQ(take_all(pool).size(), pool.capacity());
}

/// What a thread wrote into its block is there until it frees it.
struct Stamp {
  std::size_t owner, number;
  bool operator==(const Stamp&) const = default;
};

TEST(SharedBlockPool, SixteenThreadsNeverGetOneBlockTwice) {
  for (const std::size_t count : {16U, 100U, 3000U}) {
    SharedBlockPool pool(sizeof(Stamp), count);
    std::array<std::atomic<Stamp*>, 64> exchange{};
    in_threads(16, [&](std::size_t owner) {
      std::vector<std::pair<Stamp*, Stamp>> mine;
      std::uint32_t random = static_cast<std::uint32_t>(owner) * 7919 + 1;
      for (std::size_t i = 0; i != 4000; ++i) {
        random = random * 1664525 + 1013904223;
        const std::uint32_t what = random >> 28;
        if (what < 8 && mine.size() < 100) {
          auto* const p = static_cast<Stamp*>(pool.try_allocate());
          if (p == nullptr)
            continue;
          ASSERT_EQ(*p, (Stamp{0, 0})) << "it is not zero";
          *p = {owner, i};
          mine.emplace_back(p, *p);
        } else if (!mine.empty()) {
          std::swap(mine[random / 16 % mine.size()], mine.back());
          const auto [p, stamp] = mine.back();
          mine.pop_back();
          ASSERT_EQ(*p, stamp) << "another thread has it";
          if (what < 14)
            pool.deallocate(p);
          else if (Stamp* const other = exchange[random / 16 % exchange.size()].exchange(p))
            pool.deallocate(other);
        }
      }
      for (const auto& [p, stamp] : mine) {
        ASSERT_EQ(*p, stamp);
        pool.deallocate(p);
      }
    });
    for (std::atomic<Stamp*>& place : exchange)
      if (Stamp* const p = place.load())
        pool.deallocate(p);
    EXPECT_EQ(pool.used(), 0U);
    EXPECT_EQ(take_all(pool).size(), count);
  }
}

TEST(SharedBlockPool, ProducersAndConsumersShareIt) {
  SharedBlockPool pool(64, 500);
  std::mutex mutex;
  std::vector<void*> queue;
  std::atomic<std::size_t> consumed = 0;
  in_threads(4, [&](std::size_t i) {
    if (i % 2 == 0) {
      for (std::size_t sent = 0; sent != 5000;) {
        if (void* const p = pool.try_allocate()) {
          fill(p, 64);
          const std::lock_guard lock(mutex);
          queue.push_back(p);
          ++sent;
        } else {
          std::this_thread::yield();
        }
      }
      return;
    }
    while (consumed != 10'000) {
      std::vector<void*> taken;
      {
        const std::lock_guard lock(mutex);
        taken.swap(queue);
      }
      for (void* const p : taken)
        pool.deallocate(p);
      consumed += taken.size();
      std::this_thread::yield();
    }
  });
  EXPECT_TRUE(pool.empty());
}

TEST(SharedBlockPool, ThreadsThatEndLeaveTheirBlocksToOthers) {
  SharedBlockPool pool(24, 300);
  std::vector<void*> kept;
  std::mutex mutex;
  for (int round = 0; round != 250; ++round)
    in_threads(8, [&](std::size_t i) {
      void* blocks[10];
      for (void*& p : blocks)
        p = pool.allocate();
      for (void* const p : std::span(blocks).subspan(1))
        pool.deallocate(p);
      const std::lock_guard lock(mutex); // one is held by nobody's thread, until another frees it
      kept.push_back(blocks[0]);
      if (i % 2 == 0 || kept.size() > 100) {
        pool.deallocate(kept.front());
        kept.erase(kept.begin());
      }
    });
  EXPECT_EQ(pool.used(), kept.size());
  EXPECT_EQ(take_all(pool).size(), 300 - kept.size());
}

/// A thread-local object that is destroyed after the thread's parts are gone.
struct UsesInDestructor {
  SharedBlockPool* pool = nullptr;
  void* p = nullptr;
  UsesInDestructor() = default;
  UsesInDestructor(const UsesInDestructor&) = delete;
  UsesInDestructor& operator=(const UsesInDestructor&) = delete;
  ~UsesInDestructor() {
    if (pool == nullptr)
      return;
    pool->deallocate(p);
    pool->deallocate(pool->allocate());
  }
};

TEST(SharedBlockPool, ServesDestructorsOfAThreadThatEnds) {
  SharedBlockPool pool(24, 100);
  std::thread([&] {
    static thread_local UsesInDestructor last; // made before the parts, and so destroyed after
    last.pool = &pool;
    last.p = pool.allocate();
  }).join();
  EXPECT_TRUE(pool.empty());
  EXPECT_EQ(take_all(pool).size(), 100U);
}

TEST(SharedBlockPool, MayGoBeforeTheThreadsThatUsedIt) {
  std::barrier step(2);
  std::optional<SharedBlockPool> pool(std::in_place, 24U, 100U);
  std::thread thread([&] {
    pool->deallocate(pool->allocate());
    step.arrive_and_wait();
    step.arrive_and_wait();
    SharedBlockPool another(24, 100); // perhaps at its address
    another.deallocate(another.allocate());
    EXPECT_TRUE(another.empty());
  });
  step.arrive_and_wait();
  pool.reset();
  step.arrive_and_wait();
  thread.join();
}

TEST(SharedBlockPool, AThreadUsesAsManyAsItLikes) {
  std::list<SharedBlockPool> pools;
  for (int i = 0; i != 50; ++i)
    pools.emplace_back(24U, 100U);
  for (int round = 0; round != 20; ++round)
    for (SharedBlockPool& pool : pools) {
      void* const p = pool.allocate();
      void* const q = pool.allocate();
      pool.deallocate(p);
      pool.deallocate(q);
      EXPECT_TRUE(pool.empty());
    }
}

TEST(SharedBlockPool, TellsADoubleFreeByAnotherThread) {
  for (const bool zero : {false, true}) {
    SharedBlockPool pool(24, 100, {.zero = zero});
    void* const p = pool.allocate();
    std::thread([&] { pool.deallocate(p); }).join();
    EXPECT_EQ(kind([&] { return pool.deallocate(p), 0; }), "Misuse(double_free)");
    std::thread([&] {
      EXPECT_EQ(kind([&] { return pool.deallocate(p), 0; }), "Misuse(double_free)");
    }).join();
    EXPECT_TRUE(pool.empty());
  }
}

// A race that the header tells of: ThreadSanitizer would, too.
#if !defined(__SANITIZE_THREAD__) && !defined(ALLOT_WITH_TSAN)
TEST(SharedBlockPool, TwoThreadsThatFreeABlockAtOnceHarmNoMemory) {
  static std::atomic<int> told;
  told = 0;
  void (*const before)(const Misuse&) = std::exchange(misuse_handler, [](const Misuse& misuse) {
    told += misuse.code() == Errc::double_free ? 1 : 0;
  });
  for (int round = 0; round != 50; ++round) {
    SharedBlockPool pool(24, 20, {.zero = false});
    std::atomic<void*> shared = nullptr;
    std::atomic<int> passed = 0;
    in_threads(2, [&](std::size_t i) {
      for (int n = 0; n != 50; ++n) {
        if (i == 0)
          shared = pool.try_allocate();
        while (i == 1 && shared.load() == nullptr)
          std::this_thread::yield();
        passed += kind([&] { return pool.deallocate(shared), 0; }) == "none" ? 1 : 0;
        if (i == 1)
          shared = nullptr;
        while (i == 0 && shared.load() != nullptr)
          std::this_thread::yield();
      }
    });
    const std::vector<void*> blocks = take_all(pool);
    EXPECT_EQ(std::set<void*>(blocks.begin(), blocks.end()).size(), blocks.size());
    EXPECT_GE(passed, 50);
    EXPECT_LE(blocks.size(), 20U);
  }
  misuse_handler = before;
}
#endif

TEST(SharedBlockPool, TellsWhatIsNoBlock) {
  SharedBlockPool pool(24, 100);
  auto* const p = static_cast<std::byte*>(pool.allocate());
  int foreign = 0;
  const auto freed = [&](void* q) { return kind([&] { return pool.deallocate(q), 0; }); };
  EXPECT_EQ(freed(nullptr), "Misuse(null_pointer)");
  EXPECT_EQ(freed(&foreign), "Misuse(foreign_pointer)");
  EXPECT_EQ(freed(p + 8), "Misuse(misaligned_pointer)");
  EXPECT_EQ(freed(p + 1), "Misuse(misaligned_pointer)");
  EXPECT_EQ(pool.used(), 1U);
  pool.release();
  EXPECT_EQ(freed(p), "Misuse(released)");
  EXPECT_EQ(kind([&] { return pool.allocate(); }), "Misuse(released)");
  EXPECT_EQ(pool.try_allocate(), nullptr);
  EXPECT_EQ(kind([&] { return pool.reset(), 0; }), "Misuse(released)");
  pool.release();
  EXPECT_TRUE(pool.freed());
}

TEST(SharedBlockPool, AllocatesManyOrNone) {
  SharedBlockPool pool(24, 100);
  std::array<void*, 60> some{};
  std::array<void*, 41> more{};
  pool.allocate_many(some);
  EXPECT_FALSE(pool.try_allocate_many(more));
  EXPECT_EQ(more[0], nullptr);
  EXPECT_EQ(pool.used(), 60U);
  EXPECT_EQ(error([&] { return pool.allocate_many(more), 0; }),
            "Exhausted(no_room) shared_block_pool: 41 blocks asked, 40 of 100 left");
  EXPECT_TRUE(pool.try_allocate_many(std::span(more).first(40)));
  pool.deallocate_many(some);
  EXPECT_EQ(pool.used(), 40U);
}

struct Throws {
  explicit Throws(SharedBlockPool& pool) {
    pool.deallocate(pool.allocate()); // no lock is held
    throw 1;
  }
};

TEST(SharedBlockPool, MakesAndDestroysObjects) {
  SharedBlockPool pool(24, 100);
  std::vector<int> log;
  auto* const witness = pool.create<test::Witness>(log, 7);
  std::thread([&] { pool.destroy(witness); }).join();
  EXPECT_EQ(log, std::vector{7});
  EXPECT_THROW((void)pool.create<Throws>(pool), int);
  EXPECT_THROW((void)pool.try_create<Throws>(pool), int);
  EXPECT_TRUE(pool.empty());
  EXPECT_EQ((pool.try_create<std::array<char, 25>>()), nullptr);
}

TEST(SharedBlockPool, VisitsBlocksInUse) {
  SharedBlockPool pool(24, 100);
  std::vector<void*> blocks;
  for (int i = 0; i != 10; ++i)
    blocks.push_back(pool.allocate());
  pool.deallocate(blocks[3]);
  blocks.erase(blocks.begin() + 3);
  std::vector<void*> visited;
  pool.for_each([&](void* p) { visited.push_back(p); });
  EXPECT_EQ(visited, blocks);
}

TEST(SharedBlockPool, ResetTakesBackWhatAllThreadsHave) {
  SharedBlockPool pool(24, 100);
  std::barrier step(2);
  std::thread other([&] {
    void* blocks[10];
    for (void*& p : blocks)
      fill(p = pool.allocate(), 24);
    pool.deallocate(blocks[0]);
    step.arrive_and_wait();
    step.arrive_and_wait();
    void* const p = pool.allocate();
    EXPECT_TRUE(holds(p, 24, 0));
  });
  step.arrive_and_wait();
  pool.reset();
  EXPECT_TRUE(pool.empty());
  step.arrive_and_wait();
  other.join();
  EXPECT_EQ(pool.used(), 1U);
  EXPECT_EQ(take_all(pool).size(), 99U);
}

TEST(SharedBlockPool, ServesContainers) {
  SharedBlockPool pool(64, 1000);
  Resource resource(pool);
  in_threads(4, [&](std::size_t) {
    std::list<int, Allocator<int, SharedBlockPool>> list(pool);
    std::pmr::list<int> other(&resource);
    for (int i = 0; i != 100; ++i) {
      list.push_back(i);
      other.push_back(i);
    }
  });
  EXPECT_TRUE(pool.empty());
}

/// Whether it can be used up in the child of a fork.
TEST(SharedBlockPool, ServesTheChildOfAForkThoughOthersAreInside) {
#if defined(_WIN32)
  GTEST_SKIP() << "there is no fork";
#else
  SharedBlockPool pool(24, 200);
  std::atomic<bool> done = false;
  std::vector<std::thread> threads;
  for (int i = 0; i != 3; ++i)
    threads.emplace_back([&] {
      while (!done) {
        void* const p = pool.allocate();
        void* const q = pool.allocate();
        pool.deallocate(p);
        pool.deallocate(q);
      }
    });
  pool.deallocate(pool.allocate());
  for (int i = 0; i != 20; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      const std::size_t used = pool.used(); // by threads that are not here
      const std::vector<void*> blocks = take_all(pool);
      const bool all = blocks.size() == 200 - used && used <= 6;
      for (void* const p : blocks)
        pool.deallocate(p);
      std::_Exit(all && pool.used() == used ? 0 : 1);
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
