// What threads share, where the memory for their parts, or for what they ask for, is refused.
#include "faults.hpp"

#include <allot/threads/shared_block_pool.hpp>
#include <allot/threads/shared_object_pool.hpp>

#include "../support.hpp"

#include <cstddef>
#include <vector>

using namespace allot;
using namespace faults;

namespace {

TEST(SharedPoolFaults, ABlockPoolThatIsNotMadeLeavesNothing) {
  const std::ptrdiff_t heap = heap_blocks();
  {
    const Fault fault(Source::heap, 1, false);
    EXPECT_FALSE(served([] { (void)SharedBlockPool(24, 10U).allocate(); }));
  }
  Upstream upstream;
  {
    const Fault fault(Source::upstream, 1, false);
    EXPECT_FALSE(
        served([&] { (void)SharedBlockPool(24, Buffer::from(&upstream, 1000)).allocate(); }));
  }
  EXPECT_EQ(heap_blocks(), heap);
}

TEST(SharedPoolFaults, ABlockPoolServesWithoutMemoryForItsThreads) {
  const std::ptrdiff_t heap = heap_blocks();
  for (const bool for_good : {false, true}) {
    SharedBlockPool pool(24, 100U);
    std::vector<void*> blocks(100);
    const Fault fault(Source::heap, 1, for_good);
    for (int round = 0; round != 2; ++round) {
      for (void*& p : blocks)
        p = pool.allocate();
      EXPECT_EQ(pool.try_allocate(), nullptr);
      for (void* const p : blocks)
        pool.deallocate(p);
      EXPECT_TRUE(pool.empty());
    }
    EXPECT_TRUE(fault.happened());
  }
  EXPECT_EQ(heap_blocks(), heap);
}

TEST(SharedPoolFaults, ABlockPoolOnABorrowedBufferAsksTheHeapForNothing) {
  for (const std::size_t bytes : {300U, 65'536U}) {
    alignas(64) static std::byte memory[65'536];
    const Fault fault(Source::heap, 1, true);
    SharedBlockPool pool(24, Buffer::borrowed(std::span(memory).first(bytes)));
    void* const p = pool.allocate();
    while (pool.try_allocate() != nullptr) {
    }
    pool.deallocate(p);
    pool.reset_peak();
    pool.reset();
    pool.deallocate(pool.allocate());
    pool.release();
    EXPECT_FALSE(fault.happened());
  }
}

struct Object {
  std::byte bytes[24] = {};
};

// The first are for the thread's part, without which it is served, and for the least of chunks.
TEST(SharedPoolFaults, AnObjectPoolChangesNothingWhereItIsRefused) {
  for (const Source source : {Source::heap, Source::upstream}) {
    for (const std::size_t before : {0U, 16U, 48U, 112U}) {
      for (const bool for_good : {false, true}) {
        bool happened = true;
        for (unsigned number = 1; happened; ++number) {
          ASSERT_LT(number, 20U);
          const std::ptrdiff_t heap = heap_blocks();
          Upstream upstream;
          {
            ObjectPoolOptions options;
            if (source == Source::upstream)
              options.upstream = &upstream;
            SharedObjectPool<Object> pool(0, options);
            std::vector<Object*> objects;
            for (std::size_t i = 0; i != before; ++i)
              objects.push_back(&pool.acquire());
            const std::vector<std::size_t> was = statistics(pool);
            bool given = false;
            {
              const Fault fault(source, number, for_good);
              given = number % 2 == 0 ? served([&] { return pool.try_acquire(); })
                                      : served([&] { (void)pool.acquire(); });
              happened = fault.happened();
            }
            if (!given) {
              EXPECT_TRUE(happened);
              EXPECT_EQ(statistics(pool), was);
              EXPECT_TRUE(served([&] { return pool.try_acquire(); }));
            }
            EXPECT_EQ(pool.used(), before + 1);
            const Fault fault(source, 1, true);
            for (Object* const object : objects)
              pool.give_back(*object);
            for (std::size_t i = 0; i != before; ++i)
              EXPECT_NE(pool.try_acquire(), nullptr) << "what is available needs no memory";
          }
          EXPECT_EQ(upstream.blocks(), 0);
          EXPECT_EQ(heap_blocks(), heap);
        }
      }
    }
  }
}

} // namespace
