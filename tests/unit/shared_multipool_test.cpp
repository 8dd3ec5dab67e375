#include <allot/allocator.hpp>
#include <allot/hooks.hpp>
#include <allot/resource.hpp>
#include <allot/threads/shared_multipool.hpp>

#include "support.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <list>
#include <memory_resource>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#if !defined(_WIN32)
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

using namespace allot;
using namespace test;

static_assert(!std::is_copy_constructible_v<SharedMultipool> &&
              !std::is_move_constructible_v<SharedMultipool> &&
              !std::is_move_assignable_v<SharedMultipool>);

namespace {

constexpr std::size_t slab = 64_KiB;
constexpr std::size_t sizes[] = {0,   1,    8,    9,     64,    65,    100,     500,
                                 512, 1025, 5000, 33000, 65536, 65537, 100'000, 1'000'000};

std::byte* bytes_at(void* p) {
  return static_cast<std::byte*>(p);
}
bool is_zero(const void* p, std::size_t bytes) {
  const auto* const first = static_cast<const std::byte*>(p);
  return std::all_of(first, first + bytes, [](std::byte byte) { return byte == std::byte{0}; });
}
template <class F>
std::string refused(F&& f) {
  try {
    f();
  } catch (const Misuse& error) {
    return name(error.code());
  } catch (const Exhausted& error) {
    return name(error.code());
  }
  return "";
}

// Threads that wait for each other, in an order that the test tells.
class Stages {
public:
  void reach(int stage) {
    now_ = stage;
    now_.notify_all();
  }
  void wait_for(int stage) const {
    for (int now = now_; now != stage; now = now_)
      now_.wait(now);
  }

private:
  std::atomic<int> now_ = 0;
};

// ------------------------------------------------------------------------------------- one thread

TEST(SharedMultipool, ServesBlocksOfAnySizeAndTakesThemBackWithoutIt) {
  SharedMultipool pool;
  for (int round = 0; round != 3; ++round) {
    std::vector<std::pair<void*, std::size_t>> blocks;
    for (const std::size_t bytes : sizes) {
      void* const p = pool.allocate(bytes);
      EXPECT_GE(pool.usable_size(p), bytes);
      EXPECT_TRUE(pool.owns(p));
      EXPECT_TRUE(is_zero(p, bytes)) << bytes;
      fill(p, bytes);
      blocks.emplace_back(p, bytes);
    }
    EXPECT_FALSE(pool.empty());
    for (const auto& [p, bytes] : blocks) {
      EXPECT_TRUE(test::holds(p, 0, 0xA5));
      pool.deallocate(p);
      EXPECT_EQ(pool.try_usable_size(p), 0U);
      EXPECT_FALSE(pool.owns(p));
    }
    EXPECT_TRUE(pool.empty());
    EXPECT_EQ(pool.used(), 0U);
  }
}

TEST(SharedMultipool, TakesBlocksBackWithTheirSizeAndAlignment) {
  SharedMultipool pool;
  for (std::size_t alignment = 1; alignment <= 1_MiB; alignment *= 2)
    for (const std::size_t bytes : {1U, 24U, 100U, 3000U, 40'000U, 70'000U}) {
      void* const p = pool.allocate(bytes, alignment);
      EXPECT_TRUE(is_aligned(p, alignment)) << bytes << " " << alignment;
      fill(p, bytes);
      pool.deallocate(p, bytes, alignment);
    }
  EXPECT_TRUE(pool.empty());
}

TEST(SharedMultipool, HandsOutZeroUnlessItIsOff) {
  SharedMultipool dirty({.zero = false});
  SharedMultipool clean;
  for (int round = 0; round != 3; ++round)
    for (const std::size_t bytes : {8U, 100U, 5000U, 65'000U, 200'000U}) {
      void* const p = clean.allocate(bytes);
      EXPECT_TRUE(is_zero(p, bytes));
      fill(p, bytes);
      clean.deallocate(p);
      void* const q = dirty.allocate(bytes);
      fill(q, bytes);
      dirty.deallocate(q);
      EXPECT_EQ(clean.dirty_bytes(p, bytes), 0U);
      EXPECT_EQ(dirty.dirty_bytes(q, bytes), bytes);
    }
  clean.reset();
  clean.trim();
  for (const std::size_t bytes : {8U, 100U, 5000U, 65'000U, 200'000U})
    EXPECT_TRUE(is_zero(clean.allocate(bytes), bytes));
}

TEST(SharedMultipool, ReallocatesInPlaceAndElsewhere) {
  SharedMultipool pool;
  std::mt19937 random(1);
  void* p = nullptr;
  std::size_t bytes = 0;
  for (int i = 0; i != 2000; ++i) {
    const std::size_t next = 1 + random() % (i % 50 == 0 ? 3'000'000 : i % 5 == 0 ? 100'000 : 2000);
    void* const moved =
        i % 2 == 0 || p == nullptr ? pool.reallocate(p, next) : pool.reallocate(p, bytes, next);
    const std::size_t kept = std::min(bytes, next);
    EXPECT_TRUE(test::holds(moved, kept, 0xA5));
    fill(moved, next);
    p = moved, bytes = next;
    EXPECT_GE(pool.usable_size(p), bytes);
  }
  pool.deallocate(p, bytes);
  EXPECT_TRUE(pool.empty());
}

TEST(SharedMultipool, ShrinksInPlaceAndTakesTheNewSizeBack) {
  SharedMultipool pool;
  for (const std::size_t bytes : {100U, 5000U, 60'000U, 300'000U}) {
    void* const p = pool.allocate(bytes);
    EXPECT_TRUE(pool.try_resize(p, bytes, bytes / 3));
    EXPECT_FALSE(pool.try_resize(p, bytes / 3, pool.capacity() + 1));
    pool.deallocate(p, bytes / 3);
    void* const q = pool.allocate(bytes);
    EXPECT_TRUE(pool.try_resize(q, bytes, 1));
    pool.deallocate(q);
  }
  EXPECT_FALSE(pool.try_resize(nullptr, 0, 1));
  EXPECT_TRUE(pool.empty());
}

TEST(SharedMultipool, TellsWhatMoreABlockHas) {
  SharedMultipool pool;
  for (const std::size_t bytes : sizes) {
    const SharedMultipool::AtLeast block = pool.allocate_at_least(bytes);
    EXPECT_GE(block.bytes, bytes);
    fill(block.p, block.bytes);
    pool.deallocate(block.p, std::max(bytes, block.bytes - 7));
  }
  EXPECT_TRUE(pool.empty());
}

TEST(SharedMultipool, CreatesAndDestroysObjects) {
  struct Counted {
    explicit Counted(int& count, bool fails = false) : count_(count) {
      if (fails)
        throw 1;
      ++count_;
    }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted() { --count_; }
    int& count_;
  };
  SharedMultipool pool({.name = "objects"});
  int count = 0;
  auto* const object = pool.create<Counted>(count);
  EXPECT_EQ(count, 1);
  EXPECT_THROW((void)pool.create<Counted>(count, true), int);
  EXPECT_THROW((void)pool.try_create<Counted>(count, true), int);
  pool.destroy(object);
  EXPECT_EQ(count, 0);
  EXPECT_TRUE(pool.empty());
  EXPECT_EQ(refused([&] { pool.destroy(object); }), "double_free");
  EXPECT_EQ(count, 0);
  EXPECT_STREQ(pool.name(), "objects");
}

TEST(SharedMultipool, TellsMisuseBeforeItReadsThroughThePointer) {
  SharedMultipool pool;
  SharedMultipool another;
  int local = 0;
  std::byte* const small = bytes_at(pool.allocate(64));
  std::byte* const large = bytes_at(pool.allocate(100'000));
  const auto code = [&](void* p) { return refused([&] { pool.deallocate(p); }); };
  for (void* const p : {static_cast<void*>(&local), reinterpret_cast<void*>(8),
                        reinterpret_cast<void*>(~std::uintptr_t{7}), another.allocate(64)}) {
    EXPECT_EQ(code(p), "foreign_pointer");
    EXPECT_EQ(refused([&] { pool.deallocate(p, 64); }), "foreign_pointer");
    EXPECT_EQ(refused([&] { (void)pool.usable_size(p); }), "foreign_pointer");
    EXPECT_EQ(refused([&] { (void)pool.reallocate(p, 100); }), "foreign_pointer");
    EXPECT_FALSE(pool.try_deallocate(p));
    EXPECT_FALSE(pool.owns(p));
    EXPECT_EQ(pool.try_reallocate(p, 100), nullptr);
  }
  EXPECT_EQ(code(nullptr), "null_pointer");
  EXPECT_EQ(code(small + 8), "misaligned_pointer");
  EXPECT_EQ(code(small + 1), "misaligned_pointer");
  EXPECT_EQ(code(large + 70'000), "misaligned_pointer");
  EXPECT_EQ(code(large + 8), "misaligned_pointer");
  EXPECT_TRUE(pool.owns(small + 63));
  EXPECT_TRUE(pool.owns(large + 99'999));
  EXPECT_EQ(refused([&] { pool.deallocate(small, 65); }), "bad_size");
  EXPECT_EQ(refused([&] { pool.deallocate(small, 100'000); }), "bad_size");
  EXPECT_EQ(refused([&] { pool.deallocate(large, 64); }), "bad_size");
  EXPECT_EQ(refused([&] { pool.deallocate(small, 64, 3); }), "bad_alignment");
  EXPECT_EQ(refused([&] { (void)pool.reallocate(small, 65, 100); }), "bad_size");
  pool.deallocate(small, 64);
  pool.deallocate(large, 100'000);
  EXPECT_EQ(code(small), "double_free");
  EXPECT_EQ(code(large), "double_free");
  EXPECT_EQ(refused([&] { (void)pool.usable_size(small); }), "double_free");
  EXPECT_EQ(refused([&] { (void)pool.allocate(8, 24); }), "bad_alignment");
  EXPECT_EQ(pool.try_allocate(8, 24), nullptr);
  EXPECT_EQ(refused([&] { (void)pool.class_stats(pool.classes()); }), "out_of_bounds");
  EXPECT_TRUE(pool.empty());
  pool.release();
  pool.release();
  EXPECT_TRUE(pool.freed());
  EXPECT_EQ(code(small), "released");
  EXPECT_EQ(refused([&] { (void)pool.allocate(8); }), "released");
  EXPECT_EQ(refused([&] { pool.reset(); }), "released");
  EXPECT_EQ(refused([&] { pool.trim(); }), "released");
  EXPECT_EQ(pool.try_allocate(8), nullptr);
  EXPECT_EQ(pool.stats(), (Stats{pool.name(), 0, 0, 0, 0, 0}));
}

TEST(SharedMultipool, IsUsedUpToItsLimit) {
  constexpr std::size_t limit = 64 * slab;
  SharedMultipool pool({.limit = limit});
  EXPECT_EQ(pool.capacity(), limit);
  std::mt19937 random(2);
  std::vector<void*> blocks;
  std::size_t bytes = 0;
  for (;;) {
    const std::size_t next = 8 + random() % 1017;
    void* const p = pool.try_allocate(next);
    if (p == nullptr)
      break;
    EXPECT_TRUE(is_zero(p, next));
    fill(p, next);
    bytes += next;
    blocks.push_back(p);
  }
  EXPECT_GE(bytes, limit / 100 * 84);
  EXPECT_LE(pool.committed(), limit);
  EXPECT_EQ(refused([&] { (void)pool.allocate(100'000); }), "no_room");
  for (void* const p : blocks)
    pool.deallocate(p);
  EXPECT_TRUE(pool.empty());
  // What small blocks had serves a large object, and the other way round.
  void* const large = pool.allocate(limit / 4 * 3);
  EXPECT_TRUE(is_zero(large, limit / 4 * 3));
  fill(large, limit / 4 * 3);
  pool.deallocate(large);
  blocks.clear();
  while (void* const p = pool.try_allocate(1000)) {
    EXPECT_TRUE(is_zero(p, 1000));
    blocks.push_back(p);
  }
  EXPECT_GE(blocks.size() * 1024, limit / 100 * 90);
}

TEST(SharedMultipool, ResetKeepsMemoryAndTrimGivesItBack) {
  SharedMultipool pool;
  std::vector<void*> blocks;
  for (int i = 0; i != 20'000; ++i)
    blocks.push_back(pool.allocate(100));
  blocks.push_back(pool.allocate(1'000'000));
  const std::size_t held = pool.committed();
  const std::size_t peak = pool.peak();
  EXPECT_GE(peak, pool.used());
  pool.reset();
  EXPECT_TRUE(pool.empty());
  EXPECT_EQ(pool.peak(), peak);
  EXPECT_EQ(pool.committed(), held);
  EXPECT_EQ(refused([&] { pool.deallocate(blocks.front()); }), "double_free");
  EXPECT_TRUE(is_zero(pool.allocate(100), 100));
  pool.reset();
  pool.trim();
  EXPECT_LE(pool.committed(), 2 * slab); // bookkeeping
  pool.reset_peak();
  EXPECT_EQ(pool.peak(), 0U);
}

TEST(SharedMultipool, TellsTheBlocksOfEachClass) {
  SharedMultipool pool;
  std::vector<void*> blocks;
  for (int i = 0; i != 100; ++i)
    blocks.push_back(pool.allocate(60));
  std::size_t used = 0;
  for (std::size_t i = 0; i != pool.classes(); ++i) {
    const ClassStats stats = pool.class_stats(i);
    used += stats.used * stats.block_bytes;
    if (stats.block_bytes == 64) {
      EXPECT_EQ(stats.used, 100U);
      EXPECT_GT(stats.available, 0U);
    }
  }
  EXPECT_EQ(used, pool.used());
  EXPECT_EQ(used, 6400U);
}

// -------------------------------------------------------------------------------- several threads

struct Stamp {
  std::uint32_t owner, number;
  bool operator==(const Stamp&) const = default;
};

// Where threads leave blocks for each other.
using Exchange = std::array<std::atomic<std::byte*>, 64>;

std::byte* stamped(SharedMultipool& pool, std::size_t bytes, const Stamp& stamp) {
  std::byte* const p = bytes_at(pool.try_allocate(bytes));
  if (p == nullptr)
    return nullptr;
  EXPECT_TRUE(is_zero(p, std::min<std::size_t>(bytes, 64)));
  std::memcpy(p, &stamp, sizeof stamp);
  std::memcpy(p + sizeof stamp, &stamp, sizeof stamp);
  return p;
}
void give_back(SharedMultipool& pool, std::byte* p) {
  Stamp first{};
  Stamp second{};
  std::memcpy(&first, p, sizeof first);
  std::memcpy(&second, p + sizeof first, sizeof second);
  EXPECT_EQ(first, second);
  pool.deallocate(p);
}

void torture(SharedMultipool& pool, Exchange& exchange, std::uint32_t owner, std::uint32_t steps) {
  std::mt19937 random(owner);
  std::vector<std::byte*> mine;
  for (std::uint32_t step = 0; step != steps; ++step) {
    const auto what = random() % 10;
    if (what < 5 || mine.empty()) {
      const std::size_t bytes = 16 + (random() % 100 == 0 ? random() % 90'000 : random() % 500);
      if (std::byte* const p = stamped(pool, bytes, {owner, step}))
        mine.push_back(p);
      continue;
    }
    std::swap(mine[random() % mine.size()], mine.back());
    std::byte* p = mine.back();
    mine.pop_back();
    if (what == 9) {
      Stamp stamp{};
      std::memcpy(&stamp, p, sizeof stamp);
      std::byte* const moved = bytes_at(pool.try_reallocate(p, 16 + random() % 2000));
      mine.push_back(moved == nullptr ? p : moved);
      EXPECT_EQ(std::memcmp(mine.back(), &stamp, sizeof stamp), 0);
      continue;
    }
    if (what < 8)
      p = exchange[random() % exchange.size()].exchange(p);
    if (p != nullptr)
      give_back(pool, p);
  }
  for (std::byte* const p : mine)
    give_back(pool, p);
}
void empty(SharedMultipool& pool, Exchange& exchange) {
  for (std::atomic<std::byte*>& place : exchange)
    if (std::byte* const p = place.exchange(nullptr))
      give_back(pool, p);
}

TEST(SharedMultipool, ServesManyThreadsWhoseBlocksChangeHands) {
  SharedMultipool pool;
  SharedMultipool bounded({.limit = 24 * slab}); // less than they want
  for (int round = 0; round != 2; ++round) {
    Exchange exchange{};
    Exchange of_bounded{};
    std::atomic<bool> stop = false;
    std::vector<std::thread> threads;
    for (std::uint32_t owner = 1; owner != 6; ++owner)
      threads.emplace_back([&, owner] {
        torture(pool, exchange, owner, 2000);
        torture(bounded, of_bounded, owner, 1000);
      });
    std::thread observer([&] { // what may be called at any time
      while (!stop) {
        EXPECT_LE(pool.used(), pool.capacity());
        pool.trim(slab);
        (void)bounded.stats();
        for (std::size_t i = 0; i < pool.classes(); i += 7)
          (void)pool.class_stats(i);
      }
    });
    for (std::thread& thread : threads)
      thread.join();
    stop = true;
    observer.join();
    empty(pool, exchange);
    empty(bounded, of_bounded);
    EXPECT_TRUE(pool.empty());
    EXPECT_TRUE(bounded.empty());
  }
}

TEST(SharedMultipool, IsServedToItsLastBlockFromMagazinesOfThreadsThatLive) {
  SharedMultipool pool({.limit = 8 * slab});
  Stages stages;
  std::size_t most = 0;
  std::thread other([&] {
    std::vector<void*> blocks;
    while (void* const p = pool.try_allocate(64))
      blocks.push_back(p);
    most = blocks.size();
    for (void* const p : blocks)
      pool.deallocate(p);
    stages.reach(1);
    stages.wait_for(2);
    pool.deallocate(pool.allocate(64));
  });
  stages.wait_for(1);
  EXPECT_TRUE(pool.empty());
  std::vector<void*> blocks;
  while (void* const p = pool.try_allocate(64))
    blocks.push_back(p);
  EXPECT_GE(blocks.size() + 64, most);
  for (void* const p : blocks)
    pool.deallocate(p);
  void* const large = pool.try_allocate(3 * slab);
  EXPECT_NE(large, nullptr);
  pool.deallocate(large);
  stages.reach(2);
  other.join();
}

TEST(SharedMultipool, AThreadsExitLeavesItsBlocksAndWhatOthersHoldStays) {
  SharedMultipool pool;
  std::vector<std::byte*> held(64);
  std::size_t before = 0;
  for (std::uint32_t i = 0; i != 2000; ++i) {
    std::thread([&, i] {
      std::byte*& place = held[i % held.size()];
      if (place != nullptr)
        give_back(pool, place);
      place = stamped(pool, 16 + i % 700, {i, i});
      for (int k = 0; k != 5; ++k)
        pool.deallocate(pool.allocate(16 + i % 500));
    }).join();
    if (i == 700)
      before = pool.committed();
  }
  EXPECT_LE(pool.committed(), before);
  for (std::byte* const p : held)
    give_back(pool, p);
  EXPECT_TRUE(pool.empty());
}

TEST(SharedMultipool, ThreadsAndPoolsEndInAnyOrder) {
  std::optional<SharedMultipool> pool(std::in_place);
  Stages stages;
  std::thread thread([&] {
    pool->deallocate(pool->allocate(64));
    stages.reach(1);
    stages.wait_for(2);
    pool->deallocate(pool->allocate(64)); // another one, at its address
  });
  stages.wait_for(1);
  pool.emplace();
  pool->deallocate(pool->allocate(64));
  stages.reach(2);
  thread.join();
  EXPECT_TRUE(pool->empty());
}

TEST(SharedMultipool, TellsADoubleFreeByAnotherThread) {
  SharedMultipool pool;
  void* const p = pool.allocate(64);
  std::thread([&] { pool.deallocate(p); }).join();
  EXPECT_EQ(refused([&] { pool.deallocate(p); }), "double_free");
  std::thread([&] { EXPECT_EQ(refused([&] { pool.deallocate(p); }), "double_free"); }).join();
}

// A thread-local object that is destroyed after the thread's part is gone.
struct UsesInDestructor {
  SharedMultipool* pool = nullptr;
  void* p = nullptr;
  UsesInDestructor() = default;
  UsesInDestructor(const UsesInDestructor&) = delete;
  UsesInDestructor& operator=(const UsesInDestructor&) = delete;
  ~UsesInDestructor() {
    if (pool == nullptr)
      return;
    pool->deallocate(p);
    void* const q = pool->allocate(64);
    EXPECT_EQ(pool->usable_size(q), 64U);
    fill(q, 64);
    pool->deallocate(q, 64);
    pool->deallocate(pool->allocate(100'000));
  }
};

TEST(SharedMultipool, ServesDestructorsOfAThreadThatEnds) {
  SharedMultipool pool;
  std::thread([&] {
    static thread_local UsesInDestructor last; // made before the part, and so destroyed after
    last.pool = &pool;
    last.p = pool.allocate(64);
  }).join();
  EXPECT_TRUE(pool.empty());
}

// Where a thread is inside cannot be arranged from without: the machine's own lock is taken here.
TEST(SharedPools, TellsThatAThreadIsInside) {
  if (!os::can_fence_threads())
    GTEST_SKIP() << "nobody is inside without the mutex";
  detail::SharedPools pools({}, {}, std::pmr::new_delete_resource(), "pools");
  EXPECT_FALSE(pools.is_busy());
  Stages stages;
  std::thread other([&] {
    pools.deallocate(pools.allocate(64, 8), 64, 8);
    detail::ThreadPart* const part = pools.part();
    ASSERT_NE(part, nullptr);
    ASSERT_TRUE(part->lock.enter());
    stages.reach(1);
    stages.wait_for(2);
    part->lock.leave();
  });
  stages.wait_for(1);
  EXPECT_TRUE(pools.is_busy());
  stages.reach(2);
  other.join();
  EXPECT_FALSE(pools.is_busy());
}

#if !defined(_WIN32)
TEST(SharedMultipool, TheChildOfAForkAllocatesAndFreesWhateverOthersWereDoing) {
  SharedMultipool pool;
  Exchange exchange{};
  std::atomic<bool> stop = false;
  std::vector<std::thread> others;
  for (std::uint32_t owner = 1; owner != 3; ++owner)
    others.emplace_back([&, owner] {
      while (!stop)
        torture(pool, exchange, owner, 200);
    });
  std::vector<std::byte*> mine;
  for (std::uint32_t i = 0; i != 100; ++i)
    mine.push_back(stamped(pool, 16 + i * 37, {9, i}));
  for (int round = 0; round != 20; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      for (std::uint32_t i = 0; i != 1000; ++i) {
        give_back(pool, mine[i % mine.size()]);
        mine[i % mine.size()] = stamped(pool, 16 + i * 37, {9, i});
      }
      for (std::byte* const p : mine)
        give_back(pool, p);
      pool.trim();
      (void)pool.used();
      _exit(testing::Test::HasFailure() ? 1 : 0);
    }
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  stop = true;
  for (std::thread& other : others)
    other.join();
  for (std::byte* const p : mine)
    give_back(pool, p);
  empty(pool, exchange);
  EXPECT_TRUE(pool.empty());
}
#endif

// ------------------------------------------------------------------------------------------ faces

TEST(SharedMultipool, ServesContainersThatArePassedBetweenThreads) {
  SharedMultipool pool;
  Resource resource(pool);
  {
    std::list<int, Allocator<int, SharedMultipool>> list(pool);
    std::pmr::vector<int> vector(&resource);
    std::thread([&] {
      for (int i = 0; i != 1000; ++i)
        list.push_back(i), vector.push_back(i);
    }).join();
    EXPECT_EQ(list.size(), vector.size());
  }
  EXPECT_TRUE(pool.empty());
}

TEST(SharedMultipool, ServesHooksOfCLibraries) {
  SharedMultipool pool;
  void* p = hooks::allocate<SharedMultipool>(&pool, std::size_t{100});
  std::thread([&] {
    p = hooks::reallocate<SharedMultipool>(&pool, p, std::size_t{5000});
    EXPECT_GE((hooks::usable_size<SharedMultipool, std::size_t>(&pool, p)), 5000U);
  }).join();
  hooks::deallocate<SharedMultipool>(&pool, p);
  p = hooks::allocate_array<SharedMultipool>(&pool, 10, 10);
  EXPECT_TRUE(is_zero(p, 100));
  EXPECT_EQ(hooks::resize<SharedMultipool>(&pool, p, 112, 0), nullptr);
  p = hooks::allocate_aligned<SharedMultipool>(&pool, 100, 4096);
  EXPECT_TRUE(is_aligned(p, 4096));
  p = hooks::reallocate_aligned<SharedMultipool>(&pool, p, 100'000, 4096);
  EXPECT_TRUE(is_aligned(p, 4096));
  hooks::deallocate<SharedMultipool>(&pool, p);
  EXPECT_TRUE(pool.empty());
}

} // namespace
