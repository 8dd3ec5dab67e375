// The trial of a process: the plan in force, and what each thread has.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "look_up.hpp"
#include "memory.hpp"
#include "strategy.hpp"

namespace trial {

/// What a thread has.
struct Thread {
  Strategy* of_route[max_routes];
  Strategy* last;        ///< whose block it freed last, with nothing allocated since; if measured
  std::uint64_t tick;    ///< of the processor's clock, some steps ago
  std::uint32_t steps;   ///< from one free of it to the next, since then
  std::uint64_t opening; ///< the stack pointer that it called dlopen with; 0 outside
  std::uint64_t return_address; ///< that it did it with; it lies right below
  bool at_work;                 ///< what it calls is the library's own
  unsigned unseen;              ///< calls that were
};
extern constinit thread_local Thread mine;

struct Plan {
  std::atomic<Keys*> keys; ///< null: there are none, or not settled
  std::atomic<bool> settled;
  bool measures; ///< teardown
  Range range;
};
extern constinit Plan plan;

/// While there are no keys that are settled: begins the trial, or looks for modules that have come
/// or gone since. `sp` is the caller's stack pointer. The keys to use for now, or null. Keeps
/// errno.
Keys* settle(std::uint64_t sp);

/// What the thread has of a route, made if it has none; null when it is at work, in a signal
/// handler, or there is no room for more.
Strategy* make(std::uint32_t route);

/// A call that a key may be about.
struct Call {
  Keys* keys;
  Keys::Place* place;
};

/// Whether a key may be about a call with these registers: its place is null where none is.
[[gnu::always_inline]] inline Call look_at(Registers caller) {
  Keys* keys = plan.keys.load(std::memory_order_acquire);
  if (!keys) [[unlikely]] {
    if (!plan.settled.load(std::memory_order_relaxed))
      keys = settle(caller.sp);
    if (!keys)
      return {nullptr, nullptr};
  }
  if (plan.measures) [[unlikely]]
    mine.last = nullptr;
  return {keys, keys->innermost(caller.ip)};
}

/// What serves it, or only counts it; null: nothing does.
[[gnu::always_inline]] inline Strategy* strategy_for(Call call, std::uint64_t sp,
                                                     std::uint64_t bp) {
  const int route = call.keys->route_of(call.place, sp, bp);
  if (route < 0)
    return nullptr;
  Strategy* const found = mine.of_route[route];
  if (found && found->owner() == &mine) [[likely]]
    return found;
  return make(static_cast<std::uint32_t>(route));
}

/// The strategy that the block is of; `p` is in the range.
Strategy& strategy_of(const void* p);

/// Gives such a block back. Ends the program if no strategy is there.
void give_back(void* p);

/// dlopen is about to be called with these registers, or dlclose has been.
void opening(Registers caller);
void closed();

/// While there is one, what this thread calls is the library's own.
class AtWork {
public:
  AtWork() : before_(mine.at_work) { mine.at_work = true; }
  AtWork(const AtWork&) = delete;
  AtWork& operator=(const AtWork&) = delete;
  ~AtWork() { mine.at_work = before_; }

private:
  bool before_;
};

} // namespace trial
