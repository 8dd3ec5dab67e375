// A trial's JSON in a report, and what is refused.
#include "made.hpp"

#include <fmt/format.h>

namespace {

using rapidjson::Value;

const std::string found =
    R"({"gain":{"low":1.5,"mid":2,"high":3.25},"expected":4,"memory":-1,"decided":true})";

/// Of a region in `work`, and of a pool in `other`.
Program two_entries() {
  return {.main = [](Recording& r) {
    std::vector<Recording::Address> pool;
    for (std::uint32_t i = 0; i < 600; ++i) {
      {
        const Call call(r, other);
        if (pool.size() >= 100 && i * 7919 % 3 != 0) {
          std::swap(pool[i * 7919 % pool.size()], pool.back());
          r.free(pool.back());
          pool.pop_back();
        }
        pool.push_back(r.allocate(48));
      }
      const Call call(r, work);
      std::vector<Recording::Address> blocks;
      for (std::uint64_t k = 1; k < 6; ++k) {
        const Call deeper(r, inner);
        blocks.push_back(r.allocate(16 * k));
      }
      for (const auto block : blocks)
        r.free(block);
    }
  }};
}

std::string trial_of(const std::string& advice, const std::string& command = "./program") {
  return fmt::format(R"({{"version":1,"command":["{}","x"],"rounds":7,"trial":{},"advice":[{}],)"
                     R"("alternatives":{{"mimalloc":{}}}}})",
                     command, found, advice, found);
}

std::string route(std::uint32_t number, const char* kind, std::uint32_t function) {
  return fmt::format(
      R"({{"route":{},"kind":"{}","function":"{}","seen":{{"calls":5}},"trial":{}}})", number, kind,
      Recording::name(function), found);
}

TEST(ReportTrial, IsHandedOn) {
  const Made made(two_entries(), trial_of(route(0, "region", work)));
  const Value& trial = made["trial"];
  EXPECT_EQ(trial["rounds"].GetInt(), 7);
  EXPECT_EQ(trial["trial"]["gain"]["high"].GetDouble(), 3.25);
  EXPECT_EQ(trial["alternatives"]["mimalloc"]["memory"].GetDouble(), -1);
  EXPECT_EQ(trial["advice"][0]["seen"]["calls"].GetInt(), 5);
}

TEST(ReportTrial, IsFoundByItsEntry) {
  const Made made(two_entries(),
                  trial_of(route(0, "pool", other) + "," + route(1, "region", work)));
  EXPECT_EQ(made.entry("region")["trial"].GetInt(), 1);
  EXPECT_EQ(made.entry("pool")["trial"].GetInt(), 0);
}

TEST(ReportTrial, AnEntryThatWasNotTriedHasNone) {
  const Made made(two_entries(), trial_of(route(0, "region", work)));
  EXPECT_EQ(made.entry("pool")["trial"].GetInt(), -1);
}

TEST(ReportTrial, OfAdviceIsHandedOnToo) {
  const Made made(
      two_entries(),
      fmt::format(R"({{"version":1,"program":"/nowhere/program","calls":1,"alternatives":{{}},)"
                  R"("advice":[{{"kind":"region","function":"{}","trial":{}}}]}})",
                  Recording::name(work), found));
  EXPECT_EQ(made.entry("region")["trial"].GetInt(), 0);
}

TEST(ReportTrial, OfAScriptIsOfWhatRunsIt) {
  Program program = two_entries();
  program.arguments = {"/usr/bin/python3", "./tool.py", "x"};
  const Made made(program, trial_of(route(0, "region", work), "bin/tool.py"));
  EXPECT_EQ(made.entry("region")["trial"].GetInt(), 0);
}

/// What is said of a text; empty if it is taken.
std::string refusal_of(const std::string& text) {
  try {
    const Made made(two_entries(), text);
  } catch (const report::TrialError& error) {
    return error.what();
  }
  return {};
}

TEST(ReportTrial, OfAnotherProgramIsRefused) {
  EXPECT_EQ(refusal_of(trial_of("", "/bin/other")),
            "a trial of /bin/other, and the trace is of /nowhere/program");
  EXPECT_EQ(
      refusal_of(fmt::format(
          R"({{"version":1,"program":"/usr/nowhere/program","advice":[],"trial":{}}})", found)),
      "a trial of /usr/nowhere/program, and the trace is of /nowhere/program");
}

TEST(ReportTrial, WhatIsNoneIsRefusedWithAReason) {
  const std::pair<const char*, const char*> cases[] = {
      {"x", "Invalid value. (at byte 0)"},
      {"[]", "it is no object"},
      {"{}", "it has no number \"version\""},
      {R"({"version":2})", "its version is 2, and 1 is understood"},
      {R"({"version":1})", "it has no list \"advice\""},
      {R"({"version":1,"advice":[]})", "it has neither \"trial\" nor \"alternatives\""},
      {R"({"version":1,"advice":[],"trial":{}})", "\"trial\" has no object \"gain\""},
      {R"({"version":1,"advice":[],"trial":{"gain":{"low":1,"mid":"2"}}})",
       "\"trial\"'s gain has no number \"mid\""},
      {R"({"version":1,"advice":[{}],"alternatives":{}})", "entry 1 of \"advice\" has no \"kind\""},
      {R"({"version":1,"advice":[],"alternatives":{"jemalloc":1}})", "\"jemalloc\" is no object"},
      {R"({"version":1,"advice":[],"alternatives":{}})",
       "it has no \"program\", and no \"command\""},
  };
  for (const auto& [text, reason] : cases)
    EXPECT_EQ(refusal_of(text), fmt::format("no trial's JSON: {}", reason)) << text;
  EXPECT_EQ(refusal_of(std::string((1 << 20) + 1, ' ')),
            "no trial's JSON: it is longer than a mebibyte");
}

TEST(ReportTrial, NestedWithoutEndIsRefusedAndNothingWorse) {
  EXPECT_NE(refusal_of(std::string(1 << 20, '[')), "");
}

} // namespace
