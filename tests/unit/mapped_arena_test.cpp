#include <allot/arena.hpp>
#include <allot/hooks.hpp>
#include <allot/mapped_arena.hpp>

#include "support.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#if defined(__linux__)
#include "limits.hpp"
#include <sys/mman.h>
#include <unistd.h>
#endif

using namespace allot;

namespace {

constexpr Commit policies[] = {Commit::demand, Commit::strict};
constexpr std::size_t step = 4096; // of the accounting

TEST(MappedArena, RoundsItsReservationUpToTheStep) {
  for (const Commit policy : policies) {
    for (const auto& [asked, capacity] : {std::pair<std::size_t, std::size_t>{1, step},
                                          {step, step},
                                          {step + 1, 2 * step},
                                          {1_MiB, 1_MiB}}) {
      const MappedArena arena(asked, {.commit = policy});
      EXPECT_EQ(test::state(arena), (test::State{capacity, 0, capacity, 0}));
      EXPECT_EQ(arena.committed(), 0u);
    }
  }
}

TEST(MappedArena, NamesItselfInErrors) {
  EXPECT_EQ(test::error([] { return MappedArena(0); }),
            "Misuse(bad_size) mapped_arena: a size of 0 bytes was asked for");
  for (const std::size_t bytes : test::unservable) {
    const std::string text = test::error([=] { return MappedArena(bytes); });
    EXPECT_TRUE(text.starts_with("Exhausted(system_refused) mapped_arena: ")) << text;
  }
  MappedArena arena(64_KiB);
  (void)arena.allocate(64_KiB - 16);
  EXPECT_EQ(test::error([&] { return arena.allocate(64); }),
            "Exhausted(no_room) mapped_arena: 64 bytes asked, 16 of 65536 left");
  EXPECT_EQ(test::error([&] { arena.commit(1); }),
            "Exhausted(no_room) mapped_arena: 1 bytes to commit asked, 0 of 65536 left");
  EXPECT_EQ(test::error([&] { return arena.allocate(8, 24); }),
            "Misuse(bad_alignment) mapped_arena: alignment 24 is not a power of two");
  MappedArena skips(64_KiB);
  (void)skips.allocate(8);
  EXPECT_EQ(test::error([&] { return skips.allocate(64_KiB - 8, 64); }), // it is not the system
            "Exhausted(no_room) mapped_arena: 65528 bytes asked, 65528 of 65536 left");
  arena.release();
  const std::string released = "Misuse(released) mapped_arena: used after release";
  EXPECT_EQ(test::error([&] { return arena.allocate(8); }), released);
  EXPECT_EQ(test::error([&] { arena.commit(8); }), released);
  EXPECT_EQ(test::error([&] { arena.trim(); }), released);
  EXPECT_EQ(test::error([&] { arena.reset(); }), released);
  EXPECT_EQ(arena.committed(), 0u);
}

#if SIZE_MAX > UINT32_MAX // what 32 bits have no addresses for
TEST(MappedArena, ReservesATebibyte) {
  if (test::under_valgrind())
    GTEST_SKIP() << "Valgrind's address space is smaller";
  for (const Commit policy : policies) {
    MappedArena arena(1_TiB, {.commit = policy});
    EXPECT_EQ(arena.capacity(), 1_TiB);
    void* const p = arena.allocate(1_MiB);
    test::fill(p, 1_MiB);
    EXPECT_EQ(arena.committed(), 1_MiB);
    EXPECT_TRUE(arena.owns(p));
    arena.reset();
    EXPECT_TRUE(test::holds(arena.allocate(1_MiB), 1_MiB, 0));
    EXPECT_EQ(arena.try_allocate(1_TiB), nullptr);
  }
}
#endif

TEST(MappedArena, CommitsInStepsAsItAllocates) {
  for (const Commit policy : policies) {
    MappedArena arena(1_MiB, {.commit = policy});
    std::size_t used = 0;
    for (const std::size_t bytes : test::Sizes{1, 4088, 1, 4087, 4096, 10000, 8, 65536}) {
      test::fill(arena.allocate(bytes), bytes);
      used += round_up(bytes);
      EXPECT_EQ(arena.used(), used);
      EXPECT_EQ(arena.committed(), saturating_round_up(used, step));
    }
  }
}

TEST(MappedArena, CommitsMoreThanWhatIsCommittedAndGivesTheTotal) {
  for (const Commit policy : policies) {
    MappedArena arena(1_MiB, {.commit = policy});
    EXPECT_EQ(arena.commit(0), 0u);
    EXPECT_EQ(arena.commit(1), step);
    EXPECT_EQ(arena.commit(0), step);
    EXPECT_EQ(arena.commit(step), 2 * step);
    EXPECT_EQ(arena.commit(step + 1), 4 * step);
    EXPECT_EQ(arena.used(), 0u);
    test::fill(arena.allocate(4 * step), 4 * step); // as far as it was committed
    EXPECT_EQ(arena.committed(), 4 * step);
    (void)arena.allocate(1);
    EXPECT_EQ(arena.committed(), 5 * step);
    EXPECT_EQ(arena.commit(step), 6 * step); // beyond what is used
    EXPECT_EQ(arena.commit(1_MiB - 6 * step), 1_MiB);
    EXPECT_EQ(arena.commit(0), 1_MiB);
  }
}

TEST(MappedArena, ACommitPastTheReservationIsRefusedAndChangesNothing) {
  for (const Commit policy : policies) {
    MappedArena arena(1_MiB, {.commit = policy});
    arena.commit(step);
    void* const p = arena.allocate(8);
    test::fill(p, 8);
    const test::State before = test::state(arena);
    for (const std::size_t bytes : {1_MiB, 1_MiB - step + 1, SIZE_MAX, SIZE_MAX - 7,
                                    SIZE_MAX - 4095, SIZE_MAX - 4096, std::size_t{PTRDIFF_MAX} + 1})
      EXPECT_EQ(test::kind([&] { arena.commit(bytes); }), "Exhausted(no_room)") << bytes;
    EXPECT_EQ(test::state(arena), before);
    EXPECT_EQ(arena.committed(), step);
    EXPECT_TRUE(test::holds(p, 8, 0xA5));
  }
}

TEST(MappedArena, StaysCommittedOverResetAndRestore) {
  for (const Commit policy : policies) {
    MappedArena arena(1_MiB, {.commit = policy});
    arena.checkpoint();
    (void)arena.allocate(10 * step);
    arena.restore();
    EXPECT_EQ(arena.committed(), 10 * step);
    (void)arena.allocate(2 * step);
    arena.reset();
    EXPECT_EQ(arena.committed(), 10 * step);
    EXPECT_EQ(arena.commit(step), 11 * step);
    arena.reset();
    EXPECT_EQ(arena.committed(), 11 * step);
    (void)arena.allocate(12 * step);
    EXPECT_EQ(arena.committed(), 12 * step);
  }
}

TEST(MappedArena, TrimGivesBackAllButWhatIsKeptAndAllocated) {
  for (const Commit policy : policies) {
    MappedArena arena(1_MiB, {.commit = policy});
    void* const p = arena.allocate(3 * step - 8);
    test::fill(p, 3 * step - 8);
    arena.commit(7 * step);
    EXPECT_EQ(arena.committed(), 10 * step);
    arena.trim(8 * step - 1);
    EXPECT_EQ(arena.committed(), 8 * step);
    arena.trim(9 * step); // it has less
    EXPECT_EQ(arena.committed(), 8 * step);
    arena.trim(SIZE_MAX);
    EXPECT_EQ(arena.committed(), 8 * step);
    arena.trim();
    EXPECT_EQ(arena.committed(), 3 * step);
    EXPECT_TRUE(test::holds(p, 3 * step - 8, 0xA5));
    arena.reset();
    arena.trim();
    EXPECT_EQ(arena.committed(), 0u);
    EXPECT_EQ(test::state(arena), (test::State{1_MiB, 0, 1_MiB, 3 * step - 8}));
    EXPECT_TRUE(test::holds(arena.allocate(1_MiB), 1_MiB, 0));
    EXPECT_EQ(arena.committed(), 1_MiB);
  }
}

TEST(MappedArena, WhatWasTrimmedReadsAsZeroWithoutAReset) {
  for (const Commit policy : policies) {
    MappedArena arena(1_MiB, {.zero = false, .commit = policy});
    arena.checkpoint();
    test::fill(arena.allocate(100 * step), 100 * step);
    arena.restore();
    arena.trim(step);
    const auto* const p = static_cast<const std::byte*>(arena.allocate(100 * step));
    EXPECT_TRUE(test::holds(p, step, 0xA5));
    EXPECT_TRUE(test::holds(p + red_zones.stretch(step), 99 * step - red_zones.stretch(step), 0));
    EXPECT_EQ(arena.peak(), 100 * step);
  }
}

TEST(MappedArena, TrimsUnderCheckpoints) {
  for (const Commit policy : policies) {
    MappedArena arena(1_MiB, {.commit = policy});
    void* const p = arena.allocate(step);
    test::fill(p, step);
    arena.checkpoint();
    (void)arena.allocate(5 * step);
    arena.checkpoint();
    test::fill(arena.allocate(50 * step), 50 * step);
    arena.restore();
    arena.trim();
    EXPECT_EQ(arena.committed(), 6 * step);
    test::fill(arena.allocate(50 * step), 50 * step);
    arena.restore();
    arena.trim();
    EXPECT_EQ(arena.committed(), step);
    EXPECT_EQ(arena.used(), step);
    EXPECT_TRUE(test::holds(p, step, 0xA5));
  }
}

TEST(MappedArena, PeakSurvivesTrim) {
  MappedArena arena(1_MiB);
  arena.checkpoint();
  (void)arena.allocate(10 * step);
  arena.restore();
  arena.trim();
  EXPECT_EQ(arena.peak(), 10 * step);
  arena.reset();
  EXPECT_EQ(arena.peak(), 10 * step);
}

TEST(MappedArena, TheNewestGrowsAcrossWhatIsCommitted) {
  for (const Commit policy : policies) {
    MappedArena arena(16_MiB, {.commit = policy});
    void* const p = arena.allocate(8);
    std::size_t bytes = 8;
    for (; bytes != 16_MiB; bytes *= 2) {
      ASSERT_TRUE(arena.try_resize(p, bytes, 2 * bytes));
      test::fill(p, 2 * bytes);
    }
    EXPECT_EQ(arena.committed(), 16_MiB);
    EXPECT_FALSE(arena.try_resize(p, bytes, bytes + 1));
    EXPECT_EQ(arena.used(), 16_MiB);
  }
}

TEST(MappedArena, MeetsAlignmentsFarAboveThePageSize) {
  for (const Commit policy : policies) {
    MappedArena arena(64_MiB, {.commit = policy});
    for (std::size_t alignment = 8; alignment <= 16_MiB; alignment *= 2) {
      void* const p = arena.try_allocate(24, alignment);
      ASSERT_NE(p, nullptr) << alignment;
      EXPECT_TRUE(test::is_aligned(p, alignment));
      test::fill(p, 24);
    }
  }
}

TEST(MappedArena, MovesWithAllItHasCommitted) {
  MappedArena from(1_MiB, {.commit = Commit::strict});
  void* const p = from.allocate(5000);
  test::fill(p, 5000);
  from.commit(step);
  MappedArena to(64_KiB);
  (void)to.allocate(100);
  to = std::move(from);
  EXPECT_EQ(from.committed(), 0u);
  EXPECT_EQ(to.committed(), 3 * step);
  EXPECT_TRUE(test::holds(p, 5000, 0xA5));
  EXPECT_EQ(test::kind([&] { from.commit(1); }), "Misuse(released)");
  EXPECT_EQ(test::kind([&] { from.trim(); }), "Misuse(released)");
  EXPECT_NE(to.try_allocate(500000), nullptr);
}

TEST(MappedArena, HugePagesAreAdviceAndChangeNothing) {
  for (const HugePages huge : {HugePages::automatic, HugePages::never, HugePages::always}) {
    for (const bool guard : {false, true}) {
      for (const Commit policy : policies) {
        MappedArena arena(128_MiB, {.huge_pages = huge, .guard_pages = guard, .commit = policy});
        EXPECT_EQ(arena.capacity(), 128_MiB);
        void* const p = arena.allocate(5_MiB);
        test::fill(p, 5_MiB);
        EXPECT_EQ(arena.committed(), 5_MiB);
        arena.reset();
        EXPECT_TRUE(test::holds(arena.allocate(5_MiB), 5_MiB, 0));
        arena.reset();
        arena.trim();
        EXPECT_EQ(arena.committed(), 0u);
        EXPECT_TRUE(test::holds(arena.allocate(5_MiB), 5_MiB, 0));
      }
    }
  }
}

#if !defined(_WIN32)

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A program may have closed its standard input.
TEST(MappedArena, AFileMayGetTheDescriptorZero) {
  const test::FreshPath path;
  const int kept = dup(0);
  ASSERT_EQ(close(0), 0);
  EXPECT_EQ(test::kind([&] { return MappedArena(1_MiB, {.file = path.string()}); }), "none");
  if (kept >= 0) {
    EXPECT_EQ(dup2(kept, 0), 0);
    EXPECT_EQ(close(kept), 0);
  }
}

TEST(MappedArena, AFileHoldsWhatIsAllocated) {
  const test::FreshPath path;
  {
    MappedArena arena(1_GiB, {.file = path.string()});
    EXPECT_EQ(arena.capacity(), 1_GiB);
    EXPECT_EQ(std::filesystem::file_size(path.string()), 0u); // extended as it commits
    EXPECT_EQ(arena.copy("in the file"), "in the file");
    EXPECT_EQ(arena.committed(), step);
    EXPECT_GE(std::filesystem::file_size(path.string()), step);
    EXPECT_LT(std::filesystem::file_size(path.string()), 1_MiB);
    arena.commit(2_MiB);
    EXPECT_GE(std::filesystem::file_size(path.string()), red_zones.stretch(2_MiB + step));
    EXPECT_TRUE(test::holds(arena.allocate(2_MiB), 2_MiB, 0));
    arena.release();
    EXPECT_EQ(test::kind([&] { (void)arena.allocate(8); }), "Misuse(released)");
  }
  EXPECT_TRUE(contents(path.string()).starts_with("in the file")); // which stays
}

TEST(MappedArena, AFileThatExistsOrCannotBeMadeIsMisuse) {
  const test::FreshPath path;
  std::ofstream(path.string()) << "precious";
  EXPECT_EQ(test::error([&] { return MappedArena(1_MiB, {.file = path.string()}); }),
            "Misuse(bad_file) mapped_arena: the backing file " + path.string() + " exists already");
  EXPECT_EQ(contents(path.string()), "precious");
  const std::string nowhere = path.string() + "/below/a/file";
  EXPECT_EQ(test::error([&] { return MappedArena(1_MiB, {.file = nowhere}); }),
            "Misuse(bad_file) mapped_arena: the backing file " + nowhere +
                " cannot be made: Not a directory");
}

TEST(MappedArena, ATrimShortensItsFile) {
  const test::FreshPath path;
  MappedArena arena(1_GiB, {.file = path.string()});
  test::fill(arena.allocate(step), step);
  arena.checkpoint();
  test::fill(arena.allocate(1_MiB), 1_MiB);
  arena.restore();
  arena.trim();
  EXPECT_EQ(std::filesystem::file_size(path.string()), red_zones.stretch(step));
  EXPECT_EQ(arena.committed(), step);
  EXPECT_TRUE(test::holds(arena.allocate(1_MiB), 1_MiB, 0));
  arena.reset();
  EXPECT_TRUE(test::holds(arena.allocate(1_MiB), 1_MiB, 0));
}

// Lets a child process fill the memory, and waits for its end.
void fill_in_child(void* p, std::size_t bytes) {
  const pid_t child = fork();
  ASSERT_NE(child, -1);
  if (child == 0) {
    test::fill(p, bytes, 'c');
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
}

TEST(MappedArena, AForkedChildHasACopyExceptOfAFile) {
  for (const Commit policy : policies) {
    MappedArena arena(1_MiB, {.commit = policy});
    void* const p = arena.allocate(10000);
    test::fill(p, 10000, 'p');
    ASSERT_NO_FATAL_FAILURE(fill_in_child(p, 10000));
    EXPECT_TRUE(test::holds(p, 10000, 'p'));
    void* const fresh = arena.allocate(10000); // never touched before the fork
    ASSERT_NO_FATAL_FAILURE(fill_in_child(fresh, 10000));
    EXPECT_TRUE(test::holds(fresh, 10000, 0));
  }
  const test::FreshPath path;
  MappedArena arena(1_MiB, {.file = path.string()});
  void* const p = arena.allocate(10000);
  ASSERT_NO_FATAL_FAILURE(fill_in_child(p, 10000));
  EXPECT_TRUE(test::holds(p, 10000, 'c'));
}

TEST(MappedArenaDeathTest, GuardPagesAreOnBothSides) {
  for (const Commit policy : policies) {
    MappedArena arena(step, {.guard_pages = true, .commit = policy});
    auto* const p = static_cast<std::byte*>(arena.allocate(arena.capacity()));
    test::fill(p, arena.capacity());
    EXPECT_EXIT(test::touch(p - 1), test::by_fault, "");
    EXPECT_EXIT(test::touch(p + os::page_size() * red_zones.stretch(1)), test::by_fault, "");
  }
}

TEST(MappedArenaDeathTest, WhatIsNotCommittedCannotBeTouchedWhereThatIsStrict) {
  MappedArena arena(1_GiB, {.commit = Commit::strict});
  auto* const p = static_cast<std::byte*>(arena.allocate(8));
  EXPECT_EXIT(test::touch(p + 512_MiB), test::by_fault, "");
  arena.commit(1_MiB);
  arena.reset();
  arena.trim();
  EXPECT_EXIT(test::touch(p), test::by_fault, "");
}

// A strict mapping is committed ahead of what is allocated.
TEST(MappedArenaDeathTest, ATrimGivesBackWhatIsReadyBeyondWhatIsCommitted) {
  MappedArena arena(1_GiB, {.commit = Commit::strict});
  auto* const p = static_cast<std::byte*>(arena.allocate(1_MiB));
  test::fill(p, 1_MiB);
  (void)arena.allocate(8);
  arena.trim();
  EXPECT_EQ(arena.committed(), 1_MiB + step);
  EXPECT_EXIT(test::touch(p + red_zones.stretch(1_MiB + step)), test::by_fault, "");
  EXPECT_TRUE(test::holds(p, 1_MiB, 0xA5));
  test::fill(arena.allocate(1_MiB), 1_MiB);
}

#endif

#if defined(__linux__)

TEST(MappedArena, ARefusedCommitIsReportedAndChangesNothing) {
  if (!test::limits_memory())
    GTEST_SKIP() << "memory has no limit here";
  MappedArena arena(1_GiB, {.commit = Commit::strict});
  void* const p = arena.allocate(100);
  test::fill(p, 100);
  const test::State before = test::state(arena);
  const std::size_t committed = arena.committed();
  std::string allocating, committing, resizing;
  void* tried = p;
  bool resized = true;
  {
    const test::Limit limit(RLIMIT_DATA, test::private_writable_bytes() + 1_MiB);
    allocating = test::error([&] { return arena.allocate(512_MiB); });
    committing = test::error([&] { arena.commit(512_MiB); });
    tried = arena.try_allocate(512_MiB);
    resized = arena.try_resize(p, 100, 512_MiB);
  }
  EXPECT_EQ(allocating, "Exhausted(system_refused) mapped_arena: the system refused to commit "
                        "536870912 bytes, 4096 of 1073741824 committed");
  EXPECT_EQ(committing, allocating);
  EXPECT_EQ(tried, nullptr);
  EXPECT_FALSE(resized);
  EXPECT_EQ(test::state(arena), before);
  EXPECT_EQ(arena.committed(), committed);
  EXPECT_TRUE(test::holds(p, 100, 0xA5));
  EXPECT_NE(arena.try_allocate(512_MiB), nullptr); // without the limit it is there
}

#if SIZE_MAX > UINT32_MAX // what 32 bits have no addresses for
TEST(MappedArena, AReservationThatIsRefusedIsExhausted) {
  if (instrumented)
    GTEST_SKIP() << "sanitizers have their own use for the address space";
  if (!test::limits_memory())
    GTEST_SKIP() << "memory has no limit here";
  const test::Limit limit(RLIMIT_AS, std::size_t{4} << 30);
  for (const Commit policy : policies)
    EXPECT_EQ(test::kind([=] { return MappedArena(1_TiB, {.commit = policy}); }),
              "Exhausted(system_refused)");
}
#endif

// How many pages of the range have physical memory.
std::ptrdiff_t resident(const void* begin, std::size_t pages) {
  std::vector<unsigned char> flags(pages);
  EXPECT_EQ(mincore(const_cast<void*>(begin), pages * os::page_size(), flags.data()), 0);
  return std::count_if(flags.begin(), flags.end(), [](auto flag) { return (flag & 1) != 0; });
}

// Neither building it nor an array of zeroes writes to memory that is fresh, and zero.
TEST(MappedArena, FreshPagesAreNotTouchedForTheirZeroes) {
  MappedArena arena(64_MiB, {.huge_pages = HugePages::never});
  const void* const begin = arena.allocate(0);
  const std::size_t pages = red_zones.stretch(64_MiB) / os::page_size();
  EXPECT_EQ(resident(begin, pages), 0);
  const auto make = [&](std::size_t bytes) {
    return hooks::allocate_array<MappedArena, std::size_t>(&arena, bytes, 1);
  };
  void* const p = make(16_MiB);
  EXPECT_LE(resident(begin, pages), 1); // of its header
  EXPECT_TRUE(test::holds(p, 16_MiB, 0));
  arena.checkpoint();
  test::fill(arena.allocate(10'000), 10'000);
  arena.restore();
  EXPECT_TRUE(test::holds(make(20'000), 20'000, 0));
}

TEST(MappedArena, BuffersOfPagesAreNotTouchedForTheirZeroesEither) {
  Arena arena(Buffer::mapped(16_MiB, {.huge_pages = HugePages::never}), {.marks = 10});
  const void* const begin = arena.allocate(0);
  const std::size_t pages = red_zones.stretch(16_MiB) / os::page_size();
  EXPECT_EQ(resident(begin, pages), 0);
  void* const p = hooks::allocate_array<Arena, std::size_t>(&arena, 8_MiB, 1);
  EXPECT_LE(resident(begin, pages), 1);
  EXPECT_TRUE(test::holds(p, 8_MiB, 0));
}

TEST(MappedArena, CommitSuppliesPhysicalPagesAndTrimGivesThemBack) {
  for (const Commit policy : policies) {
    MappedArena arena(64 * step, {.huge_pages = HugePages::never, .commit = policy});
    const void* const begin = arena.allocate(0);
    const std::size_t pages = red_zones.stretch(64 * step) / os::page_size();
    EXPECT_EQ(resident(begin, pages), 0);
    arena.commit(10 * step);
    EXPECT_EQ(static_cast<std::size_t>(resident(begin, pages)) * os::page_size(),
              red_zones.stretch(10 * step));
    arena.trim(4 * step);
    EXPECT_EQ(static_cast<std::size_t>(resident(begin, pages)) * os::page_size(),
              red_zones.stretch(4 * step));
    arena.trim();
    EXPECT_EQ(resident(begin, pages), 0);
  }
}

#endif

class MappedArenaHiding : public test::Watched {};

TEST_F(MappedArenaHiding, WhatIsNotHandedOut) {
  for (const Commit policy : policies) {
    MappedArena arena(1_MiB, {.commit = policy});
    const auto* const p = static_cast<const std::byte*>(arena.allocate(13));
    EXPECT_EQ(test::visible(p, 4096), 13u);
    arena.commit(64_KiB);
    EXPECT_EQ(test::visible(p, 4096), 13u);
    EXPECT_TRUE(test::all_hidden(p + 16, 60000));
    arena.trim();
    EXPECT_EQ(test::visible(p, 4096), 13u);
    const void* const large = arena.allocate(60000);
    EXPECT_EQ(test::visible(large, 100000), 60000u);
    arena.reset();
    EXPECT_TRUE(test::all_hidden(p, 60000));
  }
}

#if defined(ALLOT_ASAN)
TEST(MappedArenaDeathTest, AddressSanitizerCatchesUseBehindAnAllocationAndAfterReset) {
  MappedArena arena(1_MiB);
  auto* const p = static_cast<std::byte*>(arena.allocate(24));
  EXPECT_DEATH(test::touch(p + 24), "use-after-poison");
  arena.reset();
  EXPECT_DEATH(test::touch(p), "use-after-poison");
}

// What was unmapped may be mapped again by somebody else, who must find it unhidden.
TEST(MappedArenaHidingAfterwards, NothingOfWhatWasUnmapped) {
  const void* p = nullptr;
  {
    MappedArena arena(1_MiB);
    p = arena.allocate(24);
    arena.commit(64_KiB);
    arena.trim();
  }
  EXPECT_EQ(test::visible(p, 1_MiB), 1_MiB);
}
#endif

} // namespace
