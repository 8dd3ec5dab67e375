// zlib in an arena: its hooks get a context and two sizes, and frees are not told the size.
#include <allot/allot.hpp>
#include <allot/hooks.hpp>

#include "files.hpp"
#include "support.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

namespace {

using namespace allot;

template <class S>
z_stream stream_in(S& strategy) {
  z_stream stream{};
  stream.zalloc = hooks::allocate_array<S>;
  stream.zfree = hooks::deallocate<S>;
  stream.opaque = &strategy;
  return stream;
}

/// All that `step` makes of `text`, at most `limit` bytes.
template <class Step>
std::string run(z_stream& stream, std::string text, std::size_t limit, Step step) {
  std::string result(limit, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(text.data());
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  EXPECT_EQ(step(&stream, Z_FINISH), Z_STREAM_END);
  result.resize(stream.total_out);
  return result;
}

template <class S>
void round_trip(S& strategy) {
  const std::string text = clients::languages();
  z_stream deflating = stream_in(strategy);
  ASSERT_EQ(deflateInit(&deflating, 9), Z_OK);
  EXPECT_TRUE(strategy.owns(deflating.state));
  const std::string packed = run(deflating, text, text.size(), deflate);
  EXPECT_EQ(deflateEnd(&deflating), Z_OK);
  EXPECT_LT(packed.size(), text.size() / 3);

  z_stream inflating = stream_in(strategy);
  ASSERT_EQ(inflateInit(&inflating), Z_OK);
  EXPECT_EQ(run(inflating, packed, text.size(), inflate), text);
  EXPECT_EQ(inflateEnd(&inflating), Z_OK);
}

TEST(Zlib, RoundTripInAnArena) {
  Arena arena(1_MiB);
  round_trip(arena);
  EXPECT_GT(arena.peak(), 256_KiB);
  arena.reset();
  round_trip(arena);
}
TEST(Zlib, RoundTripInARegion) {
  Region region;
  round_trip(region);
}
TEST(Zlib, RoundTripInAMultipool) {
  Multipool pool;
  round_trip(pool);
  EXPECT_EQ(pool.used(), 0u);
}

TEST(Zlib, SaysWhenTheArenaIsTooSmallAndTheArenaIsUsable) {
  for (const std::size_t bytes : {8_KiB, 64_KiB, 192_KiB}) {
    Arena arena(bytes);
    z_stream stream = stream_in(arena);
    EXPECT_EQ(deflateInit(&stream, 9), Z_MEM_ERROR);
    arena.reset();
    EXPECT_NE(arena.try_allocate(bytes), nullptr);
  }
}

} // namespace
