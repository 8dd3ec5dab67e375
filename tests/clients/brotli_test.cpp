// Brotli in an Arena, a Region and a Multipool: its hooks get the context first, and are handed
// over with it when an encoder or a decoder is made.
#include <allot/allot.hpp>
#include <allot/hooks.hpp>

#include "files.hpp"
#include "support.hpp"

#include <brotli/decode.h>
#include <brotli/encode.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace {

using namespace allot;

const std::uint8_t* bytes_of(const std::string& text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

/// The text packed; nothing if the encoder could not.
std::string pack(BrotliEncoderState* encoder, const std::string& text) {
  BrotliEncoderSetParameter(encoder, BROTLI_PARAM_QUALITY, 5);
  std::string packed(text.size(), '\0');
  const std::uint8_t* in = bytes_of(text);
  auto* out = reinterpret_cast<std::uint8_t*>(packed.data());
  std::size_t left = text.size();
  std::size_t room = packed.size();
  const bool done = BrotliEncoderCompressStream(encoder, BROTLI_OPERATION_FINISH, &left, &in, &room,
                                                &out, nullptr) == BROTLI_TRUE &&
                    BrotliEncoderIsFinished(encoder) == BROTLI_TRUE;
  packed.resize(done ? packed.size() - room : 0);
  return packed;
}
std::string unpack(BrotliDecoderState* decoder, const std::string& packed, std::size_t bytes) {
  std::string text(bytes, '\0');
  const std::uint8_t* in = bytes_of(packed);
  auto* out = reinterpret_cast<std::uint8_t*>(text.data());
  std::size_t left = packed.size();
  std::size_t room = text.size();
  EXPECT_EQ(BrotliDecoderDecompressStream(decoder, &left, &in, &room, &out, nullptr),
            BROTLI_DECODER_RESULT_SUCCESS);
  return text;
}

template <class S>
void round_trip(S& strategy) {
  const test::ReportedMisuse reported;
  const std::string text = clients::languages();
  BrotliEncoderState* const encoder = hooks::pass_to(BrotliEncoderCreateInstance, strategy);
  ASSERT_TRUE(strategy.owns(encoder));
  const std::string packed = pack(encoder, text);
  BrotliEncoderDestroyInstance(encoder);
  EXPECT_GT(packed.size(), 1000u);
  EXPECT_LT(packed.size(), text.size() / 4);

  BrotliDecoderState* const decoder = hooks::pass_to(BrotliDecoderCreateInstance, strategy);
  ASSERT_TRUE(strategy.owns(decoder));
  EXPECT_EQ(unpack(decoder, packed, text.size()), text);
  BrotliDecoderDestroyInstance(decoder);
  EXPECT_EQ(reported.texts().size(), 0u);
}

TEST(Brotli, RoundTripInAnArena) {
  Arena arena(64_MiB);
  round_trip(arena);
}
TEST(Brotli, RoundTripInARegion) {
  Region region;
  round_trip(region);
}
TEST(Brotli, RoundTripInAMultipool) {
  Multipool pool;
  round_trip(pool);
  EXPECT_EQ(pool.used(), 0u);
}

TEST(Brotli, SaysWhenTheArenaIsTooSmallAndTheArenaIsUsable) {
  Arena arena(64);
  EXPECT_EQ(hooks::pass_to(BrotliEncoderCreateInstance, arena), nullptr);
  EXPECT_EQ(hooks::pass_to(BrotliDecoderCreateInstance, arena), nullptr);
  EXPECT_NE(arena.try_allocate(64), nullptr);
}

} // namespace
