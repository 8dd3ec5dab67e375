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
