// What strategies cost where their ranges begin and end: at first use, when blocks are given back,
// when an arena is full, and after a peak. All of it is counted, in bytes and calls: no clock is
// read.
#include <allot/allocator.hpp>
#include <allot/allot.hpp>
#include <allot/hooks.hpp>

#include "support.hpp"

#include <algorithm>
#include <cstddef>
#include <new>
#include <ostream>
#include <random>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace allot;

namespace {

constexpr std::size_t arena = 65536; // a region's, if nothing else is asked for

/// The heap as an upstream, counted. What it gives is full of rubbish, if that is asked for.
class Upstream {
public:
  explicit Upstream(bool rubbish = false) : rubbish_(rubbish) {}
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;
  ~Upstream() { EXPECT_EQ(live_, 0u); }

  void* allocate(std::size_t bytes, std::size_t alignment) {
    ++calls;
    live_ += bytes;
    most_ = std::max(most_, live_);
    void* const p = ::operator new(bytes, std::align_val_t(alignment));
    if (rubbish_)
      test::fill(p, bytes);
    return p;
  }
  void deallocate(void* p, std::size_t bytes, std::size_t alignment) {
    ++calls;
    live_ -= bytes;
    ::operator delete(p, std::align_val_t(alignment));
  }

  std::size_t calls = 0;
  /// In bytes that strategies account for.
  [[nodiscard]] std::size_t most() const { return red_zones.shrink(most_); }

private:
  bool rubbish_;
  std::size_t live_ = 0;
  std::size_t most_ = 0;
};

// ------------------------------------------------------------------------------------- first use

/// Memory of the caller's, full of rubbish, which tells how many of its bytes were written to.
class Rubbish {
public:
  explicit Rubbish(std::size_t bytes) : memory_(bytes) {
    test::fill(memory_.data(), memory_.size());
  }
  [[nodiscard]] Buffer buffer() { return Buffer::borrowed(memory_); }
  /// Of a strategy that is gone.
  [[nodiscard]] std::size_t written() const {
    return static_cast<std::size_t>(std::count_if(
        memory_.begin(), memory_.end(), [](std::byte byte) { return byte != std::byte{0xA5}; }));
  }

private:
  std::vector<std::byte> memory_;
};

constexpr std::size_t few_bytes = 100;
constexpr std::size_t first_step = 512;
constexpr std::size_t records = 64 * 100; // of 100 checkpoints, and more than that

constexpr std::size_t room = 1_MiB; // clang 14 takes a literal in a template for a call

template <class S, class Options>
std::size_t written_by(bool use, const Options& options) {
  Rubbish rubbish(room);
  {
    S strategy(rubbish.buffer(), options);
    if constexpr (std::is_same_v<S, Stack>) {
      if (use)
        (void)strategy.push(std::string(few_bytes, 'x'));
    } else {
      if (use)
        test::fill(strategy.allocate(few_bytes), few_bytes, 1);
    }
  }
  return rubbish.written();
}

template <class S>
class FirstUse : public testing::Test {};
using OnBuffers = testing::Types<Arena, Bump, Scratch, Stack>;
TYPED_TEST_SUITE(FirstUse, OnBuffers);

TYPED_TEST(FirstUse, BuildingWritesNothing) {
  for (const bool zero : {true, false}) {
    EXPECT_EQ(written_by<TypeParam>(false, Options{.zero = zero}), 0u);
    EXPECT_EQ(written_by<TypeParam>(false, Options{.zero = zero, .marks = 100}), 0u);
  }
}
TYPED_TEST(FirstUse, AFewBytesCostAFew) {
  EXPECT_LE(written_by<TypeParam>(true, Options{}), few_bytes + first_step);
  EXPECT_LE(written_by<TypeParam>(true, Options{.marks = 100}), few_bytes + first_step);
  EXPECT_EQ(written_by<TypeParam>(true, Options{.zero = false}), few_bytes);
}

TEST(FirstUseOfARegion, WritesAHeaderAndAFewBytes) {
  constexpr std::size_t header = 256; // at most
  for (const bool zero : {true, false}) {
    EXPECT_LE(written_by<Region>(false, RegionOptions{.zero = zero}), header);
    EXPECT_LE(written_by<Region>(false, RegionOptions{.zero = zero, .marks = 100}), header);
    EXPECT_LE(written_by<Region>(true, RegionOptions{.zero = zero}),
              header + few_bytes + first_step);
  }
}

// Its arenas from upstream, too, and those that are used again.
TEST(FirstUseOfARegion, OfAnArenaTakesAHeaderAndAFewBytes) {
  Upstream upstream(true);
  Region region({.arena_size = 1_MiB, .max_arena_size = 1_MiB, .upstream = &upstream});
  auto* const p = static_cast<std::byte*>(region.allocate(few_bytes));
  EXPECT_TRUE(test::holds(p, few_bytes, 0));
  if (!test::watched()) { // else the rest is hidden
    EXPECT_TRUE(test::holds(p + first_step + 128, 1_MiB - first_step - 128, 0xA5));
  }
}

TEST(FirstUseOfCheckpoints, WritesTheirRecordsAndNothingElse) {
  Rubbish rubbish(1_MiB);
  {
    Arena strategy(rubbish.buffer());
    for (int i = 0; i != 100; ++i)
      strategy.checkpoint();
    for (int i = 0; i != 100; ++i)
      strategy.restore();
  }
  EXPECT_LE(rubbish.written(), records);
}

// ------------------------------------------------------------------- giving back newest first

struct alignas(64) Line {
  std::byte bytes[64];
};

template <class S>
class GivingBack : public testing::Test {
protected:
  static S make() {
    if constexpr (std::is_same_v<S, Region>)
      return Region({.limit = 2 * arena});
    else
      return S(arena);
  }
  S strategy = make();
};
using GivingBackTypes = testing::Types<Arena, Bump, MappedArena, Region, Scratch>;
TYPED_TEST_SUITE(GivingBack, GivingBackTypes);

template <class T, class S>
using Vector = std::vector<T, Allocator<T, S>>;

TYPED_TEST(GivingBack, TenThousandRoundsOfVectorsLeaveNothingUsed) {
  for (int round = 0; round != 10'000; ++round) {
    const Vector<char, TypeParam> odd(static_cast<std::size_t>(1 + round % 100),
                                      Allocator<char, TypeParam>(this->strategy));
    const Vector<Line, TypeParam> lines(static_cast<std::size_t>(1 + round % 10),
                                        Allocator<Line, TypeParam>(this->strategy));
    const Vector<int, TypeParam> last(3, Allocator<int, TypeParam>(this->strategy));
    ASSERT_TRUE(test::is_aligned(lines.data(), 64));
  }
  EXPECT_EQ(this->strategy.used(), 0u);
  EXPECT_LE(this->strategy.peak(), 2000u);
}

TYPED_TEST(GivingBack, SoDoTheyUnderACheckpointAndInAScope) {
  if constexpr (Rewindable<TypeParam>) {
    const Vector<Line, TypeParam> below(1, Allocator<Line, TypeParam>(this->strategy));
    const std::size_t used = this->strategy.used();
    this->strategy.checkpoint();
    const auto scope = this->strategy.scope();
    for (int round = 0; round != 1000; ++round) {
      const Vector<char, TypeParam> odd(static_cast<std::size_t>(1 + round % 100),
                                        Allocator<char, TypeParam>(this->strategy));
      const Vector<Line, TypeParam> lines(2, Allocator<Line, TypeParam>(this->strategy));
    }
    EXPECT_EQ(this->strategy.used(), used);
  }
  EXPECT_EQ(this->strategy.used(), 0u);
}

// A checkpoint lies between what is given back: it follows, and what is handed out next is newer.
TYPED_TEST(GivingBack, WhatACheckpointKeptMayBeGivenBackWithItsPadding) {
  if constexpr (Rewindable<TypeParam>) {
    TypeParam& s = this->strategy;
    (void)s.allocate(8);
    void* const aligned = s.allocate(64, 256);
    s.checkpoint();
    const std::size_t used = s.used();
    void* const newer = s.allocate(8, 128);
    s.restore();
    EXPECT_EQ(s.used(), used);
    s.checkpoint();
    EXPECT_EQ(s.allocate(8, 128), newer);
    EXPECT_TRUE(s.try_resize(newer, 8, 0));
    EXPECT_TRUE(s.try_resize(aligned, 64, 0));
    EXPECT_EQ(s.used(), 8u);
    (void)s.allocate(100);
    s.restore();
    EXPECT_EQ(s.used(), 8u);
  }
}

// ---------------------------------------------------------------------- regions: one large buffer

/// Ways to make an allocation longer.
struct Way {
  const char* name;
  void* (*allocate)(Region&, std::size_t bytes);
  void* (*grow)(Region&, void*, std::size_t old_bytes, std::size_t new_bytes);
  friend std::ostream& operator<<(std::ostream& out, const Way& way) { return out << way.name; }
};
void* plainly(Region& region, std::size_t bytes) {
  return region.allocate(bytes);
}
const Way ways[] = {{"reallocate", plainly,
                     [](Region& region, void* p, std::size_t from, std::size_t to) {
                       return region.reallocate(p, from, to);
                     }},
                    {"try_reallocate", plainly,
                     [](Region& region, void* p, std::size_t from, std::size_t to) {
                       return region.try_reallocate(p, from, to);
                     }},
                    {"hooks_resize",
                     [](Region& region, std::size_t bytes) {
                       return hooks::resize<Region>(&region, nullptr, 0, bytes);
                     },
                     [](Region& region, void* p, std::size_t from, std::size_t to) {
                       return hooks::resize<Region>(&region, p, from, to);
                     }},
                    {"hooks_reallocate",
                     [](Region& region, std::size_t bytes) {
                       return hooks::allocate<Region, std::size_t>(&region, bytes);
                     },
                     [](Region& region, void* p, std::size_t, std::size_t to) {
                       return hooks::reallocate<Region, std::size_t>(&region, p, to);
                     }}};

class GrowingBuffer : public testing::TestWithParam<Way> {};
INSTANTIATE_TEST_SUITE_P(Ways, GrowingBuffer, testing::ValuesIn(ways),
                         [](const auto& way) { return std::string(way.param.name); });

TEST_P(GrowingBuffer, TakesLittleMoreThanItIsLong) {
  constexpr std::size_t step = 4096;
  constexpr std::size_t last = 4_MiB;
  Upstream upstream;
  Region region({.upstream = &upstream});
  auto* p = static_cast<std::byte*>(GetParam().allocate(region, step));
  for (std::size_t bytes = step;; bytes += step) {
    ASSERT_NE(p, nullptr);
    test::fill(p + bytes - step, step, static_cast<int>(bytes / step % 251));
    if (bytes == last)
      break;
    p = static_cast<std::byte*>(GetParam().grow(region, p, bytes, bytes + step));
  }
  EXPECT_LE(region.capacity(), 2 * last);
  EXPECT_LE(upstream.most(), last / 4 * 9); // 2.25 times, while it moves
  EXPECT_LE(upstream.calls, 150u);          // and not one at each step
  for (std::size_t i = 0; i != last / step; ++i)
    ASSERT_TRUE(test::holds(p + i * step, step, static_cast<int>((i + 1) % 251))) << i;
}

TEST_P(GrowingBuffer, DoesNotLoseWhatIsNewer) {
  Region region({.arena_size = 4096});
  auto* p = GetParam().allocate(region, 10'000);
  test::fill(p, 10'000, 1);
  std::vector<void*> newer;
  for (std::size_t bytes = 10'000; bytes != 100'000; bytes += 10'000) {
    newer.push_back(region.allocate(1000));
    test::fill(newer.back(), 1000, 2);
    newer.push_back(region.allocate(5000));
    test::fill(newer.back(), 1000, 2);
    p = GetParam().grow(region, p, bytes, bytes + 10'000);
    ASSERT_TRUE(test::holds(p, bytes, 1));
    test::fill(p, bytes + 10'000, 1);
  }
  for (void* const other : newer)
    EXPECT_TRUE(test::holds(other, 1000, 2));
}

TEST(RegionEnds, OneLargeVectorAfterTheOtherTakesThePlaceOfOne) {
  Upstream upstream;
  Region region({.upstream = &upstream});
  for (int i = 0; i != 100; ++i) {
    Vector<char, Region> vector{Allocator<char, Region>(region)};
    vector.reserve(1_MiB);
    ASSERT_LE(region.capacity(), 3_MiB);
  }
  EXPECT_EQ(region.used(), 0u);
  for (int i = 0; i != 100; ++i) { // grown by doubling: two are there while one is copied
    {
      Vector<char, Region> vector{Allocator<char, Region>(region)};
      for (std::size_t bytes = 1; bytes <= 1_MiB; bytes *= 2)
        vector.reserve(bytes);
      ASSERT_LE(region.capacity(), 3_MiB);
    }
    region.reset();
  }
  EXPECT_LE(upstream.most(), 3_MiB + 65536);
}

TEST(RegionEnds, ManyLargeOnesAreGivenBackInAnyOrder) {
  Upstream upstream;
  Region region({.upstream = &upstream});
  std::vector<void*> blocks;
  for (int i = 0; i != 64; ++i)
    blocks.push_back(region.allocate(100'000));
  std::mt19937 random(3);
  std::shuffle(blocks.begin(), blocks.end(), random);
  for (std::size_t left = 64; left != 0; --left) {
    EXPECT_EQ(region.used(), left * 100'000);
    EXPECT_EQ(region.capacity(), region.used());
    ASSERT_TRUE(region.try_resize(blocks[left - 1], 100'000, 0));
    ASSERT_FALSE(region.owns(blocks[left - 1]));
  }
  EXPECT_EQ(region.stats().arenas, 0u);
}

// --------------------------------------------------------------- regions: spares, and their bounds

TEST(RegionEnds, TemporariesOfRisingSizesKeepNoMoreThanTheLargest) {
  Region region;
  std::size_t largest = 0;
  for (std::size_t bytes = 1000; bytes <= 8_MiB; bytes += bytes / 8) {
    {
      const auto scope = region.scope();
      (void)region.allocate(bytes);
      (void)region.allocate(1000);
      largest = std::max(largest, region.used());
    }
    ASSERT_EQ(region.used(), 0u);
    ASSERT_LE(region.capacity(), 2 * largest + arena) << bytes;
  }
}

// The bound is of what was used since construction, whatever the peak is said to be.
TEST(RegionEnds, APeakThatWasResetFreesNoSpares) {
  Region region;
  {
    const auto scope = region.scope();
    (void)region.allocate(10 * arena);
  }
  region.reset_peak();
  (void)region.allocate(arena);
  EXPECT_EQ(region.capacity(), 11 * arena);
}

TEST(RegionEnds, TemporariesOfOneSizeAskUpstreamOnce) {
  for (const std::size_t bytes : test::Sizes{1000, 60'000, 100'000, 1_MiB}) {
    Upstream upstream;
    Region region({.upstream = &upstream});
    for (int i = 0; i != 100; ++i) {
      const auto scope = region.scope();
      (void)region.allocate(bytes);
    }
    EXPECT_LE(upstream.calls, 2u) << bytes;
  }
}

TEST(RegionEnds, AfterASpikeItHoldsWhatTheRoundsUse) {
  constexpr std::size_t spike = 64_MiB;
  constexpr std::size_t usual = 300'000;
  for (const std::size_t block : test::Sizes{spike, 1_MiB, 50'000}) {
    Region region({.zero = false}); // the zeroes would take most of the time
    for (std::size_t used = 0; used < spike; used += block)
      (void)region.allocate(block);
    region.reset();
    for (int round = 0; round != 9; ++round) {
      for (std::size_t used = 0; used != usual; used += 1000)
        (void)region.allocate(1000);
      region.reset();
    }
    EXPECT_LE(region.capacity(), usual + arena + arena / 4) << block;
    EXPECT_GE(region.capacity(), usual) << block;
  }
}

TEST(RegionEnds, WhatIsToBeRetainedIs) {
  constexpr std::size_t kept = 16_MiB;
  Region region({.zero = false, .retain = kept});
  for (int i = 0; i != 1000; ++i)
    (void)region.allocate(arena);
  for (int round = 0; round != 20; ++round) {
    region.reset();
    EXPECT_LE(region.capacity(), round < 8 ? 1000 * arena : kept);
    EXPECT_GE(region.capacity(), kept);
    (void)region.allocate(1000);
  }
  region.release();
  EXPECT_EQ(region.capacity(), 0u);
}

TEST(RegionEnds, SteadyRoundsAskUpstreamForNothing) {
  Upstream upstream;
  Region region({.upstream = &upstream});
  std::size_t calls = 0;
  for (int round = 0; round != 30; ++round) {
    for (int i = 0; i != 50; ++i) {
      (void)region.allocate(10'000);
      (void)region.allocate(40'000 + static_cast<std::size_t>(i) * 1000);
    }
    (void)region.allocate(200'000);
    region.reset();
    if (round == 0)
      calls = upstream.calls;
  }
  EXPECT_EQ(upstream.calls, calls);
}

TEST(RegionEnds, BlocksGivenBackInReverseLeaveNothing) {
  Upstream upstream;
  Region region({.upstream = &upstream});
  std::vector<std::pair<void*, std::size_t>> blocks;
  std::size_t capacity = 0;
  std::size_t calls = 0;
  for (int round = 0; round != 100; ++round) {
    for (std::size_t bytes = 8; region.used() < 1_MiB; bytes = bytes * 7 % 3001)
      blocks.emplace_back(region.allocate(bytes, bytes % 3 == 0 ? 64 : 8), bytes);
    if (round == 0) {
      capacity = region.capacity();
      calls = upstream.calls;
    }
    ASSERT_EQ(region.capacity(), capacity);
    for (; !blocks.empty(); blocks.pop_back())
      ASSERT_TRUE(region.try_resize(blocks.back().first, blocks.back().second, 0));
    ASSERT_EQ(region.used(), 0u);
  }
  EXPECT_EQ(upstream.calls, calls);
}

TEST(RegionEnds, APairAtAnArenasEdgeAsksUpstreamOnce) {
  for (const std::size_t bytes : test::Sizes{8, 100, 10'000}) {
    Upstream upstream;
    Region region({.upstream = &upstream});
    (void)region.allocate(arena);
    std::size_t calls = 0;
    for (int i = 0; i != 1000; ++i) {
      void* const p = region.allocate(bytes);
      ASSERT_EQ(region.stats().arenas, 2u);
      ASSERT_TRUE(region.try_resize(p, bytes, 0));
      if (i == 0)
        calls = upstream.calls;
    }
    EXPECT_EQ(upstream.calls, calls);
    EXPECT_EQ(region.used(), arena);
    { const Vector<char, Region> vector(bytes, Allocator<char, Region>(region)); }
    EXPECT_EQ(upstream.calls, calls);
  }
}

TEST(RegionEnds, OfRequestsOfOneSizeAtMostAQuarterIsLost) {
  std::vector<std::size_t> sizes{arena / 4 * 3, arena * 55 / 100, arena * 35 / 100,
                                 arena * 26 / 100};
  for (std::size_t bytes = 8; bytes <= (instrumented ? 1_MiB : 16_MiB); bytes *= 2)
    sizes.insert(sizes.end(), {bytes, bytes + 8});
  for (const std::size_t bytes : sizes) {
    Region region;
    for (std::size_t i = 0; i != 30 || region.used() < 1_MiB; i += i == 30 ? 0 : 1) {
      ASSERT_NE(region.try_allocate(bytes), nullptr);
      if (i >= 29) {
        ASSERT_LE(3 * region.capacity(), 4 * region.used() + 3 * arena) << bytes;
      }
    }
  }
}

TEST(RegionEnds, ArenasThatDoubleAskUpstreamSeldom) {
  Upstream upstream;
  Region region({.arena_size = 4096, .max_arena_size = 1_MiB, .upstream = &upstream});
  for (int i = 0; i != 10'000; ++i)
    (void)region.allocate(5000);
  EXPECT_LE(upstream.calls, 80u);
  EXPECT_LE(region.capacity(), 2 * region.used() + 1_MiB);
}

// What the comment on top of region.hpp promises, however it is used.
TEST(RegionEnds, HoldsAtMostTwiceWhatWasUsedAndOneArena) {
  struct Piece {
    void* p;
    std::size_t bytes;
  };
  for (const unsigned seed : {1u, 2u, 3u, 4u, 5u, 6u}) {
    Region region(
        {.zero = false, .arena_size = 4096, .max_arena_size = seed % 2 == 0 ? 4096u : 32768u});
    std::mt19937 random(seed);
    const auto below = [&](std::size_t n) { return random() % n; };
    std::vector<Piece> pieces;
    std::vector<std::size_t> levels;
    for (int step = 0; step != 20'000; ++step) {
      const auto choice = below(100);
      if (choice < 50) {
        const std::size_t bytes = 1 + below(below(10) == 0 ? 20'000 : below(3) == 0 ? 2000 : 200);
        pieces.push_back({region.allocate(bytes, std::size_t{1} << below(8)), bytes});
      } else if (choice < 80) {
        if (pieces.size() > (levels.empty() ? 0 : levels.back())) {
          (void)region.try_resize(pieces.back().p, pieces.back().bytes, 0);
          pieces.pop_back();
        }
      } else if (choice < 85) {
        if (pieces.size() > (levels.empty() ? 0 : levels.back())) {
          Piece& last = pieces.back();
          const std::size_t bytes = 1 + below(2 * last.bytes);
          last.p = region.reallocate(last.p, last.bytes, bytes);
          last.bytes = bytes;
        }
      } else if (choice < 90) {
        if (levels.size() < 10) {
          levels.push_back(pieces.size());
          region.checkpoint();
        }
      } else if (choice < 99) {
        if (!levels.empty()) {
          region.restore();
          pieces.resize(levels.back());
          levels.pop_back();
        }
      } else {
        region.reset();
        pieces.clear();
        levels.clear();
      }
      ASSERT_LE(region.capacity(), 2 * region.peak() + (seed % 2 == 0 ? 4096u : 32768u))
          << "seed " << seed << ", step " << step;
    }
  }
}

// --------------------------------------------------- regions: large ones older than a checkpoint

TEST(RegionEnds, ARestoreAfterAnOlderLargeOneWasGivenBack) {
  Region region;
  void* const older = region.allocate(100'000);
  void* const kept = region.allocate(200'000);
  test::fill(kept, 200'000, 1);
  region.checkpoint();
  void* const newer = region.allocate(300'000);
  ASSERT_TRUE(region.try_resize(older, 100'000, 0));
  EXPECT_EQ(region.used(), 500'000u);
  region.restore();
  EXPECT_EQ(region.used(), 200'000u);
  EXPECT_FALSE(region.owns(newer));
  EXPECT_TRUE(region.owns(kept));
  EXPECT_TRUE(test::holds(kept, 200'000, 1));
  ASSERT_TRUE(region.try_resize(kept, 200'000, 0));
  EXPECT_EQ(region.used(), 0u);
}

TEST(RegionEnds, ARestoreAfterEachOfManyOlderOnesWasGivenBack) {
  for (int given_back = 0; given_back != 6; ++given_back) {
    Region region;
    std::vector<void*> blocks;
    for (int i = 0; i != 6; ++i) {
      blocks.push_back(region.allocate(100'000));
      test::fill(blocks.back(), 100'000, i);
      region.checkpoint();
    }
    const auto gone = static_cast<std::size_t>(given_back);
    ASSERT_TRUE(region.try_resize(blocks[gone], 100'000, 0));
    for (std::size_t left = 6; left != 0; --left) {
      region.restore(); // the checkpoint right behind it takes nothing back
      EXPECT_EQ(region.used(), (left - (gone < left ? 1 : 0)) * 100'000);
      for (std::size_t i = 0; i != left; ++i)
        if (i != gone) {
          ASSERT_TRUE(test::holds(blocks[i], 100'000, static_cast<int>(i)));
        }
      if (left - 1 != gone) {
        ASSERT_TRUE(region.try_resize(blocks[left - 1], 100'000, 0));
      }
    }
    EXPECT_EQ(region.used(), 0u);
  }
}

TEST(RegionEnds, AnOlderLargeOneThatMovedSurvivesARestoreWithItsContents) {
  for (const bool quiet : {false, true}) {
    Region region;
    void* p = region.allocate(100'000);
    test::fill(p, 100'000, 1);
    region.checkpoint();
    void* const newer = region.allocate(100'000);
    test::fill(newer, 100'000, 2);
    void* const moved =
        quiet ? region.try_reallocate(p, 100'000, 1_MiB) : region.reallocate(p, 100'000, 1_MiB);
    ASSERT_NE(moved, nullptr);
    EXPECT_FALSE(region.owns(p) && moved != p);
    EXPECT_TRUE(test::holds(newer, 100'000, 2));
    region.restore();
    EXPECT_FALSE(region.owns(newer));
    ASSERT_TRUE(region.owns(moved));
    EXPECT_TRUE(test::holds(moved, 100'000, 1));
    EXPECT_EQ(region.used(), 1_MiB);
    ASSERT_TRUE(region.try_resize(moved, 1_MiB, 0));
    EXPECT_EQ(region.used(), 0u);
  }
}

TEST(RegionEnds, ALargeOneMovesToAnyAlignmentAndToNoOther) {
  Region region({.limit = 4_MiB});
  void* p = region.allocate(100'000);
  test::fill(p, 100'000, 1);
  std::size_t bytes = 100'000;
  for (std::size_t alignment = 8; alignment <= 65536; alignment *= 4) {
    p = region.reallocate(p, bytes, bytes + 20'000, alignment);
    bytes += 20'000;
    ASSERT_TRUE(test::is_aligned(p, alignment));
    ASSERT_TRUE(test::holds(p, 100'000, 1));
  }
  const test::State before = test::state(region);
  for (const std::size_t alignment : test::bad_alignments) {
    EXPECT_EQ(test::kind([&] { return region.reallocate(p, bytes, 2 * bytes, alignment); }),
              "Misuse(bad_alignment)");
    EXPECT_EQ(region.try_reallocate(p, bytes, 2 * bytes, alignment), nullptr);
  }
  for (const std::size_t more : test::unservable) {
    EXPECT_EQ(test::kind([&] { return region.reallocate(p, bytes, more); }), "Exhausted(no_room)");
    EXPECT_EQ(region.try_reallocate(p, bytes, more), nullptr);
  }
  EXPECT_EQ(region.try_reallocate(p, bytes, 4_MiB), nullptr);
  EXPECT_EQ(test::state(region), before);
  EXPECT_TRUE(test::holds(p, 100'000, 1));
}

TEST(RegionEnds, ANewerLargeOneThatMovedIsTakenBack) {
  Region region;
  void* const kept = region.allocate(100'000);
  {
    const auto scope = region.scope();
    void* p = region.allocate(100'000);
    for (std::size_t bytes = 100'000; bytes < 1'000'000; bytes += 100'000)
      p = region.reallocate(p, bytes, bytes + 100'000);
    ASSERT_TRUE(region.try_resize(kept, 100'000, 50'000));
  }
  EXPECT_EQ(region.used(), 50'000u);
  EXPECT_TRUE(region.owns(kept));
}

// Small ones that are given back across arenas, under checkpoints: those follow.
TEST(RegionEnds, CheckpointsFollowWhatIsGivenBackToOtherArenas) {
  Region region({.arena_size = 1024, .max_arena_size = 1024});
  std::vector<void*> blocks;
  for (int i = 0; i != 10; ++i) {
    blocks.push_back(region.allocate(800));
    region.checkpoint();
  }
  ASSERT_EQ(region.stats().arenas, 10u);
  for (std::size_t left = 10; left != 3; --left)
    ASSERT_TRUE(region.try_resize(blocks[left - 1], 800, 0));
  EXPECT_EQ(region.used(), 3 * 800u);
  void* const newer = region.allocate(200);
  region.restore();
  EXPECT_EQ(region.used(), 3 * 800u);
  EXPECT_FALSE(region.owns(newer));
  for (int i = 0; i != 6; ++i) {
    (void)region.allocate(900);
    region.restore();
    EXPECT_EQ(region.used(), 3 * 800u) << i;
  }
  for (std::size_t i = 0; i != 3; ++i) {
    (void)region.allocate(900);
    region.restore();
    EXPECT_EQ(region.used(), (3 - i) * 800u);
    ASSERT_TRUE(region.try_resize(blocks[2 - i], 800, 0));
  }
  EXPECT_EQ(region.used(), 0u);
}

// Blocks of all sizes made longer, shorter and given back in any order under checkpoints: what is
// older than a checkpoint survives its restore wherever it was moved, what is newer is gone.
void use_at_random(Region& region, unsigned seed, std::size_t largest) {
  struct Piece {
    std::byte* p;
    std::size_t bytes;
    int pattern;
    std::size_t level; // how many checkpoints there were
  };
  std::mt19937 random(seed);
  const auto below = [&](std::size_t n) { return random() % n; };
  const auto size = [&] { return 1 + below(below(4) == 0 ? largest : 300); };
  std::vector<Piece> pieces;
  std::size_t levels = 0;
  std::vector<std::vector<std::pair<std::byte*, std::size_t>>> sizes; // at each checkpoint
  const auto intact = [](const Piece& piece) {
    return test::holds(piece.p, piece.bytes, piece.pattern);
  };
  for (int step = 0; step != 10'000; ++step) {
    SCOPED_TRACE(step);
    const auto choice = below(100);
    const std::size_t i = pieces.empty()  ? 0
                          : below(2) == 0 ? below(pieces.size())
                                          : pieces.size() - 1;
    if (choice < 40) {
      const std::size_t bytes = size();
      auto* const p =
          static_cast<std::byte*>(region.try_allocate(bytes, std::size_t{1} << below(8)));
      if (p == nullptr)
        continue; // the limit
      pieces.push_back({p, bytes, static_cast<int>(below(256)), levels});
      test::fill(p, bytes, pieces.back().pattern);
    } else if (choice < 65 && !pieces.empty()) {
      Piece& piece = pieces[i];
      ASSERT_TRUE(intact(piece));
      const std::size_t bytes = below(3) == 0 ? size() : 1 + below(2 * piece.bytes);
      const std::size_t used = region.used();
      auto* const p = static_cast<std::byte*>(region.try_reallocate(piece.p, piece.bytes, bytes));
      if (p == nullptr)
        continue;
      ASSERT_TRUE(test::holds(p, std::min(bytes, piece.bytes), piece.pattern));
      if (p != piece.p && region.used() >= used + round_up(bytes)) {
        piece.level = levels; // a new one: the old place stays taken
      } else {
        for (auto& at_checkpoint : sizes) // it is as old as it was, and as short as it ever became
          for (auto& [place, old_bytes] : at_checkpoint)
            if (place == piece.p) {
              place = p;
              old_bytes = std::min(old_bytes, bytes < piece.bytes ? bytes : old_bytes);
            }
      }
      piece.p = p;
      piece.bytes = bytes;
      test::fill(p, bytes, piece.pattern);
    } else if (choice < 80 && !pieces.empty()) {
      ASSERT_TRUE(intact(pieces[i]));
      if (region.try_resize(pieces[i].p, pieces[i].bytes, 0))
        pieces.erase(pieces.begin() + static_cast<std::ptrdiff_t>(i));
    } else if (choice < 88) {
      if (levels == 12)
        continue;
      region.checkpoint();
      ++levels;
      sizes.emplace_back();
      for (const Piece& piece : pieces)
        sizes.back().emplace_back(piece.p, piece.bytes);
    } else if (choice < 97) {
      if (levels == 0)
        continue;
      region.restore();
      std::erase_if(pieces, [&](const Piece& piece) { return piece.level == levels; });
      --levels;
      for (Piece& piece : pieces) {
        ASSERT_TRUE(region.owns(piece.p));
        if (!region.owns(piece.p + piece.bytes - 1)) // it has its old size again
          for (const auto& [place, old_bytes] : sizes.back())
            if (place == piece.p)
              piece.bytes = std::min(piece.bytes, old_bytes);
        ASSERT_TRUE(region.owns(piece.p + piece.bytes - 1));
      }
      sizes.pop_back();
    } else if (choice == 97) {
      region.trim(below(20'000));
    } else if (choice == 98 && below(4) == 0) {
      below(4) == 0 ? region.release() : region.reset();
      ASSERT_EQ(region.used(), 0u);
      pieces.clear();
      sizes.clear();
      levels = 0;
    }
    for (std::size_t k = 0; step % 32 == 0 && k != pieces.size(); ++k)
      ASSERT_TRUE(intact(pieces[k]));
  }
}

TEST(RegionEnds, AnyUseUnderCheckpointsKeepsWhatIsOlder) {
  for (const unsigned seed : {1u, 2u, 3u}) {
    SCOPED_TRACE(seed);
    Upstream upstream(true);
    {
      Region region({.arena_size = 512, .max_arena_size = 2048, .upstream = &upstream});
      use_at_random(region, seed, 5000);
    }
    std::vector<std::byte> first(5000);
    Region region(Buffer::borrowed(first), {.arena_size = 1000,
                                            .limit = 40'000,
                                            .marks = seed == 1 ? 20u : 0u,
                                            .upstream = &upstream});
    use_at_random(region, seed, 3000);
  }
}

// --------------------------------------------------------------------------- arrays that are zero

template <class S>
class ZeroArrays : public GivingBack<S> {};
TYPED_TEST_SUITE(ZeroArrays, GivingBackTypes);

TYPED_TEST(ZeroArrays, FreshMemoryIsNotWrittenAndUsedMemoryIs) {
  TypeParam& s = this->strategy;
  const auto make = [&](std::size_t bytes) {
    return hooks::allocate_array<TypeParam, std::size_t>(&s, bytes, 1);
  };
  void* const fresh = s.allocate(20'000);
  EXPECT_EQ(s.dirty_bytes(fresh, 20'000), 0u);
  EXPECT_TRUE(test::holds(fresh, 20'000, 0));
  test::fill(fresh, 20'000);
  ASSERT_TRUE(s.try_resize(fresh, 20'000, 0));
  EXPECT_TRUE(test::holds(make(40'000), 40'000, 0)); // the half of it was written to
  s.reset();
  EXPECT_EQ(s.dirty_bytes(s.allocate(60'000), 60'000), 0u);
  s.reset();
  if constexpr (Rewindable<TypeParam>) {
    s.checkpoint();
    test::fill(s.allocate(30'000), 30'000);
    s.restore();
    void* const p = make(60'000);
    EXPECT_TRUE(test::holds(p, 60'000, 0));
  }
}

TEST(ZeroArraysOfARegion, InAnArenaOfTheirOwnAreZeroToo) {
  Upstream upstream(true);
  Region region({.upstream = &upstream});
  const auto make = [&](std::size_t bytes) {
    return hooks::allocate_array<Region, std::size_t>(&region, bytes, 1);
  };
  for (int round = 0; round != 3; ++round) {
    const auto scope = region.scope();
    void* const p = make(500'000);
    EXPECT_TRUE(test::holds(p, 500'000, 0)) << round;
    test::fill(p, 500'000);
    void* const small = make(1000);
    EXPECT_TRUE(test::holds(small, 1000, 0)) << round;
    test::fill(small, 1000);
  }
  EXPECT_EQ(region.stats().arenas, 2u);
  void* const none = make(0);
  EXPECT_NE(none, nullptr);
}

} // namespace
