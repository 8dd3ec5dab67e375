// expat in a region: its hooks get no context, and realloc is not told the old size.
#include <allot/allot.hpp>
#include <allot/hooks.hpp>

#include "files.hpp"
#include "support.hpp"

#include <expat.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <ostream>
#include <string>
#include <string_view>

namespace {

using namespace allot;

/// The root elements of the package's files (but of one, which is not well formed) inside a common
/// one, three times: some three megabytes.
std::string document() {
  std::string roots;
  for (const char* name :
       {"iso_15924", "iso_3166-1", "iso_4217", "iso_639-2", "iso_639-3", "iso_639-5"}) {
    const std::string text =
        clients::read(std::string("/usr/share/xml/iso-codes/") + name + ".xml");
    roots.append(text, text.find("]>") + 2);
  }
  return "<all>" + roots + roots + roots + "</all>";
}

struct Counts {
  std::size_t elements = 0, attributes = 0, attribute_bytes = 0, text_bytes = 0;
  std::uint64_t hash = 14695981039346656037U; // of all names and texts, in order
  bool operator==(const Counts&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const Counts& c) {
    return out << c.elements << " elements, " << c.attributes << " attributes of "
               << c.attribute_bytes << " bytes, " << c.text_bytes << " bytes of text";
  }
  void add(std::string_view text) {
    for (const char c : text)
      hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  }
};

void start(void* data, const XML_Char* name, const XML_Char** attributes) {
  Counts& counts = *static_cast<Counts*>(data);
  ++counts.elements;
  counts.add(name);
  for (; *attributes != nullptr; attributes += 2) {
    ++counts.attributes;
    counts.attribute_bytes += std::strlen(attributes[1]);
    counts.add(attributes[0]);
    counts.add(attributes[1]);
  }
}
void text(void* data, const XML_Char* text, int bytes) {
  Counts& counts = *static_cast<Counts*>(data);
  counts.text_bytes += static_cast<std::size_t>(bytes);
  counts.add({text, static_cast<std::size_t>(bytes)});
}

/// Parses `document` in pieces, as it would come from a file.
XML_Error parse(XML_Parser parser, std::string_view document, Counts& counts) {
  XML_SetUserData(parser, &counts);
  XML_SetElementHandler(parser, start, nullptr);
  XML_SetCharacterDataHandler(parser, text);
  while (true) {
    const std::string_view piece = document.substr(0, 10'000);
    document.remove_prefix(piece.size());
    if (XML_Parse(parser, piece.data(), static_cast<int>(piece.size()), document.empty()) ==
        XML_STATUS_ERROR)
      return XML_GetErrorCode(parser);
    if (document.empty())
      return XML_ERROR_NONE;
  }
}
Counts counts_under_malloc(std::string_view document) {
  Counts counts;
  XML_Parser parser = XML_ParserCreate(nullptr);
  EXPECT_EQ(parse(parser, document, counts), XML_ERROR_NONE);
  XML_ParserFree(parser);
  return counts;
}

Region region;
Multipool pool;

template <auto& strategy>
constexpr XML_Memory_Handling_Suite memory_of{
    hooks::allocate<strategy>, hooks::reallocate<strategy>, hooks::deallocate<strategy>};

template <auto& strategy>
void parses_as_under_malloc() {
  const std::string document = ::document();
  ASSERT_GT(document.size(), 2'500'000u);
  const Counts expected = counts_under_malloc(document);
  EXPECT_GT(expected.elements, 20'000u);
  EXPECT_GT(expected.attribute_bytes, 100'000u);
  EXPECT_GT(expected.text_bytes, 10'000u);

  XML_Parser parser = XML_ParserCreate_MM(nullptr, &memory_of<strategy>, nullptr);
  ASSERT_TRUE(strategy.owns(parser));
  Counts counts;
  EXPECT_EQ(parse(parser, document, counts), XML_ERROR_NONE);
  EXPECT_EQ(counts, expected);
  XML_ParserFree(parser);
}

TEST(Expat, CountsTheSameInARegion) {
  for (int round = 0; round != 2; ++round) {
    parses_as_under_malloc<region>();
    EXPECT_LT(region.used(), 4_MiB);
    region.reset();
  }
}
TEST(Expat, CountsTheSameInAMultipool) {
  parses_as_under_malloc<pool>();
  EXPECT_EQ(pool.used(), 0u);
}

TEST(Expat, SaysWhenTheRegionIsFullAndTheRegionIsUsable) {
  const std::string document = ::document();
  int refused = 0;
  for (std::size_t limit = 1024; limit < 256_KiB; limit += 1024) {
    region = Region({.arena_size = 1024, .limit = limit});
    XML_Parser parser = XML_ParserCreate_MM(nullptr, &memory_of<region>, nullptr);
    if (parser != nullptr) {
      Counts counts;
      const XML_Error error = parse(parser, std::string_view(document).substr(0, 100'000), counts);
      EXPECT_TRUE(error == XML_ERROR_NO_MEMORY || error == XML_ERROR_NO_ELEMENTS ||
                  error == XML_ERROR_UNCLOSED_TOKEN)
          << XML_ErrorString(error);
      refused += error == XML_ERROR_NO_MEMORY;
      XML_ParserFree(parser);
    } else {
      ++refused;
    }
    region.reset();
    EXPECT_NE(region.try_allocate(1024), nullptr);
  }
  EXPECT_GT(refused, 10);
  region = Region();
}

} // namespace
