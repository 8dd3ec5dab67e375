// The words that all eleven strategies have, in one suite: what each says of itself, moves and use
// after them, release and use after it, and names.
#include "strategies.hpp"

#include <allot/draw.hpp>
#include <allot/draw/figures.hpp>
#include <allot/json.hpp>
#include <allot/print.hpp>

#include <algorithm>
#include <cstring>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

using namespace allot;

namespace {

struct Thing {
  std::byte bytes[24]{};
};

// How each is made, and how something is taken from it: `take` throws when it can't, `try_take`, if
// there is one, says so. `kind` is what messages call it.
template <class S>
struct Bytes {
  using Strategy = S;
  static const void* take(S& s) { return s.allocate(24); }
  static bool try_take(S& s) { return s.try_allocate(24) != nullptr; }
};
struct OfBump : Bytes<Bump> {
  static constexpr const char* kind = "bump";
  static Bump make(const char* name) { return Bump(4096, {.name = name}); }
};
struct OfArena : Bytes<Arena> {
  static constexpr const char* kind = "arena";
  static Arena make(const char* name) { return Arena(4096, {.name = name}); }
};
struct OfScratch : Bytes<Scratch> {
  static constexpr const char* kind = "scratch";
  static Scratch make(const char* name) { return Scratch(4096, {.name = name}); }
};
struct OfRegion : Bytes<Region> {
  static constexpr const char* kind = "region";
  static Region make(const char* name) {
    return Region({.arena_size = 4096, .limit = 4096, .name = name});
  }
};
struct OfMappedArena : Bytes<MappedArena> {
  static constexpr const char* kind = "mapped_arena";
  static MappedArena make(const char* name) { return MappedArena(4096, {.name = name}); }
};
struct OfMultipool : Bytes<Multipool> {
  static constexpr const char* kind = "multipool";
  static Multipool make(const char* name) { return Multipool({.limit = 64_KiB, .name = name}); }
};
struct OfSlotArena {
  using Strategy = SlotArena;
  static constexpr const char* kind = "slot_arena";
  static SlotArena make(const char* name) { return SlotArena(24, 100, {.name = name}); }
  static const void* take(SlotArena& s) { return s.allocate().ptr; }
  static bool try_take(SlotArena& s) { return s.try_allocate().ptr != nullptr; }
};
struct OfTypedArena {
  using Strategy = TypedArena<Thing>;
  static constexpr const char* kind = "typed_arena";
  static Strategy make(const char* name) { return Strategy(100, {.name = name}); }
  static const void* take(Strategy& s) { return s.create().ptr; }
  static bool try_take(Strategy& s) { return s.try_create().ptr != nullptr; }
};
template <Order order>
struct OfBlockPool {
  using Strategy = BlockPool;
  static constexpr const char* kind = "block_pool";
  static BlockPool make(const char* name) {
    return BlockPool(24, 100, {.order = order, .name = name});
  }
  static const void* take(BlockPool& s) { return s.allocate(); }
  static bool try_take(BlockPool& s) { return s.try_allocate() != nullptr; }
};
struct OfStack {
  using Strategy = Stack;
  static constexpr const char* kind = "stack";
  static Stack make(const char* name) { return Stack(4096, {.name = name}); }
  static const void* take(Stack& s) { return s.push(Thing()).data(); }
  static bool try_take(Stack& s) {
    return s.try_push(std::as_bytes(std::span("twenty-four bytes, or so"))).data() != nullptr;
  }
};
struct OfObjectPool {
  using Strategy = ObjectPool<Thing>;
  static constexpr const char* kind = "object_pool";
  static Strategy make(const char* name) { return Strategy(100, {.name = name}); }
  static const void* take(Strategy& s) { return &s.acquire(); }
};

template <class Of>
class Every : public testing::Test {
protected:
  using Strategy = typename Of::Strategy;
  static constexpr bool is_region = std::is_same_v<Strategy, Region>;
  static constexpr bool is_object_pool = std::is_same_v<Strategy, ObjectPool<Thing>>;

  static Strategy make(const char* name = nullptr) { return Of::make(name); }
  static std::string refusal(Strategy& s) {
    return test::error([&] { return Of::take(s); });
  }
  static void expect_unusable(Strategy& s, const std::string& label = Of::kind) {
    EXPECT_TRUE(s.freed());
    EXPECT_TRUE(s.empty());
    EXPECT_EQ(s.used(), 0u);
    EXPECT_EQ(s.available(), 0u);
    EXPECT_EQ(s.peak(), 0u);
    EXPECT_EQ(refusal(s), "Misuse(released) " + label + ": used after release");
    if constexpr (requires { Of::try_take(s); }) {
      EXPECT_FALSE(Of::try_take(s));
    }
    if constexpr (requires { s.reset(); }) {
      EXPECT_EQ(test::kind([&] { s.reset(); }), "Misuse(released)");
    }
  }
};
struct Names {
  template <class Of>
  static std::string GetName(int index) {
    return Of::kind + std::to_string(index);
  }
};
using All = testing::Types<OfBump, OfArena, OfScratch, OfRegion, OfMappedArena, OfMultipool,
                           OfSlotArena, OfTypedArena, OfBlockPool<Order::first_free>,
                           OfBlockPool<Order::any>, OfStack, OfObjectPool>;
TYPED_TEST_SUITE(Every, All, Names);

TYPED_TEST(Every, StartsWithNothingInUse) {
  const auto s = TestFixture::make();
  EXPECT_FALSE(s.freed());
  EXPECT_TRUE(s.empty());
  EXPECT_EQ(s.used(), 0u);
  EXPECT_EQ(s.peak(), 0u);
  EXPECT_FALSE(s.owns(nullptr));
  EXPECT_FALSE(s.owns(&s));
  if (!TestFixture::is_region) { // which has no arena yet
    EXPECT_GT(s.capacity(), 0u);
  }
}

TYPED_TEST(Every, SaysWhatIsInUse) {
  auto s = TestFixture::make();
  const void* const first = TypeParam::take(s);
  const std::size_t one = s.used();
  EXPECT_GT(one, 0u);
  EXPECT_FALSE(s.empty());
  EXPECT_TRUE(s.owns(first));
  EXPECT_TRUE(s.owns(static_cast<const std::byte*>(first) + 23));
  EXPECT_GE(s.peak(), one);
  const std::size_t left = s.available();
  (void)TypeParam::take(s);
  EXPECT_EQ(s.used(), 2 * one);
  EXPECT_LE(s.available(), left);
  EXPECT_GE(s.peak(), 2 * one);
}

TYPED_TEST(Every, PeakOutlivesAResetAndCanBeResetItself) {
  auto s = TestFixture::make();
  for (int i = 0; i != 10; ++i)
    (void)TypeParam::take(s);
  const std::size_t ten = s.used();
  if constexpr (requires { s.reset(); }) {
    s.reset();
    EXPECT_TRUE(s.empty());
    EXPECT_EQ(s.used(), 0u);
    EXPECT_GE(s.peak(), ten);
    s.reset_peak();
    EXPECT_EQ(s.peak(), 0u);
  }
  const void* const p = TypeParam::take(s);
  const std::size_t now = s.used();
  s.reset_peak();
  EXPECT_EQ(s.peak(), now);
  EXPECT_TRUE(s.owns(p));
  for (int i = 0; i != 5; ++i)
    (void)TypeParam::take(s);
  EXPECT_GE(s.peak(), s.used());
}

TYPED_TEST(Every, WhatIsHandedOutAgainIsStillZeroAfterThePeakWasReset) {
  if constexpr (requires(typename TestFixture::Strategy& s) {
                  s.reset();
                  s.allocate(24);
                }) {
    auto s = TestFixture::make();
    std::memset(s.allocate(24), 0xAB, 24);
    s.reset();
    std::memset(s.allocate(24), 0xAB, 24);
    s.reset_peak();
    s.reset();
    EXPECT_TRUE(test::holds(static_cast<const std::byte*>(s.allocate(24)), 24, 0));
  }
}

TYPED_TEST(Every, IsReleasedOnceAndForAll) {
  auto s = TestFixture::make();
  const void* const p = TypeParam::take(s);
  s.release();
  EXPECT_FALSE(s.owns(p));
  s.release();
  if (!TestFixture::is_region)
    return TestFixture::expect_unusable(s);
  EXPECT_FALSE(s.freed()); // a region is empty then, and usable
  EXPECT_EQ(s.capacity(), 0u);
  EXPECT_EQ(s.peak(), 0u);
  EXPECT_TRUE(s.owns(TypeParam::take(s)));
}

// Bytes that a picture shows as used, or skipped.
std::size_t used_in(const Picture& picture) {
  std::size_t bytes = 0;
  for (const Strip& strip : picture.strips)
    for (const Segment& segment : strip.segments)
      if (segment.fill == Fill::used || segment.fill == Fill::padding)
        bytes += segment.bytes;
  return bytes;
}

TYPED_TEST(Every, CanBeDrawnInEveryState) {
  const auto expect_drawn = [](const auto& s, std::size_t used) {
    const Drawing drawing = draw(s, {.width = 72});
    const std::string text = drawing.text();
    EXPECT_TRUE(text.starts_with(TypeParam::kind + std::string(" \"nodes\": "))) << text;
    EXPECT_TRUE(std::all_of(text.begin(), text.end(), [](char c) {
      return c == '\n' || (c >= ' ' && c <= '~');
    })) << text;
    EXPECT_NE(drawing.svg().find("<title>"), std::string::npos);
    Picture picture = drawing.picture();
    if (std::is_same_v<TypeParam, OfMultipool> && !picture.strips.empty())
      picture.strips.resize(1); // the others are what is in it, by sizes
    EXPECT_EQ(used_in(picture), used) << text;
  };
  auto s = TestFixture::make("nodes");
  expect_drawn(s, 0);
  const auto bytes_used = [](const auto& of) {
    if constexpr (requires { of.stats().memory; })
      return of.stats().memory.used;
    else
      return of.stats().used;
  };
  for (int i = 0; i != 20; ++i)
    (void)TypeParam::take(s);
  expect_drawn(s, bytes_used(s));
  EXPECT_GT(bytes_used(s), 0u);
  auto other = std::move(s);
  expect_drawn(other, bytes_used(other));
  expect_drawn(s, 0); // NOLINT(bugprone-use-after-move)
  if constexpr (requires { other.reset(); }) {
    other.reset();
    expect_drawn(other, 0);
  }
  other.release();
  expect_drawn(other, 0);
}

TYPED_TEST(Every, IsInATableInBytes) {
  auto s = TestFixture::make("nodes");
  (void)TypeParam::take(s);
  const allot::Stats memory = detail::reported(s).memory;
  std::ostringstream out;
  print(out, s);
  std::istringstream lines(out.str());
  std::string line;
  std::getline(lines, line);
  std::getline(lines, line);
  std::istringstream cells(line);
  std::string name, used, unit;
  cells >> name >> used >> unit;
  EXPECT_EQ(name, "nodes");
  EXPECT_EQ(used + " " + unit, detail::in_units(memory.used));
}

TYPED_TEST(Every, GoesOnWhereItIsMovedTo) {
  auto first = TestFixture::make();
  const void* const p = TypeParam::take(first);
  const std::size_t used = first.used();
  const std::size_t capacity = first.capacity();
  auto second = std::move(first);
  EXPECT_TRUE(second.owns(p));
  EXPECT_EQ(second.used(), used);
  EXPECT_EQ(second.capacity(), capacity);
  EXPECT_GE(second.peak(), used);
  (void)TypeParam::take(second);
  EXPECT_EQ(second.used(), 2 * used);
  EXPECT_FALSE(first.owns(p));
  TestFixture::expect_unusable(first); // NOLINT(bugprone-use-after-move)
}

TYPED_TEST(Every, IsReplacedByWhatIsAssigned) {
  auto first = TestFixture::make();
  auto second = TestFixture::make();
  const void* const lost = TypeParam::take(second);
  const void* const p = TypeParam::take(first);
  second = std::move(first);
  EXPECT_TRUE(second.owns(p));
  EXPECT_FALSE(second.owns(lost));
  TestFixture::expect_unusable(first); // NOLINT(bugprone-use-after-move)
  first = TestFixture::make();
  EXPECT_FALSE(first.freed());
  EXPECT_TRUE(first.owns(TypeParam::take(first)));
}

TYPED_TEST(Every, AssignedToItselfChangesNothing) {
  auto s = TestFixture::make();
  const void* const p = TypeParam::take(s);
  const std::size_t used = s.used();
  auto& itself = s;
  s = std::move(itself);
  EXPECT_TRUE(s.owns(p));
  EXPECT_EQ(s.used(), used);
  EXPECT_FALSE(s.freed());
}

TYPED_TEST(Every, IsCalledByItsNameInMessages) {
  auto s = TestFixture::make("request");
  EXPECT_STREQ(s.name(), "request");
  const std::string label = std::string(TypeParam::kind) + " \"request\"";
  if constexpr (!TestFixture::is_object_pool) { // which grows as long as there is memory
    std::string refusal;
    for (int i = 0; i != 10'000 && refusal.empty(); ++i)
      if (const std::string outcome = TestFixture::refusal(s); outcome.starts_with("Exhausted"))
        refusal = outcome;
    EXPECT_EQ(refusal.substr(0, refusal.find(':')), "Exhausted(no_room) " + label);
  }
  auto moved = std::move(s);
  EXPECT_STREQ(moved.name(), "request");
  TestFixture::expect_unusable(s, label); // NOLINT(bugprone-use-after-move)
}

TYPED_TEST(Every, WithoutANameIsCalledWhatItIs) {
  auto s = TestFixture::make();
  EXPECT_STREQ(s.name(), TypeParam::kind);
  auto named = TestFixture::make("request");
  named = std::move(s);
  EXPECT_STREQ(named.name(), TypeParam::kind);
}

TYPED_TEST(Every, ALongNameIsCutInMessages) {
  const std::string name(1000, 'x');
  auto s = TestFixture::make(name.c_str());
  auto moved = std::move(s);
  EXPECT_EQ(TestFixture::refusal(s), // NOLINT(bugprone-use-after-move)
            "Misuse(released) " + std::string(TypeParam::kind) + " \"" + name.substr(0, 63) +
                "\": used after release");
}

// Of the record that the page has, or of the whole.
template <class S>
Stats memory_of(const S& s) {
  const auto stats = s.stats();
  if constexpr (std::is_same_v<decltype(s.stats()), Stats>)
    return stats;
  else
    return stats.memory;
}

TYPED_TEST(Every, StatisticsAreInBytesAndPrinted) {
  auto s = TestFixture::make("request");
  (void)TypeParam::take(s);
  const Stats stats = memory_of(s);
  EXPECT_STREQ(stats.name, "request");
  EXPECT_GE(stats.used, 24u);
  EXPECT_LE(stats.used, stats.peak);
  EXPECT_LE(stats.used, stats.capacity);
  EXPECT_LE(stats.used, stats.committed);
  std::ostringstream out;
  out << s.stats();
  const std::string bytes = std::to_string(stats.used) + " of " + std::to_string(stats.capacity) +
                            " bytes used, " + std::to_string(stats.available) + " left, peak " +
                            std::to_string(stats.peak) + ", " + std::to_string(stats.committed) +
                            " held";
  EXPECT_TRUE(out.str().starts_with("request: ")) << out.str();
  EXPECT_TRUE(out.str().ends_with(bytes)) << out.str();
  const std::string json = to_json(s.stats());
  EXPECT_TRUE(json.starts_with("{\"name\":\"request\",")) << json;
  EXPECT_NE(json.find("\"committed\":" + std::to_string(stats.committed)), std::string::npos)
      << json;
}

} // namespace
