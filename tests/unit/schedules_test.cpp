// The protocols between threads, in every order in which few threads may meet: tests/schedules/.
#include "schedules/protocols.hpp"

#include "support.hpp"

#if defined(__linux__)
#include <sched.h>
#endif

namespace {

using namespace schedules;

/// While it lives, threads that start are on one processor: as one runs at a time, they hand over
/// in half of the time.
class OneProcessor {
public:
#if defined(__linux__)
  OneProcessor() {
    CPU_ZERO(&before_);
    (void)sched_getaffinity(0, sizeof before_, &before_);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<std::size_t>(sched_getcpu()), &one);
    (void)sched_setaffinity(0, sizeof one, &one);
  }
  ~OneProcessor() { (void)sched_setaffinity(0, sizeof before_, &before_); }
#else
  OneProcessor() = default;
  ~OneProcessor() = default;
#endif
  OneProcessor(const OneProcessor&) = delete;
  OneProcessor& operator=(const OneProcessor&) = delete;

private:
#if defined(__linux__)
  cpu_set_t before_;
#endif
};

class Schedules : public testing::Test {
protected:
  void run(const Cases& cases) {
    for (const Case& each : cases) {
      SCOPED_TRACE(each.name);
      const Result result = scheduler_.explore(each.make);
      if (each.fault == nullptr) {
        EXPECT_EQ(result.fault, "");
        EXPECT_GT(result.schedules, 300u);
        EXPECT_GT(result.schedules + result.cut, 1500u);
      } else {
        EXPECT_NE(result.fault, "") << "a mistake was not found";
        EXPECT_TRUE(result.fault.starts_with(each.fault)) << result.fault;
      }
    }
  }

  OneProcessor one_;
  Scheduler scheduler_;
};

TEST_F(Schedules, AreAllThatThereAreOfSmallPrograms) {
  for (const Litmus& litmus : litmus_tests()) {
    SCOPED_TRACE(litmus.name);
    EXPECT_EQ(ends_of(scheduler_, litmus, false), litmus.ends);
    EXPECT_EQ(ends_of(scheduler_, litmus, true), litmus.ends);
  }
}

TEST_F(Schedules, OfAnOwnerLockHaveOneInside) {
  run(owner_lock_cases());
}

TEST_F(Schedules, OfLeaversTakeEachOnce) {
  run(leavers_cases());
}

TEST_F(Schedules, OfAChunkHandoutGiveNothingTwice) {
  run(chunk_handout_cases());
}

TEST_F(Schedules, OfMagazinesKeepEachItem) {
  run(magazine_cases());
}

TEST_F(Schedules, OfAThreadsExitKeepItsPart) {
  run(thread_exit_cases());
}

} // namespace
