#include <allot/block_pool.hpp>

#include "support.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <ostream>
#include <random>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace allot;
using test::TestResource;
using test::Witness;

namespace {

constexpr Order orders[] = {Order::first_free, Order::any};
// Powers of two, their multiples by odd numbers, and a page.
constexpr std::size_t block_sizes[] = {8, 24, 40, 64, 100, 4096};

struct Numbers {
  std::size_t total, used, free;
  bool operator==(const Numbers&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const Numbers& n) {
    return out << n.used << " used + " << n.free << " of " << n.total;
  }
};
Numbers numbers(const BlockPool& pool) {
  const BlockPool::Stats stats = pool.stats();
  EXPECT_DOUBLE_EQ(stats.utilization, stats.total == 0 ? 0
                                                       : static_cast<double>(stats.used) /
                                                             static_cast<double>(stats.total));
  return {stats.total, stats.used, stats.free};
}

std::vector<std::byte*> take_all(BlockPool& pool) {
  std::vector<std::byte*> blocks;
  while (void* const p = pool.try_allocate())
    blocks.push_back(static_cast<std::byte*>(p));
  return blocks;
}

TEST(BlockPool, HoldsExactlyAsManyBlocksAsAsked) {
  for (const Order order : orders) {
    for (const std::size_t bytes : block_sizes) {
      for (const std::size_t count : test::Sizes{1, 2, 63, 64, 65, 200}) {
        BlockPool pool(bytes, count, {.order = order});
        EXPECT_EQ(pool.capacity(), count);
        EXPECT_EQ(pool.block_size(), round_up(bytes));
        EXPECT_EQ(numbers(pool), (Numbers{count, 0, count}));
        const std::vector<std::byte*> blocks = take_all(pool);
        ASSERT_EQ(blocks.size(), count);
        for (std::size_t i = 0; i != count; ++i)
          test::fill(blocks[i], bytes, static_cast<int>(i % 255));
        for (std::size_t i = 0; i != count; ++i)
          ASSERT_TRUE(test::holds(blocks[i], bytes, static_cast<int>(i % 255)));
        EXPECT_EQ(numbers(pool), (Numbers{count, count, 0}));
        EXPECT_EQ(test::kind([&] { return pool.allocate(); }), "Exhausted(no_room)");
      }
    }
  }
}

TEST(BlockPool, NamesItselfInErrors) {
  EXPECT_EQ(test::error([] { return BlockPool(0, 5); }),
            "Misuse(bad_size) block_pool: blocks of 0 bytes were asked for");
  EXPECT_EQ(test::error([] { return BlockPool(8, 0); }),
            "Misuse(bad_size) block_pool: 0 blocks were asked for");
  EXPECT_EQ(test::error([] { return BlockPool(8, 5, {.alignment = 24}); }),
            "Misuse(bad_alignment) block_pool: alignment 24 is not a power of two");
  EXPECT_EQ(test::error([] { return BlockPool(8, SIZE_MAX); }),
            "Misuse(overflow) block_pool: " + std::to_string(SIZE_MAX) +
                " blocks of 8 bytes are more than a "
                "size can hold");
  EXPECT_EQ(test::error([] { return BlockPool(64, Buffer::heap(64)); }),
            "Misuse(bad_size) block_pool: a buffer of 64 bytes has no room for one block of 64");
  BlockPool pool(8, 1);
  void* const p = pool.allocate();
  EXPECT_EQ(test::error([&] { return pool.allocate(); }),
            "Exhausted(no_room) block_pool: 1 blocks asked, 0 of 1 left");
  EXPECT_EQ(test::error([&] { pool.deallocate(nullptr); }),
            "Misuse(null_pointer) block_pool: a null pointer was given back");
  BlockPool several(24, 100);
  std::byte* const first = static_cast<std::byte*>(several.allocate());
  const std::size_t stride = red_zones.stretch(24);
  EXPECT_TRUE(test::error([&] {
                several.deallocate(first + 3 * stride + 5);
              }).ends_with(" lies 5 bytes into block 3, not at its start"));
  const std::string free = test::error([&] { several.deallocate(first + 3 * stride); });
  EXPECT_TRUE(free.starts_with("Misuse(double_free) block_pool: block 3 at ")) << free;
  pool.release();
  for (const std::string& error :
       {test::error([&] { return pool.allocate(); }), test::error([&] { pool.deallocate(p); }),
        test::error([&] { pool.deallocate(nullptr); }), test::error([&] { pool.reset(); }),
        test::error([&] { return pool.create<int>(); }),
        test::error([&] { pool.destroy(static_cast<int*>(p)); })})
    EXPECT_EQ(error, "Misuse(released) block_pool: used after release");
  EXPECT_EQ(pool.try_allocate(), nullptr);
}

TEST(BlockPool, SizesAndCountsThatOverflowAreMisuse) {
  for (const Order order : orders) {
    for (const std::size_t n : test::unservable) {
      EXPECT_EQ(test::kind([&] { return BlockPool(n, 1, {.order = order}); }), "Misuse(overflow)");
      EXPECT_EQ(test::kind([&] { return BlockPool(1, n, {.order = order}); }), "Misuse(overflow)");
      EXPECT_EQ(test::kind([&] { return BlockPool(n, n, {.order = order}); }), "Misuse(overflow)");
      EXPECT_EQ(test::kind([&] { return BlockPool(8, 1, {.order = order, .alignment = n}); }),
                is_power_of_two(n) ? "Misuse(overflow)" : "Misuse(bad_alignment)");
    }
    EXPECT_EQ(test::kind([&] { return BlockPool(test::root, test::root, {.order = order}); }),
              "Misuse(overflow)"); // whose product is 0
    EXPECT_EQ(test::kind([&] { return BlockPool(SIZE_MAX, Buffer::heap(64), {.order = order}); }),
              "Misuse(bad_size)"); // not one fits
  }
}

// A count that no heap serves is Exhausted, however deep its tree would be.
#if SIZE_MAX > UINT32_MAX // what 32 bits have no addresses for
TEST(BlockPool, CountsThatTheHeapCannotServeAreExhausted) {
  for (unsigned shift = 37; shift != 60; ++shift) {
    const std::size_t count = (std::size_t{1} << shift) + 1;
    if (instrumented || count * 8 > std::size_t{1} << 47) { // more than an address space
      EXPECT_EQ(test::kind([&] { return BlockPool(8, count, {.zero = false}); }),
                "Exhausted(system_refused)");
    }
    EXPECT_EQ(test::kind([&] { return BlockPool(8, count, {.order = Order::any}); }),
              "Misuse(overflow)");
  }
}
#endif

// Reserved only: a block each page or so is touched.
#if SIZE_MAX > UINT32_MAX // what 32 bits have no addresses for
TEST(BlockPool, MoreBlocksThanSixLevelsOfSixtyFourWork) {
  if (instrumented)
    GTEST_SKIP() << "so much cannot be marked in shadow memory";
  const std::size_t bytes = std::size_t{1} << 40;
  BlockPool pool(8, Buffer::mapped(bytes), {.zero = false});
  EXPECT_GT(pool.capacity(), std::size_t{1} << 36); // 64^6
  std::vector<void*> blocks;
  for (int i = 0; i != 200; ++i)
    blocks.push_back(pool.allocate());
  for (void* const block : blocks)
    pool.deallocate(block);
  for (void* const block : blocks)
    ASSERT_EQ(pool.allocate(), block);
  EXPECT_NE(pool.allocate(), blocks.front());
}
#endif

#if SIZE_MAX > UINT32_MAX // what 32 bits have no addresses for
TEST(BlockPool, AnyOrderNumbersItsBlocksWith32Bits) {
  const auto kind = [](std::size_t count) {
    return test::kind([=] { return BlockPool(8, count, {.zero = false, .order = Order::any}); });
  };
  EXPECT_EQ(kind((std::size_t{1} << 32)), "Misuse(overflow)");
  EXPECT_NE(kind((std::size_t{1} << 32) - 1), "Misuse(overflow)"); // the most that it says it takes
}
#endif

TEST(BlockPool, AlignsBlocksToTheLargestPowerOfTwoThatDividesThem) {
  for (const Order order : orders) {
    for (const auto& [bytes, alignment] : {std::pair<std::size_t, std::size_t>{8, 8},
                                           {16, 16},
                                           {24, 8},
                                           {48, 16},
                                           {64, 64},
                                           {96, 32},
                                           {4096, 64}}) {
      BlockPool pool(bytes, 20, {.order = order});
      for (const void* const p : take_all(pool))
        EXPECT_TRUE(test::is_aligned(p, alignment)) << bytes;
    }
  }
}

TEST(BlockPool, AnAlignmentRoundsBlocksUp) {
  alignas(64) static std::byte memory[1 << 16];
  for (const Order order : orders) {
    for (std::size_t alignment = 1; alignment <= 8192; alignment *= 2) {
      const BlockOptions options{.order = order, .alignment = alignment};
      BlockPool pools[] = {BlockPool(100, 5, options),
                           BlockPool(100, Buffer::borrowed(std::span(memory).subspan(1)), options),
                           BlockPool(100, Buffer::mapped(1 << 16), options)};
      EXPECT_EQ(pools[0].capacity(), 5u);
      for (BlockPool& pool : pools) {
        EXPECT_EQ(pool.block_size(), saturating_round_up(100, std::max(alignment, granule)));
        const std::vector<std::byte*> blocks = take_all(pool);
        EXPECT_GE(blocks.size(), 2u);
        for (std::byte* const p : blocks) {
          EXPECT_TRUE(test::is_aligned(p, alignment)) << alignment;
          test::fill(p, 100);
        }
        for (std::byte* const p : blocks)
          pool.deallocate(p);
      }
    }
  }
  for (const std::size_t alignment : test::bad_alignments)
    EXPECT_EQ(test::kind([&] { return BlockPool(8, 5, {.alignment = alignment}); }),
              "Misuse(bad_alignment)");
}

TEST(BlockPool, FirstFreeIsTheLowest) {
  BlockPool pool(24, 1000);
  const std::vector<std::byte*> blocks = take_all(pool);
  for (std::size_t i = 1; i != blocks.size(); ++i)
    EXPECT_LT(blocks[i - 1], blocks[i]);
  for (const std::size_t i : test::Sizes{999, 3, 500, 64, 63})
    pool.deallocate(blocks[i]);
  for (const std::size_t i : test::Sizes{3, 63, 64, 500, 999})
    EXPECT_EQ(pool.allocate(), blocks[i]);
}

TEST(BlockPool, AnyIsTheOneFreedLast) {
  BlockPool pool(24, 1000, {.order = Order::any});
  const std::vector<std::byte*> blocks = take_all(pool);
  for (const std::size_t i : test::Sizes{999, 3, 500, 64, 63})
    pool.deallocate(blocks[i]);
  for (const std::size_t i : test::Sizes{63, 64, 500, 3, 999})
    EXPECT_EQ(pool.allocate(), blocks[i]);
}

TEST(BlockPool, ManyAtATimeAreWhatOneByOneWouldBe) {
  for (const Order order : orders) {
    for (const std::size_t many : test::Sizes{1, 2, 63, 64, 65, 300}) {
      BlockPool pool(24, 10000, {.order = order});
      BlockPool same(24, 10000, {.order = order});
      std::vector<std::size_t> used; // which are in use, as distances from the first
      const std::byte* const first = static_cast<std::byte*>(pool.allocate());
      const std::byte* const first_of_same = static_cast<std::byte*>(same.allocate());
      std::mt19937 random(static_cast<unsigned>(many));
      const auto allocate = [&] {
        std::vector<void*> blocks(many);
        pool.allocate_many(blocks);
        for (void* const p : blocks) {
          const auto at = static_cast<std::size_t>(static_cast<std::byte*>(p) - first);
          ASSERT_EQ(same.allocate(), first_of_same + at);
          ASSERT_TRUE(test::holds(p, 24, 0));
          test::fill(p, 24);
          used.push_back(at);
        }
      };
      const auto deallocate = [&] {
        std::vector<void*> blocks;
        for (std::size_t i = 0; i != many; ++i) {
          std::swap(used[random() % used.size()], used.back());
          blocks.push_back(const_cast<std::byte*>(first + used.back()));
          same.deallocate(const_cast<std::byte*>(first_of_same + used.back()));
          used.pop_back();
        }
        pool.deallocate_many(blocks);
      };
      for (int step = 0; step != 100; ++step) {
        const bool grows = random() % 100 < 60;
        if (grows ? pool.stats().free >= many : used.size() < many)
          ASSERT_NO_FATAL_FAILURE(allocate());
        else if (used.size() >= many)
          deallocate();
        ASSERT_EQ(numbers(pool), numbers(same));
      }
    }
  }
}

TEST(BlockPool, ManyAtATimeAreRefusedAsAWhole) {
  for (const Order order : orders) {
    BlockPool pool(8, 100, {.order = order});
    void* blocks[101];
    EXPECT_EQ(test::error([&] { pool.allocate_many(blocks); }),
              "Exhausted(no_room) block_pool: 101 blocks asked, 100 of 100 left");
    EXPECT_FALSE(pool.try_allocate_many(blocks));
    EXPECT_EQ(numbers(pool), (Numbers{100, 0, 100}));
    pool.allocate_many(std::span(blocks).first(90));
    for (const std::size_t i : test::Sizes{70, 3, 41})
      pool.deallocate(blocks[i]);
    EXPECT_FALSE(pool.try_allocate_many(std::span(blocks).last(14)));
    EXPECT_EQ(std::count(blocks + 87, blocks + 101, nullptr), 14);
    EXPECT_EQ(numbers(pool), (Numbers{100, 87, 13}));
    const std::size_t next = order == Order::any ? 41 : 3;
    EXPECT_EQ(pool.allocate(), blocks[next]); // as if nothing had been asked
    pool.allocate_many({});
    EXPECT_TRUE(pool.try_allocate_many({}));
    pool.release();
    EXPECT_EQ(test::kind([&] { pool.allocate_many(blocks); }), "Misuse(released)");
    EXPECT_EQ(test::kind([&] { pool.deallocate_many(blocks); }), "Misuse(released)");
    EXPECT_FALSE(pool.try_allocate_many(blocks));
  }
}

// However far the tree goes; and what is free is not written to.
TEST(BlockPool, ARefusedBatchTouchesNoBlock) {
  if (test::watched())
    GTEST_SKIP() << "a free block is looked at";
  for (const Order order : orders) {
    for (const std::size_t count : test::Sizes{1, 64, 4096, 4097, 262145}) {
      BlockPool pool(8, count, {.order = order});
      std::vector<void*> blocks(count);
      pool.allocate_many(blocks);
      pool.deallocate_many(blocks);
      for (void* const p : {blocks.front(), blocks.back()})
        test::fill(p, 8, 7);
      std::vector<void*> more(count + 1);
      EXPECT_FALSE(pool.try_allocate_many(more));
      for (void* const p : {blocks.front(), blocks.back()})
        EXPECT_TRUE(test::holds(p, 8, 7));
      EXPECT_EQ(numbers(pool), (Numbers{count, 0, count}));
      EXPECT_EQ(pool.allocate(), order == Order::any ? blocks.back() : blocks.front());
    }
  }
}

TEST(BlockPool, ManyAtATimeAreFreedUpToTheFirstThatIsWrong) {
  for (const Order order : orders) {
    for (const std::size_t wrong : test::Sizes{0, 1, 63, 64, 150, 198}) {
      BlockPool pool(8, 200, {.order = order});
      void* blocks[200];
      pool.allocate_many(blocks);
      test::fill(blocks[199], 8, 7);
      int local = 0;
      void* const right = std::exchange(blocks[wrong], &local);
      EXPECT_EQ(test::kind([&] { pool.deallocate_many(blocks); }), "Misuse(foreign_pointer)");
      EXPECT_EQ(numbers(pool), (Numbers{200, 200 - wrong, wrong}));
      EXPECT_TRUE(test::holds(blocks[199], 8, 7));
      blocks[wrong] = right;
      pool.deallocate_many(std::span(blocks).subspan(wrong));
      EXPECT_EQ(numbers(pool), (Numbers{200, 0, 200}));

      pool.allocate_many(blocks);
      void* const twice[] = {blocks[7], blocks[wrong], blocks[8], blocks[wrong]};
      EXPECT_EQ(test::kind([&] { pool.deallocate_many(twice); }), "Misuse(double_free)");
      EXPECT_EQ(numbers(pool), (Numbers{200, 197, 3}));
      EXPECT_EQ(test::kind([&] { pool.deallocate_many({}); }), "none");
    }
  }
}

// What the pool must do: a set of the free blocks below the first fresh one.
class Model {
public:
  Model(Order order, std::size_t count) : order_(order), count_(count) {}

  // The index of the block that comes next, or `count` if there is none.
  std::size_t take() {
    if (freed_.empty())
      return fresh_ == count_ ? count_ : fresh_++;
    std::size_t index = freed_.back();
    if (order_ == Order::first_free) {
      index = *lowest_.begin();
      lowest_.erase(lowest_.begin());
    }
    if (order_ == Order::any || lowest_.empty())
      freed_.pop_back();
    return index;
  }
  void put_back(std::size_t index) {
    if (order_ == Order::any || freed_.empty())
      freed_.push_back(index);
    if (order_ == Order::first_free)
      lowest_.insert(index);
  }
  void reset() {
    freed_.clear();
    lowest_.clear();
    fresh_ = 0;
  }

private:
  Order order_;
  std::size_t count_;
  std::size_t fresh_ = 0;
  std::vector<std::size_t> freed_; // for first_free only whether there is any
  std::set<std::size_t> lowest_;
};

// Random allocations and frees, in waves from empty to full and back.
void compare_with_model(Order order, std::size_t count, std::size_t steps) {
  BlockPool pool(8, count, {.order = order});
  Model model(order, count);
  std::mt19937 random(static_cast<unsigned>(count));
  std::vector<std::pair<std::uint64_t*, std::size_t>> used; // each holds its index
  const auto* const first = static_cast<const std::byte*>(pool.allocate());
  const std::size_t stride = red_zones.stretch(8);
  pool.reset();
  bool growing = true;
  for (std::size_t step = 0; step != steps; ++step) {
    if (used.size() == count || used.empty())
      growing = used.empty();
    // Runs, so that whole words empty and fill.
    const std::size_t run = random() % 100 + 1;
    const bool allocating = random() % 100 < (growing ? 70 : 30);
    for (std::size_t i = 0; i != run; ++i) {
      if (allocating) {
        auto* const p = static_cast<std::uint64_t*>(pool.try_allocate());
        const std::size_t index = model.take();
        ASSERT_EQ(p == nullptr, index == count);
        if (p == nullptr)
          break;
        ASSERT_EQ(static_cast<const void*>(p), first + index * stride);
        ASSERT_EQ(*p, 0u);
        *p = index + 1;
        used.emplace_back(p, index);
      } else {
        if (used.empty())
          break;
        if (run % 2 == 0) // at random rather than newest first
          std::swap(used[random() % used.size()], used.back());
        const auto [p, index] = used.back();
        used.pop_back();
        ASSERT_EQ(*p, index + 1);
        pool.deallocate(p);
        model.put_back(index);
      }
    }
    if (step % 64 == 63) {
      ASSERT_EQ(numbers(pool), (Numbers{count, used.size(), count - used.size()}));
    }
    if (step % 1024 == 1023) {
      pool.reset();
      model.reset();
      used.clear();
    }
  }
}

TEST(BlockPool, BehavesAsItsModelAtEveryDepth) {
  for (const Order order : orders) {
    for (const std::size_t count :
         test::Sizes{1, 2, 63, 64, 65, 127, 128, 129, 1000, 4095, 4096, 4097, 10000})
      ASSERT_NO_FATAL_FAILURE(compare_with_model(order, count, 1200)) << count;
    ASSERT_NO_FATAL_FAILURE(compare_with_model(order, 262143, 2000));
    ASSERT_NO_FATAL_FAILURE(compare_with_model(order, 262145, 2000));
  }
}

// Every block of a full pool is freed in one order and handed out again in the pool's.
void free_all_and_take_all(std::size_t count, std::size_t step) {
  BlockPool pool(8, count, {.zero = false});
  std::byte* const first = static_cast<std::byte*>(pool.allocate());
  const std::size_t stride = red_zones.stretch(8);
  for (std::size_t i = 1; i != count; ++i)
    ASSERT_EQ(pool.try_allocate(), first + i * stride);
  ASSERT_EQ(pool.try_allocate(), nullptr);
  for (std::size_t i = 0, index = 0; i != count; ++i, index = (index + step) % count)
    pool.deallocate(first + index * stride);
  ASSERT_EQ(pool.stats().used, 0u);
  for (std::size_t i = 0; i != count; ++i)
    ASSERT_EQ(pool.try_allocate(), first + i * stride);
  ASSERT_EQ(pool.try_allocate(), nullptr);
  // Holes at the borders of words of every level.
  const std::size_t holes[] = {0,      63,     64,       4095,     4096,
                               262143, 262144, 16777215, 16777216, count - 1};
  std::set<std::size_t> expected;
  for (const std::size_t hole : holes)
    if (hole < count && expected.insert(hole).second)
      pool.deallocate(first + hole * stride);
  for (const std::size_t hole : expected)
    ASSERT_EQ(pool.allocate(), first + hole * stride);
  ASSERT_EQ(pool.try_allocate(), nullptr);
}

TEST(BlockPool, EveryBlockIsFoundAgainAtEveryDepth) {
  for (const std::size_t count : test::Sizes{64, 65, 4096, 4097, 262144, 262145})
    ASSERT_NO_FATAL_FAILURE(free_all_and_take_all(count, 1000003)) << count; // a prime
}

TEST(BlockPool, EveryBlockIsFoundAgainFiveLevelsDeep) {
  if (test::watched())
    GTEST_SKIP() << "17 million blocks take too long under watch";
  ASSERT_NO_FATAL_FAILURE(free_all_and_take_all(16777216 + 1000, 1000003));
}

TEST(BlockPool, RefusesForeignMisalignedFreeAndNullPointers) {
  for (const Order order : orders) {
    for (const std::size_t bytes : block_sizes) {
      BlockPool pool(bytes, 100, {.order = order});
      BlockPool other(bytes, 100, {.order = order});
      std::byte* blocks[10];
      for (std::byte*& block : blocks)
        block = static_cast<std::byte*>(pool.allocate());
      const std::size_t stride = red_zones.stretch(round_up(bytes));
      ASSERT_EQ(blocks[1], blocks[0] + stride);
      for (int i = 0; i != 10; ++i)
        test::fill(blocks[i], bytes, i);
      pool.deallocate(blocks[3]);
      pool.deallocate(blocks[0]);
      const Numbers before = numbers(pool);
      const auto kind = [&](const void* p) {
        return test::kind([&] { pool.deallocate(const_cast<void*>(p)); });
      };
      int local = 0;
      EXPECT_EQ(kind(nullptr), "Misuse(null_pointer)");
      EXPECT_EQ(kind(&local), "Misuse(foreign_pointer)");
      EXPECT_EQ(kind(other.allocate()), "Misuse(foreign_pointer)");
      EXPECT_EQ(kind(blocks[0] - 1), "Misuse(foreign_pointer)");
      EXPECT_EQ(kind(blocks[0] - stride), "Misuse(foreign_pointer)");
      EXPECT_EQ(kind(blocks[9] + stride), "Misuse(double_free)");           // never handed out
      EXPECT_EQ(kind(blocks[0] + 100 * stride), "Misuse(foreign_pointer)"); // the bookkeeping
      EXPECT_EQ(kind(reinterpret_cast<void*>(UINTPTR_MAX)), "Misuse(foreign_pointer)");
      EXPECT_EQ(kind(reinterpret_cast<void*>(std::uintptr_t{8})), "Misuse(foreign_pointer)");
      for (std::size_t inside = 1; inside != stride; ++inside) {
        ASSERT_EQ(kind(blocks[1] + inside), "Misuse(misaligned_pointer)") << inside;
        ASSERT_EQ(kind(blocks[3] + inside), "Misuse(misaligned_pointer)") << inside; // a free one
      }
      EXPECT_EQ(kind(blocks[3]), "Misuse(double_free)");
      EXPECT_EQ(kind(blocks[0]), "Misuse(double_free)");
      EXPECT_EQ(numbers(pool), before);
      for (const int i : {1, 2, 4, 5, 6, 7, 8, 9})
        EXPECT_TRUE(test::holds(blocks[i], bytes, i));
      pool.reset();
      EXPECT_EQ(kind(blocks[1]), "Misuse(double_free)");
    }
  }
}

// The test for "start of a block" is arithmetic on any address; here is what it must mean.
TEST(BlockPool, TakesBackBlockStartsAndNoOtherAddress) {
  for (const Order order : orders) {
    for (const std::size_t bytes : block_sizes) {
      BlockPool pool(bytes, 5, {.order = order});
      const std::vector<std::byte*> blocks = take_all(pool);
      const std::size_t stride = red_zones.stretch(round_up(bytes));
      std::mt19937 random(static_cast<unsigned>(bytes));
      for (int i = 0; i != 2000; ++i) {
        const std::uintptr_t address = reinterpret_cast<std::uintptr_t>(blocks[0]) +
                                       (i % 2 == 0 ? random() : random() % (8 * stride) - stride);
        const bool is_block = std::any_of(blocks.begin(), blocks.end(), [=](const std::byte* p) {
          return reinterpret_cast<std::uintptr_t>(p) == address;
        });
        if (!is_block) {
          ASSERT_NE(test::kind([&] { pool.deallocate(reinterpret_cast<void*>(address)); }), "none");
        }
      }
      ASSERT_EQ(numbers(pool), (Numbers{5, 5, 0}));
      for (std::byte* const block : blocks)
        pool.deallocate(block);
      ASSERT_EQ(numbers(pool), (Numbers{5, 0, 5}));
    }
  }
}

TEST(BlockPool, AFreedBlockIsZero) {
  for (const Order order : orders) {
    for (const std::size_t bytes : block_sizes) {
      alignas(64) static std::byte memory[1 << 16];
      test::fill(memory, sizeof memory);
      BlockPool pool(bytes, Buffer::borrowed(memory), {.order = order});
      void* const p = pool.allocate();
      EXPECT_TRUE(test::holds(p, bytes, 0));
      test::fill(p, bytes);
      pool.deallocate(p);
#if !defined(ALLOT_ASAN) && !defined(ALLOT_VALGRIND)
      EXPECT_TRUE(test::holds(p, pool.block_size(), 0)); // at once, not when it is next used
#endif
      EXPECT_EQ(pool.allocate(), p);
      EXPECT_TRUE(test::holds(p, bytes, 0));
    }
  }
}

/// What a pool is built on that must not take it to be zero.
class Rubbish {
public:
  static constexpr std::size_t size = std::size_t{1} << 18;
  Rubbish() { test::fill(memory_, size, 0xFF); }
  [[nodiscard]] BlockPool pool(std::size_t bytes, const BlockOptions& options) {
    BlockPool pool(bytes, Buffer::borrowed(memory_), options);
    blocks_ = pool.capacity() * pool.block_size();
    return pool;
  }
  /// How much of its blocks was written to, and differs. Once it is released, or they are hidden.
  [[nodiscard]] std::size_t written() const {
    return blocks_ -
           static_cast<std::size_t>(std::count(memory_, memory_ + blocks_, std::byte{0xFF}));
  }
  /// As much as was used, but at least a block, and at most one or 16 KiB.
  [[nodiscard]] static std::size_t step(std::size_t used, std::size_t block) {
    return std::max(block, std::min(used * block, std::size_t{16} << 10));
  }

private:
  static inline std::byte memory_[size];
  std::size_t blocks_ = 0;
};

/// Takes blocks, one by one or as a batch, and fills them when it has seen that they are zero.
std::vector<void*> take_zero(BlockPool& pool, std::size_t count, bool batch) {
  std::vector<void*> blocks(count);
  if (batch)
    pool.allocate_many(blocks);
  for (std::size_t i = 0; i != count; ++i) {
    if (!batch)
      blocks[i] = i % 2 == 0 ? pool.allocate() : pool.try_allocate();
    EXPECT_TRUE(test::holds(blocks[i], pool.block_size(), 0)) << i;
    test::fill(blocks[i], pool.block_size(), 0x5A);
  }
  return blocks;
}

TEST(BlockPool, ClearsWhatItHandsOutAndOneStepAhead) {
  for (const Order order : orders) {
    for (const bool batch : {false, true}) {
      for (const std::size_t block : test::Sizes{8, 24, 64, 4096, 16384, 40000}) {
        const std::size_t capacity = Rubbish().pool(block, {.order = order}).capacity();
        for (const std::size_t used : test::Sizes{0, 1, 2, 3, 5, 64, 65, 1000, 4097, capacity}) {
          if (used > capacity)
            continue;
          Rubbish memory;
          BlockPool pool = memory.pool(block, {.order = order});
          (void)take_zero(pool, used, batch);
          std::vector<void*> too_many(capacity - used + 1);
          EXPECT_FALSE(pool.try_allocate_many(too_many));
          pool.release();
          EXPECT_GE(memory.written(), used * block);
          EXPECT_LE(memory.written(), used == 0 ? 0 : used * block + Rubbish::step(used, block))
              << used << " of " << block;
        }
      }
    }
  }
}

// They were handed out before, and are zero since they came back.
TEST(BlockPool, ClearsNoMoreForBlocksThatCameBack) {
  for (const Order order : orders) {
    for (const bool batch : {false, true}) {
      for (const bool by_reset : {false, true}) {
        Rubbish memory;
        BlockPool pool = memory.pool(64, {.order = order});
        for (int round = 0; round != 10; ++round) {
          const std::vector<void*> blocks = take_zero(pool, 50, batch);
          by_reset ? pool.reset() : pool.deallocate_many(blocks);
        }
        (void)take_zero(pool, 100, batch); // and these are zero, too
        pool.release();
        EXPECT_LE(memory.written(), 100 * 64 + Rubbish::step(100, 64));
      }
    }
  }
}

TEST(BlockPool, WhatIsClearedGoesWithAMove) {
  for (const Order order : orders) {
    Rubbish memory;
    BlockPool from = memory.pool(64, {.order = order});
    (void)take_zero(from, 50, false);
    BlockPool to = std::move(from);
    EXPECT_EQ(from.try_allocate(), nullptr);
    (void)take_zero(to, 50, true);
    from = std::move(to);
    const std::size_t rest = from.available();
    EXPECT_EQ(take_zero(from, rest, false).size(), rest);
    EXPECT_EQ(test::kind([&] { return from.allocate(); }), "Exhausted(no_room)");
    from.release();
    EXPECT_EQ(from.try_allocate(), nullptr);
  }
}

// Of what is known to be zero, or need not be: what somebody else wrote there, stands.
TEST(BlockPool, ClearsNothingThatIsKnownToBeZero) {
  for (const Order order : orders) {
    for (const bool known : {false, true}) {
      Buffer buffer = known ? Buffer::mapped(1 << 16) : Buffer::heap(1 << 16);
      EXPECT_EQ(buffer.is_zero(), known);
      test::fill(buffer.data(), buffer.extent(), 7);
      BlockPool pool(64, std::move(buffer), {.zero = known, .order = order});
      for (int i = 0; i != 100; ++i)
        EXPECT_TRUE(test::holds(pool.allocate(), 64, 7));
    }
  }
}

TEST(BlockPool, ZeroesNothingWhereThatIsOff) {
  for (const Order order : orders) {
    alignas(64) std::byte memory[1024];
    test::fill(memory, sizeof memory);
    BlockPool pool(24, Buffer::borrowed(memory), {.zero = false, .order = order});
    void* const p = pool.allocate();
    EXPECT_TRUE(test::holds(p, 24, 0xA5));
    test::fill(p, 24, 0x5A);
    pool.deallocate(p);
    EXPECT_EQ(pool.allocate(), p);
    EXPECT_TRUE(test::holds(p, 24, 0x5A));
    pool.reset();
    EXPECT_EQ(pool.allocate(), p);
    EXPECT_TRUE(test::holds(p, 24, 0x5A));
  }
}

TEST(BlockPool, ResetFreesAllBlocksAndZeroesThem) {
  for (const Order order : orders) {
    BlockPool pool(24, 5000, {.order = order});
    const std::vector<std::byte*> blocks = take_all(pool);
    for (int round = 0; round != 3; ++round) {
      for (std::size_t i = 0; i != blocks.size(); ++i) {
        if (i % 3 == 0)
          pool.deallocate(blocks[i]);
        else
          test::fill(blocks[i], 24);
      }
      pool.reset();
      EXPECT_EQ(numbers(pool), (Numbers{5000, 0, 5000}));
      for (std::byte* const block : blocks) { // from the first again
        ASSERT_EQ(pool.allocate(), block);
        ASSERT_TRUE(test::holds(block, 24, 0));
      }
      ASSERT_EQ(pool.try_allocate(), nullptr);
    }
  }
}

// Bookkeeping of blocks that were not handed out since a reset is stale; none of it may be used.
TEST(BlockPool, ForgetsAtAResetWhatItKnewOfItsBlocks) {
  for (const Order order : orders) {
    BlockPool pool(8, 10000, {.order = order});
    const std::vector<std::byte*> blocks = take_all(pool);
    for (std::byte* const block : blocks)
      pool.deallocate(block);
    pool.reset();
    for (std::size_t i = 0; i != 100; ++i)
      ASSERT_EQ(pool.allocate(), blocks[i]);
    EXPECT_EQ(numbers(pool), (Numbers{10000, 100, 9900}));
    EXPECT_FALSE(pool.owns(blocks[100]));
    EXPECT_EQ(test::kind([&] { pool.deallocate(blocks[100]); }), "Misuse(double_free)");
    pool.deallocate(blocks[99]);
    EXPECT_EQ(pool.allocate(), blocks[99]);
    EXPECT_EQ(pool.allocate(), blocks[100]);
  }
}

TEST(BlockPool, OwnsBlocksInUse) {
  for (const Order order : orders) {
    BlockPool pool(40, 100, {.order = order});
    const auto* const first = static_cast<const std::byte*>(pool.allocate());
    void* const second = pool.allocate();
    EXPECT_TRUE(pool.owns(first));
    EXPECT_TRUE(pool.owns(first + 39));
    EXPECT_TRUE(pool.owns(second));
    EXPECT_FALSE(pool.owns(first - 1));
    EXPECT_FALSE(pool.owns(static_cast<std::byte*>(second) + red_zones.stretch(40)));
    pool.deallocate(second);
    EXPECT_FALSE(pool.owns(second));
    EXPECT_TRUE(pool.owns(first));
    EXPECT_FALSE(pool.owns(nullptr));
  }
}

TEST(BlockPool, MakesAndDestroysObjects) {
  for (const Order order : orders) {
    std::vector<int> log;
    BlockPool pool(sizeof(Witness), 2, {.order = order});
    Witness* const first = pool.create<Witness>(log, 1);
    EXPECT_EQ(first->number(), 1);
    (void)pool.create<Witness>(log, 2);
    EXPECT_EQ(test::kind([&] { (void)pool.create<Witness>(log, 3); }), "Exhausted(no_room)");
    pool.destroy(first);
    EXPECT_EQ(log, std::vector{1});
    EXPECT_EQ(test::kind([&] { pool.destroy(first); }),
              "Misuse(double_free)"); // not destroyed again
    EXPECT_EQ(test::kind([&] { pool.destroy(static_cast<Witness*>(nullptr)); }),
              "Misuse(null_pointer)");
    Witness local(log, 4);
    EXPECT_EQ(test::kind([&] { pool.destroy(&local); }), "Misuse(foreign_pointer)");
    EXPECT_EQ(log, std::vector{1});
    pool.reset(); // which destroys nothing
    EXPECT_EQ(log, std::vector{1});
  }
}

TEST(BlockPool, AConstructorThatThrowsFreesItsBlock) {
  struct Throws {
    Throws() { throw std::runtime_error("always"); }
  };
  for (const Order order : orders) {
    BlockPool pool(8, 1, {.order = order});
    EXPECT_THROW((void)pool.create<Throws>(), std::runtime_error);
    EXPECT_EQ(numbers(pool), (Numbers{1, 0, 1}));
    EXPECT_EQ(*pool.create<int>(7), 7);
  }
}

TEST(BlockPool, AConstructorMayThrowAfterItsBlockIsGone) {
  struct Throws {
    Throws(BlockPool& pool, int how) {
      if (how == 0)
        pool.reset();
      else if (how == 1)
        pool.deallocate(this);
      else
        pool.release();
      throw std::runtime_error("too late");
    }
  };
  for (const Order order : orders) {
    BlockPool pool(8, 2, {.order = order});
    for (const int how : {0, 1, 2}) {
      EXPECT_THROW((void)pool.create<Throws>(pool, how), std::runtime_error);
      EXPECT_EQ(pool.stats().used, 0u) << how;
    }
  }
}

// A list node whose constructor makes the next.
struct Node {
  Node(BlockPool& pool, int depth)
      : next(depth == 0 ? nullptr : pool.create<Node>(pool, depth - 1)) {}
  Node* next;
};

TEST(BlockPool, AConstructorMayMakeOthers) {
  for (const Order order : orders) {
    BlockPool pool(sizeof(Node), 5, {.order = order});
    const Node* const list = pool.create<Node>(pool, 4);
    EXPECT_EQ(numbers(pool), (Numbers{5, 5, 0}));
    EXPECT_EQ(list->next->next->next->next->next, nullptr);
  }
}

TEST(BlockPool, ObjectsMustFitIntoABlock) {
  BlockPool pool(24, 2);
  EXPECT_EQ(test::kind([&] { return pool.create<std::array<char, 25>>(); }), "Misuse(bad_size)");
  EXPECT_EQ(test::kind([&] { return pool.create<std::array<char, 24>>(); }), "none");
  struct alignas(16) Aligned {
    char byte;
  };
  EXPECT_EQ(test::kind([&] { return pool.create<Aligned>(); }), "Misuse(bad_alignment)");
  EXPECT_EQ(numbers(pool), (Numbers{2, 1, 1}));
  struct alignas(128) MoreAligned {
    char bytes[128];
  };
  BlockPool natural(128, 2);
  EXPECT_EQ(test::kind([&] { return natural.create<MoreAligned>(); }), "Misuse(bad_alignment)");
  BlockPool aligned(128, 2, {.alignment = 128});
  EXPECT_TRUE(test::is_aligned(aligned.create<MoreAligned>(), 128));
}

// block_size() is what a block has; what was asked for may have been less.
TEST(BlockPool, AnObjectMayFillTheRoundedBlock) {
  BlockPool pool(60, 2);
  ASSERT_EQ(pool.block_size(), 64u);
  auto* const object = pool.create<std::array<std::uint32_t, 16>>();
  object->fill(7);
  EXPECT_EQ(object->back(), 7u);
  pool.destroy(object);
  EXPECT_EQ(test::all_hidden(object, 64), test::watched());
}

TEST(BlockPool, KeepsItsBookkeepingInItsBuffer) {
  for (const Order order : orders) {
    for (const std::size_t bytes : block_sizes) {
      TestResource upstream;
      {
        BlockPool pool(bytes, Buffer::from(&upstream, 1 << 16), {.order = order});
        EXPECT_EQ(upstream.requests.size(), 1u);
        // A bit a block and its summaries, or five bytes and the ends of the stack.
        const double bookkeeping = order == Order::any ? 5 : 8.0 / 64;
        const double most = (1 << 16) / (static_cast<double>(round_up(bytes)) + bookkeeping);
        EXPECT_LE(static_cast<double>(pool.capacity()), most);
        EXPECT_GE(static_cast<double>(pool.capacity()), most - 4);
        const std::vector<std::byte*> blocks = take_all(pool);
        EXPECT_EQ(blocks.size(), pool.capacity());
        for (std::byte* const p : blocks)
          test::fill(p, bytes);
        for (std::byte* const p : blocks)
          pool.deallocate(p);
        EXPECT_EQ(numbers(pool).used, 0u);
      }
      EXPECT_EQ(upstream.live(), 0u);
    }
  }
}

#if SIZE_MAX > UINT32_MAX // what 32 bits have no addresses for
TEST(BlockPool, ConstructionAndResetVisitNoBlockThatWasNotUsed) {
  if (instrumented)
    GTEST_SKIP() << "so much cannot be marked in shadow memory";
  // 64 GiB: touching each page would take minutes, and more memory than there is.
  for (const Order order : orders) {
    BlockPool pool(4096, Buffer::mapped(std::size_t{1} << 36), {.order = order});
    EXPECT_GT(pool.capacity(), std::size_t{1} << 23);
    test::fill(pool.allocate(), 4096);
    pool.reset();
    EXPECT_TRUE(test::holds(pool.allocate(), 4096, 0));
  }
}
#endif

TEST(BlockPool, CountsItsBlocks) {
  for (const Order order : orders) {
    for (const bool zero : {true, false}) {
      BlockPool pool(24, 1000, {.zero = zero, .order = order});
      EXPECT_TRUE(pool.empty());
      std::vector<void*> blocks;
      for (std::size_t i = 0; i != 100; ++i) {
        blocks.push_back(pool.allocate());
        ASSERT_EQ(pool.used(), i + 1);
        ASSERT_EQ(pool.available(), 1000 - pool.used());
        ASSERT_EQ(pool.peak(), i + 1);
        ASSERT_FALSE(pool.empty());
      }
      std::shuffle(blocks.begin(), blocks.end(), std::mt19937(1));
      for (std::size_t i = 100; i-- != 0;) {
        pool.deallocate(blocks[i]);
        ASSERT_EQ(pool.used(), i);
        ASSERT_EQ(pool.empty(), i == 0);
      }
      EXPECT_EQ(pool.peak(), 100u);
    }
  }
}

TEST(BlockPool, APeakOutlivesAReset) {
  for (const Order order : orders) {
    BlockPool pool(8, 100, {.order = order});
    void* blocks[70];
    pool.allocate_many(blocks);
    pool.reset();
    EXPECT_EQ(pool.peak(), 70u);
    (void)pool.allocate();
    EXPECT_EQ(pool.peak(), 70u);
    pool.reset_peak();
    EXPECT_EQ(pool.peak(), 1u);
    BlockPool other = std::move(pool);
    (void)other.allocate();
    EXPECT_EQ(other.peak(), 2u);
    EXPECT_EQ(pool.peak(), 0u);
    other.reset();
    EXPECT_EQ(other.peak(), 2u);
    other.reset_peak();
    EXPECT_EQ(other.peak(), 0u);
    other.release();
    other.reset_peak();
    EXPECT_EQ(other.peak(), 0u);
    EXPECT_EQ(other.used(), 0u);
    EXPECT_EQ(other.available(), 0u);
    EXPECT_TRUE(other.empty());
  }
}

// Against a counter, with frees at random, so that there are holes where the peak is reset.
TEST(BlockPool, APeakIsExactAfterItWasReset) {
  for (const Order order : orders) {
    for (const bool zero : {true, false}) {
      for (const std::size_t count : test::Sizes{64, 1000, 10000, 262145}) {
        BlockPool pool(8, count, {.zero = zero, .order = order});
        std::vector<void*> used;
        std::size_t peak = 0;
        std::mt19937 random(static_cast<unsigned>(count));
        for (int step = 0; step != 2000; ++step) {
          const std::size_t some = random() % 40;
          if (random() % 2 == 0) {
            std::vector<void*> blocks(some);
            if (random() % 4 == 0 && pool.try_allocate_many(blocks))
              used.insert(used.end(), blocks.begin(), blocks.end());
            for (std::size_t i = 0; i != some; ++i)
              if (void* const p = pool.try_allocate())
                used.push_back(p);
            peak = std::max(peak, used.size());
          } else {
            const bool newest = random() % 3 == 0;
            for (std::size_t i = 0; i != some && !used.empty(); ++i) {
              if (!newest)
                std::swap(used[random() % used.size()], used.back());
              pool.deallocate(used.back());
              used.pop_back();
            }
          }
          ASSERT_EQ(pool.used(), used.size());
          ASSERT_EQ(pool.peak(), peak);
          if (random() % 16 == 0) {
            pool.reset_peak();
            peak = used.size();
            ASSERT_EQ(pool.peak(), peak);
          }
          if (random() % 256 == 0) {
            pool.reset();
            used.clear();
          }
        }
      }
    }
  }
}

// It would not be the most in use if they had been in use for a moment.
TEST(BlockPool, ARefusedBatchIsNoPeak) {
  for (const Order order : orders) {
    for (const bool again : {false, true}) {
      BlockPool pool(8, 1000, {.order = order});
      std::vector<void*> blocks(300);
      pool.allocate_many(blocks);
      std::shuffle(blocks.begin(), blocks.end(), std::mt19937(1));
      pool.deallocate_many(std::span(blocks).first(100));
      if (again)
        pool.reset_peak();
      std::vector<void*> more(801);
      EXPECT_FALSE(pool.try_allocate_many(more));
      EXPECT_EQ(pool.peak(), again ? 200u : 300u);
      EXPECT_EQ(pool.used(), 200u);
      more.resize(800);
      pool.allocate_many(more);
      EXPECT_EQ(pool.peak(), 1000u);
    }
  }
}

TEST(BlockPool, FreedIsReleasedOrMovedFrom) {
  BlockPool pool(8, 10);
  EXPECT_FALSE(pool.freed());
  BlockPool other = std::move(pool);
  EXPECT_TRUE(pool.freed());
  EXPECT_FALSE(other.freed());
  other.release();
  EXPECT_TRUE(other.freed());
}

TEST(BlockPool, ForEachVisitsWhatIsInUseInOrderOfAddress) {
  for (const Order order : orders) {
    for (const std::size_t count : test::Sizes{1, 64, 65, 300, 5000}) {
      BlockPool pool(24, count, {.order = order});
      const auto visited = [&] {
        std::vector<void*> result;
        std::as_const(pool).for_each([&](void* p) { result.push_back(p); });
        return result;
      };
      EXPECT_TRUE(visited().empty());
      std::vector<void*> used;
      for (std::size_t i = 0; i != count * 3 / 4; ++i)
        used.push_back(pool.allocate());
      EXPECT_EQ(visited(), used); // a prefix
      std::shuffle(used.begin(), used.end(), std::mt19937(static_cast<unsigned>(count)));
      for (std::size_t i = 0; i != count / 3; ++i) {
        pool.deallocate(used.back());
        used.pop_back();
      }
      std::sort(used.begin(), used.end());
      EXPECT_EQ(visited(), used);
      pool.reset();
      EXPECT_TRUE(visited().empty());
      pool.release();
      EXPECT_TRUE(visited().empty());
    }
  }
}

TEST(BlockPool, ForEachMayFreeWhatItIsGivenAndMore) {
  for (const Order order : orders) {
    for (const bool holes : {false, true}) {
      BlockPool pool(24, 300, {.order = order});
      void* blocks[200];
      pool.allocate_many(blocks);
      if (holes)
        pool.deallocate(std::exchange(blocks[77], nullptr));
      std::size_t visits = 0;
      pool.for_each([&](void* p) {
        if (visits++ % 2 == 0)
          pool.deallocate(p);
      });
      EXPECT_EQ(visits, holes ? 199u : 200u);
      EXPECT_EQ(pool.used(), visits / 2);
      pool.for_each([&](void* p) { pool.deallocate(p); });
      EXPECT_TRUE(pool.empty());
      (void)pool.allocate();
      (void)pool.allocate();
      pool.for_each([&](void*) { pool.reset(); });
      EXPECT_TRUE(pool.empty());
      (void)pool.allocate();
      pool.for_each([&](void*) { pool.release(); });
      EXPECT_TRUE(pool.freed());
    }
  }
}

TEST(BlockPool, TryCreateIsNullForEveryRefusal) {
  for (const Order order : orders) {
    std::vector<int> log;
    BlockPool pool(sizeof(Witness), 1, {.order = order});
    Witness* const object = pool.try_create<Witness>(log, 1);
    ASSERT_NE(object, nullptr);
    EXPECT_EQ(object->number(), 1);
    EXPECT_EQ(pool.try_create<Witness>(log, 2), nullptr);
    pool.destroy(object);
    EXPECT_EQ(log, std::vector{1});
    using Large = std::array<char, sizeof(Witness) + granule>;
    EXPECT_EQ(pool.try_create<Large>(), nullptr);
    struct alignas(128) Aligned {
      char byte;
    };
    BlockPool wide(128, 1, {.order = order});
    EXPECT_EQ(wide.try_create<Aligned>(), nullptr);
    EXPECT_TRUE(wide.empty());
    struct Throws {
      Throws() { throw std::runtime_error("always"); }
    };
    EXPECT_THROW((void)pool.try_create<Throws>(), std::runtime_error);
    EXPECT_TRUE(pool.empty());
    pool.release();
    EXPECT_EQ(pool.try_create<Witness>(log, 3), nullptr);
  }
}

TEST(BlockPool, BlocksGoWithAMove) {
  for (const Order order : orders) {
    BlockPool from(24, 1000, {.order = order});
    const std::vector<std::byte*> blocks = take_all(from);
    from.deallocate(blocks[5]);
    from.deallocate(blocks[500]);
    BlockPool to(8, 5);
    to = std::move(from);
    EXPECT_EQ(numbers(from), (Numbers{0, 0, 0}));
    EXPECT_EQ(test::kind([&] { return from.allocate(); }), "Misuse(released)");
    EXPECT_EQ(test::kind([&] { from.deallocate(blocks[0]); }), "Misuse(released)");
    EXPECT_EQ(from.try_allocate(), nullptr);
    EXPECT_EQ(numbers(to), (Numbers{1000, 998, 2}));
    EXPECT_EQ(test::kind([&] { to.deallocate(blocks[5]); }), "Misuse(double_free)");
    EXPECT_EQ(to.allocate(), blocks[order == Order::any ? 500 : 5]);
    EXPECT_EQ(to.allocate(), blocks[order == Order::any ? 5 : 500]);
    from = BlockPool(8, 1, {.order = order});
    EXPECT_NE(from.allocate(), nullptr);
  }
}

class BlockPoolHiding : public test::Watched {};

TEST_F(BlockPoolHiding, FreeBlocksAndWhatLiesBehindThem) {
  for (const Order order : orders) {
    for (const bool zero : {true, false}) {
      BlockPool pool(13, 3, {.zero = zero, .order = order});
      void* const p = pool.allocate();
      void* const q = pool.allocate();
      EXPECT_EQ(test::visible(p, 64), 13u);
      EXPECT_EQ(test::visible(q, 64), 13u);
      pool.deallocate(p);
      EXPECT_TRUE(test::all_hidden(p, 16));
      EXPECT_EQ(test::visible(q, 64), 13u);
      EXPECT_EQ(pool.allocate(), p);
      EXPECT_EQ(test::visible(p, 64), 13u);
      pool.reset();
      EXPECT_TRUE(test::all_hidden(p, 16));
      EXPECT_TRUE(test::all_hidden(q, 16));
    }
  }
}

TEST_F(BlockPoolHiding, NothingOfABorrowedBufferAfterwards) {
  for (const Order order : orders) {
    alignas(8) std::byte memory[1024];
    {
      BlockPool pool(24, Buffer::borrowed(memory), {.order = order});
      EXPECT_EQ(test::visible(pool.allocate(), 64), 24u);
    }
    EXPECT_EQ(test::visible(memory, sizeof memory), sizeof memory);
  }
}

#if defined(ALLOT_ASAN)
TEST(BlockPoolDeathTest, AddressSanitizerCatchesUseOfAFreedBlockAndBehindOne) {
  BlockPool pool(24, 3);
  auto* const p = static_cast<std::byte*>(pool.allocate());
  EXPECT_DEATH(test::touch(p + 24), "use-after-poison");
  pool.deallocate(p);
  EXPECT_DEATH(test::touch(p), "use-after-poison");
  pool.release();
  EXPECT_DEATH(test::touch(p), "heap-use-after-free");
}
#endif

} // namespace
