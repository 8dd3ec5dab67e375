// The flame graph of a report.
#include "made.hpp"

#include <map>

namespace {

using rapidjson::Value;

/// By the names from the root on, but for the root's: calls and bytes.
std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> flame_of(const Made& made) {
  const Value& flame = made["flame"];
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> nodes;
  std::vector<std::string> paths;
  for (rapidjson::SizeType i = 0; i < flame["parent"].Size(); ++i) {
    const int parent = flame["parent"][i].GetInt();
    EXPECT_LT(parent, static_cast<int>(i));
    const std::string name = text_of(flame["names"][flame["name"][i].GetUint()]);
    paths.push_back(parent <= 0 ? (i == 0 ? "" : name)
                                : paths[static_cast<std::size_t>(parent)] + " " + name);
    const auto [at, made_now] = nodes.try_emplace(paths.back(), flame["calls"][i].GetUint64(),
                                                  flame["bytes"][i].GetUint64());
    EXPECT_TRUE(made_now) << "twice: " << paths.back();
  }
  return nodes;
}

std::string path(const std::vector<std::uint32_t>& functions) {
  std::string path;
  for (const std::uint32_t function : functions)
    path.append(path.empty() ? "" : " ").append(Recording::name(function));
  return path;
}

TEST(ReportFlame, ANodeHasWhatIsCalledBelowIt) {
  const auto flame = flame_of(Made([](Recording& r) {
    r.allocate(100);
    const Call call(r, work);
    r.allocate(20, 1);
    r.allocate(20, 2); // another line of the same function
    const Call deeper(r, inner);
    r.allocate(3);
  }));
  using Sum = std::pair<std::uint64_t, std::uint64_t>;
  EXPECT_EQ(flame.at(""), Sum(4, 143));
  EXPECT_EQ(flame.at(path({start, main_function})), Sum(4, 143));
  EXPECT_EQ(flame.at(path({start, main_function, work})), Sum(3, 43));
  EXPECT_EQ(flame.at(path({start, main_function, work, inner})), Sum(1, 3));
  EXPECT_EQ(flame.size(), 5u);
}

TEST(ReportFlame, AFunctionThatCallsItselfStandsOnce) {
  const auto flame = flame_of(Made([](Recording& r) {
    const Call a(r, work);
    const Call b(r, inner);
    const Call c(r, work);
    const Call d(r, inner);
    r.allocate(8);
  }));
  EXPECT_EQ(flame.count(path({start, main_function, work, inner})), 1u);
  EXPECT_EQ(flame.size(), 5u);
}

/// Each leaf of a tree of calls allocates as often as its number says.
void many_stacks(Recording& r) {
  for (std::uint32_t i = 0; i < 8000; ++i) {
    const Call a(r, 10 + i % 30);
    const Call b(r, 50 + i / 30 % 30);
    const Call c(r, 100 + i / 900);
    for (std::uint32_t n = 0; n <= i % 7; ++n)
      r.free(r.allocate(n + 1));
  }
}

TEST(ReportFlame, OfManyStacksTheSmallOnesAreAddedUp) {
  const Made made(many_stacks);
  EXPECT_LE(made["flame"]["parent"].Size(), 5000u);
  EXPECT_GE(made["flame"]["parent"].Size(), 900u);
  const Value& flame = made["flame"];
  std::vector<std::uint64_t> below(flame["parent"].Size());
  std::uint64_t others = 0;
  for (rapidjson::SizeType i = 1; i < below.size(); ++i) {
    below[flame["parent"][i].GetUint()] += flame["calls"][i].GetUint64();
    others += text_of(flame["names"][flame["name"][i].GetUint()]) == "(other)" ? 1 : 0;
  }
  EXPECT_GT(others, 0u);
  for (rapidjson::SizeType i = 0; i < below.size(); ++i)
    if (below[i] != 0) { // it only calls, and allocates nothing itself
      EXPECT_EQ(below[i], flame["calls"][i].GetUint64()) << i;
    }
  EXPECT_EQ(flame["calls"][0].GetUint64(), made["program"]["calls"].GetUint64());
}

TEST(ReportFlame, ANodeBelongsToTheEntryThatHasMostOfItsCalls) {
  const Made made([](Recording& r) {
    for (int i = 0; i < 1000; ++i) {
      const Call call(r, work);
      std::vector<Recording::Address> blocks;
      for (std::uint64_t k = 1; k < 6; ++k) {
        const Call deeper(r, inner);
        blocks.push_back(r.allocate(16 * k));
      }
      for (const auto block : blocks)
        r.free(block);
    }
    for (int i = 0; i < 10; ++i) {
      const Call call(r, other);
      r.allocate(64);
    }
  });
  ASSERT_EQ(text_of(made["entries"][0]["kind"]), "region");
  const Value& flame = made["flame"];
  for (rapidjson::SizeType i = 1; i < flame["parent"].Size(); ++i) {
    const std::string name = text_of(flame["names"][flame["name"][i].GetUint()]);
    if (name == Recording::name(inner) || name == Recording::name(work)) {
      EXPECT_EQ(flame["entry"][i].GetInt(), 0);
    } else if (name == Recording::name(other)) {
      EXPECT_EQ(flame["entry"][i].GetInt(), -1);
    }
  }
}

} // namespace
