#include <allot/buffer.hpp>

#include "support.hpp"

#include <allot/arena.hpp>
#include <allot/bump.hpp>
#include <allot/detail/cursor.hpp>
#include <allot/multipool.hpp>
#include <allot/region.hpp>

#include <algorithm>
#include <filesystem>
#include <memory_resource>
#include <span>
#include <string>
#include <utility>
#include <vector>

#if defined(__linux__)
#include "limits.hpp"

#include <sys/mman.h>
#endif

using namespace allot;
using test::TestResource;

namespace {

TEST(UpstreamRef, IsWhatItIsMadeFrom) {
  TestResource one, other;
  EXPECT_EQ(UpstreamRef(&one), UpstreamRef(&one));
  EXPECT_FALSE(UpstreamRef(&one) == UpstreamRef(&other));
  std::pmr::memory_resource* const base = &one;
  EXPECT_EQ(UpstreamRef(&one), UpstreamRef(base));
  TestResource* const none = nullptr;
  EXPECT_EQ(UpstreamRef(none), nullptr);
  EXPECT_FALSE(UpstreamRef(none));
  EXPECT_TRUE(UpstreamRef(&one));
}

// A strategy that gives single blocks back can stand behind another.
TEST(UpstreamRef, MayBeAStrategy) {
  Multipool pool;
  {
    Arena arena(Buffer::from(&pool, 1000));
    EXPECT_TRUE(pool.owns(arena.allocate(1000)));
    Region region({.upstream = &pool});
    EXPECT_TRUE(pool.owns(region.allocate(10)));
  }
  EXPECT_EQ(pool.used(), 0u);
}

TEST(Buffer, OfNothingIsEmpty) {
  Buffer none;
  EXPECT_EQ(none.data(), nullptr);
  EXPECT_EQ(none.size() + none.extent(), 0u);
  none.release();
}

TEST(Buffer, FromTheHeapIsRoundedAlignedAndWritable) {
  for (const auto& [asked, size] : {std::pair<std::size_t, std::size_t>{1, 8},
                                    {7, 8},
                                    {8, 8},
                                    {9, 16},
                                    {1000, 1000},
                                    {100'001, 100'008}})
    for (const std::size_t alignment : test::Sizes{1, 8, 64, 128, 4096, 65536}) {
      const Buffer buffer = Buffer::heap(asked, alignment);
      EXPECT_EQ(buffer.size(), size);
      EXPECT_TRUE(test::is_aligned(buffer.data(), std::max(alignment, buffer_alignment)));
      test::fill(buffer.data(), buffer.extent());
    }
}

// Less may be what was freed, and would have to be cleared, however little of it will be used.
TEST(Buffer, FromTheHeapIsKnownToBeZeroWhereItIsFresh) {
  for (const std::size_t bytes : test::Sizes{8, 4096, std::size_t{8} << 20}) {
    EXPECT_FALSE(Buffer::heap(bytes).is_zero()) << bytes;
    EXPECT_FALSE(Buffer::try_heap(bytes).is_zero()) << bytes;
  }
  const std::size_t large = (std::size_t{32} << 20) + 8;
  EXPECT_FALSE(Buffer::heap(large, 64, {.zero = false}).is_zero());
  const Buffer buffer = Buffer::heap(large);
  EXPECT_TRUE(buffer.is_zero());
  EXPECT_TRUE(test::holds(buffer.data(), buffer.extent(), 0));
}

#if defined(__linux__)
TEST(Buffer, FromTheHeapIsFreshWithoutATouch) {
  if (instrumented)
    GTEST_SKIP() << "its heap is the sanitizer's";
  const Buffer buffer = Buffer::heap(std::size_t{64} << 20);
  const std::size_t page = os::page_size();
  std::vector<unsigned char> pages(buffer.size() / page);
  ASSERT_EQ(mincore(buffer.data() + padding(reinterpret_cast<std::uintptr_t>(buffer.data()), page),
                    (pages.size() - 1) * page, pages.data()),
            0);
  const auto touched = std::count(pages.begin(), pages.end(), static_cast<unsigned char>(1));
  EXPECT_LE(static_cast<std::size_t>(touched) * page, std::size_t{2} << 20); // a huge page
}
#endif

TEST(Buffer, WhatAStrategyOwnsHasRoomForRedZones) {
  EXPECT_EQ(Buffer::heap(64).extent(), red_zones.stretch(64));
  EXPECT_EQ(Buffer::mapped(4096).extent(), red_zones.stretch(4096));
  alignas(8) std::byte memory[64];
  EXPECT_EQ(Buffer::borrowed(memory).extent(), 64u);
}

TEST(Buffer, TriedFromTheHeapIsTheSameOrNothing) {
  const Buffer buffer = Buffer::try_heap(9, 4096);
  EXPECT_EQ(buffer.size(), 16u);
  EXPECT_TRUE(test::is_aligned(buffer.data(), 4096));
  test::fill(buffer.data(), buffer.extent());
  EXPECT_EQ(Buffer::try_heap(0).data(), nullptr);
  for (const std::size_t bytes : test::unservable)
    EXPECT_EQ(Buffer::try_heap(bytes).data(), nullptr);
  for (const std::size_t alignment : test::bad_alignments)
    EXPECT_EQ(Buffer::try_heap(8, alignment).data(), nullptr);
}

TEST(Buffer, IsCalledByItsNameInMessages) {
  EXPECT_EQ(test::error([] { return Buffer::heap(0, 64, {.name = "lent"}); }),
            "Misuse(bad_size) buffer \"lent\": a size of 0 bytes was asked for");
  EXPECT_EQ(test::error([] { return Buffer::mapped(0, {.name = "lent"}); }),
            "Misuse(bad_size) buffer \"lent\": a size of 0 bytes was asked for");
}

TEST(Buffer, OfZeroBytesIsMisuse) {
  TestResource upstream;
  EXPECT_EQ(test::error([] { return Buffer::heap(0); }),
            "Misuse(bad_size) buffer: a size of 0 bytes was asked for");
  EXPECT_EQ(test::error([] { return Buffer::heap(0, 64, {}, "arena"); }),
            "Misuse(bad_size) arena: a size of 0 bytes was asked for");
  EXPECT_EQ(test::kind([] { return Buffer::mapped(0); }), "Misuse(bad_size)");
  EXPECT_EQ(test::kind([&] { return Buffer::from(&upstream, 0); }), "Misuse(bad_size)");
  EXPECT_TRUE(upstream.requests.empty());
}

TEST(Buffer, ABadAlignmentIsMisuse) {
  TestResource upstream;
  EXPECT_EQ(test::error([] { return Buffer::heap(8, 3, {}, "arena"); }),
            "Misuse(bad_alignment) arena: alignment 3 is not a power of two");
  for (const std::size_t alignment : test::bad_alignments) {
    EXPECT_EQ(test::kind([&] { return Buffer::heap(8, alignment); }), "Misuse(bad_alignment)");
    EXPECT_EQ(test::kind([&] { return Buffer::from(&upstream, 8, alignment); }),
              "Misuse(bad_alignment)");
  }
  EXPECT_TRUE(upstream.requests.empty());
}

TEST(Buffer, MoreThanThereCanBeIsRefused) {
  EXPECT_EQ(test::error([] { return Buffer::heap(SIZE_MAX, 64, {}, "arena"); }),
            "Exhausted(system_refused) arena: the heap refused " + std::to_string(SIZE_MAX) +
                " bytes");
  TestResource upstream;
  for (const std::size_t bytes : test::unservable) {
    EXPECT_EQ(test::kind([&] { return Buffer::heap(bytes); }), "Exhausted(system_refused)");
    EXPECT_EQ(test::kind([&] { return Buffer::mapped(bytes); }), "Exhausted(system_refused)");
    EXPECT_EQ(test::kind([&] { return Buffer::heap(bytes, 64, {.zero = false}); }),
              "Exhausted(system_refused)");
  }
  for (const std::size_t bytes : {SIZE_MAX, SIZE_MAX - 7, std::size_t{PTRDIFF_MAX} + 1}) {
    EXPECT_EQ(test::kind([&] { return Buffer::from(&upstream, bytes); }),
              "Exhausted(system_refused)");
  }
  EXPECT_TRUE(upstream.requests.empty());
}

#if SIZE_MAX > UINT32_MAX // what 32 bits have no addresses for
TEST(Buffer, AnAlignmentThatNothingHasIsRefused) {
  for (const int bit : {42, 47, 60, 62, 63}) {
    const std::size_t alignment = std::size_t{1} << bit;
    EXPECT_EQ(test::kind([&] { return Buffer::heap(64, alignment); }), "Exhausted(system_refused)")
        << bit;
  }
}
#endif

TEST(Buffer, MappedHasWholePagesReadyAndZero) {
  const std::size_t page = os::page_size();
  for (const Commit policy : {Commit::demand, Commit::strict})
    for (const auto& [asked, size] :
         {std::pair{std::size_t{1}, page}, {page, page}, {page + 1, 2 * page}}) {
      const Buffer buffer = Buffer::mapped(asked, {.commit = policy});
      EXPECT_EQ(buffer.size(), size);
      EXPECT_TRUE(test::is_aligned(buffer.data(), page));
      EXPECT_TRUE(buffer.is_zero());
      EXPECT_TRUE(test::holds(buffer.data(), buffer.extent(), 0));
      test::fill(buffer.data(), buffer.extent());
    }
}

TEST(Buffer, MappedMeetsTheAlignmentOfItsPages) {
  const std::size_t page = os::page_size();
  for (const bool guard : {false, true}) { // a guard page moves the memory by one
    const Buffer buffer = Buffer::mapped(page, {.guard_pages = guard});
    Cursor cursor("test", buffer, true);
    EXPECT_EQ(cursor.take_aligned(page, page), buffer.data());
    annotate::close(buffer.data(), buffer.extent());
  }
}

TEST(BufferDeathTest, MappedMayHaveGuardPages) {
  const Buffer buffer = Buffer::mapped(4096, {.guard_pages = true});
  EXPECT_EXIT(test::touch(buffer.data() - 1), test::by_fault, "");
  EXPECT_EXIT(test::touch(buffer.data() + buffer.extent()), test::by_fault, "");
}

TEST(Buffer, MappedMayBeAFile) {
  const test::FreshPath path;
  {
    const Buffer buffer = Buffer::mapped(4096, {.file = path.string()});
    test::fill(buffer.data(), buffer.extent());
  }
  EXPECT_EQ(std::filesystem::file_size(path.string()), red_zones.stretch(os::page_size()));
  EXPECT_EQ(test::kind([&] { return Buffer::mapped(4096, {.file = path.string()}); }),
            "Misuse(bad_file)");
}

#if defined(__linux__)
TEST(Buffer, AFileThatCannotGrowIsRefusedAndLeavesNothingBehind) {
  const test::FreshPath path;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN); // which would end the process
  std::string first;
  {
    const test::Limit none(RLIMIT_FSIZE, 0);
    first = test::kind([&] { return Buffer::mapped(4096, {.file = path.string()}); });
  }
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(first, "Exhausted(system_refused)");
  EXPECT_FALSE(std::filesystem::exists(path.string())); // or a second try finds it in the way
}
#endif

TEST(Buffer, BorrowedIsTrimmedToItsAlignedInside) {
  alignas(8) std::byte memory[64];
  for (std::size_t skip = 0; skip != 17; ++skip)
    for (std::size_t bytes = 0; bytes != 41; ++bytes) {
      std::byte* first = memory + skip;
      std::byte* last = first + bytes;
      while (!test::is_aligned(first, 8))
        ++first;
      while (!test::is_aligned(last, 8))
        --last;
      const Buffer buffer = Buffer::borrowed({memory + skip, bytes});
      if (first < last) {
        EXPECT_EQ(buffer.data(), first);
        EXPECT_EQ(buffer.data() + buffer.size(), last);
      } else {
        EXPECT_EQ(buffer.data(), nullptr);
        EXPECT_EQ(buffer.size(), 0u);
      }
      EXPECT_FALSE(buffer.is_zero());
    }
}

TEST(Buffer, BorrowedOfNothingIsEmpty) {
  EXPECT_EQ(Buffer::borrowed({}).data(), nullptr);
}

TEST(Buffer, BorrowedIsLeftAlone) {
  alignas(8) std::byte memory[64];
  test::fill(memory, sizeof memory);
  Buffer::borrowed(memory).release();
  EXPECT_TRUE(test::holds(memory, sizeof memory, 0xA5));
}

TEST(Buffer, FromAResourceGoesBackAsItCame) {
  TestResource upstream; // which checks that
  for (const std::size_t bytes : test::Sizes{1, 8, 9, 1000})
    for (const std::size_t alignment : test::Sizes{1, 64, 4096}) {
      const Buffer buffer = Buffer::from(&upstream, bytes, alignment);
      EXPECT_EQ(buffer.size(), saturating_round_up(bytes, granule));
      EXPECT_TRUE(test::is_aligned(buffer.data(), std::max(alignment, buffer_alignment)));
      EXPECT_FALSE(buffer.is_zero());
      EXPECT_EQ(upstream.live(), 1u);
      EXPECT_EQ(upstream.requests.back().bytes, buffer.extent());
    }
  EXPECT_EQ(upstream.live(), 0u);
}

TEST(Buffer, FromNoResourceIsMisuse) {
  EXPECT_EQ(test::error([] { return Buffer::from(nullptr, 64); }),
            "Misuse(null_pointer) buffer: a null resource was given");
}

TEST(Buffer, WhatAResourceThrowsPassesThrough) {
  TestResource upstream;
  upstream.answer = TestResource::Answer::exception;
  EXPECT_THROW((void)Buffer::from(&upstream, 64), std::bad_alloc);
  EXPECT_EQ(upstream.live(), 0u);
  EXPECT_THROW((void)Buffer::from(std::pmr::null_memory_resource(), 64), std::bad_alloc);
}

// The standard library promises its callers that neither of the next two happens.
const std::string asked = std::to_string(allot::red_zones.stretch(64)) + " bytes";

TEST(BrokenResource, ThatGivesNullRefuses) {
  TestResource upstream;
  upstream.answer = TestResource::Answer::null;
  EXPECT_EQ(test::error([&] { return Buffer::from(&upstream, 64); }),
            "Exhausted(system_refused) buffer: the resource gave null for " + asked);
}

TEST(BrokenResource, ThatGivesMisalignedMemoryGetsItBack) {
  TestResource upstream;
  upstream.answer = TestResource::Answer::misaligned;
  EXPECT_EQ(test::error([&] { return Buffer::from(&upstream, 64); }),
            "Exhausted(system_refused) buffer: the resource gave " + asked +
                " at a misaligned address");
  EXPECT_EQ(upstream.requests.size(), 1u);
  EXPECT_EQ(upstream.live(), 0u);
}

TEST(Buffer, AResourceIsNeverAskedForAnAlignmentThatIsNone) {
  TestResource upstream;
  upstream.answer = TestResource::Answer::exception;
  for (int bit = 6; bit != 64; ++bit)
    EXPECT_THROW((void)Buffer::from(&upstream, 64, std::size_t{1} << bit), std::bad_alloc);
  for (const TestResource::Request& request : upstream.requests)
    EXPECT_TRUE(is_power_of_two(request.alignment)) << request.alignment;
}

TEST(Buffer, AMoveTakesTheMemoryAndLeavesNone) {
  TestResource upstream;
  Buffer from = Buffer::from(&upstream, 64);
  std::byte* const data = from.data();
  Buffer to = Buffer::from(&upstream, 128);
  to = std::move(from);
  EXPECT_EQ(upstream.live(), 1u);
  EXPECT_EQ(from.data(), nullptr);
  EXPECT_EQ(from.size(), 0u);
  EXPECT_EQ(to.data(), data);
  EXPECT_EQ(to.size(), 64u);
  Buffer& alias = to;
  to = std::move(alias);
  EXPECT_EQ(to.data(), data);
  from.release();
  to.release();
  to.release();
  EXPECT_EQ(upstream.live(), 0u);
}

TEST(Buffer, AStrategyZeroesMappedMemoryByItsOwnOption) {
  for (const bool zero : {false, true}) {
    Bump bump(Buffer::mapped(4096, {.zero = !zero}), {.zero = zero});
    test::fill(bump.allocate(64), 64);
    bump.reset();
    EXPECT_TRUE(test::holds(bump.allocate(64), 64, zero ? 0 : 0xA5));
  }
}

} // namespace
