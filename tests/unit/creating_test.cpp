#include "support.hpp"

#include <allot/arena.hpp>
#include <allot/bump.hpp>
#include <allot/scratch.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

using namespace allot;
using test::Witness;

namespace {

using Log = std::vector<int>;

template <class S>
class CopyingTest : public testing::Test {
protected:
  S strategy{1024};
};
using Strategies = testing::Types<Arena, Bump, Scratch>;
TYPED_TEST_SUITE(CopyingTest, Strategies);

TYPED_TEST(CopyingTest, CopiesText) {
  std::string text = "one\0two";
  const std::string_view copy = this->strategy.copy(text);
  text[0] = 'X';
  EXPECT_EQ(copy, "one");
  EXPECT_EQ(this->strategy.copy(std::string_view("a\0b", 3)), std::string_view("a\0b", 3));
  EXPECT_TRUE(this->strategy.owns(copy.data()));
  EXPECT_EQ(this->strategy.used(), 16u);
}

TYPED_TEST(CopyingTest, CopiesElements) {
  struct alignas(32) Wide {
    int value;
  };
  const std::vector<double> numbers{1, 2, 3};
  const std::span<double> copy = this->strategy.copy(std::span(numbers));
  EXPECT_TRUE(std::equal(copy.begin(), copy.end(), numbers.begin(), numbers.end()));
  EXPECT_NE(copy.data(), numbers.data());
  std::array<Wide, 2> wide{Wide{4}, Wide{5}};
  const std::span<Wide> wide_copy = this->strategy.copy(std::span(wide));
  EXPECT_TRUE(test::is_aligned(wide_copy.data(), 32));
  EXPECT_EQ(wide_copy[1].value, 5);
}

TYPED_TEST(CopyingTest, CopiesNothing) {
  EXPECT_NE(this->strategy.copy(std::string_view()).data(), nullptr);
  EXPECT_TRUE(this->strategy.copy(std::span<int>()).empty());
  EXPECT_EQ(this->strategy.used(), 0u);
}

TYPED_TEST(CopyingTest, ACopyThatDoesNotFitChangesNothing) {
  const std::string long_text(1025, 'x');
  const test::State before = test::state(this->strategy);
  EXPECT_EQ(test::kind([&] { return this->strategy.copy(long_text); }), "Exhausted(no_room)");
  EXPECT_EQ(test::kind([&] { return this->strategy.copy(std::span(long_text)); }),
            "Exhausted(no_room)");
  EXPECT_EQ(test::state(this->strategy), before);
}

TYPED_TEST(CopyingTest, ReallocatesTheNewestInPlace) {
  void* const p = this->strategy.allocate(16);
  test::fill(p, 16);
  EXPECT_EQ(this->strategy.reallocate(p, 16, 1024), p);
  EXPECT_TRUE(test::holds(p, 16, 0xA5));
  EXPECT_EQ(this->strategy.reallocate(p, 1024, 9), p);
  EXPECT_TRUE(test::holds(p, 9, 0xA5));
  EXPECT_EQ(this->strategy.used(), 16u);
}

TYPED_TEST(CopyingTest, ReallocatesAnOlderOneByMovingIt) {
  void* const older = this->strategy.allocate(16);
  test::fill(older, 16);
  (void)this->strategy.allocate(8);
  void* const moved = this->strategy.reallocate(older, 16, 32);
  EXPECT_NE(moved, older);
  EXPECT_TRUE(test::holds(moved, 16, 0xA5));
  EXPECT_EQ(this->strategy.used(), 16u + 8 + 32); // the old place stays taken
  (void)this->strategy.allocate(8);
  EXPECT_EQ(this->strategy.reallocate(moved, 32, 8), moved); // down, in place
  EXPECT_EQ(this->strategy.used(), 16u + 8 + 32 + 8);
}

TYPED_TEST(CopyingTest, ReallocatesNothing) {
  void* const p = this->strategy.reallocate(nullptr, 0, 24);
  EXPECT_NE(p, nullptr);
  EXPECT_EQ(this->strategy.used(), 24u);
  EXPECT_NE(this->strategy.reallocate(p, 24, 0), nullptr);
  EXPECT_EQ(this->strategy.used(), 0u);
}

TYPED_TEST(CopyingTest, ReallocatesToAnAlignment) {
  (void)this->strategy.allocate(8, 256);
  void* p = this->strategy.allocate(8);
  test::fill(p, 8);
  p = this->strategy.reallocate(p, 8, 16, 128); // the newest, but in the wrong place
  EXPECT_TRUE(test::is_aligned(p, 128));
  EXPECT_TRUE(test::holds(p, 8, 0xA5));
}

TYPED_TEST(CopyingTest, AReallocationThatFailsLeavesTheOldOne) {
  void* const older = this->strategy.allocate(16);
  void* const newest = this->strategy.allocate(16);
  for (void* p : {older, newest}) {
    test::fill(p, 16);
    const test::State before = test::state(this->strategy);
    for (const std::size_t bytes : {std::size_t{1025}, SIZE_MAX, SIZE_MAX - 7})
      EXPECT_EQ(test::kind([&] { return this->strategy.reallocate(p, 16, bytes); }),
                "Exhausted(no_room)");
    EXPECT_EQ(test::kind([&] { return this->strategy.reallocate(p, 16, 8, 3); }),
              "Misuse(bad_alignment)");
    EXPECT_EQ(test::state(this->strategy), before);
    EXPECT_TRUE(test::holds(p, 16, 0xA5));
  }
}

template <class S>
class CreatingTest : public testing::Test {
protected:
  Log log; // outlives the objects that write into it
  S strategy{1024};
};
using Creators = testing::Types<Arena, Scratch>;
TYPED_TEST_SUITE(CreatingTest, Creators);

TYPED_TEST(CreatingTest, ForwardsItsArguments) {
  const auto* const text = this->strategy.template create<std::string>(std::size_t{3}, 'x');
  EXPECT_EQ(*text, "xxx");
  auto owner = std::make_unique<int>(5);
  const auto* const moved = this->strategy.template create<std::unique_ptr<int>>(std::move(owner));
  EXPECT_EQ(**moved, 5);
}

TYPED_TEST(CreatingTest, TriviallyDestructibleTypesCostNoRecord) {
  EXPECT_EQ(*this->strategy.template create<int>(7), 7);
  EXPECT_EQ(this->strategy.used(), 8u);
  EXPECT_EQ(this->strategy.template create_array<int>(10).size(), 10u);
  EXPECT_EQ(this->strategy.used(), 48u);
  EXPECT_EQ(this->strategy.objects(), 0u);
}

TYPED_TEST(CreatingTest, RecordsCountAsUsed) {
  this->strategy.template create<Witness>(this->log, 1);
  EXPECT_EQ(this->strategy.used(), sizeof(Cleanups::Record) + sizeof(Witness));
}

TYPED_TEST(CreatingTest, ArraysAreValueInitialised) {
  test::fill(this->strategy.allocate(512), 512);
  this->strategy.reset();
  for (const int value : this->strategy.template create_array<int>(100))
    EXPECT_EQ(value, 0);
  for (const std::string& text : this->strategy.template create_array<std::string>(3))
    EXPECT_TRUE(text.empty());
  EXPECT_EQ(this->strategy.objects(), 3u);
}

TYPED_TEST(CreatingTest, AnEmptyArrayTakesNothing) {
  EXPECT_TRUE(this->strategy.template create_array<int>(0).empty());
  EXPECT_TRUE(this->strategy.template create_array<std::string>(0).empty());
  EXPECT_EQ(this->strategy.used(), 0u);
  EXPECT_EQ(this->strategy.objects(), 0u);
}

TYPED_TEST(CreatingTest, MeetsTheAlignmentOfTheType) {
  struct alignas(128) Trivial {
    char byte = 'x';
  };
  struct alignas(128) Owed : Trivial {
    ~Owed() {}
  };
  (void)this->strategy.allocate(8);
  EXPECT_TRUE(test::is_aligned(this->strategy.template create<Trivial>(), 128));
  EXPECT_TRUE(test::is_aligned(this->strategy.template create<Owed>(), 128));
  this->strategy.reset();
  (void)this->strategy.allocate(8);
  EXPECT_TRUE(test::is_aligned(this->strategy.template create_array<Owed>(2).data(), 128));
}

struct Counted {
  static inline Log* log = nullptr;
  static inline int made = 0;
  static inline int fails_at = -1;
  static void expect(Log& to, int failure = -1) {
    log = &to;
    made = 0;
    fails_at = failure;
  }
  Counted() {
    if (made == fails_at)
      throw std::runtime_error("no more");
    number = made++;
  }
  ~Counted() { log->push_back(number); }
  int number = 0;
};

TYPED_TEST(CreatingTest, ArraysAndObjectsAreDestroyedNewestFirst) {
  Counted::expect(this->log);
  this->strategy.template create<Counted>();
  this->strategy.template create_array<Counted>(3);
  this->strategy.template create<Counted>();
  EXPECT_EQ(this->strategy.objects(), 5u);
  this->strategy.reset();
  EXPECT_EQ(this->log, (Log{4, 3, 2, 1, 0}));
}

TYPED_TEST(CreatingTest, AConstructorThatThrowsInAnArrayUndoesTheOthers) {
  this->strategy.template create<Witness>(this->log, 99);
  const test::State before = test::state(this->strategy);
  for (int failure = 0; failure != 4; ++failure) {
    this->log.clear();
    Counted::expect(this->log, failure);
    EXPECT_THROW(this->strategy.template create_array<Counted>(4), std::runtime_error);
    Log newest_first;
    for (int i = failure; i != 0; --i)
      newest_first.push_back(i - 1);
    EXPECT_EQ(this->log, newest_first);
    EXPECT_EQ(this->strategy.used(), before.used);
    EXPECT_EQ(this->strategy.objects(), 1u);
  }
}

struct Fails {
  explicit Fails(int) { throw std::runtime_error("no"); }
};

TYPED_TEST(CreatingTest, AConstructorThatThrowsTakesNothing) {
  (void)this->strategy.allocate(8);
  EXPECT_THROW(this->strategy.template create<Fails>(1), std::runtime_error);
  struct alignas(64) FailsOwed : Fails {
    using Fails::Fails;
    ~FailsOwed() {}
  };
  EXPECT_THROW(this->strategy.template create<FailsOwed>(1), std::runtime_error);
  EXPECT_EQ(this->strategy.used(), 8u);
  EXPECT_EQ(this->strategy.objects(), 0u);
}

// Allocates from the strategy that it is made in.
template <class S>
struct Nested {
  Nested(S& strategy, Log& log, bool fails) {
    inner = strategy.template create<Witness>(log, 1);
    text = strategy.copy("inner");
    if (fails)
      throw std::runtime_error("after allocating");
  }
  ~Nested() { EXPECT_EQ(inner->number() + static_cast<int>(text.size()), 6); }
  Witness* inner = nullptr;
  std::string_view text;
};

TYPED_TEST(CreatingTest, AConstructorMayCreateInTheSameStrategy) {
  using Inner = Nested<TypeParam>;
  const auto* const outer = this->strategy.template create<Inner>(this->strategy, this->log, false);
  EXPECT_EQ(outer->text, "inner");
  EXPECT_EQ(this->strategy.objects(), 2u);
  this->strategy.reset(); // the outer was finished last, so it goes first, and its inner is alive
  EXPECT_EQ(this->log, Log{1});
}

TYPED_TEST(CreatingTest, AConstructorThatThrowsAfterAllocatingKeepsWhatItAllocated) {
  using Inner = Nested<TypeParam>;
  EXPECT_THROW(this->strategy.template create<Inner>(this->strategy, this->log, true),
               std::runtime_error);
  EXPECT_GT(this->strategy.used(), 0u);
  EXPECT_EQ(this->strategy.objects(), 1u);
  EXPECT_TRUE(this->log.empty());
  this->strategy.reset();
  EXPECT_EQ(this->log, Log{1});
}

template <class S>
struct AllocatesElement {
  static inline S* from = nullptr;
  static inline int left = 0;
  AllocatesElement() : memory(from->allocate(8)) {
    if (left-- == 0)
      throw std::runtime_error("in the middle");
  }
  ~AllocatesElement() { EXPECT_TRUE(from->owns(memory)); }
  void* memory;
};

TYPED_TEST(CreatingTest, AnArrayWhoseElementsAllocateAndThrowIsUndone) {
  using Element = AllocatesElement<TypeParam>;
  Element::from = &this->strategy;
  Element::left = 2;
  EXPECT_THROW(this->strategy.template create_array<Element>(5), std::runtime_error);
  EXPECT_EQ(this->strategy.objects(), 0u);
  this->strategy.reset();
  Element::left = 100;
  EXPECT_EQ(this->strategy.template create_array<Element>(5).size(), 5u);
  EXPECT_EQ(this->strategy.objects(), 5u);
  this->strategy.reset();
}

TYPED_TEST(CreatingTest, WhatDoesNotFitIsNotConstructed) {
  Counted::expect(this->log);
  const test::State before = test::state(this->strategy);
  for (const std::size_t count : {std::size_t{1000}, SIZE_MAX, SIZE_MAX / sizeof(Counted),
                                  SIZE_MAX / sizeof(Counted) + 1, SIZE_MAX / 2 + 2}) {
    EXPECT_EQ(test::kind([&] { this->strategy.template create_array<Counted>(count); }),
              "Exhausted(no_room)");
    EXPECT_EQ(test::kind([&] { this->strategy.template create_array<std::uint64_t>(count); }),
              "Exhausted(no_room)");
  }
  (void)this->strategy.allocate(this->strategy.available() - 8);
  EXPECT_EQ(test::kind([&] { this->strategy.template create<Counted>(); }), "Exhausted(no_room)");
  EXPECT_EQ(Counted::made, 0);
  EXPECT_EQ(this->strategy.objects(), 0u);
  EXPECT_EQ(this->strategy.capacity(), before.capacity);
}

} // namespace
