#include <allot/stack.hpp>

#include "support.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_set>
#include <utility>
#include <vector>

using namespace allot;
using test::TestResource;

namespace {

using Texts = std::vector<std::string>;

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
// Pushes `count` bytes of `value`.
std::span<std::byte> push(Stack& stack, std::size_t count, char value = 'x') {
  return stack.push(std::string(count, value));
}

TEST(Stack, RoundsItsSizeUpToTheGranule) {
  for (const auto& [asked, capacity] :
       {std::pair<std::size_t, std::size_t>{1, 8}, {8, 8}, {9, 16}}) {
    const Stack stack(asked);
    EXPECT_EQ(stack.size(), capacity);
    EXPECT_EQ(test::state(stack), (test::State{capacity, 0, capacity, 0}));
  }
}

TEST(Stack, NamesItselfInErrors) {
  EXPECT_EQ(test::error([] { return Stack(0); }),
            "Misuse(bad_size) stack: a size of 0 bytes was asked for");
  EXPECT_EQ(test::error([] { return Stack(SIZE_MAX); }),
            "Exhausted(system_refused) stack: the heap refused " + std::to_string(SIZE_MAX) +
                " bytes");
  EXPECT_EQ(test::error([] { return Stack(Buffer()); }),
            "Misuse(bad_size) stack: the buffer has no room for 8 aligned bytes");
  Stack stack(64);
  push(stack, 48);
  EXPECT_EQ(test::error([&] { push(stack, 17); }),
            "Exhausted(no_room) stack: 17 bytes asked, 16 of 64 left");
  EXPECT_EQ(test::error([&] { stack.pop(49); }),
            "Misuse(underflow) stack: 49 bytes popped, 48 of 64 are there");
  EXPECT_EQ(test::error([&] { return stack.top<std::array<int, 13>>(); }),
            "Misuse(underflow) stack: 52 bytes read, 48 of 64 are there");
  EXPECT_EQ(test::error([&] { stack.restore(Marker()); }),
            "Misuse(stale_marker) stack: marker 0 was popped or restored below, or is another "
            "stack's; 0 are set");
  stack.release();
  EXPECT_EQ(test::error([&] { push(stack, 8); }), "Misuse(released) stack: used after release");
}

TEST(Stack, PushesCopiesOfWhateverHasBytes) {
  struct Point {
    int x, y;
  };
  Stack stack(1024);
  const std::string text = "text";
  const std::array<std::uint16_t, 3> numbers{1, 2, 3};
  const std::vector<int> vector{4, 5};
  const Point point{6, 7};

  EXPECT_EQ(text_of(stack.push(text)), "text");
  EXPECT_EQ(text_of(stack.push(std::string_view("a\0b", 3))), std::string("a\0b", 3));
  EXPECT_EQ(text_of(stack.push("literal")), "literal");
  EXPECT_EQ(text_of(stack.push(text.c_str())), "text");
  EXPECT_EQ(stack.push(numbers).size(), 6u);
  EXPECT_EQ(stack.push(vector).size(), 8u);
  EXPECT_EQ(stack.push(std::span(vector)).size(), 8u);
  EXPECT_EQ(stack.push(std::as_bytes(std::span(numbers))).size(), 6u);
  const std::span<std::byte> copy = stack.push(point);
  EXPECT_EQ(std::memcmp(copy.data(), &point, sizeof point), 0);
  EXPECT_EQ(copy.size(), sizeof point);
}

// A literal, and arrays of the same characters, constant and not.
template <class C, std::size_t n>
void expect_all_pushed_as(std::size_t characters, const C (&literal)[n]) {
  const auto constant = std::to_array(literal);
  C array[n];
  std::copy(constant.begin(), constant.end(), array);
  Stack stack(1024);
  const std::string expected(reinterpret_cast<const char*>(literal), characters * sizeof(C));
  EXPECT_EQ(text_of(stack.push(literal)), expected);
  EXPECT_EQ(text_of(stack.push(array)), expected);
  EXPECT_EQ(text_of(stack.push(std::as_const(array))), expected);
  EXPECT_EQ(text_of(stack.try_push(array)), expected);
}

TEST(Stack, PushesAnArrayOfCharactersButForOneZeroAtItsEnd) {
  expect_all_pushed_as(3, "abc");
  expect_all_pushed_as(3, u8"abc");
  expect_all_pushed_as(3, u"abc");
  expect_all_pushed_as(3, U"abc");
  expect_all_pushed_as(3, L"abc");
  expect_all_pushed_as(2, "a\0"); // one zero is the text's own
  expect_all_pushed_as(3, "a\0b");
  expect_all_pushed_as(0, "");
  expect_all_pushed_as(2, {'a', 'b'});
  expect_all_pushed_as(2, {u'a', u'b'});
}

TEST(Stack, PushesWhatIsNoArrayOfCharactersWithItsZeros) {
  Stack stack(1024);
  const unsigned char bytes[] = {1, 2, 0};
  EXPECT_EQ(stack.push(bytes).size(), 3u);
  EXPECT_EQ(stack.push(std::to_array("abc")).size(), 4u);
  EXPECT_EQ(stack.push(std::u16string_view(u"abc")).size(), 3 * sizeof(char16_t));
  EXPECT_EQ(stack.push(std::u8string(u8"abc")).size(), 3u);
}

TEST(Stack, PushesTheElementsOfRangesOfAnyExtent) {
  // std::as_bytes of a fixed extent is no std::span<const std::byte>, and must not come back here.
  const int numbers[] = {1, 2, 3};
  const std::array<std::pair<char, int>, 2> pairs{{{'a', 1}, {'b', 2}}};
  const int table[2][2] = {{1, 2}, {3, 4}};
  Stack stack(1024);
  EXPECT_EQ(stack.push(numbers).size(), 12u);
  EXPECT_EQ(stack.push(std::span(numbers)).size(), 12u);
  EXPECT_EQ(stack.push(std::as_bytes(std::span(numbers))).size(), 12u);
  EXPECT_EQ(stack.try_push(std::as_bytes(std::span(numbers))).size(), 12u);
  EXPECT_EQ(stack.push(std::array<std::byte, 5>()).size(), 5u);
  EXPECT_EQ(stack.push(std::array<int, 0>()).size(), 0u);
  EXPECT_EQ(stack.push(table).size(), 16u);
  EXPECT_EQ(stack.push(std::vector(pairs.begin(), pairs.end())).size(), sizeof pairs);
  const std::span<std::byte> copy = stack.push(std::span(numbers).first<2>());
  EXPECT_EQ(copy.size(), 8u);
  EXPECT_EQ(std::memcmp(copy.data(), numbers, 8), 0);
}

// Pushed, looked at, replaced and popped, with something above and below.
template <class T>
void expect_kept(const T& value, const T& other) {
  Stack stack(256);
  push(stack, 8, 'a');
  EXPECT_EQ(stack.push(value).size(), sizeof(T));
  EXPECT_EQ(stack.used(), 8 + (sizeof(T) + 7) / 8 * 8);
  if constexpr (alignof(T) <= granule) {
    EXPECT_EQ(stack.top<T>(), value);
    stack.top<T>() = other;
    EXPECT_EQ(std::as_const(stack).top<T>(), other);
  }
  EXPECT_EQ(stack.pop<T>(), alignof(T) <= granule ? other : value);
  EXPECT_EQ(stack.try_push(value).size(), sizeof(T));
  EXPECT_EQ(stack.try_pop<T>(), std::optional<T>(value));
  EXPECT_EQ(text_of(stack.pop(8)), "aaaaaaaa");
}

TEST(Stack, KeepsValuesOfAnyTriviallyCopiedType) {
  enum class Colour : unsigned char { red, green };
  struct Point {
    double x, y;
    bool operator==(const Point&) const = default;
  };
  struct Constant { // copied, but neither made nor assigned
    explicit Constant(int of) : value(of) {}
    const int value;
  };
  const int numbers[] = {1, 2};
  expect_kept(true, false);
  expect_kept('a', 'b');
  expect_kept(u'a', u'b');
  expect_kept(short{-1}, short{2});
  expect_kept(-1, 2);
  expect_kept(std::uint64_t{1}, UINT64_MAX);
  expect_kept(1.5, -0.5);
  expect_kept(1.5L, -0.5L);
  expect_kept(std::byte{1}, std::byte{2});
  expect_kept(Colour::green, Colour::red);
  expect_kept(&numbers[0], &numbers[1]);
  expect_kept<const void*>(numbers, nullptr);
  expect_kept(&push, &push);
  expect_kept(&Point::x, &Point::y);
  expect_kept(Point{1, 2}, Point{3, 4});
  expect_kept(std::pair('a', 2.0), std::pair('b', 3.0));
  expect_kept(std::tuple('a', 2, 3.0), std::tuple('b', 3, 4.0));
  expect_kept(std::tuple('a', 2.0L), std::tuple('b', 3.0L));
  expect_kept(std::optional(1), std::optional<int>());
  expect_kept(std::array{1, 2, 3}, std::array{4, 5, 6});
  expect_kept(std::array{std::pair(1, 'a')}, std::array{std::pair(2, 'b')});

  Stack stack(64);
  stack.push(Constant(7));
  EXPECT_EQ(stack.top<Constant>().value, 7);
  EXPECT_EQ(stack.try_pop<Constant>()->value, 7);
  stack.push<double>(1); // which it may be told
  EXPECT_EQ(stack.pop<double>(), 1.0);
}

TEST(Stack, PushesPointersThatAreNoTextAsTheyAre) {
  const unsigned char bytes[] = "abc";
  char text[] = "abc";
  Stack stack(64);
  stack.push(&bytes[0]);
  EXPECT_EQ(stack.pop<const unsigned char*>(), bytes);
  stack.push(&L"abc"[0]);
  EXPECT_EQ(stack.used(), sizeof(const wchar_t*));
  EXPECT_EQ(text_of(stack.push(&text[0])), "abc");
  EXPECT_EQ(text_of(stack.push(static_cast<const char*>(text))), "abc");
}

TEST(Stack, CopiesPoppedValuesThatArePushedAgain) {
  using Triple = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>;
  Stack stack(64);
  push(stack, 8);
  stack.push(Triple(1, 2, 3));
  const Triple& popped = stack.top<Triple>();
  stack.pop(32);
  stack.push(popped); // 8 bytes further down, over itself
  EXPECT_EQ(stack.pop<Triple>(), Triple(1, 2, 3));
}

TEST(Stack, RefusesValuesThatAreNotThere) {
  Stack stack(8);
  stack.push(1);
  EXPECT_EQ(test::kind([&] { stack.push(std::pair(1, 2.0)); }), "Exhausted(no_room)");
  EXPECT_EQ(stack.try_push(1).data(), nullptr);
  EXPECT_EQ(test::kind([&] { return stack.pop<std::pair<int, double>>(); }), "Misuse(underflow)");
  EXPECT_EQ((stack.try_pop<std::pair<int, double>>()), std::nullopt);
  EXPECT_EQ(test::kind([&] { return stack.top<std::pair<int, double>>(); }), "Misuse(underflow)");
  EXPECT_EQ(stack.pop<int>(), 1);
  EXPECT_EQ(test::kind([&] { return stack.top<char>(); }), "Misuse(underflow)");
  EXPECT_EQ(stack.try_pop<char>(), std::nullopt);
}

template <class T>
concept StackTakes = requires(Stack& stack, const T& data) {
  stack.push(data);
  { stack.try_push(data) } noexcept;
};
template <class T>
concept StackGives = requires(Stack& stack) {
  stack.pop<T>();
  stack.top<T>();
  { stack.try_pop<T>() } noexcept;
};
struct Unique {
  Unique(const Unique&) = delete;
  Unique(Unique&&) = default;
};
static_assert(StackTakes<int> && StackTakes<char[4]> && StackTakes<int[2][2]>);
static_assert(!StackTakes<std::nullptr_t> && !StackTakes<Marker> && !StackTakes<Unique> &&
              !StackTakes<std::unique_ptr<int>> && !StackTakes<Stack>);
static_assert(!StackTakes<std::vector<bool>> && !StackTakes<std::vector<std::string>> &&
              !StackTakes<std::span<std::string>> && !StackTakes<std::list<int>>);
static_assert(StackGives<int> && StackGives<void*> && StackGives<std::array<char, 4>>);
static_assert(!StackGives<std::nullptr_t> && !StackGives<Marker> && !StackGives<std::string> &&
              !StackGives<int&> && !StackGives<void>);
// They are pushed as what they show.
static_assert(!StackGives<const char*> && !StackGives<char*> && !StackGives<std::string_view> &&
              !StackGives<std::span<int>> && !StackGives<std::span<int, 2>> &&
              !StackGives<std::array<int, 0>>);

TEST(Stack, LaysPushesSideBySide) {
  Stack stack(64);
  const auto first = push(stack, 8), second = push(stack, 3), third = push(stack, 8);
  EXPECT_EQ(second.data(), first.data() + 8);
  EXPECT_EQ(third.data(), second.data() + 8);
  EXPECT_TRUE(test::is_aligned(second.data(), 8));
  EXPECT_EQ(stack.used(), 24u);
}

TEST(Stack, PopsNewestFirst) {
  Stack stack(64);
  stack.push("first");
  stack.push("second");
  EXPECT_EQ(text_of(stack.pop(6)), "second");
  EXPECT_EQ(text_of(stack.pop(5)), "first");
  EXPECT_EQ(stack.used(), 0u);
}

TEST(Stack, APopMaySpanSeveralPushes) {
  Stack stack(64);
  stack.push("12345678");
  stack.push("abcdefgh");
  EXPECT_EQ(text_of(stack.pop(16)), "12345678abcdefgh");
}

TEST(Stack, PopUndoesAPushOfTheSameLength) {
  for (std::size_t bytes = 0; bytes != 34; ++bytes) {
    Stack stack(64);
    push(stack, 8);
    push(stack, bytes);
    EXPECT_EQ(stack.used(), 8 + (bytes + 7) / 8 * 8);
    EXPECT_EQ(stack.pop(bytes).size(), bytes);
    EXPECT_EQ(stack.used(), 8u);
  }
}

TEST(Stack, WhatWasPoppedIsReadableUntilTheNextPush) {
  Stack stack(64);
  push(stack, 40, 'a');
  const auto upper = stack.pop(16);
  const auto lower = stack.pop(20);
  EXPECT_TRUE(test::holds(upper.data(), 16, 'a'));
  EXPECT_TRUE(test::holds(lower.data(), 20, 'a'));
  EXPECT_EQ(lower.data() + 24, upper.data());
}

TEST(Stack, ServesAnExactFitAndNotOneByteMore) {
  for (const std::size_t bytes : test::Sizes{1, 7, 8, 9, 64}) {
    Stack stack(bytes);
    EXPECT_EQ(test::kind([&] { push(stack, stack.capacity() + 1); }), "Exhausted(no_room)");
    EXPECT_EQ(push(stack, bytes).size(), bytes);
    EXPECT_EQ(test::kind([&] { push(stack, 1); }), "Exhausted(no_room)");
    EXPECT_EQ(stack.pop(bytes).size(), bytes);
  }
}

TEST(Stack, NothingCanBePushedAndPopped) {
  Stack stack(8);
  push(stack, 8);
  for (const std::span<std::byte> none :
       {stack.push(""), stack.push(std::string_view()), stack.push(std::vector<int>()),
        stack.pop(0), stack.try_push({}), stack.try_pop(0)}) {
    EXPECT_NE(none.data(), nullptr);
    EXPECT_TRUE(none.empty());
  }
  EXPECT_EQ(stack.used(), 8u);
}

TEST(Stack, ARefusalChangesNothing) {
  Stack stack(64);
  const auto first = push(stack, 16, 'a');
  const Marker marker = stack.mark();
  push(stack, 16, 'b');
  const auto popped = stack.pop(8);
  const test::State before = test::state(stack);
  const std::vector<std::byte> large(65);
  EXPECT_EQ(test::kind([&] { stack.push(large); }), "Exhausted(no_room)");
  EXPECT_EQ(stack.try_push(large).data(), nullptr);
  for (const std::size_t bytes : {std::size_t{25}, SIZE_MAX, SIZE_MAX - 7, SIZE_MAX - 15}) {
    EXPECT_EQ(test::kind([&] { stack.pop(bytes); }), "Misuse(underflow)");
    EXPECT_EQ(stack.try_pop(bytes).data(), nullptr);
  }
  EXPECT_EQ(test::kind([&] { stack.restore(Marker()); }), "Misuse(stale_marker)");
  EXPECT_EQ(test::state(stack), before);
  EXPECT_TRUE(test::holds(first.data(), 16, 'a'));
  EXPECT_TRUE(test::holds(popped.data(), 8, 'b'));
  stack.restore(marker);
  EXPECT_EQ(stack.used(), 16u);
}

TEST(Stack, TryPushAndTryPopDoAsPushAndPop) {
  Stack stack(64);
  const std::string text = "text";
  EXPECT_EQ(text_of(stack.try_push(std::as_bytes(std::span(text)))), "text");
  EXPECT_EQ(stack.used(), 8u);
  EXPECT_EQ(text_of(stack.try_pop(4)), "text");
  EXPECT_EQ(stack.used(), 0u);
}

TEST(Stack, MarkersAreNumberedFromZero) {
  Stack stack(64, {.marks = 100});
  for (std::size_t i = 0; i != 100; ++i) {
    const Marker marker = stack.mark();
    EXPECT_EQ(marker.index(), i);
    EXPECT_EQ(static_cast<std::size_t>(marker), i);
  }
}

// A few lie in the stack; more, and those too then, at the far end of what is not from the heap.
TEST(Stack, MarksBeyondAFewTakeRoomOfABorrowedBufferUntilTheyAreDropped) {
  constexpr std::size_t record = 16;
  alignas(8) std::byte memory[128];
  Stack stack(Buffer::borrowed(memory));
  const Marker first = stack.mark();
  for (std::size_t i = 1; i != few_records; ++i)
    (void)stack.mark();
  EXPECT_EQ(stack.available(), 128u);
  for (std::size_t i = few_records + 1; i != 8; ++i) {
    (void)stack.mark();
    EXPECT_EQ(stack.available(), 128 - i * record);
  }
  push(stack, 8);
  EXPECT_EQ(test::kind([&] { return stack.mark(); }), "Exhausted(no_room)");
  EXPECT_EQ(test::kind([&] { push(stack, 9); }), "Exhausted(no_room)");
  EXPECT_EQ(stack.used(), 8u);
  stack.pop(8);
  (void)stack.mark();
  EXPECT_EQ(stack.available(), 0u);
  EXPECT_EQ(stack.capacity(), 128u);
  stack.restore(first);
  EXPECT_EQ(stack.available(), 128u);
  EXPECT_TRUE(test::holds(push(stack, 128, 'a').data(), 128, 'a'));
}

TEST(Stack, RoomForMarksIsSetAside) {
  Stack stack(64, {.marks = 10});
  push(stack, 64);
  const Marker on_heap = stack.mark();
  for (int i = 1; i != 100; ++i)
    (void)stack.mark();
  EXPECT_EQ(test::state(stack), (test::State{64, 64, 0, 64}));
  stack.restore(on_heap);
  stack.reset();
  EXPECT_EQ(test::state(stack), (test::State{64, 0, 64, 64}));

  alignas(8) std::byte memory[8 * 16 + 8];
  const std::span first_128(memory, 128);
  EXPECT_EQ(test::error([&] { return Stack(Buffer::borrowed(first_128), {.marks = 8}); }),
            "Misuse(bad_size) stack: a buffer of 128 bytes has no room for 8 marks");
  Stack tight(Buffer::borrowed(memory), {.marks = 8});
  EXPECT_EQ(tight.capacity(), 8u);
}

TEST(Stack, RestoreDropsWhatCameAfterAndKeepsTheMarker) {
  Stack stack(64);
  push(stack, 8, 'a');
  const Marker marker = stack.mark();
  for (int round = 0; round != 3; ++round) {
    push(stack, 16, 'b');
    stack.restore(marker);
    EXPECT_EQ(stack.used(), 8u);
  }
  EXPECT_EQ(text_of(stack.pop(8)), "aaaaaaaa");
}

TEST(Stack, RestoreDropsLaterMarkers) {
  Stack stack(64);
  const Marker first = stack.mark();
  push(stack, 8);
  const Marker second = stack.mark();
  stack.restore(first);
  EXPECT_EQ(test::error([&] { stack.restore(second); }),
            "Misuse(stale_marker) stack: marker 1 was popped or restored below, or is another "
            "stack's; 1 are set");
  const Marker third = stack.mark();
  EXPECT_EQ(third.index(), second.index());
  EXPECT_NE(third, second);
  EXPECT_EQ(test::kind([&] { stack.restore(second); }), "Misuse(stale_marker)");
  stack.restore(third);
}

TEST(Stack, APopBelowAMarkerDropsIt) {
  for (const bool quiet : {false, true}) {
    Stack stack(64);
    push(stack, 8);
    const Marker low = stack.mark();
    push(stack, 16);
    const Marker high = stack.mark();
    push(stack, 8);
    EXPECT_EQ((quiet ? stack.try_pop(16) : stack.pop(16)).size(), 16u);
    EXPECT_EQ(test::kind([&] { stack.restore(high); }), "Misuse(stale_marker)");
    EXPECT_EQ((quiet ? stack.try_pop(8) : stack.pop(8)).size(), 8u); // to the low one, not below
    stack.restore(low);
    EXPECT_EQ(stack.used(), 8u);
    push(stack, 8);
    EXPECT_EQ((quiet ? stack.try_pop(16) : stack.pop(16)).size(), 16u);
    EXPECT_EQ(test::kind([&] { stack.restore(low); }), "Misuse(stale_marker)");
    EXPECT_EQ(stack.mark().index(), 0u);
  }
}

TEST(Stack, APopDropsTheMarkersThatItGoesBelowAndNoOthers) {
  for (std::size_t left = 0; left != 11; ++left) {
    Stack stack(80, {.marks = 20 + 1});
    std::vector<Marker> markers; // two at each place
    for (int i = 0; i != 10; ++i) {
      markers.push_back(stack.mark());
      markers.push_back(stack.mark());
      push(stack, 8);
    }
    stack.pop(8 * (10 - left));
    const std::size_t kept = std::min<std::size_t>(2 * (left + 1), 20);
    EXPECT_EQ(stack.mark().index(), kept);
    for (std::size_t i = kept; i != 20; ++i)
      EXPECT_EQ(test::kind([&] { stack.restore(markers[i]); }), "Misuse(stale_marker)");
    for (std::size_t i = kept; i-- != 0;) {
      stack.restore(markers[i]);
      EXPECT_EQ(stack.used(), 8 * (i / 2));
    }
  }
}

TEST(Stack, AMarkerOfAnotherStackIsRefused) {
  Stack one(64), other(64);
  const Marker marker = one.mark();
  (void)other.mark();
  EXPECT_EQ(test::kind([&] { other.restore(marker); }), "Misuse(stale_marker)");
}

TEST(Stack, NoTwoMarkersInAProcessAreEqual) {
  Stack one(1024), other(1024);
  std::vector<Marker> all{Marker()};
  for (int i = 0; i != 50; ++i) {
    all.push_back(one.mark());
    all.push_back(other.mark());
    if (i % 10 == 0)
      one.reset();
  }
  for (std::size_t i = 0; i != all.size(); ++i)
    for (std::size_t k = 0; k != i; ++k)
      EXPECT_NE(all[i], all[k]);
}

TEST(Stack, MarkersAreOrderedAsTheyWereSetAndHash) {
  Stack stack(1_MiB);
  std::vector<Marker> all{Marker()};
  std::unordered_set<Marker> hashed;
  std::set<std::size_t> hashes;
  for (int round = 0; round != 3; ++round) {
    for (int i = 0; i != 3000; ++i) // more than serials are drawn at once
      all.push_back(stack.mark());
    if (round == 1)
      stack.release();
    stack = Stack(1_MiB);
  }
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end(), std::less_equal<>())); // none equal
  for (const Marker& marker : all) {
    EXPECT_TRUE(hashed.insert(marker).second);
    hashes.insert(std::hash<Marker>()(marker));
  }
  EXPECT_EQ(hashes.size(), all.size());
  EXPECT_TRUE(hashed.contains(all.back()));
  EXPECT_FALSE(hashed.contains(stack.mark()));
}

TEST(Stack, AMarkerFollowsItsStackWhenThatMoves) {
  Stack from(64);
  push(from, 8);
  const Marker marker = from.mark();
  push(from, 8);
  Stack to = std::move(from);
  EXPECT_EQ(test::kind([&] { from.restore(marker); }), "Misuse(released)");
  to.restore(marker);
  EXPECT_EQ(to.used(), 8u);
  from = Stack(64);
  EXPECT_EQ(test::kind([&] { from.restore(marker); }), "Misuse(stale_marker)");
  (void)from.mark();
  EXPECT_EQ(test::kind([&] { from.restore(marker); }), "Misuse(stale_marker)");
}

TEST(Stack, AResetTakesBackMarkersToo) {
  Stack stack(64);
  const Marker marker = stack.mark();
  push(stack, 8);
  stack.reset();
  EXPECT_EQ(stack.used(), 0u);
  EXPECT_EQ(test::kind([&] { stack.restore(marker); }), "Misuse(stale_marker)");
  EXPECT_EQ(stack.mark().index(), 0u);
  EXPECT_EQ(test::kind([&] { stack.restore(marker); }), "Misuse(stale_marker)");
}

TEST(Stack, IsZeroAfterAResetAlsoWhereItWasPoppedOrRestored) {
  alignas(8) std::byte memory[64];
  Stack stack(Buffer::borrowed(memory));
  const Marker bottom = stack.mark();
  push(stack, 64);
  stack.restore(bottom);
  push(stack, 40);
  stack.pop(40);
  stack.reset();
  stack.release();
  EXPECT_TRUE(test::holds(memory, 64, 0));
}

TEST(Stack, ZeroesNothingWhereThatIsOff) {
  alignas(8) std::byte memory[64];
  {
    Stack stack(Buffer::borrowed(memory), {.zero = false});
    push(stack, 64);
    stack.reset();
  }
  EXPECT_TRUE(test::holds(memory, 64, 'x'));
}

TEST(Stack, PeakSurvivesPopsRestoresAndResets) {
  Stack stack(64);
  push(stack, 40);
  stack.pop(40);
  EXPECT_EQ(test::state(stack), (test::State{64, 0, 64, 40}));
  stack.reset();
  push(stack, 8);
  EXPECT_EQ(stack.peak(), 40u);
  stack.reset_peak();
  EXPECT_EQ(stack.peak(), 8u);
}

TEST(Stack, KnowsWhetherItIsEmptyOrFreed) {
  Stack stack(64);
  EXPECT_TRUE(stack.empty());
  EXPECT_FALSE(stack.freed());
  push(stack, 1);
  EXPECT_FALSE(stack.empty());
  const Stack moved = std::move(stack);
  EXPECT_FALSE(moved.empty());
  EXPECT_TRUE(stack.freed());
  EXPECT_TRUE(stack.empty());
  Stack released(64);
  released.release();
  EXPECT_TRUE(released.freed());
}

TEST(Stack, OwnsWhatIsOnItNow) {
  Stack stack(64);
  const auto low = push(stack, 8), high = push(stack, 8);
  EXPECT_TRUE(stack.owns(low.data()));
  EXPECT_TRUE(stack.owns(high.data() + 7));
  EXPECT_FALSE(stack.owns(high.data() + 8));
  stack.pop(8);
  EXPECT_FALSE(stack.owns(high.data()));
  EXPECT_FALSE(stack.owns(nullptr));
}

TEST(Stack, ScopesRestoreByThemselves) {
  Stack stack(64);
  push(stack, 8);
  {
    const auto outer = stack.scope();
    push(stack, 8);
    {
      const auto inner = stack.scope();
      (void)stack.mark();
      push(stack, 8);
    }
    EXPECT_EQ(stack.used(), 16u);
  }
  EXPECT_EQ(stack.used(), 8u);
  EXPECT_EQ(stack.mark().index(), 0u); // their markers are gone
}

TEST(Stack, AScopeEndsByAnException) {
  Stack stack(64);
  EXPECT_THROW(
      {
        const auto scope = stack.scope();
        push(stack, 8);
        throw std::runtime_error("away");
      },
      std::runtime_error);
  EXPECT_EQ(stack.used(), 0u);
}

TEST(Stack, ScopesThatEndOutOfOrderAreReported) {
  const test::ReportedMisuse reported;
  Stack stack(64);
  auto first = std::make_unique<Stack::Scope>(stack);
  auto second = std::make_unique<Stack::Scope>(stack);
  first.reset();
  second.reset();
  EXPECT_EQ(reported.texts(),
            Texts{"stale_marker stack: a scope ended below whose beginning the stack was popped or "
                  "restored, or before one that was opened in it"});
}

TEST(Stack, AScopeWhoseBeginningIsGoneIsReported) {
  const test::ReportedMisuse reported;
  Stack stack(64);
  const Marker bottom = stack.mark();
  push(stack, 8);
  {
    const auto scope = stack.scope();
    stack.pop(8);
  }
  EXPECT_EQ(reported.texts().size(), 1u);
  push(stack, 8);
  {
    const auto scope = stack.scope();
    stack.restore(bottom);
  }
  EXPECT_EQ(reported.texts().size(), 2u);
  stack.reset(); // no scope is open
}

TEST(Stack, AnOpenScopeForbidsResetAndRelease) {
  const test::ReportedMisuse reported;
  Stack stack(64);
  const Marker marker = stack.mark();
  {
    const auto scope = stack.scope();
    push(stack, 8);
    EXPECT_EQ(test::error([&] { stack.reset(); }), "Misuse(busy) stack: reset with 1 scopes open");
    stack.release();
    EXPECT_EQ(reported.texts(), Texts{"busy stack: released with 1 scopes open"});
    EXPECT_EQ(stack.used(), 8u);
  }
  stack.restore(marker);
  stack.reset();
  stack.release();
  EXPECT_EQ(reported.texts().size(), 1u);
}

TEST(StackDeathTest, AScopeThatOutlivesItsStackIsReported) {
  EXPECT_EXIT(
      {
        Stack stack(64);
        const auto scope = stack.scope();
        std::destroy_at(&stack);
      },
      test::by_abort, "allot: stack: destroyed with 1 scopes open");
}

void expect_released(Stack& stack) {
  EXPECT_EQ(test::kind([&] { push(stack, 8); }), "Misuse(released)");
  EXPECT_EQ(test::kind([&] { stack.push(""); }), "Misuse(released)");
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{8}, SIZE_MAX}) {
    EXPECT_EQ(test::kind([&] { stack.pop(bytes); }), "Misuse(released)");
    EXPECT_EQ(stack.try_pop(bytes).data(), nullptr);
  }
  EXPECT_EQ(test::kind([&] { return stack.pop<int>(); }), "Misuse(released)");
  EXPECT_EQ(test::kind([&] { return stack.top<int>(); }), "Misuse(released)");
  EXPECT_EQ(stack.try_pop<int>(), std::nullopt);
  EXPECT_EQ(stack.try_push({}).data(), nullptr);
  EXPECT_EQ(stack.try_push(1).data(), nullptr);
  EXPECT_EQ(stack.try_push(std::vector<std::byte>(8)).data(), nullptr);
  EXPECT_EQ(test::kind([&] { return stack.mark(); }), "Misuse(released)");
  EXPECT_EQ(test::kind([&] { stack.restore(Marker()); }), "Misuse(released)");
  EXPECT_EQ(test::kind([&] { const auto scope = stack.scope(); }), "Misuse(released)");
  EXPECT_EQ(test::kind([&] { stack.reset(); }), "Misuse(released)");
  EXPECT_EQ(test::state(stack), (test::State{0, 0, 0, 0}));
  stack.release(); // again
}

TEST(Stack, RefusesEverythingOnceReleased) {
  Stack stack(64);
  (void)stack.mark();
  push(stack, 16);
  stack.pop(8);
  stack.release();
  expect_released(stack);
}

TEST(Stack, RefusesEverythingOnceMovedFrom) {
  Stack from(64);
  const auto bytes = push(from, 16, 'a');
  Stack to(8);
  to = std::move(from);
  expect_released(from);
  EXPECT_EQ(to.used(), 16u);
  EXPECT_TRUE(test::holds(bytes.data(), 16, 'a'));
  Stack& alias = to;
  to = std::move(alias);
  EXPECT_EQ(to.used(), 16u);
}

TEST(Stack, StaysInsideABorrowedBufferAtAnyAddress) {
  for (std::size_t skip = 0; skip != 9; ++skip) {
    alignas(8) std::byte memory[64];
    test::fill(memory, sizeof memory);
    {
      Stack stack(Buffer::borrowed({memory + skip, 40}));
      push(stack, stack.capacity());
    }
    EXPECT_TRUE(test::holds(memory, skip, 0xA5));
    EXPECT_TRUE(test::holds(memory + skip + 40, 24 - skip, 0xA5));
  }
}

TEST(Stack, GivesBackToItsUpstream) {
  TestResource upstream; // which checks what it gets
  Stack stack(Buffer::from(&upstream, 100));
  push(stack, 50);
  stack.pop(50);
  stack = Stack(Buffer::from(&upstream, 64));
  EXPECT_EQ(upstream.live(), 1u);
  stack.release();
  EXPECT_EQ(upstream.live(), 0u);
}

class StackHiding : public test::Watched {
protected:
  Stack stack{64};
};

TEST_F(StackHiding, EverythingAboveTheTop) {
  const auto bytes = push(stack, 13);
  EXPECT_EQ(test::visible(bytes.data(), 128), 13u);
  push(stack, 8);
  EXPECT_EQ(test::visible(bytes.data() + 16, 112), 8u);
}

TEST_F(StackHiding, PoppedBytesFromTheNextPushOn) {
  push(stack, 40);
  const auto popped = stack.pop(40);
  EXPECT_EQ(test::visible(popped.data(), 128), 40u);
  push(stack, 8);
  EXPECT_EQ(test::visible(popped.data(), 128), 8u);
}

TEST_F(StackHiding, PoppedBytesFromTheNextMarkOn) {
  push(stack, 16);
  const auto popped = stack.pop(16);
  (void)stack.mark();
  EXPECT_TRUE(test::all_hidden(popped.data(), 16));
}

TEST_F(StackHiding, PoppedBytesAfterARestoreOrReset) {
  const Marker marker = stack.mark();
  for (const bool reset : {false, true}) {
    push(stack, 16);
    const auto popped = stack.pop(8);
    if (reset)
      stack.reset();
    else
      stack.restore(marker);
    EXPECT_TRUE(test::all_hidden(popped.data() - 8, 16));
  }
}

TEST_F(StackHiding, NotPoppedBytesWhenAPushIsRefused) {
  push(stack, 16);
  const auto popped = stack.pop(16);
  EXPECT_EQ(test::kind([&] { push(stack, 100); }), "Exhausted(no_room)");
  EXPECT_EQ(test::visible(popped.data(), 128), 16u);
}

TEST_F(StackHiding, TheTailOfAPushWherePoppedBytesWere) {
  push(stack, 16);
  stack.pop(16);
  const auto bytes = push(stack, 13);
  EXPECT_EQ(test::visible(bytes.data(), 128), 13u);
}

TEST_F(StackHiding, NothingOfABorrowedBufferAfterItsEnd) {
  alignas(8) std::byte memory[64];
  {
    Stack on_memory(Buffer::borrowed(memory));
    push(on_memory, 16);
    on_memory.pop(8);
    EXPECT_TRUE(test::all_hidden(memory + 16, 48));
  }
  EXPECT_EQ(test::visible(memory, 64), 64u);
}

#if defined(ALLOT_ASAN)
TEST(StackDeathTest, AddressSanitizerCatchesUseOfPoppedBytesAfterTheNextPush) {
  Stack stack(64);
  push(stack, 16);
  const auto popped = stack.pop(16);
  test::touch(popped.data() + 15);
  push(stack, 8);
  EXPECT_DEATH(test::touch(popped.data() + 8), "use-after-poison");
}
#endif

} // namespace
