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

// What allot's hooks are here assigned to has the types that C libraries declare. What single
// libraries pass is in hooks_libraries_test.cpp; the libraries themselves are in tests/clients.

namespace {

using namespace allot;

// -------------------------------------------------- hooks that are not told the old size: a header

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

// It has an arena of its own, which is freed when the block moves: nothing is written there then.
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

// A buffer that ends 8 bytes after a multiple of 16: the second word of a header would lie past it.
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

// ----------------------------------------------------------------- the hook that is told all sizes

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
  void* p = this->call(nullptr, 5, 40); // Lua says there what kind of object it is for
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

// ----------------------------------------------------------- a strategy that can tell sizes itself

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

// ------------------------------------------------------------------------- hooks without a context

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

} // namespace
