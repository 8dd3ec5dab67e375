#include <allot/base/os.hpp>

#include "support.hpp"

#include <allot/base/size.hpp>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#if defined(__linux__)
#include <fcntl.h>
#include <sys/mman.h>

// In place of the C library's: a disk that fills up half way.
static bool disk_is_full = false;
extern "C" int posix_fallocate(int file, off_t from, off_t bytes) {
  if (fallocate(file, 0, from, disk_is_full ? bytes / 2 : bytes) != 0)
    return errno;
  return disk_is_full ? ENOSPC : 0;
}
#endif

using namespace allot;

namespace {

const std::size_t page = os::page_size();

TEST(Os, PagesArePowersOfTwoOfAtLeast4096Bytes) {
  EXPECT_TRUE(is_power_of_two(page));
  EXPECT_EQ(page % 4096, 0u);
}

TEST(Os, AReservationIsZeroAndWritable) {
  std::byte* const p = os::reserve(4 * page, os::Access::read_write);
  ASSERT_NE(p, nullptr);
  EXPECT_TRUE(test::is_aligned(p, page));
  EXPECT_TRUE(test::holds(p, 4 * page, 0));
  test::fill(p, 4 * page);
  os::release(p, 4 * page);
}

#if SIZE_MAX > UINT32_MAX // what 32 bits have no addresses for
TEST(Os, ReservedAddressesCanBeFarMoreThanThereIsMemory) {
  if (test::under_valgrind())
    GTEST_SKIP() << "Valgrind has not that many";
  for (const os::Access access : {os::Access::none, os::Access::read_write}) {
    std::byte* const p = os::reserve(1_TiB, access);
    ASSERT_NE(p, nullptr);
    os::release(p, 1_TiB);
  }
}
#endif

TEST(Os, MovesPagesOrLeavesThemAlone) {
  std::byte* const p = os::reserve(16 * page, os::Access::read_write);
  std::byte* const to = p + 10 * page;
  test::fill(p, 16 * page);
  const bool moved = os::move_pages(p, to, 4 * page);
#if defined(__linux__)
  EXPECT_TRUE(moved || test::watched()) << "a kernel before 5.7";
#endif
  EXPECT_TRUE(test::holds(p, 4 * page, moved ? 0 : 0xA5));
  EXPECT_TRUE(test::holds(p + 4 * page, 6 * page, 0xA5));
  if (moved) {
    EXPECT_TRUE(test::holds(to, 4 * page, 0xA5));
    EXPECT_TRUE(os::renew(to, 4 * page, os::Access::read_write));
    EXPECT_TRUE(test::holds(to, 4 * page, 0));
  }
  test::fill(p, 16 * page); // all of it is still there
  os::release(p, 16 * page);
}

TEST(Os, AReservationThatCannotBeIsNull) {
  EXPECT_EQ(os::reserve(SIZE_MAX - 65535, os::Access::none), nullptr);
  EXPECT_EQ(os::reserve(SIZE_MAX - 65535, os::Access::read_write), nullptr);
}

TEST(Os, CommittedPagesAreZeroAndWritable) {
  std::byte* const p = os::reserve(4 * page, os::Access::none);
  ASSERT_TRUE(os::commit(p, page));
  ASSERT_TRUE(os::commit(p + page, page));
  EXPECT_TRUE(test::holds(p, 2 * page, 0));
  test::fill(p, 2 * page);
  os::release(p, 4 * page);
}

#if defined(__linux__)
TEST(Os, LockedPagesReadAsZeroToo) {
  std::byte* const p = os::reserve(3 * page, os::Access::read_write);
  if (mlock(p, 3 * page) != 0)
    GTEST_SKIP() << "this process may not lock pages";
  test::fill(p, 3 * page);
  os::decommit(p + page, page, os::Access::read_write);
  os::decommit(p + 2 * page, page, os::Access::none);
  ASSERT_TRUE(os::commit(p + 2 * page, page));
  EXPECT_TRUE(test::holds(p, page, 0xA5));
  EXPECT_TRUE(test::holds(p + page, 2 * page, 0));
  os::release(p, 3 * page);
}
#endif

TEST(Os, DecommittedPagesReadAsZeroWhenNextUsed) {
  std::byte* const p = os::reserve(4 * page, os::Access::read_write);
  test::fill(p, 4 * page);
  os::decommit(p + page, page, os::Access::read_write);
  os::decommit(p + 2 * page, page, os::Access::none);
  ASSERT_TRUE(os::commit(p + 2 * page, page));
  EXPECT_TRUE(test::holds(p, page, 0xA5));
  EXPECT_TRUE(test::holds(p + page, 2 * page, 0));
  EXPECT_TRUE(test::holds(p + 3 * page, page, 0xA5));
  os::release(p, 4 * page);
}

TEST(Os, PopulatingChangesNoByte) {
  std::byte* const p = os::reserve(4 * page, os::Access::read_write);
  test::fill(p, page);
  EXPECT_TRUE(os::populate(p, 4 * page));
  EXPECT_TRUE(test::holds(p, page, 0xA5));
  EXPECT_TRUE(test::holds(p + page, 3 * page, 0));
  os::release(p, 4 * page);
}

#if defined(__linux__)
TEST(Os, PopulatedPagesAreResidentAndDecommittedOnesAreNot) {
  const auto resident = [](std::byte* p) {
    unsigned char flags = 0;
    EXPECT_EQ(mincore(p, page, &flags), 0);
    return (flags & 1) != 0;
  };
  std::byte* const p = os::reserve(4 * page, os::Access::read_write);
  EXPECT_FALSE(resident(p));
  ASSERT_TRUE(os::populate(p, 2 * page));
  EXPECT_TRUE(resident(p));
  EXPECT_TRUE(resident(p + page));
  EXPECT_FALSE(resident(p + 2 * page));
  os::decommit(p, page, os::Access::read_write);
  EXPECT_FALSE(resident(p));
  EXPECT_TRUE(resident(p + page));
  os::release(p, 4 * page);
}
#endif

TEST(OsDeathTest, OnlyCommittedPagesCanBeTouched) {
  std::byte* const p = os::reserve(3 * page, os::Access::none);
  ASSERT_TRUE(os::commit(p, 2 * page));
  test::touch(p + 2 * page - 1);
  EXPECT_EXIT(test::touch(p + 2 * page), test::by_fault, "");
  os::decommit(p + page, page, os::Access::none);
  EXPECT_EXIT(test::touch(p + page), test::by_fault, "");
  os::release(p, 3 * page);
}

TEST(OsDeathTest, ProtectedPagesCannotBeTouched) {
  std::byte* const p = os::reserve(3 * page, os::Access::read_write);
  ASSERT_TRUE(os::protect(p + page, page));
  test::touch(p);
  test::touch(p + 2 * page);
  EXPECT_EXIT(test::touch(p + page), test::by_fault, "");
  os::release(p, 3 * page);
}

TEST(OsDeathTest, ReleasedPagesCannotBeTouched) {
  std::byte* const p = os::reserve(page, os::Access::read_write);
  os::release(p, page);
  EXPECT_EXIT(test::touch(p), test::by_fault, "");
}

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Os, AFileIsMadeNewAndNeverTakenOver) {
  const test::FreshPath path;
  os::File file = os::File::none;
  ASSERT_EQ(os::create_file(path.string().c_str(), file), os::FileError::none);
  EXPECT_NE(file, os::File::none);
  os::close_file(file);
  using Perms = std::filesystem::perms; // nobody else reads what a program allocates
  EXPECT_EQ(std::filesystem::status(path.string()).permissions(),
            Perms::owner_read | Perms::owner_write);
  std::ofstream(path.string()) << "precious";
  os::File second = os::File::none;
  EXPECT_EQ(os::create_file(path.string().c_str(), second), os::FileError::exists);
  EXPECT_EQ(second, os::File::none);
  EXPECT_EQ(contents(path.string()), "precious");
}

TEST(Os, AFileThatCannotBeMadeIsRefused) {
  const test::FreshPath path;
  os::File file = os::File::none;
  EXPECT_EQ(os::create_file((path.string() + "/below").c_str(), file), os::FileError{ENOENT});
  EXPECT_EQ(os::create_file("", file), os::FileError{ENOENT});
  EXPECT_EQ(file, os::File::none);
}

TEST(Os, AFileThatCannotBeMappedIsRefused) {
  std::byte* const p = os::reserve(page, os::Access::none);
  EXPECT_EQ(os::map_file(p, page, os::File::none), os::FileError{EBADF});
  os::release(p, page);
}

#if defined(__linux__)
TEST(Os, AFileThatGrowsOnlyInPartStaysAsItWas) {
  const test::FreshPath path;
  os::File file = os::File::none;
  ASSERT_EQ(os::create_file(path.string().c_str(), file), os::FileError::none);
  ASSERT_TRUE(os::extend_file(file, 0, page));
  disk_is_full = true;
  EXPECT_FALSE(os::extend_file(file, page, 9 * page));
  disk_is_full = false;
  EXPECT_EQ(contents(path.string()).size(), page);
  EXPECT_TRUE(os::extend_file(file, page, 9 * page));
  EXPECT_EQ(contents(path.string()).size(), 9 * page);
  os::close_file(file);
}
#endif

TEST(Os, AMappedFileHoldsWhatWasWrittenToMemory) {
  const test::FreshPath path;
  os::File file = os::File::none;
  ASSERT_EQ(os::create_file(path.string().c_str(), file), os::FileError::none);
  std::byte* const p = os::reserve(4 * page, os::Access::none);
  ASSERT_EQ(os::map_file(p, 4 * page, file), os::FileError::none);
  ASSERT_TRUE(os::extend_file(file, 0, page));
  ASSERT_TRUE(os::extend_file(file, page, 3 * page));
  test::fill(p, 3 * page, 'x');
  EXPECT_EQ(contents(path.string()), std::string(3 * page, 'x'));
  os::shorten_file(file, page);
  ASSERT_TRUE(os::extend_file(file, page, 2 * page));
  EXPECT_TRUE(test::holds(p, page, 'x'));
  EXPECT_TRUE(test::holds(p + page, page, 0));
  os::close_file(file); // the mapping stays
  test::fill(p, page, 'y');
  os::release(p, 4 * page);
  EXPECT_EQ(contents(path.string()), std::string(page, 'y') + std::string(page, '\0'));
}

} // namespace
