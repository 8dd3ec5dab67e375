// SharedArena where the system, the heap or an upstream refuses; and on memory of the caller's,
// where it asks none of them.
#include "faults.hpp"

#include <allot/allocator.hpp>
#include <allot/hooks.hpp>
#include <allot/threads/shared_arena.hpp>

#include "../support.hpp"

#include <atomic>
#include <barrier>
#include <cstddef>
#include <string>
#include <thread>
#include <vector>

using namespace allot;
using namespace faults;

namespace {

constexpr std::size_t mib = 1_MiB;

struct Owner {
  Owner() { ++living; }
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;
  ~Owner() { --living; }
  unsigned char bytes[40] = {};
  static inline std::atomic<int> living = 0;
};

TEST(SharedArena, IsNotMadeWhereItsMemoryIsRefused) {
  const auto refuses = [](Source source, auto make) {
    const std::ptrdiff_t heap = heap_blocks();
    std::string told;
    {
      const Fault fault(source, 1, true);
      try {
        make();
      } catch (const Exhausted& exhausted) {
        told = allot::name(exhausted.code());
      } catch (const std::bad_alloc&) {
        told = "upstream's";
      }
      EXPECT_TRUE(fault.happened());
    }
    make();
    EXPECT_EQ(heap_blocks(), heap);
    return told;
  };
  EXPECT_EQ(refuses(Source::system, [] { SharedArena arena(mib); }), "system_refused");
  EXPECT_EQ(refuses(Source::heap, [] { SharedArena arena(Buffer::heap(1000)); }), "system_refused");
  Upstream upstream;
  EXPECT_EQ(refuses(Source::upstream, [&] { SharedArena arena(Buffer::from(&upstream, 1000)); }),
            "upstream's");
  EXPECT_EQ(upstream.blocks(), 0);
}

TEST(SharedArena, IsAsItWasWhereACommitIsRefused) {
  for (const std::size_t bytes : test::Sizes{16, 100'000}) { // in a chunk, and around it
    SharedArena arena(64 * mib, {.commit = Commit::strict});
    {
      const Fault fault(Source::system, 1, true);
      EXPECT_EQ(arena.try_allocate(bytes), nullptr);
      EXPECT_EQ(test::error([&] { return arena.allocate(bytes); }),
                "Exhausted(system_refused) shared_arena: the system refused to commit " +
                    std::to_string(bytes) + " bytes, 0 of 67108864 committed");
      EXPECT_EQ(test::kind([&] { return arena.create<Owner>(); }), "Exhausted(system_refused)");
      EXPECT_TRUE(fault.happened());
      EXPECT_EQ(statistics(arena), (std::vector<std::size_t>{64 * mib, 0, 64 * mib, 0, 0, 0}));
    }
    void* const p = arena.allocate(bytes);
    test::fill(p, bytes);
    {
      const std::vector<std::size_t> before = statistics(arena);
      const Fault fault(Source::system, 1, true);
      EXPECT_EQ(arena.try_allocate(10 * mib), nullptr);
      EXPECT_FALSE(arena.try_resize(p, bytes, 10 * mib));
      EXPECT_EQ(statistics(arena), before);
    }
    EXPECT_NE(arena.try_allocate(10 * mib), nullptr);
    EXPECT_TRUE(test::holds(p, bytes, 0xA5));
  }
}

TEST(SharedArena, CommitsInFewSteps) {
  SharedArena arena(1024 * mib, {.commit = Commit::strict});
  const Fault fault(Source::system, 20, false);
  for (std::size_t i = 0; i != 64 * mib / 64; ++i)
    (void)arena.allocate(64);
  EXPECT_FALSE(fault.happened());
}

TEST(SharedArena, UnderDemandNoCallIsMade) {
  if (instrumented)
    GTEST_SKIP() << "is always strict";
  SharedArena arena(1024 * mib);
  const Fault fault(Source::system, 1, true);
  for (std::size_t i = 0; i != 64 * mib / 64; ++i)
    (void)arena.allocate(64);
  (void)arena.allocate(100 * mib);
  EXPECT_FALSE(fault.happened());
}

// What GoogleTest would ask of the heap itself stays out of it: failures are counted.
std::atomic<int> failures = 0;
void check(bool holds) {
  failures += holds ? 0 : 1;
}

void use(SharedArena& arena) {
  auto* const first = static_cast<std::byte*>(arena.allocate(24));
  check(arena.owns(first) && arena.at(arena.offset_of(first)) == first);
  check(arena.try_allocate(24) != nullptr && arena.allocate(0) != nullptr);
  for (std::size_t alignment = 16; alignment <= 4096; alignment *= 2)
    check(test::is_aligned(arena.allocate(10, alignment), alignment));
  void* p = arena.allocate(16);
  p = arena.reallocate(p, 16, 400);
  check(arena.try_reallocate(p, 400, 800) != nullptr);
  check(arena.copy("text") == "text");
  (void)arena.create<Owner>();
  check(arena.create_array<Owner>(5).size() == 5 && arena.try_create<Owner>() != nullptr);
  void* const block = hooks::allocate<SharedArena>(&arena, std::size_t{100});
  hooks::deallocate<SharedArena>(&arena,
                                 hooks::reallocate<SharedArena>(&arena, block, std::size_t{500}));
  std::vector<long, Allocator<long, SharedArena>> vector{Allocator<long, SharedArena>(arena)};
  for (long i = 0; i != 100; ++i)
    vector.push_back(i);
  check(arena.try_allocate(100 * mib) == nullptr);
}

alignas(4096) std::byte memory[1 << 19];

TEST(ASharedArenaOnABorrowedBuffer, AsksTheHeapForNothing) {
  for (const bool zero : {true, false}) {
    test::fill(memory, sizeof memory);
    std::barrier start(4), worked(4), reset(4), end(4);
    SharedArena* used = nullptr;
    const auto work = [&] {
      start.arrive_and_wait();
      for (int round = 0; round != 2; ++round) {
        use(*used);
        worked.arrive_and_wait();
        reset.arrive_and_wait();
      }
      end.arrive_and_wait();
    };
    std::thread threads[] = {std::thread(work), std::thread(work), std::thread(work)};
    bool asked = false;
    failures = 0;
    {
      const Fault heap(Source::heap, 1, true);
      SharedArena arena(Buffer::borrowed(memory), {.zero = zero});
      used = &arena;
      start.arrive_and_wait();
      for (int round = 0; round != 2; ++round) {
        worked.arrive_and_wait();
        check(arena.objects() == 3 * 7 && Owner::living == 3 * 7);
        check(arena.used() + arena.lost() + arena.available() == arena.capacity());
        arena.reset();
        check(arena.empty() && Owner::living == 0);
        reset.arrive_and_wait();
      }
      while (arena.try_allocate(8) != nullptr)
        ;
      try {
        (void)arena.allocate(8);
        check(false);
      } catch (const Exhausted&) {
      }
      arena.release();
      asked = heap.happened();
    }
    end.arrive_and_wait();
    for (std::thread& thread : threads)
      thread.join();
    EXPECT_FALSE(asked) << "the heap was asked";
    EXPECT_EQ(failures, 0);
    EXPECT_EQ(test::visible(memory, sizeof memory), sizeof memory);
  }
}

} // namespace
