// FreeType in a Multipool, a Region and an Arena: its hooks get a structure of its own, in which a
// member is the context, and the one that reallocates is told the old size, and the block last.
#include <allot/allot.hpp>
#include <allot/hooks.hpp>

#include "files.hpp"
#include "support.hpp"

#include <ft2build.h>
#include <gtest/gtest.h>
#include FT_FREETYPE_H
#include FT_MODULE_H
#include FT_OUTLINE_H
#include FT_SYSTEM_H

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using namespace allot;

template <class S>
FT_MemoryRec_ memory_in(S& strategy) {
  using Hooks = hooks::Through<&FT_MemoryRec_::user, S>;
  return {&strategy, Hooks::allocate, Hooks::deallocate, Hooks::reallocate};
}
/// What it is compared with, and what a library that was given no memory has.
FT_MemoryRec_ memory_of_malloc() {
  return {nullptr, [](FT_Memory, long bytes) { return std::malloc(static_cast<size_t>(bytes)); },
          [](FT_Memory, void* p) { std::free(p); },
          [](FT_Memory, long, long bytes, void* p) {
            return std::realloc(p, static_cast<size_t>(bytes));
          }};
}

const std::string& font() {
  static const std::string bytes = clients::read("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf");
  return bytes;
}

struct Drawn {
  FT_Error error = 0;
  std::uint64_t glyphs = 0;
  std::uint64_t hash = 14695981039346656037u; // FNV's, of all pixels
};

void add(Drawn& drawn, const FT_Bitmap& bitmap) {
  ++drawn.glyphs;
  for (unsigned row = 0; row != bitmap.rows; ++row)
    for (unsigned i = 0; i != bitmap.width; ++i)
      drawn.hash = (drawn.hash ^ bitmap.buffer[row * static_cast<unsigned>(bitmap.pitch) + i]) *
                   1099511628211u;
}

/// Draws the first glyphs of the font, hinted, emboldened and in three sizes.
Drawn draw(FT_Library library) {
  Drawn drawn;
  FT_Face face = nullptr;
  drawn.error = FT_New_Memory_Face(library, reinterpret_cast<const FT_Byte*>(font().data()),
                                   static_cast<FT_Long>(font().size()), 0, &face);
  for (const FT_UInt pixels : {9u, 24u, 100u}) {
    if (drawn.error == 0)
      drawn.error = FT_Set_Pixel_Sizes(face, 0, pixels);
    for (FT_UInt glyph = 0; drawn.error == 0 && glyph != 300; ++glyph) {
      drawn.error = FT_Load_Glyph(face, glyph, FT_LOAD_DEFAULT);
      if (drawn.error == 0 && glyph % 3 == 0)
        drawn.error = FT_Outline_Embolden(&face->glyph->outline, 64);
      if (drawn.error == 0)
        drawn.error = FT_Render_Glyph(face->glyph, FT_RENDER_MODE_NORMAL);
      if (drawn.error == 0)
        add(drawn, face->glyph->bitmap);
    }
  }
  FT_Done_Face(face);
  return drawn;
}

/// A library of its own in that memory, which is given back before this returns.
Drawn draw_in(FT_MemoryRec_ memory) {
  Drawn drawn;
  FT_Library library = nullptr;
  drawn.error = FT_New_Library(&memory, &library);
  if (drawn.error != 0)
    return drawn;
  FT_Add_Default_Modules(library);
  drawn = draw(library);
  EXPECT_EQ(FT_Done_Library(library), 0);
  return drawn;
}

template <class S>
void draws_as_under_malloc(S& strategy) {
  const test::ReportedMisuse reported;
  static const Drawn expected = draw_in(memory_of_malloc());
  ASSERT_EQ(expected.glyphs, 900u);
  const Drawn drawn = draw_in(memory_in(strategy));
  EXPECT_EQ(drawn.error, 0);
  EXPECT_EQ(drawn.glyphs, expected.glyphs);
  EXPECT_EQ(drawn.hash, expected.hash);
  EXPECT_GT(strategy.peak(), 50'000u);
  EXPECT_EQ(reported.texts().size(), 0u);
}

TEST(FreeType, DrawsTheSameInAMultipool) {
  Multipool pool;
  draws_as_under_malloc(pool);
  EXPECT_EQ(pool.used(), 0u);
}
TEST(FreeType, DrawsTheSameInARegion) {
  Region region;
  for (int round = 0; round != 2; ++round) {
    draws_as_under_malloc(region);
    region.reset();
  }
}
TEST(FreeType, DrawsTheSameInAnArena) {
  Arena arena(64_MiB);
  draws_as_under_malloc(arena);
}

TEST(FreeType, SaysWhenThePoolIsFullAndThePoolIsUsable) {
  int refused = 0;
  int drew = 0;
  for (std::size_t limit = 64_KiB; limit <= 2_MiB; limit += 64_KiB) {
    Multipool pool({.limit = limit});
    const Drawn drawn = draw_in(memory_in(pool));
    EXPECT_TRUE(drawn.error == FT_Err_Out_Of_Memory || drawn.glyphs == 900u) << drawn.error;
    ++(drawn.error == 0 ? drew : refused);
    EXPECT_EQ(pool.used(), 0u) << limit;
    EXPECT_NE(pool.try_allocate(limit / 2), nullptr);
  }
  EXPECT_GT(refused, 5);
  EXPECT_GT(drew, 5);
}

} // namespace
