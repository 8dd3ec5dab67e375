// A thread has its scratch where there is no memory for it, and uses it when there is.
#include "faults.hpp"

#include <allot/threads/thread_scratch.hpp>

#include "../support.hpp"

#include <thread>

using faults::Fault;
using faults::Source;

namespace {

TEST(ThreadScratch, ServesOnceThereIsMemory) {
  std::thread([] {
    {
      const Fault fault(Source::heap, 1, true);
      auto& scratch = allot::thread_scratch();
      const auto scope = scratch.scope();
      EXPECT_TRUE(fault.happened());
      EXPECT_EQ(scratch.try_allocate(100), nullptr);
      EXPECT_EQ(test::error([&] { return scratch.allocate(100); }),
                "Exhausted(system_refused) region \"thread_scratch\": the heap refused an arena "
                "for 100 bytes");
      EXPECT_EQ(scratch.capacity(), 0u);
    }
    auto& scratch = allot::thread_scratch();
    for (int i = 0; i != 2; ++i) {
      const auto scope = scratch.scope();
      test::fill(scratch.allocate(100), 100);
      EXPECT_EQ(scratch.used(), 104u);
    }
    EXPECT_TRUE(scratch.empty());
    const auto scope = scratch.scope();
    test::fill(scratch.allocate(60000), 60000);
    const Fault fault(Source::heap, 1, true);
    EXPECT_EQ(scratch.try_allocate(60000), nullptr);
    EXPECT_EQ(scratch.used(), 60000u);
  }).join();
}

} // namespace
