// zstd in an arena: its hooks get a context, and frees are not told the size.
#include <allot/allot.hpp>
#include <allot/hooks.hpp>

#include "files.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zstd_errors.h>

#include <string>

namespace {

using namespace allot;

template <class S>
ZSTD_customMem memory_in(S& strategy) {
  return {hooks::allocate<S>, hooks::deallocate<S>, &strategy};
}

template <class S>
void round_trip(S& strategy) {
  const std::string text = clients::languages();
  ZSTD_CCtx* const packing = ZSTD_createCCtx_advanced(memory_in(strategy));
  ASSERT_NE(packing, nullptr);
  EXPECT_TRUE(strategy.owns(packing));
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  const std::size_t size =
      ZSTD_compressCCtx(packing, packed.data(), packed.size(), text.data(), text.size(), 5);
  ASSERT_EQ(ZSTD_isError(size), 0u) << ZSTD_getErrorName(size);
  packed.resize(size);
  EXPECT_LT(packed.size(), text.size() / 3);
  ZSTD_freeCCtx(packing);

  ZSTD_DCtx* const unpacking = ZSTD_createDCtx_advanced(memory_in(strategy));
  ASSERT_NE(unpacking, nullptr);
  std::string unpacked(text.size(), '\0');
  EXPECT_EQ(ZSTD_decompressDCtx(unpacking, unpacked.data(), unpacked.size(), packed.data(),
                                packed.size()),
            text.size());
  EXPECT_EQ(unpacked, text);
  ZSTD_freeDCtx(unpacking);
}

TEST(Zstd, RoundTripInAnArena) {
  Arena arena(16_MiB, {.zero = false});
  round_trip(arena);
  EXPECT_GT(arena.peak(), 1_MiB);
  arena.reset();
  round_trip(arena);
}
TEST(Zstd, RoundTripInARegion) {
  Region region;
  round_trip(region);
}
TEST(Zstd, RoundTripInAMultipool) {
  Multipool pool;
  round_trip(pool);
  EXPECT_EQ(pool.used(), 0u);
}

TEST(Zstd, SaysWhenTheArenaIsTooSmallAndTheArenaIsUsable) {
  const std::string text = clients::languages();
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  for (const std::size_t bytes : {16_KiB, 256_KiB, 1_MiB}) {
    Arena arena(bytes);
    if (ZSTD_CCtx* const packing = ZSTD_createCCtx_advanced(memory_in(arena))) {
      const std::size_t size =
          ZSTD_compressCCtx(packing, packed.data(), packed.size(), text.data(), text.size(), 9);
      EXPECT_EQ(ZSTD_getErrorCode(size), ZSTD_error_memory_allocation) << bytes;
      ZSTD_freeCCtx(packing);
    }
    arena.reset();
    EXPECT_NE(arena.try_allocate(bytes), nullptr);
  }
}

} // namespace
