// The figures of a report are what the program did.
#include "made.hpp"

#include <algorithm>
#include <numeric>

namespace {

using rapidjson::Value;

TEST(ReportData, TheProgramIsWhatWasRun) {
  const Made made({.main =
                       [](Recording& r) {
                         r.free(r.allocate(100));
                         const auto block = r.reallocate(r.allocate(30), 50);
                         r.allocate(7);
                         r.on_thread(1);
                         const Call call(r, other);
                         r.free(block);
                         r.at(2'500'000'000);
                         r.allocate(1);
                       },
                   .path = "/nowhere/program",
                   .arguments = {"program", "--fast"},
                   .seconds = 0.25});
  const Value& program = made["program"];
  EXPECT_EQ(text_of(program["path"]), "/nowhere/program");
  EXPECT_EQ(text_of(program["arguments"][1]), "--fast");
  EXPECT_EQ(text_of(program["status"]), "exit 0");
  EXPECT_FALSE(program["cut_short"].GetBool());
  EXPECT_DOUBLE_EQ(program["processor_seconds"].GetDouble(), 0.25);
  EXPECT_DOUBLE_EQ(program["seconds"].GetDouble(), 2.5);
  EXPECT_EQ(program["threads"].GetUint(), 2u);
  EXPECT_EQ(program["events"].GetUint64(), 7u);
  EXPECT_EQ(program["calls"].GetUint64(), 5u);
  EXPECT_EQ(program["bytes"].GetUint64(), 188u);
  EXPECT_EQ(program["peak_bytes"].GetUint64(), 100u);
  EXPECT_EQ(program["releases"].GetUint64(), 2u);
  EXPECT_EQ(program["reallocations"].GetUint64(), 1u);
  EXPECT_EQ(program["left_blocks"].GetUint64(), 2u);
  EXPECT_EQ(program["left_bytes"].GetUint64(), 8u);
  EXPECT_EQ(program["foreign"].GetUint64(), 1u);
}

TEST(ReportData, ArgumentsWithoutEndAreShownInPart) {
  const Made made(
      {.main = [](Recording& r) { r.allocate(1); }, .arguments = {1000, std::string(90, 'x')}});
  const Value& arguments = made["program"]["arguments"];
  EXPECT_LT(arguments.Size(), 40u);
  EXPECT_EQ(text_of(arguments[arguments.Size() - 1]), "...");
}

/// Some live throughout, some come and go.
void grow_and_shrink(Recording& r) {
  r.at(0);
  std::vector<Recording::Address> lasting;
  for (int i = 0; i < 3000; ++i) {
    const Call call(r, work);
    std::vector<Recording::Address> blocks;
    for (std::uint64_t k = 0; k < 5; ++k) {
      const Call deeper(r, inner);
      blocks.push_back(r.allocate(100 * (k + 1), static_cast<std::uint32_t>(k)));
    }
    for (const auto block : blocks)
      r.free(block, 9);
    if (i % 10 == 0)
      lasting.push_back(r.allocate(1000, 5));
  }
  r.at(10'000'000'000);
  for (const auto block : lasting)
    r.free(block);
}

TEST(ReportData, ThePeakIsAPointOfMemory) {
  const Made made(grow_and_shrink);
  const std::vector<std::uint64_t> live = numbers(made["memory"]["live"]);
  EXPECT_LE(live.size(), 1000u);
  EXPECT_GE(live.size(), 900u);
  EXPECT_EQ(*std::max_element(live.begin(), live.end()), 300u * 1000 + 1500);
  EXPECT_EQ(*std::max_element(live.begin(), live.end()), made["program"]["peak_bytes"].GetUint64());
}

TEST(ReportData, SeriesOfMemoryAddUpToWhatLives) {
  const Made made(grow_and_shrink);
  const std::vector<std::uint64_t> live = numbers(made["memory"]["live"]);
  for (const char* const key : {"by_entry", "by_site"}) {
    std::vector<std::uint64_t> sums(live.size());
    for (const Value& series : made["memory"][key].GetArray()) {
      const std::vector<std::uint64_t> part = numbers(series["live"]);
      std::transform(sums.begin(), sums.end(), part.begin(), sums.begin(), std::plus<>());
    }
    EXPECT_EQ(sums, live) << key;
  }
}

TEST(ReportData, TimeBetweenTwoStampsIsByEvent) {
  const Made made([](Recording& r) {
    r.at(1'000'000'000);
    r.allocate(16);
    for (int i = 0; i < 3; ++i)
      r.allocate(16);
    r.at(5'000'000'000);
    r.allocate(16);
  });
  EXPECT_EQ(text_of(made["memory"]["unit"]), "seconds");
  std::vector<double> at;
  for (const Value& time : made["memory"]["at"].GetArray())
    at.push_back(time.GetDouble());
  EXPECT_EQ(at, (std::vector<double>{1, 2, 3, 4, 5}));
}

TEST(ReportData, WithoutAClockTimeIsCountedInEvents) {
  const Made made([](Recording& r) {
    r.allocate(16);
    r.allocate(16);
  });
  EXPECT_EQ(text_of(made["memory"]["unit"]), "events");
  EXPECT_EQ(made["memory"]["at"][1].GetDouble(), 2);
}

TEST(ReportData, AgesAreInBinsOfTwoPowers) {
  const Made made([](Recording& r) {
    r.free(r.allocate(10)); // for 1 event, and 0 bytes
    const auto block = r.allocate(20);
    for (int i = 0; i < 5; ++i)
      r.allocate(100);
    r.free(block); // for 6 events, and 500 bytes
  });
  const Value& lifetimes = made["lifetimes"];
  const Value& events = lifetimes["events"][lifetimes["events"].Size() - 1];
  EXPECT_EQ(numbers(events["blocks"]), (std::vector<std::uint64_t>{0, 1, 0, 1, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(numbers(events["bytes"]), (std::vector<std::uint64_t>{0, 10, 0, 20, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(events["left_blocks"].GetUint64(), 5u);
  EXPECT_EQ(events["left_bytes"].GetUint64(), 500u);
  const Value& bytes = lifetimes["bytes"][lifetimes["bytes"].Size() - 1];
  EXPECT_EQ(numbers(bytes["blocks"]), (std::vector<std::uint64_t>{1, 0, 0, 0, 0, 0, 0, 0, 0, 1}));
}

TEST(ReportData, EachBlockDiesInsideOfOneFunction) {
  const Made made([](Recording& r) {
    for (int i = 0; i < 4; ++i) {
      const Call call(r, work);
      Recording::Address block;
      {
        const Call deeper(r, inner);
        r.free(r.allocate(8));
        block = r.allocate(16);
      }
      r.free(block);
    }
    r.allocate(1);
  });
  const Value& scopes = made["lifetimes"]["scopes"];
  ASSERT_EQ(scopes.Size(), 2u);
  EXPECT_EQ(scopes[0]["blocks"].GetUint64(), 4u);
  EXPECT_EQ(scopes[1]["blocks"].GetUint64(), 4u);
  std::vector<std::string> names = {text_of(scopes[0]["function"]), text_of(scopes[1]["function"])};
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{Recording::name(work), Recording::name(inner)}));
  EXPECT_EQ(made["lifetimes"]["no_scope"].GetUint64(), 1u);
}

TEST(ReportData, ASiteIsAFunctionThatAllocates) {
  const Made made([](Recording& r) {
    for (std::uint64_t i = 1; i <= 3; ++i) {
      const Call call(r, work);
      const auto block = r.allocate(100 * i);
      r.on_thread(1);
      {
        const Call elsewhere(r, other);
        r.free(block);
      }
      r.on_thread(0);
    }
    const Call call(r, inner);
    r.reallocate(r.allocate(1), 2);
  });
  const Value& sites = made["sites"];
  ASSERT_EQ(sites.Size(), 2u);
  const Value& site = sites[0];
  EXPECT_EQ(text_of(site["function"]), Recording::name(work));
  EXPECT_EQ(site["calls"].GetUint64(), 3u);
  EXPECT_EQ(site["bytes"].GetUint64(), 600u);
  EXPECT_EQ(site["min_size"].GetUint64(), 100u);
  EXPECT_EQ(site["max_size"].GetUint64(), 300u);
  EXPECT_DOUBLE_EQ(site["mean_age"].GetDouble(), 1);
  EXPECT_EQ(site["foreign"].GetUint64(), 3u);
  EXPECT_EQ(site["left"].GetUint64(), 0u);
  EXPECT_EQ(site["threads"].GetUint(), 2u);
  EXPECT_EQ(sites[1]["moves"].GetUint64(), 1u);
  EXPECT_EQ(sites[1]["left"].GetUint64(), 1u);
}

TEST(ReportData, OfManySitesTheLargestAreShownAndTheOthersAddedUp) {
  const Made made([](Recording& r) {
    r.allocate(100'000);
    for (std::uint32_t f = 10; f < 100; ++f)
      for (std::uint32_t i = 0; i < f; ++i) {
        const Call call(r, f);
        r.free(r.allocate(16));
      }
  });
  EXPECT_EQ(made["sites"].Size(), 60u);
  EXPECT_EQ(text_of(made["sites"][0]["function"]), Recording::name(main_function));
  EXPECT_EQ(text_of(made["sites"][1]["function"]), Recording::name(99));
  EXPECT_EQ(made["more_sites"].GetUint64(), 31u);
  EXPECT_EQ(made["more_calls"].GetUint64(), (10u + 40) * 31 / 2);
  EXPECT_EQ(made["more_bytes"].GetUint64(), 16u * (10 + 40) * 31 / 2);
}

TEST(ReportData, NothingAtAllIsAReportToo) {
  const Made made([](Recording&) {});
  EXPECT_EQ(made["program"]["calls"].GetUint64(), 0u);
  EXPECT_EQ(made["memory"]["at"].Size(), 0u);
  EXPECT_EQ(made["flame"]["parent"].Size(), 1u);
  EXPECT_EQ(made["sites"].Size(), 0u);
  EXPECT_TRUE(made["trial"].IsNull());
}

/// As a server would: what a request needs goes with it; more different callers as it goes on.
void serve(Recording& r, std::uint32_t requests) {
  std::vector<Recording::Address> lasting;
  for (std::uint32_t i = 0; i < requests; ++i) {
    const Call call(r, work);
    std::vector<Recording::Address> blocks;
    for (std::uint32_t k = 0; k < 8; ++k) {
      const Call a(r, 10 + i % 40);
      const Call b(r, 60 + i * 7 % 300 + k);
      blocks.push_back(r.allocate(16 + (i * 31 + k * 7) % 900, k));
    }
    for (const auto block : blocks)
      r.free(block, 9);
    if (i % 16 == 0)
      lasting.push_back(r.allocate(200));
  }
}

TEST(ReportData, TenTimesTheEventsAreNoLargerReport) {
  const Made small([](Recording& r) { serve(r, 1000); });
  const Made large([](Recording& r) { serve(r, 10000); });
  EXPECT_GT(large["program"]["events"].GetUint64(), 150'000u);
  EXPECT_LT(large.text.size(), small.text.size() * 5 / 4);
  EXPECT_LT(large.text.size(), 1'000'000u);
}

} // namespace
