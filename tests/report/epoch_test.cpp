// What a report says of advice, and the picture of a typical epoch.
#include "made.hpp"

#include <algorithm>

namespace {

using rapidjson::Value;

/// A call of work that makes so many blocks in another function, all of which go before it ends,
/// and `kept` ones that stay.
void make_request(Recording& r, std::uint32_t blocks, std::uint32_t kept) {
  const Call call(r, work);
  std::vector<Recording::Address> mine;
  for (std::uint32_t i = 0; i < blocks; ++i) {
    const Call deeper(r, inner);
    mine.push_back(r.allocate(16 + i % 5 * 16, 1));
  }
  for (std::uint32_t i = 0; i < kept; ++i) {
    const Call elsewhere(r, other);
    r.allocate(500, 2);
  }
  for (const auto block : mine)
    r.free(block, 9);
}

Made requests(const std::vector<std::uint32_t>& blocks, std::uint32_t kept) {
  return Made([&](Recording& r) {
    for (const std::uint32_t n : blocks)
      make_request(r, n, kept);
  });
}

std::vector<std::uint32_t> many(std::uint32_t n) {
  std::vector<std::uint32_t> blocks;
  for (std::uint32_t i = 0; i < n; ++i)
    blocks.insert(blocks.end(), {3, 20, 12, 4, 19});
  return blocks;
}

TEST(ReportEntry, SaysWhatAdviceSays) {
  const Made made = requests(many(40), 1);
  const Value& entry = made.entry("region");
  const advise::Entry& advised = made.advice.entries[0];
  EXPECT_EQ(text_of(entry["function"]), Recording::name(work));
  EXPECT_EQ(entry["calls"].GetUint64(), 40u * (3 + 20 + 12 + 4 + 19));
  EXPECT_EQ(entry["bytes"].GetUint64(), advised.bytes);
  EXPECT_EQ(entry["epochs"].GetUint64(), 200u);
  EXPECT_EQ(entry["max_bytes"].GetUint64(), 20u * 48);
  EXPECT_EQ(entry["threads"].GetUint(), 1u);
  EXPECT_EQ(text_of(entry["allocated_in"][0]), Recording::name(inner));
  EXPECT_NE(text_of(entry["lines"]).find("allot::Region region("), std::string::npos);
  ASSERT_EQ(entry["sites"].Size(), 1u);
  const Value& site = made["sites"][entry["sites"][0].GetUint()];
  EXPECT_EQ(text_of(site["function"]), Recording::name(inner));
  EXPECT_EQ(site["entry"].GetInt(), 0);
}

TEST(ReportEpoch, IsTheOneWithTheMedianNumberOfBlocks) {
  const Made made = requests(many(40), 2);
  const Value& epoch = made.entry("region")["epoch"];
  EXPECT_EQ(epoch["blocks"].GetUint64(), 12u);
  EXPECT_EQ((epoch["number"].GetUint64() - 1) % 5, 2u);
  EXPECT_EQ(epoch["bytes"].GetUint64(), 16u * (3 * 1 + 3 * 2 + 2 * 3 + 2 * 4 + 2 * 5));
  EXPECT_EQ(epoch["span"].GetUint64(), 12u + 2 + 12 - 1);
}

TEST(ReportEpoch, ShowsWhatLivesAndWhatLivesOn) {
  const Made made = requests(many(40), 2);
  const Value& epoch = made.entry("region")["epoch"];
  EXPECT_EQ(epoch["others"].GetUint64(), 2u);
  EXPECT_EQ(epoch["other_bytes"].GetUint64(), 1000u);
  EXPECT_EQ(epoch["outliving"].GetUint64(), 2u);
  std::vector<std::uint64_t> births;
  std::vector<std::uint64_t> deaths;
  std::vector<std::uint64_t> own;
  for (std::uint64_t i = 0; i < 14; ++i) {
    births.push_back(i);
    own.push_back(i < 12 ? 1 : 0);
    deaths.push_back(i < 12 ? 14 + i : 25);
  }
  EXPECT_EQ(numbers(epoch["birth"]), births);
  EXPECT_EQ(numbers(epoch["death"]), deaths);
  EXPECT_EQ(numbers(epoch["own"]), own);
  std::vector<std::uint64_t> outlives(14, 0);
  outlives[12] = outlives[13] = 1;
  EXPECT_EQ(numbers(epoch["outlives"]), outlives);
  EXPECT_EQ(epoch["size"][12].GetUint64(), 500u);
  EXPECT_EQ(text_of(made["sites"][epoch["site"][12].GetUint()]["function"]),
            Recording::name(other));
}

TEST(ReportEpoch, OfManyBlocksSomeAreDrawnEvenly) {
  const Made made = requests({5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000}, 900);
  const Value& epoch = made.entry("region")["epoch"];
  EXPECT_EQ(epoch["blocks"].GetUint64(), 5000u);
  EXPECT_EQ(epoch["others"].GetUint64(), 900u);
  const std::vector<std::uint64_t> births = numbers(epoch["birth"]);
  EXPECT_LE(births.size(), 400u);
  EXPECT_GE(births.size(), 200u);
  EXPECT_TRUE(std::is_sorted(births.begin(), births.end()));
  for (std::size_t i = 1; i < births.size(); ++i)
    EXPECT_LE(births[i] - births[i - 1], 32u);
}

TEST(ReportEpoch, ThereIsNoneOfAPool) {
  const Made made([](Recording& r) {
    std::vector<Recording::Address> blocks;
    for (std::uint32_t i = 0; i < 3000; ++i) {
      const Call call(r, work);
      if (blocks.size() < 100 || i * 7919 % 2 == 0) {
        blocks.push_back(r.allocate(48));
      } else {
        std::swap(blocks[i * 7919 % blocks.size()], blocks.back());
        r.free(blocks.back());
        blocks.pop_back();
      }
    }
  });
  const Value& pool = made.entry("pool");
  EXPECT_TRUE(pool["epoch"].IsNull());
  EXPECT_EQ(pool["block_bytes"].GetUint64(), 48u);
}

TEST(ReportEntry, WhereNothingIsWorthDoingItSaysSo) {
  const Made made({.main = [](Recording& r) { r.free(r.allocate(1)); }, .seconds = 10});
  ASSERT_EQ(made["entries"].Size(), 1u);
  EXPECT_EQ(text_of(made["entries"][0]["kind"]), "leave");
  EXPECT_EQ(made["sites"][0]["entry"].GetInt(), -1);
}

} // namespace
