// `allot trial` and `allot advise` on a program whose output, exit code and input are known.
#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <string>
#include <utility>

#include <sys/wait.h>

#include "trial/plan.hpp"

namespace {

namespace fs = std::filesystem;

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class TrialTest : public testing::Test {
protected:
  TrialTest() {
    std::string pattern = (fs::temp_directory_path() / "allot-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
  }
  ~TrialTest() override { fs::remove_all(directory_); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(directory_ / name, std::ios::binary) << text;
  }
  std::string read(const std::string& name) const {
    std::ifstream file(directory_ / name, std::ios::binary);
    return {std::istreambuf_iterator(file), {}};
  }

  /// Runs words of shell in the directory, in which `allot` and `subject` are what they say.
  /// Returns the exit code; what is written is in "out" and "err".
  int shell(const std::string& words) const {
    const std::string line = "cd '" + directory_.string() +
                             "' && ulimit -c 0 && allot() { " ALLOT_TOOL
                             " \"$@\"; } && subject=" ALLOT_SUBJECT " && { " +
                             words + "; } >out 2>err </dev/null";
    const int status = std::system(line.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  /// Writes "plan", of a recording.
  void make_plan() const {
    ASSERT_EQ(shell("allot record -o trace -- $subject && "
                    "allot advise --min 0 --plan plan --json advice.json trace"),
              0)
        << read("err");
  }

  rapidjson::Document json(const std::string& name) const {
    rapidjson::Document document;
    document.Parse(read(name).c_str());
    EXPECT_FALSE(document.HasParseError()) << read(name);
    return document;
  }

private:
  fs::path directory_;
};

/// That there was something to say: how much noise there is nobody knows.
void expect_tried(int exit_code) {
  EXPECT_TRUE(exit_code == 0 || exit_code == 5) << exit_code;
}

TEST_F(TrialTest, RoutesWhatWasPredictedAndComparesIt) {
  make_plan();
  expect_tried(shell("allot trial plan --rounds 5 --json t.json -- $subject"));
  EXPECT_TRUE(holds(read("out"), "\n1 region in ")) << read("out");
  EXPECT_TRUE(holds(read("out"), "   seen: 60,000 calls, 3,000 epochs, of at most "))
      << read("out");
  EXPECT_EQ(read("err"), "");
  const auto document = json("t.json");
  const auto& route = document["advice"][0];
  EXPECT_EQ(route["seen"]["epochs"].GetInt(), 3000);
  EXPECT_EQ(route["predicted"]["epochs"].GetInt(), 3000);
  EXPECT_EQ(route["seen"]["bytes"].GetInt(), route["predicted"]["bytes"].GetInt());
  EXPECT_EQ(route["seen"]["served"].GetInt(), 60000);
  EXPECT_TRUE(route.HasMember("trial"));
  EXPECT_TRUE(document.HasMember("alternatives"));
}

TEST_F(TrialTest, GivesTheWholeInputToEachRunAndToleratesExitCodes) {
  make_plan();
  expect_tried(shell("{ sleep 0.1; echo 12345; } | allot trial plan --rounds 5 -- $subject input"));
  EXPECT_FALSE(holds(read("out"), "worth nothing")) << read("out");
  expect_tried(shell("allot trial plan --rounds 5 -- $subject fails"));
  EXPECT_TRUE(holds(read("out"), "as it is, the program ends with exit code 3\n")) << read("out");
}

TEST_F(TrialTest, DoesNotCompareWhatDiffersFromItself) {
  make_plan();
  expect_tried(shell("allot trial plan --rounds 5 -- $subject process"));
  EXPECT_TRUE(holds(read("out"),
                    "what it writes to standard output differs from run to run, and was "
                    "not compared\n"))
      << read("out");
}

TEST_F(TrialTest, IsWorthNothingWhenTheProgramDoesSomethingElse) {
  make_plan();
  EXPECT_EQ(shell("allot trial plan --json t.json -- $subject looks"), 1);
  EXPECT_TRUE(holds(read("out"),
                    "the trial is worth nothing: with the plan routed, what it writes to "
                    "standard output is not the same\n"))
      << read("out");
  EXPECT_TRUE(json("t.json").HasMember("failure"));
  EXPECT_EQ(shell("allot trial plan -- $subject aborts"), 1);
  EXPECT_TRUE(holds(read("out"),
                    "with the plan routed, how the program ends is not the same: signal 6 "
                    "(Aborted) instead of exit code 0\n"))
      << read("out");
}

TEST_F(TrialTest, RefusesAPlanOfAnotherBuild) {
  make_plan();
  const std::string plan = read("plan");
  const trial::Plan parsed = trial::parse_plan(plan);
  ASSERT_FALSE(parsed.nodes.empty());
  const std::string path = parsed.modules[parsed.nodes[0].module].path;
  const std::size_t line = plan.rfind("module ", plan.find(path));
  std::string other = plan;
  other.replace(line, std::string("module 01").size(), "module zz");
  write("other", other);
  EXPECT_EQ(shell("allot trial other -- $subject"), 1);
  EXPECT_TRUE(holds(read("err"), "which is not in pairs of hexadecimal digits")) << read("err");
  other.replace(line, std::string("module 01").size(),
                plan.substr(line, 9) == "module 00" ? "module 11" : "module 00");
  write("other", other);
  EXPECT_EQ(shell("allot trial other -- $subject"), 1);
  EXPECT_TRUE(holds(read("out"), path + " is not the file that was recorded\n")) << read("out");
  other = plan;
  other.insert(plan.find(path), "/nowhere");
  write("other", other);
  EXPECT_EQ(shell("allot trial other -- $subject"), 1);
  EXPECT_TRUE(holds(read("out"), "/nowhere" + path + " is gone, or is no executable any more\n"))
      << read("out");
}

TEST_F(TrialTest, SaysInOneLineWhatWasWrong) {
  write("plan", "allot plan 1\n");
  write("script", "#!/nowhere/sh\n");
  for (const auto& [words, code, message] :
       std::initializer_list<std::tuple<const char*, int, const char*>>{
           {"trial plan", 2,
            "trial: there is no program to try: allot trial PLAN -- PROGRAM ARGUMENTS"},
           {"trial -- true", 2, "PLAN is required; see allot --help"},
           {"trial --rounds 4 plan -- true", 2,
            "--rounds: Value 4 not in range 5 to 1000; see allot --help"},
           {"trial none -- true", 1, "none: No such file or directory"},
           {"trial . -- true", 1, ".: Is a directory"},
           {"trial plan -- true", 1,
            "plan: line 1: it is no plan of version 2, whose first line is 'allot plan 2'"}}) {
    EXPECT_EQ(shell(std::string("allot ") + words), code) << words;
    EXPECT_EQ(read("err"), std::string("allot: ") + message + "\n");
    EXPECT_EQ(read("out"), "");
  }
}

TEST_F(TrialTest, SaysThatAProgramIsNotThereOrCannotBePreloaded) {
  write("plan", "allot plan 2\n");
  EXPECT_EQ(shell("allot trial plan -- ./none"), 1);
  EXPECT_EQ(read("err"), "allot: ./none: there is no such program\n");
  EXPECT_EQ(shell("allot trial plan -- " ALLOT_SUBJECT_STATIC), 3);
  EXPECT_EQ(read("err"), "allot: " ALLOT_SUBJECT_STATIC
                         ": it is linked statically: nothing can be preloaded into it\n");
}

TEST_F(TrialTest, IsPartOfTheAdviceOnAProgram) {
  const int code =
      shell("echo 12345 | allot advise --min 0 --rounds 5 --json a.json -- $subject input");
  expect_tried(code);
  EXPECT_EQ(read("out"), "6 bytes\ndone\n"); // of the recording; once
  EXPECT_TRUE(holds(read("err"), "all of it: ")) << read("err");
  EXPECT_TRUE(holds(read("err"), "   trial: ")) << read("err");
  const auto document = json("a.json");
  EXPECT_TRUE(document["advice"][0].HasMember("trial"));
  EXPECT_TRUE(document.HasMember("trial"));
  EXPECT_TRUE(document.HasMember("alternatives"));
}

TEST_F(TrialTest, IsPartOfThePageAboutAProgram) {
  if (shell("allot help report >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "built without the page";
  shell("allot advise --min 0 --rounds 5 --report a.html -- $subject");
  const std::string page = read("a.html");
  EXPECT_TRUE(page.starts_with("<!doctype html>")) << page.substr(0, 100);
  EXPECT_TRUE(page.find("\"expected\":") != std::string::npos); // what a trial alone can tell
}

TEST_F(TrialTest, IsLeftOutWhereTheRateOfCallsDecides) {
  EXPECT_EQ(shell("allot advise --json a.json -- true"), 4); // which allocates next to nothing
  EXPECT_TRUE(holds(read("err"), "Leave it")) << read("err");
  EXPECT_FALSE(json("a.json").HasMember("trial"));
}

} // namespace
