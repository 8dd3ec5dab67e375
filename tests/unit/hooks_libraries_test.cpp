// What single libraries pass to their hooks, in each strategy that hooks can be over: a declaration
// of the library's, here by its types alone, is what ours is assigned to.
#include <allot/allot.hpp>
#include <allot/hooks.hpp>

#include "support.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace allot;

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
    constexpr const char* names[] = {"Arena",     "Bump",   "MappedArena",
                                     "Multipool", "Region", "Scratch"};
    return names[i];
  }
};
using Served = testing::Types<Arena, Bump, MappedArena, Multipool, Region, Scratch>;

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

// What gets the context last: pcre2's functions by pass_to, miniaudio's by fill.
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

// mruby's function: its state, which is null at first, then the block, and the context last.
struct mrb_state {
  void* (*allocf)(mrb_state*, void*, std::size_t, void* ud);
  void* allocf_ud;
};
mrb_state open_mruby(void* (*f)(mrb_state*, void*, std::size_t, void*), void* ud) {
  return {f, ud};
}
TYPED_TEST(PassedTogether, AStateFirstAndTheContextLast) {
  const test::ReportedMisuse reported;
  mrb_state mrb = hooks::pass_to(open_mruby, this->strategy);
  const auto call = [&](void* p, std::size_t bytes) {
    return mrb.allocf(p == nullptr ? nullptr : &mrb, p, bytes, mrb.allocf_ud);
  };
  void* p = call(nullptr, 100);
  ASSERT_TRUE(this->strategy.owns(p) && test::is_aligned(p, 16));
  test::fill(p, 100);
  p = call(p, 10'000);
  EXPECT_TRUE(test::holds(p, 100, 0xA5));
  EXPECT_EQ(call(p, SIZE_MAX), nullptr);
  p = call(p, 50);
  EXPECT_TRUE(test::holds(p, 50, 0xA5));
  EXPECT_EQ(call(nullptr, SIZE_MAX), nullptr);
  EXPECT_EQ(call(nullptr, 0), nullptr);
  EXPECT_EQ(call(p, 0), nullptr); // as a free
  EXPECT_EQ(this->strategy.used(), 0u);
  EXPECT_EQ(reported.texts().size(), 0u);
  EXPECT_EQ(call(p, 50), nullptr);
  EXPECT_EQ(call(p, 0), nullptr);
  EXPECT_EQ(reported.texts().size(), 1u);
}

// So that nobody has to write functions for a library of which ours are only a part.
TYPED_TEST(PassedTogether, AClassDerivedFromTheStrategy) {
  struct Noting : TypeParam {
    void* try_allocate(std::size_t bytes, std::size_t alignment = 16) noexcept {
      ++calls;
      return TypeParam::try_allocate(bytes, alignment);
    }
    std::size_t calls = 0;
  };
  Noting noting{Make<TypeParam>::one()};
  const Opaque o = hooks::pass_to(create_last, noting);
  for (const std::size_t bytes : test::Sizes{1, 100, 1000})
    o.deallocate(o.allocate(bytes, o.context), o.context);
  EXPECT_EQ(noting.calls, 3u);
  EXPECT_EQ(noting.used(), 0u);
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

// The counts are those of a model, whatever is asked and refused.
TYPED_TEST(ThroughAMember, CountsWhatThereIsOverManyCalls) {
  struct Block {
    void* p;
    std::size_t bytes;
    int pattern;
  };
  const test::ReportedMisuse reported;
  JSMallocState& state = this->counts;
  state.malloc_limit = 100'000;
  std::mt19937 random(1);
  const auto below = [&](std::size_t n) { return random() % n; };
  std::vector<Block> blocks;
  const auto size_of = [&](const Block& block) {
    return hooks::usable_size<TypeParam, std::size_t>(&this->strategy, block.p);
  };
  std::size_t refused = 0;
  for (int step = 0; step != 3000; ++step) {
    const bool fresh = blocks.empty() || below(5) < 2;
    if (!fresh)
      std::swap(blocks[below(blocks.size())], blocks.back());
    const Block old = fresh ? Block{nullptr, 0, 0} : blocks.back();
    ASSERT_TRUE(test::holds(old.p, old.bytes, old.pattern));
    Block made{nullptr, below(10) == 0 ? below(30'000) : below(300), static_cast<int>(below(256))};
    if (fresh) {
      made.p = this->js.js_malloc(&state, made.bytes);
    } else if (made.bytes == 0 || below(3) == 0) {
      this->js.js_free(&state, old.p);
      blocks.pop_back();
      made.p = nullptr;
    } else {
      made.p = this->js.js_realloc(&state, old.p, made.bytes);
      ASSERT_TRUE(made.p != nullptr || made.bytes > old.bytes) << "shrinking never fails";
      if (made.p != nullptr)
        blocks.pop_back();
      else
        ++refused;
    }
    if (made.p != nullptr) {
      ASSERT_TRUE(test::is_aligned(made.p, 16));
      ASSERT_TRUE(test::holds(made.p, std::min(old.bytes, made.bytes), old.pattern));
      test::fill(made.p, made.bytes, made.pattern);
      blocks.push_back(made);
    }
    std::size_t bytes = 0;
    for (const Block& block : blocks)
      bytes += size_of(block);
    ASSERT_EQ(state.malloc_count, blocks.size());
    ASSERT_EQ(state.malloc_size, bytes);
    ASSERT_LE(bytes, state.malloc_limit + 30'000 / 4); // a block may have more than was asked
  }
  EXPECT_GT(refused, 0u);
  EXPECT_EQ(reported.texts().size(), 0u);
}

// FreeType's declarations: nothing counts, and the block comes last.
struct FT_MemoryRec_ {
  void* user;
  void* (*alloc)(FT_MemoryRec_*, long size);
  void (*free)(FT_MemoryRec_*, void* block);
  void* (*realloc)(FT_MemoryRec_*, long cur_size, long new_size, void* block);
};
template <class S>
class TheBlockLast : public testing::Test {
protected:
  using Hooks = hooks::Through<&FT_MemoryRec_::user, S>;
  S strategy = Make<S>::one();
  FT_MemoryRec_ suite{&strategy, Hooks::allocate, Hooks::deallocate, Hooks::reallocate};
};
TYPED_TEST_SUITE(TheBlockLast, Served, ServedName);

TYPED_TEST(TheBlockLast, Serves) {
  const test::ReportedMisuse reported;
  FT_MemoryRec_& memory = this->suite;
  void* p = memory.realloc(&memory, 0, 100, nullptr);
  ASSERT_TRUE(this->strategy.owns(p) && test::is_aligned(p, 16));
  test::fill(p, 100);
  p = memory.realloc(&memory, 100, 10'000, p);
  ASSERT_TRUE(test::holds(p, 100, 0xA5));
  for (const long old_size : {0L, -1L, 7L}) { // not needed
    p = memory.realloc(&memory, old_size, 50, p);
    ASSERT_TRUE(test::holds(p, 50, 0xA5)) << old_size;
  }
  for (const long size :
       {-1L, std::numeric_limits<long>::min(), std::numeric_limits<long>::max()}) {
    EXPECT_EQ(memory.alloc(&memory, size), nullptr) << size;
    EXPECT_EQ(memory.realloc(&memory, 50, size, p), nullptr) << size;
  }
  EXPECT_TRUE(test::holds(p, 50, 0xA5));
  void* const q = memory.alloc(&memory, 1);
  memory.free(&memory, q);
  memory.free(&memory, nullptr);
  EXPECT_EQ(memory.realloc(&memory, 50, 0, p), nullptr); // as a free
  EXPECT_EQ(this->strategy.used(), 0u);
  EXPECT_EQ(reported.texts().size(), 0u);
}

TYPED_TEST(TheBlockLast, WhatIsNoBlockIsReportedAndChangesNothing) {
  const test::ReportedMisuse reported;
  FT_MemoryRec_& memory = this->suite;
  auto* const p = static_cast<std::byte*>(memory.alloc(&memory, 64));
  void* const q = memory.alloc(&memory, 64);
  test::fill(p, 64);
  const std::size_t used = this->strategy.used();
  alignas(16) std::byte foreign[64] = {};
  for (void* const bad : {foreign + 16, p + 1, p + 16}) {
    EXPECT_EQ(memory.realloc(&memory, 64, 100, bad), nullptr);
    memory.free(&memory, bad);
  }
  EXPECT_EQ(reported.texts().size(), 3u);
  EXPECT_EQ(this->strategy.used(), used);
  EXPECT_TRUE(test::holds(p, 64, 0xA5));
  memory.free(&memory, q);
  memory.free(&memory, q);
  EXPECT_EQ(reported.texts().size(), 4u);
}

// Only who counts must be told how long a block is, and may use all of it then.
TYPED_TEST(TheBlockLast, SanitizersSeeWhatIsPastTheBlock) {
  if (!test::watched())
    GTEST_SKIP() << "nothing is hidden";
  FT_MemoryRec_& memory = this->suite;
  void* p = memory.alloc(&memory, 1200);
  EXPECT_EQ(test::visible(p, 2000), 1200u);
  p = memory.realloc(&memory, 1200, 1104, p);
  EXPECT_EQ(test::visible(p, 2000), 1104u);
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
template <class S>
S only = Make<S>::one();
template <class S>
class WithoutContext : public testing::Test {};
TYPED_TEST_SUITE(WithoutContext, Served, ServedName);

TYPED_TEST(WithoutContext, TextsAreCopied) {
  static TypeParam& strategy = only<TypeParam>;
  const test::ReportedMisuse reported;
  char* (*const copy)(const char*) = hooks::copy_text<only<TypeParam>>;
  std::size_t (*const usable_size)(const void*) = hooks::usable_size<only<TypeParam>>;
  EXPECT_EQ(copy(nullptr), nullptr);
  char* const empty = copy("");
  EXPECT_STREQ(empty, "");
  const std::string text(1000, 'x');
  char* const p = copy(text.c_str());
  EXPECT_TRUE(strategy.owns(p) && test::is_aligned(p, 16));
  EXPECT_EQ(p, text);
  EXPECT_GE(usable_size(p), text.size() + 1);
  const std::string too_long(10'000'000, 'x');
  EXPECT_EQ(copy(too_long.c_str()), nullptr);
  hooks::deallocate<only<TypeParam>>(p);
  hooks::deallocate<only<TypeParam>>(empty);
  EXPECT_EQ(strategy.used(), 0u);
  EXPECT_EQ(reported.texts().size(), 0u);
  EXPECT_EQ(usable_size(p), 0u);
  EXPECT_EQ(reported.texts().size(), 1u);
}

// All that QuickJS has; the last of its functions gets no context. QuickJS-ng's get the strategy.
TEST(HooksWithoutContext, StandBesideThoseWithOne) {
  using Hooks = hooks::Through<&JSMallocState::opaque, Multipool>;
  const JSMallocFunctions js{Hooks::allocate, Hooks::deallocate, Hooks::reallocate,
                             hooks::usable_size<only<Multipool>>};
  JSMallocState state{0, 0, SIZE_MAX, &only<Multipool>};
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
       hooks::reallocate<Multipool>, hooks::usable_size<only<Multipool>>};
  void* const q = ng.js_realloc(&only<Multipool>, ng.js_calloc(&only<Multipool>, 10, 10), 200);
  EXPECT_TRUE(test::holds(q, 100, 0));
  EXPECT_GE(ng.js_malloc_usable_size(q), 200u);
  ng.js_free(&only<Multipool>, q);
  ng.js_free(&only<Multipool>, ng.js_malloc(&only<Multipool>, 1));
  EXPECT_EQ(only<Multipool>.used(), 0u);
}

} // namespace
