#include <allot/base/mapping.hpp>

#include "support.hpp"

#include <allot/base/size.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#if defined(__linux__)
#include "limits.hpp"
#include <sys/mman.h>
#endif

using namespace allot;

namespace {

const std::size_t page = os::page_size();
constexpr Commit policies[] = {Commit::demand, Commit::strict};

Mapping mapping(std::size_t bytes, const MapOptions& options = {}) {
  return {"test", bytes, options};
}

bool is_strict(Commit policy) {
  return policy == Commit::strict || instrumented || !os::has_demand_paging;
}

TEST(FilePath, IsACopyOfWhatItWasMadeFrom) {
  EXPECT_TRUE(FilePath().empty());
  EXPECT_TRUE(FilePath("").empty());
  EXPECT_TRUE(FilePath(static_cast<const char*>(nullptr)).empty());
  MapOptions options;
  {
    std::string gone = "/tmp/a path that is too long to be stored inside of a string";
    options.file = gone;
    gone[0] = 'X';
  }
  EXPECT_STREQ(options.file.c_str(),
               "/tmp/a path that is too long to be stored inside of a string");
  const MapOptions copy = options;
  options = {};
  EXPECT_TRUE(options.file.empty());
  EXPECT_TRUE(std::string(copy.file.c_str()).ends_with("string"));
  options.file = copy.file;
  MapOptions moved = std::move(options);
  EXPECT_STREQ(moved.file.c_str(), copy.file.c_str());
}

TEST(Mapping, OfNothingIsEmpty) {
  Mapping none;
  EXPECT_EQ(none.data(), nullptr);
  EXPECT_EQ(none.size() + none.ready(), 0u);
  EXPECT_TRUE(none.commit(0));
  EXPECT_FALSE(none.commit(1));
  none.trim(0);
  none.release();
}

TEST(Mapping, HasWholePages) {
  for (const Commit policy : policies)
    for (const auto& [asked, size] : {std::pair{std::size_t{1}, page},
                                      {page, page},
                                      {page + 1, 2 * page},
                                      {5 * page - 1, 5 * page}}) {
      const Mapping m = mapping(asked, {.commit = policy});
      EXPECT_EQ(m.size(), size);
      EXPECT_TRUE(test::is_aligned(m.data(), page));
    }
}

TEST(Mapping, OnDemandIsReadyAsAWholeAndStrictIsNot) {
  for (const Commit policy : policies) {
    const Mapping m = mapping(1_MiB, {.commit = policy});
    EXPECT_EQ(m.ready(), is_strict(policy) ? 0 : 1_MiB);
  }
}

TEST(Mapping, IsZeroAndWritableWhereCommitted) {
  for (const Commit policy : policies) {
    Mapping m = mapping(1_MiB, {.commit = policy});
    ASSERT_TRUE(m.commit(100 * page));
    EXPECT_GE(m.ready(), 100 * page);
    EXPECT_TRUE(test::holds(m.data(), 100 * page, 0));
    test::fill(m.data(), 100 * page);
    ASSERT_TRUE(m.commit(m.size()));
    EXPECT_EQ(m.ready(), m.size());
    EXPECT_TRUE(test::holds(m.data(), 100 * page, 0xA5));
    EXPECT_TRUE(test::holds(m.data() + 100 * page, 1_MiB - 100 * page, 0));
  }
}

TEST(Mapping, CommitsNotPastItsEnd) {
  for (const Commit policy : policies) {
    Mapping m = mapping(1_MiB, {.commit = policy});
    ASSERT_TRUE(m.commit(1));
    const std::size_t ready = m.ready();
    EXPECT_FALSE(m.commit(1_MiB + 1));
    for (const std::size_t bytes : test::unservable)
      EXPECT_FALSE(m.commit(bytes));
    EXPECT_EQ(m.ready(), ready);
  }
}

TEST(Mapping, GrowingByteByByteCostsFewSteps) {
  Mapping m = mapping(64_MiB, {.commit = Commit::strict});
  std::set<std::size_t> steps;
  for (std::size_t bytes = 1; bytes <= 64_MiB; bytes += page) {
    ASSERT_TRUE(m.commit(bytes));
    ASSERT_GE(m.ready(), bytes);
    ASSERT_EQ(m.ready() % page, 0u);
    steps.insert(m.ready());
  }
  EXPECT_LE(steps.size(), 11u); // 64 KiB, doubled until 64 MiB
}

TEST(Mapping, TrimGivesBackWholePagesThatThenReadAsZero) {
  for (const Commit policy : policies) {
    Mapping m = mapping(16 * page, {.commit = policy});
    ASSERT_TRUE(m.commit(m.size()));
    test::fill(m.data(), m.size());
    m.trim(3 * page + 1);
    EXPECT_EQ(m.ready(), is_strict(policy) ? 4 * page : m.size());
    ASSERT_TRUE(m.commit(m.size()));
    EXPECT_TRUE(test::holds(m.data(), 4 * page, 0xA5));
    EXPECT_TRUE(test::holds(m.data() + 4 * page, 12 * page, 0));
  }
}

TEST(Mapping, TrimmingToMoreThanIsReadyDoesNothing) {
  for (const Commit policy : policies) {
    Mapping m = mapping(1_MiB, {.commit = policy});
    ASSERT_TRUE(m.commit(page));
    test::fill(m.data(), page);
    const std::size_t ready = m.ready();
    for (const std::size_t bytes : {ready, ready + 1, 1_MiB, 2_MiB, SIZE_MAX})
      m.trim(bytes);
    EXPECT_EQ(m.ready(), ready);
    EXPECT_TRUE(test::holds(m.data(), page, 0xA5));
  }
}

TEST(Mapping, PopulatingMakesReadyAndChangesNoByte) {
  for (const Commit policy : policies) {
    Mapping m = mapping(1_MiB, {.commit = policy});
    ASSERT_TRUE(m.commit(page));
    test::fill(m.data(), page);
    EXPECT_TRUE(m.populate(100, 50 * page + 1));
    EXPECT_GE(m.ready(), 51 * page);
    EXPECT_TRUE(test::holds(m.data(), page, 0xA5));
    EXPECT_TRUE(test::holds(m.data() + page, 50 * page, 0));
    EXPECT_TRUE(m.populate(page, page)); // nothing
  }
}

TEST(Mapping, AMoveLeavesAnEmptyOne) {
  Mapping from = mapping(4 * page);
  ASSERT_TRUE(from.commit(page));
  test::fill(from.data(), page);
  Mapping to = mapping(page);
  to = std::move(from);
  EXPECT_EQ(from.data(), nullptr);
  EXPECT_EQ(from.size(), 0u);
  EXPECT_FALSE(from.commit(1));
  EXPECT_EQ(to.size(), 4 * page);
  EXPECT_TRUE(test::holds(to.data(), page, 0xA5));
  Mapping& alias = to;
  to = std::move(alias);
  EXPECT_EQ(to.size(), 4 * page);
  to.release();
  to.release();
  EXPECT_EQ(to.size() + to.ready(), 0u);
}

#if SIZE_MAX > UINT32_MAX // what 32 bits have no addresses for
TEST(Mapping, ReservesATebibyte) {
  if (test::under_valgrind())
    GTEST_SKIP() << "Valgrind has not that many addresses";
  for (const Commit policy : policies) {
    Mapping m = mapping(1_TiB, {.commit = policy});
    ASSERT_TRUE(m.commit(1));
    test::touch(m.data());
    EXPECT_EQ(m.size(), 1_TiB);
  }
}
#endif

#if SIZE_MAX > UINT32_MAX // what 32 bits have no addresses for
TEST(Mapping, SaysWhatTheSystemRefusedToReserve) {
  EXPECT_EQ(test::error([] { return mapping(std::size_t{1} << 60); }),
            "Exhausted(system_refused) test: the system refused to reserve 1152921504606846976 "
            "bytes");
  for (const std::size_t bytes : test::unservable)
    for (const MapOptions& options : {MapOptions{}, MapOptions{.huge_pages = HugePages::always},
                                      MapOptions{.guard_pages = true}})
      EXPECT_EQ(test::kind([&] { return mapping(bytes, options); }), "Exhausted(system_refused)");
}
#endif

TEST(MappingDeathTest, StrictIsUnreadableUntilCommittedAndAfterTrim) {
  Mapping m = mapping(1_MiB, {.commit = Commit::strict});
  EXPECT_EXIT(test::touch(m.data()), test::by_fault, "");
  ASSERT_TRUE(m.commit(1));
  test::touch(m.data() + m.ready() - 1);
  EXPECT_EXIT(test::touch(m.data() + m.ready()), test::by_fault, "");
  m.trim(0);
  EXPECT_EXIT(test::touch(m.data()), test::by_fault, "");
}

TEST(MappingDeathTest, GuardPagesStandOnBothSides) {
  const test::FreshPath path;
  for (const MapOptions& options :
       {MapOptions{.guard_pages = true}, MapOptions{.guard_pages = true, .commit = Commit::strict},
        MapOptions{.huge_pages = HugePages::always, .guard_pages = true},
        MapOptions{.guard_pages = true, .file = path.string()}}) {
    Mapping m = mapping(4 * page, options);
    ASSERT_TRUE(m.commit(m.size()));
    test::touch(m.data());
    test::touch(m.data() + m.size() - 1);
    EXPECT_EXIT(test::touch(m.data() - 1), test::by_fault, "");
    EXPECT_EXIT(test::touch(m.data() - page), test::by_fault, "");
    EXPECT_EXIT(test::touch(m.data() + m.size()), test::by_fault, "");
    EXPECT_EXIT(test::touch(m.data() + m.size() + page - 1), test::by_fault, "");
  }
}

TEST(MappingDeathTest, ReleasedMemoryIsGone) {
  Mapping m = mapping(page);
  ASSERT_TRUE(m.commit(page));
  std::byte* const p = m.data();
  m.release();
  EXPECT_EXIT(test::touch(p), test::by_fault, "");
}

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Mapping, AFileHoldsWhatWasWrittenAndStays) {
  const test::FreshPath path;
  {
    Mapping m = mapping(1_MiB, {.file = path.string()});
    EXPECT_EQ(std::filesystem::file_size(path.string()), 0u); // extended as it commits
    ASSERT_TRUE(m.commit(page));
    EXPECT_EQ(std::filesystem::file_size(path.string()), m.ready());
    EXPECT_TRUE(test::holds(m.data(), page, 0));
    test::fill(m.data(), page, 'x');
    m.trim(page);
  }
  EXPECT_EQ(contents(path.string()), std::string(page, 'x'));
}

TEST(Mapping, AFileThatIsTrimmedShrinksAndReadsAsZeroAgain) {
  const test::FreshPath path;
  Mapping m = mapping(16 * page, {.file = path.string()});
  ASSERT_TRUE(m.commit(m.size()));
  test::fill(m.data(), m.size());
  m.trim(2 * page);
  EXPECT_EQ(std::filesystem::file_size(path.string()), 2 * page);
  ASSERT_TRUE(m.commit(m.size()));
  EXPECT_TRUE(test::holds(m.data(), 2 * page, 0xA5));
  EXPECT_TRUE(test::holds(m.data() + 2 * page, 14 * page, 0));
}

TEST(Mapping, AnExistingFileIsRefusedAndLeftAlone) {
  const test::FreshPath path;
  std::ofstream(path.string()) << "precious";
  EXPECT_EQ(test::error([&] { return mapping(page, {.file = path.string()}); }),
            "Misuse(bad_file) test: the backing file " + path.string() + " exists already");
  EXPECT_EQ(contents(path.string()), "precious");
}

TEST(Mapping, AFileThatCannotBeMadeIsRefused) {
  const test::FreshPath path;
  const std::string below = path.string() + "/below";
  EXPECT_EQ(test::error([&] { return mapping(page, {.file = below}); }),
            "Misuse(bad_file) test: the backing file " + below +
                " cannot be made: No such file or directory");
}

#if defined(__linux__)
class RefusedCommit : public testing::Test {
protected:
  void SetUp() override {
    if (!test::limits_memory())
      GTEST_SKIP() << "memory has no limit here";
  }
};

TEST_F(RefusedCommit, IsReportedAndChangesNothing) {
  Mapping m = mapping(1_GiB, {.commit = Commit::strict});
  ASSERT_TRUE(m.commit(page));
  test::fill(m.data(), page);
  const std::size_t ready = m.ready();
  bool committed = true, populated = true;
  {
    const test::Limit limit(RLIMIT_DATA, test::private_writable_bytes() + 1_MiB);
    committed = m.commit(512_MiB);
    populated = m.populate(0, 512_MiB);
  }
  EXPECT_FALSE(committed);
  EXPECT_FALSE(populated);
  EXPECT_EQ(m.ready(), ready);
  EXPECT_TRUE(test::holds(m.data(), page, 0xA5));
  EXPECT_TRUE(m.commit(512_MiB));
}

TEST_F(RefusedCommit, IsTriedAgainWithTheLeast) {
  Mapping m = mapping(1_GiB, {.commit = Commit::strict});
  bool committed = false;
  {
    const test::Limit limit(RLIMIT_DATA, test::private_writable_bytes() + 32_KiB);
    committed = m.commit(1);
  }
  EXPECT_TRUE(committed);
  EXPECT_EQ(m.ready(), page);
}

// SIGXFSZ would end the process where the limit is passed.
TEST(Mapping, AFileThatCannotGrowIsARefusedCommit) {
  const test::FreshPath path;
  Mapping m = mapping(1_MiB, {.file = path.string()});
  ASSERT_TRUE(m.commit(page));
  const std::size_t ready = m.ready();
  const auto before = std::signal(SIGXFSZ, SIG_IGN);
  bool committed = true;
  {
    const test::Limit limit(RLIMIT_FSIZE, ready);
    committed = m.commit(1_MiB);
  }
  std::signal(SIGXFSZ, before);
  EXPECT_FALSE(committed);
  EXPECT_EQ(m.ready(), ready);
  EXPECT_TRUE(m.commit(1_MiB));
}

// The kernel's flags of the mapping that `p` lies in, such as "rd wr mr mw me ac sd hg".
std::string flags_of(const void* p) {
  std::ifstream smaps("/proc/self/smaps");
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  bool inside = false;
  for (std::string line; std::getline(smaps, line);) {
    std::uintptr_t first = 0, last = 0;
    char dash = 0;
    if (std::istringstream(line) >> std::hex >> first >> dash >> last && dash == '-')
      inside = first <= address && address < last;
    else if (inside && line.rfind("VmFlags:", 0) == 0)
      return line;
  }
  return {};
}
bool has_flag(const void* p, const char* flag) {
  return flags_of(p).find(std::string(" ") + flag) != std::string::npos;
}

TEST(Mapping, AStrictTrimGivesBackTheCommitCharge) {
  if (test::under_valgrind())
    GTEST_SKIP() << "Valgrind has its own list of what is mapped";
  Mapping m = mapping(16 * page, {.commit = Commit::strict});
  EXPECT_FALSE(has_flag(m.data(), "ac")); // accounted for
  ASSERT_TRUE(m.commit(m.size()));
  test::fill(m.data(), m.size());
  EXPECT_TRUE(has_flag(m.data(), "ac"));
  m.trim(4 * page);
  EXPECT_TRUE(has_flag(m.data() + 4 * page - 1, "ac"));
  EXPECT_FALSE(has_flag(m.data() + 4 * page, "ac"));
  EXPECT_FALSE(has_flag(m.data() + m.size() - 1, "ac"));
  ASSERT_TRUE(m.commit(m.size()));
  EXPECT_TRUE(has_flag(m.data() + m.size() - 1, "ac"));
}

class HugePagesTest : public testing::Test {
protected:
  void SetUp() override {
    if (!std::filesystem::exists("/sys/kernel/mm/transparent_hugepage"))
      GTEST_SKIP() << "this kernel has no transparent huge pages";
  }
};

TEST_F(HugePagesTest, AlwaysAsksForThemAndIsAlignedToThem) {
  for (const bool guard : {false, true}) {
    const Mapping m = mapping(page, {.huge_pages = HugePages::always, .guard_pages = guard});
    EXPECT_TRUE(test::is_aligned(m.data(), os::huge_page_size));
    EXPECT_TRUE(has_flag(m.data(), "hg"));
  }
}

TEST_F(HugePagesTest, NeverForbidsThem) {
  const Mapping m = mapping(128_MiB, {.huge_pages = HugePages::never});
  EXPECT_TRUE(has_flag(m.data(), "nh"));
  EXPECT_TRUE(has_flag(m.data() + 127_MiB, "nh"));
}

TEST_F(HugePagesTest, AutomaticAsksForThemFrom64MiBOnBeyondTheFirst2MiB) {
  const Mapping large = mapping(64_MiB);
  EXPECT_FALSE(has_flag(large.data() + 2_MiB - 1, "hg"));
  EXPECT_TRUE(has_flag(large.data() + 2_MiB, "hg"));
  EXPECT_TRUE(has_flag(large.data() + 64_MiB - 1, "hg"));
  const Mapping small = mapping(64_MiB - page);
  EXPECT_FALSE(has_flag(small.data() + 32_MiB, "hg"));
}

TEST_F(HugePagesTest, TheAdviceStandsAfterATrim) {
  for (const Commit policy : policies) {
    Mapping never = mapping(16 * page, {.huge_pages = HugePages::never, .commit = policy});
    Mapping large = mapping(64_MiB, {.commit = policy});
    for (Mapping* m : {&never, &large}) {
      ASSERT_TRUE(m->commit(m->size()));
      m->trim(0);
      ASSERT_TRUE(m->commit(m->size()));
    }
    EXPECT_TRUE(has_flag(never.data(), "nh"));
    EXPECT_FALSE(has_flag(large.data() + 2_MiB - 1, "hg"));
    EXPECT_TRUE(has_flag(large.data() + 2_MiB, "hg"));
    EXPECT_TRUE(has_flag(large.data() + 64_MiB - 1, "hg"));
  }
}

TEST(Mapping, PopulatedPagesAreResidentAndTrimmedOnesAreNot) {
  for (const Commit policy : policies) {
    Mapping m = mapping(64 * page, {.huge_pages = HugePages::never, .commit = policy});
    const auto resident = [&] {
      std::vector<unsigned char> flags(64);
      EXPECT_EQ(mincore(m.data(), m.size(), flags.data()), 0);
      return std::count_if(flags.begin(), flags.end(), [](auto flag) { return (flag & 1) != 0; });
    };
    EXPECT_EQ(resident(), 0);
    EXPECT_TRUE(m.populate(4 * page + 1, 20 * page - 1));
    EXPECT_EQ(resident(), 16);
    m.trim(10 * page);
    EXPECT_EQ(resident(), 6);
  }
}
#endif

// Lets a child process write 'c' to the first byte, and waits for its end.
void write_in_child(std::byte* p) {
  const pid_t child = fork();
  ASSERT_NE(child, -1);
  if (child == 0) {
    *p = std::byte{'c'};
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
}

TEST(Mapping, AForkedChildHasACopyExceptOfAFile) {
  const test::FreshPath path;
  for (const MapOptions& options :
       {MapOptions{}, MapOptions{.commit = Commit::strict}, MapOptions{.file = path.string()}}) {
    Mapping m = mapping(page, options);
    ASSERT_TRUE(m.commit(page));
    *m.data() = std::byte{'p'};
    write_in_child(m.data());
    EXPECT_EQ(*m.data(), options.file.empty() ? std::byte{'p'} : std::byte{'c'});
  }
}

} // namespace
