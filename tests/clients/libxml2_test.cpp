// libxml2 in a Multipool and in a Region: its hooks get no context, and one of them copies texts.
// Its memory is chosen once, before all else; what it keeps for itself goes with xmlCleanupParser.
#include <allot/allot.hpp>
#include <allot/hooks.hpp>

#include "files.hpp"
#include "support.hpp"

#include <gtest/gtest.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xmlmemory.h>
#include <libxml/xpath.h>

#include <cstddef>
#include <string>

namespace {

using namespace allot;

Multipool pool;
Region region;

/// libxml2 in the memory of these, from here to the end of the block, when it keeps nothing.
class Libxml2 {
public:
  Libxml2(xmlFreeFunc free, xmlMallocFunc malloc, xmlReallocFunc realloc, xmlStrdupFunc strdup) {
    xmlMemGet(&free_, &malloc_, &realloc_, &strdup_);
    EXPECT_EQ(xmlMemSetup(free, malloc, realloc, strdup), 0);
    xmlInitParser();
  }
  Libxml2(const Libxml2&) = delete;
  ~Libxml2() {
    xmlCleanupParser();
    xmlMemSetup(free_, malloc_, realloc_, strdup_);
  }

private:
  xmlFreeFunc free_ = nullptr;
  xmlMallocFunc malloc_ = nullptr;
  xmlReallocFunc realloc_ = nullptr;
  xmlStrdupFunc strdup_ = nullptr;
};

/// The names of extinct languages, from a tree by an expression, and how long the tree is when it
/// was copied, changed and written.
std::string names_of_languages(const std::string& text) {
  std::string names;
  xmlDoc* const document =
      xmlReadMemory(text.data(), static_cast<int>(text.size()), "languages.xml", nullptr, 0);
  if (document == nullptr)
    return "no document";
  xmlXPathContext* const context = xmlXPathNewContext(document);
  xmlXPathObject* const found =
      xmlXPathEvalExpression(BAD_CAST "//iso_639_3_entry[@type='E']/@name", context);
  if (found != nullptr && found->nodesetval != nullptr)
    for (int i = 0; i != found->nodesetval->nodeNr; ++i) {
      xmlChar* const name = xmlNodeGetContent(found->nodesetval->nodeTab[i]);
      names += reinterpret_cast<const char*>(name);
      names += '\n';
      xmlFree(name);
    }
  xmlXPathFreeObject(found);
  xmlXPathFreeContext(context);
  xmlDoc* const copy = xmlCopyDoc(document, 1);
  xmlNewTextChild(xmlDocGetRootElement(copy), nullptr, BAD_CAST "added", BAD_CAST "a & b");
  xmlChar* written = nullptr;
  int bytes = 0;
  xmlDocDumpMemory(copy, &written, &bytes);
  names += std::to_string(bytes);
  xmlFree(written);
  xmlFreeDoc(copy);
  xmlFreeDoc(document);
  return names;
}

std::string languages_as_xml() {
  return clients::read("/usr/share/xml/iso-codes/iso_639-3.xml");
}
const std::string& expected_names() {
  static const std::string names = names_of_languages(languages_as_xml());
  return names;
}

template <auto& strategy>
void reads_as_under_malloc() {
  ASSERT_GT(expected_names().size(), 5000u);
  xmlCleanupParser(); // what came from malloc goes there
  const test::ReportedMisuse reported;
  {
    const Libxml2 libxml2(hooks::deallocate<strategy>, hooks::allocate<strategy>,
                          hooks::reallocate<strategy>, hooks::copy_text<strategy>);
    char* const copied = xmlMemStrdup("a text");
    EXPECT_TRUE(strategy.owns(copied));
    EXPECT_STREQ(copied, "a text");
    xmlFree(copied);
    EXPECT_EQ(names_of_languages(languages_as_xml()), expected_names());
    EXPECT_GT(strategy.peak(), 3'000'000u);
  }
  EXPECT_EQ(reported.texts().size(), 0u);
}

TEST(Libxml2, ReadsTheSameInAMultipool) {
  reads_as_under_malloc<pool>();
  EXPECT_EQ(pool.used(), 0u);
}
TEST(Libxml2, ReadsTheSameInARegion) {
  for (int round = 0; round != 2; ++round) {
    reads_as_under_malloc<region>();
    region.reset(); // nothing of it is used any more
    EXPECT_EQ(region.used(), 0u);
  }
}

void say_nothing(void*, const char*, ...) {} // where it would print that memory is out

TEST(Libxml2, SaysWhenThePoolIsFullAndThePoolIsUsable) {
  const std::string text = languages_as_xml();
  xmlCleanupParser();
  pool = Multipool({.limit = 1_MiB});
  {
    const Libxml2 libxml2(hooks::deallocate<pool>, hooks::allocate<pool>, hooks::reallocate<pool>,
                          hooks::copy_text<pool>);
    xmlSetGenericErrorFunc(nullptr, say_nothing);
    EXPECT_EQ(names_of_languages(text), "no document");
    ASSERT_NE(xmlGetLastError(), nullptr);
    EXPECT_EQ(xmlGetLastError()->code, XML_ERR_NO_MEMORY);
    xmlDoc* const small = xmlReadMemory("<a><b/></a>", 11, "small.xml", nullptr, 0);
    EXPECT_NE(small, nullptr);
    xmlFreeDoc(small);
    xmlSetGenericErrorFunc(nullptr, nullptr);
  }
  EXPECT_LT(pool.used(), 32_KiB); // libxml2 2.9 loses some when memory is out, malloc's too
  pool = Multipool();
}

} // namespace
