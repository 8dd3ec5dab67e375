// The recorder of a process.
#pragma once

#include <atomic>
#include <cstdint>

#include "lane.hpp"
#include "shadow_stack.hpp"

namespace record {

enum class Mode : std::uint32_t {
  unstarted, ///< also in a child right after fork, whichever way it was made
  on,
  off,
};

/// The kernel makes this page zero in a child.
struct alignas(4096) Forgotten {
  std::atomic<Mode> mode;
  Lock lock;
};
extern Forgotten forgotten;

inline bool is_off() {
  return forgotten.mode.load(std::memory_order_relaxed) == Mode::off;
}

/// Comes to the command, unless that was done or isn't wanted.
void begin(Registers caller);

/// Takes down what the function does that was called with these registers. Without an order it gets
/// the next one. Keeps errno; does nothing in a signal handler that interrupts the recorder.
void take_down(const Event& event, Registers caller);

std::uint64_t next_order();

/// How many calls of this thread the recorder itself has made.
unsigned unseen_calls();

/// Modules may have gone.
void after_dlclose(Registers caller);

/// While there is one, what this thread calls isn't recorded. An exception or a longjmp may leave
/// it without its destructor: it ends then when the frame of the function is gone that was called
/// with these registers.
class Unseen {
public:
  explicit Unseen(Registers caller);
  Unseen(const Unseen&) = delete;
  Unseen& operator=(const Unseen&) = delete;
  ~Unseen();

private:
  bool outermost_;
};

} // namespace record
