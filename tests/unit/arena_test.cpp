#include <allot/arena.hpp>

#include "support.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

using namespace allot;
using test::TestResource;
using test::Witness;

namespace {

using Log = std::vector<int>;

TEST(Arena, HasTheFieldsOfThePage) {
  Arena arena(100);
  EXPECT_NE(arena.buffer(), nullptr);
  EXPECT_TRUE(test::is_aligned(arena.buffer(), 64));
  EXPECT_EQ(arena.size(), 104u);
  EXPECT_EQ(arena.offset(), 0u);
  EXPECT_EQ(arena.objects(), 0u);
  EXPECT_FALSE(arena.freed());
  EXPECT_EQ(arena.allocate(20), arena.buffer());
  EXPECT_EQ(arena.offset(), 24u);
}

TEST(Arena, AllOfTheBufferCanBeReadAndIsZeroWhereNothingWasHandedOut) {
  if (test::watched())
    GTEST_SKIP() << "the rest is hidden";
  for (const bool constant : {false, true}) {
    std::vector<std::byte> memory(10'000);
    test::fill(memory.data(), memory.size());
    Arena arena(Buffer::borrowed(memory));
    for (int round = 0; round != 3; ++round) {
      test::fill(arena.allocate(1000), 1000, 1);
      const std::byte* const all = constant ? std::as_const(arena).buffer() : arena.buffer();
      ASSERT_TRUE(test::holds(all, 1000, 1));
      ASSERT_TRUE(test::holds(all + 1000, arena.size() - 1000, 0)) << round;
      void* const next = arena.allocate(8000);
      EXPECT_TRUE(test::holds(next, 8000, 0)) << round;
      test::fill(next, 8000);
      arena.reset();
      EXPECT_TRUE(test::holds(arena.buffer(), arena.size(), 0)) << round;
    }
  }
}

TEST(Arena, RefusesSizesThatNoHeapHas) {
  EXPECT_EQ(test::error([] { return Arena(0); }),
            "Misuse(bad_size) arena: a size of 0 bytes was asked for");
  EXPECT_EQ(test::error([] { return Arena(SIZE_MAX - 7); }),
            "Exhausted(system_refused) arena: the heap refused " + std::to_string(SIZE_MAX - 7) +
                " bytes");
  alignas(8) std::byte memory[8];
  EXPECT_EQ(test::error([&] {
              Arena(Buffer::borrowed({memory, 7}));
            }),
            "Misuse(bad_size) arena: the buffer has no room for 8 aligned bytes");
}

TEST(Arena, SaysWhatWasAskedAndWhatIsLeft) {
  Arena arena(1024);
  (void)arena.allocate(1008);
  EXPECT_EQ(test::error([&] { return arena.allocate(64); }),
            "Exhausted(no_room) arena: 64 bytes asked, 16 of 1024 left");
  EXPECT_EQ(test::error([&] { return arena.allocate(8, 0); }),
            "Misuse(bad_alignment) arena: alignment 0 is not a power of two");
  for (const std::size_t count : {SIZE_MAX / 2, SIZE_MAX / 3})
    EXPECT_EQ(test::error([&] { return arena.create_array<int>(count); }),
              "Exhausted(no_room) arena: " + std::to_string(SIZE_MAX) +
                  " bytes asked, 16 of 1024 left");
  arena.release();
  EXPECT_EQ(test::error([&] { arena.reset(); }), "Misuse(released) arena: used after release");
}

TEST(Arena, ARefusalChangesNothing) {
  Log log;
  Arena arena(128);
  arena.create<Witness>(log, 1);
  void* const p = arena.allocate(24);
  test::fill(p, 24);
  const test::State before = test::state(arena);
  for (const std::size_t bytes : {before.available + 25, SIZE_MAX, SIZE_MAX - 7}) {
    EXPECT_EQ(test::kind([&] { return arena.allocate(bytes); }), "Exhausted(no_room)");
    EXPECT_EQ(test::kind([&] { return arena.allocate(bytes, 64); }), "Exhausted(no_room)");
    EXPECT_EQ(arena.try_allocate(bytes), nullptr);
    EXPECT_EQ(arena.try_allocate(bytes, 64), nullptr);
    EXPECT_FALSE(arena.try_resize(p, 24, bytes));
    EXPECT_EQ(test::kind([&] { return arena.create_array<std::string>(bytes); }),
              "Exhausted(no_room)");
  }
  for (const std::size_t alignment : test::bad_alignments) {
    EXPECT_EQ(test::kind([&] { return arena.allocate(8, alignment); }), "Misuse(bad_alignment)");
    EXPECT_EQ(arena.try_allocate(8, alignment), nullptr);
  }
  EXPECT_EQ(test::state(arena), before);
  EXPECT_EQ(arena.objects(), 1u);
  EXPECT_TRUE(test::holds(p, 24, 0xA5));
  EXPECT_TRUE(log.empty());
}

TEST(Arena, DestroysItsObjectsOnceAndNewestFirst) {
  Log log;
  {
    Arena arena(1024);
    for (int i = 0; i != 3; ++i)
      EXPECT_EQ(arena.create<Witness>(log, i)->number(), i);
    EXPECT_EQ(arena.objects(), 3u);
    arena.reset();
    EXPECT_EQ(log, (Log{2, 1, 0}));
    EXPECT_EQ(arena.objects(), 0u);
    log.clear();
    arena.create<Witness>(log, 7);
    arena.release();
    EXPECT_EQ(log, Log{7});
    EXPECT_EQ(arena.objects(), 0u);
  }
  EXPECT_EQ(log, Log{7});
  {
    Arena arena(1024);
    arena.create<Witness>(log, 8);
  }
  EXPECT_EQ(log, (Log{7, 8}));
}

TEST(Arena, MovesItsObjectsWithIt) {
  Log log;
  Arena from(1024);
  from.create<Witness>(log, 1);
  Arena to(1024);
  to.create<Witness>(log, 2);
  to = std::move(from);
  EXPECT_EQ(log, Log{2});
  EXPECT_EQ(to.objects(), 1u);
  EXPECT_EQ(from.objects(), 0u);
  Arena& alias = to;
  to = std::move(alias);
  EXPECT_EQ(to.objects(), 1u);
  to.release();
  EXPECT_EQ(log, (Log{2, 1}));
}

TEST(Arena, IsZeroAtFirstAndAfterEveryReset) {
  Log log;
  Arena arena(1024);
  for (int round = 0; round != 3; ++round) {
    EXPECT_TRUE(test::holds(arena.allocate(256), 256, 0));
    arena.create<Witness>(log, round);
    test::fill(arena.allocate(512), 512);
    arena.reset();
    EXPECT_EQ(arena.offset(), 0u);
    EXPECT_TRUE(test::holds(arena.allocate(1024), 1024, 0));
    arena.reset();
  }
}

TEST(Arena, ZeroesNothingWhereThatIsOff) {
  alignas(8) std::byte memory[64];
  test::fill(memory, sizeof memory);
  Arena arena(Buffer::borrowed(memory), {.zero = false});
  EXPECT_TRUE(test::holds(arena.allocate(64), 64, 0xA5));
  arena.reset();
  EXPECT_TRUE(test::holds(arena.allocate(64), 64, 0xA5));
}

TEST(Arena, PeakSurvivesReset) {
  Arena arena(64);
  (void)arena.allocate(40);
  arena.reset();
  (void)arena.allocate(8);
  EXPECT_EQ(test::state(arena), (test::State{64, 8, 56, 40}));
}

void expect_released(Arena& arena) {
  std::byte elsewhere[8];
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{8}, SIZE_MAX}) {
    EXPECT_EQ(test::kind([&] { return arena.allocate(bytes); }), "Misuse(released)");
    EXPECT_EQ(test::kind([&] { return arena.allocate(bytes, 64); }), "Misuse(released)");
    EXPECT_EQ(test::kind([&] { return arena.create_array<int>(bytes); }), "Misuse(released)");
    EXPECT_EQ(arena.try_allocate(bytes), nullptr);
    EXPECT_EQ(arena.try_allocate(bytes, 64), nullptr);
    EXPECT_FALSE(arena.try_resize(elsewhere, 8, bytes));
    EXPECT_FALSE(arena.try_resize(nullptr, 0, bytes));
  }
  EXPECT_EQ(test::kind([&] { arena.create<int>(1); }), "Misuse(released)");
  EXPECT_EQ(test::kind([&] { arena.create<std::string>("text"); }), "Misuse(released)");
  EXPECT_EQ(test::kind([&] { arena.reset(); }), "Misuse(released)");
  EXPECT_TRUE(arena.freed());
  EXPECT_EQ(arena.buffer(), nullptr);
  EXPECT_EQ(arena.size() + arena.offset() + arena.objects(), 0u);
  EXPECT_FALSE(arena.owns(nullptr));
  arena.release(); // again
}

TEST(Arena, RefusesEverythingOnceReleased) {
  Arena arena(64);
  (void)arena.allocate(8);
  arena.release();
  expect_released(arena);
}

TEST(Arena, RefusesEverythingOnceMovedFrom) {
  Arena from(64);
  (void)from.allocate(24);
  Arena to = std::move(from);
  expect_released(from);
  EXPECT_EQ(to.offset(), 24u);
  from = std::move(to);
  expect_released(to);
  EXPECT_EQ(from.offset(), 24u);
}

TEST(Arena, AnUpstreamGetsItsMemoryBackAfterTheObjectsAreDestroyed) {
  TestResource upstream;
  struct Nosy {
    TestResource& upstream;
    explicit Nosy(TestResource& resource) : upstream(resource) {}
    ~Nosy() { EXPECT_EQ(upstream.live(), 1u); }
  };
  Arena arena(Buffer::from(&upstream, 256));
  arena.create<Nosy>(upstream);
  arena.release();
  EXPECT_EQ(upstream.live(), 0u);
}

// Calls `then` while the arena destroys it.
template <class Call>
struct AtTheEnd {
  Call then;
  explicit AtTheEnd(Call call) : then(std::move(call)) {}
  ~AtTheEnd() { then(); }
};

TEST(Arena, IsClosedWhileDestructorsRun) {
  Arena arena(1024);
  void* const p = arena.allocate(16);
  std::vector<std::string> errors;
  arena.create<AtTheEnd<std::function<void()>>>([&] {
    errors = {test::error([&] { return arena.allocate(8); }),
              test::kind([&] { return arena.allocate(0); }),
              test::kind([&] { return arena.allocate(8, 64); }),
              test::kind([&] { arena.create<int>(1); }),
              test::kind([&] { arena.create<std::string>("text"); }),
              test::kind([&] { arena.reset(); })};
    EXPECT_EQ(arena.try_allocate(8), nullptr);
    EXPECT_EQ(arena.try_allocate(0), nullptr);
    EXPECT_EQ(arena.try_allocate(8, 64), nullptr);
    EXPECT_FALSE(arena.try_resize(p, 16, 8));
  });
  arena.reset();
  EXPECT_EQ(errors, (std::vector<std::string>{
                        "Misuse(busy) arena: used while its own destructors run", "Misuse(busy)",
                        "Misuse(busy)", "Misuse(busy)", "Misuse(busy)", "Misuse(busy)"}));
  EXPECT_EQ(arena.available(), 1024u); // and open again
}

TEST(Arena, AReleaseFromADestructorIsReportedAndIgnored) {
  const test::ReportedMisuse reported;
  Log log;
  Arena arena(1024);
  arena.create<Witness>(log, 1);
  arena.create<AtTheEnd<std::function<void()>>>([&] { arena.release(); });
  arena.reset();
  EXPECT_EQ(reported.texts(),
            std::vector<std::string>{"busy arena: released while its own destructors run"});
  EXPECT_FALSE(arena.freed());
  EXPECT_EQ(log, Log{1});
}

TEST(Arena, ADestructorMayReadOlderObjectsAndAllocations) {
  Arena arena(1024);
  auto* const text = arena.create<std::string>("long enough not to be stored in the string itself");
  char* const byte = static_cast<char*>(arena.allocate(1));
  *byte = 'x';
  std::string seen;
  arena.create<AtTheEnd<std::function<void()>>>([&, text, byte] { seen = *text + *byte; });
  arena.reset();
  EXPECT_EQ(seen, "long enough not to be stored in the string itselfx");
}

class ArenaHiding : public test::Watched {};

TEST_F(ArenaHiding, EveryByteNotHandedOut) {
  Log log;
  Arena arena(1024);
  const auto* const p = static_cast<std::byte*>(arena.allocate(13));
  const auto* const object = reinterpret_cast<std::byte*>(arena.create<Witness>(log, 1));
  EXPECT_EQ(test::visible(p, 1024), 13u);
  EXPECT_TRUE(test::all_hidden(p + 13, static_cast<std::size_t>(object - (p + 13))));
  EXPECT_EQ(test::visible(object, 1024), sizeof(Witness));
  arena.reset();
  EXPECT_TRUE(test::all_hidden(arena.buffer(), red_zones.stretch(1024)));
}

TEST_F(ArenaHiding, NothingOfABorrowedBufferAfterItsEnd) {
  alignas(8) std::byte memory[64];
  {
    Arena first(Buffer::borrowed(memory));
    const Arena second = std::move(first);
    EXPECT_TRUE(test::all_hidden(memory, 64));
  }
  EXPECT_EQ(test::visible(memory, 64), 64u);
}

#if defined(ALLOT_ASAN)
TEST(ArenaDeathTest, AddressSanitizerCatchesUseAfterResetAndRelease) {
  Arena arena(1024);
  int* const p = arena.create<int>(5);
  std::string* const text = arena.create<std::string>("text");
  EXPECT_DEATH(test::touch(p + 1), "use-after-poison");
  EXPECT_DEATH(test::touch(reinterpret_cast<std::byte*>(text) - 1), "use-after-poison");
  arena.reset();
  EXPECT_DEATH(test::touch(p), "use-after-poison");
  arena.release();
  EXPECT_DEATH(test::touch(p), "heap-use-after-free");
}
#endif

} // namespace
