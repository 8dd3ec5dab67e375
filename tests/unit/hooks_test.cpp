#include <allot/allot.hpp>
#include <allot/hooks.hpp>

#include "support.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

// What allot's hooks are here assigned to has the types that C libraries
// declare. The libraries themselves are in tests/clients.

namespace {

using namespace allot;

// ------------------------------------------------- hooks that are not told the
// old size: a header

struct Suite {
  void* (*allocate)(void* context, std::size_t);
  void* (*allocate_array)(void* context, unsigned count, unsigned size);
  void* (*reallocate)(void* context, void*, std::size_t);
  void (*deallocate)(void* context, void*);
};
template <class S>
constexpr Suite suite_for{hooks::allocate<S>, hooks::allocate_array<S>, hooks::reallocate<S>,
                          hooks::deallocate<S>};

constexpr std::size_t room = 64_KiB;
constexpr std::size_t header = 16;

template <class S>
class Hooks : public testing::Test {
protected:
  static S make() {
    if constexpr (std::is_same_v<S, Region>)
      return Region({.arena_size = room, .limit = room});
    else
      return S(room);
  }
  void* allocate(std::size_t bytes) { return suite.allocate(&strategy, bytes); }
  void* reallocate(void* p, std::size_t bytes) { return suite.reallocate(&strategy, p, bytes); }
  void deallocate(void* p) { suite.deallocate(&strategy, p); }

  S strategy = make();
  static constexpr Suite suite = suite_for<S>;
};
struct Name {
  template <class S>
  static std::string GetName(int i) {
    constexpr const char* names[] = {"Arena", "Bump", "MappedArena", "Region", "Scratch"};
    return names[i];
  }
};
using Strategies = testing::Types<Arena, Bump, MappedArena, Region, Scratch>;
TYPED_TEST_SUITE(Hooks, Strategies, Name);

TYPED_TEST(Hooks, EverythingIsAlignedForAnything) {
  for (std::size_t bytes = 0; bytes != 70; ++bytes) {
    void* const p = this->allocate(bytes);
    ASSERT_TRUE(p != nullptr && test::is_aligned(p, 16)) << bytes;
    test::fill(p, bytes);
    void* const q = this->reallocate(p, bytes + 8);
    ASSERT_TRUE(q != nullptr && test::is_aligned(q, 16)) << bytes;
    ASSERT_TRUE(test::holds(q, bytes, 0xA5)) << bytes;
    void* const r = this->suite.allocate_array(&this->strategy, 3, static_cast<unsigned>(bytes));
    ASSERT_TRUE(r != nullptr && test::is_aligned(r, 16)) << bytes;
  }
}

TYPED_TEST(Hooks, TheNewestGrowsShrinksAndIsTakenBack) {
  void* const p = this->allocate(100);
  EXPECT_EQ(this->strategy.used(), header + 112);
  EXPECT_EQ(this->reallocate(p, 1000), p);
  EXPECT_EQ(this->strategy.used(), header + 1008);
  EXPECT_EQ(this->reallocate(p, 8), p);
  EXPECT_EQ(this->strategy.used(), header + 16);
  EXPECT_EQ(this->reallocate(p, 0), p); // a size as any other
  EXPECT_EQ(this->strategy.used(), header);
  this->deallocate(p);
  EXPECT_EQ(this->strategy.used(), 0u);
}

TYPED_TEST(Hooks, AnOlderOneMovesWhenItGrowsAndStaysWhenItShrinks) {
  void* const older = this->allocate(64);
  test::fill(older, 64);
  void* const newer = this->allocate(64);
  EXPECT_EQ(this->reallocate(older, 32), older);
  void* const moved = this->reallocate(older, 200);
  EXPECT_NE(moved, older);
  EXPECT_TRUE(test::holds(moved, 32, 0xA5));
  const test::ReportedMisuse reported;
  this->deallocate(older);
  EXPECT_EQ(reported.texts().size(), 1u); // no block any more
  this->deallocate(newer);
  this->deallocate(moved);
  EXPECT_EQ(reported.texts().size(), 1u);
  EXPECT_EQ(this->strategy.used(), 2 * (header + 64));
}

// It has an arena of its own, which is freed when the block moves: nothing is
// written there then.
TEST(HooksOfARegion, ALargeBlockGrowsIntoAnotherArena) {
  Region region;
  const Suite suite = suite_for<Region>;
  void* p = suite.allocate(&region, 1_MiB);
  test::fill(p, 1_MiB);
  for (const std::size_t bytes : {4_MiB, 16_MiB}) {
    p = suite.reallocate(&region, p, bytes);
    ASSERT_TRUE(test::holds(p, 1_MiB, 0xA5)) << bytes;
  }
  EXPECT_EQ(region.stats().arenas, 1u);
  suite.deallocate(&region, p);
  EXPECT_EQ(region.used(), 0u);
}

TYPED_TEST(Hooks, ArraysAreZero) {
  void* const p = this->allocate(200);
  test::fill(p, 200);
  this->deallocate(p);
  void* const q = this->suite.allocate_array(&this->strategy, 10, 20);
  EXPECT_EQ(q, p);
  EXPECT_TRUE(test::holds(q, 200, 0));
}

TYPED_TEST(Hooks, WhatCannotBeServedGivesNullAndChangesNothing) {
  void* const p = this->allocate(100);
  test::fill(p, 100);
  const test::State before = test::state(this->strategy);
  for (const std::size_t bytes :
       {SIZE_MAX, SIZE_MAX - 7, SIZE_MAX - 15, SIZE_MAX - 16, SIZE_MAX - 17, SIZE_MAX - 31,
        std::size_t{PTRDIFF_MAX}, std::size_t{PTRDIFF_MAX} + 1, room}) {
    EXPECT_EQ(this->allocate(bytes), nullptr) << bytes;
    EXPECT_EQ(this->reallocate(nullptr, bytes), nullptr) << bytes;
    EXPECT_EQ(this->reallocate(p, bytes), nullptr) << bytes;
  }
  void* (*const calloc_like)(void*, std::size_t, std::size_t) = hooks::allocate_array<TypeParam>;
  for (const auto& [count, size] : {std::pair<std::size_t, std::size_t>{SIZE_MAX, 2},
                                    {2, SIZE_MAX},
                                    {SIZE_MAX / 2 + 1, 2},   // 0 when it wraps
                                    {SIZE_MAX / 16 + 2, 16}, // 16
                                    {test::root, test::root},
                                    {room, 1}})
    EXPECT_EQ(calloc_like(&this->strategy, count, size), nullptr) << count << " * " << size;
  EXPECT_EQ(this->suite.allocate_array(&this->strategy, UINT32_MAX, UINT32_MAX), nullptr);
  EXPECT_EQ(test::state(this->strategy), before);
  EXPECT_TRUE(test::holds(p, 100, 0xA5));
  EXPECT_NE(this->allocate(100), nullptr);
}

TYPED_TEST(Hooks, NegativeSizesAreRefused) {
  void* (*const int_malloc)(void*, int) = hooks::allocate<TypeParam>;
  void* (*const int_realloc)(void*, void*, int) = hooks::reallocate<TypeParam>;
  void* const p = int_malloc(&this->strategy, 100);
  ASSERT_NE(p, nullptr);
  for (const int bytes : {-1, -16, std::numeric_limits<int>::min()}) {
    EXPECT_EQ(int_malloc(&this->strategy, bytes), nullptr);
    EXPECT_EQ(int_realloc(&this->strategy, p, bytes), nullptr);
  }
  EXPECT_EQ(this->strategy.used(), header + 112);
}

TYPED_TEST(Hooks, WhatIsNoBlockIsReportedAndNothingIsLost) {
  const test::ReportedMisuse reported;
  auto* const p = static_cast<std::byte*>(this->allocate(64));
  auto* const q = static_cast<std::byte*>(this->allocate(64));
  test::fill(p, 64);
  test::fill(q, 64);
  const std::size_t used = this->strategy.used();
  alignas(16) std::byte foreign[64] = {};

  this->deallocate(nullptr);
  EXPECT_EQ(reported.texts().size(), 0u);
  for (void* const bad : std::initializer_list<void*>{
           foreign + 32, p + 1, p + 8, p + 16, p + 32, p - header, reinterpret_cast<void*>(8),
           reinterpret_cast<void*>(16), reinterpret_cast<void*>(UINTPTR_MAX - 15)}) {
    EXPECT_EQ(this->reallocate(bad, 8), nullptr);
    EXPECT_EQ(this->reallocate(bad, 80), nullptr);
    this->deallocate(bad);
  }
  ASSERT_EQ(reported.texts().size(), 9u);
  EXPECT_TRUE(reported.texts()[0].starts_with("foreign_pointer hooks: ")) << reported.texts()[0];
  EXPECT_TRUE(reported.texts()[1].starts_with("misaligned_pointer hooks: ")) << reported.texts()[1];
  EXPECT_TRUE(reported.texts()[3].starts_with("double_free hooks: ")) << reported.texts()[3];
  EXPECT_EQ(this->strategy.used(), used);

  this->deallocate(p);
  this->deallocate(p);
  EXPECT_EQ(this->reallocate(p, 8), nullptr);
  EXPECT_EQ(reported.texts().size(), 10u);
  this->deallocate(q);
  this->deallocate(q); // above all that is handed out: nothing is read there
  EXPECT_EQ(reported.texts().size(), 11u);
  EXPECT_TRUE(test::holds(p, 64, 0xA5));
  EXPECT_NE(this->allocate(64), nullptr);
}

TYPED_TEST(Hooks, AReleasedStrategyRefuses) {
  const test::ReportedMisuse reported;
  void* const p = this->allocate(64);
  this->strategy.release();
  if constexpr (!std::is_same_v<TypeParam, Region>) { // which is usable again
    EXPECT_EQ(this->allocate(64), nullptr);
  }
  EXPECT_EQ(this->reallocate(p, 8), nullptr);
  this->deallocate(p);
  EXPECT_EQ(reported.texts().size(), 1u);
}

// A buffer that ends 8 bytes after a multiple of 16: the second word of a
// header would lie past it.
TEST(HooksAtTheEnd, NothingIsReadPastABuffer) {
  alignas(16) std::byte memory[64 + 8];
  Bump bump(Buffer::borrowed(memory));
  void* (*const allocate)(void*, std::size_t) = hooks::allocate<Bump>;
  void (*const deallocate)(void*, void*) = hooks::deallocate<Bump>;
  (void)bump.allocate(72);
  EXPECT_EQ(allocate(&bump, 0), nullptr);
  const test::ReportedMisuse reported;
  deallocate(&bump, reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(memory) + 64 + 16));
  ASSERT_EQ(reported.texts().size(), 1u);
  EXPECT_TRUE(reported.texts()[0].starts_with("foreign_pointer")) << reported.texts()[0];
}

// Random calls against a model, as a program that uses malloc makes them.
TYPED_TEST(Hooks, ContentsStayIntactOverManyCalls) {
  struct Block {
    void* p;
    std::size_t bytes;
    int pattern;
  };
  std::mt19937 random(1);
  const auto below = [&](std::size_t n) { return random() % n; };
  std::vector<Block> blocks;
  for (int step = 0; step != 2000; ++step) {
    if (blocks.empty() || below(3) == 0) {
      const std::size_t bytes = below(100);
      void* const p = this->allocate(bytes);
      if (p == nullptr) {
        blocks.clear();
        this->strategy.reset();
        continue;
      }
      blocks.push_back({p, bytes, static_cast<int>(below(256))});
      test::fill(p, bytes, blocks.back().pattern);
      continue;
    }
    const std::size_t i = below(2) == 0 ? blocks.size() - 1 : below(blocks.size());
    Block& block = blocks[i];
    ASSERT_TRUE(test::holds(block.p, block.bytes, block.pattern));
    if (below(2) == 0) {
      this->deallocate(block.p);
      blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(i));
      continue;
    }
    const std::size_t bytes = below(200);
    void* const p = this->reallocate(block.p, bytes);
    if (p == nullptr) {
      ASSERT_GT(bytes, block.bytes) << "shrinking never fails";
      continue;
    }
    ASSERT_TRUE(test::holds(p, std::min(bytes, block.bytes), block.pattern));
    block.p = p;
    block.bytes = bytes;
    test::fill(p, bytes, block.pattern);
  }
}

// ----------------------------------------------------------------- the hook
// that is told all sizes

template <class S>
class Resizing : public Hooks<S> {
protected:
  void* call(void* p, std::size_t old_bytes, std::size_t new_bytes) {
    return hook(&this->strategy, p, old_bytes, new_bytes);
  }
  void* (*hook)(void* ud, void* ptr, std::size_t osize, std::size_t nsize) = hooks::resize<S>;
};
TYPED_TEST_SUITE(Resizing, Strategies, Name);

TYPED_TEST(Resizing, DoesAllThatLuaAsks) {
  void* p = this->call(nullptr, 5,
                       40); // Lua says there what kind of object it is for
  ASSERT_TRUE(p != nullptr && test::is_aligned(p, 16));
  EXPECT_EQ(this->strategy.used(), 48u); // rounded up to 16
  EXPECT_EQ(this->call(p, 40, 80), p);
  test::fill(p, 80);
  EXPECT_EQ(this->call(p, 80, 24), p);
  EXPECT_EQ(this->strategy.used(), 32u);
  void* const q = this->call(nullptr, 0, 24);
  EXPECT_TRUE(test::is_aligned(q, 16));
  EXPECT_EQ(this->call(p, 24, 8), p);
  void* const moved = this->call(p, 8, 48);
  EXPECT_NE(moved, p);
  EXPECT_TRUE(test::holds(moved, 8, 0xA5));
  EXPECT_EQ(this->call(moved, 48, 0), nullptr);
  EXPECT_EQ(this->call(nullptr, 7, 0), nullptr);
  EXPECT_EQ(this->call(q, 24, 0), nullptr);
}

TYPED_TEST(Resizing, ShrinkingNeverFails) {
  void* const older = this->call(nullptr, 0, 1000);
  while (this->call(nullptr, 0, 1000) != nullptr) {
  }
  while (this->call(nullptr, 0, 8) != nullptr) {
  }
  EXPECT_EQ(this->call(older, 1000, 999), older);
  EXPECT_EQ(this->call(older, 999, 8), older);
  EXPECT_EQ(this->call(older, 8, 4000), nullptr);
}

TYPED_TEST(Resizing, BadInputGivesNullAndChangesNothing) {
  const test::ReportedMisuse reported;
  auto* const p = static_cast<std::byte*>(this->call(nullptr, 0, 64));
  auto* const q = static_cast<std::byte*>(this->call(nullptr, 0, 64));
  test::fill(p, 64);
  test::fill(q, 64);
  const std::size_t used = this->strategy.used();
  std::byte foreign[64] = {};
  EXPECT_EQ(this->call(foreign, 32, 64), nullptr);
  EXPECT_EQ(this->call(foreign, 64, 32), nullptr);
  EXPECT_EQ(this->call(foreign, 64, 0), nullptr);
  for (const std::size_t bytes : {SIZE_MAX, SIZE_MAX - 7, std::size_t{PTRDIFF_MAX}, room}) {
    EXPECT_EQ(this->call(nullptr, 0, bytes), nullptr) << bytes;
    EXPECT_EQ(this->call(p, 64, bytes), nullptr) << bytes;
    EXPECT_EQ(this->call(q, 64, bytes), nullptr) << bytes;
    EXPECT_EQ(this->call(q, bytes, 0), nullptr) << bytes; // a wrong old size: not taken back
  }
  EXPECT_EQ(this->call(p, 64, 0), nullptr);
  EXPECT_EQ(this->call(p, 64, 0), nullptr);
  EXPECT_EQ(this->strategy.used(), used);
  EXPECT_EQ(this->call(q, 64, 0), nullptr);
  EXPECT_EQ(this->call(q, 64, 0), nullptr);
  EXPECT_EQ(this->strategy.used(), used - 64);
  EXPECT_TRUE(test::holds(p, 64, 0xA5));
  EXPECT_EQ(this->call(nullptr, 0, 64), q);
}

// ---------------------------------------------------------- a strategy that
// can tell sizes itself

template <class Allocate, class Reallocate, class Deallocate>
void check_contents(Allocate allocate, Reallocate reallocate, Deallocate deallocate) {
  struct Block {
    void* p;
    std::size_t bytes;
    int pattern;
  };
  std::mt19937 random(1);
  const auto below = [&](std::size_t n) { return random() % n; };
  const auto size = [&] { return below(10) == 0 ? below(100'000) : below(300); };
  std::vector<Block> blocks;
  for (int step = 0; step != 2000; ++step) {
    if (blocks.empty() || below(5) < 2) {
      const std::size_t bytes = size() + 1;
      blocks.push_back({allocate(bytes), bytes, static_cast<int>(below(256))});
    } else {
      const std::size_t i = below(blocks.size());
      Block& block = blocks[i];
      ASSERT_TRUE(test::holds(block.p, block.bytes, block.pattern));
      if (below(2) == 0) {
        deallocate(block.p, block.bytes);
        block = blocks.back();
        blocks.pop_back();
        continue;
      }
      const std::size_t bytes = size() + 1;
      void* const p = reallocate(block.p, block.bytes, bytes);
      ASSERT_TRUE(test::holds(p, std::min(bytes, block.bytes), block.pattern));
      std::swap(block, blocks.back());
      blocks.back().p = p;
      blocks.back().bytes = bytes;
    }
    const Block& newest = blocks.back();
    ASSERT_TRUE(newest.p != nullptr && test::is_aligned(newest.p, 16));
    test::fill(newest.p, newest.bytes, newest.pattern);
  }
  for (const Block& block : blocks) {
    ASSERT_TRUE(test::holds(block.p, block.bytes, block.pattern));
    deallocate(block.p, block.bytes);
  }
}

TEST(HooksOfAMultipool, ServeAsMallocDoes) {
  Multipool pool;
  const Suite suite = suite_for<Multipool>;
  check_contents([&](std::size_t n) { return suite.allocate(&pool, n); },
                 [&](void* p, std::size_t, std::size_t n) { return suite.reallocate(&pool, p, n); },
                 [&](void* p, std::size_t) { suite.deallocate(&pool, p); });
  EXPECT_EQ(pool.used(), 0u);
}
TEST(HooksOfAMultipool, ServeAsLuaAsks) {
  Multipool pool;
  void* (*const hook)(void*, void*, std::size_t, std::size_t) = hooks::resize<Multipool>;
  const test::ReportedMisuse reported;
  check_contents(
      [&](std::size_t n) { return hook(&pool, nullptr, 3, n); },
      [&](void* p, std::size_t from, std::size_t to) { return hook(&pool, p, from, to); },
      [&](void* p, std::size_t n) { EXPECT_EQ(hook(&pool, p, n, 0), nullptr); });
  EXPECT_EQ(pool.used(), 0u);
  EXPECT_EQ(reported.texts().size(), 0u);
}

TEST(HooksOfAMultipool, ShrinkingNeverFails) {
  Multipool pool({.limit = 1_MiB});
  void* (*const hook)(void*, void*, std::size_t, std::size_t) = hooks::resize<Multipool>;
  void* const large = hook(&pool, nullptr, 0, 200'000);
  void* const small = hook(&pool, nullptr, 0, 1000);
  for (const std::size_t bytes : {std::size_t{50'000}, std::size_t{1000}, std::size_t{16}})
    while (hook(&pool, nullptr, 0, bytes) != nullptr) {
    }
  const test::ReportedMisuse reported;
  void* p = hook(&pool, large, 200'000, 100'000);
  ASSERT_NE(p, nullptr);
  p = hook(&pool, p, 100'000, 10);
  ASSERT_NE(p, nullptr);
  EXPECT_EQ(hook(&pool, p, 10, 0), nullptr);
  p = hook(&pool, small, 1000, 24);
  ASSERT_NE(p, nullptr);
  EXPECT_EQ(hook(&pool, p, 24, 0), nullptr);
  EXPECT_EQ(reported.texts().size(), 0u);
}

TEST(HooksOfAMultipool, WhatCannotBeServedGivesNullAndBadPointersAreReported) {
  Multipool pool;
  const Suite suite = suite_for<Multipool>;
  void* (*const hook)(void*, void*, std::size_t, std::size_t) = hooks::resize<Multipool>;
  const test::ReportedMisuse reported;
  auto* const p = static_cast<std::byte*>(suite.allocate(&pool, 64));
  auto* const q = static_cast<std::byte*>(suite.allocate(&pool, 64));
  test::fill(q, 64);
  const std::size_t used = pool.used();
  for (const std::size_t bytes : {SIZE_MAX, SIZE_MAX - 7, SIZE_MAX - 15, SIZE_MAX - 16,
                                  std::size_t{PTRDIFF_MAX}, std::size_t{PTRDIFF_MAX} + 1}) {
    EXPECT_EQ(suite.allocate(&pool, bytes), nullptr) << bytes;
    EXPECT_EQ(suite.reallocate(&pool, q, bytes), nullptr) << bytes;
    EXPECT_EQ(hook(&pool, nullptr, 0, bytes), nullptr) << bytes;
    EXPECT_EQ(hook(&pool, q, 64, bytes), nullptr) << bytes;
  }
  EXPECT_EQ(suite.allocate_array(&pool, UINT32_MAX, UINT32_MAX), nullptr);
  EXPECT_EQ(reported.texts().size(), 0u);

  alignas(16) std::byte foreign[64] = {};
  suite.deallocate(&pool, nullptr);
  for (std::byte* const bad : {foreign, q + 1, q + 8, q + 16}) {
    EXPECT_EQ(suite.reallocate(&pool, bad, 8), nullptr);
    EXPECT_EQ(suite.reallocate(&pool, bad, 800), nullptr);
    EXPECT_EQ(hook(&pool, bad, 64, 800), nullptr);
    suite.deallocate(&pool, bad);
    EXPECT_EQ(hook(&pool, bad, 64, 0), nullptr);
  }
  EXPECT_EQ(reported.texts().size(), 8u);
  EXPECT_EQ(hook(&pool, q, 128, 0), nullptr); // a wrong old size
  EXPECT_EQ(reported.texts().size(), 9u);
  EXPECT_EQ(pool.used(), used);
  suite.deallocate(&pool, p);
  suite.deallocate(&pool, p);
  EXPECT_EQ(hook(&pool, p, 64, 0), nullptr);
  EXPECT_EQ(suite.reallocate(&pool, p, 8), nullptr);
  EXPECT_EQ(reported.texts().size(), 11u);
  EXPECT_TRUE(test::holds(q, 64, 0xA5));
  EXPECT_EQ(suite.allocate(&pool, 64), p);
}

TEST(HooksOfAMultipool, AllOfTheUsableSizeMayBeUsed) {
  static Multipool pool;
  int (*const usable_size)(void*) = hooks::usable_size<pool>;
  void* (*const allocate)(int) = hooks::allocate<pool>;
  void (*const deallocate)(void*, std::size_t) = hooks::deallocate<pool>;
  const test::ReportedMisuse reported;
  for (const int bytes : {1, 100, 150, 5000, 100'000}) {
    void* const p = allocate(bytes);
    const int size = usable_size(p);
    EXPECT_GE(size, bytes);
    test::fill(p, static_cast<std::size_t>(size));
    deallocate(p, static_cast<std::size_t>(bytes));
    EXPECT_EQ(usable_size(p), 0);
  }
  EXPECT_EQ(usable_size(nullptr), 0);
  EXPECT_EQ(reported.texts().size(), 5u);
  EXPECT_EQ(pool.used(), 0u);
}

// ------------------------------------------------------------------------
// hooks without a context

Region region({.limit = room});

struct NoContext {
  void* (*allocate)(int);
  void (*deallocate)(void*);
  void* (*reallocate)(void*, int);
  int (*usable_size)(void*);
};

TEST(HooksWithoutContext, UseAStaticStrategy) {
  const test::ReportedMisuse reported;
  const NoContext suite{hooks::allocate<region>, hooks::deallocate<region>,
                        hooks::reallocate<region>, hooks::usable_size<region>};
  void* (*const calloc_like)(std::size_t, std::size_t) = hooks::allocate_array<region>;
  void* const p = suite.allocate(100);
  ASSERT_TRUE(region.owns(p) && test::is_aligned(p, 16));
  EXPECT_EQ(suite.usable_size(p), 112);
  EXPECT_EQ(suite.reallocate(p, 200), p);
  EXPECT_EQ(suite.usable_size(p), 208);
  EXPECT_EQ(suite.allocate(-1), nullptr);
  EXPECT_EQ(suite.reallocate(p, -1), nullptr);
  EXPECT_EQ(suite.usable_size(nullptr), 0);
  EXPECT_EQ(reported.texts().size(), 0u);
  EXPECT_EQ(suite.usable_size(static_cast<std::byte*>(p) + 16), 0);
  EXPECT_EQ(calloc_like(SIZE_MAX / 2 + 1, 2), nullptr);
  void* const zeros = calloc_like(5, 20);
  EXPECT_TRUE(test::holds(zeros, 100, 0));
  suite.deallocate(zeros);
  suite.deallocate(nullptr);
  suite.deallocate(p);
  EXPECT_EQ(region.used(), 0u);
  EXPECT_EQ(reported.texts().size(), 1u);
  suite.deallocate(p);
  EXPECT_EQ(reported.texts().size(), 2u);
}

// What regions cannot do in an arena that is not their current one.
TEST(HooksWithoutContext, ShrinkInAnyArenaOfARegion) {
  Region r({.arena_size = 4096});
  void* (*const hook)(void*, void*, std::size_t, std::size_t) = hooks::resize<Region>;
  void* const older = hook(&r, nullptr, 0, 4000);
  test::fill(older, 4000);
  (void)hook(&r, nullptr, 0, 4000);
  ASSERT_EQ(r.stats().arenas, 2u);
  EXPECT_EQ(hook(&r, older, 4000, 100), older);
  void* const moved = hook(&r, older, 100, 5000);
  EXPECT_NE(moved, older);
  EXPECT_TRUE(test::holds(moved, 100, 0xA5));
}

// ------------------------------------------------------------------ what
// single libraries pass

constexpr std::size_t plenty = 8_MiB;

template <class S>
struct Make {
  static S one() { return S(plenty); }
};
template <>
struct Make<Region> {
  static Region one() { return Region({.arena_size = 1_MiB, .limit = plenty}); }
};
template <>
struct Make<Multipool> {
  static Multipool one() { return Multipool({.limit = plenty}); }
};
struct ServedName {
  template <class S>
  static std::string GetName(int i) {
    constexpr const char* names[] = {"Multipool", "Arena", "Region"};
    return names[i];
  }
};
using Served = testing::Types<Multipool, Arena, Region>;

// Vulkan's functions, whose scope is an enumeration.
enum Scope { command, object };
template <class S>
class Aligned : public testing::Test {
protected:
  using Allocation = void*(void*, std::size_t size, std::size_t alignment, Scope);
  using Reallocation = void*(void*, void*, std::size_t size, std::size_t alignment, Scope);
  void* allocate(std::size_t bytes, std::size_t alignment) {
    return allocation(&strategy, bytes, alignment, command);
  }
  void* reallocate(void* p, std::size_t bytes, std::size_t alignment) {
    return reallocation(&strategy, p, bytes, alignment, object);
  }
  void deallocate(void* p) { hooks::deallocate<S>(&strategy, p); }

  S strategy = Make<S>::one();
  Allocation* const allocation = hooks::allocate_aligned<S>;
  Reallocation* const reallocation = hooks::reallocate_aligned<S>;
};
TYPED_TEST_SUITE(Aligned, Served, ServedName);

constexpr std::size_t most_alignment = 512_KiB;

TYPED_TEST(Aligned, AnyPowerOfTwoUpToTheLargest) {
  for (std::size_t alignment = 1; alignment <= most_alignment; alignment *= 2) {
    this->deallocate(nullptr);
    for (const std::size_t bytes : test::Sizes{0, 1, 100, 5000, 100'000}) {
      void* const small = hooks::allocate<TypeParam>(&this->strategy, 1);
      void* const p = this->allocate(bytes, alignment);
      ASSERT_NE(p, nullptr) << bytes << " aligned to " << alignment;
      ASSERT_TRUE(test::is_aligned(p, 16) && test::is_aligned(p, alignment)) << alignment;
      test::fill(p, bytes);
      void* const q = this->reallocate(p, bytes + 1000, alignment);
      ASSERT_NE(q, nullptr) << bytes << " aligned to " << alignment;
      ASSERT_TRUE(test::is_aligned(q, 16) && test::is_aligned(q, alignment)) << alignment;
      ASSERT_TRUE(test::holds(q, bytes, 0xA5)) << bytes << " aligned to " << alignment;
      test::fill(q, bytes + 1000);
      this->deallocate(q);
      this->deallocate(small);
    }
    this->strategy.reset();
  }
}

TYPED_TEST(Aligned, WhatIsFreedNewestFirstIsAllGivenBack) {
  void* const p = this->allocate(100, 16);
  void* const q = this->allocate(100, 256);
  void* const r = this->allocate(100, 64);
  for (void* const block : {r, q, p})
    this->deallocate(block);
  EXPECT_EQ(this->strategy.used(), 0u);
}

TYPED_TEST(Aligned, WhatCannotBeServedGivesNullAndChangesNothing) {
  const test::ReportedMisuse reported;
  void* const p = this->allocate(100, 64);
  test::fill(p, 100);
  const test::State before = test::state(this->strategy);
  for (const std::size_t alignment :
       {std::size_t{0}, std::size_t{3}, std::size_t{24}, std::size_t{63}, std::size_t{96},
        2 * most_alignment, SIZE_MAX / 2 + 1, SIZE_MAX}) {
    EXPECT_EQ(this->allocate(100, alignment), nullptr) << alignment;
    EXPECT_EQ(this->reallocate(nullptr, 100, alignment), nullptr) << alignment;
    EXPECT_EQ(this->reallocate(p, 50, alignment), nullptr) << alignment;
    EXPECT_EQ(this->reallocate(p, 200, alignment), nullptr) << alignment;
  }
  for (const std::size_t alignment : test::Sizes{1, 16, 64, 4096, most_alignment})
    for (const std::size_t bytes :
         {SIZE_MAX, SIZE_MAX - 15, SIZE_MAX - 16, SIZE_MAX - alignment, SIZE_MAX - alignment - 16,
          std::size_t{PTRDIFF_MAX}, std::size_t{PTRDIFF_MAX} + 1, plenty + 1}) {
      EXPECT_EQ(this->allocate(bytes, alignment), nullptr) << bytes;
      EXPECT_EQ(this->reallocate(nullptr, bytes, alignment), nullptr) << bytes;
      EXPECT_EQ(this->reallocate(p, bytes, alignment), nullptr) << bytes;
    }
  EXPECT_EQ(test::state(this->strategy), before);
  EXPECT_TRUE(test::holds(p, 100, 0xA5));
  this->deallocate(p);
  EXPECT_EQ(reported.texts().size(), 0u);
}

TYPED_TEST(Aligned, ReallocatesAsVulkanAsks) {
  const test::ReportedMisuse reported;
  void* p = this->reallocate(nullptr, 100, 64); // as an allocation
  ASSERT_TRUE(p != nullptr && test::is_aligned(p, 64));
  test::fill(p, 100);
  for (const std::size_t alignment : test::Sizes{64, 128, 4096, 8, 1024, 65536}) {
    p = this->reallocate(p, 300, alignment);
    ASSERT_TRUE(p != nullptr && test::is_aligned(p, alignment)) << alignment;
    ASSERT_TRUE(test::holds(p, 100, 0xA5)) << alignment;
  }
  p = this->reallocate(p, 50, 16);
  ASSERT_NE(p, nullptr);
  EXPECT_TRUE(test::holds(p, 50, 0xA5));
  EXPECT_EQ(this->reallocate(p, 0, 16), nullptr); // as a free
  EXPECT_EQ(this->reallocate(nullptr, 0, 3), nullptr);
  EXPECT_EQ(reported.texts().size(), 0u);
  this->deallocate(p);
  EXPECT_EQ(reported.texts().size(), 1u);
}

TYPED_TEST(Aligned, TheNewestGrowsAndShrinksInPlace) {
  void* const p = this->allocate(100'000, 256);
  EXPECT_EQ(this->reallocate(p, 500'000, 256), p);
  EXPECT_EQ(this->reallocate(p, 1000, 16), p);
  EXPECT_LT(this->strategy.used(), 50'000u);
  this->deallocate(p);
  EXPECT_EQ(this->strategy.used(), 0u);
}

TYPED_TEST(Aligned, OnlyBlocksAreReallocatedAndFreedAndNothingElseIsChanged) {
  const test::ReportedMisuse reported;
  auto* const p = static_cast<std::byte*>(this->allocate(64, 64));
  auto* const q = static_cast<std::byte*>(this->allocate(64, 64));
  auto* const last = this->allocate(64, 64);
  test::fill(p, 64);
  test::fill(q, 64);
  const std::size_t used = this->strategy.used();
  alignas(64) std::byte foreign[192] = {};
  for (void* const bad : std::initializer_list<void*>{foreign + 64, p + 1, p + 16, p + 32}) {
    reported.texts().clear();
    for (const std::size_t alignment : test::Sizes{1, 16, 64, 4096}) {
      EXPECT_EQ(this->reallocate(bad, 32, alignment), nullptr);
      EXPECT_EQ(this->reallocate(bad, 3200, alignment), nullptr);
    }
    reported.texts().clear(); // a pool tells what lies inside a block
    this->deallocate(bad);
    EXPECT_EQ(reported.texts().size(), 1u);
    EXPECT_EQ(this->reallocate(bad, 0, 16), nullptr);
    EXPECT_EQ(reported.texts().size(), 2u);
  }
  EXPECT_EQ(this->strategy.used(), used);
  this->deallocate(p);
  this->deallocate(p);
  EXPECT_EQ(reported.texts().size(), 3u);
  EXPECT_EQ(this->reallocate(p, 32, 64), nullptr);
  EXPECT_EQ(this->reallocate(p, 3200, 4096), nullptr);
  EXPECT_TRUE(test::holds(q, 64, 0xA5));
  this->deallocate(q);
  this->deallocate(last);
  EXPECT_EQ(reported.texts().size(), 3u);
}

TYPED_TEST(Aligned, ContentsStayIntactOverManyCalls) {
  struct Block {
    void* p;
    std::size_t bytes;
    int pattern;
  };
  std::mt19937 random(1);
  const auto below = [&](std::size_t n) { return random() % n; };
  std::vector<Block> blocks;
  const auto check = [](const Block& block) {
    return test::holds(block.p, block.bytes, block.pattern);
  };
  for (int step = 0; step != 3000; ++step) {
    const std::size_t bytes = 1 + below(below(10) == 0 ? 40'000 : 300);
    const std::size_t alignment = std::size_t{1} << below(13);
    Block made{nullptr, bytes, static_cast<int>(below(256))};
    if (blocks.size() < 10 || below(3) == 0) {
      made.p = this->allocate(bytes, alignment);
    } else {
      std::swap(blocks[below(blocks.size())], blocks.back());
      const Block old = blocks.back();
      ASSERT_TRUE(check(old));
      blocks.pop_back();
      if (below(2) == 0) {
        this->deallocate(old.p);
        continue;
      }
      made.p = this->reallocate(old.p, bytes, alignment);
      ASSERT_TRUE(made.p == nullptr ||
                  test::holds(made.p, std::min(bytes, old.bytes), old.pattern));
    }
    if (made.p == nullptr) { // full
      blocks.clear();
      this->strategy.reset();
      continue;
    }
    ASSERT_TRUE(test::is_aligned(made.p, alignment)) << alignment;
    test::fill(made.p, made.bytes, made.pattern);
    blocks.push_back(made);
  }
  EXPECT_TRUE(std::all_of(blocks.begin(), blocks.end(), check));
}

// yyjson's functions.
template <class S>
class ToldTheOldSize : public testing::Test {
protected:
  S strategy = Make<S>::one();
  void* (*malloc_)(void*, std::size_t) = nullptr;
  void* (*realloc_)(void*, void*, std::size_t old_bytes, std::size_t bytes) = nullptr;
  void (*free_)(void*, void*) = nullptr;
  void* context = nullptr;
};
TYPED_TEST_SUITE(ToldTheOldSize, Served, ServedName);

TYPED_TEST(ToldTheOldSize, ReallocatesWhatAllocateGave) {
  const test::ReportedMisuse reported;
  hooks::fill(this->strategy, this->malloc_, this->realloc_, this->free_, this->context);
  EXPECT_EQ(this->context, &this->strategy);
  void* const p = this->malloc_(this->context, 100);
  test::fill(p, 100);
  void* q = this->realloc_(this->context, p, 100, 5000);
  EXPECT_TRUE(test::holds(q, 100, 0xA5));
  for (const std::size_t old_bytes : {std::size_t{0}, std::size_t{1}, SIZE_MAX}) { // not needed
    q = this->realloc_(this->context, q, old_bytes, 6000 + old_bytes % 7);
    ASSERT_TRUE(test::holds(q, 100, 0xA5));
  }
  EXPECT_EQ(this->realloc_(this->context, q, 6000, SIZE_MAX), nullptr);
  void* const fresh = this->realloc_(this->context, nullptr, 0, 10);
  EXPECT_NE(fresh, nullptr);
  this->free_(this->context, fresh);
  EXPECT_EQ(reported.texts().size(), 0u);
  std::byte foreign[64] = {};
  EXPECT_EQ(this->realloc_(this->context, foreign + 16, 16, 32), nullptr);
  q = this->realloc_(this->context, q, 6000, 0); // frees nothing
  ASSERT_TRUE(q != nullptr && test::is_aligned(q, 16));
  this->free_(this->context, q);
  EXPECT_EQ(reported.texts().size(), 0u);
  EXPECT_EQ(this->realloc_(this->context, q, 1, 32), nullptr);
  this->free_(this->context, q);
  EXPECT_EQ(reported.texts().size(), 1u);
  EXPECT_EQ(this->strategy.used(), 0u);
}

// What gets the context last: pcre2's functions by pass_to, miniaudio's by
// fill.
struct Opaque {
  void* (*allocate)(std::size_t, void*);
  void (*deallocate)(void*, void*);
  void* context;
};
Opaque create_last(void* (*allocate)(std::size_t, void*), void (*deallocate)(void*, void*),
                   void* context) {
  return {allocate, deallocate, context};
}
struct OpaqueFirst {
  void* (*allocate)(void*, unsigned);
  void (*deallocate)(void*, void*);
  void* context;
};
OpaqueFirst create_first(void* (*allocate)(void*, unsigned), void (*deallocate)(void*, void*),
                         void* context) {
  return {allocate, deallocate, context};
}

template <class S>
class PassedTogether : public testing::Test {
protected:
  S strategy = Make<S>::one();
};
TYPED_TEST_SUITE(PassedTogether, Served, ServedName);

TYPED_TEST(PassedTogether, TheContextLast) {
  const test::ReportedMisuse reported;
  const Opaque o = hooks::pass_to(create_last, this->strategy);
  EXPECT_EQ(o.context, &this->strategy);
  void* const p = o.allocate(100, o.context);
  ASSERT_TRUE(this->strategy.owns(p) && test::is_aligned(p, 16));
  test::fill(p, 100);
  EXPECT_EQ(o.allocate(SIZE_MAX, o.context), nullptr);
  void* const empty = o.allocate(0, o.context);
  EXPECT_NE(empty, nullptr);
  o.deallocate(empty, o.context);
  o.deallocate(nullptr, o.context);
  EXPECT_EQ(reported.texts().size(), 0u);
  alignas(16) std::byte foreign[64] = {};
  o.deallocate(foreign + 16, o.context);
  EXPECT_EQ(reported.texts().size(), 1u);
  o.deallocate(p, o.context);
  EXPECT_EQ(this->strategy.used(), 0u);
  o.deallocate(p, o.context);
  EXPECT_EQ(reported.texts().size(), 2u);
}
TYPED_TEST(PassedTogether, TheContextFirst) {
  const OpaqueFirst o = hooks::pass_to(create_first, this->strategy);
  void* const p = o.allocate(o.context, 100);
  ASSERT_TRUE(this->strategy.owns(p));
  o.deallocate(o.context, p);
  EXPECT_EQ(this->strategy.used(), 0u);
}

TYPED_TEST(PassedTogether, MembersWithTheContextLast) {
  struct {
    void* user;
    void* (*on_malloc)(std::size_t, void*);
    void* (*on_realloc)(void*, std::size_t, void*);
    void (*on_free)(void*, void*);
  } memory{};
  hooks::fill(this->strategy, memory.on_malloc, memory.on_realloc, memory.on_free, memory.user);
  void* p = memory.on_malloc(100, memory.user);
  ASSERT_TRUE(this->strategy.owns(p));
  test::fill(p, 100);
  p = memory.on_realloc(p, 10'000, memory.user);
  EXPECT_TRUE(test::holds(p, 100, 0xA5));
  EXPECT_EQ(memory.on_realloc(p, SIZE_MAX, memory.user), nullptr);
  memory.on_free(p, memory.user);
  EXPECT_EQ(this->strategy.used(), 0u);
  memory = {};
  hooks::fill(this->strategy, memory.on_malloc, memory.on_free, memory.user);
  EXPECT_EQ(memory.on_realloc, nullptr);
  memory.on_free(memory.on_malloc(100, memory.user), memory.user);
  EXPECT_EQ(this->strategy.used(), 0u);
}
TYPED_TEST(PassedTogether, MembersWithTheContextFirst) {
  struct {
    void* (*on_malloc)(void*, unsigned);
    void* (*on_realloc)(void*, void*, unsigned);
    void (*on_free)(void*, void*);
    void* user;
  } memory{};
  hooks::fill(this->strategy, memory.on_malloc, memory.on_realloc, memory.on_free, memory.user);
  void* p = memory.on_malloc(memory.user, 100);
  test::fill(p, 100);
  p = memory.on_realloc(memory.user, p, 10'000);
  EXPECT_TRUE(test::holds(p, 100, 0xA5));
  memory.on_free(memory.user, p);
  EXPECT_EQ(this->strategy.used(), 0u);
  hooks::fill(this->strategy, memory.on_malloc, memory.on_free, memory.user);
  memory.on_free(memory.user, memory.on_malloc(memory.user, 100));
  EXPECT_EQ(this->strategy.used(), 0u);
}

TYPED_TEST(PassedTogether, TheUsableSizeOfWhatIsConst) {
  const test::ReportedMisuse reported;
  std::size_t (*const of_const)(void*, const void*) = hooks::usable_size<TypeParam>;
  int (*const of_any)(void*, void*) = hooks::usable_size<TypeParam>;
  void* const p = hooks::allocate<TypeParam>(&this->strategy, 1000);
  EXPECT_GE(of_const(&this->strategy, p), 1000u);
  EXPECT_EQ(of_const(&this->strategy, nullptr), 0u);
  EXPECT_EQ(static_cast<std::size_t>(of_any(&this->strategy, p)), of_const(&this->strategy, p));
  test::fill(p, of_const(&this->strategy, p));
  EXPECT_EQ(reported.texts().size(), 0u);
  EXPECT_EQ(of_const(&this->strategy, static_cast<std::byte*>(p) + 16), 0u);
  hooks::deallocate<TypeParam>(&this->strategy, p);
  EXPECT_EQ(of_const(&this->strategy, p), 0u);
  EXPECT_EQ(reported.texts().size(), 2u);
}

// QuickJS's declarations.
struct JSMallocState {
  std::size_t malloc_count, malloc_size, malloc_limit;
  void* opaque;
};
struct JSMallocFunctions {
  void* (*js_malloc)(JSMallocState*, std::size_t);
  void (*js_free)(JSMallocState*, void*);
  void* (*js_realloc)(JSMallocState*, void*, std::size_t);
  std::size_t (*js_malloc_usable_size)(const void*);
};
template <class S>
class ThroughAMember : public testing::Test {
protected:
  using Hooks = hooks::Through<&JSMallocState::opaque, S>;
  S strategy = Make<S>::one();
  JSMallocState counts{0, 0, SIZE_MAX, &strategy};
  const JSMallocFunctions js{Hooks::allocate, Hooks::deallocate, Hooks::reallocate, nullptr};
};
TYPED_TEST_SUITE(ThroughAMember, Served, ServedName);

TYPED_TEST(ThroughAMember, ServesAndCounts) {
  const test::ReportedMisuse reported;
  JSMallocState& state = this->counts;
  void* p = this->js.js_malloc(&state, 100);
  ASSERT_TRUE(this->strategy.owns(p));
  test::fill(p, 100);
  EXPECT_EQ(state.malloc_count, 1u);
  EXPECT_EQ(state.malloc_size, 112u);
  p = this->js.js_realloc(&state, p, 1000);
  EXPECT_TRUE(test::holds(p, 100, 0xA5));
  EXPECT_EQ(state.malloc_count, 1u);
  EXPECT_GE(state.malloc_size, 1000u);
  p = this->js.js_realloc(&state, p, 20);
  EXPECT_TRUE(test::holds(p, 20, 0xA5));
  EXPECT_EQ(state.malloc_size, 32u);
  void* const q = this->js.js_realloc(&state, nullptr, 10);
  void* const empty = this->js.js_malloc(&state, 0);
  EXPECT_NE(empty, nullptr);
  EXPECT_EQ(state.malloc_count, 3u);
  this->js.js_free(&state, empty);
  EXPECT_EQ(this->js.js_realloc(&state, q, 0), nullptr); // as a free
  EXPECT_EQ(this->js.js_realloc(&state, nullptr, 0), nullptr);
  this->js.js_free(&state, nullptr);
  this->js.js_free(&state, p);
  EXPECT_EQ(state.malloc_count, 0u);
  EXPECT_EQ(state.malloc_size, 0u);
  EXPECT_EQ(this->strategy.used(), 0u);
  EXPECT_EQ(reported.texts().size(), 0u);
}

TYPED_TEST(ThroughAMember, RefusesBeyondTheLimitOfTheContext) {
  JSMallocState& state = this->counts;
  state.malloc_limit = 1024;
  void* p = this->js.js_malloc(&state, 512);
  ASSERT_NE(p, nullptr);
  EXPECT_EQ(this->js.js_malloc(&state, 513), nullptr);
  EXPECT_EQ(this->js.js_malloc(&state, SIZE_MAX), nullptr);
  EXPECT_EQ(this->js.js_realloc(&state, p, 1025), nullptr);
  EXPECT_EQ(this->js.js_realloc(&state, p, SIZE_MAX), nullptr);
  EXPECT_EQ(state.malloc_size, 512u);
  p = this->js.js_realloc(&state, p, 1024);
  ASSERT_NE(p, nullptr);
  state.malloc_limit = 100; // below what there is
  EXPECT_EQ(this->js.js_malloc(&state, 1), nullptr);
  p = this->js.js_realloc(&state, p, 64);
  ASSERT_NE(p, nullptr);
  this->js.js_free(&state, p);
  EXPECT_EQ(state.malloc_size, 0u);
}

TYPED_TEST(ThroughAMember, WhatIsNoBlockIsReportedAndNotCounted) {
  const test::ReportedMisuse reported;
  JSMallocState& state = this->counts;
  auto* const p = static_cast<std::byte*>(this->js.js_malloc(&state, 64));
  void* const q = this->js.js_malloc(&state, 64);
  alignas(16) std::byte foreign[64] = {};
  for (void* const bad : {foreign + 16, p + 1, p + 16}) {
    this->js.js_free(&state, bad);
    EXPECT_EQ(this->js.js_realloc(&state, bad, 100), nullptr);
  }
  EXPECT_EQ(reported.texts().size(), 6u);
  EXPECT_EQ(state.malloc_count, 2u);
  EXPECT_EQ(state.malloc_size, 128u);
  this->js.js_free(&state, p);
  this->js.js_free(&state, p);
  EXPECT_EQ(reported.texts().size(), 7u);
  EXPECT_EQ(state.malloc_count, 1u);
  this->js.js_free(&state, q);
  EXPECT_EQ(state.malloc_count, 0u);
}

TEST(ThroughAMember, ThatNothingCountsIn) {
  struct Memory {
    void* user;
  };
  Region r;
  using Hooks = hooks::Through<&Memory::user, Region>;
  Memory memory{&r};
  void* (*const allocate)(Memory*, long) = Hooks::allocate;
  EXPECT_EQ(allocate(&memory, -1), nullptr);
  Hooks::deallocate(&memory, allocate(&memory, 100));
  EXPECT_EQ(r.used(), 0u);
}

// libxml2's fourth function, and QuickJS's, without a context.
template <auto& strategy>
void copies_text() {
  const test::ReportedMisuse reported;
  char* (*const copy)(const char*) = hooks::copy_text<strategy>;
  std::size_t (*const usable_size)(const void*) = hooks::usable_size<strategy>;
  EXPECT_EQ(copy(nullptr), nullptr);
  char* const empty = copy("");
  EXPECT_STREQ(empty, "");
  const std::string text(1000, 'x');
  char* const p = copy(text.c_str());
  EXPECT_TRUE(strategy.owns(p));
  EXPECT_EQ(p, text);
  EXPECT_GE(usable_size(p), text.size() + 1);
  const std::string too_long(10'000'000, 'x');
  EXPECT_EQ(copy(too_long.c_str()), nullptr);
  hooks::deallocate<strategy>(p);
  hooks::deallocate<strategy>(empty);
  EXPECT_EQ(strategy.used(), 0u);
  EXPECT_EQ(reported.texts().size(), 0u);
  EXPECT_EQ(usable_size(p), 0u);
  EXPECT_EQ(reported.texts().size(), 1u);
}
Region texts_region({.limit = plenty});
Multipool texts_pool({.limit = plenty});
// All that QuickJS has; the last of its functions gets no context. QuickJS-ng's
// get the strategy.
TEST(HooksWithoutContext, StandBesideThoseWithOne) {
  using Hooks = hooks::Through<&JSMallocState::opaque, Multipool>;
  const JSMallocFunctions js{Hooks::allocate, Hooks::deallocate, Hooks::reallocate,
                             hooks::usable_size<texts_pool>};
  JSMallocState state{0, 0, SIZE_MAX, &texts_pool};
  void* const p = js.js_malloc(&state, 100);
  EXPECT_EQ(js.js_malloc_usable_size(p), state.malloc_size);
  js.js_free(&state, p);

  const struct {
    void* (*js_calloc)(void*, std::size_t, std::size_t);
    void* (*js_malloc)(void*, std::size_t);
    void (*js_free)(void*, void*);
    void* (*js_realloc)(void*, void*, std::size_t);
    std::size_t (*js_malloc_usable_size)(const void*);
  } ng{hooks::allocate_array<Multipool>, hooks::allocate<Multipool>, hooks::deallocate<Multipool>,
       hooks::reallocate<Multipool>, hooks::usable_size<texts_pool>};
  void* const q = ng.js_realloc(&texts_pool, ng.js_calloc(&texts_pool, 10, 10), 200);
  EXPECT_TRUE(test::holds(q, 100, 0));
  EXPECT_GE(ng.js_malloc_usable_size(q), 200u);
  ng.js_free(&texts_pool, q);
  ng.js_free(&texts_pool, ng.js_malloc(&texts_pool, 1));
  EXPECT_EQ(texts_pool.used(), 0u);
}

TEST(HooksWithoutContext, CopyText) {
  copies_text<texts_region>();
  copies_text<texts_pool>();
}

} // namespace
