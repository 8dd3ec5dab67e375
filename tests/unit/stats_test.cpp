#include <allot/stats.hpp>

#include "support.hpp"

#include <allot/allot.hpp>
#include <allot/format.hpp>
#include <allot/json.hpp>

#include <sstream>
#include <string>

using namespace allot;

namespace {

template <class S>
std::string printed(const S& stats) {
  std::ostringstream out;
  out << stats;
  return out.str();
}

TEST(Stats, AreALine) {
  Arena arena(1024, {.name = "request"});
  (void)arena.allocate(100);
  EXPECT_EQ(printed(arena.stats()),
            "request: 104 of 1024 bytes used, 920 left, peak 104, 1024 held");
}

TEST(Stats, OfThePageSayItsUnitsFirst) {
  BlockPool blocks(48, 10, {.name = "nodes"});
  (void)blocks.allocate();
  EXPECT_TRUE(printed(blocks.stats())
                  .starts_with("nodes: 1 of 10 blocks in use (10 %); 48 of 480 bytes used"));
  ObjectPool<int> objects(4);
  (void)objects.acquire();
  EXPECT_TRUE(printed(objects.stats())
                  .starts_with("object_pool: 1 objects in use, 0 available, 1 ever made, 4 "
                               "expected; 8 of 8 bytes used"));
  Region region;
  (void)region.allocate(10);
  EXPECT_TRUE(printed(region.stats())
                  .starts_with("region: 1 arenas, 16 of 65536 bytes of the current one; 16 of "
                               "65536 bytes used"));
}

TEST(Stats, OfThePageAreFourFieldsToStructuredBindings) {
  BlockPool blocks(48, 10);
  (void)blocks.allocate();
  const auto [total, used, free, utilization] = blocks.stats();
  EXPECT_EQ(total, 10u);
  EXPECT_EQ(used, 1u);
  EXPECT_EQ(free, 9u);
  EXPECT_EQ(utilization, 0.1);
  ObjectPool<int> objects(4);
  (void)objects.acquire();
  auto [available, in_use, total_allocated, capacity] = objects.stats();
  EXPECT_EQ(available, 0u);
  EXPECT_EQ(in_use, 1u);
  EXPECT_EQ(total_allocated, 1u);
  EXPECT_EQ(capacity, 4u);
}

TEST(Stats, AreJson) {
  Arena arena(1024, {.name = "a \"name\"\\\n"});
  EXPECT_EQ(to_json(arena.stats()),
            "{\"name\":\"a \\\"name\\\"\\\\\\u000a\",\"capacity\":1024,\"used\":0,"
            "\"available\":1024,\"peak\":0,\"committed\":1024}");
  BlockPool blocks(48, 10, {.name = "nodes"});
  (void)blocks.allocate();
  EXPECT_TRUE(to_json(blocks.stats())
                  .starts_with("{\"name\":\"nodes\",\"total\":10,\"used\":1,\"free\":9,"
                               "\"utilization\":0.100000,\"memory\":{\"name\":\"nodes\","
                               "\"capacity\":480,\"used\":48,"));
}

TEST(Stats, OfAClassAreALineAndJson) {
  const ClassStats stats{.block_bytes = 64, .used = 12, .available = 52};
  EXPECT_EQ(printed(stats), "blocks of 64 bytes: 12 in use, 52 available");
  EXPECT_EQ(to_json(stats), "{\"block_bytes\":64,\"used\":12,\"available\":52}");
#if defined(__cpp_lib_format)
  EXPECT_EQ(std::format("{}", stats), printed(stats));
#endif
}

#if defined(__cpp_lib_format)
TEST(Stats, AreFormattedAsStringsAre) {
  Arena arena(1024);
  EXPECT_EQ(std::format("{}", arena.stats()), printed(arena.stats()));
  EXPECT_EQ(std::format("{:>80}", arena.stats()).size(), 80u);
  EXPECT_EQ(std::format("{}", Region().stats()), printed(Region().stats()));
}
#endif

} // namespace
