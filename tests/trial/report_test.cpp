// What is said of results that are made up.
#include "trial/report.hpp"

#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <cstdlib>
#include <functional>
#include <string>

#include "command.hpp"

namespace {

using trial::Alternative;
using trial::Interval;
using trial::Results;
using trial::RouteResult;
using trial::Tried;

std::string printed(const std::function<void(std::FILE*)>& print) {
  char* text = nullptr;
  std::size_t bytes = 0;
  std::FILE* const out = ::open_memstream(&text, &bytes);
  print(out);
  std::fclose(out);
  std::string result(text, bytes);
  std::free(text);
  return result;
}
std::string text_of(const Results& results) {
  return printed([&](std::FILE* out) { print_text(out, results); });
}
bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Tried tried(const Interval& gain, bool decided, double memory, double expected) {
  Tried tried;
  tried.gain = gain;
  tried.decided = decided;
  tried.memory = memory;
  tried.expected = expected;
  return tried;
}
Alternative other(const char* name, const Interval& gain, bool decided) {
  Alternative other;
  other.name = name;
  other.library = std::string("/usr/lib/lib") + name + ".so";
  other.gain = gain;
  other.decided = decided;
  return other;
}

/// A region that gains 10 %, in one route.
Results gaining() {
  Results results;
  results.command = {"./server", "requests"};
  results.rounds = 12;
  results.points = 2;
  results.seconds = 1.5;
  RouteResult route;
  route.route = {.bytes = 4096, .epochs = 17, .blocks = 0, .calls = 1000, .function = "handle"};
  route.seen.calls = route.seen.served = 1000;
  route.seen.epochs = 17;
  route.seen.bytes = 4096;
  route.tried = results.whole = tried({8, 10, 12}, true, 0.4, 16);
  results.routes = {route};
  return results;
}

TEST(Report, GivesTheLowerBoundAndWhatToExpect) {
  const std::string text = text_of(gaining());
  EXPECT_TRUE(holds(text, "./server requests: 1.50 s of processor time as it is, 12 rounds\n"));
  EXPECT_TRUE(holds(text, "all of it: at least 10.0 % less processor time [+8.0, +12.0]; 16 % "
                          "expected by hand; memory +0.4 %\n"))
      << text;
  EXPECT_TRUE(holds(text, "1 region in handle\n   trial: at least 10.0 % less"));
  EXPECT_TRUE(holds(text, "lower bound"));
}

TEST(Report, SaysThatWhatWasSeenIsWhatWasPredicted) {
  EXPECT_TRUE(
      holds(text_of(gaining()), "   seen: 1,000 calls, 17 epochs, of at most 4,096 bytes\n"));
}

TEST(Report, SaysWhatOfItWasPredictedOtherwise) {
  Results results = gaining();
  results.routes[0].seen.epochs = 12345;
  EXPECT_TRUE(holds(text_of(results), "1,000 calls, 12,345 (17 predicted) epochs, of"));
}

TEST(Report, SaysOfAPoolHowManyBlocksThereWere) {
  Results results = gaining();
  results.routes[0].route = {.pool = true, .bytes = 48, .blocks = 7, .calls = 1000, .function = ""};
  results.routes[0].seen.blocks = 8;
  EXPECT_TRUE(
      holds(text_of(results),
            "\n1 pool\n   trial: at least 10.0 % less processor time [+8.0, +12.0]; 16 % "
            "expected by hand; memory +0.4 %\n   seen: 1,000 calls, at most 8 (7 predicted) "
            "blocks at once\n"));
}

TEST(Report, SaysUndecidedInsteadOfANumber) {
  Results results = gaining();
  results.whole = tried({-4, 10, 20}, false, 0, 16);
  const std::string text = text_of(results);
  EXPECT_TRUE(holds(text, "all of it: undecided at this noise [-4.0, +20.0]; memory +0.0 %\n"));
  EXPECT_EQ(exit_code_of(results), exit_code::undecided);
}

TEST(Report, SaysThatThereIsNoDifference) {
  Results results = gaining();
  results.whole = tried({-1, 0.5, 1}, true, 0, 1);
  EXPECT_TRUE(holds(text_of(results), "all of it: no difference [-1.0, +1.0]"));
  EXPECT_EQ(exit_code_of(results), exit_code::done);
}

TEST(Report, SaysThatItTakesMoreTime) {
  Results results = gaining();
  results.whole = tried({-9, -7, -5}, true, 0, -4);
  EXPECT_TRUE(holds(text_of(results), "all of it: 7.0 % more processor time [-9.0, -5.0]"));
}

TEST(Report, WithholdsWhatTakesMoreMemory) {
  Results results = gaining();
  results.routes[0].tried->memory = 5.1;
  results.whole->memory = 12;
  results.routes[0].tried->withheld = results.whole->withheld = true;
  const std::string text = text_of(results);
  EXPECT_TRUE(holds(text, "all of it: withheld, as peak memory is 12 % up; at least 10.0 % less"));
  EXPECT_TRUE(holds(text, "   trial: withheld, as peak memory is 5 % up; "));
}

TEST(MoreMemory, IsTooMuchAboveFivePercentThatCanBeCounted) {
  EXPECT_FALSE(trial::is_too_much(5, 1e9));
  EXPECT_TRUE(trial::is_too_much(5.1, 1e9));
  EXPECT_FALSE(trial::is_too_much(12, 2e6));
  EXPECT_TRUE(trial::is_too_much(14, 2e6));
}

TEST(Report, NamesAnotherMallocFirstIfItGivesAsMuch) {
  Results results = gaining();
  results.alternatives = {other("mimalloc", {9, 10, 11}, true), other("jemalloc", {1, 2, 3}, true)};
  const std::string text = text_of(results);
  const std::size_t first =
      text.find("mimalloc gives as much as all of it is sure to, and needs no patch: 10.0 "
                "% less processor time [+9.0, +11.0]; memory +0.0 %\n"
                "     LD_PRELOAD=/usr/lib/libmimalloc.so\n");
  EXPECT_LT(first, text.find("all of it: "));
  EXPECT_GT(text.find("\njemalloc: 2.0 % less processor time"), text.find("1 region in"));
}

TEST(Report, TellsWhetherAnotherMallocGivesAsMuchAsAChangeByHand) {
  Results results = gaining(); // 16 % by hand
  results.alternatives = {other("mimalloc", {15, 15.9, 17}, true)};
  EXPECT_TRUE(holds(text_of(results), "mimalloc gives as much as all of it is sure to, and"));
  results.alternatives = {other("mimalloc", {15, 16, 17}, true)};
  EXPECT_TRUE(holds(text_of(results), "mimalloc gives as much as all of it, and"));
}

TEST(Report, NothingIsGainedWhereNeitherTheTrialNorAChangeByHandIsFaster) {
  EXPECT_TRUE(tried({-6, -4, -2}, true, 0, -1).gains_nothing());
  EXPECT_FALSE(tried({-6, -4, -2}, true, 0, 3).gains_nothing());
  EXPECT_FALSE(tried({-1, 0.5, 1}, true, 0, -1).gains_nothing());
  EXPECT_FALSE(tried({-9, -4, 5}, false, 0, -1).gains_nothing());
}

TEST(Report, NamesTheBestOfOtherMallocs) {
  Results results = gaining();
  results.alternatives = {other("mimalloc", {9, 10, 11}, true),
                          other("jemalloc", {20, 22, 23}, true)};
  ASSERT_NE(results.as_good(), nullptr);
  EXPECT_EQ(results.as_good()->name, "jemalloc");
}

TEST(Report, DoesNotPutAnotherMallocFirstThatGivesLessOrIsUndecided) {
  Results results = gaining();
  results.alternatives = {other("mimalloc", {7, 9.9, 11}, true),
                          other("jemalloc", {-9, 20, 30}, false)};
  EXPECT_EQ(results.as_good(), nullptr);
  EXPECT_TRUE(holds(text_of(results), "\njemalloc: undecided at this noise [-9.0, +30.0]"));
}

TEST(Report, NamesAnotherMallocFirstWhereThePlanIsWithheldOrUndecided) {
  Results results = gaining();
  results.alternatives = {other("mimalloc", {1, 2, 3}, true)};
  EXPECT_EQ(results.as_good(), nullptr);
  results.whole->withheld = true;
  EXPECT_TRUE(holds(text_of(results), "mimalloc gives something, and needs no patch: 2.0 % less"));
  results.whole = tried({-9, 10, 30}, false, 0, 16);
  EXPECT_NE(results.as_good(), nullptr);
}

TEST(Report, TellsWhatBecameOfBlocks) {
  Results results = gaining();
  EXPECT_FALSE(holds(text_of(results), "another thread"));
  trial::Counts& seen = results.routes[0].seen;
  seen.foreign = 1234;
  seen.left = 5;
  seen.refused = 6;
  seen.outgrown = true;
  const std::string text = text_of(results);
  EXPECT_TRUE(holds(text, "   1,234 blocks were freed by another thread than got them"));
  EXPECT_TRUE(holds(text, "   5 blocks were reallocated from elsewhere, and left for malloc\n"));
  EXPECT_TRUE(holds(text, "   6 calls got a block of malloc's: it was too large"));
  EXPECT_TRUE(holds(text, "   it took more than ten times the memory that was predicted"));
}

TEST(Report, TellsThatNoCallCame) {
  Results results = gaining();
  results.routes[0].seen = {};
  results.routes[0].tried.reset();
  results.whole.reset();
  EXPECT_TRUE(
      holds(text_of(results), "1 region in handle\n   not tried: none of its calls came\n"));
}

TEST(Report, TellsOnlyTheFailureOfATrialThatIsWorthNothing) {
  Results results = gaining();
  results.failure =
      "with the plan routed, the program ends with exit code 7 instead of exit code 0";
  results.remarks = {"a remark"};
  const std::string text = text_of(results);
  EXPECT_TRUE(
      holds(text, "the trial is worth nothing: with the plan routed, the program ends with"));
  EXPECT_FALSE(holds(text, "10.0"));
  EXPECT_TRUE(holds(text, "\na remark\n"));
  EXPECT_EQ(exit_code_of(results), exit_code::unusable);
}

TEST(Report, IsDecidedByAnotherMallocWhereNothingIsRouted) {
  Results results;
  results.alternatives = {other("mimalloc", {-3, 1, 9}, false)};
  EXPECT_EQ(exit_code_of(results), exit_code::undecided);
  results.alternatives = {other("mimalloc", {3, 5, 9}, true)};
  EXPECT_EQ(exit_code_of(results), exit_code::done);
}

TEST(Report, KnowsWhenNothingIsWorthDoing) {
  Results results = gaining();
  EXPECT_FALSE(results.is_nothing_above(2));
  EXPECT_TRUE(results.is_nothing_above(17));
  results.whole->withheld = true;
  EXPECT_TRUE(results.is_nothing_above(2));
  results.alternatives = {other("mimalloc", {3, 5, 9}, true)};
  EXPECT_FALSE(results.is_nothing_above(2));
  results.alternatives = {other("mimalloc", {-3, 0, 1}, false)};
  EXPECT_FALSE(results.is_nothing_above(2));
  results.alternatives = {other("mimalloc", {-1, 0, 1}, true)};
  EXPECT_TRUE(results.is_nothing_above(2));
}

TEST(Report, HasAllOfItAsJson) {
  Results results = gaining();
  results.alternatives = {other("mimalloc", {1, 2, 3}, true)};
  results.routes[0].seen.foreign = 9;
  results.routes[0].route.function = "\xFF";
  rapidjson::Document json;
  json.Parse(printed([&](std::FILE* out) { print_json(out, results); }).c_str());
  ASSERT_FALSE(json.HasParseError());
  EXPECT_EQ(json["version"].GetInt(), 1);
  EXPECT_STREQ(json["command"][1].GetString(), "requests");
  EXPECT_EQ(json["rounds"].GetInt(), 12);
  EXPECT_FALSE(json.HasMember("failure"));
  EXPECT_EQ(json["trial"]["gain"]["low"].GetDouble(), 8);
  EXPECT_EQ(json["trial"]["expected"].GetDouble(), 16);
  EXPECT_FALSE(json["trial"]["withheld"].GetBool());
  const auto& entry = json["advice"][0];
  EXPECT_EQ(entry["route"].GetInt(), 0);
  EXPECT_STREQ(entry["kind"].GetString(), "region");
  EXPECT_STREQ(entry["function"].GetString(), "?");
  EXPECT_EQ(entry["predicted"]["epochs"].GetInt(), 17);
  EXPECT_EQ(entry["predicted"]["bytes"].GetInt(), 4096);
  EXPECT_EQ(entry["seen"]["calls"].GetInt(), 1000);
  EXPECT_EQ(entry["seen"]["foreign"].GetInt(), 9);
  EXPECT_FALSE(entry["seen"]["outgrown"].GetBool());
  EXPECT_EQ(entry["trial"]["gain"]["mid"].GetDouble(), 10);
  EXPECT_EQ(entry["trial"]["memory"].GetDouble(), 0.4);
  EXPECT_TRUE(entry["trial"]["decided"].GetBool());
  const auto& mimalloc = json["alternatives"]["mimalloc"];
  EXPECT_EQ(mimalloc["gain"]["high"].GetDouble(), 3);
  EXPECT_TRUE(mimalloc["decided"].GetBool());
  EXPECT_FALSE(mimalloc.HasMember("expected"));
}

} // namespace
