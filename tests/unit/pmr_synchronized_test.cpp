#include <allot/pmr.hpp>

#include "support.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if !defined(_WIN32)
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

using namespace allot;
using namespace test;
using Synchronized = pmr::synchronized_pool_resource;

namespace {

// An upstream that counts, and tells if two threads are in it at once.
class OneAtATime : public pmr::memory_resource {
public:
  ~OneAtATime() override { EXPECT_EQ(live, 0); }
  int live = 0;
  int calls = 0;
  std::size_t held = 0; // bytes
  std::size_t most = SIZE_MAX;
  bool fails = false;

private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    const Inside inside(*this);
    ++calls;
    if (fails || bytes > most - held)
      throw std::bad_alloc();
    ++live;
    held += bytes;
    return pmr::new_delete_resource()->allocate(bytes, alignment);
  }
  void do_deallocate(void* p, std::size_t bytes, std::size_t alignment) override {
    const Inside inside(*this);
    --live;
    held -= bytes;
    pmr::new_delete_resource()->deallocate(p, bytes, alignment);
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }
  struct Inside {
    explicit Inside(OneAtATime& upstream) : upstream_(upstream) {
      EXPECT_EQ(upstream.threads_.fetch_add(1), 0);
    }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside() { upstream_.threads_.fetch_sub(1); }
    OneAtATime& upstream_;
  };
  std::atomic<int> threads_ = 0;
};

// Each block carries who allocated it and which of theirs it is, at both ends.
struct Stamp {
  std::uint32_t owner, number;
  bool operator==(const Stamp&) const = default;
};
struct Stamped {
  std::byte* p;
  std::size_t bytes;
  Stamp stamp;

  Stamped(pmr::memory_resource& resource, std::size_t size, Stamp by)
      : p(static_cast<std::byte*>(resource.allocate(size, 8))), bytes(size), stamp(by) {
    std::memcpy(p, &stamp, sizeof stamp);
    std::memcpy(p + bytes - sizeof stamp, &stamp, sizeof stamp);
  }
  void give_back(pmr::memory_resource& resource) const {
    Stamp first{};
    Stamp second{};
    std::memcpy(&first, p, sizeof first);
    std::memcpy(&second, p + bytes - sizeof second, sizeof second);
    EXPECT_EQ(first, stamp);
    EXPECT_EQ(second, stamp);
    resource.deallocate(p, bytes, 8);
  }
};

// Where threads leave blocks for each other.
class Exchange {
public:
  void put(const Stamped& block) {
    const std::lock_guard lock(mutex_);
    blocks_.push_back(block);
  }
  std::optional<Stamped> take() {
    const std::lock_guard lock(mutex_);
    if (blocks_.empty())
      return std::nullopt;
    const Stamped block = blocks_.back();
    blocks_.pop_back();
    return block;
  }

private:
  std::mutex mutex_;
  std::vector<Stamped> blocks_;
};

void torture(pmr::memory_resource& resource, Exchange& exchange, std::uint32_t owner,
             std::uint32_t steps) {
  std::mt19937 random(owner);
  std::vector<Stamped> mine;
  for (std::uint32_t step = 0; step != steps; ++step) {
    const auto what = random() % 10;
    if (what < 5 || mine.empty()) {
      const std::size_t bytes = (random() % 100 == 0 ? random() % 20'000 : random() % 500) + 16;
      mine.emplace_back(resource, bytes, Stamp{owner, step});
    } else {
      std::swap(mine[random() % mine.size()], mine.back());
      if (what < 8)
        mine.back().give_back(resource);
      else
        exchange.put(mine.back());
      mine.pop_back();
    }
    if (random() % 4 == 0)
      if (const auto block = exchange.take())
        block->give_back(resource);
  }
  for (const Stamped& block : mine)
    block.give_back(resource);
}

TEST(PmrSynchronized, ServesManyThreads) {
  OneAtATime upstream;
  Synchronized resource(&upstream);
  for (int round = 0; round != 2; ++round) { // the second with what the first left
    Exchange exchange;
    std::vector<std::thread> threads;
    for (std::uint32_t owner = 1; owner != 6; ++owner)
      threads.emplace_back([&, owner] { torture(resource, exchange, owner, 1000); });
    for (std::thread& thread : threads)
      thread.join();
    while (const auto block = exchange.take())
      block->give_back(resource);
  }
  resource.release();
  EXPECT_EQ(upstream.live, 0);
}

// So that what is allocated together lies together.
TEST(PmrSynchronized, ServesFreshBlocksInTheOrderOfTheirAddresses) {
  Synchronized resource;
  auto* const first = static_cast<std::byte*>(resource.allocate(64));
  auto* const second = static_cast<std::byte*>(resource.allocate(64));
  auto* const third = static_cast<std::byte*>(resource.allocate(64));
  EXPECT_EQ(second - first, static_cast<std::ptrdiff_t>(red_zones.stretch(64)));
  EXPECT_EQ(third - second, second - first);
}

TEST(PmrSynchronized, BlocksFlowBackFromAConsumer) {
  OneAtATime upstream;
  Synchronized resource(&upstream);
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Stamped> queue;
  bool done = false;
  std::thread consumer([&] {
    std::vector<Stamped> taken;
    for (bool last = false; !last;) {
      {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return done || !queue.empty(); });
        taken.swap(queue);
        last = done;
      }
      changed.notify_one();
      for (const Stamped& block : taken)
        block.give_back(resource);
      taken.clear();
    }
  });
  for (std::uint32_t i = 0; i != 10'000; ++i) {
    const Stamped block(resource, 64, {1, i});
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return queue.size() < 100; });
      queue.push_back(block);
      done = i == 9'999;
    }
    changed.notify_one();
  }
  consumer.join();
  EXPECT_LT(upstream.calls, 40); // or 10,000 blocks would lie at the consumer's
}

TEST(PmrSynchronized, AThreadsExitLeavesItsBlocksToTheOthers) {
  OneAtATime upstream;
  Synchronized resource(&upstream);
  const auto use = [&] {
    std::vector<void*> blocks;
    for (int i = 0; i != 1000; ++i)
      blocks.push_back(resource.allocate(64));
    for (void* p : blocks)
      resource.deallocate(p, 64);
  };
  std::thread(use).join();
  std::thread(use).join();
  const int calls = upstream.calls;
  for (int i = 0; i != 20; ++i)
    std::thread(use).join();
  EXPECT_EQ(upstream.calls, calls);
  use();
  EXPECT_LE(upstream.calls, calls + 3);
}

TEST(PmrSynchronized, AThreadsExitLeavesItsBlocksToOneThatWasThereBefore) {
  OneAtATime upstream;
  Synchronized resource(&upstream);
  resource.deallocate(resource.allocate(64), 64);
  std::vector<void*> left(100);
  std::thread([&] {
    for (void*& p : left)
      p = resource.allocate(64);
    for (void* const p : left)
      resource.deallocate(p, 64);
  }).join();
  std::vector<void*> taken(300);
  for (void*& p : taken)
    p = resource.allocate(64);
  for (void* const p : left)
    EXPECT_NE(std::find(taken.begin(), taken.end(), p), taken.end());
  for (void* const p : taken)
    resource.deallocate(p, 64);
}

TEST(PmrSynchronized, MayGoBeforeTheThreadsThatUsedIt) {
  OneAtATime upstream;
  std::atomic<int> stage = 0;
  auto resource = std::make_unique<Synchronized>(&upstream);
  std::thread thread([&] {
    resource->deallocate(resource->allocate(64), 64);
    stage = 1;
    stage.notify_one();
    stage.wait(1);
    // The resource is gone. Another, perhaps at its address, is not taken for it.
    Synchronized another(&upstream);
    another.deallocate(another.allocate(64), 64);
  });
  stage.wait(0);
  resource.reset();
  EXPECT_EQ(upstream.live, 0);
  stage = 2;
  stage.notify_one();
  thread.join();
}

TEST(PmrSynchronized, OutlivesTheThreadsThatUsedIt) {
  OneAtATime upstream;
  void* left = nullptr;
  {
    Synchronized resource(&upstream);
    std::thread([&] { left = resource.allocate(64); }).join();
    fill(left, 64);
    resource.deallocate(left, 64);
  }
  EXPECT_EQ(upstream.live, 0);
}

TEST(PmrSynchronized, OneAtTheAddressOfAnotherIsNotTakenForIt) {
  OneAtATime upstream;
  std::optional<Synchronized> resource;
  for (int i = 0; i != 5; ++i) {
    resource.emplace(&upstream);
    void* const p = resource->allocate(64);
    EXPECT_GT(upstream.live, 0);
    resource->deallocate(p, 64);
    resource->release();
    EXPECT_EQ(upstream.live, 0);
    (void)resource->allocate(64);
    resource.reset();
    EXPECT_EQ(upstream.live, 0);
  }
}

TEST(PmrSynchronized, AThreadUsesAsManyAsItLikes) {
  constexpr std::size_t count = 20;
  OneAtATime upstreams[count];
  std::vector<std::unique_ptr<Synchronized>> resources;
  for (OneAtATime& upstream : upstreams)
    resources.push_back(std::make_unique<Synchronized>(&upstream));
  const auto use = [&] {
    std::vector<std::pair<std::size_t, void*>> given;
    for (std::size_t i = 0; i != 40 * count; ++i)
      given.emplace_back(i % count, resources[i % count]->allocate(40));
    for (const auto& [i, p] : given)
      resources[i]->deallocate(p, 40);
  };
  use();
  std::thread(use).join();
  for (std::size_t i = 0; i != count; i += 2)
    resources[i].reset();
  for (std::size_t i = 1; i < count; i += 2)
    resources[i]->deallocate(resources[i]->allocate(40), 40);
}

// A thread-local object that is destroyed after the thread's caches are gone.
struct UsesInDestructor {
  pmr::memory_resource* resource = nullptr;
  void* p = nullptr;
  UsesInDestructor() = default;
  UsesInDestructor(const UsesInDestructor&) = delete;
  UsesInDestructor& operator=(const UsesInDestructor&) = delete;
  ~UsesInDestructor() {
    if (resource == nullptr)
      return;
    resource->deallocate(p, 64);
    void* const q = resource->allocate(64);
    fill(q, 64);
    resource->deallocate(q, 64);
    resource->deallocate(resource->allocate(10'000), 10'000);
  }
};

TEST(PmrSynchronized, ServesDestructorsOfAThreadThatEnds) {
  OneAtATime upstream;
  Synchronized resource(&upstream);
  std::thread([&] {
    static thread_local UsesInDestructor last; // made before the caches, and so destroyed after
    last.resource = &resource;
    last.p = resource.allocate(64);
    for (int i = 0; i != 100; ++i)
      resource.deallocate(resource.allocate(64), 64);
  }).join();
  void* const p = resource.allocate(64);
  fill(p, 64);
  resource.deallocate(p, 64);
}

TEST(PmrSynchronized, MayStandOnAnother) {
  OneAtATime upstream;
  Synchronized below(&upstream);
  Synchronized above(pmr::pool_options{8, 0}, &below);
  Exchange exchange;
  std::vector<std::thread> threads;
  for (std::uint32_t owner = 1; owner != 4; ++owner)
    threads.emplace_back([&, owner] { torture(above, exchange, owner, 500); });
  for (std::thread& thread : threads)
    thread.join();
  while (const auto block = exchange.take())
    block->give_back(above);
}

TEST(PmrSynchronized, DeallocatesWithoutMemoryForItsOwnUse) {
  OneAtATime upstream;
  Synchronized resource(&upstream);
  std::vector<void*> blocks;
  for (int i = 0; i != 1000; ++i)
    blocks.push_back(resource.allocate(64));
  upstream.fails = true;
  std::thread([&] { // has no cache, and cannot have one
    for (std::size_t i = 0; i != 500; ++i)
      resource.deallocate(blocks[i], 64);
  })
      .join();
  for (std::size_t i = 500; i != 1000; ++i) // has no magazine left
    resource.deallocate(blocks[i], 64);
  for (int i = 0; i != 1000; ++i)
    EXPECT_NO_THROW((void)resource.allocate(64));
  EXPECT_THROW((void)resource.allocate(100'000), std::bad_alloc);
}

// Threads that only give back, and those that give back more than they took.
TEST(PmrSynchronized, GivingBackNeverAsksUpstream) {
  OneAtATime upstream;
  Synchronized resource(&upstream);
  std::vector<void*> blocks;
  for (int i = 0; i != 3000; ++i)
    blocks.push_back(resource.allocate(64));
  const int calls = upstream.calls;
  for (std::size_t thread = 0; thread != 4; ++thread)
    std::thread([&] {
      for (std::size_t i = thread * 500; i != (thread + 1) * 500; ++i)
        resource.deallocate(blocks[i], 64);
    }).join();
  std::thread two([&] {
    for (std::size_t i = 2000; i != 2500; ++i)
      resource.deallocate(blocks[i], 64);
  });
  for (std::size_t i = 2500; i != 3000; ++i)
    resource.deallocate(blocks[i], 64);
  two.join();
  EXPECT_EQ(upstream.calls, calls);
}

TEST(PmrSynchronized, TrimTakesWhatLiesInMagazinesOfOtherThreads) {
  OneAtATime upstream;
  Synchronized resource(&upstream);
  std::vector<void*> blocks;
  for (int i = 0; i != 3000; ++i)
    blocks.push_back(resource.allocate(64));
  std::atomic<int> stage = 0;
  std::thread other([&] {
    resource.deallocate(resource.allocate(200), 200);
    for (void* const p : blocks)
      resource.deallocate(p, 64);
    stage = 1;
    stage.notify_one();
    stage.wait(1);
    resource.deallocate(resource.allocate(200), 200);
  });
  stage.wait(0);
  void* const last = resource.allocate(1000);
  resource.trim();
  const int live = upstream.live;
  resource.deallocate(last, 1000);
  resource.trim();
  EXPECT_EQ(upstream.live, 0);
  EXPECT_GT(live, 0);
  stage = 2;
  stage.notify_one();
  other.join();
  EXPECT_GT(upstream.live, 0);
  resource.trim();
  EXPECT_EQ(upstream.live, 0);
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

constexpr std::size_t mixed(std::size_t i) {
  return 16 + i * 7919 % 1009;
}

TEST(PmrSynchronized, ServesFromMagazinesOfThreadsThatLiveWhereUpstreamRefuses) {
  OneAtATime upstream;
  upstream.most = 100'000 * red_zones.stretch(1);
  Synchronized resource(&upstream);
  Stages stages;
  std::size_t most = 0;
  std::thread other([&] { // has all that there is, and gives it back, which fills its magazines
    std::vector<void*> blocks;
    while (void* const p = allot::detail::null_if_thrown([&] { return resource.allocate(64, 8); }))
      blocks.push_back(p);
    most = blocks.size();
    for (void* const p : blocks)
      resource.deallocate(p, 64, 8);
    stages.reach(1);
    stages.wait_for(2);
    resource.deallocate(resource.allocate(64, 8), 64, 8);
  });
  stages.wait_for(1);
  std::vector<void*> blocks;
  while (void* const p = allot::detail::null_if_thrown([&] { return resource.allocate(64, 8); }))
    blocks.push_back(p);
  EXPECT_EQ(blocks.size(), most);
  for (void* const p : blocks)
    resource.deallocate(p, 64, 8);
  blocks.clear();
  // Of another class as well, as the magazines' blocks become its memory.
  while (void* const p = allot::detail::null_if_thrown([&] { return resource.allocate(256, 8); }))
    blocks.push_back(p);
  EXPECT_GE(blocks.size() * 256, most * 64 / 10 * 7);
  for (void* const p : blocks)
    resource.deallocate(p, 256, 8);
  stages.reach(2);
  other.join();
}

TEST(PmrSynchronized, AThreadThatIsNewIsServedThoughUpstreamHasNothingLeft) {
  OneAtATime upstream;
  Synchronized resource(&upstream);
  Stages stages;
  std::thread other([&] {
    std::vector<void*> blocks;
    for (int i = 0; i != 1000; ++i)
      blocks.push_back(resource.allocate(64, 8));
    for (void* const p : blocks)
      resource.deallocate(p, 64, 8);
    stages.reach(1);
    stages.wait_for(2);
  });
  stages.wait_for(1);
  upstream.fails = true;
  std::vector<void*> blocks;
  for (int i = 0; i != 1000; ++i)
    EXPECT_NO_THROW(blocks.push_back(resource.allocate(64, 8)));
  for (void* const p : blocks)
    resource.deallocate(p, 64, 8);
  stages.reach(2);
  other.join();
}

TEST(PmrSynchronized, ThousandsServeOneThreadAndThoseThatCameLater) {
  constexpr std::size_t count = 4096;
  OneAtATime upstream;
  std::vector<std::unique_ptr<Synchronized>> resources;
  for (std::size_t i = 0; i != count; ++i)
    resources.push_back(std::make_unique<Synchronized>(
        pmr::pool_options{.max_blocks_per_chunk = 8, .largest_required_pool_block = 64},
        &upstream));
  std::vector<void*> blocks(count);
  for (int round = 0; round != 3; ++round) {
    for (std::size_t i = 0; i != count; ++i)
      blocks[i] = resources[i]->allocate(48, 8);
    const int calls = upstream.calls;
    for (std::size_t i = 0; i != count; ++i) {
      if (i % 2 == 0)
        resources[i]->deallocate(blocks[i], 48, 8);
      else
        resources[i] = std::make_unique<Synchronized>(&upstream); // with what was in use
    }
    EXPECT_EQ(upstream.calls, calls);
  }
}

TEST(PmrSynchronized, ManyThreadsWithLittleEachHoldLittle) {
  constexpr std::size_t threads = 64;
  constexpr std::size_t each = 38 * 1024;
  OneAtATime upstream;
  Synchronized resource(&upstream);
  std::atomic<std::size_t> done = 0;
  std::vector<std::thread> all;
  for (std::size_t thread = 0; thread != threads; ++thread)
    all.emplace_back([&, thread] {
      std::vector<std::pair<void*, std::size_t>> mine;
      std::size_t live = 0;
      for (std::size_t i = thread * 1000; live < each; ++i) {
        mine.emplace_back(resource.allocate(mixed(i), 8), mixed(i));
        live += mixed(i);
      }
      ++done;
      done.notify_all();
      for (std::size_t now = done; now < threads; now = done)
        done.wait(now);
      for (const auto& [p, bytes] : mine)
        resource.deallocate(p, bytes, 8);
    });
  for (std::thread& thread : all)
    thread.join();
  EXPECT_LE(upstream.held, threads * each * red_zones.stretch(1) / 10 * 15); // all came at once
}

TEST(PmrSynchronized, LivesThroughTenThousandThreads) {
  OneAtATime upstream;
  Synchronized resource(&upstream);
  std::vector<std::pair<void*, std::size_t>> held(16); // some of those that ended
  std::size_t before = 0;
  for (std::size_t i = 0; i != 2500; ++i) {
    std::vector<std::thread> four;
    for (std::size_t k = 0; k != 4; ++k)
      four.emplace_back([&, at = (4 * i + k) % held.size(), bytes = mixed(4 * i + k)] {
        if (held[at].first != nullptr)
          resource.deallocate(held[at].first, held[at].second, 8);
        held[at] = {resource.allocate(bytes, 8), bytes};
      });
    for (std::thread& thread : four)
      thread.join();
    if (i == 250)
      before = upstream.held;
  }
  EXPECT_LE(upstream.held, before + before / 2);
  for (const auto& [p, bytes] : held)
    resource.deallocate(p, bytes, 8);
}

#if !defined(_WIN32)
TEST(PmrSynchronized, TheChildOfAForkAllocatesAndGivesBackWhateverOthersWereDoing) {
  Synchronized resource;
  std::atomic<bool> stop = false;
  std::vector<std::thread> others;
  for (std::uint32_t owner = 1; owner != 3; ++owner)
    others.emplace_back([&, owner] {
      Exchange exchange;
      while (!stop)
        torture(resource, exchange, owner, 200);
    });
  std::vector<Stamped> mine;
  for (std::uint32_t i = 0; i != 100; ++i)
    mine.emplace_back(resource, mixed(i), Stamp{9, i});
  for (int round = 0; round != 20; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      for (std::uint32_t i = 0; i != 1000; ++i) {
        mine.emplace_back(resource, mixed(i), Stamp{9, i});
        mine[i % mine.size()].give_back(resource);
        mine.erase(mine.begin() + i % static_cast<std::ptrdiff_t>(mine.size()));
      }
      for (const Stamped& block : mine)
        block.give_back(resource);
      resource.trim();
      _exit(testing::Test::HasFailure() ? 1 : 0);
    }
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  stop = true;
  for (std::thread& other : others)
    other.join();
  for (const Stamped& block : mine)
    block.give_back(resource);
}
#endif

TEST(PmrSynchronized, TellsADoubleFreeByAnotherThread) {
  Synchronized resource;
  void* const p = resource.allocate(64);
  std::thread([&] { resource.deallocate(p, 64); }).join();
  const ReportedMisuse reported;
  resource.deallocate(p, 64);
  std::thread([&] { resource.deallocate(p, 64); }).join();
  ASSERT_EQ(ReportedMisuse::texts().size(), 2U);
  for (const std::string& text : ReportedMisuse::texts())
    EXPECT_TRUE(text.starts_with("double_free")) << text;
}

TEST(PmrSynchronized, TheMisuseHandlerMayUseTheResource) {
  static Synchronized* in_handler = nullptr;
  Synchronized resource;
  in_handler = &resource;
  void* const p = resource.allocate(64);
  resource.deallocate(p, 64);
  void (*const before)(const Misuse&) = std::exchange(misuse_handler, [](const Misuse&) {
    in_handler->deallocate(in_handler->allocate(10'000), 10'000);
    in_handler = nullptr;
  });
  resource.deallocate(p, 64);
  misuse_handler = before;
  EXPECT_EQ(in_handler, nullptr);
}

} // namespace
