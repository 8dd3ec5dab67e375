// liballot_trial.so in a program that allocates at known places, by plans that are written here.
#include <algorithm>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../tools/launch/launch.hpp"
#include "../../tools/trial/segment.hpp"

namespace {

using trial::Kind;
using trial::Match;
using trial::State;
using trial::Way;

struct Plan {
  std::vector<trial::Module> modules;
  std::vector<trial::Node> nodes;
  std::vector<trial::Route> routes;
};

trial::Module module(const std::string& path, const std::string& hex) {
  trial::Module m{};
  for (std::size_t i = 0; 2 * i < hex.size() && i < sizeof m.build_id; ++i)
    m.build_id[i] = static_cast<std::uint8_t>(std::stoul(hex.substr(2 * i, 2), nullptr, 16));
  m.build_id_bytes = static_cast<std::uint32_t>(hex.size() / 2);
  path.substr(path.rfind('/') + 1).copy(m.name, sizeof m.name - 1);
  return m;
}

std::string output_of(const std::string& command) {
  std::string text;
  FILE* const pipe = ::popen(command.c_str(), "r");
  char part[4096];
  for (std::size_t n; (n = std::fread(part, 1, sizeof part, pipe)) != 0;)
    text.append(part, n);
  ::pclose(pipe);
  return text;
}

// The subject says where it allocates.
Plan plan_of_subject() {
  Plan plan;
  plan.routes = {{Kind::region, 0, 4096, 0}, {Kind::pool, 0, 64, 40}};
  std::istringstream lines(output_of(std::string(ALLOT_SUBJECT) + " keys " + ALLOT_PLUGIN));
  std::string kind;
  std::string what;
  std::string hex;
  while (lines >> kind >> what >> hex) {
    if (kind == "module") {
      plan.modules.push_back(module(what == "subject" ? ALLOT_SUBJECT : ALLOT_PLUGIN, hex));
      continue;
    }
    trial::Node node{};
    node.offset = std::stoul(hex, nullptr, 16);
    node.module = kind == "plugin" ? 1 : 0;
    node.route = kind == "key" ? std::stoi(what) : kind == "inner" ? -1 : 0;
    node.parent = kind == "outer" ? static_cast<std::uint32_t>(plan.nodes.size()) : 0;
    plan.nodes.push_back(node);
  }
  return plan;
}

struct Sum {
  std::uint64_t calls = 0;
  std::uint64_t served = 0;
  std::uint64_t freed = 0;
  std::uint64_t passed_on = 0;
  std::uint64_t refused = 0;
  std::uint64_t epochs = 0;
  std::uint64_t most = 0;
  std::uint64_t left = 0;
  std::uint64_t foreign = 0;
  std::uint64_t teardown_ticks = 0;
  std::uint64_t teardown_steps = 0;
};

class Trial {
public:
  explicit Trial(Plan plan = plan_of_subject()) : plan_(std::move(plan)) {}
  Trial(const Trial&) = delete;
  ~Trial() {
    if (segment_)
      ::munmap(segment_, size_);
    ::close(file_);
  }

  Way way = Way::routed;
  std::uint64_t served = ~std::uint64_t{0};
  bool measure_teardown = false;
  rusage usage{};

  Plan& plan() { return plan_; }

  /// The status as wait() has it.
  int run(const std::string& name, const std::string& program = ALLOT_SUBJECT) {
    write();
    const std::string variable = std::string(trial::environment_variable) + "=/proc/" +
                                 std::to_string(::getpid()) + "/fd/" + std::to_string(file_);
    const pid_t process =
        launch::start_program(launch::find_program(program), {program, name, ALLOT_PLUGIN},
                              {launch::preloading(ALLOT_TRIAL_LIBRARY), variable});
    int status = -1;
    ::wait4(process, &status, 0, &usage);
    return status;
  }

  const trial::Seen& seen() const { return at<trial::Seen>(trial::seen_at(header_)); }
  const trial::Instance& instance(std::uint32_t i) const {
    return at<trial::Instance>(trial::instances_at(header_) + i * sizeof(trial::Instance));
  }
  /// All instances of a route together.
  Sum sum(std::uint32_t route) const {
    Sum all;
    for (std::uint32_t i = 0; i < seen().instances; ++i) {
      const trial::Instance& one = instance(i);
      if (one.route != route)
        continue;
      all.calls += one.calls();
      all.served += one.served;
      all.freed += one.freed;
      all.passed_on += one.passed_on;
      all.refused += one.refused;
      all.epochs += one.epochs;
      all.most = std::max(all.most, one.most());
      all.left += one.left;
      all.foreign += one.foreign;
      all.teardown_ticks += one.teardown_ticks;
      all.teardown_steps += one.teardown_steps;
    }
    return all;
  }

private:
  template <class T>
  const T& at(std::size_t offset) const {
    return *reinterpret_cast<const T*>(segment_ + offset);
  }

  void write() {
    header_ = {trial::magic,
               trial::protocol,
               way,
               measure_teardown ? 1u : 0u,
               served,
               static_cast<std::uint32_t>(plan_.modules.size()),
               static_cast<std::uint32_t>(plan_.nodes.size()),
               static_cast<std::uint32_t>(plan_.routes.size()),
               0};
    size_ = trial::segment_bytes(header_);
    ASSERT_EQ(::ftruncate(file_, static_cast<off_t>(size_)), 0);
    segment_ =
        static_cast<char*>(::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, file_, 0));
    std::memcpy(segment_, &header_, sizeof header_);
    const auto put = [this](std::size_t offset, const auto& items) {
      if (!items.empty())
        std::memcpy(segment_ + offset, items.data(), items.size() * sizeof items[0]);
    };
    put(trial::modules_at, plan_.modules);
    put(trial::nodes_at(header_), plan_.nodes);
    put(trial::routes_at(header_), plan_.routes);
  }

  Plan plan_;
  trial::Header header_{};
  int file_ = ::memfd_create("trial", MFD_CLOEXEC);
  std::size_t size_ = 0;
  char* segment_ = nullptr;
};

TEST(Preload, ServesEveryFunctionOfTheFamilyAsMallocDoes) {
  Trial trial;
  ASSERT_EQ(trial.run("family"), 0);
  ASSERT_EQ(trial.seen().state, State::ready);
  const Sum region = trial.sum(0);
  EXPECT_EQ(region.served, 250u);
  EXPECT_EQ(region.freed, region.served);
  EXPECT_EQ(region.passed_on, 0u);
  EXPECT_EQ(region.refused, 1u); // which nobody can serve
  const Sum pool = trial.sum(1);
  EXPECT_GT(pool.served, 70u);
  EXPECT_EQ(pool.freed, pool.served);
  EXPECT_EQ(pool.calls, region.calls);
}

TEST(Preload, LooksUpAndServesNothingAsTheControl) {
  Trial trial;
  trial.way = Way::control;
  ASSERT_EQ(trial.run("epochs"), 0);
  const Sum region = trial.sum(0);
  EXPECT_EQ(region.served, 0u);
  EXPECT_EQ(region.refused, 0u);
  EXPECT_GT(region.passed_on, 400u);
}

TEST(Preload, ServesOnlyTheRoutesOfTheMask) {
  Trial trial;
  trial.served = 2;
  ASSERT_EQ(trial.run("foreign"), 0);
  EXPECT_EQ(trial.sum(0).served, 0u);
  EXPECT_EQ(trial.sum(0).passed_on, 11u);
  EXPECT_EQ(trial.sum(1).served, 11u);
}

TEST(Preload, CountsEpochsAndTheirBytesAsThePlanDoes) {
  Trial trial;
  ASSERT_EQ(trial.run("epochs"), 0);
  const Sum region = trial.sum(0);
  std::uint64_t blocks = 0;
  for (int epoch = 0; epoch < 100; ++epoch)
    blocks += epoch == 50 ? 71u : static_cast<unsigned>(epoch % 7) + 2u;
  EXPECT_EQ(region.epochs, 100u);
  EXPECT_EQ(region.served, blocks);
  EXPECT_EQ(region.freed, blocks);
  EXPECT_EQ(region.most, 70u * 32 + 1008);
}

TEST(Preload, CountsTheMostBlocksOfAPool) {
  Trial trial;
  ASSERT_EQ(trial.run("pool"), 0);
  EXPECT_EQ(trial.sum(1).served, 400u);
  EXPECT_EQ(trial.sum(1).freed, 400u);
  EXPECT_EQ(trial.sum(1).most, 40u);
}

TEST(Preload, ReallocatesInOutOfAndBetweenStrategies) {
  Trial trial;
  ASSERT_EQ(trial.run("reallocations"), 0);
  EXPECT_EQ(trial.sum(0).freed, trial.sum(0).served);
  EXPECT_EQ(trial.sum(0).left, 1u);
  EXPECT_EQ(trial.sum(0).epochs, 1u);
  EXPECT_EQ(trial.sum(1).served, 2u); // the second in place of the first
  EXPECT_EQ(trial.sum(1).freed, 2u);
  EXPECT_EQ(trial.sum(1).refused, 1u);
}

TEST(Preload, LooksOneFrameFurtherAfterAnInnerPlace) {
  Trial trial;
  ASSERT_EQ(trial.run("two_frames"), 0);
  EXPECT_EQ(trial.sum(0).calls, 1u);
}

TEST(Preload, TakesBackWhatAnotherThreadFreed) {
  Trial trial;
  ASSERT_EQ(trial.run("foreign"), 0);
  EXPECT_EQ(trial.sum(0).foreign, 10u);
  EXPECT_EQ(trial.sum(0).epochs, 11u);
  EXPECT_EQ(trial.sum(1).foreign, 10u);
  EXPECT_EQ(trial.sum(1).freed, 11u);
  EXPECT_EQ(trial.sum(1).most, 1u);
}

TEST(Preload, KeepsWhatThreadsPassToEachOther) {
  Trial trial;
  ASSERT_EQ(trial.run("crossing"), 0);
  EXPECT_EQ(trial.sum(0).calls + trial.sum(1).calls, 12'000u);
  EXPECT_EQ(trial.sum(0).refused, 0u);
  EXPECT_GT(trial.sum(0).foreign, 0u);
  EXPECT_GE(trial.sum(0).freed + 4000, trial.sum(0).served); // the rest waits for its owner
}

TEST(Preload, HandsOnWhatAThreadHadWhenItEnds) {
  Trial trial;
  ASSERT_EQ(trial.run("threads_end"), 0);
  EXPECT_EQ(trial.seen().instances, 1u);
  EXPECT_EQ(trial.sum(0).served, 10u);
  EXPECT_EQ(trial.sum(0).foreign, 5u);
}

TEST(Preload, CountsNothingOfAForkedChild) {
  Trial trial;
  ASSERT_EQ(trial.run("forked"), 0);
  EXPECT_EQ(trial.sum(0).served, 2u);
  EXPECT_EQ(trial.sum(0).epochs, 2u);
  EXPECT_EQ(trial.sum(1).served, 0u);
}

TEST(Preload, IsCalledBySignalHandlersThatInterruptIt) {
  Trial trial;
  ASSERT_EQ(trial.run("interrupted"), 0);
  EXPECT_GE(trial.sum(0).served, 50u);
}

TEST(Preload, FindsKeysInLibrariesThatComeLater) {
  Trial trial;
  ASSERT_EQ(trial.run("plugged"), 0);
  EXPECT_EQ(trial.sum(0).served, 3u);
  EXPECT_EQ(trial.seen().modules[0], Match::matched);
  EXPECT_EQ(trial.seen().modules[1], Match::matched);
}

TEST(Preload, TellsThatAModuleIsAbsent) {
  Trial trial;
  ASSERT_EQ(trial.run("epochs"), 0);
  EXPECT_EQ(trial.seen().modules[1], Match::absent);
}

TEST(Preload, RoutesNothingOfAnotherBuild) {
  Trial trial;
  trial.plan().modules[0].build_id[3] ^= 1;
  ASSERT_EQ(trial.run("epochs"), 0);
  EXPECT_EQ(trial.seen().state, State::ready);
  EXPECT_EQ(trial.seen().modules[0], Match::differs);
  EXPECT_EQ(trial.seen().instances, 0u);
}

TEST(Preload, HasCountedWhenItIsKilled) {
  Trial trial;
  const int status = trial.run("killed");
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  EXPECT_EQ(trial.sum(0).served, 13u);
  EXPECT_EQ(trial.sum(0).epochs, 12u);
  EXPECT_EQ(trial.instance(0).bytes, 64u);
}

TEST(Preload, TellsWhatOutgrewItsPrediction) {
  Trial trial;
  ASSERT_EQ(trial.run("outgrown"), 0);
  const std::vector<trial::Route>& routes = trial.plan().routes;
  for (std::uint32_t i = 0; i < trial.seen().instances; ++i)
    EXPECT_TRUE(trial.instance(i).outgrew(routes[trial.instance(i).route]));
  EXPECT_EQ(trial.sum(0).served, 20'000u);
  EXPECT_EQ(trial.sum(1).calls, 2000u);
  EXPECT_GE(trial.sum(1).served, 400u);
  EXPECT_GT(trial.sum(1).refused, 1000u);
}

TEST(Preload, TellsNothingAsOutgrownThatKeepsToThePlan) {
  Trial trial;
  ASSERT_EQ(trial.run("pool"), 0);
  EXPECT_FALSE(trial.instance(0).outgrew(trial.plan().routes[1]));
}

TEST(Preload, LeavesWhatToDoWithoutMemoryToTheProgram) {
  Trial trial;
  EXPECT_EQ(trial.run("no_memory"), 0);
}

TEST(Preload, IsNotInTheEnvironmentOfWhatTheProgramStarts) {
  Trial trial;
  EXPECT_EQ(trial.run("environment"), 0);
}

TEST(Preload, ServesBeforeMainAndTakesBackAfterIt) {
  ::setenv("SUBJECT_EARLY", "1", 1);
  Trial trial;
  EXPECT_EQ(trial.run("nothing"), 0);
  ::unsetenv("SUBJECT_EARLY");
  EXPECT_EQ(trial.sum(0).served, 1u);
  EXPECT_EQ(trial.sum(0).epochs, 1u);
}

TEST(Preload, EndsTheProgramThatFreesWhatItMayNot) {
  for (const char* const name : {"double_free", "wrong_pointer", "far_pointer"}) {
    Trial trial;
    ::testing::internal::CaptureStderr();
    const int status = trial.run(name);
    const std::string said = ::testing::internal::GetCapturedStderr();
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) << name;
    EXPECT_NE(said.find("allot trial: "), std::string::npos) << name << ": " << said;
  }
}

TEST(Preload, MeasuresTheStepsOfATeardownIfAskedTo) {
  Trial trial;
  trial.measure_teardown = true;
  ASSERT_EQ(trial.run("teardown"), 0);
  EXPECT_EQ(trial.sum(0).teardown_steps, 12u);
  EXPECT_GT(trial.sum(0).teardown_ticks, 0u);
  Trial without;
  ASSERT_EQ(without.run("teardown"), 0);
  EXPECT_EQ(without.sum(0).teardown_steps, 0u);
}

TEST(Preload, LeavesAProgramAloneWhoseOperatorNewIsItsOwn) {
  Trial trial;
  EXPECT_EQ(trial.run("", ALLOT_SUBJECT_NEW), 0);
  EXPECT_EQ(trial.seen().state, State::ready);
}

TEST(Preload, SaysSoWhereMallocIsTheProgramsOwn) {
  Trial trial;
  EXPECT_EQ(trial.run("", ALLOT_SUBJECT_MALLOC), 0);
  EXPECT_NE(trial.seen().state, State::ready);
}

TEST(Preload, RunsAProgramAsItIsWithoutAPlan) {
  Trial trial;
  const std::string program = ALLOT_SUBJECT;
  const pid_t process =
      launch::start_program(launch::find_program(program), {program, "family"},
                            {launch::preloading(ALLOT_TRIAL_LIBRARY), "ALLOT_TRIAL=/nowhere"});
  int status = -1;
  ::waitpid(process, &status, 0);
  EXPECT_EQ(status, 0);
}

// What came into its arenas is given back as allot's Region promises.
TEST(Preload, TakesNoMoreMemoryThanItUses) {
  Trial trial;
  trial.plan().routes[0].bytes = std::uint64_t{1} << 30;
  trial.plan().routes[1].blocks = std::uint64_t{1} << 24;
  ASSERT_EQ(trial.run("epochs"), 0);
  EXPECT_LT(trial.usage.ru_maxrss, 32 << 10);
}

} // namespace
