// The programs that the scheduler runs: each protocol between threads in as few steps as show what
// it promises. Sound ones stand beside the same with a mistake, which must be found.
#pragma once

#include "scheduler.hpp"

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace schedules {

struct Case {
  const char* name;
  std::function<Program()> make;
  const char* fault; // how what is found begins; null: nothing is to be found
};
using Cases = std::vector<Case>;

// One a file.
Cases owner_lock_cases();
Cases leavers_cases();
Cases chunk_handout_cases();
Cases magazine_cases();
Cases thread_exit_cases();

/// A small program of which it is known how it may end.
struct Litmus {
  const char* name;
  std::vector<void (*)(struct LitmusState&)> threads;
  std::set<std::string> ends; // what each thread got, and what x is
};
std::vector<Litmus> litmus_tests();
std::set<std::string> ends_of(Scheduler& scheduler, const Litmus& litmus, bool all);

inline void expect(bool holds, const char* what) {
  if (!holds)
    Scheduler::fail(what);
}

} // namespace schedules
