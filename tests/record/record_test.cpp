// `allot record` on a program that does what recorders find hard.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "analyze/replay.hpp"
#include "trace/reader.hpp"

namespace {

namespace fs = std::filesystem;
using trace::Operation;

class Record : public testing::Test {
protected:
  Record() {
    std::string pattern = (fs::temp_directory_path() / "allot-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
  }
  ~Record() override { fs::remove_all(directory_); }

  [[nodiscard]] std::string path(const std::string& name) const { return directory_ / name; }

  static std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator(file), {}};
  }

  /// Runs words of shell in the directory; returns the exit code.
  int shell(const std::string& words) const {
    const std::string line = "cd " + directory_.string() + " && ulimit -c 0 && " + words;
    const int status = std::system(line.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  /// Records a program; its output is in "out", what the command says in "err".
  int record(const std::string& program, const std::string& options = "") const {
    return shell(ALLOT_TOOL " record -o t " + options + " -- " + program + " >out 2>err");
  }
  int record_subject(const std::string& what, const std::string& options = "") const {
    return record(ALLOT_SUBJECT " " + what, options);
  }

  struct Read {
    std::uint64_t unknown_blocks = 0; ///< blocks given back that were never got
    std::uint64_t twice = 0;          ///< blocks got while they were there
    std::vector<trace::Event> events;
    std::vector<trace::Context> contexts;
    std::optional<trace::Footer> footer;

    // What replay tells.
    void event(const trace::Event&, std::uint64_t) {}
    void gone(const analyze::Block&, const trace::Event&, std::uint64_t) {}
    void unknown(const trace::Event&) { ++unknown_blocks; }
    void lost(const analyze::Block&) { ++twice; }
    void got(const analyze::Block&, const trace::Event&) {}
    void left(const analyze::Block&) {}

    std::uint32_t depth(const trace::Event& e) const { return contexts[e.context].depth; }
    std::size_t count(Operation operation) const {
      return static_cast<std::size_t>(std::count_if(
          events.begin(), events.end(), [=](const auto& e) { return e.operation == operation; }));
    }
    std::vector<trace::Event> mallocs_of(std::uint64_t size) const {
      std::vector<trace::Event> found;
      for (const trace::Event& e : events)
        if (e.operation == Operation::malloc && e.size == size)
          found.push_back(e);
      return found;
    }
  };

  Read read_trace(const std::string& name = "t") const {
    Read read;
    const trace::Trace trace = trace::Trace::open(path(name));
    trace::Events events(trace);
    for (trace::Event e{}; events.next(e);)
      read.events.push_back(e);
    analyze::replay(trace, read);
    read.contexts = trace.contexts();
    read.footer = trace.footer();
    return read;
  }

  /// The calls after the frames were left stand where the first of them did.
  void expect_frames_left_by(const std::string& way) const {
    ASSERT_EQ(record_subject(way), 0);
    const Read t = read_trace();
    const auto after = t.mallocs_of(32);
    ASSERT_EQ(after.size(), 100u);
    for (const trace::Event& e : after) {
      ASSERT_EQ(t.depth(e), t.depth(after.front()));
      ASSERT_EQ(e.kept, t.depth(e) - 1);
    }
  }

private:
  fs::path directory_;
};

// What runs to its end, and has a trace that tells of every call.
class Whole : public Record, public testing::WithParamInterface<std::string> {};

TEST_P(Whole, TheProgramDoesWhatItDidAndAllOfItIsInTheTrace) {
  ASSERT_EQ(record_subject(GetParam()), 0) << read(path("err"));
  EXPECT_EQ(read(path("out")), "done\n");
  const Read t = read_trace();
  ASSERT_TRUE(t.footer);
  EXPECT_EQ(t.footer->status, 0);
  EXPECT_EQ(t.footer->events, t.events.size());
  EXPECT_EQ(t.footer->lost_events, 0u);
  EXPECT_EQ(t.unknown_blocks, 0u);
  EXPECT_EQ(t.twice, 0u);
}

INSTANTIATE_TEST_SUITE_P(Cases, Whole,
                         testing::Values("plain", "family", "longjmp", "exceptions", "signals",
                                         "signal_stack", "storm", "threads", "moves", "fork",
                                         "vfork", "late", "small_stacks", "recursion", "coroutines",
                                         "errno", "no_memory", "ways", "many"),
                         [](const auto& of) { return of.param; });

TEST_F(Record, KeepsTheFramesThatAreStillTheSame) {
  ASSERT_EQ(record_subject("plain"), 0);
  const Read t = read_trace();
  const auto calls = t.mallocs_of(24);
  ASSERT_EQ(calls.size(), 2000u);
  for (std::size_t i = 1; i < calls.size(); ++i) // another leaf, in the same outer function
    ASSERT_EQ(calls[i].kept, t.depth(calls[i]) - 1) << i;
  for (const trace::Event& e : t.events)
    if (e.operation == Operation::free) { // in the function that made the block
      ASSERT_EQ(e.kept, t.depth(e));
    }
}

TEST_F(Record, ALongjmpEndsTheFramesThatItLeaves) {
  expect_frames_left_by("longjmp");
}

TEST_F(Record, AnExceptionEndsTheFramesThatItLeaves) {
  expect_frames_left_by("exceptions");
}

TEST_F(Record, AHandlersCallsStandOnTheFramesThatItInterrupted) {
  for (const char* const stack : {"signals", "signal_stack"}) {
    ASSERT_EQ(record_subject(stack), 0);
    const Read t = read_trace();
    const auto handled = t.mallocs_of(48);
    const auto other = t.mallocs_of(24);
    ASSERT_EQ(handled.size(), 500u);
    for (const trace::Event& e : handled) {
      EXPECT_GT(t.depth(e), t.depth(other.front()));
      EXPECT_GE(e.kept, t.depth(other.front()) - 2); // all but the two that had returned
    }
  }
}

TEST_F(Record, OfADeepRecursionTheOutermostFramesAreKept) {
  ASSERT_EQ(record_subject("recursion"), 0);
  const Read t = read_trace();
  std::uint32_t deepest = 0;
  for (const trace::Event& e : t.events)
    deepest = std::max(deepest, t.depth(e));
  EXPECT_EQ(deepest, trace::max_depth);
}

TEST_F(Record, TellsEveryMemberOfTheFamilyApart) {
  ASSERT_EQ(record_subject("family"), 0);
  const Read t = read_trace();
  EXPECT_EQ(t.count(Operation::calloc), 1u);
  EXPECT_EQ(t.count(Operation::aligned), 7u);
  EXPECT_EQ(t.count(Operation::new_object), 2u);
  EXPECT_EQ(t.count(Operation::new_array), 2u);
  EXPECT_EQ(t.count(Operation::delete_object), 3u);
  EXPECT_EQ(t.count(Operation::delete_array), 3u);
  EXPECT_EQ(t.count(Operation::reallocate), 2u);
}

TEST_F(Record, ItsOwnFramesAreNotSeen) {
  for (const char* const what : {"family", "errno", "late"}) {
    ASSERT_EQ(record_subject(what), 0);
    const trace::Trace t = trace::Trace::open(path("t"));
    EXPECT_FALSE(t.modules().empty());
    for (const trace::Module& module : t.modules()) // that have a frame on a stack
      EXPECT_EQ(module.path.find("liballot_record"), std::string::npos);
  }
}

TEST_F(Record, SeesCallsBeforeItsOwnConstructors) {
  ASSERT_EQ(record_subject("plain"), 0);
  EXPECT_EQ(read_trace().mallocs_of(77).size(), 1u);
}

TEST_F(Record, GivesAHundredThousandContextsOfTheirOwn) {
  ASSERT_EQ(record_subject("ways"), 0);
  const Read t = read_trace();
  EXPECT_EQ(t.footer->lost_contexts, 0u);
  std::unordered_set<std::uint32_t> contexts;
  for (const trace::Event& e : t.mallocs_of(24))
    contexts.insert(e.context);
  EXPECT_EQ(contexts.size(), std::size_t{1} << 17);
}

TEST_F(Record, NothingIsLostWhenTheProgramIsKilled) {
  for (const auto& [what, signal] : {std::pair{"killed", 9}, {"segv", 11}, {"abort", 6}}) {
    ASSERT_EQ(record_subject(what), 0);
    const Read t = read_trace();
    ASSERT_TRUE(t.footer);
    EXPECT_EQ(t.footer->status & 127, signal);
    EXPECT_EQ(t.mallocs_of(24).size(), 24690u);
    EXPECT_NE(read(path("err")).find("ended by signal"), std::string::npos);
  }
}

TEST_F(Record, AProgramMayCloseAllDescriptors) {
  ASSERT_EQ(record_subject("close_all"), 0);
  EXPECT_EQ(read_trace().mallocs_of(24).size(), 202000u);
}

TEST_F(Record, OnlyTheProgramItselfIsRecorded) {
  ASSERT_EQ(record_subject("fork"), 0);
  EXPECT_EQ(read_trace().mallocs_of(24).size(), 10u);
  EXPECT_FALSE(shell("ls t.* >/dev/null 2>&1") == 0);
}

// A driver, such as a compiler's, does little itself.
TEST_F(Record, TellsWhereTheWorkIsThatOfOthers) {
  std::ofstream(path("work")) << "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
  ASSERT_EQ(record("sh -c 'sh work; true'"), 0);
  EXPECT_NE(read(path("err")).find("allot record --children does"), std::string::npos);
  ASSERT_EQ(record("env sh work"), 0);
  EXPECT_NE(read(path("err")).find("the program went on as "), std::string::npos);
  ASSERT_EQ(record("sh work"), 0);
  EXPECT_EQ(read(path("err")).find("allot record --children does"), std::string::npos);
}

TEST_F(Record, ChildrenHaveTracesOfTheirOwn) {
  ASSERT_EQ(record_subject("fork", "--children"), 0);
  EXPECT_EQ(read_trace().mallocs_of(24).size(), 10u);
  EXPECT_EQ(shell("test $(ls t.* | wc -l) = 5"), 0);
  ASSERT_EQ(shell("mv $(ls t.* | head -1) child"), 0);
  EXPECT_EQ(read_trace("child").mallocs_of(24).size(), 2000u);
}

TEST_F(Record, WithChildrenItWaitsForADaemon) {
  ASSERT_EQ(record_subject("daemon", "--children"), 0);
  ASSERT_EQ(shell("mv $(ls t.* | head -1) child"), 0);
  EXPECT_EQ(read_trace("child").mallocs_of(24).size(), 2000u);
}

TEST_F(Record, TheProgramsExitCodeIsToldAndKept) {
  EXPECT_EQ(record("sh -c 'exit 5'"), 0);
  EXPECT_EQ(WEXITSTATUS(read_trace().footer->status), 5);
  EXPECT_NE(read(path("err")).find("exit code 5"), std::string::npos);
}

TEST_F(Record, TheProgramFindsItsInputAndArgumentsAndEnvironmentAsTheyAre) {
  EXPECT_EQ(shell("echo text | LD_PRELOAD= " ALLOT_TOOL
                  " record -o t -- sh -c 'cat; echo \"$@\"; env | grep -c ALLOT_RECORD; env | grep "
                  "LD_PRELOAD' x '[a,b]' -o -- >out 2>err"),
            0);
  EXPECT_EQ(read(path("out")), "text\n[a,b] -o --\n0\n");
}

TEST_F(Record, WhatTheProgramBecomesIsRecordedWithChildrenOnly) {
  for (const char* const shell : {"sh", "bash"}) { // the latter has a getenv of its own
    EXPECT_EQ(record(shell + std::string(" -c 'exec " ALLOT_SUBJECT " plain'")), 0);
    EXPECT_EQ(read(path("out")), "done\n");
    EXPECT_FALSE(this->shell("ls t.* >/dev/null 2>&1") == 0);
  }
  EXPECT_EQ(record("sh -c 'exec " ALLOT_SUBJECT " plain'", "--children"), 0);
  ASSERT_EQ(shell("mv $(ls t.* | head -1) child"), 0);
  EXPECT_EQ(read_trace("child").mallocs_of(24).size(), 2000u);
}

TEST_F(Record, AnAbsentProgramIsNamed) {
  EXPECT_EQ(record("./absent"), 1);
  EXPECT_NE(read(path("err")).find("./absent"), std::string::npos);
  EXPECT_EQ(record("allot-has-no-such-command"), 1);
  EXPECT_FALSE(fs::exists(path("t")));
}

TEST_F(Record, AProgramThatCannotBePreloadedIsRefused) {
  EXPECT_EQ(record(ALLOT_SUBJECT_STATIC), 3);
  EXPECT_NE(read(path("err")).find("statically"), std::string::npos);
  EXPECT_EQ(record(ALLOT_SUBJECT_MALLOC), 3);
  EXPECT_NE(read(path("err")).find("malloc of its own"), std::string::npos);
  EXPECT_FALSE(fs::exists(path("t")));
}

TEST_F(Record, AMallocThatOnlyTheDynamicLinkerSeesIsRefused) {
  ASSERT_EQ(shell("cp " ALLOT_SUBJECT_MALLOC " p && strip --strip-section-headers p 2>/dev/null || "
                  "objcopy --strip-all p"),
            0);
  EXPECT_EQ(record("./p"), 3);
  EXPECT_EQ(read(path("out")), "");
}

TEST_F(Record, SetuidIsRefused) {
  ASSERT_EQ(shell("cp " ALLOT_SUBJECT " p && chmod u+s p"), 0);
  if (geteuid() == 0) {
    ASSERT_EQ(shell("chown 1 p && chmod u+s p"), 0);
    EXPECT_EQ(record("./p plain"), 3);
    EXPECT_NE(read(path("err")).find("setuid"), std::string::npos);
  } else { // one's own rights are no others
    EXPECT_EQ(record("./p plain"), 0);
  }
}

TEST_F(Record, AFullDiskLeavesAReadableTraceAndTheProgramAlone) {
  // 40 blocks of 512 bytes, in dash and in bash of 1024
  EXPECT_EQ(shell("ulimit -f 40; " ALLOT_TOOL " record -o t -- " ALLOT_SUBJECT " ways >out 2>err"),
            1);
  EXPECT_EQ(read(path("out")), "done\n");
  EXPECT_NE(read(path("err")).find("missing"), std::string::npos);
  const trace::Trace t = trace::Trace::open(path("t"));
  EXPECT_FALSE(t.footer());
}

TEST_F(Record, AProcessWithoutRoomForTheRecorderGoesOnWithoutIt) {
  EXPECT_EQ(record("sh -c 'ulimit -v 100000; exec " ALLOT_SUBJECT " plain'", "--children"), 1);
  EXPECT_EQ(read(path("out")), "done\n");
  EXPECT_NE(read(path("err")).find("no room"), std::string::npos);
}

TEST_F(Record, ADeviceWithoutRoomIsTold) {
  EXPECT_EQ(shell(ALLOT_TOOL " record -o /dev/full -- " ALLOT_SUBJECT " plain >out 2>err"), 1);
  EXPECT_NE(read(path("err")).find("/dev/full"), std::string::npos);
}

} // namespace
