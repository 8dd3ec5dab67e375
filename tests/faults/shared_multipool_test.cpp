// What the system refuses a SharedMultipool, one request at a time: it is refused or served all the
// same, and what is in use stays as it is.
#include "faults.hpp"

#include <allot/threads/shared_multipool.hpp>

#include "../support.hpp"

#include <cstddef>
#include <optional>

using namespace allot;
using namespace faults;

namespace {

constexpr std::size_t mib = 1_MiB;

TEST(FaultsOfSharedMultipool, AtConstruction) {
  for (const bool for_good : {false, true})
    for (unsigned number = 1;; ++number) {
      ASSERT_LT(number, 100U);
      std::optional<SharedMultipool> pool;
      bool happened = false;
      {
        const Fault fault(Source::system, number, for_good);
        const bool made = served([&] { pool.emplace(SharedMultipoolOptions{.reserve = 4 * mib}); });
        happened = fault.happened();
        EXPECT_FALSE(for_good && number == 1 && made) << "made without its memory";
        EXPECT_TRUE(made || happened);
      }
      if (pool)
        pool->deallocate(pool->allocate(100));
      if (!happened)
        break;
    }
}

TEST(FaultsOfSharedMultipool, WhileItWorks) {
  for (const bool for_good : {false, true})
    for (unsigned number = 1;; ++number) {
      ASSERT_LT(number, 200U);
      SharedMultipool pool({.reserve = 16 * mib});
      void* const live = pool.allocate(5000);
      test::fill(live, 5000);
      bool happened = false;
      {
        const Fault fault(Source::system, number, for_good);
        for (const std::size_t bytes : {24U, 100U, 3000U, 20'000U, 64'000U, 100'000U, 3'000'000U}) {
          void* const p = pool.try_allocate(bytes);
          if (p == nullptr)
            continue;
          EXPECT_TRUE(test::holds(p, bytes, 0));
          test::fill(p, bytes);
          if (void* const q = pool.try_reallocate(p, 2 * bytes)) {
            EXPECT_TRUE(test::holds(q, bytes, 0xA5));
            pool.deallocate(q);
          } else {
            EXPECT_TRUE(test::holds(p, bytes, 0xA5));
            pool.deallocate(p);
          }
        }
        pool.trim();
        happened = fault.happened();
      }
      EXPECT_TRUE(test::holds(live, 5000, 0xA5));
      pool.deallocate(live);
      EXPECT_TRUE(pool.empty());
      EXPECT_TRUE(test::holds(pool.allocate(3 * mib), 3 * mib, 0));
      if (!happened)
        break;
    }
}

} // namespace
