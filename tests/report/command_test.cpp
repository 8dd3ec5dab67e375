// `allot report` as its users run it.
#include "../advisor/recording.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <string>
#include <sys/wait.h>

namespace {

std::string content(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// In a folder with a trace.
class ReportCommand : public testing::Test {
protected:
  ReportCommand() {
    std::string pattern = (std::filesystem::temp_directory_path() / "allot-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    Recording recording((folder_ / "trace").string());
    {
      const Call call(recording, 1);
      recording.free(recording.allocate(10));
    }
    recording.finish(1);
  }
  ~ReportCommand() override { std::filesystem::remove_all(folder_); }

  int run(const std::string& arguments) const {
    const int status = std::system(
        ("cd " + folder_.string() + " && " ALLOT_TOOL " report " + arguments + " 2>err").c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  bool told(const std::string& text) const {
    return content(folder_ / "err").find(text) != std::string::npos;
  }
  std::string made(const std::string& file) const { return content(folder_ / file); }
  void write(const std::string& file, const std::string& text) const {
    std::ofstream(folder_ / file) << text;
  }
  bool exists(const std::string& file) const { return std::filesystem::exists(folder_ / file); }

private:
  std::filesystem::path folder_;
};

TEST_F(ReportCommand, WritesAPage) {
  EXPECT_EQ(run("trace -o page.html"), 0) << made("err");
  EXPECT_TRUE(made("page.html").starts_with("<!doctype html>"));
  EXPECT_NE(made("page.html").find("\"path\":\"/nowhere/program\""), std::string::npos);
}

TEST_F(ReportCommand, WritesToStandardOutput) {
  EXPECT_EQ(run("trace -o - > page.html"), 0) << made("err");
  EXPECT_TRUE(made("page.html").starts_with("<!doctype html>"));
}

TEST_F(ReportCommand, IsToldWhereToWrite) {
  EXPECT_EQ(run("trace"), 2);
}

TEST_F(ReportCommand, RefusesWhatIsNoTrace) {
  write("text", "no trace");
  EXPECT_EQ(run("text -o page.html"), 1);
  EXPECT_TRUE(told("text: not a trace")) << made("err");
  EXPECT_FALSE(exists("page.html"));
}

TEST_F(ReportCommand, NamesTheTrialThatIsNone) {
  write("trial", "{}");
  EXPECT_EQ(run("trace trial -o page.html"), 1);
  EXPECT_TRUE(told("trial: no trial's JSON: it has no number \"version\"")) << made("err");
  EXPECT_FALSE(exists("page.html"));
}

TEST_F(ReportCommand, NamesTheTrialThatIsNotThere) {
  EXPECT_EQ(run("trace gone -o page.html"), 1);
  EXPECT_TRUE(told("gone: No such file")) << made("err");
}

TEST_F(ReportCommand, RefusesAnEmptyTrial) {
  write("trial", "");
  EXPECT_EQ(run("trace trial -o page.html"), 1);
  EXPECT_TRUE(told("trial: no trial's JSON: it is empty")) << made("err");
}

} // namespace
