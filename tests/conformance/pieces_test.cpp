// What every strategy that hands out pieces of one size keeps true.
#include "strategies.hpp"

#include <allot/threads/shared_block_pool.hpp>

#include <cstdint>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

using namespace allot;
using conformance::room;

namespace {

struct Piece {
  std::byte bytes[24];
};

using Numbers = std::vector<std::size_t>;

// Each says how a strategy is made, how a piece is taken, and what the strategy says of itself.
struct OfSlotArena {
  static constexpr const char* name = "SlotArena";
  static SlotArena make(Buffer buffer, Options options) {
    return SlotArena(sizeof(Piece), std::move(buffer), options);
  }
  static void* take(SlotArena& s) { return s.allocate().ptr; }
  static void* try_take(SlotArena& s) { return s.try_allocate().ptr; }
  static std::size_t left(const SlotArena& s) { return s.available(); }
  static Numbers numbers(const SlotArena& s) {
    return {s.capacity(), s.used(), s.available(), s.peak()};
  }
};

struct OfTypedArena {
  static constexpr const char* name = "TypedArena";
  static TypedArena<Piece> make(Buffer buffer, Options) {
    return TypedArena<Piece>(std::move(buffer));
  }
  static void* take(TypedArena<Piece>& s) { return s.create().ptr; }
  static std::size_t left(const TypedArena<Piece>& s) { return s.available(); }
  static Numbers numbers(const TypedArena<Piece>& s) {
    return {s.capacity(), s.used(), s.available(), s.peak()};
  }
};

template <Order order>
struct OfBlockPool {
  static constexpr const char* name = order == Order::any ? "BlockPoolAny" : "BlockPoolFirst";
  static BlockPool make(Buffer buffer, Options options) {
    return BlockPool(sizeof(Piece), std::move(buffer), {.zero = options.zero, .order = order});
  }
  static void* take(BlockPool& s) { return s.allocate(); }
  static void* try_take(BlockPool& s) { return s.try_allocate(); }
  static std::size_t left(const BlockPool& s) { return s.stats().free; }
  static Numbers numbers(const BlockPool& s) {
    return {s.capacity(), s.stats().total, s.stats().used, s.stats().free};
  }
};

struct OfSharedBlockPool {
  static constexpr const char* name = "SharedBlockPool";
  static SharedBlockPool make(Buffer buffer, Options options) {
    return SharedBlockPool(sizeof(Piece), std::move(buffer), {.zero = options.zero});
  }
  static void* take(SharedBlockPool& s) { return s.allocate(); }
  static void* try_take(SharedBlockPool& s) { return s.try_allocate(); }
  static std::size_t left(const SharedBlockPool& s) { return s.available(); }
  static Numbers numbers(const SharedBlockPool& s) {
    return {s.capacity(), s.stats().total, s.used(), s.stats().free};
  }
};

struct OfStack {
  static constexpr const char* name = "Stack";
  static Stack make(Buffer buffer, Options options) { return Stack(std::move(buffer), options); }
  static void* take(Stack& s) { return s.push(Piece()).data(); }
  static void* try_take(Stack& s) {
    const Piece piece{};
    return s.try_push(std::as_bytes(std::span(&piece, 1))).data();
  }
  static std::size_t left(const Stack& s) { return s.available() / sizeof(Piece); }
  static Numbers numbers(const Stack& s) {
    return {s.capacity(), s.used(), s.available(), s.peak()};
  }
};

// Which has no bound and takes no buffer.
struct OfObjectPool {
  static constexpr const char* name = "ObjectPool";
  static ObjectPool<Piece> make(const Buffer&, Options) { return ObjectPool<Piece>(8); }
  static void* take(ObjectPool<Piece>& s) { return &s.acquire(); }
  static std::size_t left(const ObjectPool<Piece>&) { return 3000; }
  static Numbers numbers(const ObjectPool<Piece>& s) {
    return {s.stats().available, s.stats().in_use};
  }
};

template <class Of, class Memory>
class On : public Of {
public:
  static std::string name() { return std::string(Of::name) + "On" + Memory::name(); }
  auto make(Options options) { return Of::make(memory_.buffer(options), options); }

private:
  Memory memory_;
};

template <class Config>
class Pieces : public testing::Test {
protected:
  auto make(Options options = {}) { return config_.make(options); }

  using Strategy = decltype(std::declval<Config&>().make({}));
  static void expect_gone(Strategy& s) {
    EXPECT_EQ(test::kind([&] { return Config::take(s); }), "Misuse(released)");
    if constexpr (requires { Config::try_take(s); }) {
      EXPECT_EQ(Config::try_take(s), nullptr);
    }
    if constexpr (Resettable<Strategy>) {
      EXPECT_EQ(test::kind([&] { s.reset(); }), "Misuse(released)");
    }
    EXPECT_FALSE(s.owns(nullptr));
    EXPECT_FALSE(s.owns(&s));
    const Numbers numbers = Config::numbers(s);
    EXPECT_EQ(numbers, Numbers(numbers.size(), 0));
    s.release();
  }

private:
  Config config_;
};

using conformance::Borrowed, conformance::Heap, conformance::Mapped, conformance::Upstream;
using Bounded = testing::Types<
    On<OfSlotArena, Heap>, On<OfSlotArena, Mapped>, On<OfSlotArena, Borrowed<1>>,
    On<OfSlotArena, Upstream>, On<OfTypedArena, Heap>, On<OfTypedArena, Mapped>,
    On<OfTypedArena, Borrowed<3>>, On<OfTypedArena, Upstream>,
    On<OfBlockPool<Order::first_free>, Heap>, On<OfBlockPool<Order::first_free>, Mapped>,
    On<OfBlockPool<Order::first_free>, Borrowed<5>>, On<OfBlockPool<Order::first_free>, Upstream>,
    On<OfBlockPool<Order::any>, Heap>, On<OfBlockPool<Order::any>, Mapped>,
    On<OfBlockPool<Order::any>, Borrowed<7>>, On<OfBlockPool<Order::any>, Upstream>,
    On<OfSharedBlockPool, Heap>, On<OfSharedBlockPool, Mapped>, On<OfSharedBlockPool, Borrowed<3>>,
    On<OfSharedBlockPool, Upstream>, On<OfStack, Heap>, On<OfStack, Mapped>,
    On<OfStack, Borrowed<2>>, On<OfStack, Upstream>>;
using Every =
    testing::Types<On<OfSlotArena, Heap>, On<OfTypedArena, Heap>,
                   On<OfBlockPool<Order::first_free>, Heap>, On<OfBlockPool<Order::any>, Heap>,
                   On<OfStack, Heap>, On<OfObjectPool, Heap>>;

template <class Config>
class BoundedPieces : public Pieces<Config> {};
TYPED_TEST_SUITE(Pieces, Every, conformance::Names);
TYPED_TEST_SUITE(BoundedPieces, Bounded, conformance::Names);

TYPED_TEST(BoundedPieces, AreServedUntilAllAreTakenAndStayIntact) {
  auto s = this->make();
  for (int round = 0; round != 2; ++round) {
    const std::size_t left = TypeParam::left(s);
    EXPECT_GT(left, room / 40); // bookkeeping included
    std::vector<void*> pieces;
    for (std::size_t i = 0; i != left; ++i) {
      void* const p = TypeParam::take(s);
      ASSERT_NE(p, nullptr);
      ASSERT_TRUE(test::is_aligned(p, granule));
      ASSERT_TRUE(s.owns(p));
      ASSERT_TRUE(test::holds(p, sizeof(Piece), 0));
      test::fill(p, sizeof(Piece), static_cast<int>(i % 255 + 1));
      pieces.push_back(p);
    }
    const Numbers before = TypeParam::numbers(s);
    EXPECT_EQ(test::kind([&] { return TypeParam::take(s); }), "Exhausted(no_room)");
    if constexpr (requires { TypeParam::try_take(s); }) {
      EXPECT_EQ(TypeParam::try_take(s), nullptr);
    }
    EXPECT_EQ(TypeParam::numbers(s), before);
    for (std::size_t i = 0; i != left; ++i)
      ASSERT_TRUE(test::holds(pieces[i], sizeof(Piece), static_cast<int>(i % 255 + 1)));
    s.reset();
    EXPECT_EQ(TypeParam::left(s), left);
    EXPECT_FALSE(s.owns(pieces[0]));
  }
}

TYPED_TEST(BoundedPieces, ANewOneOwnsNothing) {
  auto s = this->make();
  EXPECT_FALSE(s.owns(nullptr));
  EXPECT_FALSE(s.owns(&s));
  const auto* const first = static_cast<const std::byte*>(TypeParam::take(s));
  EXPECT_TRUE(s.owns(first));
  EXPECT_TRUE(s.owns(first + sizeof(Piece) - 1));
  EXPECT_FALSE(s.owns(first - 1));
  EXPECT_FALSE(s.owns(first + 2 * sizeof(Piece)));
  EXPECT_FALSE(s.owns(nullptr));
}

TYPED_TEST(Pieces, OfAReleasedOneAreRefused) {
  auto s = this->make();
  (void)TypeParam::take(s);
  s.release();
  this->expect_gone(s);
}

TYPED_TEST(Pieces, GoWithAMove) {
  auto from = this->make();
  void* const p = TypeParam::take(from);
  test::fill(p, sizeof(Piece));
  const Numbers before = TypeParam::numbers(from);

  auto to = std::move(from);
  this->expect_gone(from);
  EXPECT_EQ(TypeParam::numbers(to), before);
  EXPECT_TRUE(to.owns(p));

  auto last = this->make();
  (void)TypeParam::take(last);
  last = std::move(to);
  this->expect_gone(to);
  auto& alias = last;
  last = std::move(alias);
  EXPECT_EQ(TypeParam::numbers(last), before);
  EXPECT_TRUE(last.owns(p));
  EXPECT_TRUE(test::holds(p, sizeof(Piece), 0xA5));
  test::fill(TypeParam::take(last), sizeof(Piece), 1);
  EXPECT_TRUE(test::holds(p, sizeof(Piece), 0xA5));

  from = this->make(); // what was moved from can be assigned to
  EXPECT_NE(TypeParam::take(from), nullptr);
}

TYPED_TEST(Pieces, StayIntactWithoutABound) {
  auto s = this->make();
  std::vector<void*> pieces;
  for (std::size_t i = 0; i != TypeParam::left(s) && i != 1000; ++i) {
    pieces.push_back(TypeParam::take(s));
    test::fill(pieces.back(), sizeof(Piece), static_cast<int>(i % 255));
  }
  for (std::size_t i = 0; i != pieces.size(); ++i)
    ASSERT_TRUE(test::holds(pieces[i], sizeof(Piece), static_cast<int>(i % 255)));
}

template <class Config>
class BoundedPiecesHiding : public Pieces<Config> {
protected:
  void SetUp() override {
    if (!test::watched())
      GTEST_SKIP() << "no sanitizer watches";
  }
};
TYPED_TEST_SUITE(BoundedPiecesHiding, Bounded, conformance::Names);

TYPED_TEST(BoundedPiecesHiding, WhatLiesBehindAPieceUntilTheNextIsTaken) {
  auto s = this->make();
  for (int i = 0; i != 5; ++i)
    EXPECT_EQ(test::visible(TypeParam::take(s), 2 * sizeof(Piece)), sizeof(Piece));
}

TYPED_TEST(BoundedPiecesHiding, WhatWasReset) {
  auto s = this->make();
  const void* const first = TypeParam::take(s);
  const void* const second = TypeParam::take(s);
  s.reset();
  EXPECT_TRUE(test::all_hidden(first, sizeof(Piece)));
  EXPECT_TRUE(test::all_hidden(second, sizeof(Piece)));
  EXPECT_EQ(TypeParam::take(s), first);
  EXPECT_TRUE(test::all_hidden(second, sizeof(Piece)));
}

} // namespace
