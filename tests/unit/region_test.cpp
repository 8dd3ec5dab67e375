#include <allot/region.hpp>

#include "support.hpp"

#include <algorithm>
#include <array>
#include <memory_resource>
#include <new>
#include <ostream>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace allot;
using namespace allot::literals;
using test::TestResource;
using test::Witness;

namespace {

using Log = std::vector<int>;
using Answer = TestResource::Answer;

struct Numbers {
  std::size_t arenas, total, used, size;
  bool operator==(const Numbers&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const Numbers& n) {
    return out << n.arenas << " arenas, " << n.total << " bytes in all, " << n.used << " of "
               << n.size << " in the current one";
  }
};
Numbers numbers(const Region& region) {
  const Region::Stats stats = region.stats();
  return {stats.arenas, stats.total_allocated, stats.current_arena_used, stats.current_arena_size};
}

TEST(Region, StartsWithoutAnArena) {
  Region region;
  EXPECT_EQ(numbers(region), (Numbers{0, 0, 0, 0}));
  EXPECT_EQ(test::state(region), (test::State{0, 0, 0, 0}));
  EXPECT_NE(region.allocate(0), nullptr);
  EXPECT_TRUE(test::is_aligned(region.allocate(0, 4096), 4096));
  EXPECT_EQ(numbers(region), (Numbers{0, 0, 0, 0}));
  region.reset();
  region.trim();
  region.release();
}

TEST(Region, MakesArenasOf64KiBOnDemand) {
  Region region;
  void* const first = region.allocate(65536);
  test::fill(first, 65536, 1);
  EXPECT_EQ(numbers(region), (Numbers{1, 65536, 65536, 65536}));
  void* const second = region.allocate(1);
  test::fill(second, 1, 2);
  EXPECT_EQ(numbers(region), (Numbers{2, 65544, 8, 65536}));
  EXPECT_EQ(test::state(region), (test::State{131072, 65544, 65528, 65544}));
  test::fill(region.allocate(65528), 65528, 3);
  EXPECT_EQ(numbers(region), (Numbers{2, 131072, 65536, 65536}));
  EXPECT_TRUE(test::holds(first, 65536, 1));
  EXPECT_TRUE(test::holds(second, 1, 2));
}

TEST(Region, ARequestThatDoesNotFitLeavesTheRestOfTheArena) {
  Region region;
  (void)region.allocate(40000);
  (void)region.allocate(40000);
  EXPECT_EQ(numbers(region), (Numbers{2, 80000, 40000, 65536}));
}

TEST(Region, ALargerRequestGetsAnArenaOfItsOwnAndTheCurrentOneStays) {
  Region region;
  void* const large = region.allocate(65537); // also the first of all
  test::fill(large, 65537, 1);
  EXPECT_EQ(numbers(region), (Numbers{1, 65544, 0, 0}));
  auto* const small = static_cast<std::byte*>(region.allocate(16));
  test::fill(region.allocate(1000000), 1000000, 2);
  EXPECT_EQ(numbers(region), (Numbers{3, 65544 + 16 + 1000000, 16, 65536}));
  EXPECT_EQ(region.allocate(8), small + red_zones.stretch(16));
  EXPECT_TRUE(test::holds(large, 65537, 1));
  EXPECT_TRUE(region.owns(large));
  EXPECT_TRUE(region.owns(static_cast<std::byte*>(large) + 65536));
  EXPECT_FALSE(region.try_resize(large, 65537, 70000)); // not of the current arena
  EXPECT_EQ(test::kind([&] { return region.reallocate(large, 65537, 70000); }), "none");
}

TEST(Region, CountsRoundedSizes) {
  Region region;
  std::size_t total = 0;
  std::mt19937 random(5);
  for (int i = 0; i != 1000; ++i) {
    const std::size_t bytes = i % 50 == 0 ? random() % 200000 : random() % 2000;
    (void)region.allocate(bytes);
    total += round_up(bytes);
    ASSERT_EQ(region.stats().total_allocated, total);
    ASSERT_EQ(region.used(), total);
    ASSERT_EQ(region.peak(), total);
    ASSERT_LE(region.used(), region.capacity());
    ASSERT_EQ(region.available(),
              region.stats().current_arena_size - region.stats().current_arena_used);
  }
}

TEST(Region, ContentsStayIntactInManyArenas) {
  struct Piece {
    void* p;
    std::size_t bytes;
    int pattern;
  };
  for (const std::size_t max : test::Sizes{1024, 1 << 20}) {
    Region region({.arena_size = 1024, .max_arena_size = max});
    std::mt19937 random(6);
    for (int round = 0; round != 3; ++round) {
      std::vector<Piece> pieces;
      for (int i = 0; i != 3000; ++i) {
        const std::size_t bytes = random() % (i % 20 == 0 ? 5000 : 200);
        const std::size_t alignment = i % 7 == 0 ? std::size_t{1} << random() % 13 : 8;
        void* const p = region.allocate(bytes, alignment);
        ASSERT_TRUE(test::is_aligned(p, alignment));
        ASSERT_TRUE(test::holds(p, bytes, 0)); // also after a reset
        const int pattern = static_cast<int>(random() % 255) + 1;
        test::fill(p, bytes, pattern);
        pieces.push_back({p, bytes, pattern});
      }
      for (const Piece& piece : pieces) {
        ASSERT_TRUE(test::holds(piece.p, piece.bytes, piece.pattern));
        ASSERT_TRUE(piece.bytes == 0 || region.owns(piece.p));
      }
      region.reset();
      ASSERT_FALSE(region.owns(pieces.back().p));
    }
  }
}

TEST(Region, ArenaSizesAreAsAsked) {
  EXPECT_EQ(test::error([] { return Region({.arena_size = 0}); }),
            "Misuse(bad_size) region: an arena size of 0 bytes was asked for");
  Region region({.arena_size = 1001, .max_arena_size = 1001});
  (void)region.allocate(8);
  EXPECT_EQ(region.stats().current_arena_size, 1008u);
  Region tiny({.arena_size = 1, .max_arena_size = 1});
  (void)tiny.allocate(8);
  (void)tiny.allocate(8);
  EXPECT_EQ(numbers(tiny), (Numbers{2, 16, 8, 8}));
  (void)tiny.allocate(9); // larger than an arena
  EXPECT_EQ(numbers(tiny), (Numbers{3, 32, 8, 8}));
  Region huge({.arena_size = SIZE_MAX});
  EXPECT_EQ(test::kind([&] { return huge.allocate(8); }), "Exhausted(system_refused)");
  EXPECT_EQ(huge.try_allocate(8), nullptr);
  EXPECT_EQ(numbers(huge), (Numbers{0, 0, 0, 0}));
}

TEST(Region, ALargerMaximumMeansDoubling) {
  Region region({.arena_size = 1024, .max_arena_size = 5000});
  for (const std::size_t size : test::Sizes{1024, 2048, 4096, 5000, 5000}) {
    (void)region.allocate(1024);
    EXPECT_EQ(region.stats().current_arena_size, size);
    while (region.available() >= 8)
      (void)region.allocate(8);
  }
  region.trim(); // in vain: none is spare
  while (region.available() >= 8)
    (void)region.allocate(8);
  (void)region.allocate(8);
  EXPECT_EQ(region.stats().current_arena_size, 5000u);
  region.reset();
  region.trim(); // of all; from the first size again
  (void)region.allocate(8);
  EXPECT_EQ(region.stats().current_arena_size, 1024u);
  region.release(); // the same
  (void)region.allocate(8);
  EXPECT_EQ(region.stats().current_arena_size, 1024u);
  Region smaller({.arena_size = 1024, .max_arena_size = 8}); // is none
  (void)smaller.allocate(1024);
  (void)smaller.allocate(1024);
  EXPECT_EQ(smaller.stats().current_arena_size, 1024u);
}

TEST(Region, ALimitIsForAllArenasTogether) {
  Region region({.arena_size = 1024, .max_arena_size = 1024, .limit = 4096});
  for (int i = 0; i != 4; ++i)
    EXPECT_NE(region.try_allocate(1024), nullptr);
  const Numbers before = numbers(region);
  EXPECT_EQ(test::error([&] { return region.allocate(8); }),
            "Exhausted(no_room) region: 8 bytes asked, 0 of 4096 left");
  EXPECT_EQ(region.try_allocate(8), nullptr);
  EXPECT_EQ(region.try_allocate(2000), nullptr);
  EXPECT_EQ(numbers(region), before);
  EXPECT_EQ(region.capacity(), 4096u);

  Region large({.arena_size = 1024, .max_arena_size = 1024, .limit = 4096});
  EXPECT_EQ(large.try_allocate(4097), nullptr);
  EXPECT_NE(large.try_allocate(4096), nullptr);
  EXPECT_EQ(large.try_allocate(1), nullptr);
}

TEST(Region, NearTheLimitArenasAreSmaller) {
  Region small({.limit = 100}); // less than an arena
  EXPECT_NE(small.try_allocate(8), nullptr);
  EXPECT_EQ(small.stats().current_arena_size, 96u);
  EXPECT_EQ(test::error([&] { return small.allocate(101); }),
            "Exhausted(no_room) region: 101 bytes asked, 88 of 100 left");
  EXPECT_NE(small.try_allocate(88), nullptr);
  EXPECT_EQ(small.try_allocate(8), nullptr);

  Region region({.arena_size = 1024, .max_arena_size = 1024, .limit = 1500});
  (void)region.allocate(1024);
  EXPECT_NE(region.try_allocate(400), nullptr);
  EXPECT_EQ(region.capacity(), 1496u);
  region.reset(); // a spare of 472, one of 1024
  EXPECT_NE(region.try_allocate(1000), nullptr);
  EXPECT_NE(region.try_allocate(472), nullptr);
  EXPECT_EQ(region.capacity(), 1496u);
  region.reset();
  EXPECT_EQ(test::error([&] { return region.allocate(1501); }),
            "Exhausted(no_room) region: 1501 bytes asked, 1500 of 1500 left");
  EXPECT_NE(region.try_allocate(1496), nullptr); // instead of both
  EXPECT_EQ(region.stats().arenas, 1u);
}

#if SIZE_MAX > UINT32_MAX // what 32 bits have no addresses for
TEST(Region, WhatTheHeapRefusesIsNotBlamedOnTheLimit) {
  Region region;
  EXPECT_EQ(test::error([&] { return region.allocate(std::size_t{1} << 60); }),
            "Exhausted(system_refused) region: the heap refused an arena for 1152921504606846976 "
            "bytes");
}
#endif

// A caller of reallocate expects no shrink to fail, or to copy.
TEST(Region, ShrinksInPlaceInEveryArena) {
  Region region({.arena_size = 1024, .max_arena_size = 1024});
  void* const old = region.allocate(1000);
  void* const large = region.allocate(5000);
  (void)region.allocate(1000);
  const Numbers before = numbers(region);
  EXPECT_TRUE(region.try_resize(old, 1000, 10)); // which gives nothing back
  EXPECT_FALSE(region.try_resize(old, 10, 11));
  EXPECT_FALSE(region.try_resize(old, 10, 0));
  EXPECT_FALSE(region.try_resize(large, 5001, 100));
  EXPECT_FALSE(region.try_resize(&region, 4, 1)); // foreign
  EXPECT_EQ(numbers(region), before);
  EXPECT_EQ(region.reallocate(large, 5000, 100), large); // which is alone in its arena
  EXPECT_EQ(numbers(region), (Numbers{3, 1000 + 104 + 1000, 1000, 1024}));
}

TEST(Region, WhatIsAloneInItsArenaGrowsThereAndGivesItBack) {
  TestResource upstream;
  Region region({.arena_size = 1024, .max_arena_size = 1024, .upstream = &upstream});
  test::fill(region.allocate(1000), 1000);
  void* const large = region.allocate(5000);
  (void)region.allocate(5000); // a younger one
  (void)region.allocate(1000);
  const Numbers before = numbers(region);
  EXPECT_TRUE(region.try_resize(large, 5000, 100));
  EXPECT_TRUE(region.try_resize(large, 100, 5000));
  EXPECT_EQ(numbers(region), before);
  EXPECT_FALSE(region.try_resize(large, 5000, 5001));
  EXPECT_EQ(numbers(region), before);
  EXPECT_FALSE(region.try_resize(large, 4000, 0)); // a wrong size
  EXPECT_TRUE(region.try_resize(large, 5000, 0));
  EXPECT_EQ(numbers(region), (Numbers{3, 1000 + 5000 + 1000, 1000, 1024}));
  EXPECT_EQ(region.capacity(), 1024u + 5000 + 1024);
  EXPECT_EQ(upstream.live(), 3u);
  EXPECT_FALSE(region.owns(large));
}

TEST(Region, AssignmentFromADestructorThatItRunsIsReportedAndIgnored) {
  const test::ReportedMisuse reported;
  struct Assigns {
    Region& region;
    ~Assigns() { region = Region(); }
  };
  Region region;
  region.create<Assigns>(region);
  (void)region.allocate(100000);
  region.reset();
  EXPECT_EQ(reported.texts(),
            std::vector<std::string>{"busy region: assigned to while its own destructors run"});
  EXPECT_EQ(region.stats().arenas, 2u);
  EXPECT_NE(region.try_allocate(8), nullptr);
}

TEST(Region, UnderALimitDoublingEndsWithTheRest) {
  Region region({.arena_size = 1024, .max_arena_size = 1 << 20, .limit = 4096});
  EXPECT_NE(region.try_allocate(1024), nullptr); // 1024
  EXPECT_NE(region.try_allocate(1024), nullptr); // 2048
  EXPECT_NE(region.try_allocate(1024), nullptr);
  EXPECT_NE(region.try_allocate(1024), nullptr); // not 4096, but what is left
  EXPECT_EQ(region.try_allocate(8), nullptr);
  EXPECT_EQ(region.capacity(), 4096u);
}

TEST(Region, SparesMakeRoomForALargeRequestWithinTheLimit) {
  Region region({.arena_size = 1024, .max_arena_size = 1024, .limit = 4096});
  for (int i = 0; i != 4; ++i)
    (void)region.allocate(1024);
  region.reset();
  EXPECT_EQ(region.capacity(), 4096u);
  EXPECT_NE(region.try_allocate(4096), nullptr);
  EXPECT_EQ(region.capacity(), 4096u);
  EXPECT_EQ(region.try_allocate(8), nullptr);
}

TEST(Region, ResetKeepsItsArenasAsSpares) {
  TestResource upstream;
  Region region({.arena_size = 1024, .max_arena_size = 1024, .upstream = &upstream});
  for (int round = 0; round != 3; ++round) {
    for (int i = 0; i != 5; ++i) {
      void* const p = region.allocate(1000);
      EXPECT_TRUE(test::holds(p, 1000, 0)); // the resource gives rubbish
      test::fill(p, 1000);
    }
    EXPECT_EQ(numbers(region), (Numbers{5, 5000, 1000, 1024}));
    region.reset();
    EXPECT_EQ(numbers(region), (Numbers{5, 0, 0, 0}));
    EXPECT_EQ(test::state(region), (test::State{5120, 0, 0, 5000}));
  }
  EXPECT_EQ(upstream.requests.size(), 5u);
}

TEST(Region, LargeArenasAreKeptWhileTheyAreUsed) {
  TestResource upstream;
  Region region({.arena_size = 1024, .max_arena_size = 1024, .upstream = &upstream});
  test::fill(region.allocate(10000), 10000);
  region.reset();
  EXPECT_EQ(region.stats().arenas, 1u);
  EXPECT_TRUE(test::holds(region.allocate(9000), 9000, 0)); // from the spare
  EXPECT_EQ(upstream.requests.size(), 1u);
  region.reset();
  EXPECT_EQ(region.stats().arenas, 1u);
  (void)region.allocate(8);
  region.reset(); // it was not used since the last reset
  EXPECT_EQ(region.stats().arenas, 1u);
  EXPECT_EQ(region.capacity(), 1024u);
  EXPECT_EQ(upstream.live(), 1u);
}

TEST(Region, TrimFreesSpares) {
  TestResource upstream;
  Region region({.arena_size = 1024, .max_arena_size = 1024, .upstream = &upstream});
  void* const kept = region.allocate(1000);
  test::fill(kept, 1000);
  region.checkpoint();
  for (int i = 0; i != 4; ++i)
    (void)region.allocate(1000);
  (void)region.allocate(10000);
  region.restore();
  EXPECT_EQ(region.stats().arenas, 6u);
  EXPECT_EQ(region.capacity(), 5 * 1024u + 10000);
  region.trim(SIZE_MAX);
  EXPECT_EQ(region.stats().arenas, 6u);
  region.trim(5 * 1024);
  EXPECT_EQ(region.stats().arenas, 5u); // without the large one
  region.trim(3 * 1024 + 1);
  EXPECT_EQ(region.stats().arenas, 4u); // three would be less
  region.trim();
  EXPECT_EQ(numbers(region), (Numbers{1, 1000, 1000, 1024})); // what is in use stays
  EXPECT_EQ(upstream.live(), 1u);
  EXPECT_TRUE(test::holds(kept, 1000, 0xA5));
  region.reset();
  region.trim();
  EXPECT_EQ(numbers(region), (Numbers{0, 0, 0, 0}));
  EXPECT_EQ(upstream.live(), 0u);
  EXPECT_TRUE(test::holds(region.allocate(1000), 1000, 0));
}

TEST(Region, ReleaseFreesAllAndTheRegionIsUsableAgain) {
  TestResource upstream;
  Log log;
  Region region({.arena_size = 1024, .max_arena_size = 1024, .upstream = &upstream});
  for (int round = 0; round != 3; ++round) {
    region.create<Witness>(log, 1);
    region.create<Witness>(log, 2);
    (void)region.allocate(1000);
    (void)region.allocate(10000);
    region.checkpoint();
    region.release();
    EXPECT_EQ(upstream.live(), 0u);
    EXPECT_EQ(log, (Log{2, 1}));
    log.clear();
    EXPECT_EQ(numbers(region), (Numbers{0, 0, 0, 0}));
    EXPECT_EQ(region.objects(), 0u);
    EXPECT_EQ(test::kind([&] { region.restore(); }), "Misuse(no_checkpoint)");
    region.release();
  }
}

TEST(Region, ItsUpstreamGetsEveryArenaBack) {
  TestResource upstream; // which checks what it gets
  {
    Region region({.upstream = &upstream});
    (void)region.allocate(8);
    (void)region.allocate(100000);
    (void)region.allocate(65536);
    EXPECT_EQ(upstream.live(), 3u);
    for (const TestResource::Request& request : upstream.requests) {
      EXPECT_GE(request.bytes, 65536u);
      EXPECT_LE(request.bytes, red_zones.stretch(100000 + 256)); // little more than the arena
    }
    Region other({.upstream = &upstream});
    (void)other.allocate(8);
    other = std::move(region);
    EXPECT_EQ(upstream.live(), 3u);
  }
  EXPECT_EQ(upstream.live(), 0u);
}

TEST(Region, AnUpstreamThatRefusesChangesNothing) {
  for (const Answer answer : {Answer::null, Answer::exception, Answer::misaligned}) {
    TestResource upstream;
    Region region({.arena_size = 1024, .max_arena_size = 1024, .upstream = &upstream});
    upstream.answer = answer;
    const auto allocate = [&](std::size_t bytes) {
      EXPECT_THROW((void)region.allocate(bytes), std::bad_alloc);
      EXPECT_EQ(region.try_allocate(bytes), nullptr);
      EXPECT_EQ(region.try_allocate(bytes, 64), nullptr);
    };
    allocate(8);
    EXPECT_EQ(numbers(region), (Numbers{0, 0, 0, 0}));
    upstream.answer = Answer::memory;
    region.release(); // of the usual size again
    void* const p = region.allocate(1000);
    test::fill(p, 1000);
    const Numbers before = numbers(region);
    upstream.answer = answer;
    allocate(100);
    allocate(10000);
    EXPECT_THROW((void)region.reallocate(p, 1000, 2000), std::bad_alloc);
    EXPECT_THROW((region.create<std::array<std::string, 100>>()), std::bad_alloc);
    EXPECT_THROW((void)region.copy(std::string(2000, 'x')), std::bad_alloc);
    EXPECT_EQ(numbers(region), before);
    EXPECT_TRUE(test::holds(p, 1000, 0xA5));
    EXPECT_NE(region.try_allocate(24), nullptr); // there is room for it
    upstream.answer = Answer::memory;
    EXPECT_NE(region.try_allocate(1000), nullptr);
    EXPECT_EQ(region.stats().arenas, 2u);
  }
}

// Spares may go to make room within the limit, but not for a request that is refused all the same.
TEST(Region, ARefusedRequestKeepsTheSpares) {
  TestResource upstream;
  Region region({.arena_size = 1024, .max_arena_size = 1024, .limit = 4096, .upstream = &upstream});
  for (int i = 0; i != 4; ++i)
    (void)region.allocate(1024);
  region.reset();
  const Numbers before = numbers(region);
  upstream.answer = Answer::null;
  EXPECT_EQ(region.try_allocate(4000), nullptr);
  EXPECT_EQ(numbers(region), before);
  EXPECT_EQ(region.capacity(), 4096u);
  EXPECT_NE(region.try_allocate(1024), nullptr); // from a spare
}

// Lends no more than so many bytes at a time, nor more than so many at once.
class Bounded : public TestResource {
public:
  struct Full : std::bad_alloc {
    explicit Full(std::size_t asked) : bytes(asked) {}
    std::size_t bytes;
  };
  std::size_t in_all = SIZE_MAX;
  std::size_t at_once = SIZE_MAX;

  [[nodiscard]] std::size_t refused() const { return requests.size() - given_; }

private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    const std::size_t asked = red_zones.shrink(bytes);
    if (asked > at_once || asked > in_all - red_zones.shrink(live_bytes())) {
      requests.push_back({bytes, alignment});
      throw Full(asked);
    }
    ++given_;
    return TestResource::do_allocate(bytes, alignment);
  }
  std::size_t given_ = 0;
};

// Requests of 8 to 1,024 bytes until one is refused: how many bytes were served.
std::size_t served(Region& region) {
  std::mt19937 random(8);
  std::size_t sum = 0;
  for (;;) {
    const std::size_t bytes = 8 + random() % 1017;
    if (region.try_allocate(bytes) == nullptr)
      return sum;
    sum += bytes;
  }
}

TEST(Region, UsesUpABoundedUpstream) {
  for (const std::size_t bound : {64_KiB, std::size_t{100'000}, 256_KiB, 1_MiB}) {
    for (const std::size_t max : {64_KiB, 1_MiB}) {
      Bounded upstream;
      upstream.in_all = bound;
      Region region({.max_arena_size = max, .upstream = &upstream});
      for (int round = 0; round != 3; ++round) {
        EXPECT_GE(served(region), bound / 100 * 90) << bound << ", arenas of up to " << max;
        region.reset();
      }
    }
  }
}

TEST(Region, UsesUpItsLimit) {
  for (const std::size_t limit : {64_KiB, std::size_t{100'000}, 256_KiB, 1_MiB}) {
    for (const std::size_t first : {4_KiB, 64_KiB}) {
      Region region({.arena_size = first, .max_arena_size = 1_MiB, .limit = limit});
      EXPECT_GE(served(region), limit / 100 * 95) << limit << ", arenas from " << first;
    }
  }
}

TEST(Region, AsksForHalfOfAnArenaThatIsRefusedDownToWhatTheRequestNeeds) {
  Bounded upstream;
  upstream.at_once = 3000;
  Region region({.upstream = &upstream});
  (void)region.allocate(8);
  EXPECT_EQ(region.stats().current_arena_size, 2048u);
  EXPECT_EQ(upstream.requests.size(), 6u); // 64 KiB, 32, 16, 8, 4, 2
  (void)region.allocate(2000);
  EXPECT_EQ(region.stats().current_arena_size, 2048u);
  EXPECT_NE(region.try_allocate(2600), nullptr); // in an arena of its own
  EXPECT_EQ(region.stats().arenas, 2u);
}

TEST(Region, AsksATightUpstreamTwiceAnArenaAtMost) {
  Bounded upstream;
  upstream.at_once = 3000;
  Region region({.upstream = &upstream});
  (void)region.allocate(8);
  upstream.requests.clear();
  for (std::size_t i = 0; i != 1000; ++i)
    ASSERT_NE(region.try_allocate(400), nullptr);
  EXPECT_LE(upstream.requests.size(), 2 * region.stats().arenas);
  EXPECT_GE(region.used() * 4, region.capacity() * 3);
}

TEST(Region, AsksOnceForWhatIsRefusedAgainAndAgain) {
  Bounded upstream;
  upstream.at_once = 0;
  Region region({.upstream = &upstream});
  EXPECT_EQ(region.try_allocate(8), nullptr);
  EXPECT_EQ(upstream.requests.size(), 14u); // 64 KiB, 32, and so on to 8 bytes
  for (int i = 0; i != 100; ++i)
    EXPECT_EQ(region.try_allocate(i % 2 == 0 ? 8u : 1008u), nullptr);
  EXPECT_EQ(upstream.requests.size(), 114u);
}

TEST(Region, ComesBackToArenasOfTheUsualSize) {
  Bounded upstream;
  upstream.at_once = 0;
  Region region({.upstream = &upstream});
  EXPECT_EQ(region.try_allocate(8), nullptr);
  upstream.at_once = SIZE_MAX;
  for (std::size_t i = 0; i != 4096; ++i)
    ASSERT_NE(region.try_allocate(64), nullptr);
  EXPECT_EQ(region.stats().current_arena_size, 65536u);
  EXPECT_LE(region.stats().arenas, 20u);
}

TEST(Region, UpstreamsOwnExceptionPassesWhereNothingIsSmallEnough) {
  Bounded upstream;
  Region region({.arena_size = 1024, .max_arena_size = 1024, .upstream = &upstream});
  void* const p = region.allocate(1000);
  test::fill(p, 1000);
  const Numbers before = numbers(region);
  upstream.at_once = 0;
  for (const std::size_t bytes : test::Sizes{100, 5000}) {
    try {
      (void)region.allocate(bytes);
      ADD_FAILURE() << "served from nowhere";
    } catch (const Bounded::Full& full) {
      EXPECT_GE(full.bytes, bytes);
      EXPECT_LE(full.bytes, bytes + 512); // with the header
    }
    EXPECT_EQ(numbers(region), before);
  }
  EXPECT_TRUE(test::holds(p, 1000, 0xA5));
}

TEST(Region, WhatUpstreamThrowsElsePassesAtOnce) {
  struct Broken : std::pmr::memory_resource {
    int calls = 0;
    void* do_allocate(std::size_t, std::size_t) override {
      ++calls;
      throw std::runtime_error("broken");
    }
    void do_deallocate(void*, std::size_t, std::size_t) override {}
    [[nodiscard]] bool do_is_equal(const memory_resource&) const noexcept override { return false; }
  } upstream;
  Region region({.upstream = &upstream});
  EXPECT_THROW((void)region.allocate(8), std::runtime_error);
  EXPECT_EQ(upstream.calls, 1);
}

TEST(Region, AnyOtherSpareServesARequestAloneWhereUpstreamRefuses) {
  Bounded upstream;
  Region region({.arena_size = 1024, .max_arena_size = 1024, .upstream = &upstream});
  for (int i = 0; i != 3; ++i)
    (void)region.allocate(1024);
  region.reset();
  upstream.at_once = 0;
  (void)region.allocate(104);
  void* const alone = region.allocate(1000); // more than a quarter would be lost
  EXPECT_EQ(numbers(region), (Numbers{3, 1104, 104, 1024}));
  region.reset();
  EXPECT_EQ(region.stats().arenas, 3u);
  (void)region.allocate(104);
  EXPECT_EQ(region.allocate(1000), alone);
  EXPECT_TRUE(region.try_resize(alone, 1000, 0)); // its arena is free at once
  EXPECT_EQ(numbers(region), (Numbers{2, 104, 104, 1024}));
}

TEST(Region, ASpareThatServedOneRequestServesOthersWhereUpstreamRefuses) {
  Bounded upstream;
  Region region({.arena_size = 1024, .max_arena_size = 1024, .upstream = &upstream});
  void* const alone = region.allocate(1100);
  (void)region.allocate(1100);
  (void)region.allocate(1100);
  region.reset();
  upstream.at_once = 0;
  void* const p = region.allocate(1000);
  (void)region.allocate(1000);
  (void)region.allocate(1100);
  EXPECT_EQ(numbers(region), (Numbers{3, 2000 + 1104, 1000, 1104}));
  EXPECT_FALSE(region.try_resize(p, 1000, 0)); // it is not alone
  EXPECT_EQ(region.try_allocate(1000), nullptr);
  region.reset();
  EXPECT_EQ(region.allocate(1100), alone);
}

// What is alone is freed by itself, and the first buffer stays.
TEST(Region, TheFirstBufferIsForNoRequestAlone) {
  Bounded upstream;
  std::vector<std::byte> memory(2048);
  Region probe(Buffer::borrowed(memory));
  const std::size_t header = memory.size() - probe.capacity();
  alignas(buffer_alignment) std::byte few[1024];
  Region region(Buffer::borrowed({few, header + 304}),
                {.arena_size = 1024, .max_arena_size = 1024, .upstream = &upstream});
  (void)region.allocate(760);
  EXPECT_EQ(region.stats().arenas, 2u);
  upstream.at_once = 0;
  EXPECT_EQ(region.try_allocate(300), nullptr); // more than a quarter would be lost
  (void)region.allocate(264);
  EXPECT_NE(region.try_allocate(300), nullptr);
}

TEST(Region, NamesItselfWhereItsUpstreamRefuses) {
  TestResource upstream;
  Region region({.arena_size = 1024, .max_arena_size = 1024, .upstream = &upstream});
  for (const Answer answer : {Answer::null, Answer::misaligned}) {
    upstream.answer = answer;
    const std::string text = test::error([&] { return region.allocate(8); });
    EXPECT_TRUE(text.starts_with("Exhausted(system_refused) region: ")) << text;
  }
  upstream.answer = Answer::exception; // its own passes through
  EXPECT_EQ(test::error([&]() -> void* {
              try {
                return region.allocate(8);
              } catch (const Exhausted&) {
                throw;
              } catch (const std::bad_alloc&) {
                return nullptr;
              }
            }),
            "none");
  upstream.answer = Answer::memory;
  for (const std::size_t bytes : test::unservable) {
    const std::string text = test::error([&] { return region.allocate(bytes); });
    EXPECT_TRUE(text.starts_with("Exhausted(system_refused) region: ")) << text;
  }
}

TEST(Region, SizesThatNoHeapHasAreExhausted) {
  Region region;
  void* const p = region.allocate(8);
  test::fill(p, 8);
  const Numbers before = numbers(region);
  for (const std::size_t bytes : test::unservable) {
    for (std::size_t alignment = 8; alignment != 0; alignment *= 2) {
      EXPECT_EQ(test::kind([&] { return region.allocate(bytes, alignment); }),
                "Exhausted(system_refused)");
      EXPECT_EQ(region.try_allocate(bytes, alignment), nullptr);
    }
  }
  EXPECT_EQ(region.try_allocate(8, SIZE_MAX / 2 + 1), nullptr);
#if SIZE_MAX > UINT32_MAX // else a heap may have a GiB
  EXPECT_EQ(region.try_allocate(8, SIZE_MAX / 4 + 1), nullptr);
#endif
  EXPECT_EQ(numbers(region), before);
  EXPECT_TRUE(test::holds(p, 8, 0xA5));
}

TEST(Region, MeetsAlignmentsAcrossArenas) {
  for (const std::size_t arena_size : test::Sizes{1024, 65536}) {
    Region region({.arena_size = arena_size, .max_arena_size = arena_size});
    for (int i = 0; i != 3; ++i) {
      for (std::size_t alignment = 1; alignment <= 1 << 20; alignment *= 2) {
        for (const std::size_t bytes : test::Sizes{8, 900}) {
          void* const p = region.allocate(bytes, alignment);
          ASSERT_TRUE(test::is_aligned(p, alignment));
          ASSERT_TRUE(test::holds(p, bytes, 0));
          test::fill(p, bytes);
        }
      }
      region.reset();
    }
  }
}

TEST(Region, RestoresAcrossArenas) {
  TestResource upstream;
  Region region({.arena_size = 1024, .max_arena_size = 1024, .upstream = &upstream});
  void* const kept = region.allocate(500);
  test::fill(kept, 500);
  region.checkpoint();
  const Numbers before = numbers(region);
  for (int round = 0; round != 3; ++round) {
    region.checkpoint();
    void* const next = region.allocate(300);
    for (int i = 0; i != 5; ++i)
      test::fill(region.allocate(1000), 1000, 1);
    test::fill(region.allocate(5000), 5000, 2);
    EXPECT_EQ(region.used(), 504u + 304 + 5000 + 5000);
    region.restore();
    EXPECT_EQ(region.stats().total_allocated, before.total);
    EXPECT_EQ(region.stats().current_arena_used, before.used);
    EXPECT_EQ(region.allocate(300), next); // the arena that was current then is again
    region.restore();
    region.checkpoint();
  }
  EXPECT_EQ(upstream.requests.size(), 1u + 5 + 1); // what was taken back is used again
  EXPECT_TRUE(test::holds(kept, 500, 0xA5));
  EXPECT_EQ(region.peak(), 504u + 304 + 5000 + 5000);
}

TEST(Region, RestoresToBeforeItsFirstArena) {
  Region region;
  {
    const auto scope = region.scope();
    (void)region.allocate(8);
    (void)region.allocate(100000);
    (void)region.allocate(65536);
  }
  EXPECT_EQ(region.used(), 0u);
  EXPECT_EQ(region.available(), 0u);
  EXPECT_EQ(region.stats().arenas, 3u);
  EXPECT_NE(region.allocate(8), nullptr);
  EXPECT_EQ(region.stats().arenas, 3u);
}

TEST(Region, ALargeArenaAfterACheckpointGoesWithIt) {
  Region region;
  (void)region.allocate(8);
  region.checkpoint();
  void* const large = region.allocate(100000);
  region.restore();
  EXPECT_FALSE(region.owns(large));
  EXPECT_EQ(region.used(), 8u);
  region.checkpoint();
  EXPECT_EQ(region.allocate(100000), large); // the spare
  region.restore();
  (void)region.allocate(90000);
  region.checkpoint();
  (void)region.allocate(8);
  region.restore(); // whose arena is older than the checkpoint
  EXPECT_EQ(region.used(), 8u + 90000);
}

struct Fails {
  Fails() { throw std::runtime_error("always"); }
  ~Fails() {}
  char bytes[900];
};

TEST(Region, AConstructorThatThrowsInANewArenaLeavesTheOldOneCurrent) {
  Region region({.arena_size = 1024, .max_arena_size = 1024});
  auto* const p = static_cast<std::byte*>(region.allocate(500));
  EXPECT_THROW(region.create<Fails>(), std::runtime_error);
  EXPECT_EQ(region.used(), 504u);
  EXPECT_EQ(region.objects(), 0u);
  EXPECT_EQ(region.allocate(8), p + red_zones.stretch(504));
  EXPECT_THROW(region.create_array<Fails>(10), std::runtime_error);
  EXPECT_EQ(region.used(), 512u);
}

TEST(Region, ObjectsInAllArenasAreDestroyedNewestFirst) {
  Log log;
  Log expected;
  {
    Region region({.arena_size = 256, .max_arena_size = 256});
    for (int i = 0; i != 100; ++i) {
      region.create<Witness>(log, i);
      if (i % 10 == 0)
        (void)region.allocate(1000);
      expected.insert(expected.begin(), i);
    }
    EXPECT_EQ(region.objects(), 100u);
  }
  EXPECT_EQ(log, expected);
}

TEST(Region, RandomUseBehavesAsItsModel) {
  struct Level {
    std::size_t used, pieces;
  };
  struct Piece {
    void* p;
    std::size_t bytes;
    int pattern;
  };
  TestResource upstream;
  Region region({.arena_size = 512, .max_arena_size = 2048, .upstream = &upstream});
  std::vector<Piece> pieces;
  std::vector<Level> levels;
  std::mt19937 random(7);
  std::size_t peak = 0;
  std::size_t room_for_records = 0; // which come from upstream, too
  for (int step = 0; step != 30000; ++step) {
    const auto choice = random() % 1000;
    if (choice < 600) {
      const std::size_t bytes = random() % (choice < 30 ? 4000 : 200);
      void* const p = region.allocate(bytes);
      const int pattern = static_cast<int>(random() % 256);
      test::fill(p, bytes, pattern);
      pieces.push_back({p, bytes, pattern});
    } else if (choice < 650 && !pieces.empty() && pieces.back().bytes != 0) {
      Piece& last = pieces.back();
      const std::size_t bytes = random() % 300 + 1;
      last.p = region.reallocate(last.p, last.bytes, bytes);
      ASSERT_TRUE(test::holds(last.p, std::min(last.bytes, bytes), last.pattern));
      last.bytes = bytes;
      test::fill(last.p, bytes, last.pattern);
      if (!levels.empty() && levels.back().pieces == pieces.size()) {
        pieces.pop_back(); // it may have moved behind the checkpoint
        for (Level& level : levels)
          level.pieces = std::min(level.pieces, pieces.size());
      }
    } else if (choice < 800) {
      region.checkpoint();
      levels.push_back({region.used(), pieces.size()});
      if (levels.size() > few_records)
        room_for_records = 1;
    } else if (choice < 990) {
      if (levels.empty())
        continue;
      peak = std::max(peak, region.used());
      region.restore();
      ASSERT_LE(region.used(), levels.back().used);
      pieces.resize(levels.back().pieces);
      levels.pop_back();
    } else if (choice < 994) {
      region.trim(random() % 20000);
    } else if (choice < 998) {
      region.reset();
      pieces.clear();
      levels.clear();
    } else {
      region.release();
      room_for_records = 0;
      peak = 0;
      pieces.clear();
      levels.clear();
      ASSERT_EQ(upstream.live(), 0u);
    }
    peak = std::max(peak, region.used());
    ASSERT_EQ(region.peak(), peak);
    ASSERT_EQ(upstream.live(), region.stats().arenas + room_for_records);
    for (std::size_t i = 0; step % 50 == 0 && i != pieces.size(); ++i)
      ASSERT_TRUE(test::holds(pieces[i].p, pieces[i].bytes, pieces[i].pattern));
  }
}

TEST(Region, PeakIsTheMostOfAllArenas) {
  Region region({.arena_size = 1024, .max_arena_size = 1024});
  (void)region.allocate(1000);
  void* const p = region.allocate(1000);
  EXPECT_EQ(region.peak(), 2000u);
  ASSERT_TRUE(region.try_resize(p, 1000, 8));
  EXPECT_EQ(region.peak(), 2000u);
  region.reset();
  EXPECT_EQ(region.peak(), 2000u);
  (void)region.allocate(3000);
  EXPECT_EQ(region.peak(), 3000u);
}

TEST(Region, AMovedFromOneIsRefused) {
  Region from;
  void* const p = from.allocate(100);
  (void)from.allocate(100000);
  Region to(std::move(from));
  EXPECT_EQ(test::error([&] { return from.allocate(8); }),
            "Misuse(released) region: used after release");
  EXPECT_EQ(test::kind([&] { from.trim(); }), "Misuse(released)");
  EXPECT_EQ(numbers(from), (Numbers{0, 0, 0, 0}));
  from.release(); // it stays refused, unlike one that was released
  EXPECT_EQ(test::kind([&] { return from.allocate(8); }), "Misuse(released)");
  EXPECT_EQ(numbers(to), (Numbers{2, 104 + 100000, 104, 65536}));
  EXPECT_TRUE(to.owns(p));
  from = std::move(to);
  EXPECT_NE(from.try_allocate(8), nullptr);
}

TEST(Region, ZeroesNothingWhereThatIsOff) {
  TestResource upstream; // gives 0xA5
  Region region({.zero = false, .arena_size = 1024, .max_arena_size = 1024, .upstream = &upstream});
  EXPECT_TRUE(test::holds(region.allocate(1000), 1000, 0xA5));
  EXPECT_TRUE(test::holds(region.allocate(5000), 5000, 0xA5));
}

TEST(Region, ZeroesSparesThatWereRestoredOverAtAReset) {
  Region region({.arena_size = 1024, .max_arena_size = 1024});
  region.checkpoint();
  for (int i = 0; i != 3; ++i)
    test::fill(region.allocate(1000), 1000);
  test::fill(region.allocate(5000), 5000);
  region.restore();
  region.reset(); // the spares, too
  for (int i = 0; i != 3; ++i)
    EXPECT_TRUE(test::holds(region.allocate(1024), 1024, 0));
  EXPECT_TRUE(test::holds(region.allocate(5000), 5000, 0));
}

class RegionHiding : public test::Watched {};

TEST_F(RegionHiding, WhatIsNotHandedOut) {
  Region region({.arena_size = 1024, .max_arena_size = 1024});
  const void* const p = region.allocate(13);
  EXPECT_EQ(test::visible(p, 64), 13u);
  const void* const large = region.allocate(5000);
  EXPECT_EQ(test::visible(large, 6000), 5000u);
  region.checkpoint();
  const void* const next = region.allocate(1020);
  EXPECT_EQ(test::visible(next, 2000), 1020u);
  region.restore();
  EXPECT_TRUE(test::all_hidden(next, 1020));
  EXPECT_EQ(test::visible(p, 64), 13u);
  region.reset();
  EXPECT_TRUE(test::all_hidden(p, 13));
  EXPECT_TRUE(test::all_hidden(large, 5000));
}

#if defined(ALLOT_ASAN)
TEST(RegionDeathTest, AddressSanitizerCatchesUseBehindAnAllocationAndAfterResetAndRelease) {
  Region region;
  auto* const p = static_cast<std::byte*>(region.allocate(24));
  EXPECT_DEATH(test::touch(p + 24), "use-after-poison");
  region.reset();
  EXPECT_DEATH(test::touch(p), "use-after-poison");
  region.release();
  EXPECT_DEATH(test::touch(p), "heap-use-after-free");
}
#endif

} // namespace
