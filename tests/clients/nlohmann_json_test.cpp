// nlohmann::json in a Multipool and in a Region: its allocators are made from nothing, by a
// template that is given only a type.
#include <allot/allocator.hpp>
#include <allot/allot.hpp>

#include "files.hpp"
#include "support.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace allot;

Multipool pool;
Region region;
template <class T>
using InPool = StaticAllocator<T, pool>;
template <class T>
using InRegion = StaticAllocator<T, region>;

template <template <class> class On>
using String = std::basic_string<char, std::char_traits<char>, On<char>>;
template <template <class> class On>
using Json = nlohmann::basic_json<std::map, std::vector, String<On>, bool, std::int64_t,
                                  std::uint64_t, double, On>;

/// Parses real files, writes them, copies and edits them, as it does on the heap.
template <class Ours, class Strategy>
void works_as_on_the_heap(const Strategy& strategy) {
  const std::string text = clients::subdivisions();
  const nlohmann::json expected = nlohmann::json::parse(text);
  const std::string written = expected.dump();
  ASSERT_GT(written.size(), 300'000u);

  Ours document = Ours::parse(text);
  EXPECT_GT(strategy.used(), 400'000u);
  EXPECT_EQ(std::string_view(document.dump()), written);
  auto& entries = document["3166-2"];
  ASSERT_TRUE(strategy.owns(&entries[0]));
  const std::size_t count = entries.size();
  EXPECT_EQ(count, expected["3166-2"].size());
  for (std::size_t i = 0; i != count; ++i) {
    Ours copy = entries[i];
    copy["copied"] = i;
    entries.push_back(std::move(copy));
  }
  EXPECT_EQ(entries[2 * count - 1]["code"], entries[count - 1]["code"]);
  EXPECT_EQ(entries[2 * count - 1]["copied"], count - 1);
  entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(count), entries.end());
  EXPECT_EQ(std::string_view(document.dump()), written);
  EXPECT_THROW((void)Ours::parse("[1, 2, {").size(), typename Ours::parse_error);
}

TEST(NlohmannJson, WorksInAMultipoolAsOnTheHeap) {
  works_as_on_the_heap<Json<InPool>>(pool);
  EXPECT_EQ(pool.used(), 0u);
}
TEST(NlohmannJson, WorksInARegionAsOnTheHeap) {
  for (int round = 0; round != 2; ++round) {
    works_as_on_the_heap<Json<InRegion>>(region);
    region.reset();
    EXPECT_EQ(region.used(), 0u);
  }
}

TEST(NlohmannJson, SaysWhenThePoolIsFullAndThePoolIsUsable) {
  const std::string text = clients::subdivisions();
  for (const std::size_t limit : {512_KiB, 1_MiB}) {
    pool = Multipool({.limit = limit});
    EXPECT_THROW((void)Json<InPool>::parse(text).size(), Exhausted) << limit;
    EXPECT_EQ(pool.used(), 0u) << limit;
    EXPECT_EQ(Json<InPool>::parse("[1, 2]").size(), 2u);
    EXPECT_EQ(pool.used(), 0u) << limit;
  }
  pool = Multipool();
}

} // namespace
