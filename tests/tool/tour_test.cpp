// The parts of the `allot` command: what is counted, and what comes of jobs whose sides differ.
#include "tour/report.hpp"
#include "tour/tour.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <optional>
#include <string>
#include <thread>

using namespace tour;

namespace {

Values values_of(std::initializer_list<const char*> texts) {
  Values values(Values::Keep::everything);
  for (const char* text : texts)
    values.text(text);
  return values;
}

TEST(Values, DifferWhereTheFirstIsNotTheSame) {
  const Values values = values_of({"a", "bc", ""});
  EXPECT_EQ(values.first_difference(values_of({"a", "bc", ""})), std::nullopt);
  EXPECT_EQ(values.first_difference(values_of({"a", "bd", "x"})), 1u);
  EXPECT_EQ(values.first_difference(values_of({"ab", "c", ""})), 0u);
  EXPECT_EQ(values.first_difference(values_of({"a", "bc"})), 2u);
  EXPECT_EQ(values.first_difference(values_of({"a", "bc", "", ""})), 3u);
}

TEST(Values, HaveAChecksumWhetherTheyAreKeptOrNot) {
  Values kept(Values::Keep::everything);
  Values dropped(Values::Keep::checksum);
  for (Values* values : {&kept, &dropped}) {
    values->number(17);
    values->text("text");
  }
  EXPECT_EQ(kept.checksum(), dropped.checksum());
  EXPECT_NE(kept.checksum(), values_of({"text"}).checksum());
  EXPECT_EQ(kept.count(), 2u);
  EXPECT_EQ(dropped.count(), 0u);
}

/// Out of the compiler's sight, so that it does not leave allocations out.
void* volatile hidden = nullptr;
void* use(void* p) {
  hidden = p;
  return hidden;
}

TEST(Counting, SeesMallocAndItsKin) {
  void* const older = use(std::malloc(5000));
  counting::start();
  std::free(older);
  void* p = use(std::malloc(10'000));
  p = use(std::realloc(p, 20'000));
  std::free(p);
  std::free(use(std::calloc(10, 1000)));
  std::free(use(std::aligned_alloc(64, 6400)));
  delete static_cast<int*>(use(new int(1)));
  const auto usage = counting::stop();
  std::free(use(std::malloc(1'000'000)));
  ASSERT_TRUE(usage.has_value());
  EXPECT_EQ(usage->calls, 5u);
  EXPECT_GE(usage->peak_bytes, 15'000u - 64); // what was freed of before does not count
  EXPECT_LT(usage->peak_bytes, 31'000u);
}

TEST(Counting, StartsAnew) {
  counting::start();
  EXPECT_EQ(counting::stop()->calls, 0u);
  counting::start();
  counting::add_mapped(4096);
  EXPECT_EQ(counting::stop()->peak_bytes, 4096u);
}

template <class Print>
std::string printed(Print print) {
  const File file(std::tmpfile());
  print(file.get());
  std::string text(static_cast<std::size_t>(std::ftell(file.get())), '\0');
  std::rewind(file.get());
  EXPECT_EQ(std::fread(text.data(), 1, text.size(), file.get()), text.size());
  return text;
}

template <unsigned last>
Job::Turn find_three(const Input&) {
  return [](Values& values) {
    for (const unsigned value : {1u, 2u, last})
      values.number(value);
  };
}

constexpr Job job(const char* name, Job::Side side) {
  return {name, "counts", "counting", side, find_three<3>, "it is new", "it is old", "nothing"};
}
constexpr Job same = job("same", find_three<3>);
constexpr Job different = job("different", find_three<4>);

/// The row of a job that takes so many times as long as malloc's side.
std::string row_of(double ratio) {
  const Input input{.name = "nothing", .file = {}, .text = {}, .tokens = {}, .records = {}};
  Tour tour;
  tour.results.push_back({.job = same});
  tour.results.back().strategy.seconds = ratio;
  tour.results.back().malloc.seconds = 1;
  const std::string table = printed([&](std::FILE* out) { print_table(out, input, tour); });
  const std::size_t at = table.find("\nsame") + 1;
  return table.substr(at, table.find('\n', at) - at);
}

TEST(Tour, SaysWhyARowWinsOrLoses) {
  EXPECT_TRUE(row_of(0.5).ends_with("it is new")) << row_of(0.5);
  EXPECT_TRUE(row_of(2).ends_with("it is old")) << row_of(2);
  EXPECT_TRUE(row_of(0.95).ends_with("as fast")) << row_of(0.95);
  EXPECT_TRUE(row_of(1.05).ends_with("as fast")) << row_of(1.05);
}

TEST(Tour, TellsOfJobsWhoseSidesDiffer) {
  const Input input{.name = "nothing", .file = {}, .text = {}, .tokens = {}, .records = {}};
  Progress progress;
  const Tour tour = take(input, std::array{same, different}, progress);
  ASSERT_EQ(tour.results.size(), 2u);
  EXPECT_EQ(tour.results[0].difference, std::nullopt);
  EXPECT_EQ(tour.results[1].difference, 2u);
  EXPECT_EQ(tour.results[1].values, 3u);

  const std::string table = printed([&](std::FILE* out) { print_table(out, input, tour); });
  EXPECT_NE(table.find("DIFFERS"), std::string::npos) << table;
  EXPECT_EQ(table.find("DIFFERS"), table.rfind("DIFFERS")) << table;
  const std::string json = printed([&](std::FILE* out) { print_json(out, input, tour); });
  EXPECT_NE(json.find("\"equal\": true"), std::string::npos) << json;
  EXPECT_NE(json.find("\"equal\": false"), std::string::npos) << json;

  bool any = false;
  const std::string lines = printed([&](std::FILE* out) { any = print_differences(out, tour); });
  EXPECT_TRUE(any);
  EXPECT_EQ(lines, "allot: different: value 2 of 3 is not what malloc's side found\n");
}

TEST(Tour, IsQuietAboutJobsWhoseSidesAgree) {
  const Input input{.name = "nothing", .file = {}, .text = {}, .tokens = {}, .records = {}};
  Progress progress;
  const Tour tour = take(input, std::array{same}, progress);
  EXPECT_EQ(printed([&](std::FILE* out) { EXPECT_FALSE(print_differences(out, tour)); }), "");
}

TEST(Progress, IsOnlyForTerminals) {
  testing::internal::CaptureStderr();
  Progress progress;
  std::this_thread::sleep_for(std::chrono::milliseconds(2100));
  progress.show("working");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

} // namespace
