#include <allot/allocator.hpp>
#include <allot/hooks.hpp>
#include <allot/resource.hpp>
#include <allot/threads/chunk_handout.hpp>
#include <allot/threads/shared_arena.hpp>

#include "support.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <list>
#include <memory>
#include <memory_resource>
#include <optional>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

using namespace allot;
using namespace test;

namespace {

constexpr std::size_t thread_count = 16;
/// A range of addresses that no 32-bit offset covers. Some tools leave less room than there is.
std::size_t vast() {
  static const bool room =
      Mapping::try_reserve(red_zones.stretch(1_TiB), Commit::strict, HugePages::never).data() !=
      nullptr;
  return room ? 1_TiB : 64_GiB / red_zones.stretch(1);
}

/// Runs `work(thread)` in so many threads, which begin together.
template <class Work>
void in_threads(std::size_t count, Work work) {
  std::barrier start(static_cast<std::ptrdiff_t>(count));
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i != count; ++i)
    threads.emplace_back([&, i] {
      start.arrive_and_wait();
      work(i);
    });
  for (std::thread& thread : threads)
    thread.join();
}
template <class Work>
void in_thread(Work work) {
  std::thread(work).join();
}

struct Taken {
  std::byte* p;
  std::size_t bytes;
};

std::byte* allocate(SharedArena& arena, std::size_t bytes, std::size_t alignment = granule) {
  return static_cast<std::byte*>(arena.allocate(bytes, alignment));
}

/// All lie apart from each other, and hold their thread's stamp.
void expect_apart(std::vector<std::vector<Taken>>& taken) {
  std::vector<Taken> all;
  for (std::size_t thread = 0; thread != taken.size(); ++thread)
    for (const Taken& each : taken[thread]) {
      ASSERT_TRUE(holds(each.p, each.bytes, static_cast<int>(thread + 1)));
      all.push_back(each);
    }
  std::sort(all.begin(), all.end(), [](const Taken& a, const Taken& b) { return a.p < b.p; });
  for (std::size_t i = 1; i < all.size(); ++i)
    ASSERT_LE(all[i - 1].p + all[i - 1].bytes, all[i].p);
}

// ------------------------------------------------------------------------------ the hand-out

/// Counts what the machine's atomics are asked to read, change and write in one step.
struct CountingAtomics : detail::Atomics {
  static inline std::atomic<std::size_t> changes = 0;
  template <class T>
  struct Atomic : std::atomic<T> {
    using std::atomic<T>::atomic;
    T fetch_add(T n, std::memory_order order) noexcept {
      ++changes;
      return std::atomic<T>::fetch_add(n, order);
    }
    template <class... Orders>
    bool compare_exchange_weak(T& expected, T desired, Orders... orders) noexcept {
      ++changes;
      return std::atomic<T>::compare_exchange_weak(expected, desired, orders...);
    }
    template <class... Orders>
    bool compare_exchange_strong(T& expected, T desired, Orders... orders) noexcept {
      ++changes;
      return std::atomic<T>::compare_exchange_strong(expected, desired, orders...);
    }
  };
};

TEST(ChunkHandout, AChunkIsOneAtomicStepAtAnyNumberOfThreads) {
  CountingAtomics::changes = 0;
  detail::ChunkHandout<CountingAtomics> handout(64_MiB);
  std::atomic<std::size_t> chunks = 0, bytes = 0, refused = 0;
  in_threads(thread_count, [&](std::size_t) {
    for (;;) {
      const auto piece = handout.take_chunk(16_KiB, 64);
      if (piece.bytes == 0)
        break;
      ++chunks;
      bytes += piece.bytes;
    }
    ++refused;
  });
  EXPECT_EQ(bytes, 64_MiB); // what straddles the end, too
  EXPECT_GE(CountingAtomics::changes, chunks);
  EXPECT_LE(CountingAtomics::changes, chunks + refused); // those that met at the end
  EXPECT_LT(chunks, 64_MiB / 16_KiB + 64 * 10);
}

TEST(ChunkHandout, ChunksBecomeSmallerNearTheEnd) {
  detail::ChunkHandout<> handout(1_MiB);
  std::size_t before = SIZE_MAX;
  for (auto piece = handout.take_chunk(64_KiB, 256); piece.bytes != 0;
       piece = handout.take_chunk(64_KiB, 256)) {
    EXPECT_LE(piece.bytes, before);
    EXPECT_TRUE(piece.bytes % 64 == 0);
    before = piece.bytes;
  }
  EXPECT_EQ(before, 256);
  EXPECT_EQ(handout.left(), 0);
}

TEST(ChunkHandout, TheEndIsHandedOutAsFarAsItGoes) {
  detail::ChunkHandout<> handout(1000);
  EXPECT_EQ(handout.take_chunk(640, 640).bytes, 640);
  const auto last = handout.take_chunk(640, 640);
  EXPECT_EQ(last.begin, 640);
  EXPECT_EQ(last.bytes, 360);
  EXPECT_EQ(handout.take_chunk(640, 640).bytes, 0);
  EXPECT_EQ(handout.taken(), 1000);
}

TEST(ChunkHandout, WhatDoesNotFitExactlyTakesNothing) {
  detail::ChunkHandout<> handout(1000, 40);
  EXPECT_EQ(handout.take_exactly(1008).bytes, 0);
  EXPECT_EQ(handout.take_exactly(SIZE_MAX - 7).bytes, 0);
  EXPECT_EQ(handout.take_exactly(8, std::size_t{1} << 63).bytes, 0);
  EXPECT_EQ(handout.taken(), 0);
  const auto aligned = handout.take_exactly(8, 64);
  EXPECT_EQ(aligned.begin, 0);
  EXPECT_EQ(aligned.bytes, 24 + 8);
  EXPECT_EQ(handout.take_exactly(1000 - 32).bytes, 1000 - 32);
  EXPECT_EQ(handout.left(), 0);
}

TEST(ChunkHandout, WhatIsBehindIsTakenUnlessAnotherTookIt) {
  detail::ChunkHandout<> handout(1000);
  EXPECT_EQ(handout.take_exactly(80).bytes, 80);
  EXPECT_TRUE(handout.take_behind(80, 80));
  EXPECT_FALSE(handout.take_behind(80, 80));
  EXPECT_FALSE(handout.take_behind(160, 848));
  EXPECT_FALSE(handout.take_behind(160, SIZE_MAX - 7));
  EXPECT_TRUE(handout.take_behind(160, 840));
}

// ------------------------------------------------------------------------------ one thread

TEST(SharedArena, OneThreadGetsAllOfIt) {
  SharedArena arena(64_KiB);
  EXPECT_EQ(arena.capacity(), 64_KiB);
  EXPECT_TRUE(arena.empty());
  for (std::size_t i = 0; i != 64_KiB / 16; ++i)
    ASSERT_NE(arena.try_allocate(16), nullptr);
  EXPECT_EQ(arena.used(), 64_KiB);
  EXPECT_EQ(arena.available(), 0);
  EXPECT_EQ(arena.lost(), 0);
  EXPECT_EQ(arena.peak(), 64_KiB);
  EXPECT_EQ(arena.try_allocate(1), nullptr);
  EXPECT_EQ(error([&] { return arena.allocate(8); }),
            "Exhausted(no_room) shared_arena: 8 bytes asked, 0 of 65536 left");
}

TEST(SharedArena, AllocationsOfOneThreadLieSideBySide) {
  SharedArena arena(1_MiB);
  std::byte* before = allocate(arena, 16);
  for (int i = 0; i != 10'000; ++i) {
    std::byte* const next = allocate(arena, 16);
    ASSERT_EQ(next, before + red_zones.stretch(16));
    before = next;
  }
}

TEST(SharedArena, SizesAreRoundedUpAndAlignmentsKept) {
  SharedArena arena(1_MiB);
  std::size_t used = 0;
  for (std::size_t alignment = 1; alignment <= 4096; alignment *= 2)
    for (const std::size_t bytes : Sizes{1, 7, 8, 100, 5000}) {
      std::byte* const p = allocate(arena, bytes, alignment);
      EXPECT_TRUE(is_aligned(p, std::max(alignment, granule)));
      EXPECT_TRUE(test::holds(p, bytes, 0));
      test::fill(p, bytes);
      EXPECT_GE(arena.used(), used + round_up(bytes));
      used = arena.used();
    }
  EXPECT_EQ(arena.used() + arena.lost() + arena.available(), arena.capacity());
  EXPECT_TRUE(is_aligned(arena.try_allocate(24, 256), 256));
  for (const std::size_t alignment : bad_alignments) {
    EXPECT_EQ(arena.try_allocate(8, alignment), nullptr);
    EXPECT_EQ(kind([&] { return arena.allocate(8, alignment); }), "Misuse(bad_alignment)");
  }
}

TEST(SharedArena, ZeroBytesTakeNothing) {
  SharedArena arena(64_KiB);
  EXPECT_NE(arena.allocate(0), nullptr);
  EXPECT_TRUE(is_aligned(arena.allocate(0, 64), 64));
  (void)arena.allocate(8);
  EXPECT_NE(arena.allocate(0), nullptr);
  EXPECT_TRUE(is_aligned(arena.allocate(0, 64), 64));
  EXPECT_EQ(arena.used(), 8);
}

TEST(SharedArena, NothingWraps) {
  for (SharedArena* arena : {new SharedArena(64_KiB), new SharedArena(Buffer::heap(64_KiB))}) {
    for (const std::size_t bytes : unservable) {
      EXPECT_EQ(arena->try_allocate(bytes), nullptr);
      EXPECT_EQ(arena->try_allocate(bytes, 4096), nullptr);
      EXPECT_EQ(arena->try_allocate(8, std::size_t{1} << 63), nullptr);
      EXPECT_EQ(kind([&] { return arena->allocate(bytes); }), "Exhausted(no_room)");
      EXPECT_EQ(kind([&] { return arena->allocate(bytes, 64); }), "Exhausted(no_room)");
    }
    const volatile std::size_t too_many = SIZE_MAX / 4 + 2;
    EXPECT_EQ(kind([&] { return arena->create_array<int>(too_many); }), "Exhausted(no_room)");
    EXPECT_EQ(arena->used(), 0);
    EXPECT_EQ(error([&] { return arena->allocate(1_TiB); }),
              "Exhausted(no_room) shared_arena: 1099511627776 bytes asked, 65536 of 65536 left");
    EXPECT_EQ(arena->available(), 64_KiB);
    delete arena;
  }
}

TEST(SharedArena, SizesOfNothingAreMisuse) {
  EXPECT_EQ(error([] { SharedArena arena(0); }),
            "Misuse(bad_size) shared_arena: a size of 0 bytes was asked for");
  EXPECT_EQ(error([] { SharedArena arena(0, {.name = "ir"}); }),
            "Misuse(bad_size) shared_arena \"ir\": a size of 0 bytes was asked for");
  EXPECT_EQ(error([] { SharedArena arena{Buffer()}; }),
            "Misuse(bad_size) shared_arena: the buffer has no room for 8 aligned bytes");
  EXPECT_EQ(kind([] { SharedArena arena(SIZE_MAX); }), "Exhausted(system_refused)");
}

TEST(SharedArena, AnyBufferServes) {
  alignas(64) std::byte lent[4096];
  test::fill(lent, sizeof lent);
  TestResource upstream;
  for (int kind = 0; kind != 4; ++kind) {
    SharedArena arena(kind == 0   ? Buffer::heap(4096)
                      : kind == 1 ? Buffer::mapped(4096)
                      : kind == 2 ? Buffer::borrowed(lent)
                                  : Buffer::from(&upstream, 4096));
    EXPECT_EQ(arena.capacity(), 4096);
    EXPECT_EQ(arena.committed(), 4096);
    while (void* const p = arena.try_allocate(24)) {
      ASSERT_TRUE(test::holds(p, 24, 0));
      test::fill(p, 24);
    }
    EXPECT_EQ(arena.used(), 4080);
    EXPECT_NE(arena.try_allocate(16), nullptr);
    EXPECT_EQ(arena.available(), 0);
    arena.reset();
    EXPECT_TRUE(test::holds(arena.allocate(2000), 2000, 0));
    EXPECT_TRUE(test::holds(arena.allocate(2000), 2000, 0));
  }
}

TEST(SharedArena, WithoutZeroingMemoryIsAsItWas) {
  alignas(64) std::byte lent[4096];
  test::fill(lent, sizeof lent);
  SharedArena arena(Buffer::borrowed(lent), {.zero = false});
  EXPECT_TRUE(test::holds(arena.allocate(1000), 1000, 0xA5));
  EXPECT_TRUE(test::holds(arena.allocate(16), 16, 0xA5));
  arena.reset();
  EXPECT_TRUE(test::holds(arena.allocate(1000), 1000, 0xA5));
}

TEST(SharedArena, TheNewestOfThisThreadIsResizedInPlace) {
  for (const bool reservation : {true, false}) {
    std::optional<SharedArena> made;
    reservation ? made.emplace(64_KiB) : made.emplace(Buffer::heap(64_KiB));
    SharedArena& arena = *made;
    void* const p = arena.allocate(100);
    EXPECT_TRUE(arena.try_resize(p, 100, 200));
    EXPECT_EQ(arena.used(), 200);
    EXPECT_TRUE(arena.try_resize(p, 200, 40'000)); // past the chunk
    EXPECT_TRUE(test::holds(p, 40'000, 0));
    EXPECT_EQ(arena.used(), 40'000);
    EXPECT_FALSE(arena.try_resize(p, 40'000, 64_KiB + 1));
    EXPECT_FALSE(arena.try_resize(p, 40'000, SIZE_MAX));
    EXPECT_TRUE(arena.try_resize(p, 40'000, 64_KiB));
    EXPECT_EQ(arena.available(), 0);
    EXPECT_TRUE(arena.try_resize(p, 64_KiB, 10));
    EXPECT_EQ(arena.used(), 16);
    EXPECT_EQ(arena.peak(), 64_KiB);
    void* const q = arena.allocate(16);
    EXPECT_FALSE(arena.try_resize(p, 10, 24));
    EXPECT_TRUE(arena.try_resize(p, 10, 3));
    EXPECT_FALSE(arena.try_resize(p, 3, 0));
    EXPECT_TRUE(arena.try_resize(q, 16, 0));
    EXPECT_EQ(arena.used(), 16);
    EXPECT_FALSE(arena.try_resize(nullptr, 0, 8));
    int other = 0;
    EXPECT_FALSE(arena.try_resize(&other, 4, 4));
    in_thread([&] { EXPECT_FALSE(arena.try_resize(p, 16, 24)); });
  }
}

TEST(SharedArena, WhatAnotherThreadHasEndedWithIsNotTheNewestOfThis) {
  SharedArena arena(1_MiB, {.chunk_bytes = 512});
  std::byte* last = nullptr; // fills a chunk of the other's to its end
  void* mine = arena.allocate(8);
  std::vector<std::byte*> all;
  std::barrier filled(2), tried(2);
  std::thread other([&] {
    for (int i = 0; i != 512 / 16; ++i)
      last = allocate(arena, 16);
    filled.arrive_and_wait();
    tried.arrive_and_wait();
  });
  filled.arrive_and_wait();
  while (mine != last + red_zones.stretch(16)) // the next chunk lies behind it
    mine = arena.allocate(8);
  EXPECT_TRUE(arena.try_resize(mine, 8, 0));
  EXPECT_FALSE(arena.try_resize(last, 16, 24));
  EXPECT_FALSE(arena.try_resize(last, 16, 0));
  tried.arrive_and_wait();
  other.join();
}

TEST(SharedArena, CopiesAndReallocates) {
  SharedArena arena(64_KiB);
  EXPECT_EQ(arena.copy("text"), "text");
  const int numbers[] = {1, 2, 3};
  EXPECT_EQ(arena.copy(numbers)[2], 3);
  void* const p = arena.allocate(100);
  test::fill(p, 100);
  (void)arena.allocate(8);
  void* const moved = arena.reallocate(p, 100, 300);
  EXPECT_TRUE(test::holds(moved, 100, 0xA5));
  EXPECT_EQ(arena.try_reallocate(moved, 300, SIZE_MAX), nullptr);
  int other = 0;
  EXPECT_EQ(kind([&] { return arena.reallocate(&other, 4, 100); }), "Misuse(foreign_pointer)");
  EXPECT_EQ(kind([&] { // not handed out yet
              return arena.reallocate(static_cast<std::byte*>(moved) + red_zones.stretch(304), 8,
                                      9);
            }),
            "Misuse(foreign_pointer)");
}

TEST(SharedArena, KnowsWhatItOwns) {
  SharedArena arena(64_KiB, {.name = "ir"});
  std::byte* const p = allocate(arena, 64);
  EXPECT_TRUE(arena.owns(p));
  EXPECT_TRUE(arena.owns(p + 63));
  EXPECT_FALSE(arena.owns(p - 1));
  EXPECT_FALSE(arena.owns(p + red_zones.stretch(64)));
  EXPECT_FALSE(arena.owns(p + red_zones.stretch(64_KiB)));
  EXPECT_FALSE(arena.owns(nullptr));
  EXPECT_STREQ(arena.name(), "ir");
  EXPECT_EQ(arena.stats(), (Stats{arena.name(), 64_KiB, 64, 64_KiB - 64, 64, 4096}));
  arena.release();
  EXPECT_FALSE(arena.owns(p));
}

TEST(SharedArena, ThePeakSurvivesAReset) {
  SharedArena arena(64_KiB);
  (void)arena.allocate(1000);
  arena.reset();
  EXPECT_EQ(arena.used(), 0);
  (void)arena.allocate(8);
  EXPECT_EQ(arena.peak(), 1000);
  arena.reset_peak();
  EXPECT_EQ(arena.peak(), 8);
  EXPECT_EQ(arena.committed(), 4096);
}

TEST(SharedArena, AfterReleaseEverythingIsMisuse) {
  SharedArena arena(64_KiB);
  void* const p = arena.allocate(8);
  arena.release();
  arena.release();
  EXPECT_TRUE(arena.freed());
  EXPECT_EQ(state(arena), (State{0, 0, 0, 8}));
  EXPECT_EQ(error([&] { return arena.allocate(8); }),
            "Misuse(released) shared_arena: used after release");
  EXPECT_EQ(kind([&] { return arena.allocate(0); }), "Misuse(released)");
  EXPECT_EQ(kind([&] { return arena.allocate(8, 64); }), "Misuse(released)");
  EXPECT_EQ(arena.try_allocate(8), nullptr);
  EXPECT_EQ(arena.try_allocate(0), nullptr);
  EXPECT_FALSE(arena.try_resize(p, 8, 0));
  EXPECT_EQ(kind([&] { return arena.create<int>(); }), "Misuse(released)");
  EXPECT_EQ(arena.try_create<int>(), nullptr);
  EXPECT_EQ(kind([&] { return arena.create_array<int>(3); }), "Misuse(released)");
  EXPECT_EQ(kind([&] { arena.reset(); }), "Misuse(released)");
  EXPECT_EQ(kind([&] { return arena.offset_of(p); }), "Misuse(released)");
  EXPECT_EQ(kind([&] { return arena.at(0); }), "Misuse(released)");
  in_thread([&] { EXPECT_EQ(kind([&] { return arena.allocate(8); }), "Misuse(released)"); });
}

// ------------------------------------------------------------------------------ offsets

TEST(SharedArena, OffsetsNameWhatLiesThere) {
  SharedArena arena(64_KiB);
  for (int i = 0; i != 100; ++i) {
    int* const p = arena.create<int>(i);
    const std::uint32_t offset = arena.offset_of(p);
    EXPECT_EQ(arena.at<int>(offset), p);
    EXPECT_EQ(arena.offset_of<std::uint64_t>(p), offset);
    EXPECT_EQ(offset, red_zones.stretch(static_cast<unsigned>(i)));
  }
  std::byte* const inside = allocate(arena, 64) + 8;
  EXPECT_EQ(arena.at(arena.offset_of(inside)), inside);
  int other = 0;
  EXPECT_EQ(kind([&] { return arena.offset_of(&other); }), "Misuse(foreign_pointer)");
  EXPECT_EQ(kind([&] { return arena.offset_of(nullptr); }), "Misuse(foreign_pointer)");
  EXPECT_EQ(kind([&] { return arena.offset_of(inside + 1); }), "Misuse(misaligned_pointer)");
  EXPECT_EQ(error([&] { return arena.at(red_zones.stretch(8192)); }),
            "Misuse(out_of_bounds) shared_arena: offset " +
                std::to_string(red_zones.stretch(8192)) + ", of " +
                std::to_string(red_zones.stretch(8192)));
  EXPECT_EQ(kind([&] { return arena.at(UINT64_MAX); }), "Misuse(out_of_bounds)");
}

TEST(SharedArena, OffsetsOfLargeArenasNeed64Bits) {
  SharedArena arena(vast());
  EXPECT_EQ(arena.capacity(), vast());
  std::byte* const p = allocate(arena, 8);
  EXPECT_EQ(arena.at(arena.offset_of<std::uint64_t>(p)), p);
  EXPECT_EQ(kind([&] { return arena.offset_of(p); }), "Misuse(overflow)");
  EXPECT_EQ(kind([&] { return arena.offset_of<std::uint64_t>(&arena); }),
            "Misuse(foreign_pointer)");
  if constexpr (!instrumented) {
    std::byte* const far = allocate(arena, 40_GiB) + 40_GiB - 8;
    *far = std::byte{1};
    EXPECT_EQ(arena.at(arena.offset_of<std::uint64_t>(far)), far);
  }
  EXPECT_EQ(arena.available() + arena.used(), vast());
  SharedArena exact(instrumented ? 16_GiB : 32_GiB);
  EXPECT_EQ(exact.offset_of(exact.allocate(8)), 0);
}

// ------------------------------------------------------------------------------ many threads

// What each thread gets until it is refused.
std::vector<std::vector<Taken>> use_up(SharedArena& arena, std::size_t threads, std::size_t most) {
  std::vector<std::vector<Taken>> taken(threads);
  in_threads(threads, [&](std::size_t thread) {
    std::minstd_rand random(static_cast<unsigned>(thread + 1));
    for (;;) {
      const std::size_t bytes = 1 + random() % most;
      const std::size_t alignment = std::size_t{1} << random() % 7;
      auto* const p = static_cast<std::byte*>(arena.try_allocate(bytes, alignment));
      if (p == nullptr)
        break;
      EXPECT_TRUE(is_aligned(p, alignment));
      EXPECT_TRUE(test::holds(p, bytes, 0));
      test::fill(p, bytes, static_cast<int>(thread + 1));
      taken[thread].push_back({p, bytes});
    }
  });
  return taken;
}

TEST(SharedArena, NoTwoThreadsGetTheSameMemory) {
  for (const std::size_t most : Sizes{16, 200, 5000})
    for (int kind = 0; kind != 3; ++kind) {
      std::optional<SharedArena> arena;
      if (kind == 2)
        arena.emplace(Buffer::heap(2_MiB));
      else
        arena.emplace(2_MiB,
                      SharedArenaOptions{.commit = kind == 1 ? Commit::strict : Commit::demand});
      for (int round = 0; round != 2; ++round) {
        auto taken = use_up(*arena, thread_count, most);
        expect_apart(taken);
        EXPECT_EQ(arena->used() + arena->lost() + arena->available(), arena->capacity());
        EXPECT_EQ(arena->peak(), std::max(arena->peak(), arena->used()));
        arena->reset();
        EXPECT_EQ(arena->used(), 0);
        EXPECT_EQ(arena->lost(), 0);
        EXPECT_EQ(arena->available(), arena->capacity());
      }
    }
}

TEST(SharedArena, UsedIsTheSumOfWhatThreadsGot) {
  SharedArena arena(vast());
  constexpr std::size_t count = 20'000;
  std::atomic<std::size_t> sum = 0;
  std::atomic<bool> done = false;
  std::thread reader([&] {
    std::size_t used = 0, peak = 0, lost = 0;
    while (!done) { // each is no less than before
      const std::size_t now[] = {arena.used(), arena.peak(), arena.lost()};
      EXPECT_TRUE(now[0] >= used && now[1] >= peak && now[2] >= lost);
      used = now[0], peak = now[1], lost = now[2];
    }
  });
  in_threads(thread_count, [&](std::size_t thread) {
    std::minstd_rand random(static_cast<unsigned>(thread + 1));
    std::size_t mine = 0;
    for (std::size_t i = 0; i != count; ++i) {
      const std::size_t bytes = i % 1000 == 0 ? 100'000 : 1 + random() % 100;
      (void)arena.allocate(bytes);
      mine += round_up(bytes);
    }
    sum += mine;
  });
  done = true;
  reader.join();
  EXPECT_EQ(arena.used(), sum);
  EXPECT_EQ(arena.peak(), sum);
  EXPECT_LE(arena.lost(), sum / 50 + thread_count * 256);
  EXPECT_EQ(arena.used() + arena.lost() + arena.available(), arena.capacity());
}

TEST(SharedArena, SixteenThreadsGetNearlyAllOfAMebibyte) {
  for (const bool reservation : {true, false}) {
    std::optional<SharedArena> arena;
    reservation ? arena.emplace(1_MiB) : arena.emplace(Buffer::heap(1_MiB));
    in_threads(thread_count, [&](std::size_t) {
      while (arena->try_allocate(16) != nullptr)
        ;
    });
    EXPECT_GE(arena->used(), 1_MiB / 100 * 99);
  }
}

TEST(SharedArena, OfAMebibyteLittleIsIdleAtTheFirstRefusal) {
  SharedArena arena(1_MiB);
  std::barrier step(static_cast<std::ptrdiff_t>(thread_count));
  std::atomic<bool> full = false;
  in_threads(thread_count, [&](std::size_t) {
    for (;;) { // at one pace
      for (int i = 0; i != 16; ++i)
        if (arena.try_allocate(16) == nullptr)
          full = true;
      step.arrive_and_wait();
      const bool stop = full;
      step.arrive_and_wait();
      if (stop)
        break;
    }
  });
  EXPECT_GE(arena.used(), 1_MiB / 100 * 98);
}

TEST(SharedArena, ThreadsThatComeAndGoLoseNothing) {
  SharedArena arena(64_MiB);
  constexpr std::size_t count = 2000;
  for (std::size_t i = 0; i != count; ++i)
    in_thread([&] { test::fill(arena.allocate(24), 24); });
  EXPECT_EQ(arena.used(), count * 24);
  EXPECT_LT(arena.lost(), 64_KiB);
  in_threads(thread_count, [&](std::size_t) { (void)arena.allocate(24); });
  EXPECT_LT(arena.lost(), 64_KiB);
}

TEST(SharedArena, WhatThreadsLeftIsFoundBeforeARefusal) {
  SharedArena arena(64_KiB, {.chunk_bytes = 1024});
  std::barrier all_have(static_cast<std::ptrdiff_t>(thread_count));
  in_threads(thread_count, [&](std::size_t) {
    (void)arena.allocate(8);
    all_have.arrive_and_wait();
  });
  while (arena.try_allocate(8) != nullptr)
    ;
  EXPECT_EQ(arena.available(), 0);
  EXPECT_EQ(arena.used() + arena.lost(), 64_KiB);
  EXPECT_EQ(arena.lost(), arena.capacity() - arena.used());
  EXPECT_LE(arena.lost(), (thread_count - 1) * (sizeof(detail::ArenaPart) + 56));
}

TEST(SharedArena, WhatALiveThreadHasLeftIsNotTaken) {
  SharedArena arena(64_KiB);
  std::barrier has(2), full(2);
  std::thread other([&] {
    (void)arena.allocate(8);
    has.arrive_and_wait();
    full.arrive_and_wait();
    EXPECT_NE(arena.try_allocate(8), nullptr);
  });
  has.arrive_and_wait();
  while (arena.try_allocate(8) != nullptr)
    ;
  EXPECT_GT(arena.available(), 0);
  EXPECT_EQ(error([&] { return arena.allocate(8); }),
            "Exhausted(no_room) shared_arena: 8 bytes asked, 0 of 65536 left");
  full.arrive_and_wait();
  other.join();
  while (arena.try_allocate(8) != nullptr) // the other has ended
    ;
  EXPECT_EQ(arena.available(), 0);
}

TEST(SharedArena, AThreadThatFindsNoRoomForItsPartIsToldSo) {
  SharedArena arena(4096);
  (void)arena.allocate(4000);
  in_thread([&] {
    EXPECT_EQ(arena.try_allocate(8), nullptr);
    EXPECT_EQ(error([&] { return arena.allocate(8); }),
              "Exhausted(no_room) shared_arena: 8 bytes asked, and " +
                  std::to_string(sizeof(detail::ArenaPart)) +
                  " for a thread's part, 96 of 4096 left");
    EXPECT_EQ(kind([&] { return arena.create<int>(); }), "Exhausted(no_room)");
    EXPECT_EQ(arena.try_create<int>(), nullptr);
  });
  EXPECT_NE(arena.try_allocate(96), nullptr);
}

TEST(SharedArena, AThreadHasOnePartInEachOfThousands) {
  constexpr std::size_t count = 3000;
  std::vector<std::byte> memory(count * 512);
  std::vector<std::unique_ptr<SharedArena>> arenas;
  for (std::size_t i = 0; i != count; ++i)
    arenas.push_back(
        std::make_unique<SharedArena>(Buffer::borrowed(std::span(memory).subspan(i * 512, 512))));
  for (int round = 0; round != 3; ++round)
    for (const auto& arena : arenas)
      (void)arena->allocate(8);
  for (std::size_t i = 0; i != count; i += 2)
    arenas[i].reset(); // so that others come
  for (std::size_t i = 0; i != count; i += 2)
    arenas[i] = std::make_unique<SharedArena>(Buffer::heap(512));
  for (int round = 0; round != 3; ++round)
    for (const auto& arena : arenas)
      (void)arena->allocate(8);
  for (std::size_t i = 0; i != count; ++i) {
    ASSERT_EQ(arenas[i]->used(), i % 2 == 0 ? 24 : 48);
    ASSERT_EQ(arenas[i]->lost(), 0); // to a second part
  }
}

TEST(SharedArena, ThreadsGoOnAfterAReset) {
  SharedArena arena(1_MiB);
  std::barrier step(3);
  const auto work = [&] {
    for (int round = 0; round != 3; ++round) {
      for (int i = 0; i != 100; ++i) {
        void* const p = arena.allocate(40);
        EXPECT_TRUE(test::holds(p, 40, 0));
        test::fill(p, 40);
      }
      step.arrive_and_wait();
      step.arrive_and_wait();
    }
  };
  std::thread one(work), two(work);
  for (int round = 0; round != 3; ++round) {
    step.arrive_and_wait();
    EXPECT_EQ(arena.used(), 200 * 40);
    arena.reset();
    EXPECT_TRUE(arena.empty());
    step.arrive_and_wait();
  }
  one.join(), two.join();
}

TEST(SharedArena, ThreadsMayEndAfterTheArena) {
  std::barrier step(2);
  std::optional<SharedArena> arena(std::in_place, 64_KiB);
  std::thread other([&] {
    (void)arena->allocate(8);
    step.arrive_and_wait();
    step.arrive_and_wait();
  });
  step.arrive_and_wait();
  arena.reset();
  step.arrive_and_wait();
  other.join();
}

TEST(SharedArena, ServesWhatAThreadDestroysLast) {
  static SharedArena* in_use;
  SharedArena arena(1_MiB);
  in_use = &arena;
  struct Last {
    bool used = false;
    ~Last() {
      if (!used)
        return;
      EXPECT_NE(in_use->try_allocate(24), nullptr);
      EXPECT_NE(in_use->create<std::string>("made when the thread had ended"), nullptr);
    }
  };
  in_thread([&] {
    static thread_local Last last; // made before the thread's parts, so destroyed after them
    last.used = true;
    (void)arena.allocate(8);
  });
  EXPECT_EQ(arena.objects(), 1);
  EXPECT_LT(arena.lost(), 1024);
}

// ------------------------------------------------------------------------------ objects

struct Counted {
  explicit Counted(std::atomic<int>& count, int n = 0, std::vector<int>* destroyed = nullptr)
      : living(count), number(n), order(destroyed) {
    ++living;
  }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() {
    --living;
    if (order != nullptr)
      order->push_back(number);
  }
  std::atomic<int>& living;
  int number;
  std::vector<int>* order;
};
struct Owner {
  Owner() { ++living; }
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;
  ~Owner() { --living; }
  static inline std::atomic<int> living = 0;
};

TEST(SharedArena, ObjectsAreDestroyedOnceAtReset) {
  std::atomic<int> living = 0;
  SharedArena arena(16_MiB);
  for (int round = 0; round != 2; ++round) {
    in_threads(thread_count, [&](std::size_t) {
      for (int i = 0; i != 200; ++i) {
        (void)arena.create<Counted>(living);
        EXPECT_NE(arena.try_create<Counted>(living), nullptr);
        EXPECT_EQ(arena.create_array<Owner>(3).size(), 3);
      }
    });
    EXPECT_EQ(living, static_cast<int>(thread_count) * 400);
    EXPECT_EQ(Owner::living, static_cast<int>(thread_count) * 600);
    EXPECT_EQ(arena.objects(), thread_count * 1000);
    round == 0 ? arena.reset() : arena.release();
    EXPECT_EQ(living, 0);
    EXPECT_EQ(Owner::living, 0);
    EXPECT_EQ(arena.objects(), 0);
  }
}

TEST(SharedArena, OfOneThreadTheNewestObjectIsDestroyedFirst) {
  std::atomic<int> living = 0;
  std::vector<int> order;
  {
    SharedArena arena(64_KiB);
    for (int i = 0; i != 100; ++i)
      (void)arena.create<Counted>(living, i, &order);
  }
  ASSERT_EQ(order.size(), 100);
  EXPECT_TRUE(std::is_sorted(order.rbegin(), order.rend()));
}

TEST(SharedArena, AThrowingConstructorGivesItsMemoryBack) {
  struct Thrower {
    explicit Thrower(SharedArena* nested) {
      if (nested != nullptr)
        (void)nested->create<Owner>();
      throw std::runtime_error("no");
    }
    Owner owner; // destroyed when the constructor throws
    std::byte bytes[100] = {};
  };
  SharedArena arena(64_KiB, {.chunk_bytes = 2048});
  for (int i = 0; i != 100; ++i) { // at the ends of chunks, too
    (void)arena.allocate(8);
    const std::size_t used = arena.used();
    EXPECT_THROW(arena.create<Thrower>(nullptr), std::runtime_error);
    ASSERT_EQ(arena.used(), used);
  }
  EXPECT_EQ(arena.objects(), 0);
  const std::size_t used = arena.used();
  EXPECT_THROW(arena.create<Thrower>(&arena), std::runtime_error);
  EXPECT_GT(arena.used(), used + sizeof(Thrower));
  EXPECT_EQ(arena.objects(), 1);
  arena.reset(); // is not told that a thread was inside
  EXPECT_EQ(Owner::living, 0);
}

TEST(SharedArena, IsClosedWhileDestructorsRun) {
  struct Asker {
    explicit Asker(SharedArena& asked) : arena(asked) {}
    Asker(const Asker&) = delete;
    Asker& operator=(const Asker&) = delete;
    ~Asker() {
      EXPECT_EQ(error([&] { return arena.allocate(8); }),
                "Misuse(busy) shared_arena: used while its own destructors run");
      EXPECT_EQ(arena.try_allocate(8), nullptr);
      EXPECT_EQ(arena.try_allocate(0), nullptr);
      EXPECT_EQ(arena.try_allocate(8, 64), nullptr);
      EXPECT_EQ(kind([&] { return arena.create<int>(); }), "Misuse(busy)");
      EXPECT_EQ(kind([&] { arena.reset(); }), "Misuse(busy)");
      EXPECT_FALSE(arena.try_resize(this, sizeof *this, 0));
      in_thread([&] { EXPECT_EQ(kind([&] { return arena.allocate(8); }), "Misuse(busy)"); });
      const ReportedMisuse reported;
      arena.release();
      EXPECT_EQ(
          ReportedMisuse::texts(),
          std::vector<std::string>{"busy shared_arena: released while its own destructors run"});
      EXPECT_GT(arena.used(), 0);
    }
    SharedArena& arena;
  };
  SharedArena arena(64_KiB);
  (void)arena.create<Asker>(arena);
  arena.reset();
  EXPECT_NE(arena.allocate(8), nullptr);
}

TEST(SharedArena, ResetInAConstructorIsMisuse) {
  struct Resetter {
    explicit Resetter(SharedArena& arena) {
      EXPECT_EQ(error([&] { arena.reset(); }),
                "Misuse(busy) shared_arena: reset while a thread is inside");
      in_thread([&] { EXPECT_EQ(kind([&] { arena.reset(); }), "Misuse(busy)"); });
      const ReportedMisuse reported;
      arena.release();
      EXPECT_EQ(ReportedMisuse::texts(),
                std::vector<std::string>{"busy shared_arena: released while a thread is inside"});
    }
  };
  SharedArena arena(64_KiB);
  EXPECT_NE(arena.create<Resetter>(arena), nullptr);
  arena.reset();
}

// ------------------------------------------------------------------------------ faces

TEST(SharedArena, ServesContainersOfSeveralThreads) {
  SharedArena arena(64_MiB);
  Resource resource(arena);
  in_threads(4, [&](std::size_t thread) {
    std::vector<std::size_t, Allocator<std::size_t, SharedArena>> numbers{
        Allocator<std::size_t, SharedArena>(arena)};
    std::pmr::list<std::pmr::string> texts(&resource);
    for (std::size_t i = 0; i != 1000; ++i) {
      numbers.push_back(i + thread);
      texts.emplace_back("a text that is too long to lie in the string itself");
    }
    for (std::size_t i = 0; i != 1000; ++i)
      ASSERT_EQ(numbers[i], i + thread);
    texts.clear();
  });
  const ReportedMisuse reported;
  Allocator<int, SharedArena> allocator(arena);
  int other = 0;
  allocator.deallocate(&other, 1);
  EXPECT_EQ(ReportedMisuse::texts().size(), 1);
}

TEST(SharedArena, ServesHooksOfSeveralThreads) {
  SharedArena arena(64_MiB);
  in_threads(4, [&](std::size_t thread) {
    const int stamp = static_cast<int>(thread + 1);
    for (std::size_t i = 1; i != 200; ++i) {
      void* p = hooks::allocate<SharedArena>(&arena, i);
      test::fill(p, i, stamp);
      p = hooks::reallocate<SharedArena>(&arena, p, 2 * i);
      ASSERT_TRUE(test::holds(p, i, stamp));
      hooks::deallocate<SharedArena>(&arena, p);
      void* const zero = hooks::allocate_array<SharedArena>(&arena, i, i);
      ASSERT_TRUE(test::holds(zero, i * i, 0));
      void* const lua = hooks::resize<SharedArena>(
          &arena, hooks::resize<SharedArena>(&arena, nullptr, 0, i), i, i * 3);
      ASSERT_NE(lua, nullptr);
    }
  });
}

// ------------------------------------------------------------------------------ fork

#if !defined(_WIN32)
TEST(SharedArena, AForkedChildUsesItsCopyWhileOtherThreadsWereInside) {
  for (int kind = 0; kind != 3; ++kind) {
    std::atomic<int> living = 0;
    std::optional<SharedArena> arena;
    if (kind == 2)
      arena.emplace(Buffer::heap(256_MiB));
    else
      arena.emplace(4_GiB,
                    SharedArenaOptions{.chunk_bytes = 256,
                                       .commit = kind == 1 ? Commit::strict : Commit::demand});
    std::atomic<bool> done = false;
    std::atomic<int> inside = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i != 3; ++i)
      threads.emplace_back([&] {
        ++inside;
        while (!done)
          for (int n = 0; n != 100; ++n) {
            (void)arena->try_allocate(16);
            if (n == 0)
              (void)arena->try_create<Counted>(living);
            std::this_thread::yield();
          }
      });
    while (inside != 3)
      std::this_thread::yield();
    for (int i = 0; i != 10; ++i) {
      const pid_t child = fork();
      ASSERT_NE(child, -1);
      if (child == 0) {
        bool right = true;
        for (int n = 0; n != 1000; ++n) {
          void* const p = arena->try_allocate(40);
          right = right && p != nullptr && test::holds(p, 40, 0);
          if (p != nullptr)
            test::fill(p, 40);
        }
        void* const newest = arena->try_allocate(16);
        right = right && arena->try_resize(newest, 16, 0);
        right = right && arena->used() + arena->lost() + arena->available() == arena->capacity();
        arena->release();
        _exit(right && arena->freed() ? 0 : 1);
      }
      int status = 0;
      ASSERT_EQ(waitpid(child, &status, 0), child);
      EXPECT_EQ(status, 0);
    }
    done = true;
    for (std::thread& thread : threads)
      thread.join();
    EXPECT_EQ(arena->used() + arena->lost() + arena->available(), arena->capacity());
  }
}
#endif

} // namespace
