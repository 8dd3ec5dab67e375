#include <allot/detail/slab_memory.hpp>

#include "support.hpp"

using namespace allot;
using detail::SlabMemory;

namespace {

constexpr std::size_t slab = SlabMemory::slab_bytes;
constexpr std::size_t record = 128;
constexpr std::size_t run = sizeof(detail::Run);

// Where all lies, and that what is ready can be written to, and is zero at first.
void expect_usable(SlabMemory& memory, std::size_t slabs) {
  EXPECT_EQ(memory.slabs(), slabs);
  EXPECT_TRUE(test::is_aligned(memory.begin(), slab));
  EXPECT_EQ(memory.records(), memory.address(slabs));
  EXPECT_EQ(static_cast<void*>(memory.runs()), memory.records() + slabs * record);
  EXPECT_EQ(memory.ready(), 0u);
  for (std::size_t ready = 1; ready <= slabs; ready += ready / 2 + 1) {
    const std::size_t before = memory.ready();
    ASSERT_TRUE(memory.make_ready(ready));
    ASSERT_GE(memory.ready(), ready);
    ASSERT_LE(memory.ready(), slabs);
    for (std::size_t i = before; i < memory.ready(); ++i) {
      ASSERT_TRUE(test::holds(memory.records() + i * record, record, 0));
      ASSERT_TRUE(test::holds(memory.runs() + i, run, 0));
      test::fill(memory.records() + i * record, record);
    }
  }
  ASSERT_TRUE(memory.make_ready(1));
  ASSERT_TRUE(memory.back(0, 1));
  annotate::show(memory.address(0), memory.extent());
  EXPECT_TRUE(test::holds(memory.address(0), slab, 0));
  test::fill(memory.address(0), slab);
}

TEST(SlabMemory, IsOfTheSystems) {
  for (const Commit commit : {Commit::demand, Commit::strict})
    for (const HugePages huge_pages : {HugePages::automatic, HugePages::never, HugePages::always})
      for (const std::size_t slabs : test::Sizes{1, 3, 40, 600}) {
        SlabMemory memory;
        ASSERT_TRUE(memory.reserve(slabs, record, commit, huge_pages));
        EXPECT_FALSE(memory.on_buffer());
        ASSERT_NO_FATAL_FAILURE(expect_usable(memory, slabs));
        memory.decommit(0, 1);
        ASSERT_TRUE(memory.back(0, 1));
        EXPECT_TRUE(test::holds(memory.address(0), slab, 0));
      }
}

TEST(SlabMemory, IsABuffer) {
  Buffer buffer = Buffer::heap(5 * (slab + record + run), slab);
  test::fill(buffer.data(), buffer.extent());
  SlabMemory memory;
  ASSERT_TRUE(memory.stand_on(buffer, record, true));
  EXPECT_TRUE(memory.on_buffer());
  ASSERT_NO_FATAL_FAILURE(expect_usable(memory, 5));
  SlabMemory moved(std::move(memory));
  EXPECT_EQ(memory.slabs(), 0u); // NOLINT(bugprone-use-after-move)
  EXPECT_TRUE(test::holds(moved.address(0), slab, 0xA5));
  moved.release();
  EXPECT_EQ(moved.begin(), nullptr);
}

// Moves `slabs` that are full of something, to where there are as many, and back.
void expect_moves(SlabMemory& memory, std::size_t slabs) {
  const std::size_t bytes = slabs * memory.extent();
  ASSERT_TRUE(memory.make_ready(3 * slabs) && memory.back(0, 3 * slabs));
  annotate::show(memory.begin(), 3 * bytes);
  test::fill(memory.begin(), bytes);
  const bool moved = memory.move(0, 2 * slabs, bytes);
  EXPECT_TRUE(test::holds(memory.address(2 * slabs), bytes, 0xA5));
  EXPECT_TRUE(test::holds(memory.begin(), bytes, moved ? 0 : 0xA5));
  EXPECT_EQ(memory.was_moved_to(2 * slabs, slabs), moved);
  EXPECT_FALSE(memory.was_moved_to(0, 2 * slabs));
  if (!moved)
    return;
  ASSERT_TRUE(memory.move(2 * slabs, 0, bytes));
  EXPECT_TRUE(test::holds(memory.begin(), bytes, 0xA5));
  EXPECT_FALSE(memory.was_moved_to(0, slabs)); // where they were at first
  memory.decommit(slabs, 2 * slabs);
  EXPECT_FALSE(memory.was_moved_to(0, 3 * slabs));
  ASSERT_TRUE(memory.back(slabs, 2 * slabs));
  annotate::show(memory.address(slabs), 2 * bytes);
  EXPECT_TRUE(test::holds(memory.address(slabs), 2 * bytes, 0));
}

TEST(SlabMemory, MovesPagesWhereTheSystemCan) {
  for (const Commit commit : {Commit::demand, Commit::strict})
    for (const HugePages huge_pages : {HugePages::automatic, HugePages::never, HugePages::always}) {
      SlabMemory memory;
      ASSERT_TRUE(memory.reserve(1000, record, commit, huge_pages));
      ASSERT_NO_FATAL_FAILURE(expect_moves(memory, 16));
      ASSERT_NO_FATAL_FAILURE(expect_moves(memory, 300)); // across where huge pages begin
    }
}

TEST(SlabMemory, CopiesWhatIsSmallAndWhatABufferHolds) {
  SlabMemory memory;
  ASSERT_TRUE(memory.reserve(100, record, Commit::demand, HugePages::never));
  ASSERT_TRUE(memory.make_ready(20) && memory.back(0, 20));
  annotate::show(memory.begin(), 20 * memory.extent());
  test::fill(memory.begin(), memory.extent());
  EXPECT_FALSE(memory.move(0, 10, memory.extent()));
  EXPECT_TRUE(test::holds(memory.address(10), memory.extent(), 0xA5));
  EXPECT_TRUE(test::holds(memory.begin(), memory.extent(), 0xA5));
  Buffer buffer = Buffer::heap(100 * (slab + record + run), slab);
  SlabMemory other;
  ASSERT_TRUE(other.stand_on(buffer, record, false));
  expect_moves(other, 20);
}

TEST(SlabMemory, CopiesWhatLiesInManyParts) {
  SlabMemory memory;
  ASSERT_TRUE(memory.reserve(4000, record, Commit::demand, HugePages::never));
  ASSERT_TRUE(memory.make_ready(4000) && memory.back(0, 4000));
  annotate::show(memory.begin(), 4000 * memory.extent());
  const std::size_t part = SlabMemory::least_moved / slab;
  std::size_t parts = 0;
  test::fill(memory.begin(), part * memory.extent());
  if (!memory.move(0, 2000, part * memory.extent()))
    GTEST_SKIP() << "the system moves no pages";
  // Each round moves what is there already with some more behind it.
  for (std::size_t from = 2000, to = 0; parts != 100; ++parts, std::swap(from, to)) {
    const std::size_t length = (parts + 2) * part;
    test::fill(memory.address(from) + (length - part) * memory.extent(), part * memory.extent());
    const std::size_t to_here = to + parts; // so that no part comes back to where it was
    if (!memory.move(from, to_here, length * memory.extent()))
      break;
    ASSERT_TRUE(test::holds(memory.address(to_here), length * memory.extent(), 0xA5));
    to = to_here;
  }
  EXPECT_GT(parts, 20u);
  EXPECT_LE(parts, SlabMemory::most_parts);
}

TEST(SlabMemory, IsRefusedAndTheBufferStays) {
  Buffer buffer = Buffer::heap(slab, slab);
  SlabMemory memory;
  EXPECT_FALSE(memory.stand_on(buffer, record, true));
  EXPECT_NE(buffer.data(), nullptr);
  for (const std::size_t slabs : {SIZE_MAX, SIZE_MAX / slab, SIZE_MAX / slab / 2})
    EXPECT_FALSE(memory.reserve(slabs, record, Commit::demand, HugePages::never));
  EXPECT_EQ(memory.slabs(), 0u);
}

} // namespace
