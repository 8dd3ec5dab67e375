// The `allot` command as its users run it: what it prints where, and its exit codes.
#include <allot/base/annotate.hpp>
#include <allot/version.hpp>

#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

using namespace std::literals;

namespace {

const std::array strategies = {"arena", "typed arena", "bump",   "object pool", "block pool",
                               "stack", "mmap arena",  "region", "scratch"};

struct Outcome {
  int exit_code;
  std::string out;
  std::string err;
};

int exit_code_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// A directory for the test's files; commands run in it.
class Command : public testing::Test {
protected:
  Command() {
    std::string pattern = (std::filesystem::temp_directory_path() / "allot-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
  }
  ~Command() override { std::filesystem::remove_all(directory_); }

  void write(const std::string& name, std::string_view text) const {
    std::ofstream(directory_ / name, std::ios::binary) << text;
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream file(directory_ / name, std::ios::binary);
    return {std::istreambuf_iterator(file), {}};
  }

  /// Runs `allot` with these words of shell.
  [[nodiscard]] Outcome run(const std::string& arguments, const std::string& source = "") const {
    const std::string command = source + ALLOT_TOOL " " + arguments;
    const int status = std::system(shell("(" + command + ") </dev/null >out 2>err").c_str());
    return {exit_code_of(status), read("out"), read("err")};
  }
  [[nodiscard]] Outcome run_on(std::string_view document, const std::string& options = "") const {
    write("document.json", document);
    return run("tour document.json " + options);
  }

  /// What a terminal shows that the shell's command runs in.
  [[nodiscard]] std::string on_terminal(const std::string& command) const {
    int terminal = -1;
    const pid_t child = forkpty(&terminal, nullptr, nullptr, nullptr);
    if (child == 0) {
      execl("/bin/sh", "sh", "-c", shell(command).c_str(), nullptr);
      _exit(127);
    }
    std::string shown;
    std::array<char, 4096> buffer{};
    for (ssize_t got = 1; (got = ::read(terminal, buffer.data(), buffer.size())) > 0;)
      shown.append(buffer.data(), static_cast<std::size_t>(got));
    close(terminal);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(exit_code_of(status), 0) << shown;
    return shown;
  }

private:
  [[nodiscard]] std::string shell(const std::string& command) const {
    return "cd '" + directory_.string() + "' && " + command;
  }

  std::filesystem::path directory_;
};

/// The result of `allot tour --json`.
class Report {
public:
  explicit Report(const Outcome& outcome) {
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    document_.Parse(outcome.out.c_str());
    EXPECT_FALSE(document_.HasParseError()) << outcome.out;
  }
  [[nodiscard]] std::size_t number(const char* key) const { return document_[key].GetUint64(); }
  [[nodiscard]] const rapidjson::Value& results() const { return document_["strategies"]; }
  [[nodiscard]] const rapidjson::Value& result(std::string_view strategy) const {
    const auto results = document_["strategies"].GetArray();
    return *std::find_if(results.begin(), results.end(), [strategy](const rapidjson::Value& r) {
      return r["strategy"].GetString() == strategy;
    });
  }
  [[nodiscard]] std::size_t calls(std::string_view strategy, const char* side) const {
    return result(strategy)[side]["calls"].GetUint64();
  }
  [[nodiscard]] std::size_t peak(std::string_view strategy, const char* side) const {
    return result(strategy)[side]["peak_bytes"].GetUint64();
  }

private:
  rapidjson::Document document_;
};

/// Of a table, the header's columns in a terminal of this width; lines are no longer than that.
std::string header_within(const Outcome& outcome, std::size_t width) {
  std::istringstream lines(outcome.out);
  std::string header;
  std::size_t rows = 0;
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), width) << line;
    if (line.starts_with("strategy "))
      header = line;
    if (rows != strategies.size() && line.starts_with(strategies[rows] + " "s))
      ++rows;
  }
  EXPECT_EQ(rows, strategies.size()) << outcome.out;
  return header;
}

TEST_F(Command, ShowsARowAStrategyAndWhyItWinsOrLoses) {
  const Outcome outcome = run_on(R"([{"name": "a"}, {"name": "b"}])");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err, "");
  EXPECT_TRUE(outcome.out.starts_with("document.json: 30 bytes, 13 tokens, 2 records\n"));
  EXPECT_FALSE(holds(outcome.out, "\x1B"));
  const std::string header = header_within(outcome, 140);
  for (const char* title : {"what it did", "time", "malloc", "ratio", "peak", "calls"})
    EXPECT_TRUE(holds(header, title)) << header;
  EXPECT_TRUE(header.ends_with(" why")) << header;
  EXPECT_TRUE(holds(outcome.out, "Not for: ")) << outcome.out;
  EXPECT_TRUE(holds(outcome.out, "\nregion \"document\": ")) << outcome.out; // a picture
  EXPECT_TRUE(holds(outcome.out, "allot advise -- ")) << outcome.out;        // where to go next
}

TEST_F(Command, LeavesOutColumnsThatATerminalHasNoRoomFor) {
  write("document.json", "[1]");
  const auto header = [this](const char* columns, std::size_t width) {
    return header_within(run("tour document.json", "COLUMNS="s + columns + " "), width);
  };
  for (const char* narrow : {"80", "20"}) { // as that would be unreadable
    EXPECT_TRUE(holds(header(narrow, 80), "what it did")) << narrow;
    EXPECT_TRUE(header(narrow, 80).ends_with("ratio why")) << narrow;
  }
  EXPECT_TRUE(holds(header("100", 100), "time malloc"));
  EXPECT_FALSE(holds(header("100", 100), "calls"));
  EXPECT_TRUE(holds(header("140", 140), "calls"));
  EXPECT_TRUE(holds(header("none", 140), "calls"));
}

TEST_F(Command, CountsOneAsOne) {
  EXPECT_TRUE(run_on("1").out.starts_with("document.json: 1 byte, 1 token, 1 record\n"));
}

TEST_F(Command, PrintsTheSameAsJson) {
  const Report report(run_on(R"([{"name": "a"}, {"name": "b"}])", "--json"));
  EXPECT_EQ(report.number("bytes"), 30u);
  EXPECT_EQ(report.number("tokens"), 13u);
  EXPECT_EQ(report.number("records"), 2u);
  EXPECT_GE(report.number("rounds"), 3u);
  ASSERT_EQ(report.results().Size(), strategies.size());
  for (rapidjson::SizeType i = 0; i != strategies.size(); ++i) {
    const rapidjson::Value& result = report.results()[i];
    EXPECT_STREQ(result["strategy"].GetString(), strategies[i]);
    EXPECT_TRUE(result["equal"].GetBool()) << strategies[i];
    EXPECT_GT(result["values"].GetUint64(), 0u) << strategies[i];
    const double with_strategy = result["with_strategy"]["seconds"].GetDouble();
    const double with_malloc = result["with_malloc"]["seconds"].GetDouble();
    EXPECT_GT(with_strategy, 0) << strategies[i];
    EXPECT_GT(with_malloc, 0) << strategies[i];
    EXPECT_DOUBLE_EQ(result["ratio"].GetDouble(), with_strategy / with_malloc) << strategies[i];
  }
}

TEST_F(Command, CountsWhatReachesTheAllocator) {
  std::string document = "[";
  for (int i = 0; i != 500; ++i)
    document += (i == 0 ? "" : ",\n") + R"({"name": "a text that no small string holds, )"s +
                std::to_string(i) + "\"}";
  const Report report(run_on(document + "]", "--json"));
  EXPECT_GE(report.calls("region", "with_malloc"), 1000u);
  EXPECT_LT(report.calls("region", "with_strategy"), 5u); // it is kept
  EXPECT_LE(report.calls("mmap arena", "with_strategy"), 3u);
  EXPECT_LT(report.peak("mmap arena", "with_strategy") % 4096, 512u); // pages, and what keeps them
  EXPECT_GE(report.peak("mmap arena", "with_strategy"), document.size());
  EXPECT_GE(report.peak("mmap arena", "with_malloc"), document.size());
  // 501 names, "name" among them, in one piece or each on its own.
  EXPECT_GE(report.calls("bump", "with_malloc") - report.calls("bump", "with_strategy"), 495u);
  EXPECT_GE(report.calls("arena", "with_malloc") - report.calls("arena", "with_strategy"), 999u);
  EXPECT_GE(report.peak("arena", "with_malloc"), 500 * 48u);
  EXPECT_GE(report.calls("object pool", "with_malloc"), 500u);
  EXPECT_LT(report.calls("object pool", "with_strategy"), 20u);
  EXPECT_GE(report.calls("scratch", "with_malloc"), 1500u); // fields, a field, a line
  EXPECT_LT(report.calls("scratch", "with_strategy"), 5u);
}

TEST_F(Command, TakesDocumentsOfEveryShape) {
  for (const std::string_view document :
       {"1"sv, "-0.5e10"sv, "null"sv, "\"\""sv, "\"x\""sv, "[]"sv, "{}"sv, "[[]]"sv,
        "[{}, [], 0]"sv, " [ 1 , \"a\\\"b\\\\\" ]\r\n"sv, R"({"": ""})"sv, R"({"a": 1, "a": 2})"sv,
        R"({"a": [], "b": {"c": [1, true, "\ud83d\ude00 é"]}})"sv,
        "[18446744073709551615, -9223372036854775808, 1e308]"sv, "\xEF\xBB\xBF{\"a\": 1}"sv}) {
    const Report report(run_on(document, "--json"));
    for (const rapidjson::Value& result : report.results().GetArray())
      EXPECT_TRUE(result["equal"].GetBool()) << document << ' ' << result["strategy"].GetString();
  }
}

TEST_F(Command, TakesADocumentThatIsAThousandDeep) {
  const std::size_t depth = 1000;
  EXPECT_EQ(run_on(std::string(depth, '[') + std::string(depth, ']')).exit_code, 0);
}

TEST_F(Command, FindsTheRecords) {
  for (const auto& [document, records] : std::initializer_list<std::pair<const char*, std::size_t>>{
           {"[1, [2, 3], {\"a\": [4, 5, 6, 7]}]", 3},
           {R"({"few": [1], "many": [1, [2, 2], {"b": 3}, 4], "none": []})", 4},
           {R"({"deeper": {"many": [1, 2, 3]}})", 1},
           {"[]", 1},
           {"7", 1}}) {
    EXPECT_EQ(Report(run_on(document, "--json")).number("records"), records) << document;
  }
}

TEST_F(Command, TakesADocumentOfIsoCodesByDefault) {
  const Outcome outcome = run("tour");
  if (!std::filesystem::exists("/usr/share/iso-codes/json/iso_639-3.json")) {
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_TRUE(outcome.err.ends_with("(it comes with the package iso-codes)\n")) << outcome.err;
    GTEST_SKIP() << "iso-codes is not installed";
  }
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(outcome.out.starts_with("/usr/share/iso-codes/json/iso_639-3.json: "));
}

TEST_F(Command, ReadsStandardInput) {
  write("document.json", "[1, 2, 3]");
  EXPECT_EQ(Report(run("tour - --json <document.json")).number("records"), 3u);
  EXPECT_EQ(Report(run("tour - --json", "cat document.json | ")).number("records"), 3u);
}

TEST_F(Command, RefusesABadDocumentInOneLine) {
  const struct {
    std::string document;
    std::string message;
  } cases[] = {
      {"", "the file is empty"},
      {" \n ", "line 2, byte 3: The document is empty."},
      {"{\"a\": 1,}", "line 1, byte 8: Missing a name for object member."},
      {"[1,\n2,", "line 2, byte 6: Invalid value."},
      {"{} x", "line 1, byte 3: The document root must not be followed by other values."},
      {"{}\0x"s, "line 1, byte 2: A zero byte is not JSON."},
      {"\"a\0b\""s, "line 1, byte 2: A zero byte is not JSON."},
      {"{\"a\":\n\"caf\xE9\"}", "line 2, byte 10: 0xE9 is not UTF-8."},
      {"{}\n\xE9", "line 2, byte 3: 0xE9 is not UTF-8."},
      {"\"\xF0", "line 1, byte 1: 0xF0 is not UTF-8."},
      {"\"\xED\xA0\x80\"", "line 1, byte 1: 0xED is not UTF-8."}, // half of a surrogate pair
      {"\"\xC0\x80\"", "line 1, byte 1: 0xC0 is not UTF-8."},     // longer than it need be
      {"\xFF\xFE{\0}\0"s, "line 1, byte 0: 0xFF is not UTF-8."},  // UTF-16
      {"{\"a\" 1, \"\xE9\": 2}", "line 1, byte 5: Missing a colon after a name of object member."},
      {std::string(100'000, '['), "line 1, byte 100000: Invalid value."},
      {std::string(100'000, '[') + std::string(100'000, ']'),
       "line 1, byte 1000: Brackets are nested 100000 deep, more than 1000."},
      {"\xEF\xBB\xBF[[],\n" + std::string(1000, '[') + std::string(1001, ']'),
       "line 2, byte 1007: Brackets are nested 1001 deep, more than 1000."},
  };
  for (const auto& [document, message] : cases) {
    const Outcome outcome = run_on(document);
    EXPECT_EQ(outcome.exit_code, 1) << message;
    EXPECT_EQ(outcome.out, "") << message;
    EXPECT_EQ(outcome.err, "allot: document.json: " + message + "\n");
  }
}

TEST_F(Command, RefusesWhatIsNoFileInOneLine) {
  EXPECT_EQ(run("tour none.json").err, "allot: none.json: No such file or directory\n");
  EXPECT_EQ(run("tour \"$(printf 'a\\nb\\377')\"").err, "allot: a?b?: No such file or directory\n");
  EXPECT_EQ(run("tour ''").err, "allot: '': No such file or directory\n");
  EXPECT_EQ(run("tour .").err, "allot: .: Is a directory\n");
  EXPECT_EQ(run("tour -").err, "allot: standard input: the file is empty\n");
  for (const char* arguments : {"tour none.json", "tour .", "tour -"}) {
    EXPECT_EQ(run(arguments).exit_code, 1) << arguments;
    EXPECT_EQ(run(arguments).out, "") << arguments;
  }
}

TEST_F(Command, ExitsWith2OnWrongUsageAndSaysInOneLineWhatWasWrong) {
  for (const auto& [arguments, message] :
       std::initializer_list<std::pair<const char*, const char*>>{
           {"", "A subcommand is required"},
           {"tuor", "tuor: not understood"},
           {"tuor document.json", "tuor: not understood"},
           {"--jsn", "--jsn: not understood"},
           {"tour --jsn", "--jsn: not understood"},
           {"tour a.json b.json", "b.json: not understood"},
           {"help tuor", "there is no command tuor"},
           {"\"$(printf 'a\\nb')\"", "a?b: not understood"},
           {"''", "'': not understood"}}) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.exit_code, 2) << arguments;
    EXPECT_EQ(outcome.out, "") << arguments;
    EXPECT_EQ(outcome.err, "allot: "s + message + "; see allot --help\n");
  }
}

TEST_F(Command, HelpsAndTellsItsVersion) {
  for (const char* arguments : {"--help", "tour --help", "--version", "help", "help tour"}) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.exit_code, 0) << arguments;
    EXPECT_TRUE(holds(outcome.out, "allot")) << outcome.out;
    EXPECT_EQ(outcome.err, "") << arguments;
  }
}

TEST_F(Command, ItsVersionIsTheLibrarys) {
  EXPECT_EQ(run("--version").out, "allot " ALLOT_VERSION_STRING "\n");
}

TEST_F(Command, HelpsAsMuchWithAWordAsWithAnOption) {
  EXPECT_EQ(run("help").out, run("--help").out);
  EXPECT_EQ(run("help tour").out, run("tour --help").out);
}

TEST_F(Command, SaysThatItCannotWrite) {
  write("document.json", "[]");
  for (const char* option : {"", " --json"}) {
    const Outcome outcome = run("tour document.json >/dev/full"s + option);
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_EQ(outcome.err, "allot: standard output: No space left on device\n");
  }
}

TEST_F(Command, ColoursOnlyForTerminalsThatWantIt) {
  write("document.json", "[]");
  const std::string tour = ALLOT_TOOL " tour document.json";
  EXPECT_TRUE(holds(on_terminal("NO_COLOR= TERM=xterm " + tour), "\x1B[31m")); // there are losses
  EXPECT_FALSE(holds(on_terminal("NO_COLOR=1 TERM=xterm " + tour), "\x1B"));
  EXPECT_FALSE(holds(on_terminal("NO_COLOR= TERM=dumb " + tour), "\x1B"));
  EXPECT_FALSE(holds(on_terminal("NO_COLOR= TERM=xterm " + tour + " --json"), "\x1B"));
}

TEST_F(Command, ShowsOnATerminalHowFarLongWorkHasCome) {
  // Instrumented, as much takes ten times as long.
  const std::string megabytes = allot::instrumented ? "2" : "25";
  const std::string shown = on_terminal(ALLOT_MAKE_BIG_JSON " " + megabytes +
                                        " >big.json && " ALLOT_TOOL " tour big.json >out");
  EXPECT_TRUE(shown.starts_with("\rallot: ")) << shown;
  EXPECT_TRUE(holds(shown, "measuring, round ")) << shown;
  EXPECT_TRUE(holds(shown, " of 18 ...")) << shown; // within a round, too
  EXPECT_TRUE(shown.ends_with(" \r")) << shown;
  EXPECT_FALSE(holds(shown, "\n")) << shown;
  EXPECT_TRUE(read("out").starts_with("big.json: " + megabytes)) << read("out");
}

TEST_F(Command, ShowsThatItReads) {
  const std::string shown = on_terminal("{ sleep 2.2; echo '[1]'; } | " ALLOT_TOOL " tour - >out");
  EXPECT_TRUE(shown.starts_with("\rallot: reading, 0 MB ...")) << shown;
}

TEST_F(Command, ShowsNothingOfShortWork) {
  EXPECT_EQ(on_terminal(ALLOT_TOOL " tour none.json >out || true"),
            "allot: none.json: No such file or directory\r\n");
}

} // namespace
