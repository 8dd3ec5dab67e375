// What every strategy that serves any size keeps true.
#include "strategies.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <ostream>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

using namespace allot;
using conformance::Borrowed, conformance::Heap, conformance::Mapped, conformance::Reserved,
    conformance::On, conformance::RegionOnHeap, conformance::RegionOnUpstream,
    conformance::Upstream;
using conformance::is_exhausted, conformance::room;

namespace {

// Any strategy, so that each test is compiled once.
class Strategy {
public:
  Strategy() = default;
  Strategy(const Strategy&) = delete;
  Strategy& operator=(const Strategy&) = delete;
  virtual ~Strategy() = default;

  [[nodiscard]] virtual void* allocate(std::size_t bytes) = 0;
  [[nodiscard]] virtual void* allocate(std::size_t bytes, std::size_t alignment) = 0;
  [[nodiscard]] virtual void* try_allocate(std::size_t bytes) noexcept = 0;
  [[nodiscard]] virtual void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept = 0;
  [[nodiscard]] virtual bool try_resize(void* p, std::size_t old_bytes,
                                        std::size_t new_bytes) noexcept = 0;
  [[nodiscard]] virtual void* reallocate(void* p, std::size_t old_bytes, std::size_t new_bytes) = 0;
  [[nodiscard]] virtual void* reallocate(void* p, std::size_t old_bytes, std::size_t new_bytes,
                                         std::size_t alignment) = 0;
  [[nodiscard]] virtual void* try_reallocate(void* p, std::size_t old_bytes, std::size_t new_bytes,
                                             std::size_t alignment = granule) noexcept = 0;
  [[nodiscard]] virtual std::string_view copy(std::string_view text) = 0;
  [[nodiscard]] virtual std::span<int> copy(std::span<const int> numbers) = 0;
  virtual void reset() = 0;
  virtual void release() noexcept = 0;
  [[nodiscard]] virtual std::size_t capacity() const = 0;
  [[nodiscard]] virtual std::size_t used() const = 0;
  [[nodiscard]] virtual std::size_t available() const = 0;
  [[nodiscard]] virtual std::size_t peak() const = 0;
  [[nodiscard]] virtual bool owns(const void* p) const = 0;

  [[nodiscard]] virtual std::unique_ptr<Strategy> move() = 0;
  virtual void move_from(Strategy& other) = 0;
  /// Whether it has memory only once it is asked for some, as a region does.
  [[nodiscard]] virtual bool grows() const = 0;
};

template <class S>
class Some final : public Strategy {
public:
  explicit Some(S&& s) : s_(std::move(s)) {}
  void* allocate(std::size_t bytes) override { return s_.allocate(bytes); }
  void* allocate(std::size_t bytes, std::size_t alignment) override {
    return s_.allocate(bytes, alignment);
  }
  void* try_allocate(std::size_t bytes) noexcept override { return s_.try_allocate(bytes); }
  void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept override {
    return s_.try_allocate(bytes, alignment);
  }
  bool try_resize(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept override {
    return s_.try_resize(p, old_bytes, new_bytes);
  }
  void* reallocate(void* p, std::size_t old_bytes, std::size_t new_bytes) override {
    return s_.reallocate(p, old_bytes, new_bytes);
  }
  void* reallocate(void* p, std::size_t old_bytes, std::size_t new_bytes,
                   std::size_t alignment) override {
    return s_.reallocate(p, old_bytes, new_bytes, alignment);
  }
  void* try_reallocate(void* p, std::size_t old_bytes, std::size_t new_bytes,
                       std::size_t alignment) noexcept override {
    return s_.try_reallocate(p, old_bytes, new_bytes, alignment);
  }
  std::string_view copy(std::string_view text) override { return s_.copy(text); }
  std::span<int> copy(std::span<const int> numbers) override { return s_.copy(numbers); }
  void reset() override { s_.reset(); }
  void release() noexcept override { s_.release(); }
  [[nodiscard]] std::size_t capacity() const override { return s_.capacity(); }
  [[nodiscard]] std::size_t used() const override { return s_.used(); }
  [[nodiscard]] std::size_t available() const override { return s_.available(); }
  [[nodiscard]] std::size_t peak() const override { return s_.peak(); }
  [[nodiscard]] bool owns(const void* p) const override { return s_.owns(p); }
  std::unique_ptr<Strategy> move() override { return std::make_unique<Some>(std::move(s_)); }
  void move_from(Strategy& other) override { s_ = std::move(static_cast<Some&>(other).s_); }
  [[nodiscard]] bool grows() const override { return std::is_same_v<S, Region>; }

private:
  S s_;
};

// Makes strategies, and keeps the memory that they stand on.
class Source {
public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;
  virtual std::unique_ptr<Strategy> make(Options options) = 0;
};
template <class Config>
class SourceOf final : public Source {
public:
  std::unique_ptr<Strategy> make(Options options) override {
    return std::make_unique<Some<typename Config::Strategy>>(config_.make(options));
  }

private:
  Config config_;
};

struct Kind {
  std::string name;
  std::unique_ptr<Source> (*source)();
  friend std::ostream& operator<<(std::ostream& out, const Kind& kind) { return out << kind.name; }
};
template <class Config>
Kind kind() {
  return {Config::name(),
          []() -> std::unique_ptr<Source> { return std::make_unique<SourceOf<Config>>(); }};
}
std::string name_of_kind(const testing::TestParamInfo<Kind>& info) {
  return info.param.name;
}
const auto all_kinds = testing::Values(
    kind<On<Arena, Heap>>(), kind<On<Arena, Mapped>>(), kind<On<Arena, Borrowed<1>>>(),
    kind<On<Arena, Upstream>>(), kind<On<Bump, Heap>>(), kind<On<Bump, Mapped>>(),
    kind<On<Bump, Borrowed<3>>>(), kind<On<Bump, Upstream>>(), kind<On<Scratch, Heap>>(),
    kind<On<Scratch, Mapped>>(), kind<On<Scratch, Borrowed<7>>>(), kind<On<Scratch, Upstream>>(),
    kind<Reserved<Commit::demand>>(), kind<Reserved<Commit::strict>>(), kind<RegionOnHeap>(),
    kind<RegionOnUpstream>());

class Bytes : public testing::TestWithParam<Kind> {
protected:
  std::unique_ptr<Strategy> make(Options options = {}) { return source_->make(options); }

private:
  std::unique_ptr<Source> source_ = GetParam().source();
};
INSTANTIATE_TEST_SUITE_P(Conformance, Bytes, all_kinds, name_of_kind);

// That a strategy which is gone refuses each call, and knows nothing.
void expect_gone(Strategy& s) {
  const std::string released = "Misuse(released)";
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{8}, SIZE_MAX}) {
    EXPECT_EQ(test::kind([&] { return s.allocate(bytes); }), released);
    EXPECT_EQ(test::kind([&] { return s.allocate(bytes, 64); }), released);
    EXPECT_EQ(test::kind([&] { return s.allocate(bytes, 3); }), released);
    EXPECT_EQ(test::kind([&] { return s.reallocate(nullptr, 0, bytes); }), released);
    EXPECT_EQ(s.try_allocate(bytes), nullptr);
    EXPECT_EQ(s.try_allocate(bytes, 64), nullptr);
    EXPECT_FALSE(s.try_resize(nullptr, 0, bytes));
    EXPECT_EQ(s.try_reallocate(nullptr, 0, bytes), nullptr);
    EXPECT_EQ(s.try_reallocate(&s, 8, bytes), nullptr);
  }
  EXPECT_EQ(test::kind([&] { return s.copy("text"); }), released);
  EXPECT_EQ(test::kind([&] { s.reset(); }), released);
  EXPECT_EQ(test::state(s), (test::State{0, 0, 0, 0}));
  EXPECT_FALSE(s.owns(nullptr));
  EXPECT_FALSE(s.owns(&s));
  s.release();
}

TEST_P(Bytes, SizesAreRoundedUpToTheGranuleAndPointersAreAligned) {
  const auto s = make();
  std::size_t used = 0;
  for (const std::size_t bytes : test::Sizes{1, 7, 8, 9, 15, 16, 17, 63, 64, 65, 4095, 4096}) {
    for (void* const p : {s->allocate(bytes), s->try_allocate(bytes)}) {
      ASSERT_NE(p, nullptr);
      EXPECT_TRUE(test::is_aligned(p, granule));
      test::fill(p, bytes);
      used += round_up(bytes);
    }
    EXPECT_EQ(test::state(*s), (test::State{room, used, room - used, used}));
  }
}

TEST_P(Bytes, NoBytesGiveAnAlignedPointerAndTakeNothing) {
  const auto s = make();
  for (const std::size_t fill : test::Sizes{0, 8, room - 8}) { // empty, in use, full
    if (fill != 0)
      (void)s->allocate(fill);
    const test::State before = test::state(*s);
    EXPECT_NE(s->allocate(0), nullptr);
    EXPECT_NE(s->try_allocate(0), nullptr);
    for (std::size_t alignment = 1; alignment <= 8192; alignment *= 2) {
      for (void* const p : {s->allocate(0, alignment), s->try_allocate(0, alignment)}) {
        EXPECT_NE(p, nullptr);
        EXPECT_TRUE(test::is_aligned(p, std::max(alignment, granule)));
      }
    }
    EXPECT_EQ(test::state(*s), before);
  }
}

TEST_P(Bytes, AnExactFitIsServedAndNotOneByteMore) {
  for (const std::size_t bytes : {room, room - 7}) {
    const auto s = make();
    EXPECT_TRUE(is_exhausted([&] { return s->allocate(room + 1); }));
    EXPECT_EQ(s->try_allocate(room + 1), nullptr);
    test::fill(s->allocate(bytes), bytes);
    EXPECT_EQ(test::state(*s), (test::State{room, room, 0, room}));
    EXPECT_TRUE(is_exhausted([&] { return s->allocate(1); }));
    EXPECT_EQ(s->try_allocate(1), nullptr);
    EXPECT_EQ(s->try_allocate(1, 64), nullptr);
  }
}

TEST_P(Bytes, IsUsedUpToItsLastByte) {
  const auto s = make();
  for (std::size_t i = 0; i != room / 8; ++i)
    test::fill(s->try_allocate(5), 5);
  EXPECT_EQ(s->try_allocate(1), nullptr);
  EXPECT_EQ(s->available(), 0u);
}

TEST_P(Bytes, WhatCannotFitIsRefusedAndChangesNothing) {
  const auto s = make();
  void* const p = s->allocate(24);
  test::fill(p, 24);
  const test::State before = test::state(*s);
  std::vector<std::size_t> sizes(std::begin(test::unservable), std::end(test::unservable));
  for (const std::size_t bytes : {room - 23, room, room + 1, 2 * room, SIZE_MAX - 1, SIZE_MAX - 63,
                                  SIZE_MAX - room, SIZE_MAX / 2 - 7, SIZE_MAX / 4 + 1})
    sizes.push_back(bytes);
  for (const std::size_t bytes : sizes) {
    EXPECT_TRUE(is_exhausted([&] { return s->allocate(bytes); })) << bytes;
    EXPECT_EQ(s->try_allocate(bytes), nullptr) << bytes;
    for (std::size_t alignment = 1; alignment <= 8192; alignment *= 2) {
      EXPECT_TRUE(is_exhausted([&] { return s->allocate(bytes, alignment); })) << bytes;
      EXPECT_EQ(s->try_allocate(bytes, alignment), nullptr) << bytes;
      EXPECT_EQ(test::state(*s), before) << bytes;
    }
    if (bytes <= room)
      continue; // in place it would fit
    EXPECT_TRUE(is_exhausted([&] { return s->reallocate(p, 24, bytes); })) << bytes;
    EXPECT_FALSE(s->try_resize(p, 24, bytes)) << bytes;
  }
  EXPECT_EQ(test::state(*s), before);
  EXPECT_TRUE(test::holds(p, 24, 0xA5));
  EXPECT_TRUE(test::holds(s->allocate(room - 24), room - 24, 0));
}

TEST_P(Bytes, SaysWhatWasAskedAndWhatIsLeft) {
  const auto s = make();
  (void)s->allocate(room - 16);
  const std::string text = test::error([&] { return s->allocate(64); });
  EXPECT_TRUE(text.ends_with(": 64 bytes asked, 16 of 65536 left")) << text;
}

TEST_P(Bytes, EveryPowerOfTwoIsMetAlsoAboveThePageSize) {
  const auto s = make();
  std::vector<void*> pieces;
  for (std::size_t alignment = 1; alignment <= 8192; alignment *= 2) {
    for (const bool throws : {true, false}) {
      pieces.push_back(s->allocate(8));
      test::fill(pieces.back(), 8);
      const std::size_t used = s->used();
      void* const p = throws ? s->allocate(24, alignment) : s->try_allocate(24, alignment);
      ASSERT_NE(p, nullptr) << alignment;
      EXPECT_TRUE(test::is_aligned(p, alignment));
      EXPECT_TRUE(test::is_aligned(p, granule));
      EXPECT_GE(s->used(), used + 24);
      EXPECT_LT(s->used(), used + 24 + std::max(alignment, granule));
      EXPECT_EQ(s->used() % 8, 0u);
      pieces.push_back(p);
      test::fill(p, 8);
    }
  }
  for (const void* const p : pieces)
    EXPECT_TRUE(test::holds(p, 8, 0xA5));
}

TEST_P(Bytes, AnAlignmentThatCannotBeMetIsRefusedAndChangesNothing) {
  const auto s = make();
  (void)s->allocate(8);
  const test::State before = test::state(*s);
  for (std::size_t alignment = std::size_t{1} << 17; alignment != 0; alignment *= 2) {
    if (void* const p = s->try_allocate(8, alignment)) { // by luck there is one inside
      EXPECT_TRUE(test::is_aligned(p, alignment));
      EXPECT_TRUE(s->owns(p));
      s->reset();
      (void)s->allocate(8);
      continue;
    }
    EXPECT_TRUE(is_exhausted([&] { return s->allocate(8, alignment); })) << alignment;
    EXPECT_TRUE(is_exhausted([&] { return s->allocate(SIZE_MAX - 7, alignment); })) << alignment;
    EXPECT_EQ(s->used(), before.used);
  }
  EXPECT_EQ(s->capacity(), before.capacity);
  EXPECT_EQ(s->try_allocate(8, SIZE_MAX / 2 + 1), nullptr);
}

TEST_P(Bytes, OtherAlignmentsAreMisuse) {
  const auto s = make();
  for (const std::size_t used : test::Sizes{8, room - 8}) {
    (void)s->allocate(used);
    const test::State before = test::state(*s);
    for (const std::size_t alignment : test::bad_alignments) {
      for (const std::size_t bytes : {std::size_t{0}, std::size_t{8}, SIZE_MAX}) {
        EXPECT_EQ(test::kind([&] { return s->allocate(bytes, alignment); }),
                  "Misuse(bad_alignment)");
        EXPECT_EQ(s->try_allocate(bytes, alignment), nullptr);
      }
    }
    EXPECT_EQ(test::state(*s), before);
  }
}

struct Piece {
  unsigned char* p;
  std::size_t bytes;
  int pattern;
};

TEST_P(Bytes, ContentsStayIntactOverManyAllocations) {
  const auto s = make();
  std::mt19937 random(1);
  const auto below = [&](std::size_t n) { return random() % n; };
  for (int round = 0; round != 4; ++round) {
    std::vector<Piece> pieces;
    std::size_t least = 0; // bytes, without what alignments skip
    std::size_t skipped = 0;
    for (;;) {
      const std::size_t bytes = below(4) == 0 ? below(2000) : below(64);
      const std::size_t alignment = below(4) == 0 ? std::size_t{1} << below(10) : 1;
      void* const p = alignment == 1 ? s->try_allocate(bytes) : s->try_allocate(bytes, alignment);
      if (p == nullptr)
        break;
      ASSERT_TRUE(test::is_aligned(p, alignment));
      ASSERT_TRUE(test::holds(p, bytes, 0)); // also in later rounds, after a reset
      const int pattern = static_cast<int>(below(255)) + 1;
      test::fill(p, bytes, pattern);
      pieces.push_back({static_cast<unsigned char*>(p), bytes, pattern});
      least += round_up(bytes);
      skipped += bytes == 0 ? 0 : std::max(alignment, granule) - granule;
    }
    EXPECT_GE(s->used(), least);
    EXPECT_LE(s->used(), least + skipped);
    EXPECT_EQ(s->used() + s->available(), room);
    for (const Piece& piece : pieces)
      ASSERT_TRUE(test::holds(piece.p, piece.bytes, piece.pattern));
    s->reset();
    EXPECT_EQ(s->used(), 0u);
    EXPECT_EQ(s->capacity(), room);
  }
}

TEST_P(Bytes, ZeroesNothingWhereThatIsOff) {
  const auto s = make({.zero = false});
  void* const p = s->allocate(1000);
  test::fill(p, 1000);
  s->reset();
  ASSERT_EQ(s->allocate(1000), p);
  EXPECT_TRUE(test::holds(p, 1000, 0xA5));
}

TEST_P(Bytes, IsZeroAfterAResetAlsoWhereItShrank) {
  const auto s = make();
  void* const p = s->allocate(1000);
  test::fill(p, 1000);
  ASSERT_TRUE(s->try_resize(p, 1000, 8));
  s->reset();
  EXPECT_TRUE(test::holds(s->allocate(room), room, 0));
}

TEST_P(Bytes, OwnsWhatIsAllocatedNow) {
  const auto s = make();
  int elsewhere = 0;
  EXPECT_FALSE(s->owns(nullptr));
  EXPECT_FALSE(s->owns(&elsewhere));
  auto* const first = static_cast<std::byte*>(s->allocate(24));
  auto* const second = static_cast<std::byte*>(s->allocate(8));
  for (const std::byte* p : {first, first + 23, second, second + 7})
    EXPECT_TRUE(s->owns(p));
  EXPECT_FALSE(s->owns(nullptr));
  EXPECT_FALSE(s->owns(&elsewhere));
  EXPECT_FALSE(s->owns(first - 1));
  EXPECT_FALSE(s->owns(second + red_zones.stretch(8)));
  s->reset();
  EXPECT_FALSE(s->owns(first));
  const void* const again = s->allocate(8);
  EXPECT_TRUE(s->owns(again));
  s->release();
  EXPECT_FALSE(s->owns(again));
}

TEST_P(Bytes, PeakIsTheMostThatWasUsedAndSurvivesResets) {
  const auto s = make();
  EXPECT_EQ(s->peak(), 0u);
  void* p = s->allocate(1000);
  ASSERT_TRUE(s->try_resize(p, 1000, 8));
  EXPECT_EQ(s->peak(), 1000u);
  s->reset();
  EXPECT_EQ(s->peak(), 1000u);
  p = s->allocate(1000);
  EXPECT_EQ(s->peak(), 1000u);
  (void)s->allocate(1);
  EXPECT_EQ(s->peak(), 1008u);
  s->reset();
  (void)s->allocate(8);
  EXPECT_EQ(s->peak(), 1008u);
}

TEST_P(Bytes, TheNewestGrowsAndShrinksInPlace) {
  const auto s = make();
  (void)s->allocate(8);
  auto* const p = static_cast<std::byte*>(s->allocate(24));
  test::fill(p, 24);
  ASSERT_TRUE(s->try_resize(p, 24, 100));
  EXPECT_EQ(s->used(), 112u);
  EXPECT_TRUE(test::holds(p, 24, 0xA5));
  EXPECT_TRUE(test::holds(p + 24, 76, 0)); // for the first time
  test::fill(p, 100, 0x5A);
  ASSERT_TRUE(s->try_resize(p, 100, room - 8));
  EXPECT_EQ(s->available(), 0u);
  test::fill(p + 100, room - 108, 0x5A);
  ASSERT_TRUE(s->try_resize(p, room - 8, 9));
  EXPECT_EQ(test::state(*s), (test::State{room, 24, room - 24, room}));
  EXPECT_TRUE(test::holds(p, 9, 0x5A));
  ASSERT_TRUE(s->try_resize(p, 9, 0));
  EXPECT_EQ(s->used(), 8u);
  EXPECT_EQ(s->allocate(8), p);
}

TEST_P(Bytes, AnotherThanTheNewestOnlyShrinksAndGivesNothingBack) {
  const auto s = make();
  void* const older = s->allocate(24);
  void* const newest = s->allocate(24);
  test::fill(older, 24, 1);
  test::fill(newest, 24, 2);
  const test::State before = test::state(*s);
  EXPECT_FALSE(s->try_resize(older, 24, 32));
  EXPECT_TRUE(s->try_resize(older, 24, 24));
  EXPECT_TRUE(s->try_resize(older, 24, 1));
  EXPECT_EQ(test::state(*s), before);
  EXPECT_TRUE(test::holds(older, 1, 1));
  EXPECT_TRUE(test::holds(newest, 24, 2));
}

TEST_P(Bytes, AResizeThatCannotBeChangesNothing) {
  const auto s = make();
  void* const p = s->allocate(24);
  test::fill(p, 24);
  const test::State before = test::state(*s);
  for (const std::size_t bytes : test::unservable) {
    EXPECT_FALSE(s->try_resize(p, 24, bytes));
    EXPECT_FALSE(s->try_resize(p, bytes, 8)); // it is not that long
    EXPECT_FALSE(s->try_resize(p, bytes, bytes));
    EXPECT_FALSE(s->try_resize(nullptr, bytes, bytes));
  }
  EXPECT_FALSE(s->try_resize(p, 24, room + 1));
  EXPECT_FALSE(s->try_resize(p, 32, 24));
  std::uint64_t foreign = 0;
  EXPECT_FALSE(s->try_resize(&foreign, 8, 16));
  EXPECT_FALSE(s->try_resize(&foreign, 8, 8));
  EXPECT_FALSE(s->try_resize(nullptr, 0, 8));
  EXPECT_FALSE(s->try_resize(nullptr, 8, 8));
  EXPECT_EQ(test::state(*s), before);
  EXPECT_TRUE(test::holds(p, 24, 0xA5));
}

TEST_P(Bytes, ReallocateResizesInPlaceOrMoves) {
  const auto s = make();
  void* const p = s->reallocate(nullptr, 0, 8);
  ASSERT_NE(p, nullptr);
  test::fill(p, 8, 1);
  EXPECT_EQ(s->reallocate(p, 8, 40), p);
  EXPECT_EQ(s->used(), 40u);
  (void)s->allocate(8);
  void* const moved = s->reallocate(p, 40, 80);
  EXPECT_NE(moved, p);
  EXPECT_TRUE(test::holds(moved, 8, 1));
  EXPECT_EQ(s->used(), 128u); // the old place stays taken
  void* const aligned = s->reallocate(moved, 80, 8, 4096);
  EXPECT_TRUE(test::is_aligned(aligned, 4096));
  EXPECT_TRUE(test::holds(aligned, 8, 1));
  EXPECT_EQ(test::kind([&] { return s->reallocate(aligned, 8, 16, 3); }), "Misuse(bad_alignment)");
  EXPECT_TRUE(test::holds(aligned, 8, 1));
}

TEST_P(Bytes, ReallocateReadsNothingThatIsNotAllocated) {
  const auto s = make();
  void* const p = s->allocate(16);
  (void)s->allocate(8);
  const std::size_t used = s->used();
  EXPECT_EQ(test::kind([&] { return s->reallocate(p, 1000, 2000); }), "Misuse(foreign_pointer)");
  EXPECT_EQ(test::kind([&] { return s->reallocate(p, SIZE_MAX, 2000); }),
            "Misuse(foreign_pointer)");
  int elsewhere = 0;
  EXPECT_EQ(test::kind([&] { return s->reallocate(&elsewhere, 4, 8); }), "Misuse(foreign_pointer)");
  EXPECT_EQ(s->used(), used);
}

TEST_P(Bytes, TryReallocateDoesTheSameAndGivesNullForEveryRefusal) {
  const auto s = make();
  void* const p = s->try_reallocate(nullptr, 0, 8);
  ASSERT_NE(p, nullptr);
  test::fill(p, 8, 1);
  EXPECT_EQ(s->try_reallocate(p, 8, 40), p);
  EXPECT_EQ(s->used(), 40u);
  (void)s->allocate(8);
  void* const moved = s->try_reallocate(p, 40, 80);
  ASSERT_NE(moved, nullptr);
  EXPECT_NE(moved, p);
  EXPECT_TRUE(test::holds(moved, 8, 1));
  EXPECT_EQ(s->used(), 128u);
  void* const aligned = s->try_reallocate(moved, 80, 8, 4096);
  EXPECT_TRUE(test::is_aligned(aligned, 4096));
  EXPECT_TRUE(test::holds(aligned, 8, 1));

  const test::State before = test::state(*s);
  int elsewhere = 0;
  for (const std::size_t bytes : test::unservable) {
    EXPECT_EQ(s->try_reallocate(aligned, 8, bytes), nullptr);
    EXPECT_EQ(s->try_reallocate(aligned, bytes, 16), nullptr);
    EXPECT_EQ(s->try_reallocate(nullptr, 0, bytes), nullptr);
  }
  for (const std::size_t alignment : test::bad_alignments)
    EXPECT_EQ(s->try_reallocate(aligned, 8, 16, alignment), nullptr);
  EXPECT_EQ(s->try_reallocate(aligned, 8, room), nullptr);
  EXPECT_EQ(s->try_reallocate(p, room, 2 * room), nullptr);
  EXPECT_EQ(s->try_reallocate(&elsewhere, 4, 8), nullptr);
  EXPECT_EQ(test::state(*s), before);
  EXPECT_TRUE(test::holds(aligned, 8, 1));
}

TEST_P(Bytes, WhatReallocateLeavesBehindIsHidden) {
  if (!test::watched())
    GTEST_SKIP() << "no sanitizer watches";
  const auto s = make();
  void* const p = s->allocate(40);
  (void)s->allocate(8);
  EXPECT_TRUE(s->try_resize(p, 40, 13));
  EXPECT_EQ(test::visible(p, 40), 13u);
  void* const moved = s->reallocate(p, 13, 80);
  EXPECT_TRUE(test::all_hidden(p, 40));
  EXPECT_EQ(test::visible(moved, 80), 80u);
}

TEST_P(Bytes, CopiesTextAndElements) {
  const auto s = make();
  std::string text = "some text";
  const std::string_view copy = s->copy(text);
  const std::vector<int> numbers{1, 2, 3};
  const std::span<int> copied = s->copy(std::span(numbers));
  std::fill(text.begin(), text.end(), ' ');
  EXPECT_EQ(copy, "some text");
  EXPECT_TRUE(std::equal(copied.begin(), copied.end(), numbers.begin(), numbers.end()));
  EXPECT_TRUE(s->owns(copy.data()));
  EXPECT_TRUE(s->owns(copied.data()));
  EXPECT_EQ(s->used(), 32u);
  EXPECT_EQ(s->copy("").size(), 0u);
  EXPECT_EQ(s->copy(std::string_view()).size(), 0u);
  EXPECT_EQ(s->copy(std::span<const int>()).size(), 0u);
  EXPECT_EQ(s->used(), 32u);
  EXPECT_TRUE(is_exhausted([&] { return s->copy(std::string(room, 'x')); }));
  EXPECT_EQ(s->used(), 32u);
}

TEST_P(Bytes, AReleasedOneRefusesEverything) {
  const auto s = make();
  (void)s->allocate(100);
  s->release();
  if (s->grows()) { // which is empty, and usable again
    EXPECT_EQ(s->capacity(), 0u);
    EXPECT_EQ(s->used(), 0u);
    EXPECT_TRUE(test::holds(s->allocate(100), 100, 0));
    EXPECT_EQ(s->used(), 104u);
  } else {
    expect_gone(*s);
  }
}

TEST_P(Bytes, AMovedFromOneRefusesEverything) {
  const auto from = make();
  void* const p = from->allocate(100);
  test::fill(p, 100);
  const test::State before = test::state(*from);

  const auto to = from->move();
  expect_gone(*from);
  EXPECT_EQ(test::state(*to), before);
  EXPECT_TRUE(test::holds(p, 100, 0xA5));
  EXPECT_TRUE(to->owns(p));

  const auto last = make();
  (void)last->allocate(8);
  last->move_from(*to);
  expect_gone(*to);
  EXPECT_EQ(test::state(*last), before);
  EXPECT_TRUE(last->try_resize(p, 100, 200));

  last->move_from(*last);
  EXPECT_EQ(last->used(), 200u);
  EXPECT_TRUE(test::holds(p, 100, 0xA5));

  from->move_from(*make()); // what was moved from can be assigned to
  EXPECT_NE(from->try_allocate(8), nullptr);
}

class BytesHiding : public Bytes {
protected:
  void SetUp() override {
    if (!test::watched())
      GTEST_SKIP() << "no sanitizer watches";
  }
};
INSTANTIATE_TEST_SUITE_P(Conformance, BytesHiding, all_kinds, name_of_kind);

TEST_P(BytesHiding, WhatLiesBehindAnAllocation) {
  const auto s = make();
  for (const std::size_t bytes : test::Sizes{1, 7, 8, 9, 13, 24, 63, 64, 100}) {
    void* const p = s->allocate(bytes);
    EXPECT_EQ(test::visible(p, 256), bytes);
    test::fill(p, bytes);
  }
  void* const aligned = s->allocate(13, 512);
  EXPECT_EQ(test::visible(aligned, 256), 13u);
}

TEST_P(BytesHiding, WhatWasReset) {
  const auto s = make();
  void* const p = s->allocate(1000);
  test::fill(p, 1000);
  s->reset();
  EXPECT_TRUE(test::all_hidden(p, 1000));
  EXPECT_EQ(s->allocate(16), p);
  EXPECT_EQ(test::visible(p, 1000), 16u);
}

TEST_P(BytesHiding, WhatAResizeTookBack) {
  const auto s = make();
  void* const p = s->allocate(100);
  ASSERT_TRUE(s->try_resize(p, 100, 13));
  EXPECT_EQ(test::visible(p, 200), 13u);
  ASSERT_TRUE(s->try_resize(p, 13, 50));
  EXPECT_EQ(test::visible(p, 200), 50u);
  ASSERT_TRUE(s->try_resize(p, 50, 0));
  EXPECT_TRUE(test::all_hidden(p, 200));
}

TEST_P(BytesHiding, NoBytes) {
  const auto s = make();
  (void)s->allocate(8);
  EXPECT_TRUE(test::is_hidden(s->allocate(0)));
}

} // namespace
