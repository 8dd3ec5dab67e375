#include <allot/pmr.hpp>

#include "support.hpp"

#include <allot/allot.hpp>

#include <cstddef>
#include <list>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

using namespace allot;
using namespace test;

namespace {

static_assert(std::is_final_v<Resource<Arena>>);
static_assert(std::is_base_of_v<std::pmr::memory_resource, Resource<Arena>>);
static_assert(!std::is_copy_constructible_v<Resource<Arena>> &&
              !std::is_move_constructible_v<Resource<Arena>> &&
              !std::is_copy_assignable_v<Resource<Arena>>);

// The strategies that bump a cursor, each with its resource.
template <class Strategy>
struct PmrResource : testing::Test {
  static Strategy make() {
    if constexpr (std::is_same_v<Strategy, Region>)
      return Region();
    else
      return Strategy(64 * 1024);
  }
  Strategy strategy = make();
  Resource<Strategy> resource{strategy};
};
using Bumping = testing::Types<Arena, Bump, MappedArena, Region, Scratch>;
TYPED_TEST_SUITE(PmrResource, Bumping);

std::size_t used(const Region& region) {
  return region.stats().total_allocated;
}
template <class Strategy>
std::size_t used(const Strategy& strategy) {
  return strategy.used();
}

TYPED_TEST(PmrResource, CarriesContainers) {
  {
    std::pmr::map<int, std::pmr::string> names(&this->resource);
    std::pmr::vector<int> numbers(&this->resource);
    for (int i = 0; i != 100; ++i) {
      numbers.push_back(i);
      names[i] = "a name too long to lie within the string: " + std::to_string(i);
    }
    EXPECT_TRUE(this->strategy.owns(numbers.data()));
    EXPECT_TRUE(this->strategy.owns(names[50].data()));
    EXPECT_EQ(numbers[99], 99);
    EXPECT_EQ(names[99], "a name too long to lie within the string: 99");
  }
  EXPECT_GT(used(this->strategy), 0U);
}

TYPED_TEST(PmrResource, TakesTheNewestBack) {
  void* const first = this->resource.allocate(100, 8);
  const std::size_t before = used(this->strategy);
  void* const second = this->resource.allocate(40, 8);
  this->resource.deallocate(second, 40, 8);
  EXPECT_EQ(used(this->strategy), before);
  EXPECT_EQ(this->resource.allocate(40, 8), second);

  this->resource.deallocate(first, 100, 8); // an older one: nothing happens
  EXPECT_EQ(used(this->strategy), before + 40);
  EXPECT_TRUE(this->strategy.owns(first));
}

TYPED_TEST(PmrResource, AlignsAndRefuses) {
  for (const std::size_t alignment : {1U, 2U, 8U, 16U, 64U, 256U})
    EXPECT_TRUE(is_aligned(this->resource.allocate(3, alignment), alignment)) << alignment;
  const std::size_t before = used(this->strategy);
  for (const std::size_t alignment : bad_alignments)
    EXPECT_EQ(kind([&] { return this->resource.allocate(8, alignment); }), "Misuse(bad_alignment)");
  for (const std::size_t bytes : unservable)
    EXPECT_TRUE(kind([&] { return this->resource.allocate(bytes, 8); }).starts_with("Exhausted"));
  EXPECT_EQ(used(this->strategy), before);
}

TYPED_TEST(PmrResource, EmptyRequestsTakeNothing) {
  void* const p = this->resource.allocate(24, 8);
  const std::size_t before = used(this->strategy);
  void* const nothing = this->resource.allocate(0, 8);
  EXPECT_NE(nothing, nullptr);
  this->resource.deallocate(nothing, 0, 8);
  EXPECT_EQ(used(this->strategy), before);
  this->resource.deallocate(p, 24, 8);
  EXPECT_LT(used(this->strategy), before);
}

TYPED_TEST(PmrResource, ReportsMisuseAndGoesOn) {
  void* const p = this->resource.allocate(64, 8);
  (void)this->resource.allocate(64, 8);
  const std::size_t before = used(this->strategy);
  {
    const ReportedMisuse reported;
    give_back_null(this->resource, 64, 8);
    this->resource.deallocate(p, 64, 3);
    this->resource.deallocate(p, 64, 0);
    this->resource.deallocate(static_cast<std::byte*>(p) + 4, 64, 8);
    ASSERT_EQ(ReportedMisuse::texts().size(), 4U);
    EXPECT_TRUE(ReportedMisuse::texts()[0].starts_with("null_pointer"));
    EXPECT_EQ(ReportedMisuse::texts()[1],
              "bad_alignment resource: alignment 3 is not a power of two");
    EXPECT_TRUE(ReportedMisuse::texts()[3].starts_with("misaligned_pointer"));
  }
  if constexpr (!std::is_same_v<TypeParam, Region>) {
    alignas(8) std::byte foreign[64];
    const ReportedMisuse reported;
    this->resource.deallocate(foreign, 64, 8);
    this->resource.deallocate(p, 4096, 8);
    this->resource.deallocate(p, SIZE_MAX, 8);
    void* const newest = this->resource.allocate(8, 8);
    if (!instrumented) // else a red zone follows, which belongs to it
      this->resource.deallocate(newest, 9, 8);
    this->resource.deallocate(newest, 8, 8);
    ASSERT_EQ(ReportedMisuse::texts().size(), instrumented ? 3U : 4U);
    for (const std::string& text : ReportedMisuse::texts())
      EXPECT_TRUE(text.starts_with("foreign_pointer")) << text;
  }
  EXPECT_EQ(used(this->strategy), before);
  EXPECT_TRUE(this->strategy.owns(this->resource.allocate(8, 8)));
}

TYPED_TEST(PmrResource, EqualsResourcesOfTheSameStrategy) {
  const Resource<TypeParam> same(this->strategy);
  TypeParam another = PmrResource<TypeParam>::make();
  const Resource<TypeParam> other(another);
  EXPECT_TRUE(this->resource == same);
  EXPECT_FALSE(this->resource == other);
  EXPECT_FALSE(this->resource == *std::pmr::new_delete_resource());
  EXPECT_EQ(&same.strategy(), &this->strategy);
}

struct PmrBlocks : testing::Test {
  BlockPool pool{64, 8};
  Resource<BlockPool> resource{pool};
};

TEST_F(PmrBlocks, ServeWhatFits) {
  std::pmr::list<int> list({1, 2, 3}, &resource);
  EXPECT_EQ(pool.stats().used, 3U);
  list.pop_front();
  EXPECT_EQ(pool.stats().used, 2U);
  void* const p = resource.allocate(64, pool.block_alignment());
  EXPECT_TRUE(is_aligned(p, pool.block_alignment()));
  EXPECT_TRUE(pool.owns(p));
  resource.deallocate(p, 64, pool.block_alignment());
  EXPECT_EQ(pool.stats().used, 2U);
}

TEST_F(PmrBlocks, RefuseWhatDoesNot) {
  EXPECT_EQ(error([&] { return resource.allocate(65, 8); }),
            "Exhausted(no_room) resource: 65 bytes aligned to 8 asked of blocks of 64 aligned to " +
                std::to_string(pool.block_alignment()));
  EXPECT_EQ(kind([&] { return resource.allocate(8, 4096); }), "Exhausted(no_room)");
  for (const std::size_t bytes : unservable)
    EXPECT_EQ(kind([&] { return resource.allocate(bytes, 8); }), "Exhausted(no_room)");
  for (const std::size_t alignment : bad_alignments)
    EXPECT_EQ(kind([&] { return resource.allocate(8, alignment); }), "Misuse(bad_alignment)");
  EXPECT_EQ(pool.stats().used, 0U);
  for (int i = 0; i != 8; ++i)
    (void)resource.allocate(64, 8);
  EXPECT_EQ(kind([&] { return resource.allocate(64, 8); }), "Exhausted(no_room)");
}

TEST_F(PmrBlocks, ReportMisuseAndGoOn) {
  void* const p = resource.allocate(64, 8);
  void* const freed = resource.allocate(64, 8);
  resource.deallocate(freed, 64, 8);
  std::byte foreign[64];
  const ReportedMisuse reported;
  give_back_null(resource, 64, 8);
  resource.deallocate(foreign, 64, 8);
  resource.deallocate(static_cast<std::byte*>(p) + 8, 64, 8);
  resource.deallocate(freed, 64, 8);
  resource.deallocate(p, 65, 8);
  resource.deallocate(p, 64, 3);
  std::vector<std::string> codes;
  for (const std::string& text : ReportedMisuse::texts())
    codes.push_back(text.substr(0, text.find(' ')));
  EXPECT_EQ(codes,
            (std::vector<std::string>{"null_pointer", "foreign_pointer", "misaligned_pointer",
                                      "double_free", "bad_size", "bad_alignment"}));
  EXPECT_EQ(pool.stats().used, 1U);
  resource.deallocate(p, 64, 8);
  EXPECT_EQ(pool.stats().used, 0U);
}

// A strategy that takes single blocks of any size back, and notes what it is told.
class Noting {
public:
  explicit Noting(std::size_t) {}
  Noting(Noting&&) noexcept = default;
  Noting& operator=(Noting&&) noexcept = default;
  void release() noexcept {}
  [[nodiscard]] bool owns(const void*) const noexcept { return false; }
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t = 8) { return place + bytes; }
  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t = 8) noexcept {
    return place + bytes;
  }
  [[nodiscard]] bool try_resize(void*, std::size_t, std::size_t) noexcept { return false; }
  void deallocate(void* p) { told = {p, 0, 0}; }
  void deallocate(void* p, std::size_t bytes, std::size_t alignment) {
    if (p == nullptr)
      throw_misuse("noting", Errc::null_pointer, "null");
    told = {p, bytes, alignment};
  }
  struct Told {
    void* p;
    std::size_t bytes, alignment;
    bool operator==(const Told&) const = default;
  } told = {};
  std::byte place[64] = {};
};

TEST(PmrResourceOf, StrategyThatTakesSizesGetsThem) {
  Noting noting(0);
  Resource resource(noting);
  void* const p = resource.allocate(24, 16);
  EXPECT_EQ(p, noting.place + 24);
  resource.deallocate(p, 24, 16);
  EXPECT_EQ(noting.told, (Noting::Told{p, 24, 16}));
  const ReportedMisuse reported;
  give_back_null(resource, 24, 16);
  EXPECT_EQ(ReportedMisuse::texts(), std::vector<std::string>{"null_pointer noting: null"});
}

} // namespace
