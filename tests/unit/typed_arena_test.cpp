#include <allot/typed_arena.hpp>

#include "support.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {
extern std::atomic<std::uint64_t> epochs_drawn; // of src/typed_arena.cpp
}
} // namespace ALLOT_ABI
} // namespace allot

using namespace allot;
using test::TestResource;
using test::Witness;

namespace {

using Log = std::vector<int>;

TEST(TypedArena, MakesObjectsInOrder) {
  TypedArena<std::string> arena(3);
  EXPECT_EQ(test::state(arena), (test::State{3, 0, 3, 0}));
  const auto [first, zero] = arena.create("first");
  const auto [second, one] = arena.create(3u, 'x');
  EXPECT_EQ(zero, 0u);
  EXPECT_EQ(one, 1u);
  EXPECT_EQ(*first, "first");
  EXPECT_EQ(*second, "xxx");
  EXPECT_EQ(&arena.at(0), first);
  EXPECT_EQ(&arena[1], second);
  EXPECT_EQ(&std::as_const(arena).at(0), first);
  EXPECT_EQ(&std::as_const(arena)[1], second);
  static_assert(std::is_same_v<decltype(std::as_const(arena)[0]), const std::string&>);
  EXPECT_EQ(test::state(arena), (test::State{3, 2, 1, 2}));
}

TEST(TypedArena, ValueInitialisesWithoutArguments) {
  struct Plain {
    int number;
    void* pointer;
  };
  alignas(Plain) std::byte memory[64];
  test::fill(memory, sizeof memory);
  TypedArena<Plain> arena(Buffer::borrowed(memory));
  const Plain& plain = *arena.create().ptr;
  EXPECT_EQ(plain.number, 0);
  EXPECT_EQ(plain.pointer, nullptr);
  arena[0].number = 7;
  arena.reset();
  EXPECT_EQ(arena.create().ptr->number, 0);
}

#if SIZE_MAX > UINT32_MAX // what 32 bits have no addresses for
TEST(TypedArena, NamesItselfInErrors) {
  using Arena = TypedArena<std::uint64_t>;
  EXPECT_EQ(test::error([] { return Arena(0); }),
            "Misuse(bad_size) typed_arena: 0 slots of 8 bytes were asked for");
  EXPECT_EQ(test::kind([] { return Arena(SIZE_MAX); }), "Misuse(overflow)");
  EXPECT_EQ(test::kind([] { return Arena(SIZE_MAX / 8 + 2); }), "Misuse(overflow)");
  EXPECT_EQ(test::error([] { return Arena(std::size_t{1} << 59); }),
            "Exhausted(system_refused) typed_arena: the heap refused 4611686018427387904 bytes");
  EXPECT_EQ(test::kind([] { return Arena(Buffer()); }), "Misuse(bad_size)");
  Arena arena(1);
  EXPECT_EQ(test::error([&] { return arena.at(0); }),
            "Misuse(out_of_bounds) typed_arena: index 0, of 0 slots in use");
  EXPECT_EQ(test::kind([&] { return arena[SIZE_MAX]; }), "Misuse(out_of_bounds)");
  (void)arena.create();
  EXPECT_EQ(test::error([&] { return arena.create(); }),
            "Exhausted(no_room) typed_arena: 1 slots asked, 0 of 1 left");
  arena.release();
  EXPECT_EQ(test::error([&] { return arena.create(); }),
            "Misuse(released) typed_arena: used after release");
  EXPECT_EQ(test::error([&] { return arena.at(0); }),
            "Misuse(released) typed_arena: used after release");
}
#endif

TEST(TypedArena, DestroysNewestFirstAndOnce) {
  Log log;
  {
    TypedArena<Witness> arena(10);
    for (int i = 0; i != 3; ++i)
      arena.create(log, i);
    arena.reset();
    EXPECT_EQ(log, (Log{2, 1, 0}));
    EXPECT_EQ(test::state(arena), (test::State{10, 0, 10, 3}));
    arena.create(log, 3);
    arena.create(log, 4);
    arena.release();
    EXPECT_EQ(log, (Log{2, 1, 0, 4, 3}));
    arena.release();
  }
  EXPECT_EQ(log.size(), 5u);
  {
    TypedArena<Witness> arena(10);
    arena.create(log, 5);
    arena.create(log, 6);
  }
  EXPECT_EQ(log, (Log{2, 1, 0, 4, 3, 6, 5}));
}

TEST(TypedArena, ObjectsGoWithAMove) {
  Log log;
  {
    TypedArena<Witness> from(2);
    from.create(log, 1);
    TypedArena<Witness> to(2);
    to.create(log, 2);
    to = std::move(from);
    EXPECT_EQ(log, Log{2}); // what it had is destroyed
    EXPECT_EQ(to[0].number(), 1);
    EXPECT_EQ(test::kind([&] { from.create(log, 3); }), "Misuse(released)");
    EXPECT_EQ(test::kind([&] { return from.at(0).number(); }), "Misuse(released)");
    TypedArena<Witness> last(std::move(to));
    EXPECT_EQ(log, Log{2});
  }
  EXPECT_EQ(log, (Log{2, 1}));
}

template <std::size_t alignment>
struct alignas(alignment) Aligned {
  char byte = 'x';
};

TEST(TypedArena, ObjectsAreAlignedAsTheirTypesAre) {
  const auto check = []<std::size_t alignment>(std::integral_constant<std::size_t, alignment>) {
    static std::byte memory[10 * alignment + 1];
    TypedArena<Aligned<alignment>> arenas[] = {
        TypedArena<Aligned<alignment>>(5),
        TypedArena<Aligned<alignment>>(Buffer::borrowed(std::span(memory).subspan(1))),
        TypedArena<Aligned<alignment>>(Buffer::mapped(1 << 16))};
    EXPECT_EQ(arenas[0].capacity(), 5u);
    for (auto& arena : arenas) {
      while (arena.available() != 0)
        EXPECT_TRUE(test::is_aligned(arena.create().ptr, alignment));
      EXPECT_GT(arena.used(), 1u);
    }
  };
  check(std::integral_constant<std::size_t, 16>());
  check(std::integral_constant<std::size_t, 64>());
  check(std::integral_constant<std::size_t, 128>());
  check(std::integral_constant<std::size_t, 4096>());
}

TEST(TypedArena, ABufferTooSmallForAnAlignedObjectIsMisuse) {
  alignas(64) static std::byte memory[128];
  using Arena = TypedArena<Aligned<64>>;
  EXPECT_EQ(Arena(Buffer::borrowed(memory)).capacity(), 2u);
  EXPECT_EQ(Arena(Buffer::borrowed(std::span(memory).subspan(1))).capacity(), 1u);
  EXPECT_EQ(test::kind([] { return Arena(Buffer::borrowed(std::span(memory).subspan(65))); }),
            "Misuse(bad_size)");
  EXPECT_EQ(test::kind([] { return Arena(Buffer::borrowed(std::span(memory).subspan(1, 120))); }),
            "Misuse(bad_size)");
}

TEST(TypedArena, ObjectsNeedNotMoveOrBeLarge) {
  struct Immovable {
    explicit Immovable(int n) : number(n) {}
    Immovable(const Immovable&) = delete;
    Immovable& operator=(const Immovable&) = delete;
    int number;
  };
  TypedArena<Immovable> arena(2);
  EXPECT_EQ(arena.create(7).ptr->number, 7);
  TypedArena<char> bytes(3);
  for (char c = 'a'; c != 'd'; ++c)
    bytes.create(c);
  EXPECT_EQ(bytes[0], 'a');
  EXPECT_EQ(bytes[2], 'c');
  struct Empty {};
  TypedArena<Empty> nothing(2);
  EXPECT_NE(nothing.create().ptr, nothing.create().ptr);
}

struct Throws {
  explicit Throws(bool shall) {
    if (shall)
      throw std::runtime_error("as it shall");
  }
};

TEST(TypedArena, AConstructorThatThrowsLeavesNothingBehind) {
  TypedArena<Throws> arena(2);
  arena.create(false);
  EXPECT_THROW(arena.create(true), std::runtime_error);
  EXPECT_EQ(test::state(arena), (test::State{2, 1, 1, 2}));
  EXPECT_EQ(arena.create(false).index, 1u);
  EXPECT_EQ(test::kind([&] { arena.create(true); }), "Exhausted(no_room)");
}

// A tree: makes its children in the arena that it is made in.
struct Node {
  Node(TypedArena<Node>& arena, Log& destroyed, int name, int children, int failing)
      : log(destroyed), number(name) {
    for (int i = 0; i != children; ++i)
      arena.create(arena, destroyed, 10 * name + i, 0, failing);
    if (number == failing)
      throw std::runtime_error("it fails");
  }
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node() { log.push_back(number); }
  Log& log;
  int number;
};

TEST(TypedArena, AConstructorMayMakeOthers) {
  Log log;
  TypedArena<Node> arena(4);
  EXPECT_EQ(arena.create(arena, log, 1, 3, -1).index, 0u);
  EXPECT_EQ(arena.used(), 4u);
  EXPECT_EQ(arena[1].number, 10);
  EXPECT_EQ(arena[3].number, 12);
  arena.reset();
  EXPECT_EQ(log, (Log{12, 11, 10, 1})); // by index, highest first
}

struct Parent {
  Parent(TypedArena<Parent>& home, Log& gone_children, int generations)
      : arena(home), log(gone_children),
        child(generations == 0 ? 0 : home.create(home, log, generations - 1).index) {}
  Parent(const Parent&) = delete;
  Parent& operator=(const Parent&) = delete;
  ~Parent() {
    if (child != 0 && test::kind([this] { return &arena.at(child); }) == "Misuse(out_of_bounds)")
      log.push_back(static_cast<int>(child));
  }
  TypedArena<Parent>& arena;
  Log& log;
  std::size_t child;
};

TEST(TypedArena, AParentDiesAfterTheChildrenThatItsConstructorMade) {
  Log log;
  {
    TypedArena<Parent> arena(3);
    arena.create(arena, log, 2);
    EXPECT_EQ(arena[0].child, 1u);
    arena.reset();
    EXPECT_EQ(log, (Log{2, 1}));
    arena.create(arena, log, 2);
  }
  EXPECT_EQ(log, (Log{2, 1, 2, 1}));
}

TEST(TypedArena, AConstructorThatFailsAfterItMadeOthersLeavesAHole) {
  Log log;
  TypedArena<Node> arena(10);
  EXPECT_THROW(arena.create(arena, log, 1, 2, 1), std::runtime_error);
  EXPECT_EQ(arena.used(), 3u); // the others stay
  EXPECT_TRUE(log.empty());
  EXPECT_EQ(
      test::error([&] { return arena.at(0).number; }),
      "Misuse(out_of_bounds) typed_arena: index 0: its constructor failed, of 3 slots in use");
  EXPECT_EQ(arena[1].number, 10);
  EXPECT_EQ(arena[2].number, 11);
  EXPECT_EQ(arena.create(arena, log, 3, 0, -1).index, 3u);
  arena.reset();
  EXPECT_EQ(log, (Log{3, 11, 10})); // and the hole is not destroyed
  arena.create(arena, log, 4, 0, -1);
  EXPECT_EQ(arena[0].number, 4); // nor remembered
}

TEST(TypedArena, AnyNumberOfHolesIsKnown) {
  Log log;
  TypedArena<Node> arena(3000);
  std::vector<int> expected; // by index; -1 is a hole
  std::mt19937 random(3);
  for (int name = 1; name != 500; ++name) {
    const int children = static_cast<int>(random() % 4);
    const bool fails = random() % 2 == 0;
    try {
      arena.create(arena, log, name, children, fails ? name : -1);
    } catch (const std::runtime_error&) {
      EXPECT_TRUE(fails);
    }
    if (fails && children == 0)
      continue;
    expected.push_back(fails ? -1 : name);
    for (int i = 0; i != children; ++i)
      expected.push_back(10 * name + i);
  }
  log.clear();
  ASSERT_EQ(arena.used(), expected.size());
  for (std::size_t i = 0; i != expected.size(); ++i) {
    if (expected[i] == -1)
      EXPECT_EQ(test::kind([&] { return arena[i].number; }), "Misuse(out_of_bounds)");
    else
      EXPECT_EQ(arena[i].number, expected[i]);
  }
  TypedArena<Node> moved(std::move(arena)); // holes too
  moved.release();
  std::erase(expected, -1);
  std::reverse(expected.begin(), expected.end());
  EXPECT_EQ(log, expected);
}

TEST(TypedArena, AChildThatFailsFailsItsParentAndLeavesAHoleOnlyWhereOthersWereMade) {
  Log log;
  TypedArena<Node> arena(10);
  EXPECT_THROW(arena.create(arena, log, 1, 3, 10), std::runtime_error); // the first child
  EXPECT_EQ(arena.used(), 0u);
  EXPECT_THROW(arena.create(arena, log, 1, 3, 12), std::runtime_error); // the last one
  EXPECT_EQ(arena.used(), 3u);
  EXPECT_EQ(test::kind([&] { return arena[0].number; }), "Misuse(out_of_bounds)");
  EXPECT_EQ(arena[2].number, 11);
  arena.reset();
  EXPECT_EQ(log, (Log{11, 10}));
}

// Trivially destructible, so that nothing runs at reset; holes must go all the same.
struct Plain {
  Plain(TypedArena<Plain>& arena, bool fails) {
    if (!fails)
      return;
    arena.create(arena, false);
    throw std::runtime_error("it fails");
  }
  char byte = 'x';
};

TEST(TypedArena, VisitsItsObjectsInOrderAndNoHole) {
  struct Fails {
    Fails(TypedArena<Fails>& arena, int n) : number(n) {
      if (n < 0) {
        arena.create(arena, -n);
        throw std::runtime_error("after it made another");
      }
    }
    int number;
  };
  TypedArena<Fails> arena(10);
  arena.create(arena, 1);
  EXPECT_THROW(arena.create(arena, -2), std::runtime_error);
  arena.create(arena, 3);
  std::vector<int> seen;
  arena.for_each([&](Fails& object) {
    seen.push_back(object.number);
    if (object.number == 3)
      arena.create(arena, 4); // which is not visited
  });
  EXPECT_EQ(seen, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(arena.used(), 5u); // the hole too
}

TEST(TypedArena, TryCreateGivesNullForEveryRefusal) {
  TypedArena<int> arena(2);
  EXPECT_EQ(*arena.try_create(7).ptr, 7);
  EXPECT_EQ(arena.try_create(8).index, 1u);
  EXPECT_EQ(arena.try_create(9).ptr, nullptr);
  arena.release();
  EXPECT_EQ(arena.try_create(9).ptr, nullptr);
  struct AlwaysThrows {
    AlwaysThrows() { throw std::runtime_error("always"); }
  };
  TypedArena<AlwaysThrows> throwing(2);
  EXPECT_THROW((void)throwing.try_create(), std::runtime_error);
  EXPECT_TRUE(throwing.empty());
}

TEST(TypedArena, HolesGoWithAReset) {
  TypedArena<Plain> arena(4);
  EXPECT_THROW(arena.create(arena, true), std::runtime_error);
  EXPECT_EQ(test::kind([&] { return arena[0].byte; }), "Misuse(out_of_bounds)");
  arena.reset();
  arena.create(arena, false);
  EXPECT_EQ(arena[0].byte, 'x');
}

struct AtTheEnd {
  explicit AtTheEnd(std::function<void()> call) : then(std::move(call)) {}
  ~AtTheEnd() { then(); }
  std::function<void()> then;
};

TEST(TypedArena, IsClosedWhileItDestroys) {
  TypedArena<AtTheEnd> arena(4);
  std::vector<std::string> kinds;
  std::size_t seen = 0;
  bool older_is_there = false;
  const auto nothing = [] {};
  arena.create(nothing);
  arena.create([&] {
    seen = arena.used();
    older_is_there = arena.owns(&arena.at(0));
    kinds = {test::kind([&] { arena.create(nothing); }), test::kind([&] { arena.reset(); }),
             test::kind([&] { (void)arena.at(1); })};
  });
  arena.create(nothing);
  arena.reset();
  EXPECT_EQ(kinds,
            (std::vector<std::string>{"Misuse(busy)", "Misuse(busy)", "Misuse(out_of_bounds)"}));
  EXPECT_EQ(seen, 1u); // the older ones
  EXPECT_TRUE(older_is_there);
  EXPECT_EQ(test::state(arena), (test::State{4, 0, 4, 3}));
  arena.create(nothing);
}

TEST(TypedArena, IsClosedWhileItDestroysItsOnlyObjectToo) {
  TypedArena<AtTheEnd> arena(1);
  std::vector<std::string> kinds;
  arena.create([&] {
    kinds = {test::kind([&] { arena.create([] {}); }), test::kind([&] { arena.reset(); })};
  });
  arena.release();
  EXPECT_EQ(kinds, (std::vector<std::string>{"Misuse(busy)", "Misuse(busy)"}));
  EXPECT_EQ(test::state(arena), (test::State{0, 0, 0, 0}));
}

TEST(TypedArena, AReleaseFromADestructorIsReportedAndIgnored) {
  const test::ReportedMisuse reported;
  TypedArena<AtTheEnd> arena(4);
  arena.create([] {});
  arena.create([&] { arena.release(); });
  arena.reset();
  EXPECT_EQ(reported.texts(),
            std::vector<std::string>{"busy typed_arena: released while its own destructors run"});
  EXPECT_EQ(arena.capacity(), 4u);
}

// Objects make their own zeroes.
TEST(TypedArena, LeavesABufferAsItIsUntilAnObjectIsMade) {
  alignas(64) std::byte memory[256];
  test::fill(memory, sizeof memory);
  TypedArena<int> arena(Buffer::borrowed(memory));
  EXPECT_EQ(*arena.create().ptr, 0);
#if !defined(ALLOT_ASAN) && !defined(ALLOT_VALGRIND)
  EXPECT_TRUE(test::holds(memory + 64, sizeof memory - 64, 0xA5));
#endif
}

TEST(TypedArena, GivesItsBufferBack) {
  TestResource upstream;
  TypedArena<std::string> arena(Buffer::from(&upstream, 1000));
  arena.create("long enough not to be stored in the object itself");
  arena = TypedArena<std::string>(Buffer::from(&upstream, 100));
  EXPECT_EQ(upstream.live(), 1u);
  arena.release();
  EXPECT_EQ(upstream.live(), 0u);
}

// Sets the process's count of epochs for the length of a test.
class EpochsDrawn {
public:
  explicit EpochsDrawn(std::uint64_t count) : before_(detail::epochs_drawn.exchange(count)) {}
  EpochsDrawn(const EpochsDrawn&) = delete;
  EpochsDrawn& operator=(const EpochsDrawn&) = delete;
  ~EpochsDrawn() { detail::epochs_drawn = before_; }

private:
  std::uint64_t before_;
};

constexpr const char* stale_seven =
    "Misuse(stale_handle) typed_arena: the handle 7 is null, from before a reset, or another "
    "arena's";

TEST(TypedArenaHandle, StandsForALiveObject) {
  using Handle = TypedArena<int>::Handle;
  TypedArena<int> arena(10);
  for (int i = 0; i != 10; ++i)
    arena.create(i);
  const Handle seven = arena.handle(7);
  EXPECT_EQ(seven.index(), 7u);
  EXPECT_EQ(seven, arena.handle(7));
  EXPECT_NE(seven, arena.handle(8));
  EXPECT_EQ(&arena.at(seven), &arena[7]);
  EXPECT_EQ(&arena[seven], &arena[7]);
  EXPECT_EQ(arena.try_at(seven), &arena[7]);
  EXPECT_TRUE(arena.contains(seven));
  const TypedArena<int>& constant = arena;
  EXPECT_EQ(&constant.at(seven), &arena[7]);
  EXPECT_EQ(&constant[seven], &arena[7]);
  static_assert(std::is_same_v<decltype(constant[seven]), const int&>);
  static_assert(std::is_same_v<decltype(constant.try_at(seven)), const int*>);
  static_assert(noexcept(arena.try_at(seven))&& noexcept(arena.contains(seven)));
  static_assert(std::is_trivially_copyable_v<Handle>);
  EXPECT_EQ(test::error([&] { return arena.handle(10); }),
            "Misuse(out_of_bounds) typed_arena: index 10, of 10 slots in use");
}

// Of whatever it may be: every way to use it refuses it.
template <class T>
void expect_stale(TypedArena<T>& arena, typename TypedArena<T>::Handle handle) {
  const auto& constant = arena;
  EXPECT_EQ(test::kind([&] { (void)arena.at(handle); }), "Misuse(stale_handle)");
  EXPECT_EQ(test::kind([&] { (void)arena[handle]; }), "Misuse(stale_handle)");
  EXPECT_EQ(test::kind([&] { (void)constant.at(handle); }), "Misuse(stale_handle)");
  EXPECT_EQ(test::kind([&] { (void)constant[handle]; }), "Misuse(stale_handle)");
  EXPECT_EQ(arena.try_at(handle), nullptr);
  EXPECT_EQ(constant.try_at(handle), nullptr);
  EXPECT_FALSE(arena.contains(handle));
}

TEST(TypedArenaHandle, ANullHandleIsNeverValid) {
  TypedArena<int> arena(2);
  expect_stale(arena, {}); // no epoch was drawn
  arena.create(1);
  expect_stale(arena, {});
  EXPECT_NE(arena.handle(0), TypedArena<int>::Handle());
  expect_stale(arena, {});
}

TEST(TypedArenaHandle, IsStaleAfterAReset) {
  TypedArena<int> arena(10);
  const auto fill = [&] {
    while (arena.available() != 0)
      arena.create();
  };
  fill();
  const auto before = arena.handle(7);
  arena.reset();
  expect_stale(arena, before);
  fill();
  EXPECT_EQ(test::error([&] { return arena.at(before); }), stale_seven);
  expect_stale(arena, before);
  const auto after = arena.handle(7);
  EXPECT_NE(after, before);
  expect_stale(arena, before);
  EXPECT_TRUE(arena.contains(after));
}

TEST(TypedArenaHandle, OfAnotherArenaIsRefused) {
  TypedArena<int> one(1);
  TypedArena<int> other(1);
  one.create(1);
  other.create(2);
  const auto handle = one.handle(0);
  expect_stale(other, handle);
  EXPECT_TRUE(other.contains(other.handle(0)));
  expect_stale(other, handle);
  expect_stale(one, other.handle(0));
}

TEST(TypedArenaHandle, GoesWithAMove) {
  TypedArena<int> from(2);
  from.create(1);
  const auto handle = from.handle(0);
  TypedArena<int> to(std::move(from));
  EXPECT_EQ(to[handle], 1);
  EXPECT_FALSE(from.contains(handle));
  EXPECT_EQ(test::error([&] { return from.at(handle); }),
            "Misuse(released) typed_arena: used after release");
  TypedArena<int> last(1);
  last.create(2);
  const auto lost = last.handle(0);
  last = std::move(to);
  EXPECT_EQ(last[handle], 1);
  expect_stale(last, lost);
  last.release();
  EXPECT_EQ(last.try_at(handle), nullptr);
  EXPECT_EQ(test::kind([&] { return last[handle]; }), "Misuse(released)");
  EXPECT_EQ(test::kind([&] { return last.handle(0); }), "Misuse(released)");
}

TEST(TypedArenaHandle, ResetsDrawNoEpochsAndOnlyTheFirstHandleAfterOneDoes) {
  const std::uint64_t before = detail::epochs_drawn;
  TypedArena<int> arena(2);
  arena.create();
  arena.reset();
  arena.create();
  arena.create();
  arena.reset();
  EXPECT_EQ(detail::epochs_drawn, before);
  for (std::uint64_t round = 1; round != 4; ++round) {
    arena.create();
    arena.create();
    (void)arena.handle(0);
    (void)arena.handle(1);
    EXPECT_EQ(detail::epochs_drawn, before + round);
    arena.reset();
  }
}

TEST(TypedArenaHandle, EpochsGoOnBeyond32Bits) {
  const EpochsDrawn many(0xFFFFFFFF - 2);
  TypedArena<int> arena(1);
  std::vector<TypedArena<int>::Handle> stale;
  for (int i = 0; i != 6; ++i) {
    arena.create(i);
    const auto handle = arena.handle(0);
    EXPECT_EQ(arena[handle], i);
    for (const auto& before : stale)
      expect_stale(arena, before);
    stale.push_back(handle);
    arena.reset();
  }
  EXPECT_GT(detail::epochs_drawn, std::uint64_t{0xFFFFFFFF});
}

TEST(TypedArenaHandle, ComparesOrdersAndHashes) {
  TypedArena<int> arena(3);
  std::set<TypedArena<int>::Handle> ordered;
  std::unordered_set<TypedArena<int>::Handle> hashed;
  std::set<std::size_t> hashes;
  for (int round = 0; round != 100; ++round) {
    for (std::size_t i = 0; i != 3; ++i) {
      arena.create();
      const auto handle = arena.handle(i);
      EXPECT_TRUE(ordered.empty() || *ordered.rbegin() < handle);
      EXPECT_TRUE(ordered.insert(handle).second);
      EXPECT_TRUE(hashed.insert(handle).second);
      EXPECT_FALSE(hashed.insert(arena.handle(i)).second);
      hashes.insert(std::hash<TypedArena<int>::Handle>()(handle));
    }
    arena.reset();
  }
  EXPECT_EQ(hashes.size(), 300u);
  EXPECT_TRUE(hashed.contains(*ordered.begin()));
}

#if SIZE_MAX > UINT32_MAX // what 32 bits have no addresses for
TEST(TypedArenaHandle, AnArenaWithRoomForMoreThan32BitsCanNumberIsRefused) {
  if (test::watched())
    GTEST_SKIP() << "sanitizers cannot mark so much memory";
  Buffer memory;
  try {
    memory = Buffer::mapped(std::size_t{1} << 35);
  } catch (const Exhausted&) {
    GTEST_SKIP() << "the system does not commit so much memory";
  }
  EXPECT_EQ(test::error([&] { TypedArena<char> arena(std::move(memory)); }),
            "Misuse(overflow) typed_arena: 4294967296 objects of 1 bytes are more than can be "
            "numbered");
  TypedArena<char> one_less(Buffer::mapped((std::size_t{1} << 35) - 4096));
  one_less.create('x');
  EXPECT_EQ(one_less[one_less.handle(0)], 'x');
}
#endif

// Fails after it has made others of its kind, or not.
struct Fickle {
  explicit Fickle(TypedArena<Fickle>& arena, std::mt19937& random, int depth)
      : number(arena.used() - 1) {
    if (depth != 0)
      for (auto i = random() % 3; i != 0; --i)
        try {
          arena.create(arena, random, depth - 1);
        } catch (const std::runtime_error&) { // a hole
        }
    if (random() % 2 == 0)
      throw std::runtime_error("it fails");
  }
  std::size_t number;
};

TEST(TypedArena, TellsEveryHoleFromEveryObject) {
  std::mt19937 random(7);
  TypedArena<Fickle> arena(100000);
  while (arena.available() > 1000)
    try {
      arena.create(arena, random, 5);
    } catch (const std::runtime_error&) { // the same
    }
  std::vector<bool> lives(arena.used());
  std::size_t objects = 0;
  arena.for_each([&](const Fickle& object) {
    lives[object.number] = true;
    ++objects;
  });
  EXPECT_GT(objects, 20000u);
  EXPECT_LT(objects, 80000u);
  for (std::size_t i = 0; i != lives.size(); ++i)
    if (lives[i])
      ASSERT_EQ(arena[i].number, i);
    else
      ASSERT_EQ(test::kind([&] { return arena[i]; }), "Misuse(out_of_bounds)");
  arena.reset();
  EXPECT_TRUE(arena.empty());
}

// Gives a handle to itself away, and fails.
struct Boasting {
  Boasting(TypedArena<Boasting>& arena, TypedArena<Boasting>::Handle& handle)
      : Boasting(arena.handle(arena.used() - 1), handle) {
    throw std::runtime_error("it fails");
  }
  Boasting() = default;
  Boasting(TypedArena<Boasting>::Handle own, TypedArena<Boasting>::Handle& handle) { handle = own; }
};

TEST(TypedArenaHandle, OfAnObjectWhoseConstructorFailedIsNotAnothers) {
  TypedArena<Boasting> arena(4);
  arena.create();
  const auto first = arena.handle(0);
  TypedArena<Boasting>::Handle handle;
  EXPECT_THROW(arena.create(arena, handle), std::runtime_error);
  EXPECT_EQ(handle.index(), 1u);
  EXPECT_EQ(test::kind([&] { (void)arena.at(handle); }), "Misuse(out_of_bounds)");
  EXPECT_EQ(arena.try_at(handle), nullptr);
  EXPECT_EQ(arena.create().index, 2u); // the index stays a hole
  EXPECT_FALSE(arena.contains(handle));
  EXPECT_TRUE(arena.contains(first));
  arena.reset();
  arena.create();
  EXPECT_EQ(arena.create().index, 1u);
  EXPECT_FALSE(arena.contains(handle));
}

TEST(TypedArenaHandle, LeavesTheIndicesAboveItToOthers) {
  struct Failing {
    explicit Failing(bool fails) {
      if (fails)
        throw std::runtime_error("it fails");
    }
  };
  TypedArena<Failing> arena(4);
  arena.create(false);
  const auto first = arena.handle(0);
  EXPECT_THROW(arena.create(true), std::runtime_error);
  EXPECT_EQ(arena.create(false).index, 1u);
  EXPECT_TRUE(arena.contains(first));
}

TEST(TypedArenaHandle, IsGoodInADestructorAsLongAsItsObjectIs) {
  TypedArena<AtTheEnd> arena(3);
  std::vector<bool> contained;
  TypedArena<AtTheEnd>::Handle older;
  TypedArena<AtTheEnd>::Handle newer;
  arena.create([] {});
  arena.create([&] { contained = {arena.contains(older), arena.contains(newer)}; });
  arena.create([] {});
  older = arena.handle(0);
  newer = arena.handle(2);
  arena.reset();
  EXPECT_EQ(contained, (std::vector<bool>{true, false}));
  arena.create([] {});
  expect_stale(arena, older);
}

TEST(TypedArenaHandle, DrawnInADestructorIsStaleAfterTheReset) {
  TypedArena<AtTheEnd> arena(2);
  TypedArena<AtTheEnd>::Handle handle;
  arena.create([] {});
  arena.create([&] { handle = arena.handle(0); });
  arena.reset();
  arena.create([] {});
  expect_stale(arena, handle);
}

class TypedArenaHiding : public test::Watched {};

TEST_F(TypedArenaHiding, WhatLiesBehindAnObjectAndWhatWasReset) {
  struct Twelve {
    int numbers[3];
  };
  TypedArena<Twelve> arena(3);
  const Twelve* const p = arena.create().ptr;
  EXPECT_EQ(test::visible(p, 64), 12u);
  EXPECT_EQ(test::visible(arena.create().ptr, 64), 12u);
  arena.reset();
  EXPECT_TRUE(test::all_hidden(p, 12));
}

TEST_F(TypedArenaHiding, WhatAFailedConstructorLeft) {
  TypedArena<Throws> arena(2);
  EXPECT_THROW(arena.create(true), std::runtime_error);
  const void* const p = arena.create(false).ptr;
  arena.reset();
  EXPECT_TRUE(test::is_hidden(p));
  EXPECT_THROW(arena.create(true), std::runtime_error);
  EXPECT_TRUE(test::is_hidden(p));
}

#if defined(ALLOT_ASAN)
TEST(TypedArenaDeathTest, AddressSanitizerCatchesUseBehindAnObjectAndAfterReset) {
  TypedArena<std::uint64_t> arena(3);
  std::uint64_t* const p = arena.create().ptr;
  EXPECT_DEATH(test::touch(p + 1), "use-after-poison");
  arena.reset();
  EXPECT_DEATH(test::touch(p), "use-after-poison");
}
#endif

} // namespace
