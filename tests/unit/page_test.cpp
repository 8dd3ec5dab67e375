// The page, entry by entry, in its order and under its names: each of its sentences, through the
// verbs.
#include <allot/use/arena.hpp>

#include "support.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

using namespace allot::use::arena;
using test::is_aligned;
using test::kind;
using test::Witness;

namespace {

using Log = std::vector<int>;

// Each way to write a size that the verbs take, and each that they refuse when they run.
template <class Verb>
void expect_any_integer(Verb verb) {
  EXPECT_EQ(kind([&] { verb(std::int8_t{64}); }), "none");
  EXPECT_EQ(kind([&] { verb(std::uint8_t{64}); }), "none");
  EXPECT_EQ(kind([&] { verb(short{64}); }), "none");
  EXPECT_EQ(kind([&] { verb(64); }), "none");
  EXPECT_EQ(kind([&] { verb(64u); }), "none");
  EXPECT_EQ(kind([&] { verb(64LL); }), "none");
  EXPECT_EQ(kind([&] { verb(std::size_t{64}); }), "none");
  EXPECT_EQ(kind([&] { verb(std::int8_t{-1}); }), "Misuse(bad_size)");
  EXPECT_EQ(kind([&] { verb(-1); }), "Misuse(bad_size)");
  EXPECT_EQ(kind([&] { verb(INT64_MIN); }), "Misuse(bad_size)");
}

bool is_zero(const void* p, std::size_t bytes) {
  return test::holds(p, bytes, 0);
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Arena allocator

// Creates a new arena with a buffer of size bytes. Returns an arena object with buffer, size,
// offset, objects, and freed fields.
TEST(Page, arena_size) {
  const auto a = arena(1024);
  static_assert(std::is_same_v<decltype(a.buffer()), std::byte*>);
  EXPECT_NE(a.buffer(), nullptr);
  EXPECT_EQ(a.size(), 1024u);
  EXPECT_EQ(a.offset(), 0u);
  EXPECT_EQ(a.objects(), 0u);
  EXPECT_FALSE(a.freed());
  EXPECT_EQ(arena(1001).size(), 1008u);
  expect_any_integer([](auto size) { (void)arena(size); });
  EXPECT_EQ(kind([] { (void)arena(0); }), "Misuse(bad_size)");
  EXPECT_EQ(kind([] { (void)arena(SIZE_MAX); }), "Exhausted(system_refused)");
}

// Allocates bytes from the arena (aligned to 8 bytes). Returns a pointer. Errors if the arena is
// already freed or out of memory.
TEST(Page, arena_arena_bytes) {
  auto a = arena(1024);
  void* const p = arena(a, 13);
  static_assert(std::is_same_v<decltype(arena(a, 13)), void*>);
  EXPECT_EQ(p, a.buffer());
  EXPECT_TRUE(is_aligned(p, 8));
  EXPECT_TRUE(is_zero(p, 13));
  EXPECT_EQ(a.offset(), 16u);
  EXPECT_TRUE(is_aligned(arena(a, 1), 8));
  EXPECT_EQ(a.offset(), 24u);
  expect_any_integer([&](auto bytes) { (void)arena(a, bytes); });
  EXPECT_EQ(kind([&] { (void)arena(a, 1024); }), "Exhausted(no_room)");
  (void)arena(a, a.size() - a.offset());
  EXPECT_EQ(test::error([&] { (void)arena(a, 1); }),
            "Exhausted(no_room) arena: 1 bytes asked, 0 of 1024 left");
  EXPECT_EQ(a.offset(), 1024u);
  arena(a, release);
  EXPECT_EQ(kind([&] { (void)arena(a, 8); }), "Misuse(released)");
}

// Aligns size up to the nearest multiple of alignment. Returns the aligned size.
TEST(Page, arena_size_alignment) {
  EXPECT_EQ(arena(13, 8), 16u);
  EXPECT_EQ(arena(16, 8), 16u);
  EXPECT_EQ(arena(0, 8), 0u);
  EXPECT_EQ(arena(1, 1), 1u);
  EXPECT_EQ(arena(64, 7), 70u); // any multiple, not only powers of two
  EXPECT_EQ(arena(70, 7), 70u);
  EXPECT_EQ(arena(5, 4096), 4096u);
  EXPECT_EQ(arena(13, align{8}), 16u);
  EXPECT_EQ(arena(std::uint8_t{200}, std::uint8_t{100}), 200u);
  EXPECT_EQ(arena(std::uint8_t{250}, std::uint8_t{100}), 300u);
  EXPECT_EQ(arena(13u, 8LL), 16u);
  EXPECT_EQ(arena(SIZE_MAX - 7, 8), SIZE_MAX - 7);
  EXPECT_EQ(kind([] { (void)arena(SIZE_MAX - 6, 8); }), "Misuse(overflow)");
  EXPECT_EQ(kind([] { (void)arena(SIZE_MAX, 7); }), "Misuse(overflow)");
  EXPECT_EQ(kind([] { (void)arena(13, 0); }), "Misuse(bad_alignment)");
  EXPECT_EQ(kind([] { (void)arena(13, align{0}); }), "Misuse(bad_alignment)");
  EXPECT_EQ(kind([] { (void)arena(-13, 8); }), "Misuse(bad_size)");
  EXPECT_EQ(kind([] { (void)arena(13, -8); }), "Misuse(bad_size)");
  EXPECT_EQ(kind([] { (void)align{-1}; }), "Misuse(bad_size)");
}

// Resets the arena - sets offset back to 0, clears object list, and zeroes the buffer. Memory is
// reusable without reallocation.
TEST(Page, arena_arena_reset) {
  auto a = arena(1024);
  std::byte* const buffer = a.buffer();
  Log log;
  for (const bool tagged : {false, true}) {
    test::fill(arena(a, 512), 512);
    a.create<Witness>(log, 1);
    a.create<Witness>(log, 2);
    EXPECT_EQ(a.objects(), 2u);
    tagged ? arena(a, reset) : arena(a);
    EXPECT_EQ(a.offset(), 0u);
    EXPECT_EQ(a.objects(), 0u);
    EXPECT_FALSE(a.freed());
    EXPECT_EQ(a.buffer(), buffer);
    EXPECT_EQ(log, (Log{2, 1}));
    log.clear();
    EXPECT_EQ(arena(a, 1024), buffer);
    EXPECT_TRUE(is_zero(buffer, 1024));
    arena(a);
  }
  arena(a, release);
  EXPECT_EQ(kind([&] { arena(a); }), "Misuse(released)");
  EXPECT_EQ(kind([&] { arena(a, reset); }), "Misuse(released)");
}

// Frees the arena's underlying buffer and marks it as freed. All pointers into it become invalid.
TEST(Page, arena_arena_free) {
  auto a = arena(1024);
  Log log;
  void* const p = arena(a, 8);
  a.create<Witness>(log, 1);
  arena(a, release);
  EXPECT_TRUE(a.freed());
  EXPECT_EQ(a.buffer(), nullptr);
  EXPECT_EQ(a.size(), 0u);
  EXPECT_EQ(a.offset(), 0u);
  EXPECT_EQ(log, Log{1});
  EXPECT_FALSE(a.owns(p));
  static_assert(noexcept(arena(a, release)));
  arena(a, release); // never an error
  EXPECT_TRUE(a.freed());
}

// Creates a typed arena that holds up to capacity objects of type_size bytes each.
TEST(Page, arena_type_size_capacity) {
  auto t = arena(24, slots{10});
  EXPECT_EQ(t.capacity(), 10u);
  EXPECT_EQ(t.used(), 0u);
  EXPECT_EQ(t.slot_size(), 24u);
  EXPECT_EQ(arena(13, slots{3u}).slot_size(), 16u);
  EXPECT_EQ(arena(std::uint8_t{8}, slots{std::uint8_t{200}}).capacity(), 200u);
  for (int i = 0; i != 10; ++i)
    test::fill(arena(t).ptr, 24);
  EXPECT_EQ(kind([&] { (void)arena(t); }), "Exhausted(no_room)");

  EXPECT_EQ(kind([] { (void)arena(0, slots{1}); }), "Misuse(bad_size)");
  EXPECT_EQ(kind([] { (void)arena(8, slots{0}); }), "Misuse(bad_size)");
  EXPECT_EQ(kind([] { (void)arena(-8, slots{1}); }), "Misuse(bad_size)");
  EXPECT_EQ(kind([] { (void)slots{-1}; }), "Misuse(bad_size)");
  EXPECT_EQ(kind([] { (void)arena(SIZE_MAX, slots{1}); }), "Misuse(overflow)");
  EXPECT_EQ(kind([] { (void)arena(16, slots{SIZE_MAX / 16 + 1}); }), "Misuse(overflow)");
  EXPECT_EQ(kind([] { (void)arena(8, slots{PTRDIFF_MAX / 8}); }), "Exhausted(system_refused)");
}

// Allocates one slot from a typed arena. Returns a {ptr, index} object.
TEST(Page, arena_typed_arena) {
  auto t = arena(24, slots{3});
  for (std::size_t i = 0; i != 3; ++i) {
    const auto [ptr, index] = arena(t);
    EXPECT_EQ(index, i);
    EXPECT_TRUE(is_aligned(ptr, 8));
    EXPECT_TRUE(is_zero(ptr, 24));
  }
  EXPECT_EQ(test::error([&] { (void)arena(t); }),
            "Exhausted(no_room) slot_arena: 1 slots asked, 0 of 3 left");
  test::fill(arena(t, 0), 24);
  arena(t, reset);
  EXPECT_EQ(t.used(), 0u);
  EXPECT_TRUE(is_zero(arena(t).ptr, 24));
  arena(t, release);
  arena(t, release);
  EXPECT_EQ(kind([&] { (void)arena(t); }), "Misuse(released)");
  EXPECT_EQ(kind([&] { arena(t, reset); }), "Misuse(released)");

  allot::TypedArena<int> numbers(2);
  const auto [number, index] = arena(numbers);
  static_assert(std::is_same_v<decltype(number), int* const>);
  EXPECT_EQ(*number, 0);
  EXPECT_EQ(index, 0u);
  *number = 7;
  arena(numbers, reset);
  EXPECT_EQ(*arena(numbers).ptr, 0);
  (void)arena(numbers);
  EXPECT_EQ(kind([&] { (void)arena(numbers); }), "Exhausted(no_room)");
  arena(numbers, release);
  EXPECT_EQ(kind([&] { (void)arena(numbers); }), "Misuse(released)");
}

// Returns a pointer to the object at the given index in a typed arena. Errors if out of bounds.
TEST(Page, arena_typed_arena_index) {
  auto t = arena(24, slots{3});
  EXPECT_EQ(kind([&] { (void)arena(t, 0); }), "Misuse(out_of_bounds)"); // not yet allocated
  const auto first = arena(t);
  const auto second = arena(t);
  EXPECT_EQ(arena(t, 0), first.ptr);
  EXPECT_EQ(arena(t, 1u), second.ptr);
  EXPECT_EQ(arena(t, second.index), second.ptr);
  EXPECT_EQ(test::error([&] { (void)arena(t, 2); }),
            "Misuse(out_of_bounds) slot_arena: index 2, of 2 slots in use");
  EXPECT_EQ(kind([&] { (void)arena(t, SIZE_MAX); }), "Misuse(out_of_bounds)");
  EXPECT_EQ(kind([&] { (void)arena(t, -1); }), "Misuse(bad_size)");

  allot::TypedArena<std::string> texts(2);
  *arena(texts).ptr = "text";
  static_assert(std::is_same_v<decltype(arena(texts, 0)), std::string&>);
  EXPECT_EQ(arena(texts, 0), "text");
  EXPECT_EQ(kind([&] { (void)arena(texts, 1); }), "Misuse(out_of_bounds)");
  EXPECT_EQ(kind([&] { (void)arena(texts, -1); }), "Misuse(bad_size)");
}

// Bump allocator

// Creates a new bump allocator with a buffer of size bytes.
TEST(Page, bumpn_size) {
  const auto b = bumpn(1001);
  EXPECT_EQ(b.capacity(), 1008u);
  EXPECT_EQ(b.used(), 0u);
  expect_any_integer([](auto size) { (void)bumpn(size); });
  EXPECT_EQ(kind([] { (void)bumpn(0); }), "Misuse(bad_size)");
  EXPECT_EQ(kind([] { (void)bumpn(SIZE_MAX); }), "Exhausted(system_refused)");
}

// Allocates size bytes (8-byte aligned) from the bump allocator. Errors if exhausted.
TEST(Page, bumpa_bump_size) {
  auto b = bumpn(1024);
  auto* const p = static_cast<std::byte*>(bumpa(b, 13));
  EXPECT_TRUE(is_aligned(p, 8));
  EXPECT_TRUE(is_zero(p, 13));
  EXPECT_EQ(b.used(), 16u);
  EXPECT_EQ(bumpa(b, 8), p + allot::red_zones.stretch(16)); // just increment a head pointer
  expect_any_integer([&](auto size) { (void)bumpa(b, size); });
  (void)bumpa(b, b.available());
  EXPECT_EQ(test::error([&] { (void)bumpa(b, 1); }),
            "Exhausted(no_room) bump: 1 bytes asked, 0 of 1024 left");
}

// Resets the bump allocator - head goes back to 0 and the buffer is zeroed.
TEST(Page, bumpr_bump) {
  auto b = bumpn(64);
  void* const p = bumpa(b, 64);
  test::fill(p, 64);
  bumpr(b);
  EXPECT_EQ(b.used(), 0u);
  EXPECT_EQ(bumpa(b, 64), p);
  EXPECT_TRUE(is_zero(p, 64));
}

// Frees the bump allocator's buffer entirely.
TEST(Page, bumpf_bump) {
  auto b = bumpn(64);
  (void)bumpa(b, 8);
  static_assert(noexcept(bumpf(b)));
  bumpf(b);
  bumpf(b);
  EXPECT_EQ(b.capacity(), 0u);
  EXPECT_EQ(kind([&] { (void)bumpa(b, 8); }), "Misuse(released)");
  EXPECT_EQ(kind([&] { bumpr(b); }), "Misuse(released)");
}

// Object pool

// Creates an object pool with a constructor function, a reset function (called before reuse), and
// an initial capacity hint.
TEST(Page, pooln_constructor_reset_fn_initial_capacity) {
  int made = 0;
  int resets = 0;
  auto pool = pooln([&] { return ++made; }, [&](int&) { ++resets; }, 4);
  EXPECT_EQ(made, 0); // nothing yet
  EXPECT_EQ(pools(pool).capacity, 4u);
  EXPECT_EQ(poolg(pool), 1);
  EXPECT_EQ(resets, 0);
  auto make = [] { return std::string(); };
  auto clear = [](std::string& text) { text.clear(); };
  expect_any_integer([&](auto capacity) { (void)pooln(make, clear, capacity); });
}

// Gets an object from the pool. Returns an available object (after resetting it) if one exists, or
// calls the constructor to create a new one.
TEST(Page, poolg_pool) {
  int made = 0;
  auto pool =
      pooln([&] { return ++made, std::string(); }, [](std::string& text) { text = "reset"; }, 2);
  std::string& first = poolg(pool);
  static_assert(std::is_same_v<decltype(poolg(pool)), std::string&>);
  EXPECT_EQ(first, "");
  EXPECT_EQ(made, 1);
  EXPECT_NE(&poolg(pool), &first);
  EXPECT_EQ(made, 2);
  first = "used";
  poolr(pool, first);
  EXPECT_EQ(&poolg(pool), &first);
  EXPECT_EQ(first, "reset");
  EXPECT_EQ(made, 2);
  for (int i = 0; i != 100; ++i) // the capacity is a hint
    (void)poolg(pool);
  EXPECT_EQ(made, 102);
}

// Returns an object back to the pool's available list.
TEST(Page, poolr_pool_obj) {
  auto pool = pooln([] { return 0; }, [](int&) {}, 2);
  int& object = poolg(pool);
  poolr(pool, object);
  EXPECT_EQ(pools(pool).available, 1u);
  EXPECT_EQ(pools(pool).in_use, 0u);
  EXPECT_EQ(kind([&] { poolr(pool, object); }), "Misuse(double_free)");
  int foreign = 0;
  EXPECT_EQ(kind([&] { poolr(pool, foreign); }), "Misuse(foreign_pointer)");
  auto other = pooln([] { return 0; }, [](int&) {}, 2);
  EXPECT_EQ(kind([&] { poolr(pool, poolg(other)); }), "Misuse(foreign_pointer)");
  EXPECT_EQ(pools(pool).available, 1u);
}

// Returns pool stats: {available, in_use, total_allocated, capacity}.
TEST(Page, pools_pool_stats) {
  auto pool = pooln([] { return 0; }, [](int&) {}, 4);
  int* objects[3];
  for (int*& object : objects)
    object = &poolg(pool);
  poolr(pool, *objects[0]);
  poolr(pool, *objects[1]);
  const auto [available, in_use, total_allocated, capacity] = pools(pool);
  EXPECT_EQ(available, 2u);
  EXPECT_EQ(in_use, 1u);
  EXPECT_EQ(total_allocated, 3u);
  EXPECT_EQ(capacity, 4u);
  EXPECT_EQ(pools(std::as_const(pool), stats).available, 2u);
}

// Shrinks the available list back down to capacity if it has grown too large.
TEST(Page, pools_pool_shrink) {
  auto pool = pooln([] { return std::string(); }, [](std::string&) {}, 2);
  std::string* objects[5];
  for (std::string*& object : objects)
    object = &poolg(pool);
  pools(pool, shrink);
  EXPECT_EQ(pools(pool).in_use, 5u);
  for (std::string* const object : objects)
    poolr(pool, *object);
  EXPECT_EQ(pools(pool).available, 5u);
  pools(pool, shrink);
  EXPECT_EQ(pools(pool).available, 2u);
  pools(pool, shrink); // it is not too large any more
  EXPECT_EQ(pools(pool).available, 2u);
  EXPECT_EQ(pools(pool).total_allocated, 5u);
  EXPECT_EQ(pools(pool).capacity, 2u);
}

// Fixed-size block allocator

// Creates a block allocator with block_count blocks of block_size bytes each. Initialises a bitmap
// (0 = free, 1 = used).
TEST(Page, block_block_size_block_count) {
  auto b = block(60, 10);
  EXPECT_EQ(b.capacity(), 10u);
  EXPECT_EQ(b.block_size(), 64u);
  EXPECT_EQ(block(b, stats).free, 10u);
  EXPECT_EQ(block(std::uint8_t{8}, std::int8_t{100}).capacity(), 100u);
  EXPECT_EQ(kind([] { (void)block(0, 10); }), "Misuse(bad_size)");
  EXPECT_EQ(kind([] { (void)block(8, 0); }), "Misuse(bad_size)");
  EXPECT_EQ(kind([] { (void)block(-8, 10); }), "Misuse(bad_size)");
  EXPECT_EQ(kind([] { (void)block(8, -10); }), "Misuse(bad_size)");
  EXPECT_EQ(kind([] { (void)block(SIZE_MAX, 1); }), "Misuse(overflow)");
  EXPECT_EQ(kind([] { (void)block(8, SIZE_MAX); }), "Misuse(overflow)");
}

// Allocates the first free block. Returns a pointer to it. Errors if all blocks are in use.
TEST(Page, block_block_pool) {
  auto b = block(64, 4);
  std::vector<void*> blocks;
  for (const bool tagged : {false, true, false, true})
    blocks.push_back(tagged ? block(b, acquire) : block(b));
  for (std::size_t i = 0; i != 4; ++i) {
    EXPECT_TRUE(is_aligned(blocks[i], 8));
    EXPECT_TRUE(is_zero(blocks[i], 64));
    EXPECT_EQ(i == 0 || blocks[i - 1] < blocks[i], true);
  }
  EXPECT_EQ(test::error([&] { (void)block(b); }),
            "Exhausted(no_room) block_pool: 1 blocks asked, 0 of 4 left");
  block(b, blocks[3]);
  block(b, blocks[0]);
  block(b, blocks[2]);
  EXPECT_EQ(block(b), blocks[0]); // the first, not the one freed last
  EXPECT_EQ(block(b), blocks[2]);
  EXPECT_EQ(block(b), blocks[3]);
}

// Frees the block at ptr - calculates its index from the pointer offset, marks it free in the
// bitmap, and zeroes its memory.
TEST(Page, block_block_pool_ptr) {
  auto b = block(64, 4);
  void* const p = block(b);
  void* const q = block(b);
  test::fill(p, 64);
  test::fill(q, 64);
  block(b, p);
  EXPECT_EQ(block(b, stats).used, 1u);
  EXPECT_EQ(block(b), p);
  EXPECT_TRUE(is_zero(p, 64));
  EXPECT_TRUE(test::holds(q, 64, 0xA5));

  block(b, p);
  int foreign = 0;
  EXPECT_EQ(kind([&] { block(b, p); }), "Misuse(double_free)");
  EXPECT_EQ(kind([&] { block(b, &foreign); }), "Misuse(foreign_pointer)");
  EXPECT_EQ(kind([&] { block(b, static_cast<std::byte*>(q) + 8); }), "Misuse(misaligned_pointer)");
  EXPECT_EQ(kind([&] { block(b, nullptr); }), "Misuse(null_pointer)");
  EXPECT_EQ(block(b, stats).used, 1u);
}

// Returns stats: {total, used, free, utilization}.
TEST(Page, block_block_pool_stats) {
  auto b = block(64, 4);
  (void)block(b);
  const auto [total, used, free, utilization] = block(b, stats);
  EXPECT_EQ(total, 4u);
  EXPECT_EQ(used, 1u);
  EXPECT_EQ(free, 3u);
  EXPECT_DOUBLE_EQ(utilization, 0.25);
  for (int i = 0; i != 3; ++i)
    (void)block(b);
  EXPECT_DOUBLE_EQ(block(std::as_const(b), stats).utilization, 1);
}

// Stack allocator

// Creates a stack allocator with a buffer of size bytes.
TEST(Page, stack_size) {
  const auto s = stack(1001);
  EXPECT_EQ(s.size(), 1008u);
  EXPECT_EQ(s.used(), 0u);
  expect_any_integer([](auto size) { (void)stack(size); });
  EXPECT_EQ(kind([] { (void)stack(0); }), "Misuse(bad_size)");
}

// Pushes data onto the stack. Errors if it would overflow.
TEST(Page, stack_stack_data) {
  struct Point {
    int x, y;
  };
  auto s = stack(256);
  EXPECT_EQ(text_of(stack(s, "literal")), "literal");
  EXPECT_EQ(text_of(stack(s, std::string("string"))), "string");
  EXPECT_EQ(text_of(stack(s, std::string_view("view"))), "view");
  const char* const text = "text";
  EXPECT_EQ(text_of(stack(s, text)), "text");
  const std::vector<std::uint16_t> numbers{1, 2, 3};
  EXPECT_EQ(stack(s, numbers).size(), 6u);
  EXPECT_EQ(stack(s, std::array<int, 3>{}).size(), 12u);
  EXPECT_EQ(stack(s, std::span(numbers)).size(), 6u);
  const int array[] = {1, 2};
  const std::span<std::byte> copied = stack(s, array);
  EXPECT_EQ(std::memcmp(copied.data(), array, sizeof array), 0);
  EXPECT_EQ(stack(s, std::as_bytes(std::span(array))).size(), 8u);
  const Point point{3, 4};
  const std::span<std::byte> object = stack(s, point);
  EXPECT_EQ(std::memcmp(object.data(), &point, sizeof point), 0);
  EXPECT_TRUE(is_aligned(object.data(), 8));

  EXPECT_EQ(stack(s, 1.5).size(), sizeof(double));
  EXPECT_EQ(s.top<double>(), 1.5);
  EXPECT_EQ(stack(s, &point).size(), sizeof(void*));
  EXPECT_EQ(s.top<const Point*>(), &point);
  EXPECT_EQ(stack(s, std::pair(1, 'a')).size(), sizeof(std::pair<int, char>));
  EXPECT_EQ(s.top<int>(), 1);

  EXPECT_EQ(s.used(), 8u * 14);
  EXPECT_EQ(kind([&] { stack(s, std::string(256, 'x')); }), "Exhausted(no_room)");
  EXPECT_EQ(s.used(), 8u * 14);
}

// Pops size bytes off the top of the stack. Errors on underflow.
TEST(Page, stack_stack_size) {
  auto s = stack(1024);
  stack(s, "below");
  stack(s, "thirteen here");
  EXPECT_EQ(s.used(), 24u);
  EXPECT_EQ(text_of(stack(s, 13)), "thirteen here"); // undoes a push of as many bytes
  EXPECT_EQ(s.used(), 8u);
  EXPECT_EQ(kind([&] { stack(s, 9); }), "Misuse(underflow)");
  EXPECT_EQ(kind([&] { stack(s, SIZE_MAX); }), "Misuse(underflow)");
  EXPECT_EQ(s.used(), 8u);
  EXPECT_EQ(text_of(stack(s, std::uint8_t{5})), "below");
  stack(s, std::string(512, 'x'));
  expect_any_integer([&](auto size) { stack(s, size); });
}

// Sets a marker at the current stack top. Returns the marker index.
TEST(Page, stack_stack) {
  auto s = stack(1024);
  for (std::size_t i = 0; i != 3; ++i) {
    const allot::Marker marker = stack(s);
    EXPECT_EQ(static_cast<std::size_t>(marker), i);
    EXPECT_EQ(marker.index(), i);
    stack(s, "data");
  }
  EXPECT_EQ(s.used(), 24u); // markers take nothing of it
}

// Restores the stack to a previous marker position, discarding everything allocated after it.
TEST(Page, stack_stack_mark) {
  auto s = stack(1024);
  stack(s, "below");
  const auto first = stack(s);
  stack(s, "above");
  const auto second = stack(s);
  stack(s, "above again");
  stack(s, first);
  EXPECT_EQ(s.used(), 8u);
  EXPECT_EQ(kind([&] { stack(s, second); }), "Misuse(stale_marker)"); // later markers go too
  stack(s, "above");
  stack(s, first); // this one stays
  EXPECT_EQ(text_of(stack(s, 5)), "below");
  EXPECT_EQ(kind([&] { stack(s, first); }), "Misuse(stale_marker)");
  auto other = stack(1024);
  const auto foreign = stack(other);
  (void)stack(s);
  EXPECT_EQ(kind([&] { stack(s, foreign); }), "Misuse(stale_marker)");
}

// Memory-mapped arena

// Creates an mmap-backed arena reserving size bytes of virtual address space.
TEST(Page, mmapn_size_options) {
  const auto m = mmapn(5000);
  EXPECT_EQ(m.capacity(), 8192u);
  EXPECT_EQ(m.committed(), 0u);
  const std::size_t far = std::size_t{1} << (sizeof(void*) < 8        ? 28
                                             : test::under_valgrind() ? 34
                                                                      : 40);
  const auto large = mmapn(far, {.commit = allot::Commit::strict});
  EXPECT_EQ(large.capacity(), far);
  EXPECT_EQ(large.committed(), 0u);
  EXPECT_EQ(mmapn(4096, {}).capacity(), 4096u);
  expect_any_integer([](auto size) { (void)mmapn(size); });
  EXPECT_EQ(kind([] { (void)mmapn(0); }), "Misuse(bad_size)");
  EXPECT_EQ(kind([] { (void)mmapn(PTRDIFF_MAX); }), "Exhausted(system_refused)");
  EXPECT_EQ(kind([] { (void)mmapn(SIZE_MAX); }), "Exhausted(system_refused)");
}

// Commits size bytes of physical memory within the arena.
TEST(Page, mmapc_mmap_size) {
  auto m = mmapn(1 << 20);
  EXPECT_EQ(mmapc(m, 1), 4096u);     // the total
  EXPECT_EQ(mmapc(m, 8192), 12288u); // more, not up to
  EXPECT_EQ(m.committed(), 12288u);
  EXPECT_EQ(m.used(), 0u);
  EXPECT_TRUE(is_zero(mmapa(m, 12288), 12288));
  expect_any_integer([&](auto size) { mmapc(m, size); });
  EXPECT_EQ(kind([&] { mmapc(m, 1 << 20); }), "Exhausted(no_room)");
  EXPECT_EQ(mmapc(m, m.capacity() - m.committed()), std::size_t{1} << 20);
  EXPECT_EQ(kind([&] { mmapc(m, 1); }), "Exhausted(no_room)");
  mmapf(m);
  EXPECT_EQ(kind([&] { mmapc(m, 1); }), "Misuse(released)");
}

// Allocates bytes from the mmap arena, auto-committing more pages if needed (aligned to 4096
// bytes).
TEST(Page, mmapa_mmap_bytes) {
  auto m = mmapn(1 << 20);
  void* const p = mmapa(m, 1);
  EXPECT_TRUE(is_aligned(p, 8));
  EXPECT_TRUE(is_zero(p, 1));
  EXPECT_EQ(m.used(), 8u);
  EXPECT_EQ(m.committed(), 4096u);
  (void)mmapa(m, 4088);
  EXPECT_EQ(m.committed(), 4096u);
  (void)mmapa(m, 1);
  EXPECT_EQ(m.committed(), 8192u);
  (void)mmapa(m, 100000);
  EXPECT_EQ(m.committed() % 4096, 0u);
  EXPECT_GE(m.committed(), m.used());
  EXPECT_LT(m.committed(), m.used() + 4096);
  expect_any_integer([&](auto bytes) { (void)mmapa(m, bytes); });
  EXPECT_EQ(kind([&] { (void)mmapa(m, 1 << 20); }), "Exhausted(no_room)");
}

// Unmaps the arena and frees the virtual address space.
TEST(Page, mmapf_mmap) {
  auto m = mmapn(1 << 20);
  (void)mmapa(m, 8);
  static_assert(noexcept(mmapf(m)));
  mmapf(m);
  mmapf(m);
  EXPECT_EQ(m.capacity(), 0u);
  EXPECT_EQ(m.committed(), 0u);
  EXPECT_EQ(kind([&] { (void)mmapa(m, 8); }), "Misuse(released)");
}

// Region allocator

// Creates a new region. Starts with no arenas; will allocate 64KB arenas on demand.
TEST(Page, regio) {
  auto r = regio();
  EXPECT_EQ(regio(r, stats).arenas, 0u);
  EXPECT_EQ(regio(r, stats).current_arena_size, 0u);
  EXPECT_NE(regio(r, 1), nullptr);
  EXPECT_EQ(regio(r, stats).arenas, 1u);
  EXPECT_EQ(regio(r, stats).current_arena_size, 65536u);
}

// Allocates size bytes from the region. Creates a new 64KB arena if the current one is full.
TEST(Page, regio_regin_size) {
  auto r = regio();
  void* const p = regio(r, 65536);
  EXPECT_TRUE(is_aligned(p, 8));
  EXPECT_TRUE(is_zero(p, 65536));
  test::fill(p, 65536);
  EXPECT_EQ(regio(r, stats).arenas, 1u);
  (void)regio(r, 1);
  EXPECT_EQ(regio(r, stats).arenas, 2u);
  EXPECT_EQ(regio(r, stats).current_arena_used, 8u);
  EXPECT_TRUE(test::holds(p, 65536, 0xA5));

  void* const large = regio(r, 65537); // an arena of its own
  test::fill(large, 65537);
  EXPECT_EQ(regio(r, stats).arenas, 3u);
  EXPECT_EQ(regio(r, stats).current_arena_used, 8u); // the current one stays current
  expect_any_integer([&](auto size) { (void)regio(r, size); });
  EXPECT_THROW((void)regio(r, SIZE_MAX), allot::Exhausted);
}

// Frees all arenas in the region and resets it.
TEST(Page, regio_regin_free) {
  auto r = regio();
  static_assert(noexcept(regio(r)));
  for (const bool tagged : {false, true}) {
    for (int i = 0; i != 3; ++i)
      test::fill(regio(r, 65536), 65536);
    tagged ? regio(r, release) : regio(r);
    const auto [arenas, total, used, size] = regio(r, stats);
    EXPECT_EQ(arenas + total + used + size, 0u);
    EXPECT_TRUE(is_zero(regio(r, 8), 8)); // it is usable again
  }
}

// Returns stats: {arenas, total_allocated, current_arena_used, current_arena_size}.
TEST(Page, regio_regin_stats) {
  auto r = regio();
  (void)regio(r, 13);
  (void)regio(r, 65536);
  (void)regio(r, 1);
  (void)regio(r, 100000);
  (void)regio(r, 8);
  const auto [arenas, total_allocated, current_arena_used, current_arena_size] =
      regio(std::as_const(r), stats);
  EXPECT_EQ(arenas, 3u); // two of them for one request each, which the current one had no room for
  EXPECT_EQ(total_allocated, 16u + 65536 + 8 + 100000 + 8); // rounded sizes
  EXPECT_EQ(current_arena_used, 16u + 8 + 8);
  EXPECT_EQ(current_arena_size, 65536u);
}

// Scratch space

// Creates a scratch space backed by an arena of size bytes.
TEST(Page, scrat_size) {
  const auto s = scrat(1001);
  EXPECT_EQ(s.capacity(), 1008u);
  EXPECT_EQ(s.offset(), 0u);
  expect_any_integer([](auto size) { (void)scrat(size); });
  EXPECT_EQ(kind([] { (void)scrat(0); }), "Misuse(bad_size)");
}

// Saves the current allocation offset as a checkpoint.
TEST(Page, scrat_scratch_checkpoint) {
  auto s = scrat(1024);
  (void)scrat(s, 8);
  scrat(s);
  (void)scrat(s, 8);
  scrat(s, save); // they nest
  EXPECT_EQ(s.offset(), 16u);
  (void)scrat(s, 8);
  scrat(s, restore);
  EXPECT_EQ(s.offset(), 16u);
  scrat(s, restore);
  EXPECT_EQ(s.offset(), 8u);
}

// Allocates bytes from the scratch space.
TEST(Page, scrat_scratch_bytes) {
  auto s = scrat(1024);
  void* const p = scrat(s, 13);
  EXPECT_TRUE(is_aligned(p, 8));
  EXPECT_TRUE(is_zero(p, 13));
  EXPECT_EQ(s.offset(), 16u);
  expect_any_integer([&](auto bytes) { (void)scrat(s, bytes); });
  EXPECT_EQ(kind([&] { (void)scrat(s, 1024); }), "Exhausted(no_room)");
}

// Restores the scratch space to the last checkpoint, reclaiming all allocations made since.
TEST(Page, scrat_scratch_restore) {
  auto s = scrat(1024);
  Log log;
  scrat(s);
  void* const p = scrat(s, 100);
  (void)scrat(s, 100);
  s.create<Witness>(log, 1);
  scrat(s, restore);
  EXPECT_EQ(s.offset(), 0u);
  EXPECT_EQ(log, Log{1});
  EXPECT_EQ(scrat(s, 100), p);
  EXPECT_EQ(kind([&] { scrat(s, restore); }), "Misuse(no_checkpoint)"); // none is left
}

// Frees the underlying arena entirely.
TEST(Page, scrat_scratch_free) {
  auto s = scrat(1024);
  scrat(s);
  (void)scrat(s, 100);
  static_assert(noexcept(scrat(s, release)));
  scrat(s, release);
  scrat(s, release);
  EXPECT_EQ(s.capacity(), 0u);
  EXPECT_EQ(kind([&] { (void)scrat(s, 8); }), "Misuse(released)");
  EXPECT_EQ(kind([&] { scrat(s); }), "Misuse(released)");
  EXPECT_EQ(kind([&] { scrat(s, restore); }), "Misuse(released)");
}

// What the verbs take and don't, beyond the page.

// A call with `...`, if it compiles.
template <class... Arguments>
concept ArenaTakes =
    requires(Arguments&&... arguments) { arena(std::forward<Arguments>(arguments)...); };
template <class Data>
concept StackTakes = requires(allot::Stack& s, Data&& data) { stack(s, std::forward<Data>(data)); };

template <class T>
constexpr bool is_size = ArenaTakes<T> && ArenaTakes<allot::Arena&, T> && ArenaTakes<T, align> &&
                         ArenaTakes<T, slots> && ArenaTakes<allot::SlotArena&, T>;
template <class T>
constexpr bool is_nowhere_a_size =
    !ArenaTakes<T> && !ArenaTakes<allot::Arena&, T> && !ArenaTakes<T, align> &&
    !ArenaTakes<T, slots> && !ArenaTakes<allot::SlotArena&, T> && !ArenaTakes<int, T>;

static_assert(is_size<int> && is_size<unsigned> && is_size<std::int8_t> && is_size<std::uint8_t> &&
              is_size<short> && is_size<long long> && is_size<const int&>);
static_assert(is_nowhere_a_size<bool> && is_nowhere_a_size<char> && is_nowhere_a_size<wchar_t> &&
              is_nowhere_a_size<char8_t> && is_nowhere_a_size<char16_t> &&
              is_nowhere_a_size<char32_t>);
static_assert(is_nowhere_a_size<double> && is_nowhere_a_size<void*> &&
              is_nowhere_a_size<allot::Marker> && is_nowhere_a_size<std::string>);

// Integers pop and markers restore; data is what can be mistaken for neither, nor means anything
// else.
static_assert(StackTakes<std::string> && StackTakes<const char*> && StackTakes<std::vector<int>>);
static_assert(StackTakes<double> && StackTakes<int*> && StackTakes<std::byte> &&
              StackTakes<std::pair<int, int>> && StackTakes<int[3]>);
static_assert(StackTakes<int> && StackTakes<std::uint8_t> && StackTakes<allot::Marker>);
static_assert(!StackTakes<std::nullptr_t> && !StackTakes<bool> && !StackTakes<char> &&
              !StackTakes<wchar_t> && !StackTakes<char8_t>);
static_assert(!StackTakes<align> && !StackTakes<slots> && !StackTakes<decltype(reset)> &&
              !StackTakes<decltype(release)> && !StackTakes<decltype(stats)>);
static_assert(!allot::Pushable<align> && !allot::Pushable<allot::use::ResetTag>);
static_assert(!StackTakes<std::vector<std::string>> && !StackTakes<std::unique_ptr<int>>);

TEST(Verbs, AMarkerIsNotASize) {
  auto s = allot::use::arena::stack(1024);
  stack(s, "data");
  const auto marker = stack(s);
  stack(s, "more");
  static_assert(std::is_void_v<decltype(stack(s, marker))>);
  stack(s, marker);
  EXPECT_EQ(s.used(), 8u);
}

#if defined(__SIZEOF_INT128__)
template <class Wide>
void expect_range_checked() {
  if constexpr (allot::use::Integer<Wide>) {
    EXPECT_EQ(arena(Wide{64}).size(), 64u);
    EXPECT_EQ(kind([] { (void)arena(Wide{-64}); }), "Misuse(bad_size)");
    EXPECT_EQ(kind([] { (void)arena((Wide{1} << 64) + 64); }), "Misuse(bad_size)");
    EXPECT_EQ(kind([] { (void)arena(13, (Wide{1} << 64) + 8); }), "Misuse(bad_size)");
  } else {
    EXPECT_FALSE(ArenaTakes<Wide>); // strict C++ does not count it among the integers
    EXPECT_FALSE(StackTakes<Wide>); // but it is no data either
  }
}
TEST(Verbs, NumbersWiderThanASizeAreRangeChecked) {
  __extension__ using Wide = __int128;
  expect_range_checked<Wide>();
}
#endif

TEST(Verbs, SayWhichOfThemWasGivenANegativeNumber) {
  EXPECT_EQ(test::error([] { (void)arena(-1); }),
            "Misuse(bad_size) arena: a negative number, -1, was given");
  EXPECT_EQ(test::error([] { (void)mmapn(INT64_MIN); }),
            "Misuse(bad_size) mmapn: a negative number, -9223372036854775808, was given");
  EXPECT_EQ(test::error([] { (void)align{-2}; }),
            "Misuse(bad_size) align: a negative number, -2, was given");
  EXPECT_EQ(test::error([] { (void)slots{-3}; }),
            "Misuse(bad_size) slots: a negative number, -3, was given");
}

} // namespace
