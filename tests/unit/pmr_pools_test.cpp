// What the two pool resources have in common.
#include <allot/json.hpp>
#include <allot/pmr.hpp>

#include "support.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <random>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace allot;
using namespace test;

namespace {

using pmr::pool_options;

// What the standard's classes can and cannot do, ours can and cannot.
template <class R>
constexpr bool has_the_standards_shape =
    std::is_default_constructible_v<R> && std::is_constructible_v<R, pmr::memory_resource*> &&
    std::is_constructible_v<R, const pool_options&> &&
    std::is_constructible_v<R, const pool_options&, pmr::memory_resource*> &&
    !std::is_convertible_v<pmr::memory_resource*, R> && !std::is_convertible_v<pool_options, R> &&
    !std::is_copy_constructible_v<R> && !std::is_copy_assignable_v<R> && !std::is_final_v<R> &&
    std::is_base_of_v<pmr::memory_resource, R> && std::has_virtual_destructor_v<R>;
static_assert(has_the_standards_shape<pmr::unsynchronized_pool_resource> &&
              has_the_standards_shape<std::pmr::unsynchronized_pool_resource>);
static_assert(has_the_standards_shape<pmr::synchronized_pool_resource> &&
              has_the_standards_shape<std::pmr::synchronized_pool_resource>);

// The overrides are there for derived classes.
template <class R>
struct Derived : R {
  using R::do_allocate;
  using R::do_deallocate;
  using R::do_is_equal;
  using R::R;
};

template <class R>
inline constexpr const char* name_of = "unsynchronized_pool_resource";
template <>
inline constexpr const char* name_of<pmr::synchronized_pool_resource> =
    "synchronized_pool_resource";

std::vector<std::string> reported_codes() {
  std::vector<std::string> codes;
  for (const std::string& text : ReportedMisuse::texts())
    codes.push_back(text.substr(0, text.find(' ')));
  return codes;
}
using Codes = std::vector<std::string>;

template <class R>
struct PmrPools : testing::Test {
  TestResource upstream;
};
using Both = testing::Types<pmr::unsynchronized_pool_resource, pmr::synchronized_pool_resource>;
TYPED_TEST_SUITE(PmrPools, Both);

TEST(PmrSizeClasses, CoverAllSizes) {
  using namespace allot::detail;
  EXPECT_EQ(class_size(0), 8U);
  for (std::size_t index = 0; index != 80; ++index) {
    EXPECT_LT(class_size(index), class_size(index + 1));
    EXPECT_EQ(class_of(class_size(index) - 1), index);
    EXPECT_EQ(class_of(class_size(index)), index + 1);
    EXPECT_LE(class_size(index + 1) - class_size(index),
              std::max(class_size(index) / 4, std::size_t{8}));
  }
  for (std::size_t bytes = 1; bytes != 5000; ++bytes)
    for (std::size_t alignment = 1; alignment != 8192; alignment *= 2) {
      const std::size_t size = class_size(class_of(last_of(bytes, alignment)));
      ASSERT_GE(size, bytes);
      ASSERT_EQ(size % alignment, 0U) << bytes << " aligned to " << alignment;
    }
}

TYPED_TEST(PmrPools, CarryContainers) {
  TypeParam resource(&this->upstream);
  EXPECT_EQ(resource.upstream_resource(), &this->upstream);
  pmr::map<int, pmr::string> names(&resource);
  pmr::vector<int> numbers(&resource);
  for (int i = 0; i != 1000; ++i) {
    names[i] = "a name too long to lie within the string: " + std::to_string(i);
    numbers.push_back(i);
    if (i % 3 == 0)
      names.erase(i / 2);
  }
  EXPECT_EQ(names.at(999), "a name too long to lie within the string: 999");
  EXPECT_EQ(numbers[999], 999);
}

TYPED_TEST(PmrPools, DefaultUpstreamIsTheDefaultResource) {
  pmr::memory_resource* const before = pmr::set_default_resource(&this->upstream);
  const TypeParam plain;
  const TypeParam with_options(pool_options{10, 100});
  pmr::set_default_resource(before);
  EXPECT_EQ(plain.upstream_resource(), &this->upstream);
  EXPECT_EQ(with_options.upstream_resource(), &this->upstream);
}

TYPED_TEST(PmrPools, ReportTheOptionsInForce) {
  const TypeParam plain;
  EXPECT_EQ(plain.options().max_blocks_per_chunk, std::size_t{1} << 18);
  EXPECT_EQ(plain.options().largest_required_pool_block, 4096U);
  const TypeParam asked(
      pool_options{.max_blocks_per_chunk = 10, .largest_required_pool_block = 100});
  EXPECT_EQ(asked.options().max_blocks_per_chunk, 10U);
  EXPECT_GE(asked.options().largest_required_pool_block, 100U);
  EXPECT_LE(asked.options().largest_required_pool_block, 128U);
  for (const std::size_t largest : Sizes{1, 8, 9, 128, 129, 1024, 1025, 4096, 4097}) {
    const std::size_t in_force =
        TypeParam(pool_options{0, largest}).options().largest_required_pool_block;
    EXPECT_GE(in_force, largest);
    EXPECT_LE(in_force, largest + largest / 4 + 7);
  }
  const TypeParam greedy(pool_options{SIZE_MAX, SIZE_MAX});
  EXPECT_EQ(greedy.options().max_blocks_per_chunk, std::size_t{1} << 18);
  EXPECT_EQ(greedy.options().largest_required_pool_block, std::size_t{4} << 20);
}

TYPED_TEST(PmrPools, TakeLittleForTheirOwnUse) {
  TestResource counted;
  TypeParam resource(&counted);
  resource.deallocate(resource.allocate(8), 8);
  std::size_t taken = 0;
  for (const auto& request : counted.requests)
    taken += request.bytes;
  EXPECT_LE(taken, 64u << 10);
}

TYPED_TEST(PmrPools, RefuseNullAtConstruction) {
  pmr::memory_resource* const null = nullptr;
  EXPECT_EQ(error([&] { TypeParam resource(null); }), std::string("Misuse(null_pointer) ") +
                                                          name_of<TypeParam> +
                                                          ": a null resource was given");
}

TYPED_TEST(PmrPools, AskUpstreamForNothingAtConstruction) {
  const TypeParam resource(&this->upstream);
  EXPECT_EQ(this->upstream.requests.size(), 0U);
}

TYPED_TEST(PmrPools, ReuseWhatWasFreed) {
  TypeParam resource(&this->upstream);
  void* p = nullptr;
  for (int i = 0; i != 20; ++i) { // then a thread has a magazine
    p = resource.allocate(40, 8);
    resource.deallocate(p, 40, 8);
  }
  const std::size_t requests = this->upstream.requests.size();
  EXPECT_EQ(resource.allocate(37, 8), p); // of the same class
  resource.deallocate(p, 37, 8);
  for (int i = 0; i != 1000; ++i)
    resource.deallocate(resource.allocate(40, 8), 40, 8);
  EXPECT_EQ(this->upstream.requests.size(), requests);
  EXPECT_EQ(this->upstream.live(), requests); // nothing goes back before release
}

TYPED_TEST(PmrPools, ReuseWhatWasFreedInEveryChunk) {
  TypeParam resource(pool_options{16, 0}, &this->upstream);
  std::size_t requests = 0;
  for (int round = 0; round != 3; ++round) {
    std::vector<void*> blocks;
    for (int i = 0; i != 1000; ++i)
      blocks.push_back(resource.allocate(40, 8));
    for (void* const p : blocks)
      resource.deallocate(p, 40, 8);
    if (round == 1) // a thread's magazines came in the first
      requests = this->upstream.requests.size();
  }
  EXPECT_EQ(this->upstream.requests.size(), requests);
}

TYPED_TEST(PmrPools, ServeEveryAlignment) {
  TypeParam resource(&this->upstream);
  struct Given {
    void* p;
    std::size_t bytes, alignment;
  };
  std::vector<Given> given;
  for (std::size_t alignment = 1; alignment <= 16384; alignment *= 2)
    for (const std::size_t bytes : {1U, 8U, 24U, 33U, 100U, 1000U, 4096U, 5000U}) {
      void* const p = resource.allocate(bytes, alignment);
      EXPECT_TRUE(is_aligned(p, alignment)) << bytes << " aligned to " << alignment;
      fill(p, bytes, static_cast<int>(given.size()));
      given.push_back({p, bytes, alignment});
    }
  for (std::size_t i = 0; i != given.size(); ++i) {
    EXPECT_TRUE(holds(given[i].p, given[i].bytes, static_cast<unsigned char>(i)));
    resource.deallocate(given[i].p, given[i].bytes, given[i].alignment);
  }
}

TYPED_TEST(PmrPools, LargeRequestsGoToUpstreamAsTheyAre) {
  TypeParam resource(pool_options{0, 256}, &this->upstream);
  struct Given {
    void* p;
    std::size_t bytes, alignment;
  };
  std::vector<Given> given;
  const std::size_t largest = resource.options().largest_required_pool_block;
  for (std::size_t i = 0; i != 100; ++i) {
    const std::size_t bytes = largest + 1 + i * 100;
    const std::size_t alignment = std::size_t{1} << i % 10;
    given.push_back({resource.allocate(bytes, alignment), bytes, alignment});
    EXPECT_EQ(this->upstream.requests.back().bytes, bytes);
    EXPECT_EQ(this->upstream.requests.back().alignment, alignment);
  }
  const std::size_t live = this->upstream.live();
  for (std::size_t i = 0; i != 50; ++i) // checked by the upstream
    resource.deallocate(given[i * 2].p, given[i * 2].bytes, given[i * 2].alignment);
  EXPECT_EQ(this->upstream.live(), live - 50);
  resource.release();
  EXPECT_EQ(this->upstream.live(), 0U);
}

// Which is at most half full, or searches would be long.
TYPED_TEST(PmrPools, TheTableOfLargeBlocksDoubles) {
  TypeParam resource(pool_options{0, 256}, &this->upstream);
  std::vector<std::size_t> grew;
  for (std::size_t i = 1; i <= 130; ++i) {
    const std::size_t before = this->upstream.requests.size();
    (void)resource.allocate(10'000, 8);
    if (this->upstream.requests.size() - before > 1)
      grew.push_back(i);
  }
  EXPECT_EQ(std::vector(grew.end() - 4, grew.end()), (std::vector<std::size_t>{17, 33, 65, 129}));
}

TYPED_TEST(PmrPools, TheTableOfChunksDoubles) {
  TypeParam resource(pool_options{4, 256}, &this->upstream);
  std::vector<std::size_t> chunks; // in bytes, with the table in those for which it grew
  while (chunks.size() < 130) {
    const std::size_t before = this->upstream.requests.size();
    (void)resource.allocate(256, 8);
    for (std::size_t i = before; i != this->upstream.requests.size(); ++i)
      if (this->upstream.requests[i].alignment == red_zones.stretch(256))
        chunks.push_back(this->upstream.requests[i].bytes);
  }
  std::vector<std::size_t> grew;
  for (std::size_t i = 0; i != chunks.size(); ++i)
    if (chunks[i] > *std::min_element(chunks.begin(), chunks.end()))
      grew.push_back(i + 1);
  EXPECT_EQ(grew, (std::vector<std::size_t>{5, 9, 17, 33, 65, 129}));
}

TYPED_TEST(PmrPools, ReleaseGivesBackWhatIsInUseToo) {
  TypeParam resource(&this->upstream);
  for (int round = 0; round != 3; ++round) {
    for (std::size_t i = 0; i != 500; ++i)
      fill(resource.allocate(i + 1), i + 1);
    (void)resource.allocate(100'000);
    EXPECT_GT(this->upstream.live(), 3U);
    resource.release();
    EXPECT_EQ(this->upstream.live(), 0U);
    resource.release();
  }
  (void)resource.allocate(100); // left to the destructor
}

TYPED_TEST(PmrPools, ChunksGrowGeometricallyUpToTheLimit) {
  constexpr std::size_t most = 100;
  TypeParam resource(pool_options{.max_blocks_per_chunk = most, .largest_required_pool_block = 0},
                     &this->upstream);
  (void)resource.allocate(64);
  const std::size_t first = this->upstream.requests.size();
  for (int i = 0; i != 10'000; ++i)
    (void)resource.allocate(64);
  const auto& requests = this->upstream.requests;
  std::vector<std::size_t> chunks; // not the bookkeeping, which has other alignments or sizes
  for (std::size_t i = first; i != requests.size(); ++i)
    if (requests[i].alignment == 64 * red_zones.stretch(1) && requests[i].bytes > 1500)
      chunks.push_back(requests[i].bytes);
  ASSERT_GE(chunks.size(), 10'000 / most - 10);
  for (const std::size_t bytes : chunks)
    EXPECT_LT(bytes, most * (64 * red_zones.stretch(1) + 6) + 4500); // bookkeeping included

  TypeParam growing(&this->upstream);
  const std::size_t before = requests.size();
  std::vector<void*> all;
  for (int i = 0; i != 20'000; ++i)
    all.push_back(growing.allocate(64));
  std::size_t large = 0;
  for (std::size_t i = before; i != requests.size(); ++i)
    large += std::size_t{requests[i].bytes > 2000};
  EXPECT_LT(large, 20U);
  for (void* p : all)
    growing.deallocate(p, 64);
}

TYPED_TEST(PmrPools, SmallChunksWorkToo) {
  TypeParam resource(pool_options{.max_blocks_per_chunk = 1, .largest_required_pool_block = 0},
                     &this->upstream);
  std::vector<void*> all;
  std::mt19937 random(5);
  for (std::size_t i = 0; i != 300; ++i) {
    all.push_back(resource.allocate(48));
    fill(all.back(), 48, static_cast<int>(i));
  }
  std::shuffle(all.begin(), all.end(), random);
  for (void* p : all) {
    EXPECT_TRUE(holds(p, 48, *static_cast<unsigned char*>(p)));
    resource.deallocate(p, 48);
  }
}

TYPED_TEST(PmrPools, EmptyRequestsDiffer) {
  TypeParam resource(&this->upstream);
  void* const first = resource.allocate(0, 1);
  void* const second = resource.allocate(0, 1);
  void* const large = resource.allocate(0, 8192);
  EXPECT_NE(first, nullptr);
  EXPECT_NE(first, second);
  EXPECT_TRUE(is_aligned(large, 8192));
  resource.deallocate(first, 0, 1);
  resource.deallocate(second, 0, 1);
  resource.deallocate(large, 0, 8192);
}

TYPED_TEST(PmrPools, RefuseBadRequestsAndGoOn) {
  TypeParam resource(&this->upstream);
  void* const p = resource.allocate(64, 8);
  resource.deallocate(p, 64, 8);
  for (const std::size_t alignment : bad_alignments) {
    EXPECT_EQ(kind([&] { return resource.allocate(8, alignment); }), "Misuse(bad_alignment)");
    EXPECT_EQ(kind([&] { return resource.allocate(100'000, alignment); }), "Misuse(bad_alignment)");
    EXPECT_EQ(kind([&] { return resource.allocate(0, alignment); }), "Misuse(bad_alignment)");
  }
  for (const std::size_t bytes : unservable)
    EXPECT_THROW((void)resource.allocate(bytes, 8), std::bad_alloc);
  EXPECT_EQ(resource.allocate(64, 8), p);
}

// Whatever is thrown is the upstream's: it is asked even for what nobody has.
TYPED_TEST(PmrPools, AskUpstreamForTheImpossibleToo) {
  if constexpr (instrumented)
    GTEST_SKIP() << "refused before it is asked";
  struct : TestResource {
    RefusingResource above;
    void* do_allocate(std::size_t bytes, std::size_t alignment) override {
      return bytes < 1 << 20 && alignment < 1 << 20 ? TestResource::do_allocate(bytes, alignment)
                                                    : above.allocate(bytes, alignment);
    }
  } failing;
  TypeParam resource(&failing);
  for (const std::size_t alignment : Sizes{1, 8, 1024, SIZE_MAX / 2 + 1})
    for (const std::size_t bytes : unservable) {
      EXPECT_THROW((void)resource.allocate(bytes, alignment), RefusingResource::Refused);
      EXPECT_GE(failing.above.bytes, bytes);
      EXPECT_GE(failing.above.alignment, alignment);
    }
  const volatile std::size_t nearly_all = SIZE_MAX - 1; // which compilers warn of
  EXPECT_THROW((void)resource.allocate(nearly_all, 1024), RefusingResource::Refused);
  EXPECT_EQ(failing.above.bytes, SIZE_MAX);
  EXPECT_EQ(failing.above.alignment, SIZE_MAX / 2 + 1);
}

// Sizes until one is refused, over a buffer with nothing behind it.
template <class R, class Next>
double served(std::size_t size, Next next) {
  const auto buffer = std::make_unique<std::byte[]>(size);
  std::pmr::monotonic_buffer_resource bounded(buffer.get(), size, pmr::null_memory_resource());
  R resource(&bounded);
  std::size_t bytes = 0;
  for (std::size_t i = 0;; ++i) {
    const std::size_t asked = next(i);
    if (allot::detail::null_if_thrown([&] { return resource.allocate(asked); }) == nullptr)
      return static_cast<double>(bytes) / static_cast<double>(size);
    bytes += asked;
  }
}
TYPED_TEST(PmrPools, UseUpABoundedUpstream) {
  if constexpr (instrumented)
    GTEST_SKIP() << "half of the memory is red zones";
  constexpr std::size_t mib = 1 << 20;
  EXPECT_GE(served<TypeParam>(mib, [](std::size_t i) { return 8 + i % 128 * 8; }), 0.87);
  EXPECT_GE(served<TypeParam>(mib, [](std::size_t i) { return std::size_t{8} << i % 8; }), 0.94);
  for (unsigned seed = 0; seed != 20; ++seed) {
    std::mt19937 random(seed);
    const auto draw = [&](std::size_t) { return std::size_t{8 + random() % 1017}; };
    EXPECT_GE(served<TypeParam>(mib, draw), 0.86) << seed;
    EXPECT_GE(served<TypeParam>(mib / 4, draw), 0.75) << seed;
  }
}

// Where no end is long enough for a chunk, blocks that lie side by side serve what needs more.
TYPED_TEST(PmrPools, ServeWithBlocksOfOtherClasses) {
  TypeParam resource(&this->upstream);
  std::vector<void*> small;
  for (int i = 0; i != 40; ++i)
    fill(small.emplace_back(resource.allocate(64)), 64, i);
  this->upstream.answer = TestResource::Answer::exception;
  void* const large = resource.allocate(1000, 32);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(large) % 32, 0U);
  fill(large, 1000, 100);
  void* const other = resource.allocate(200);
  fill(other, 200, 101);
  for (int i = 0; i != 40; ++i)
    EXPECT_TRUE(holds(small[static_cast<std::size_t>(i)], 64, static_cast<unsigned char>(i)));
  EXPECT_TRUE(holds(large, 1000, 100));
  {
    const ReportedMisuse reported;
    resource.deallocate(large, 1001, 32);
    resource.deallocate(large, 64);
    resource.deallocate(static_cast<std::byte*>(large) + 8, 1000, 32);
    resource.deallocate(static_cast<std::byte*>(large) + 64 * red_zones.stretch(1), 64);
    resource.deallocate(large, 1000, 24);
    EXPECT_EQ(reported_codes(), (Codes{"bad_size", "bad_size", "misaligned_pointer",
                                       "misaligned_pointer", "bad_alignment"}));
    EXPECT_NE(ReportedMisuse::texts()[0].find("where a block of 1000 was"), std::string::npos);
  }
  resource.deallocate(large, 1000, 32);
  {
    const ReportedMisuse reported;
    resource.deallocate(large, 1000, 32);
    EXPECT_EQ(reported_codes(), Codes{"double_free"});
  }
  EXPECT_TRUE(holds(other, 200, 101));
  resource.deallocate(other, 200);
  for (int i = 40; i != 64; ++i) // all of the chunk is its own class's again
    small.push_back(resource.allocate(64));
  for (void* const p : small)
    resource.deallocate(p, 64);
  resource.trim();
  EXPECT_EQ(this->upstream.live(), 0U);
}

// The last resort: a block that was freed, of a larger class.
TYPED_TEST(PmrPools, ServeWithAFreedBlockOfALargerClass) {
  TypeParam resource(&this->upstream);
  std::vector<void*> large;
  for (int i = 0; i != 4; ++i) // a chunk
    large.push_back(resource.allocate(1024));
  this->upstream.answer = TestResource::Answer::exception;
  EXPECT_THROW((void)resource.allocate(600), std::bad_alloc);
  resource.deallocate(large[1], 1024);
  void* const p = resource.allocate(600);
  EXPECT_EQ(p, large[1]);
  EXPECT_THROW((void)resource.allocate(600), std::bad_alloc);
  resource.deallocate(p, 600);
  EXPECT_EQ(resource.allocate(1024), p);
}

// What is refused is asked for again at half the size.
TYPED_TEST(PmrPools, AskForLessWhereUpstreamRefuses) {
  struct : TestResource {
    std::size_t most = SIZE_MAX;
    void* do_allocate(std::size_t bytes, std::size_t alignment) override {
      return bytes <= most ? TestResource::do_allocate(bytes, alignment) : throw std::bad_alloc();
    }
  } upstream_of_little;
  TypeParam resource(&upstream_of_little);
  std::vector<void*> all;
  for (int i = 0; i != 1000; ++i)
    all.push_back(resource.allocate(512));
  upstream_of_little.most = 8000 * red_zones.stretch(1);
  const std::size_t requests = upstream_of_little.requests.size();
  for (int i = 0; i != 1000; ++i)
    all.push_back(resource.allocate(512));
  EXPECT_GT(upstream_of_little.requests.size(), requests + 40);
  for (void* const p : all)
    fill(p, 512);
  for (void* const p : all)
    resource.deallocate(p, 512);
}

TYPED_TEST(PmrPools, KeepChunksWithinTheBytesOfAnOption) {
  constexpr std::size_t most = 16384;
  TypeParam resource({}, &this->upstream, {.max_bytes = most});
  (void)resource.allocate(64); // what is there once
  const std::size_t once = this->upstream.requests.size();
  std::size_t largest = 0;
  for (int i = 0; i != 1000; ++i)
    for (const std::size_t bytes : Sizes{24, 64, 500, 1024})
      fill(resource.allocate(bytes), bytes);
  for (std::size_t i = once; i != this->upstream.requests.size(); ++i)
    largest = std::max(largest, this->upstream.requests[i].bytes);
  EXPECT_LE(largest, most);
  EXPECT_GE(largest, most * 9 / 10);
  TypeParam least({}, &this->upstream, {.max_bytes = 1}); // then one block to a chunk
  fill(least.allocate(64), 64);
  fill(least.allocate(64), 64);
}

// Memory of a class that needs it no more serves another where upstream has nothing.
TYPED_TEST(PmrPools, LendWhatIsFreeToOtherClasses) {
  TestResource bounded;
  TypeParam resource(&bounded);
  struct Given {
    void* p;
    std::size_t bytes;
  };
  std::vector<Given> given;
  const auto take = [&](std::size_t bytes) {
    void* const p = allot::detail::null_if_thrown([&] { return resource.allocate(bytes); });
    if (p == nullptr)
      return false;
    fill(p, bytes, static_cast<int>(given.size()));
    given.push_back({p, bytes});
    return true;
  };
  const auto give_back = [&] {
    for (std::size_t i = 0; i != given.size(); ++i) {
      EXPECT_TRUE(holds(given[i].p, given[i].bytes, static_cast<unsigned char>(i)));
      resource.deallocate(given[i].p, given[i].bytes);
    }
    given.clear();
  };
  for (int i = 0; i != 1000; ++i)
    take(64);
  give_back();
  bounded.answer = TestResource::Answer::exception;
  const std::size_t live = bounded.live();
  const bool alone = std::is_same_v<TypeParam, pmr::unsynchronized_pool_resource>;
  using All = std::vector<std::size_t>;
  const All sizes = alone ? All{64, 1000, 24, 300} : All{64, 1000};
  std::size_t fewest = SIZE_MAX; // of 127,000
  for (int round = 0; round != (alone ? 3 : 1); ++round)
    for (const std::size_t bytes : sizes) {
      std::size_t taken = 0;
      while (take(bytes))
        taken += bytes;
      fewest = std::min(fewest, taken);
      give_back();
    }
  EXPECT_GE(fewest, alone ? 60'000U : 15'000U);
  EXPECT_EQ(bounded.live(), live);
  resource.trim();
  EXPECT_EQ(bounded.live(), 0U);
}

TYPED_TEST(PmrPools, ResetThePeakToWhatIsUsed) {
  TypeParam resource({}, &this->upstream);
  std::vector<void*> given;
  const auto take = [&](int blocks) {
    for (int i = 0; i != blocks; ++i)
      given.push_back(resource.allocate(4096)); // eight to a magazine
  };
  const auto give_back = [&](int blocks) {
    for (int i = 0; i != blocks; ++i) {
      resource.deallocate(given.back(), 4096);
      given.pop_back();
    }
  };
  take(100);
  void* const large = resource.allocate(10'000);
  resource.deallocate(large, 10'000);
  give_back(80);
  const std::size_t peak = resource.stats().peak;
  EXPECT_GE(peak, 100 * 4096 + 10'000U);
  resource.reset_peak();
  const Stats reset = resource.stats();
  EXPECT_EQ(reset.peak, reset.used);
  EXPECT_GE(reset.peak, 20 * 4096U);
  EXPECT_LE(reset.peak, 36 * 4096U); // and two magazines
  take(30);
  give_back(50);
  const std::size_t after = resource.stats().peak;
  EXPECT_GE(after, 50 * 4096U);
  EXPECT_LE(after, 66 * 4096U);
  const ReportedMisuse reported;
  resource.deallocate(large, 10'000);
  void* const p = resource.allocate(4096);
  resource.deallocate(p, 4096);
  resource.reset_peak();
  resource.deallocate(p, 4096);
  EXPECT_EQ(reported_codes(), (Codes{"foreign_pointer", "double_free"}));
}

TYPED_TEST(PmrPools, TellTheBlocksOfEachClass) {
  TypeParam resource(&this->upstream);
  EXPECT_EQ(resource.class_stats(7), (ClassStats{64, 0, 0}));
  std::vector<void*> given;
  for (int i = 0; i != 64; ++i) // a chunk
    given.push_back(resource.allocate(60));
  EXPECT_EQ(resource.class_stats(7), (ClassStats{64, 64, 0}));
  (void)resource.allocate(1000);
  for (std::size_t i = 0; i != resource.classes(); ++i) {
    const ClassStats blocks = resource.class_stats(i);
    EXPECT_EQ(blocks.used != 0, blocks.block_bytes == 64 || blocks.block_bytes == 1024);
    EXPECT_EQ(to_json(blocks).find("{\"block_bytes\":"), 0U);
  }
  for (void* const p : given)
    resource.deallocate(p, 60);
  const ClassStats after = resource.class_stats(7);
  EXPECT_EQ(after.used + after.available, 64U);
  EXPECT_EQ(kind([&] { (void)resource.class_stats(resource.classes()); }), "Misuse(out_of_bounds)");
  EXPECT_EQ(resource.class_stats(resource.classes() - 1).block_bytes,
            resource.options().largest_required_pool_block);
}

TYPED_TEST(PmrPools, TrimGivesBackWhatIsFree) {
  TypeParam resource(&this->upstream);
  std::vector<std::pair<void*, std::size_t>> given;
  for (std::size_t i = 0; i != 20'000; ++i) {
    const std::size_t bytes = 1 + i * 7 % 1024;
    given.emplace_back(resource.allocate(bytes), bytes);
  }
  resource.trim(); // nothing is free but what was never handed out
  void* const last = given.back().first;
  const std::size_t last_bytes = given.back().second;
  given.pop_back();
  for (const auto& [p, bytes] : given) {
    fill(p, bytes);
    resource.deallocate(p, bytes);
  }
  const std::size_t kept = this->upstream.live_bytes();
  resource.trim(kept);
  EXPECT_EQ(this->upstream.live_bytes(), kept);
  resource.trim(kept / 2);
  EXPECT_LT(this->upstream.live_bytes(), kept);
  EXPECT_GE(this->upstream.live_bytes(), kept / 2);
  resource.trim();
  EXPECT_LT(this->upstream.live_bytes(), kept / 10);
  fill(last, last_bytes);
  resource.deallocate(last, last_bytes);
  resource.trim();
  EXPECT_EQ(this->upstream.live_bytes(), 0U);
  resource.trim();
  fill(resource.allocate(100), 100);
}

// The chunk with the table of the others must stay as long as they do.
TYPED_TEST(PmrPools, TrimKeepsTheTableOfChunks) {
  TypeParam resource(pool_options{4, 256}, &this->upstream);
  std::vector<void*> all;
  for (int i = 0; i != 400; ++i)
    all.push_back(resource.allocate(256));
  for (std::size_t i = 0; i != all.size(); ++i)
    if (i % 8 != 0)
      resource.deallocate(std::exchange(all[i], nullptr), 256);
  const std::size_t kept = this->upstream.live();
  resource.trim();
  EXPECT_LE(this->upstream.live(), kept - 48); // 50 of 100 chunks, but for one with the table
  for (void* const p : all)
    if (p != nullptr) {
      fill(p, 256);
      resource.deallocate(p, 256);
    }
  resource.trim();
  EXPECT_EQ(this->upstream.live(), 0U);
}

TYPED_TEST(PmrPools, TellWhatTheyHold) {
  TypeParam resource(&this->upstream);
  const Stats none{resource.stats().name, 0, 0, 0, 0, 0};
  EXPECT_STREQ(none.name, name_of<TypeParam>);
  EXPECT_EQ(resource.stats(), none);
  std::vector<void*> blocks;
  for (int i = 0; i != 1000; ++i)
    blocks.push_back(resource.allocate(60));
  void* const large = resource.allocate(100'000);
  const Stats full = resource.stats();
  EXPECT_EQ(full.committed, this->upstream.live_bytes());
  EXPECT_GE(full.used, 164'000U);
  EXPECT_LE(full.used, 164'000U + 64 * 64); // a magazine
  EXPECT_EQ(full.available, full.capacity - full.used);
  for (void* const p : blocks)
    resource.deallocate(p, 60);
  resource.deallocate(large, 100'000);
  const Stats empty = resource.stats();
  EXPECT_LE(empty.used, 3U * 64 * 64); // in magazines
  EXPECT_EQ(empty.peak, full.peak);
  EXPECT_EQ(empty.capacity, full.capacity - 100'000);
  resource.trim();
  EXPECT_EQ(resource.stats(), (Stats{none.name, 0, 0, 0, full.peak, 0}));
  resource.reset_peak();
  EXPECT_EQ(resource.stats(), none);
}

TYPED_TEST(PmrPools, TrimGivesBackTheTableOfLargeBlocks) {
  TypeParam resource(&this->upstream);
  resource.trim();
  void* const p = resource.allocate(100'000);
  resource.trim();
  EXPECT_EQ(this->upstream.live(), 2U);
  resource.deallocate(p, 100'000);
  resource.trim();
  EXPECT_EQ(this->upstream.live(), 0U);
}

// A program that counts what upstream gave sees nothing but chunks after the first of a size.
TYPED_TEST(PmrPools, TheFirstOfASizeBringsWhatLaterOnesNeed) {
  TypeParam resource(pool_options{1000, 0}, &this->upstream);
  for (const std::size_t bytes : Sizes{8, 64, 200, 1024, 3000}) {
    std::vector<void*> all{resource.allocate(bytes)};
    const std::size_t live = this->upstream.live();
    const std::size_t first = bytes < 64 ? 64 : std::max<std::size_t>(4096 / (bytes * 5 / 4), 1);
    for (std::size_t i = 1; i != first; ++i)
      all.push_back(resource.allocate(bytes));
    constexpr bool alone = std::is_same_v<TypeParam, pmr::unsynchronized_pool_resource>;
    EXPECT_LE(this->upstream.live(), live + (alone ? 0 : 2)) << bytes; // magazines
    for (std::size_t i = 0; i != 300; ++i)
      all.push_back(resource.allocate(bytes));
    const std::size_t requests = this->upstream.requests.size();
    for (void* const p : all)
      resource.deallocate(p, bytes);
    EXPECT_EQ(this->upstream.requests.size(), requests) << bytes;
  }
}

TYPED_TEST(PmrPools, UpstreamsFailureChangesNothing) {
  // Whatever upstream is asked for fails before it is given.
  for (const TestResource::Answer answer : failures()) {
    TestResource failing;
    TypeParam resource(&failing);
    std::vector<std::pair<void*, std::size_t>> given;
    const auto allocate = [&](std::size_t bytes) {
      const std::size_t live = failing.live();
      failing.answer = answer;
      for (int i = 0; i != 2; ++i)
        if (void* const p = allot::detail::null_if_thrown([&] { return resource.allocate(bytes); }))
          given.emplace_back(p, bytes);
        else
          EXPECT_EQ(failing.live(), live);
      failing.answer = TestResource::Answer::memory;
      given.emplace_back(resource.allocate(bytes), bytes);
    };
    for (std::size_t i = 0; i != 200; ++i) {
      allocate(i % 5 * 16 + 1);
      if (i % 10 == 0)
        allocate(10'000 + i);
    }
    for (const auto& [p, bytes] : given)
      fill(p, bytes);
    failing.answer = answer; // deallocating needs no memory
    for (const auto& [p, bytes] : given)
      resource.deallocate(p, bytes);
    failing.answer = TestResource::Answer::memory;
    for (const auto& [p, bytes] : given)
      EXPECT_NE(resource.allocate(bytes), nullptr);
  }
}

TYPED_TEST(PmrPools, ReportMisuseAndGoOn) {
  TypeParam resource(&this->upstream);
  auto* const p = static_cast<std::byte*>(resource.allocate(64, 8));
  auto* const freed = static_cast<std::byte*>(resource.allocate(64, 8));
  auto* const large = static_cast<std::byte*>(resource.allocate(10'000, 8));
  resource.deallocate(freed, 64, 8);
  alignas(64) std::byte foreign[64];
  {
    const ReportedMisuse reported;
    give_back_null(resource, 64, 8);
    give_back_null(resource, 10'000, 8);
    resource.deallocate(foreign, 64, 8);
    resource.deallocate(foreign, 10'000, 8);
    resource.deallocate(foreign, 64, 4096);
    resource.deallocate(p + 8, 64, 8);
    resource.deallocate(p + 1, 64, 1);
    resource.deallocate(freed, 64, 8);
    resource.deallocate(freed, 64, 8);
    EXPECT_EQ(reported_codes(), (Codes{"null_pointer", "null_pointer", "foreign_pointer",
                                       "foreign_pointer", "foreign_pointer", "misaligned_pointer",
                                       "misaligned_pointer", "double_free", "double_free"}));
  }
  {
    const ReportedMisuse reported;
    resource.deallocate(p, 63, 8); // of the same class
    resource.deallocate(p, 65, 8);
    resource.deallocate(p, 8, 8);
    resource.deallocate(p, 10'000, 8);
    resource.deallocate(large, 64, 8);
    resource.deallocate(large, 9'999, 8);
    resource.deallocate(large, 10'000, 16);
    EXPECT_EQ(reported_codes(), Codes(7, "bad_size"));
    EXPECT_EQ(ReportedMisuse::texts()[0], std::string("bad_size ") + name_of<TypeParam> +
                                              ": 63 bytes aligned to 8 given back at " +
                                              testing::PrintToString((void*)p) +
                                              ", where a block of 64 was asked for otherwise");
  }
  {
    const ReportedMisuse reported;
    for (const std::size_t alignment : bad_alignments)
      resource.deallocate(p, 64, alignment);
    for (const std::size_t bytes : unservable)
      resource.deallocate(p, bytes, 8);
    EXPECT_EQ(reported_codes().size(), std::size(bad_alignments) + std::size(unservable));
    EXPECT_EQ(reported_codes().front(), "bad_alignment");
    EXPECT_EQ(reported_codes().back(), "bad_size");
  }
  const ReportedMisuse reported;
  std::vector<void*> again; // none of it was handed out twice
  for (int i = 0; i != 200; ++i)
    again.push_back(resource.allocate(64, 8));
  again.push_back(p);
  std::sort(again.begin(), again.end());
  EXPECT_EQ(std::unique(again.begin(), again.end()), again.end());
  for (void* block : again)
    resource.deallocate(block, 64, 8);
  resource.deallocate(large, 10'000, 8);
  EXPECT_EQ(reported_codes(), Codes());
}

TYPED_TEST(PmrPools, ReportMisuseOfTheSmallestAndOfTheLastBlocks) {
  TypeParam resource(&this->upstream);
  void* const small = resource.allocate(8, 8);
  resource.deallocate(small, 8, 8);
  std::vector<std::byte*> blocks;
  for (int i = 0; i != 60; ++i) // of the 64 that the first chunk has
    blocks.push_back(static_cast<std::byte*>(resource.allocate(64, 8)));
  std::byte* const last = *std::max_element(blocks.begin(), blocks.end());
  const ReportedMisuse reported;
  resource.deallocate(small, 8, 8);
  resource.deallocate(last + 8, 64, 8);
  EXPECT_EQ(reported_codes(), (Codes{"double_free", "misaligned_pointer"}));
}

TYPED_TEST(PmrPools, ReportWhatIsGivenBackBeforeAnythingWasAllocated) {
  TypeParam resource(&this->upstream);
  std::byte foreign[64];
  const ReportedMisuse reported;
  resource.deallocate(foreign, 64, 8);
  resource.deallocate(foreign, 10'000, 8);
  EXPECT_EQ(reported_codes(), (Codes{"foreign_pointer", "foreign_pointer"}));
  EXPECT_EQ(this->upstream.requests.size(), 0U);
}

TYPED_TEST(PmrPools, ReportBlocksFromBeforeARelease) {
  TypeParam resource(&this->upstream);
  void* const p = resource.allocate(64, 8);
  resource.release();
  const ReportedMisuse reported;
  resource.deallocate(p, 64, 8);
  EXPECT_EQ(reported_codes(), Codes{"foreign_pointer"});
}

TYPED_TEST(PmrPools, EqualThemselvesOnly) {
  Derived<TypeParam> one;
  Derived<TypeParam> two;
  EXPECT_TRUE(one == one);
  EXPECT_FALSE(one == two);
  EXPECT_TRUE(one.do_is_equal(one));
  one.do_deallocate(one.do_allocate(8, 8), 8, 8);
}

// Overrides that call the base are called once for each call, however slow the base's path.
template <class R>
struct Counting : R {
  int calls = 0;
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    ++calls;
    return R::do_allocate(bytes, alignment);
  }
  void do_deallocate(void* p, std::size_t bytes, std::size_t alignment) override {
    ++calls;
    R::do_deallocate(p, bytes, alignment);
  }
};
TYPED_TEST(PmrPools, DoNotCallOverridesThemselves) {
  Counting<TypeParam> resource;
  std::vector<void*> given;
  for (const std::size_t bytes : {0U, 8U, 2000U, 10'000U})
    for (int i = 0; i != 200; ++i)
      given.push_back(resource.allocate(bytes));
  for (int i = 0; const std::size_t bytes : {0U, 8U, 2000U, 10'000U})
    for (int j = 0; j != 200; ++j)
      resource.deallocate(given[static_cast<std::size_t>(i++)], bytes);
  EXPECT_EQ(resource.calls, 1600);
}

// libstdc++'s may be aligned less than it promises, which UBSan would report.
__attribute__((no_sanitize("alignment"))) void*
standards(std::pmr::memory_resource& resource, std::size_t bytes, std::size_t alignment) {
  return resource.allocate(bytes, alignment);
}

// The same random operations on the standard's resource and on ours. Both must keep what they are
// given, and give all of it back at release, as they asked for it (which the upstreams check).
template <class Standard, class Ours>
void compare(unsigned seed) {
  std::mt19937 random(seed);
  TestResource standard_upstream;
  TestResource our_upstream;
  const pool_options options{random() % 3 == 0 ? 0 : random() % 100 + 4,
                             random() % 2 == 0 ? 0 : random() % 2000 + 100};
  Standard standard(options, &standard_upstream);
  Ours ours(options, &our_upstream);
  struct Given {
    void* standard;
    void* ours;
    std::size_t bytes, alignment;
    unsigned char value;
  };
  std::vector<Given> given;
  for (int step = 0; step != 1500; ++step) {
    if (random() % 500 == 0) {
      given.clear();
      standard.release();
      ours.release();
      EXPECT_EQ(our_upstream.live(), 0U);
      continue;
    }
    if (given.empty() || random() % 5 < 3) {
      const std::size_t alignment = std::size_t{1} << random() % 7;
      // Multiples of the alignment: the standard's misplaces others.
      const std::size_t bytes =
          (random() % (random() % 10 == 0 ? 20'000 : 300) / alignment + 1) * alignment;
      const std::size_t largest = ours.options().largest_required_pool_block;
      const std::size_t requests = our_upstream.requests.size();
      given.push_back({standards(standard, bytes, alignment), ours.allocate(bytes, alignment),
                       bytes, alignment, static_cast<unsigned char>(step)});
      ASSERT_TRUE(is_aligned(given.back().ours, alignment));
      fill(given.back().ours, bytes, given.back().value);
      if (bytes > largest) { // straight from upstream
        ASSERT_GT(our_upstream.requests.size(), requests);
        EXPECT_EQ(our_upstream.requests.back().bytes, bytes);
        EXPECT_EQ(our_upstream.requests.back().alignment, alignment);
      }
    } else {
      std::swap(given[random() % given.size()], given.back());
      const Given g = given.back();
      given.pop_back();
      ASSERT_TRUE(holds(g.ours, g.bytes, g.value));
      const std::size_t live = our_upstream.live();
      standard.deallocate(g.standard, g.bytes, g.alignment);
      ours.deallocate(g.ours, g.bytes, g.alignment);
      if (g.bytes > ours.options().largest_required_pool_block)
        EXPECT_EQ(our_upstream.live(), live - 1);
      else
        EXPECT_GE(our_upstream.live(), live); // pools keep theirs
    }
  }
  for (const Given& g : given)
    EXPECT_TRUE(holds(g.ours, g.bytes, g.value));
  EXPECT_LE(our_upstream.requests.size(), 2 * standard_upstream.requests.size() + 20);
}

TEST(PmrPoolsAgainstTheStandards, Unsynchronized) {
  for (unsigned seed = 0; seed != 10; ++seed)
    compare<std::pmr::unsynchronized_pool_resource, pmr::unsynchronized_pool_resource>(seed);
}
TEST(PmrPoolsAgainstTheStandards, Synchronized) {
  for (unsigned seed = 10; seed != 20; ++seed)
    compare<std::pmr::synchronized_pool_resource, pmr::synchronized_pool_resource>(seed);
}

template <class R>
struct PmrPoolsWatched : Watched {};
TYPED_TEST_SUITE(PmrPoolsWatched, Both);

TYPED_TEST(PmrPoolsWatched, HideWhatIsNotHandedOut) {
  TypeParam resource;
  void* const p = resource.allocate(50, 1);
  void* const q = resource.allocate(50, 1);
  EXPECT_EQ(visible(p, 100), 50U);
  EXPECT_GE(std::abs(distance(p, q)), 64); // a red zone between them
  EXPECT_EQ(visible(q, 100), 50U);
  resource.deallocate(p, 50, 1);
  EXPECT_TRUE(all_hidden(p, 100));
  EXPECT_EQ(resource.allocate(56, 1), p);
  EXPECT_EQ(visible(p, 100), 56U);
}

#if defined(ALLOT_ASAN)
TEST(PmrPoolsDeathTest, TouchingWhatWasFreed) {
  pmr::unsynchronized_pool_resource resource;
  void* const p = resource.allocate(64, 8);
  resource.deallocate(p, 64, 8);
  EXPECT_DEATH(touch(p), "use-after-poison");
}
#endif

} // namespace
