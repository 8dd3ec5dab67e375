// Scheduler: runs the threads of a small program in every order in which they may meet.
//
// Each operation on an atomic (model.hpp) is a point at which another thread may go on. A store
// waits in a buffer of its thread, whose order it keeps, as on x86: it reaches memory later than
// loads that follow it, at a point of its own, but before the thread's next read-modify-write or
// fence.
//
// All orders are tried by depth-first search: the program is run anew for each, its first choices
// repeated. Of orders that differ only in what came first of two steps that have nothing to do with
// each other one is enough (sleep sets: Godefroid, 1996). So what a program checks must not depend
// on that; it doesn't if what threads share is a Plain, which tells when two touch it and nothing
// orders them, or is looked at when all have ended.
//
// Only one thread runs at a time, and nothing reads a clock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace schedules {

inline constexpr int max_threads = 3;
using Word = std::uint64_t;

/// What of each thread has happened before.
struct Clock {
  std::array<unsigned, max_threads> of{};
  void join(const Clock& other) {
    for (std::size_t i = 0; i != of.size(); ++i)
      of[i] = of[i] < other.of[i] ? other.of[i] : of[i];
  }
};

/// What an atomic has in memory: its value, and what who acquires it knows.
struct Place {
  Word value = 0;
  Clock clock;
};

/// When a thread touched memory that is no atomic.
struct Touched {
  Clock read;
  Clock written;
};

enum class Kind { load, store, update, lock, fence, fence_other, yield, flush };
/// What a thread does next, or a buffer.
struct Step {
  Kind kind = Kind::yield;
  const Place* place = nullptr;
  int other = -1; // fence_other: whose buffer must be empty
};

/// Threads, and what is checked when they have ended; made anew for each order.
struct Program {
  std::vector<std::function<void()>> threads;
  std::function<void()> at_end;
};

struct Result {
  std::size_t schedules = 0; // that differ in more than the order of what has nothing to do with
                             // each other
  std::size_t cut = 0;       // begun, until it showed that they do not
  std::string fault;         // the first that was found, and what came before it; the search ends
};

class Scheduler {
public:
  Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  ~Scheduler();

  /// `all`: those that differ only in what makes no difference, too.
  [[nodiscard]] Result explore(const std::function<Program()>& make, bool all = false);

  // What the threads of a program call.

  /// Whether this is one of them: else nothing is scheduled.
  [[nodiscard]] static Scheduler* running();
  /// Returns when it is this thread's turn.
  void before(const Step& step);
  [[nodiscard]] Word load(Place& place, bool acquires);
  void store(Place& place, Word value, bool releases);
  /// A read-modify-write, of what `load` gave.
  void update(Place& place, Word value, bool releases);
  void take(Place& mutex); ///< after its lock: nobody else has it until it is 0 again
  void fence_all();
  void yield();
  void read(Touched& memory, const char* what);
  void write(Touched& memory, const char* what);
  static void fail(const std::string& fault);

private:
  struct Machine;
  std::unique_ptr<Machine> machine_;
};

} // namespace schedules
