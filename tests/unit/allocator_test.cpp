#include <allot/allocator.hpp>
#include <allot/allot.hpp>

#include "support.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <forward_list>
#include <list>
#include <map>
#include <memory>
#include <scoped_allocator>
#include <set>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace {

using namespace allot;

template <class T, class S>
using On = Allocator<T, S>;
template <class S, class T = int>
using Vector = std::vector<T, On<T, S>>;
template <class S>
using String = std::basic_string<char, std::char_traits<char>, On<char, S>>;
template <class S>
using Map = std::map<int, int, std::less<>, On<std::pair<const int, int>, S>>;
template <class S>
using List = std::list<int, On<int, S>>;

constexpr std::size_t room = 64_KiB;

// ------------------------------------- every container on every kind of strategy, some on each one

template <class S>
struct Make {
  static S one() { return S(room); }
};
template <>
struct Make<Region> {
  static Region one() { return Region({.arena_size = 4096}); }
};
template <>
struct Make<Multipool> {
  static Multipool one() { return Multipool(); }
};
template <>
struct Make<BlockPool> {
  static BlockPool one() { return {64, 1024}; }
};

template <class S>
class Nodes : public testing::Test {
protected:
  S strategy = Make<S>::one();
};
template <class S>
class Any : public Nodes<S> {};
template <class S>
class Kind : public Nodes<S> {};
template <class S>
class NodeKind : public Nodes<S> {};
template <class S>
class Bumping : public Nodes<S> {};

struct Name {
  template <class S>
  static std::string GetName(int i) {
    constexpr const char* names[] = {"Arena",   "Bump",      "MappedArena", "Region",
                                     "Scratch", "Multipool", "BlockPool"};
    return names[i];
  }
};
using Bumps = testing::Types<Arena, Bump, MappedArena, Region, Scratch>;
TYPED_TEST_SUITE(Bumping, Bumps, Name);
using Bytes = testing::Types<Arena, Bump, MappedArena, Region, Scratch, Multipool>;
using All = testing::Types<Arena, Bump, MappedArena, Region, Scratch, Multipool, BlockPool>;
TYPED_TEST_SUITE(Any, Bytes, Name);
TYPED_TEST_SUITE(Nodes, All, Name);

// One of each kind: what takes the newest back, what takes any, what serves single objects.
struct KindName {
  template <class S>
  static std::string GetName(int i) {
    constexpr const char* names[] = {"Arena", "Multipool", "BlockPool"};
    return names[i];
  }
};
using Kinds = testing::Types<Arena, Multipool>;
using NodeKinds = testing::Types<Arena, Multipool, BlockPool>;
TYPED_TEST_SUITE(Kind, Kinds, KindName);
TYPED_TEST_SUITE(NodeKind, NodeKinds, KindName);

// What a container does all its life; `add(container, i)` adds one element. Containers are not
// printed, which would take long to compile.
template <class Container, class Add>
void use(Container container, Add add) {
  for (int i = 0; i != 40; ++i)
    add(container, i);
  EXPECT_EQ(std::distance(container.begin(), container.end()), 40);
  Container copy = container;
  EXPECT_TRUE(copy.get_allocator() == container.get_allocator());
  EXPECT_TRUE(copy == container);
  Container moved = std::move(container);
  EXPECT_TRUE(moved == copy);
  add(moved, 40);
  EXPECT_FALSE(moved == copy);
  copy = moved;
  EXPECT_TRUE(moved == copy);
  swap(copy, moved);
  moved.clear();
  EXPECT_EQ(std::distance(copy.begin(), copy.end()), 41);
  copy = std::move(moved);
  EXPECT_TRUE(copy.empty());
}

constexpr auto push_back = [](auto& c, int i) { c.push_back(i); };
constexpr auto push_front = [](auto& c, int i) { c.push_front(i); };
constexpr auto insert = [](auto& c, int i) { c.insert(i); };
constexpr auto emplace = [](auto& c, int i) { c.emplace(i, -i); };

TYPED_TEST(Any, ServesAVector) {
  use(Vector<TypeParam>(this->strategy), push_back);
}
TYPED_TEST(Nodes, ServesAMap) {
  use(Map<TypeParam>(this->strategy), emplace);
}

TYPED_TEST(Kind, ServesContainersOfArrays) {
  using S = TypeParam;
  S& s = this->strategy;
  use(std::vector<bool, On<bool, S>>(s), [](auto& c, int i) { c.push_back(i % 2 == 0); });
  use(std::deque<int, On<int, S>>(s), push_front);
  use(String<S>(s), [](auto& c, int i) { c.push_back(static_cast<char>('a' + i % 26)); });
}
TYPED_TEST(Kind, ServesUnorderedContainers) {
  using S = TypeParam;
  S& s = this->strategy;
  using Hash = std::hash<int>;
  using Equal = std::equal_to<>;
  using Pair = std::pair<const int, int>;
  use(std::unordered_set<int, Hash, Equal, On<int, S>>(s), insert);
  use(std::unordered_multiset<int, Hash, Equal, On<int, S>>(s), insert);
  use(std::unordered_map<int, int, Hash, Equal, On<Pair, S>>(s), emplace);
  use(std::unordered_multimap<int, int, Hash, Equal, On<Pair, S>>(s), emplace);
}
TYPED_TEST(NodeKind, ServesContainersOfNodes) {
  using S = TypeParam;
  S& s = this->strategy;
  using Pair = std::pair<const int, int>;
  use(List<S>(s), push_back);
  use(std::forward_list<int, On<int, S>>(s), push_front);
  use(std::set<int, std::less<>, On<int, S>>(s), insert);
  use(std::multiset<int, std::less<>, On<int, S>>(s), insert);
  use(std::multimap<int, int, std::less<>, On<Pair, S>>(s), emplace);
}

TYPED_TEST(Nodes, NodesOfEqualAllocatorsAreHandedOver) {
  using S = TypeParam;
  S& s = this->strategy;
  Map<S> from({{1, 10}, {2, 20}, {3, 30}}, s);
  Map<S> to(s);
  const int* const place = &from.at(2);
  auto node = from.extract(2);
  EXPECT_EQ(node.get_allocator(), from.get_allocator());
  to.insert(std::move(node));
  EXPECT_EQ(&to.at(2), place);
  to.merge(from);
  EXPECT_EQ(to.size(), 3u);
  EXPECT_TRUE(from.empty());

  List<S> a({1, 3}, s);
  List<S> b({2, 4}, s);
  const int* const front = &b.front();
  a.merge(b);
  EXPECT_EQ(&*std::next(a.begin()), front);
  b.splice(b.end(), a, a.begin());
  EXPECT_EQ(b, List<S>({1}, s));
  EXPECT_EQ(a, List<S>({2, 3, 4}, s));
}

TYPED_TEST(Nodes, MovesByElementBetweenStrategies) {
  using S = TypeParam;
  S& s = this->strategy;
  S other = Make<S>::one();
  List<S> from({1, 2, 3}, s);
  const int* const front = &from.front();
  const List<S> moved(std::move(from), On<int, S>(other));
  EXPECT_EQ(&moved.get_allocator().strategy(), &other);
  EXPECT_TRUE(other.owns(&moved.front()));
  EXPECT_NE(&moved.front(), front);
  EXPECT_EQ(moved, List<S>({1, 2, 3}, s));
}

TYPED_TEST(Nodes, AssignmentMovesTheAllocatorAndSwapSwapsItButACopyDoesNot) {
  using S = TypeParam;
  S& s = this->strategy;
  S other = Make<S>::one();
  List<S> a({1, 2}, s);
  List<S> b({3}, other);
  EXPECT_NE(a.get_allocator(), b.get_allocator());

  b = a;
  EXPECT_EQ(&b.get_allocator().strategy(), &other);
  EXPECT_TRUE(other.owns(&b.front()));
  EXPECT_EQ(a, b);

  const int* const front = &a.front();
  swap(a, b);
  EXPECT_EQ(&a.get_allocator().strategy(), &other);
  EXPECT_EQ(&b.front(), front);

  a = std::move(b);
  EXPECT_EQ(&a.get_allocator().strategy(), &s);
  EXPECT_EQ(&a.front(), front);
}

// ----------------------------------------------------------------------------- the allocator
// itself

TEST(Allocator, SaysWhatContainersAsk) {
  using A = Allocator<int, Arena>;
  using Traits = std::allocator_traits<A>;
  static_assert(Traits::propagate_on_container_move_assignment::value);
  static_assert(Traits::propagate_on_container_swap::value);
  static_assert(!Traits::propagate_on_container_copy_assignment::value);
  static_assert(!Traits::is_always_equal::value);
  static_assert(std::is_same_v<Traits::rebind_alloc<char>, Allocator<char, Arena>>);
  static_assert(std::is_convertible_v<Arena&, A>);
  static_assert(std::is_convertible_v<Allocator<char, Arena>, A>);
  static_assert(!std::is_constructible_v<A, const Arena&>);
  static_assert(!std::is_default_constructible_v<A>);
  static_assert(!std::is_convertible_v<Allocator<int, Bump>, A>);
  static_assert(noexcept(std::declval<A&>().deallocate(nullptr, 0)));
  static_assert(sizeof(A) == sizeof(void*));

  Arena one(64);
  Arena two(64);
  const A a = one;
  EXPECT_EQ(&a.strategy(), &one);
  EXPECT_EQ(a, A(one));
  EXPECT_NE(a, A(two));
  EXPECT_EQ(a, (Allocator<char, Arena>(one)));
  EXPECT_NE(a, (Allocator<char, Arena>(two)));
  EXPECT_EQ(&Traits::select_on_container_copy_construction(a).strategy(), &one);
}

TEST(Allocator, AlignsForTheType) {
  struct alignas(256) Wide {
    char c[256];
  };
  Region region;
  Vector<Region, char> first(1, 'x', region);
  Vector<Region, Wide> wide(3, region);
  EXPECT_TRUE(test::is_aligned(wide.data(), 256));
  Vector<Region, std::max_align_t> most(1, region);
  EXPECT_TRUE(test::is_aligned(most.data(), alignof(std::max_align_t)));
}

TEST(Allocator, AVectorThatGrowsAsTheNewestLeavesOnlyItsOldPlaces) {
  Arena arena(room);
  {
    Vector<Arena> v(arena);
    v.reserve(8);
    EXPECT_EQ(arena.used(), 32u);
    v.resize(8);
    v.shrink_to_fit();
    EXPECT_EQ(arena.used(), 32u);
    v.push_back(0); // to a place of 64 bytes behind the old one, which is not the newest any more
    EXPECT_EQ(arena.used(), 96u);
    v.clear();
    v.shrink_to_fit();
    EXPECT_EQ(arena.used(), 32u);
  }
  EXPECT_EQ(arena.used(), 32u);
}

TEST(Allocator, TheNewestIsTakenBackAtOnce) {
  Arena arena(room);
  for (int i = 0; i != 1000; ++i)
    Vector<Arena>(100, i, arena);
  EXPECT_EQ(arena.used(), 0u);
  EXPECT_EQ(arena.peak(), 400u);
  {
    const Vector<Arena> older(10, arena);
    const Vector<Arena> newer(10, arena);
  }
  EXPECT_EQ(arena.used(), 0u); // the newer goes first
  Vector<Arena> first(10, arena);
  {
    List<Arena> list({1, 2, 3}, arena);
    while (!list.empty())
      list.pop_back();
    EXPECT_EQ(arena.used(), 40u);
  }
  first = Vector<Arena>(arena);
  EXPECT_EQ(arena.used(), 0u);
}

TEST(Allocator, ServesLivingObjectsOfTheSameArena) {
  Arena arena(room);
  auto* const v = arena.create<Vector<Arena>>(arena);
  v->assign(100, 7);
  EXPECT_EQ(arena.objects(), 1u);
  arena.reset(); // its destructor gives memory back while the arena is closed
  EXPECT_EQ(arena.used(), 0u);
}

TEST(Allocator, AScopeTakesBackWhatContainersLeft) {
  Scratch scratch(room);
  String<Scratch> outer("a text that is too long to be stored inline", scratch);
  const std::size_t used = scratch.used();
  {
    auto scope = scratch.scope();
    Vector<Scratch> inner(scratch);
    for (int i = 0; i != 100; ++i)
      inner.push_back(i);
    EXPECT_GT(scratch.used(), used + 400);
  }
  EXPECT_EQ(scratch.used(), used);
  EXPECT_EQ(outer, "a text that is too long to be stored inline");
}

TEST(Allocator, IsPassedOnByAScopedAdaptor) {
  Region region;
  using Inner = String<Region>;
  using Outer = std::vector<Inner, std::scoped_allocator_adaptor<On<Inner, Region>>>;
  Outer texts{On<Inner, Region>(region)};
  texts.emplace_back() = "another text that is too long to be stored inline";
  texts.resize(3);
  for (Inner& text : texts) {
    EXPECT_EQ(&text.get_allocator().strategy(), &region);
    text.append(100, 'x');
    EXPECT_TRUE(region.owns(text.data()));
  }
  using Index = std::map<Inner, Inner, std::less<>,
                         std::scoped_allocator_adaptor<On<std::pair<const Inner, Inner>, Region>>>;
  Index index{On<std::pair<const Inner, Inner>, Region>(region)};
  index.try_emplace(Inner("a key that is too long to be stored inline", region))
      .first->second.append(100, 'y');
  EXPECT_TRUE(region.owns(index.begin()->second.data()));
}

TEST(Allocator, AllocateSharedPutsObjectAndCountsInOneBlock) {
  BlockPool pool(64, 4);
  Arena arena(room);
  {
    const auto a = std::allocate_shared<long>(On<long, BlockPool>(pool), 42);
    std::weak_ptr<long> watcher = a;
    EXPECT_EQ(pool.stats().used, 1u);
    EXPECT_TRUE(pool.owns(a.get()));
    const auto b = std::allocate_shared<long>(On<long, Arena>(arena), 43);
    EXPECT_EQ(*a + *b, 85);
    EXPECT_TRUE(arena.owns(b.get()));
  }
  EXPECT_EQ(pool.stats().used, 0u);
  EXPECT_EQ(arena.used(), 0u);
}

TEST(Allocator, MovesFromOneStrategyOfAKindToAnother) {
  Arena a(room);
  Arena b(room);
  Vector<Arena> from({1, 2, 3}, a);
  const int* const data = from.data();
  const Vector<Arena> taken(std::move(from), On<int, Arena>(a));
  EXPECT_EQ(taken.data(), data);
  const Vector<Arena> copied(taken, On<int, Arena>(b));
  EXPECT_TRUE(b.owns(copied.data()));
  EXPECT_EQ(copied, taken);
}

// --------------------------------------------------------------------------------------- block
// pools

TEST(Allocator, ABlockPoolGetsItsBlocksBack) {
  BlockPool pool(64, 100);
  {
    Map<BlockPool> map(pool);
    for (int i = 0; i != 100; ++i)
      map.emplace(i * 37 % 100, i);
    EXPECT_EQ(pool.stats().used, 100u);
    EXPECT_EQ(test::kind([&] { map.emplace(1000, 0); }), "Exhausted(no_room)");
    EXPECT_EQ(map.size(), 100u);
    map.erase(50);
    EXPECT_EQ(pool.stats().used, 99u);
    map.emplace(1000, 0);
  }
  EXPECT_EQ(pool.stats().used, 0u);
}

TEST(Allocator, ABlockPoolServesNoArraysAndNothingThatDoesNotFit) {
  BlockPool pool(48, 4);
  EXPECT_EQ(test::error([&] { return Vector<BlockPool>(2, pool).size(); }),
            "Exhausted(no_room) allocator: 2 objects of 4 bytes aligned to 4 asked, a block holds "
            "one of at most 48 aligned to 16");
  struct Large {
    char c[49];
  };
  EXPECT_EQ(test::kind([&] { return Allocator<Large, BlockPool>(pool).allocate(1); }),
            "Exhausted(no_room)");
  struct alignas(32) Wide {
    char c[32];
  };
  EXPECT_EQ(test::kind([&] { return Allocator<Wide, BlockPool>(pool).allocate(1); }),
            "Exhausted(no_room)");
  using Buckets = std::unordered_set<int, std::hash<int>, std::equal_to<>, On<int, BlockPool>>;
  EXPECT_EQ(test::kind([&] { return Buckets(pool).insert(1).second; }), "Exhausted(no_room)");
  EXPECT_EQ(pool.stats().used, 0u);
  struct alignas(16) Fits {
    char c[48];
  };
  Allocator<Fits, BlockPool> fits(pool);
  fits.deallocate(fits.allocate(1), 1);
  List<BlockPool> list({1, 2, 3, 4}, pool); // later requests work
  EXPECT_EQ(pool.stats().used, 4u);
}

// --------------------------------------------------------------------------------------- bad input

TYPED_TEST(Any, ASizeThatNothingHoldsIsABadAlloc) {
  using S = TypeParam;
  S& s = this->strategy;
  On<std::int64_t, S> a(s);
  for (const std::size_t n : {SIZE_MAX, SIZE_MAX / 8, SIZE_MAX / 8 + 1, SIZE_MAX / 8 + 2,
                              SIZE_MAX / 16 + 1, SIZE_MAX / 4 + 1})
    EXPECT_THROW((void)a.allocate(n), std::bad_alloc) << n;
  EXPECT_THROW((void)(On<char, S>(s).allocate(SIZE_MAX)), std::bad_alloc);
  EXPECT_EQ(s.used(), 0u);
  std::int64_t* const p = a.allocate(2);
  p[1] = 7;
  a.deallocate(p, 2);
  EXPECT_EQ(s.used(), 0u);
}

TYPED_TEST(Bumping, WhatCannotBeTakenBackChangesNothingAndIsReportedIfItIsNotInUse) {
  using S = TypeParam;
  S& s = this->strategy;
  const test::ReportedMisuse reported;
  On<std::int64_t, S> a(s);
  std::int64_t* const older = a.allocate(4);
  std::int64_t* const newest = a.allocate(4);
  newest[0] = 7;
  const std::size_t used = s.used();
  // With red zones what reaches a little too far ends in one, which is the strategy's.
  const std::size_t told = red_zones.stretch(1) == 1 ? 6 : 4;
  std::int64_t foreign = 0;
  a.deallocate(nullptr, 0);
  a.deallocate(nullptr, 4);
  a.deallocate(&foreign, 1);
  a.deallocate(newest + 1, 4);            // reaches behind what is in use
  a.deallocate(newest, 5);                // so does this
  a.deallocate(newest, SIZE_MAX / 8 + 5); // 4 when it wraps
  EXPECT_EQ(reported.texts().size(), told);
  a.deallocate(newest, 3); // what is shorter, or older, can't be told from what is right
  a.deallocate(older, 4);
  a.deallocate(older, 4);
  EXPECT_EQ(reported.texts().size(), told);
  EXPECT_EQ(s.used(), used);
  EXPECT_EQ(newest[0], 7);
  a.deallocate(newest, 4);
  const std::size_t less = s.used();
  EXPECT_LT(less, used);
  a.deallocate(newest, 4); // twice
  EXPECT_EQ(s.used(), less);
  EXPECT_EQ(reported.texts().size(), told + 1);
  EXPECT_EQ(a.allocate(4), newest);
}

TEST(Allocator, ABlockPoolReportsWhatItDidNotHandOut) {
  BlockPool pool(64, 4);
  const test::ReportedMisuse reported;
  On<long, BlockPool> a(pool);
  long* const p = a.allocate(1);
  long* const q = a.allocate(1);
  *q = 7;
  long foreign = 0;
  a.deallocate(nullptr, 1);
  a.deallocate(&foreign, 1);
  a.deallocate(p + 1, 1);
  a.deallocate(p, 1);
  a.deallocate(p, 1);
  ASSERT_EQ(reported.texts().size(), 4u);
  EXPECT_TRUE(reported.texts()[0].starts_with("null_pointer block_pool")) << reported.texts()[0];
  EXPECT_TRUE(reported.texts()[1].starts_with("foreign_pointer")) << reported.texts()[1];
  EXPECT_TRUE(reported.texts()[2].starts_with("misaligned_pointer")) << reported.texts()[2];
  EXPECT_TRUE(reported.texts()[3].starts_with("double_free")) << reported.texts()[3];
  EXPECT_EQ(pool.stats().used, 1u);
  EXPECT_EQ(*q, 7);
  EXPECT_EQ(a.allocate(1), p);
}

TEST(Allocator, AMultipoolReportsWhatItDidNotHandOut) {
  Multipool pool;
  const test::ReportedMisuse reported;
  On<long, Multipool> a(pool);
  long* const p = a.allocate(4);
  long* const q = a.allocate(4);
  q[3] = 7;
  const std::size_t used = pool.used();
  long foreign = 0;
  for (long* const bad : {static_cast<long*>(nullptr), &foreign, p + 1})
    a.deallocate(bad, 4);
  a.deallocate(p, 5); // the size of another class
  a.deallocate(p, 400);
  a.deallocate(p, SIZE_MAX);
  EXPECT_EQ(reported.texts().size(), 6u);
  EXPECT_EQ(pool.used(), used);
  a.deallocate(p, 4);
  a.deallocate(p, 4);
  EXPECT_EQ(reported.texts().size(), 7u);
  EXPECT_EQ(q[3], 7);
  EXPECT_EQ(a.allocate(4), p);
  EXPECT_EQ(pool.used(), used);
}

TEST(Allocator, AMultipoolGetsEverythingBack) {
  Multipool pool;
  {
    std::unordered_map<
        int, String<Multipool>, std::hash<int>, std::equal_to<>,
        std::scoped_allocator_adaptor<On<std::pair<const int, String<Multipool>>, Multipool>>>
        map{On<std::pair<const int, String<Multipool>>, Multipool>(pool)};
    for (int i = 0; i != 1000; ++i)
      map[i].assign(static_cast<std::size_t>(i), 'x');
    for (int i = 0; i != 1000; i += 2)
      map.erase(i);
    EXPECT_GT(pool.used(), 250'000u);
    EXPECT_EQ(map.at(999).size(), 999u);
  }
  EXPECT_EQ(pool.used(), 0u);
}

TEST(Allocator, AFullOrReleasedStrategyRefusesAndTheContainerStaysAsItWas) {
  Arena arena(256);
  Vector<Arena> v({1, 2, 3, 4}, arena);
  EXPECT_EQ(test::kind([&] { v.reserve(100); }), "Exhausted(no_room)");
  EXPECT_EQ(v, Vector<Arena>({1, 2, 3, 4}, arena));
  Bump bump(64);
  Vector<Bump> w(bump);
  bump.release();
  EXPECT_EQ(test::kind([&] { w.push_back(1); }), "Misuse(released)");
  EXPECT_TRUE(w.empty());
}

// ------------------------------------------------------------------ allocators made from nothing

Multipool static_pool({.limit = 8_MiB});
Arena static_arena(room);
Region static_region;
BlockPool static_blocks(64, 100);

template <class T>
using InPool = StaticAllocator<T, static_pool>;

// What nlohmann::basic_json wants: a template that is given only a type, and makes its allocators.
template <template <class> class On>
struct Document {
  using Text = std::basic_string<char, std::char_traits<char>, On<char>>;
  std::map<Text, std::vector<Text, On<Text>>, std::less<>,
           On<std::pair<const Text, std::vector<Text, On<Text>>>>>
      members;
};

TEST(StaticAllocator, SaysWhatContainersAsk) {
  using A = InPool<int>;
  using Traits = std::allocator_traits<A>;
  static_assert(std::is_empty_v<A> && std::is_trivially_copyable_v<A>);
  static_assert(std::is_nothrow_default_constructible_v<A>);
  static_assert(Traits::is_always_equal::value);
  static_assert(Traits::propagate_on_container_move_assignment::value);
  static_assert(std::is_same_v<Traits::rebind_alloc<char>, InPool<char>>);
  static_assert(std::is_same_v<Traits::value_type, int>);
  static_assert(std::is_convertible_v<InPool<char>, A>);
  static_assert(!std::is_convertible_v<StaticAllocator<int, static_arena>, A>);
  static_assert(noexcept(std::declval<A&>().deallocate(nullptr, 0)));
  static_assert(sizeof(std::vector<int, A>) == sizeof(std::vector<int>));
  EXPECT_EQ(A(), A());
  EXPECT_EQ(A(), InPool<char>());
  EXPECT_FALSE(A() != InPool<char>());
}

TEST(StaticAllocator, ServesNestedContainersThatAreHandedNone) {
  const test::ReportedMisuse reported;
  {
    Document<InPool> document;
    for (int i = 0; i != 100; ++i) {
      Document<InPool>::Text key(static_cast<std::size_t>(20 + i), 'k');
      auto& texts = document.members[key];
      for (int j = 0; j != 10; ++j)
        texts.emplace_back(100, 'x');
      ASSERT_TRUE(static_pool.owns(texts.data()) && static_pool.owns(texts.back().data()));
    }
    Document<InPool> copy = document;
    EXPECT_EQ(copy.members, document.members);
    const Document<InPool> moved = std::move(copy);
    EXPECT_EQ(moved.members, document.members);
    document = moved;
    EXPECT_EQ(moved.members, document.members);
    EXPECT_GT(static_pool.used(), 200'000u);
  }
  EXPECT_EQ(static_pool.used(), 0u);
  EXPECT_EQ(reported.texts().size(), 0u);
}

TEST(StaticAllocator, ServesOnAnyStrategyThatAllocatorServesOn) {
  use(std::vector<int, StaticAllocator<int, static_arena>>(), push_back);
  use(std::vector<int, StaticAllocator<int, static_region>>(), push_back);
  use(std::list<int, StaticAllocator<int, static_blocks>>(), push_back);
  use(std::unordered_set<int, std::hash<int>, std::equal_to<>, InPool<int>>(), insert);
  EXPECT_EQ(static_blocks.stats().used, 0u);
  EXPECT_EQ(static_pool.used(), 0u);
  static_arena.reset();
  static_region.reset();
}

TEST(StaticAllocator, FailsAsAllocatorDoes) {
  const test::ReportedMisuse reported;
  InPool<std::int64_t> a;
  for (const std::size_t n : {SIZE_MAX, SIZE_MAX / 8 + 1, SIZE_MAX / 8 + 2, SIZE_MAX / 16 + 1})
    EXPECT_THROW((void)a.allocate(n), std::bad_alloc) << n;
  EXPECT_EQ(test::kind([&] { return a.allocate(2_MiB); }), "Exhausted(no_room)");
  using Blocks = StaticAllocator<int, static_blocks>;
  EXPECT_EQ(test::kind([&] { return Blocks().allocate(2); }), "Exhausted(no_room)");
  std::int64_t* const none = a.allocate(0);
  a.deallocate(none, 0);
  EXPECT_EQ(reported.texts().size(), 0u);
  std::int64_t foreign = 0;
  std::int64_t* const p = a.allocate(4);
  a.deallocate(&foreign, 1);
  a.deallocate(nullptr, 1);
  a.deallocate(p + 1, 4);
  a.deallocate(p, 400);
  EXPECT_EQ(reported.texts().size(), 4u);
  a.deallocate(p, 4);
  a.deallocate(p, 4);
  EXPECT_EQ(reported.texts().size(), 5u);
  EXPECT_EQ(static_pool.used(), 0u);
}

} // namespace
