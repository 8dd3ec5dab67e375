#include <allot/multipool.hpp>

#include "support.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <fstream>
#include <sys/mman.h>
#include <sys/resource.h>
#endif

using namespace allot;

namespace {

constexpr std::size_t slab = 64_KiB;
constexpr std::size_t largest_block = 160_KiB;

/// What a pool says about itself; a call that fails must not change it.
using Account = std::tuple<std::size_t, std::size_t, std::size_t, std::size_t>;
Account account(const Multipool& pool) {
  return {pool.capacity(), pool.committed(), pool.used(), pool.available()};
}

/// The usable size that `bytes` must get: the next of the classes, by counting up, or whole pages
/// above them and where a slab or two hold one block.
std::size_t expected_usable(std::size_t bytes) {
  bytes = std::max<std::size_t>(bytes, 1);
  if (bytes > largest_block || (bytes > 48_KiB && bytes <= 64_KiB) ||
      (bytes > 96_KiB && bytes <= 128_KiB))
    return (bytes + 4095) / 4096 * 4096;
  if (bytes <= 128)
    return (bytes + 7) / 8 * 8;
  std::size_t step = 32;
  std::size_t size = 128;
  while (size < bytes) {
    for (int i = 0; i != 4 && size < bytes; ++i)
      size += step;
    step *= 2;
  }
  return size;
}

const std::string released = "Misuse(released) multipool: used after release";

TEST(Multipool, CreatesAndDestroysObjects) {
  std::vector<int> log;
  Multipool pool;
  auto* const object = pool.create<test::Witness>(log, 1);
  EXPECT_TRUE(pool.owns(object));
  pool.destroy(object);
  EXPECT_EQ(log, std::vector<int>{1});
  EXPECT_TRUE(pool.empty());
  EXPECT_EQ(test::kind([&] { pool.destroy(object); }), "Misuse(double_free)");
  EXPECT_EQ(log.size(), 1u); // not before the check
  auto* const tried = pool.try_create<test::Witness>(log, 2);
  ASSERT_NE(tried, nullptr);
  pool.destroy(tried);
  struct alignas(256) Wide {
    int value = 7;
  };
  auto* const wide = pool.create<Wide>();
  EXPECT_TRUE(test::is_aligned(wide, 256));
  pool.destroy(wide);
  EXPECT_TRUE(pool.empty());
}

TEST(Multipool, AConstructorThatThrowsFreesItsBlock) {
  struct Throws {
    explicit Throws(bool always) {
      if (always)
        throw std::runtime_error("always");
    }
  };
  Multipool pool;
  EXPECT_THROW((void)pool.create<Throws>(true), std::runtime_error);
  EXPECT_THROW((void)pool.try_create<Throws>(true), std::runtime_error);
  EXPECT_TRUE(pool.empty());
  pool.release();
  EXPECT_EQ(pool.try_create<Throws>(false), nullptr);
}

TEST(Multipool, ThePeakIsOfWholeSlabsOnceOneCameIntoUse) {
  Multipool pool;
  void* const p = pool.allocate(64);
  EXPECT_EQ(pool.peak(), 64_KiB);
  pool.deallocate(p);
  EXPECT_EQ(pool.peak(), 64_KiB);
  pool.reset_peak();
  EXPECT_EQ(pool.peak(), 0u);
  (void)pool.allocate(64);
  EXPECT_EQ(pool.peak(), 64u);
  (void)pool.allocate(200'000); // four slabs
  EXPECT_EQ(pool.peak(), 5 * 64_KiB);
}

TEST(Multipool, ServesEverySizeWithLittleWaste) {
  Multipool pool;
  for (std::size_t bytes = 0; bytes <= 200000; bytes += bytes < 2000 ? 1 : 37) {
    void* const p = pool.allocate(bytes);
    ASSERT_NE(p, nullptr);
    ASSERT_TRUE(test::is_aligned(p, granule));
    ASSERT_EQ(pool.usable_size(p), expected_usable(bytes)) << bytes;
    ASSERT_EQ(pool.used(), expected_usable(bytes));
    if (bytes > 32) {
      ASSERT_LT(4 * (pool.usable_size(p) - bytes), pool.usable_size(p));
    }
    test::fill(p, bytes);
    pool.deallocate(p, bytes);
    ASSERT_EQ(pool.used(), 0u);
  }
}

TEST(Multipool, SizesAroundEachClassEndAtTheClass) {
  Multipool pool;
  std::size_t classes = 0;
  for (std::size_t bytes = 8; bytes <= 48_KiB; ++classes) {
    void* const last = pool.allocate(bytes);
    void* const next = pool.allocate(bytes + 1);
    EXPECT_EQ(pool.usable_size(last), bytes);
    EXPECT_GT(pool.usable_size(next), bytes);
    // A block is aligned to what divides its class.
    EXPECT_TRUE(test::is_aligned(last, bytes & (0 - bytes)));
    bytes = pool.usable_size(next);
    pool.deallocate(last);
    pool.deallocate(next);
  }
  EXPECT_EQ(classes, 50u);
}

TEST(Multipool, WhateverSizeSlabsAreFullOfAQuarterOfThemIsLostAtTheMost) {
  constexpr std::size_t limit = 960 * slab; // whole runs, of whatever length
  for (std::size_t bytes = 4096; bytes <= 16_MiB; bytes += bytes / 32) {
    for (const std::size_t asked : {bytes, bytes / 4096 * 4096 + 1}) {
      Multipool pool({.zero = false, .limit = limit});
      std::size_t served = 0;
      while (pool.try_allocate(asked) != nullptr)
        served += asked;
      ASSERT_GE(4 * served, 3 * (limit - pool.available())) << asked;
      ASSERT_LT(3 * pool.available(), 4 * asked) << asked;
    }
  }
}

TEST(Multipool, TellsTheBlocksOfEachClass) {
  Multipool pool;
  EXPECT_EQ(pool.class_stats(7), (ClassStats{64, 0, 0}));
  std::vector<void*> blocks;
  for (int i = 0; i != 3; ++i)
    blocks.push_back(pool.allocate(64));
  EXPECT_EQ(pool.class_stats(7), (ClassStats{64, 3, slab / 66 - 3}));
  pool.deallocate(blocks[1]);
  EXPECT_EQ(pool.class_stats(7), (ClassStats{64, 2, slab / 66 - 2}));
  (void)pool.allocate(33000); // one of a run of three
  (void)pool.allocate(60000); // large, and as long as a class
  (void)pool.allocate(1_MiB); // and longer than any
  std::size_t used = 0;
  for (std::size_t i = 0, before = 0; i != Multipool::classes(); ++i) {
    const ClassStats of_class = pool.class_stats(i);
    EXPECT_GT(of_class.block_bytes, before);
    before = of_class.block_bytes;
    used += of_class.used;
    if (of_class.block_bytes == 40_KiB) {
      EXPECT_EQ(of_class, (ClassStats{40_KiB, 1, 2}));
    }
    if (of_class.block_bytes == 64_KiB) {
      EXPECT_EQ(of_class, (ClassStats{64_KiB, 1, 0}));
    }
  }
  EXPECT_EQ(used, 4u);
  EXPECT_EQ(test::error([&] { return pool.class_stats(57); }),
            "Misuse(out_of_bounds) multipool: class 57 was asked for, there are 57");
  pool.release();
  EXPECT_EQ(pool.class_stats(7), (ClassStats{64, 0, 0}));
}

TEST(Multipool, BlocksThatLieAcrossSlabsAreBlocksAsOthers) {
  for (const std::size_t bytes : test::Sizes{24_KiB, 40_KiB, 48_KiB, 80_KiB, 96_KiB, 160_KiB}) {
    Multipool pool({.limit = 60 * slab});
    std::vector<std::byte*> blocks;
    while (void* const p = pool.try_allocate(bytes)) {
      ASSERT_TRUE(test::holds(p, bytes, 0));
      test::fill(p, bytes);
      blocks.push_back(static_cast<std::byte*>(p));
    }
    ASSERT_GE(blocks.size() * bytes, 45 * slab);
    EXPECT_EQ(pool.used(), blocks.size() * bytes);
    for (std::byte* const p : blocks) {
      for (const std::size_t offset : {std::size_t{0}, bytes / 2, bytes - 1})
        ASSERT_TRUE(pool.owns(p + offset));
      ASSERT_EQ(test::kind([&] { pool.deallocate(p + bytes - 8); }), "Misuse(misaligned_pointer)");
    }
    // One stays, and so does the run that blocks are taken from next.
    for (std::size_t i = 1; i != blocks.size(); ++i) {
      pool.deallocate(blocks[i], bytes);
      ASSERT_EQ(test::kind([&] { pool.deallocate(blocks[i]); }), "Misuse(double_free)");
      ASSERT_FALSE(pool.owns(blocks[i] + bytes / 2));
    }
    EXPECT_LE(60 * slab - pool.available(), 10 * slab);
    EXPECT_TRUE(test::holds(blocks[0], bytes, 0xA5));
    pool.deallocate(blocks[0]);
    EXPECT_NE(pool.try_allocate(60 * slab), nullptr);
  }
}

TEST(Multipool, WhereThereIsNoRoomForARunFewerSlabsHoldABlock) {
  for (const std::size_t bytes : test::Sizes{24_KiB, 40_KiB, 48_KiB, 80_KiB, 96_KiB, 160_KiB}) {
    Multipool pool({.limit = divide_up(bytes, slab) * slab});
    void* const p = pool.try_allocate(bytes);
    ASSERT_NE(p, nullptr);
    EXPECT_TRUE(test::holds(p, bytes, 0));
    test::fill(p, bytes);
    pool.reset();
    EXPECT_TRUE(test::holds(pool.allocate(pool.capacity()), pool.capacity(), 0));
  }
}

TEST(Multipool, NoBytesAreServedAsOneIs) {
  Multipool pool;
  void* const first = pool.allocate(0);
  void* const second = pool.try_allocate(0);
  EXPECT_NE(first, second);
  EXPECT_EQ(pool.usable_size(first), 8u);
  void* const aligned = pool.allocate(0, 4096);
  EXPECT_TRUE(test::is_aligned(aligned, 4096));
  void* const small = pool.allocate(0, 64);
  EXPECT_LE(pool.usable_size(small), 64u);
  pool.deallocate(small);
  pool.deallocate(first);
  pool.deallocate(second, 0);
  pool.deallocate(aligned, 0, 4096);
  EXPECT_EQ(pool.used(), 0u);
}

TEST(Multipool, MeetsEveryPowerOfTwo) {
  Multipool pool;
  for (std::size_t alignment = 1; alignment <= 1_MiB; alignment *= 2) {
    std::vector<std::pair<void*, std::size_t>> blocks;
    for (const std::size_t bytes : test::Sizes{0, 1, 8, 24, 100, 129, 1000, 5000, 40000, 70000}) {
      for (const bool throws : {true, false}) {
        void* const p =
            throws ? pool.allocate(bytes, alignment) : pool.try_allocate(bytes, alignment);
        ASSERT_NE(p, nullptr);
        EXPECT_TRUE(test::is_aligned(p, std::max(alignment, granule))) << bytes << ' ' << alignment;
        EXPECT_GE(pool.usable_size(p), bytes);
        test::fill(p, bytes);
        blocks.emplace_back(p, bytes);
      }
    }
    for (const auto& [p, bytes] : blocks) {
      EXPECT_TRUE(test::holds(p, bytes, 0xA5));
      pool.deallocate(p, bytes, alignment);
    }
    EXPECT_EQ(pool.used(), 0u);
  }
}

TEST(Multipool, EveryMultipleOfAnAlignmentIsAligned) {
  Multipool pool;
  for (std::size_t alignment = 16; alignment <= 16_KiB; alignment *= 2) {
    for (std::size_t bytes = 1; bytes <= 40_KiB; bytes += std::max<std::size_t>(bytes / 9, 1)) {
      void* const p = pool.allocate(bytes, alignment);
      ASSERT_TRUE(test::is_aligned(p, alignment)) << bytes << ' ' << alignment;
      pool.deallocate(p, bytes, alignment);
    }
  }
}

TEST(Multipool, WhatCannotBeServedIsRefusedAndChangesNothing) {
  Multipool pool({.reserve = 1_MiB});
  void* const p = pool.allocate(24);
  test::fill(p, 24);
  const Account before = account(pool);
  std::vector<std::size_t> sizes(std::begin(test::unservable), std::end(test::unservable));
  for (const std::size_t bytes : {1_MiB - slab + 1, 1_MiB, 1_MiB + 1, SIZE_MAX - 4095,
                                  SIZE_MAX - slab, SIZE_MAX - slab + 1, SIZE_MAX / 4 + 1})
    sizes.push_back(bytes);
  for (const std::size_t bytes : sizes) {
    EXPECT_EQ(test::kind([&] { return pool.allocate(bytes); }), "Exhausted(no_room)") << bytes;
    EXPECT_EQ(pool.try_allocate(bytes), nullptr) << bytes;
    for (std::size_t alignment = 1; alignment != 0; alignment *= 2) {
      EXPECT_EQ(pool.try_allocate(bytes, alignment), nullptr) << bytes;
    }
    EXPECT_EQ(test::kind([&] { return pool.reallocate(p, bytes); }), "Exhausted(no_room)");
    EXPECT_EQ(pool.try_reallocate(p, bytes), nullptr);
    EXPECT_FALSE(pool.try_resize(p, 24, bytes));
    EXPECT_FALSE(pool.try_resize(p, bytes, 8));
  }
  for (const std::size_t alignment : test::bad_alignments) {
    EXPECT_EQ(test::error([&] { return pool.allocate(24, alignment); }),
              "Misuse(bad_alignment) multipool: alignment " + std::to_string(alignment) +
                  " is not a power of two");
    EXPECT_EQ(pool.try_allocate(24, alignment), nullptr);
    EXPECT_EQ(test::kind([&] { pool.deallocate(p, 24, alignment); }), "Misuse(bad_alignment)");
    EXPECT_EQ(test::kind([&] { return pool.reallocate(p, 24, 30, alignment); }),
              "Misuse(bad_alignment)");
  }
  EXPECT_EQ(account(pool), before);
  EXPECT_TRUE(test::holds(p, 24, 0xA5));
}

TEST(Multipool, NamesItselfInErrors) {
  const std::string text = test::error([] { return Multipool({.reserve = SIZE_MAX}); });
  EXPECT_TRUE(text.starts_with("Exhausted(system_refused) multipool: ")) << text;
  Multipool pool({.limit = 1_MiB});
  (void)pool.allocate(1_MiB);
  EXPECT_EQ(test::error([&] { return pool.allocate(64); }),
            "Exhausted(no_room) multipool: 64 bytes asked, 0 of 1048576 left");
  Multipool none({.limit = 1000});
  EXPECT_EQ(test::error([&] { return none.allocate(64); }),
            "Exhausted(no_room) multipool: 64 bytes asked, 0 of 0 left");
  Multipool small({.reserve = 2 * slab});
  (void)small.allocate(slab);
  EXPECT_EQ(test::error([&] { return small.allocate(2 * slab); }),
            "Exhausted(no_room) multipool: 131072 bytes asked, 65536 left of 131072 reserved");
}

TEST(Multipool, RoundsItsReservationUpAndItsLimitDown) {
  EXPECT_EQ(Multipool({.reserve = 1}).capacity(), slab);
  EXPECT_EQ(Multipool({.reserve = slab + 1}).capacity(), 2 * slab);
  EXPECT_EQ(Multipool({.limit = 3 * slab - 1}).capacity(), 2 * slab);
  const Multipool pool;
  EXPECT_GE(pool.capacity(), 256_MiB);
  EXPECT_LE(pool.capacity() >> 20, 8U << 10);
  EXPECT_EQ(pool.available(), pool.capacity());
  EXPECT_EQ(pool.committed(), 0u);
  EXPECT_EQ(pool.used(), 0u);
}

// ---------------------------------------------------------------------------------------- contents

struct Load {
  std::size_t small, large; // the most bytes
  std::size_t reserve, limit;
  bool zero;
};

// Random operations against a model: alignment, contents, zero, overlap, sizes, accounting.
void run_model(unsigned seed, const Load& load, int operations) {
  struct Block {
    unsigned char* p;
    std::size_t bytes, alignment;
    int value;
  };
  Multipool pool({.zero = load.zero, .reserve = load.reserve, .limit = load.limit});
  std::mt19937 random(seed);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
  const auto some_bytes = [&] {
    return below(12) == 0 ? below(load.large) : below(3) == 0 ? below(load.small) : below(100);
  };
  std::map<const unsigned char*, std::size_t> places; // what is in use, and how long it is
  std::vector<Block> blocks;
  std::size_t refused = 0;

  const auto begin = [&](const Block& block) {
    ASSERT_TRUE(test::is_aligned(block.p, std::max(block.alignment, granule)));
    const std::size_t usable = pool.usable_size(block.p);
    ASSERT_GE(usable, block.bytes);
    const auto next = places.lower_bound(block.p);
    if (next != places.end()) {
      ASSERT_LE(block.p + usable, next->first);
    }
    if (next != places.begin()) {
      ASSERT_LE(std::prev(next)->first + std::prev(next)->second, block.p);
    }
    places[block.p] = usable;
    test::fill(block.p, block.bytes, block.value);
  };
  const auto end = [&](const Block& block) {
    ASSERT_TRUE(test::holds(block.p, block.bytes, block.value));
    ASSERT_TRUE(pool.owns(block.p));
    ASSERT_EQ(places.erase(block.p), 1u);
  };

  for (int i = 0; i != operations; ++i) {
    const bool grows = i / (operations / 4) % 2 == 0;
    if (blocks.empty() || below(10) < (grows ? 5U : 3U)) {
      const std::size_t alignment = below(6) == 0 ? std::size_t{1} << below(14) : granule;
      const std::size_t bytes = some_bytes();
      auto* const p = static_cast<unsigned char*>(
          alignment == granule ? pool.try_allocate(bytes) : pool.try_allocate(bytes, alignment));
      if (p == nullptr) {
        ++refused;
        continue;
      }
      if (load.zero) {
        ASSERT_TRUE(test::holds(p, bytes, 0));
      }
      blocks.push_back({p, bytes, alignment, static_cast<int>(below(255)) + 1});
      ASSERT_NO_FATAL_FAILURE(begin(blocks.back()));
      continue;
    }
    std::swap(blocks[below(blocks.size())], blocks.back());
    Block& block = blocks.back();
    ASSERT_NO_FATAL_FAILURE(end(block));
    const std::size_t bytes = some_bytes();
    switch (below(6)) {
    case 0: {
      void* const p = below(2) == 0
                          ? pool.try_reallocate(block.p, bytes)
                          : detail::null_if_thrown([&] { return pool.reallocate(block.p, bytes); });
      if (p == nullptr) {
        ASSERT_GT(bytes, block.bytes) << "shrinking never fails";
        ++refused;
        break;
      }
      ASSERT_TRUE(test::holds(p, std::min(bytes, block.bytes), block.value));
      block = {static_cast<unsigned char*>(p), bytes, granule, block.value};
      break;
    }
    case 1:
      if (pool.try_resize(block.p, block.bytes, bytes)) {
        ASSERT_TRUE(test::holds(block.p, std::min(bytes, block.bytes), block.value));
        block.bytes = bytes;
        block.alignment = granule;
      } else {
        ASSERT_GT(bytes, block.bytes) << "shrinking never fails";
      }
      break;
    case 2:
      pool.deallocate(block.p, block.bytes, block.alignment);
      blocks.pop_back();
      continue;
    default:
      pool.deallocate(block.p);
      blocks.pop_back();
      continue;
    }
    ASSERT_NO_FATAL_FAILURE(begin(block));
    ASSERT_LE(pool.committed(), pool.capacity());
  }
  std::size_t used = 0;
  for (const auto& place : places)
    used += place.second;
  EXPECT_EQ(pool.used(), used);
  EXPECT_EQ(refused != 0, load.limit != max_size || load.reserve < 8_MiB);
  for (const Block& block : blocks) {
    end(block);
    pool.deallocate(block.p);
  }
  EXPECT_EQ(pool.used(), 0u);
  pool.trim();
  EXPECT_EQ(pool.committed(), 0u);
  EXPECT_EQ(pool.available(), pool.capacity());
  // All of it is one piece again.
  EXPECT_NE(pool.try_allocate(pool.capacity() <= 8_MiB ? pool.capacity() : 8_MiB), nullptr);
}

TEST(Multipool, KeepsContentsApart) {
  for (const unsigned seed : {1U, 2U, 3U})
    run_model(seed, {20000, 200000, 256_MiB, max_size, true}, 1200);
}
TEST(Multipool, KeepsContentsApartWithoutZeroing) {
  run_model(4, {20000, 200000, 256_MiB, max_size, false}, 1200);
}
TEST(Multipool, KeepsContentsApartAtItsLimit) {
  run_model(5, {5000, 100000, 256_MiB, 2_MiB, true}, 3000);
}
TEST(Multipool, KeepsContentsApartAtTheEndOfItsReservation) {
  for (const unsigned seed : {6U, 7U})
    run_model(seed, {5000, 100000, 2_MiB, max_size, true}, 3000);
}

TEST(Multipool, HandsOutZeroAlsoWhereASlabServesAnotherClass) {
  Multipool pool({.reserve = 4 * slab});
  for (const std::size_t bytes :
       test::Sizes{8, 24, 64, 500, 512, 1000, 9000, 32768, 65536, 200000}) {
    for (int round = 0; round != 2; ++round) {
      std::vector<void*> blocks;
      while (void* const p = pool.try_allocate(bytes)) {
        ASSERT_TRUE(test::holds(p, bytes, 0)) << bytes;
        test::fill(p, bytes);
        blocks.push_back(p);
      }
      ASSERT_FALSE(blocks.empty());
      if (round == 1) {
        pool.reset();
        continue;
      }
      for (void* const p : blocks)
        pool.deallocate(p);
    }
  }
}

TEST(Multipool, TheListOfFreeBlocksLeavesNothingBehind) {
  Multipool pool({.reserve = 4 * slab});
  std::vector<void*> blocks;
  while (void* const p = pool.try_allocate(8))
    blocks.push_back(p);
  // As deep as it gets, with high numbers at its bottom and at its top.
  for (std::size_t i = 0; i != blocks.size(); i += 2)
    pool.deallocate(blocks[i]);
  for (std::size_t i = blocks.size() - blocks.size() % 2; i > 1; i -= 2)
    pool.deallocate(blocks[i - 1]);
  while (void* const p = pool.try_allocate(largest_block))
    ASSERT_TRUE(test::holds(p, largest_block, 0));
}

TEST(Multipool, ZeroesNothingWhereThatIsOff) {
  Multipool pool({.zero = false});
  for (const std::size_t bytes : test::Sizes{64, 40000}) {
    void* const p = pool.allocate(bytes);
    test::fill(p, bytes);
    pool.deallocate(p);
    ASSERT_EQ(pool.allocate(bytes), p); // the block freed last comes first
    EXPECT_TRUE(test::holds(p, bytes, 0xA5));
  }
}

// -----------------------------------------------------------------------------------------
// resizing

TEST(Multipool, ReallocatesInPlaceWhileTheClassStays) {
  Multipool pool;
  void* p = pool.reallocate(nullptr, 100);
  test::fill(p, 100);
  EXPECT_EQ(pool.reallocate(p, 104), p);
  EXPECT_EQ(pool.reallocate(p, 97), p);
  EXPECT_EQ(pool.try_reallocate(p, 104), p);
  EXPECT_EQ(pool.reallocate(p, 104, 100), p);
  void* const moved = pool.reallocate(p, 200);
  EXPECT_NE(moved, p);
  EXPECT_TRUE(test::holds(moved, 97, 0xA5));
  EXPECT_EQ(pool.used(), 224u); // the old place is free
  void* const back = pool.reallocate(moved, 10);
  EXPECT_EQ(pool.used(), 16u);
  EXPECT_TRUE(test::holds(back, 10, 0xA5));
  EXPECT_NE(pool.try_reallocate(nullptr, 8), nullptr);
}

TEST(Multipool, LargeObjectsGrowAndShrinkInPlaceWhereTheirNeighboursAreFree) {
  Multipool pool;
  void* const p = pool.allocate(100000);
  test::fill(p, 100000);
  EXPECT_EQ(pool.reallocate(p, 1000000), p);
  EXPECT_TRUE(test::holds(p, 100000, 0xA5));
  EXPECT_TRUE(test::holds(static_cast<std::byte*>(p) + 100000, 900000, 0));
  EXPECT_EQ(pool.usable_size(p), 245 * 4096u);
  test::fill(p, 1000000);
  const std::size_t available = pool.available();
  EXPECT_EQ(pool.reallocate(p, 110000), p);
  EXPECT_EQ(pool.available(), available + 14 * slab);
  void* const next = pool.allocate(slab);
  EXPECT_TRUE(test::holds(next, slab, 0)); // also where the object was
  void* const moved = pool.reallocate(p, 200000);
  EXPECT_NE(moved, p);
  EXPECT_TRUE(test::holds(moved, 110000, 0xA5));
  EXPECT_TRUE(test::holds(static_cast<std::byte*>(moved) + 110592, 89408, 0)); // the pages behind
  void* const small = pool.reallocate(moved, 100);
  EXPECT_TRUE(test::holds(small, 100, 0xA5));
  EXPECT_EQ(pool.used(), slab + 104);
  EXPECT_TRUE(pool.owns(next));
}

TEST(Multipool, WhatIsMovedKeepsItsContentsAndIsZeroBehindThem) {
  for (const bool zero : {true, false}) {
    Multipool pool({.zero = zero, .limit = 64_MiB});
    std::size_t bytes = 1_MiB;
    void* p = pool.allocate(bytes);
    test::fill(p, bytes);
    for (int i = 0; i != 20; ++i) {
      void* const behind = pool.allocate(slab);
      p = pool.reallocate(p, bytes - 20000); // of the last slab some was written to before
      ASSERT_TRUE(test::holds(p, bytes - 20000, 0xA5));
      const std::size_t kept = (bytes - 20000 + 4095) / 4096 * 4096;
      void* const before = std::exchange(p, pool.reallocate(p, bytes + 300000));
      ASSERT_TRUE(test::holds(p, bytes - 20000, 0xA5));
      if (zero && p != before) {
        ASSERT_TRUE(test::holds(static_cast<std::byte*>(p) + kept, bytes + 300000 - kept, 0));
      }
      bytes += 300000;
      test::fill(p, bytes);
      pool.deallocate(behind);
    }
    pool.deallocate(p, bytes);
    EXPECT_EQ(pool.used(), 0u);
    pool.trim();
    EXPECT_EQ(pool.committed(), 0u);
    EXPECT_TRUE(test::holds(pool.allocate(64_MiB), 64_MiB, 0));
  }
}

TEST(Multipool, GrowsOverFreeRunsOfBothKinds) {
  Multipool pool({.reserve = 8 * slab, .limit = 7 * slab});
  void* const first = pool.allocate(slab);
  void* const second = pool.allocate(slab);
  void* const third = pool.allocate(slab);
  void* const fourth = pool.allocate(slab);
  test::fill(third, slab);
  pool.deallocate(second);
  pool.trim();            // without memory
  pool.deallocate(third); // with
  EXPECT_FALSE(pool.try_resize(first, slab, 4 * slab));
  EXPECT_TRUE(pool.try_resize(first, slab, 3 * slab));
  EXPECT_TRUE(test::holds(first, 3 * slab, 0));
  pool.deallocate(fourth);
  EXPECT_TRUE(pool.try_resize(first, 3 * slab, 7 * slab));
  EXPECT_FALSE(pool.try_resize(first, 7 * slab, 7 * slab + 1)); // the limit
  test::fill(first, 7 * slab);
  EXPECT_EQ(pool.available(), 0u);
  pool.deallocate(first);
  EXPECT_EQ(pool.available(), 7 * slab);
}

TEST(Multipool, NothingGrowsPastItsReservation) {
  Multipool pool({.reserve = 4 * slab});
  void* const p = pool.allocate(slab);
  EXPECT_FALSE(pool.try_resize(p, slab, 4 * slab + 1));
  EXPECT_FALSE(pool.try_resize(p, slab, SIZE_MAX));
  EXPECT_EQ(pool.usable_size(p), slab);
  EXPECT_TRUE(pool.try_resize(p, slab, 4 * slab));
  pool.deallocate(p);
  // One that starts at a multiple of its alignment ends inside as well, or is refused.
  for (std::size_t size = 1; size <= 4; ++size)
    for (std::size_t first = 1; first <= 4; ++first)
      for (std::size_t alignment = 2; alignment <= 64; alignment *= 2) {
        Multipool other({.reserve = 4 * slab});
        (void)other.allocate(first * slab);
        if (void* const aligned = other.try_allocate(size * slab, alignment * slab))
          test::fill(aligned, size * slab);
        EXPECT_LE(other.used(), 4 * slab);
      }
}

TEST(Multipool, ShrinkingNeverFails) {
  for (const std::size_t bytes : test::Sizes{64, 1000, 20000, 65536, 131072}) {
    Multipool pool({.limit = 2 * slab});
    std::vector<void*> blocks;
    while (void* const p = pool.try_allocate(bytes)) {
      test::fill(p, bytes);
      blocks.push_back(p);
    }
    ASSERT_FALSE(blocks.empty());
    for (std::size_t size = bytes; size > 8; size /= 2) {
      blocks[0] = pool.try_reallocate(blocks[0], size);
      ASSERT_NE(blocks[0], nullptr);
      blocks[0] = pool.reallocate(blocks[0], size - 1);
      EXPECT_TRUE(test::holds(blocks[0], size - 1, 0xA5));
      EXPECT_TRUE(pool.try_resize(blocks[0], size - 1, size - 2));
    }
    // Whatever size it has now, it may be given back with it.
    const std::size_t now = 4;
    blocks[0] = pool.reallocate(blocks[0], now);
    pool.deallocate(blocks[0], now);
  }
}

TEST(Multipool, TryResizeRefusesMisuse) {
  Multipool pool;
  auto* const p = static_cast<std::byte*>(pool.allocate(64));
  std::uint64_t foreign = 0;
  const Account before = account(pool);
  EXPECT_FALSE(pool.try_resize(nullptr, 0, 8));
  EXPECT_FALSE(pool.try_resize(&foreign, 8, 8));
  EXPECT_FALSE(pool.try_resize(p + 8, 8, 8));
  EXPECT_FALSE(pool.try_resize(p + 1, 8, 8));
  EXPECT_FALSE(pool.try_resize(p, 65, 64)); // it is not that long
  EXPECT_FALSE(pool.try_resize(p, 64, 65));
  EXPECT_EQ(pool.try_reallocate(&foreign, 8), nullptr);
  EXPECT_EQ(pool.try_reallocate(p + 8, 8), nullptr);
  EXPECT_EQ(account(pool), before);
  EXPECT_TRUE(pool.try_resize(p, 64, 8));
  EXPECT_TRUE(pool.try_resize(p, 8, 64));
  pool.deallocate(p);
  EXPECT_FALSE(pool.try_resize(p, 64, 64));
  EXPECT_EQ(pool.try_reallocate(p, 64), nullptr);
}

TEST(Multipool, AllocatesAtLeastWhatIsAskedForAndTellsHowMuch) {
  Multipool pool({.limit = 1_MiB});
  for (const std::size_t bytes : test::Sizes{0, 1, 8, 129, 1000, 5000, 32768, 33000, 100000}) {
    const auto [p, usable] = pool.allocate_at_least(bytes);
    EXPECT_EQ(usable, expected_usable(bytes));
    EXPECT_TRUE(test::holds(p, usable, 0));
    test::fill(p, usable);
    EXPECT_EQ(pool.used(), usable);
    EXPECT_TRUE(pool.try_resize(p, usable, bytes));
    pool.deallocate(p, bytes);
    const auto again = pool.allocate_at_least(bytes);
    EXPECT_EQ(pool.try_usable_size(again.p), again.bytes);
    pool.deallocate(again.p, again.bytes);
  }
  EXPECT_EQ(pool.used(), 0u);
  EXPECT_EQ(test::kind([&] { return pool.allocate_at_least(2_MiB).p; }), "Exhausted(no_room)");
  pool.release();
  EXPECT_EQ(test::error([&] { return pool.allocate_at_least(8).p; }), released);
}

TEST(Multipool, TriesToFreeWhatMayBeAnothers) {
  Multipool pool;
  auto* const p = static_cast<std::byte*>(pool.allocate(100));
  auto* const object = static_cast<std::byte*>(pool.allocate(100000));
  std::uint64_t foreign = 0;
  const Account before = account(pool);
  for (void* const wrong :
       {static_cast<void*>(nullptr), static_cast<void*>(&foreign), static_cast<void*>(p + 8),
        static_cast<void*>(p + 1), static_cast<void*>(object + 4096)}) {
    EXPECT_FALSE(pool.try_deallocate(wrong));
    EXPECT_EQ(pool.try_usable_size(wrong), 0u);
  }
  EXPECT_EQ(account(pool), before);
  EXPECT_EQ(pool.try_usable_size(p), 104u);
  EXPECT_EQ(pool.try_usable_size(object), 25 * 4096u);
  for (void* const right : {p, object}) {
    EXPECT_TRUE(pool.try_deallocate(right));
    EXPECT_FALSE(pool.try_deallocate(right)); // it is free already
    EXPECT_EQ(pool.try_usable_size(right), 0u);
  }
  EXPECT_EQ(pool.used(), 0u);
  pool.release();
  EXPECT_FALSE(pool.try_deallocate(p));
  EXPECT_EQ(pool.try_usable_size(nullptr), 0u);
}

TEST(Multipool, AlignedBlocksStayAligned) {
  Multipool pool;
  void* p = pool.allocate(100, 512);
  test::fill(p, 100);
  for (const std::size_t bytes : test::Sizes{200, 512, 513, 5000, 40000, 90000, 300, 1}) {
    p = pool.reallocate(p, p == nullptr ? 0 : pool.usable_size(p), bytes, 512);
    EXPECT_TRUE(test::is_aligned(p, 512));
    EXPECT_TRUE(test::holds(p, std::min<std::size_t>(bytes, 100), 0xA5));
  }
  void* const fresh = pool.reallocate(nullptr, 0, 10, 4096);
  EXPECT_TRUE(test::is_aligned(fresh, 4096));
}

TEST(Multipool, CopiesText) {
  Multipool pool;
  const std::string text(100, 'x');
  const std::string_view copy = pool.copy(text);
  EXPECT_EQ(copy, text);
  EXPECT_TRUE(pool.owns(copy.data()));
}

// -------------------------------------------------------------------------------------------
// misuse

std::string at(const void* p) {
  char text[32];
  std::snprintf(text, sizeof text, "%p", p);
  return text;
}

// That each call which takes a pointer refuses `p`, and changes nothing.
void expect_refused(Multipool& pool, void* p, const std::string& text) {
  const Account before = account(pool);
  EXPECT_EQ(test::error([&] { pool.deallocate(p); }), text);
  EXPECT_EQ(test::error([&] { pool.deallocate(p, 64); }), text);
  EXPECT_EQ(test::error([&] { pool.deallocate(p, 64, 64); }), text);
  EXPECT_EQ(test::error([&] { return pool.usable_size(p); }), text);
  if (p != nullptr) {
    EXPECT_EQ(test::error([&] { return pool.reallocate(p, 8); }), text);
    EXPECT_EQ(test::error([&] { return pool.reallocate(p, 64, 8); }), text);
  }
  EXPECT_EQ(account(pool), before);
}

TEST(Multipool, RefusesPointersThatAreNoBlocks) {
  Multipool pool;
  auto* const block = static_cast<std::byte*>(pool.allocate(64));
  auto* const object = static_cast<std::byte*>(pool.allocate(200000));
  test::fill(block, 64);
  std::uint64_t elsewhere = 0;
  expect_refused(pool, nullptr, "Misuse(null_pointer) multipool: a null pointer was given back");
  const auto foreign = [](const void* p) {
    return "Misuse(foreign_pointer) multipool: " + at(p) + " was not handed out by this pool";
  };
  expect_refused(pool, &elsewhere, foreign(&elsewhere));
  for (void* const p : {static_cast<void*>(object + red_zones.stretch(4 * slab)),     // above all
                        static_cast<void*>(block - 8), static_cast<void*>(block - 1), // below all
                        static_cast<void*>(block + red_zones.stretch(slab) - 8),      // bookkeeping
                        static_cast<void*>(block + red_zones.stretch(32768))}) // not yet carved
    expect_refused(pool, p, foreign(p));
  auto* const first = static_cast<std::byte*>(pool.allocate(16));
  std::byte* last = first;
  for (int i = 0; i != 1000; ++i) {
    auto* const p = static_cast<std::byte*>(pool.allocate(16));
    if (p - first < static_cast<std::ptrdiff_t>(slab))
      last = std::max(last, p);
  }
  pool.deallocate(last);
  expect_refused(pool, last,
                 "Misuse(double_free) multipool: the block of 16 bytes at " + at(last) +
                     " is free already");
  for (const std::size_t offset : {1U, 4U, 8U, 63U})
    expect_refused(pool, block + offset,
                   "Misuse(misaligned_pointer) multipool: " + at(block + offset) + " lies " +
                       std::to_string(offset) + " bytes into a block of 64, not at its start");
  for (const std::size_t offset : test::Sizes{1, 8, slab, 100000, 199999})
    expect_refused(pool, object + offset,
                   "Misuse(misaligned_pointer) multipool: " + at(object + offset) + " lies " +
                       std::to_string(offset) + " bytes into a large object, not at its start");
  EXPECT_TRUE(test::holds(block, 64, 0xA5));
  pool.deallocate(block);
  pool.deallocate(object);
}

TEST(Multipool, RefusesWhatIsFreeAlready) {
  Multipool pool;
  for (const std::size_t bytes : test::Sizes{8, 64, 4096, 32768}) {
    void* const p = pool.allocate(bytes);
    pool.deallocate(p);
    expect_refused(pool, p,
                   "Misuse(double_free) multipool: the block of " + std::to_string(bytes) +
                       " bytes at " + at(p) + " is free already");
    EXPECT_EQ(pool.allocate(bytes), p);
    EXPECT_NE(pool.allocate(bytes), p); // it is not in the stack twice
  }
  void* const object = pool.allocate(100000);
  void* const behind = pool.allocate(100000);
  pool.deallocate(object);
  expect_refused(pool, object,
                 "Misuse(double_free) multipool: the large object at " + at(object) +
                     " is free already");
  // Also where their memory went back.
  void* const block = pool.allocate(200);
  pool.deallocate(block);
  pool.deallocate(behind);
  pool.trim();
  for (void* const p : {object, behind, block})
    EXPECT_EQ(test::kind([&] { pool.deallocate(p); }), "Misuse(double_free)");
}

TEST(Multipool, RefusesAnotherSize) {
  Multipool pool;
  void* const block = pool.allocate(60);
  void* const object = pool.allocate(100000);
  void* const aligned = pool.allocate(10, 256);
  const Account before = account(pool);
  EXPECT_EQ(test::error([&] { pool.deallocate(block, 65); }),
            "Misuse(bad_size) multipool: the block of 64 bytes at " + at(block) +
                " is not one for 65 aligned to 8");
  for (const std::size_t bytes : test::Sizes{0, 56, 65, 100000, SIZE_MAX, SIZE_MAX - 7}) {
    EXPECT_EQ(test::kind([&] { pool.deallocate(block, bytes); }), "Misuse(bad_size)") << bytes;
    EXPECT_EQ(test::kind([&] { return pool.reallocate(block, bytes, 8); }), "Misuse(bad_size)");
  }
  for (const std::size_t bytes : test::Sizes{0, 64, 98304, 102401, SIZE_MAX})
    EXPECT_EQ(test::kind([&] { pool.deallocate(object, bytes); }), "Misuse(bad_size)") << bytes;
  EXPECT_EQ(test::kind([&] { pool.deallocate(aligned, 10); }), "Misuse(bad_size)");
  EXPECT_EQ(test::kind([&] { pool.deallocate(aligned, 10, 128); }), "Misuse(bad_size)");
  EXPECT_EQ(account(pool), before);
  pool.deallocate(block, 57);     // the same class
  pool.deallocate(object, 98305); // the same pages
  pool.deallocate(aligned, 10, 256);
  EXPECT_EQ(pool.used(), 0u);
}

TEST(Multipool, OwnsWhatIsInUse) {
  Multipool pool;
  auto* const block = static_cast<std::byte*>(pool.allocate(40));
  auto* const other = static_cast<std::byte*>(pool.allocate(40));
  auto* const object = static_cast<std::byte*>(pool.allocate(200000));
  int elsewhere = 0;
  for (const std::byte* p : {block, block + 39, other, object, object + 199999})
    EXPECT_TRUE(pool.owns(p));
  for (const void* p : {static_cast<const void*>(nullptr), static_cast<const void*>(&elsewhere),
                        static_cast<const void*>(block - 1),
                        static_cast<const void*>(other + red_zones.stretch(40)),
                        static_cast<const void*>(object + 200704)})
    EXPECT_FALSE(pool.owns(p));
  pool.deallocate(block);
  EXPECT_FALSE(pool.owns(block));
  EXPECT_TRUE(pool.owns(other));
  pool.deallocate(object);
  EXPECT_FALSE(pool.owns(object));
  EXPECT_FALSE(pool.owns(object + 100000));
}

// That a pool which is gone refuses each call, and knows nothing.
void expect_gone(Multipool& pool) {
  for (const std::size_t bytes : test::Sizes{0, 8, 64, 100000, SIZE_MAX}) {
    EXPECT_EQ(test::error([&] { return pool.allocate(bytes); }), released);
    EXPECT_EQ(test::error([&] { return pool.allocate(bytes, 64); }), released);
    EXPECT_EQ(test::error([&] { return pool.allocate(bytes, 3); }), released);
    EXPECT_EQ(test::error([&] { return pool.reallocate(nullptr, bytes); }), released);
    EXPECT_EQ(pool.try_allocate(bytes), nullptr);
    EXPECT_EQ(pool.try_allocate(bytes, 64), nullptr);
    EXPECT_EQ(pool.try_reallocate(nullptr, bytes), nullptr);
    EXPECT_FALSE(pool.try_resize(nullptr, 0, bytes));
  }
  EXPECT_EQ(test::error([&] { pool.reset(); }), released);
  EXPECT_EQ(test::error([&] { pool.trim(); }), released);
  std::uint64_t block = 0;
  for (void* const p : {static_cast<void*>(nullptr), static_cast<void*>(&block)}) {
    EXPECT_FALSE(pool.owns(p));
    expect_refused(pool, p, released);
  }
  EXPECT_EQ(account(pool), (Account{0, 0, 0, 0}));
  pool.release();
}

TEST(Multipool, AReleasedOneRefusesEverything) {
  Multipool pool;
  void* const p = pool.allocate(64);
  (void)pool.allocate(100000);
  pool.release();
  expect_gone(pool);
  expect_refused(pool, p, released);
  EXPECT_FALSE(pool.owns(p));
  pool = Multipool();
  EXPECT_NE(pool.try_allocate(64), nullptr);
}

TEST(Multipool, AMovedFromOneRefusesEverything) {
  Multipool from;
  void* const block = from.allocate(100);
  void* const object = from.allocate(100000);
  test::fill(block, 100);
  const Account before = account(from);
  Multipool to(std::move(from));
  expect_gone(from); // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(account(to), before);
  Multipool last;
  (void)last.allocate(8);
  last = std::move(to);
  expect_gone(to); // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(account(last), before);
  Multipool& self = last;
  last = std::move(self);
  // With the free runs too.
  void* const free = last.allocate(3 * slab);
  void* const behind = last.allocate(slab);
  last.deallocate(free);
  to = std::move(last);
  EXPECT_EQ(to.allocate(3 * slab), free);
  last = std::move(to);
  last.deallocate(free);
  last.deallocate(behind);
  EXPECT_TRUE(test::holds(block, 100, 0xA5));
  last.deallocate(block);
  last.deallocate(object);
  EXPECT_EQ(last.used(), 0u);
}

TEST(Multipool, ResetFreesAllAndKeepsTheMemory) {
  Multipool pool({.limit = 4_MiB});
  std::vector<std::size_t> committed;
  for (int round = 0; round != 3; ++round) {
    std::vector<void*> blocks;
    for (const std::size_t bytes : test::Sizes{8, 64, 500, 3000, 20000, 100000, 300000}) {
      for (int i = 0; i != 3; ++i) {
        void* const p = pool.allocate(bytes);
        ASSERT_TRUE(test::holds(p, bytes, 0));
        test::fill(p, bytes);
        blocks.push_back(p);
      }
    }
    committed.push_back(pool.committed());
    pool.reset();
    EXPECT_EQ(pool.committed(), committed[0]);
    EXPECT_EQ(pool.used(), 0u);
    EXPECT_EQ(pool.available(), pool.capacity());
    for (void* const p : blocks) {
      EXPECT_FALSE(pool.owns(p));
      EXPECT_TRUE(test::kind([&] { pool.deallocate(p); }).starts_with("Misuse("));
    }
  }
  EXPECT_NE(pool.try_allocate(4_MiB), nullptr); // it is one piece
}

// --------------------------------------------------------------------------------- bounded memory

TEST(Multipool, IsUsableAgainWhenTheLimitWasReached) {
  for (const std::size_t bytes : test::Sizes{8, 100, 5000, 32768, 65536}) {
    Multipool pool({.limit = 4 * slab});
    std::vector<void*> blocks;
    while (void* const p = pool.try_allocate(bytes))
      blocks.push_back(p);
    EXPECT_GE(blocks.size() * expected_usable(bytes), 3 * slab);
    EXPECT_EQ(pool.committed(), 4 * slab);
    EXPECT_EQ(test::kind([&] { return pool.allocate(bytes); }), "Exhausted(no_room)");
    const std::size_t full = blocks.size();
    // Each that is freed can be allocated again, however few there are.
    for (const std::size_t i : {std::size_t{0}, full / 2, full - 1}) {
      pool.deallocate(blocks[i]);
      blocks[i] = pool.try_allocate(bytes);
      ASSERT_NE(blocks[i], nullptr);
      EXPECT_EQ(pool.try_allocate(bytes), nullptr);
    }
    for (void* const p : blocks)
      pool.deallocate(p);
    // What is empty serves any other class.
    void* const object = pool.allocate(4 * slab);
    pool.deallocate(object);
    for (std::size_t i = 0; i != full; ++i)
      ASSERT_NE(pool.try_allocate(bytes), nullptr);
  }
}

TEST(Multipool, IsUsableAgainWhenTheReservationWasExhausted) {
  Multipool pool({.reserve = 8 * slab});
  std::vector<void*> objects;
  while (void* const p = pool.try_allocate(slab))
    objects.push_back(p);
  ASSERT_EQ(objects.size(), 8u);
  EXPECT_EQ(test::error([&] { return pool.allocate(slab); }),
            "Exhausted(no_room) multipool: 65536 bytes asked, 0 left of 524288 reserved");
  // Scattered addresses are no room for what is larger; neighbours are.
  for (const std::size_t i : {0U, 2U, 3U, 6U})
    pool.deallocate(objects[i]);
  EXPECT_EQ(pool.available(), 4 * slab);
  EXPECT_EQ(pool.try_allocate(3 * slab), nullptr);
  void* const two = pool.allocate(2 * slab);
  EXPECT_EQ(two, objects[2]);
  pool.trim();
  EXPECT_EQ(pool.committed(), 6 * slab);
  EXPECT_NE(pool.try_allocate(slab), nullptr);
  EXPECT_NE(pool.try_allocate(slab), nullptr);
  EXPECT_EQ(pool.try_allocate(8), nullptr);
  pool.reset();
  EXPECT_NE(pool.try_allocate(8 * slab), nullptr);
}

TEST(Multipool, GivesMemoryBackWhenLoadFalls) {
  for (const bool zero : {true, false}) {
    Multipool pool({.zero = zero});
    std::mt19937 random(1);
    std::vector<void*> blocks;
    for (std::size_t bytes = 0; bytes < 24_MiB; bytes += 1024) {
      blocks.push_back(pool.allocate(1000));
      test::touch(blocks.back());
    }
    EXPECT_GE(pool.committed(), 24_MiB);
    std::shuffle(blocks.begin(), blocks.end(), random);
    for (void* const p : blocks)
      pool.deallocate(p);
    EXPECT_LE(pool.committed(), 8_MiB + slab);
    pool.trim(1_MiB + 1);
    EXPECT_EQ(pool.committed(), 1_MiB + slab);
    pool.trim(2_MiB);
    EXPECT_EQ(pool.committed(), 1_MiB + slab);
    pool.trim();
    EXPECT_EQ(pool.committed(), 0u);
    EXPECT_TRUE(test::holds(pool.allocate(100000), 100000, 0));
  }
}

TEST(Multipool, KeepsHalfOfWhatIsInUseForTheNextRise) {
  Multipool pool;
  std::vector<void*> blocks;
  for (std::size_t i = 0; i != 1200; ++i)
    blocks.push_back(pool.allocate(largest_block));
  const std::size_t most = pool.committed();
  ASSERT_GT(most, 32_MiB);
  const auto free_until = [&](std::size_t left) {
    for (; blocks.size() != left; blocks.pop_back())
      pool.deallocate(blocks.back());
  };
  free_until(820); // 410 slabs and more: less than half of them are spare
  EXPECT_EQ(pool.committed(), most);
  free_until(400);
  EXPECT_LT(pool.committed(), most);
  EXPECT_GE(pool.committed(), most / 3);
}

TEST(Multipool, WhatWasTrimmedAtTheEndIsOnePieceWithWhatWasNeverUsed) {
  Multipool pool({.reserve = 16 * slab});
  pool.deallocate(pool.allocate(10 * slab));
  pool.trim();
  void* const all = pool.try_allocate(16 * slab);
  EXPECT_NE(all, nullptr);
}

TEST(Multipool, KeepsUpTo8MiBForTheNextRise) {
  Multipool pool;
  void* const first = pool.allocate(8_MiB - slab);
  void* const second = pool.allocate(slab);
  pool.deallocate(first);
  pool.deallocate(second);
  EXPECT_EQ(pool.committed(), 8_MiB);
  pool.deallocate(pool.allocate(8_MiB));
  EXPECT_EQ(pool.committed(), 8_MiB);
}

TEST(Multipool, GivesLargeObjectsBack) {
  Multipool pool;
  void* const p = pool.allocate(64_MiB);
  EXPECT_EQ(pool.committed(), 64_MiB);
  pool.deallocate(p);
  EXPECT_EQ(pool.committed(), 0u);
  void* const small = pool.allocate(1_MiB);
  pool.deallocate(small);
  EXPECT_EQ(pool.committed(), 1_MiB); // kept
}

#if defined(__linux__)
TEST(Multipool, TheSystemHasWhatWasTrimmed) {
  if (test::watched())
    GTEST_SKIP() << "their memory is larger";
  Multipool pool;
  auto* const p = static_cast<std::byte*>(pool.allocate(1_MiB));
  test::fill(p, 1_MiB);
  void* const behind = pool.allocate(1_MiB);
  const auto resident = [&] {
    std::vector<unsigned char> flags(1_MiB / 4096);
    EXPECT_EQ(mincore(p, 1_MiB, flags.data()), 0);
    return std::count_if(flags.begin(), flags.end(), [](auto f) { return (f & 1) != 0; });
  };
  EXPECT_EQ(resident(), 256);
  pool.deallocate(p);
  EXPECT_EQ(resident(), 256);
  pool.trim();
  EXPECT_EQ(resident(), 0);
  pool.deallocate(behind);
}
#endif

#if defined(__linux__)
/// A number of kibibytes that the system tells, in bytes.
std::size_t told_by_system(const std::string& what) {
  std::ifstream status("/proc/self/status");
  std::size_t kibibytes = 0;
  for (std::string word; status >> word;)
    if (word == what)
      status >> kibibytes;
  return kibibytes * 1024;
}

TEST(Multipool, TakesTwiceItsLimitOfAddresses) {
  if (test::watched())
    GTEST_SKIP() << "red zones need twice as many";
  for (const std::size_t limit : {slab, 1_MiB, 64_MiB, 1_GiB}) {
    const std::size_t before = told_by_system("VmSize:");
    const Multipool pool({.limit = limit});
    EXPECT_EQ(pool.capacity(), limit);
    const std::size_t addresses = told_by_system("VmSize:") - before;
    EXPECT_GE(addresses, limit);
    EXPECT_LE(addresses, 2 * limit + limit / 20 + slab + 8192) << limit;
  }
}

TEST(Multipool, AThousandThatAreLittleUsedHoldLittle) {
  if (test::watched())
    GTEST_SKIP() << "their memory is larger";
  constexpr std::size_t count = 1000;
  const auto held = [] { return told_by_system("VmRSS:") + told_by_system("VmPTE:"); };
  std::vector<Multipool> pools;
  pools.reserve(count);
  const std::size_t before = held();
  for (std::size_t i = 0; i != count; ++i)
    test::fill(pools.emplace_back().allocate(24), 24);
  EXPECT_LE((held() - before) / count, 64_KiB);
}
#endif

#if defined(__linux__)
/// Whether the mapping that `p` lies in has a flag: "hg" where huge pages were asked for, "nh"
/// where they were refused.
bool is_flagged(const void* p, const std::string& flag) {
  std::ifstream maps("/proc/self/smaps");
  bool here = false;
  for (std::string line; std::getline(maps, line);) {
    unsigned long long from = 0;
    unsigned long long to = 0;
    if (std::sscanf(line.c_str(), "%llx-%llx ", &from, &to) == 2)
      here = reinterpret_cast<std::uintptr_t>(p) - from < to - from;
    else if (here && line.starts_with("VmFlags:"))
      return (line + ' ').find(' ' + flag + ' ') != std::string::npos;
  }
  return false;
}

// An object of `bytes`, all of it written, with another one behind it.
void* allocate_before_another(Multipool& pool, std::size_t bytes) {
  void* const p = pool.allocate(bytes);
  test::fill(p, bytes);
  (void)pool.allocate(slab);
  return p;
}

// Faults of this thread that supplied a page.
long faults() {
  rusage usage{};
  EXPECT_EQ(getrusage(RUSAGE_THREAD, &usage), 0);
  return usage.ru_minflt;
}

bool moves_pages() {
  std::byte* const p = os::reserve(2 * slab, os::Access::read_write);
  const bool moved = os::move_pages(p, p + slab, slab);
  os::release(p, 2 * slab);
  return moved;
}

TEST(Multipool, ALargeObjectMovesByPagesAndNotByBytes) {
  if (test::watched() || !moves_pages())
    GTEST_SKIP() << "memory is watched, or the system moves no pages";
  Multipool pool({.huge_pages = HugePages::never});
  void* const p = allocate_before_another(pool, 32_MiB);
  const long before = faults();
  void* const moved = pool.reallocate(p, 48_MiB);
  EXPECT_LT(faults() - before, 1000); // there are 8192 pages
  ASSERT_NE(moved, p);
  EXPECT_TRUE(test::holds(moved, 32_MiB, 0xA5));
  EXPECT_TRUE(test::holds(static_cast<std::byte*>(moved) + 32_MiB, 16_MiB, 0));
  EXPECT_TRUE(test::holds(pool.allocate(32_MiB), 32_MiB, 0)); // the old place
}

// Lines of /proc/self/maps.
std::size_t mappings() {
  std::ifstream maps("/proc/self/maps");
  std::size_t lines = 0;
  for (std::string line; std::getline(maps, line);)
    ++lines;
  return lines;
}

TEST(Multipool, MappingsStayFewHoweverOftenObjectsMove) {
  if (test::watched())
    GTEST_SKIP() << "their memory is another";
  Multipool pool({.huge_pages = HugePages::never});
  std::mt19937 random(1);
  std::vector<std::pair<void*, std::size_t>> objects(20);
  for (auto& [p, bytes] : objects)
    p = pool.allocate(bytes = 1_MiB);
  const std::size_t before = mappings();
  for (int i = 0; i != 2000; ++i) {
    auto& [p, bytes] = objects[random() % objects.size()];
    bytes = bytes > 16_MiB ? 1_MiB : bytes + bytes / 4;
    p = pool.reallocate(p, bytes);
    static_cast<std::byte*>(p)[bytes - 1] = std::byte{1};
  }
  EXPECT_LE(mappings(), before + objects.size() * 34);
  for (const auto& [p, bytes] : objects)
    pool.deallocate(p, bytes);
  pool.trim();
  EXPECT_LE(mappings(), before + objects.size() * 2);
}
TEST(Multipool, AsksForHugePagesWhereItIsLarge) {
  if (test::watched())
    GTEST_SKIP() << "their memory is another";
  Multipool never({.huge_pages = HugePages::never});
  Multipool usual;
  Multipool always({.huge_pages = HugePages::always});
  if (void* const p = always.allocate(8); !is_flagged(p, "hg"))
    GTEST_SKIP() << "the system has none";
  const void* const small = usual.allocate(8);
  EXPECT_TRUE(is_flagged(small, "nh"));
  EXPECT_TRUE(is_flagged(never.allocate(8), "nh"));
  (void)never.allocate(32_MiB);
  EXPECT_TRUE(is_flagged(never.allocate(1_MiB), "nh"));
  EXPECT_TRUE(is_flagged(usual.allocate(16_MiB), "nh"));
  (void)usual.allocate(16_MiB);
  EXPECT_TRUE(is_flagged(usual.allocate(1_MiB), "hg"));
  EXPECT_TRUE(is_flagged(small, "nh"));
}

/// What pools hold in all, each of which has `bytes` in blocks of all sizes.
std::size_t held_by_pools(HugePages huge_pages, int count, std::size_t bytes) {
  const std::size_t before = told_by_system("VmRSS:");
  std::vector<Multipool> pools;
  for (int i = 0; i != count; ++i) {
    Multipool& pool = pools.emplace_back(MultipoolOptions{.huge_pages = huge_pages});
    for (std::size_t held = 0, size = 8; held < bytes; held += size, size = size * 5 / 4 + 8) {
      if (size > 8192)
        size = 8;
      test::fill(pool.allocate(size), size);
    }
  }
  return told_by_system("VmRSS:") - before;
}
TEST(Multipool, SmallOnesHoldLittleMoreThanWithoutHugePages) {
  if (test::watched())
    GTEST_SKIP() << "their memory is larger";
  for (const auto& [count, bytes] : {std::pair<int, std::size_t>{32, 64_KiB},
                                     {32, 1_MiB},
                                     {1, 40_MiB}}) { // the last is not small any more
    const std::size_t least = held_by_pools(HugePages::never, count, bytes);
    const std::size_t usual = held_by_pools(HugePages::automatic, count, bytes);
    EXPECT_LE(usual, least + least / 4) << bytes;
  }
}
#endif

// A limit above what blocks need of addresses is there for large objects: of those that lie apart
// from each other half the addresses may be free, and yet in no piece.
TEST(Multipool, FindsRoomForALargeObjectThoughAddressesLieScattered) {
  Multipool pool({.limit = 16 * slab});
  std::vector<void*> objects;
  while (void* const p = pool.try_allocate(slab))
    objects.push_back(p);
  ASSERT_EQ(objects.size(), 16u);
  for (std::size_t i = 0; i != objects.size(); i += 2)
    pool.deallocate(objects[i]);
  EXPECT_NE(pool.try_allocate(8 * slab), nullptr);
}

TEST(Multipool, TenThousandLiveAtOnce) {
  if (test::watched() || sizeof(void*) < 8)
    GTEST_SKIP() << "not so many addresses";
  std::vector<Multipool> pools(10'000);
  for (const Multipool& pool : pools)
    ASSERT_EQ(pool.capacity() >> 20, 8U << 10);
  EXPECT_NE(pools.back().try_allocate(100'000'000), nullptr);
}

TEST(Multipool, ManyReservationsCostNoMemory) {
  std::vector<Multipool> pools(8);
  for (Multipool& pool : pools)
    EXPECT_EQ(pool.committed(), 0u);
  pools.erase(pools.begin() + 3, pools.end());
  EXPECT_NE(pools.back().try_allocate(8), nullptr);
}

// ---------------------------------------------------------------------------------------- buffers

constexpr std::size_t for_one = slab + 1376; // a slab, and what is kept about it

// All that a pool on a buffer does: each byte that is handed out lies in the buffer, and is zero.
void use_on_buffer(Multipool& pool, std::size_t slabs) {
  EXPECT_EQ(pool.capacity(), slabs * slab);
  EXPECT_EQ(pool.committed(), slabs * slab);
  for (int round = 0; round != 3; ++round) {
    std::vector<std::pair<void*, std::size_t>> blocks;
    for (std::size_t bytes = 8; bytes < 70'000; bytes += bytes / 3 + 1)
      if (void* const p = pool.try_allocate(bytes)) {
        ASSERT_TRUE(test::holds(p, bytes, 0));
        ASSERT_TRUE(pool.owns(p));
        test::fill(p, bytes);
        blocks.emplace_back(p, bytes);
      }
    ASSERT_FALSE(blocks.empty());
    if (round == 1) {
      pool.reset();
      pool.trim();
    } else {
      for (const auto& [p, bytes] : blocks)
        pool.deallocate(p, bytes);
    }
    EXPECT_EQ(pool.used(), 0u);
    pool.trim();
    void* const all = pool.try_allocate(slabs * slab);
    ASSERT_NE(all, nullptr);
    EXPECT_TRUE(test::holds(all, slabs * slab, 0));
    EXPECT_TRUE(test::is_aligned(all, slab));
    EXPECT_EQ(pool.available(), 0u);
    pool.deallocate(all);
  }
  EXPECT_EQ(pool.committed(), slabs * slab);
}

TEST(MultipoolOnABuffer, ServesFromAnyKindOfMemory) {
  std::vector<std::byte> own(slab + 9 * for_one, std::byte{0xEE});
  test::TestResource upstream;
  for (int kind = 0; kind != 4; ++kind) {
    Buffer buffer;
    if (kind == 0)
      buffer = Buffer::borrowed(own);
    else if (kind == 1)
      buffer = Buffer::heap(8 * for_one, slab);
    else if (kind == 2)
      buffer = Buffer::mapped(slab + 8 * for_one);
    else
      buffer = Buffer::from(&upstream, 8 * for_one, slab);
    if (kind != 2)
      test::fill(buffer.data(), buffer.extent());
    Multipool pool(std::move(buffer));
    const std::size_t slabs = pool.capacity() / slab;
    EXPECT_GE(slabs, 8u) << kind;
    EXPECT_LE(slabs, 9u) << kind;
    use_on_buffer(pool, slabs);
    Multipool moved(std::move(pool));
    EXPECT_EQ(pool.capacity(), 0u); // NOLINT(bugprone-use-after-move)
    use_on_buffer(moved, slabs);
  }
  EXPECT_EQ(upstream.live(), 0u);
  EXPECT_EQ(test::visible(own.data(), own.size()), own.size()); // the caller's again
}

TEST(MultipoolOnABuffer, NeedsRoomForASlabAndItsRecord) {
  const Buffer aligned = Buffer::heap(2 * slab, slab); // which no loader need do with statics
  std::byte* const memory = aligned.data();
  const std::size_t least = slab + 1344 + 32;
  Multipool one(Buffer::borrowed({memory, least}));
  EXPECT_EQ(one.capacity(), slab);
  EXPECT_EQ(one.allocate(slab), memory);
  one.release();
  EXPECT_EQ(test::error([&] {
              return Multipool(Buffer::borrowed({memory, slab}));
            }),
            "Misuse(bad_size) multipool: a buffer of 65536 bytes has no room for a slab of 65536 "
            "and its record");
  for (const std::size_t skip : test::Sizes{8, slab / 2, slab - 8})
    EXPECT_EQ(test::kind([&] {
                return Multipool(Buffer::borrowed({memory + skip, least}));
              }),
              "Misuse(bad_size)");
  EXPECT_EQ(test::kind([] { return Multipool(Buffer()); }), "Misuse(bad_size)");
  EXPECT_EQ(Multipool(Buffer::borrowed({memory, 2 * slab})).capacity(), slab);
}

TEST(MultipoolOnABuffer, KeepsToItsLimit) {
  Multipool pool(Buffer::heap(8 * for_one, slab), {.limit = 3 * slab});
  EXPECT_EQ(pool.capacity(), 3 * slab);
  (void)pool.allocate(3 * slab);
  EXPECT_EQ(test::error([&] { return pool.allocate(8); }),
            "Exhausted(no_room) multipool: 8 bytes asked, 0 of 196608 left");
}

TEST(MultipoolOnABuffer, ZeroesNothingWhereThatIsOff) {
  Buffer buffer = Buffer::heap(2 * for_one, slab);
  test::fill(buffer.data(), buffer.extent());
  Multipool pool(std::move(buffer), {.zero = false});
  EXPECT_TRUE(test::holds(pool.allocate(1000), 1000, 0xA5));
}

TEST(MultipoolOnABuffer, MayStandOnABlockOfAnother) {
  Multipool outer;
  std::byte* const block = static_cast<std::byte*>(outer.allocate(1_MiB));
  {
    Multipool inner(Buffer::borrowed({block, 1_MiB}));
    use_on_buffer(inner, inner.capacity() / slab);
    (void)inner.allocate(100);
  }
  test::fill(block, 1_MiB);
  outer.deallocate(block);
}

// ------------------------------------------------------------------------------- what sanitizers
// see

class MultipoolHiding : public test::Watched {};

TEST_F(MultipoolHiding, WhatLiesBehindABlock) {
  Multipool pool;
  for (const std::size_t bytes : test::Sizes{1, 7, 8, 9, 13, 24, 63, 64, 100, 1000, 40000, 65536}) {
    std::vector<void*> blocks;
    for (int i = 0; i != 3; ++i)
      blocks.push_back(pool.allocate(bytes));
    for (void* const p : blocks) {
      EXPECT_EQ(test::visible(p, bytes + 8), bytes);
      EXPECT_TRUE(test::is_hidden(static_cast<std::byte*>(p) - 1) || test::is_aligned(p, slab));
      test::fill(p, bytes);
    }
  }
  void* const aligned = pool.allocate(13, 512);
  EXPECT_EQ(test::visible(aligned, 256), 13u);
}

TEST_F(MultipoolHiding, WhatIsFree) {
  Multipool pool;
  for (const std::size_t bytes : test::Sizes{8, 64, 1000, 32768, 100000}) {
    void* const p = pool.allocate(bytes);
    test::fill(p, bytes);
    pool.deallocate(p);
    EXPECT_TRUE(test::all_hidden(p, bytes)) << bytes;
    void* const again = pool.allocate(bytes);
    EXPECT_EQ(test::visible(again, bytes + 8), bytes);
    pool.reset();
    EXPECT_TRUE(test::all_hidden(p, bytes)) << bytes;
  }
}

TEST_F(MultipoolHiding, WhatAResizeTookBack) {
  Multipool pool;
  for (const auto& [from, to] : {std::pair<std::size_t, std::size_t>{64, 57},
                                 {1000, 900},
                                 {100000, 99000},
                                 {400000, 100000},
                                 {64, 8}}) {
    void* const p = pool.allocate(from);
    ASSERT_TRUE(pool.try_resize(p, from, to));
    EXPECT_EQ(test::visible(p, from + 8), to);
    ASSERT_TRUE(pool.try_resize(p, to, from));
    EXPECT_EQ(test::visible(p, from + 8), from);
    void* const q = pool.reallocate(p, to);
    EXPECT_EQ(test::visible(q, to + 8), to);
    pool.deallocate(q);
  }
}

TEST_F(MultipoolHiding, NothingOfWhatGoesBack) {
  for (int round = 0; round != 2; ++round) { // the second may get the first one's addresses
    Multipool pool({.reserve = 1_MiB});
    for (const std::size_t bytes : test::Sizes{8, 1000, 300000})
      test::fill(pool.allocate(bytes), bytes);
    pool.reset();
    pool.trim();
    EXPECT_NE(pool.try_allocate(1_MiB), nullptr);
  }
}

TEST(Multipool, ResetsWhatLiesBehindAFreeRun) {
  Multipool pool({.reserve = 4_MiB});
  void* const first = pool.allocate(1_MiB);
  void* const second = pool.allocate(1_MiB);
  test::fill(second, 1_MiB);
  pool.deallocate(first);
  pool.reset();
  EXPECT_EQ(pool.used(), 0u);
  EXPECT_EQ(pool.allocate(1_MiB), first);
  EXPECT_EQ(pool.allocate(1_MiB), second);
  EXPECT_TRUE(test::holds(second, 1_MiB, 0));
}

TEST(Multipool, FreeRunsGoWithAMove) {
  for (const bool trimmed : {false, true}) {
    Multipool pool({.reserve = 4_MiB});
    void* const first = pool.allocate(2_MiB);
    (void)pool.allocate(1_MiB);
    pool.deallocate(first);
    if (trimmed)
      pool.trim();
    Multipool moved = std::move(pool);
    EXPECT_EQ(moved.try_allocate(2_MiB), first); // there is no room elsewhere
  }
}

// So that load which falls and rises again costs no system call: 8 MiB at least are kept.
TEST(Multipool, KeepsEightMebibytesOfWhatIsFree) {
  Multipool pool({.reserve = 64_MiB});
  const std::size_t room = pool.available();
  std::vector<void*> blocks;
  while (room - pool.available() < 8_MiB + 64_KiB) // a slab stays with its class
    blocks.push_back(pool.allocate(1024));
  const std::size_t held = pool.committed();
  for (void* const block : blocks)
    pool.deallocate(block);
  EXPECT_EQ(pool.committed(), held);
}

} // namespace
