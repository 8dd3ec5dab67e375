#include "trial.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>

#include <dlfcn.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>
#include <x86intrin.h>

#include "../../preload/lock.hpp"
#include "../../preload/next.hpp"
#include "connection.hpp"
#include "modules.hpp"

namespace trial {

constinit thread_local Thread mine{};
constinit Plan plan{};

namespace {

using preload::Lock;
using preload::Locked;

// The clock is read once for so many steps of a teardown, since reading it takes longer than most
// destructors; where a step took longer than this on the average, the thread was interrupted.
constexpr std::uint32_t steps_of_reading = 64;
constexpr std::uint64_t longest_step = 4'000;

struct Process {
  Header* header = nullptr;
  Seen* seen = nullptr;
  Instance* instances = nullptr;
  pthread_key_t key = 0;
  Lock lock; ///< of what follows
  bool begun = false;
  Keys* keys = nullptr; ///< settled or not
  Modules modules;
  unsigned openings = 0; ///< threads that have called dlopen, and may be in it
  std::uint32_t spans = 0;
  std::uint32_t strategies = 0;
  Strategy* idle[max_routes]{}; ///< whose threads have ended
};
constinit Process process;

// Without constructors and destructors: programs still free when those have run.
alignas(Strategy) constinit std::byte strategies[max_instances * sizeof(Strategy)]{};

Strategy* strategy(std::uint32_t i) {
  return reinterpret_cast<Strategy*>(strategies + i * sizeof(Strategy));
}

class Errno {
public:
  Errno() : value_(errno) {}
  Errno(const Errno&) = delete;
  Errno& operator=(const Errno&) = delete;
  ~Errno() { errno = value_; }

private:
  int value_;
};

void hand_on(void*) {
  const AtWork at_work;
  const Locked locked(process.lock);
  for (Strategy*& of_route : mine.of_route) {
    if (!of_route)
      continue;
    of_route->set_owner(nullptr);
    of_route->next_idle = process.idle[of_route->route()];
    process.idle[of_route->route()] = of_route;
    of_route = nullptr;
  }
}

// What was counted when the process was copied. The strategies go by it, and the parent goes on
// counting in the segment, which is no longer the child's.
constinit std::byte at_fork[sizeof(Instance) * max_instances]{};

void before_fork() {
  std::memcpy(at_fork, static_cast<const void*>(process.instances),
              sizeof(Instance) * process.strategies);
}

void in_child() {
  process.lock.unlock();
  const std::size_t at = seen_at(*process.header);
  void* const p = ::mmap(reinterpret_cast<char*>(process.header) + at,
                         segment_bytes(*process.header) - at, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED)
    std::abort(); // it would write into its parent's
  process.seen->state = State::ready;
  std::memcpy(static_cast<void*>(process.instances), at_fork,
              sizeof(Instance) * process.strategies);
}

// The keys by the modules that are loaded now.
void resolve() {
  if (!process.modules.look(*process.header, *process.seen))
    return;
  const std::size_t bytes = Keys::bytes_for(*process.header);
  void* const memory =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  // Those before stay where they are, as another thread may be looking up; modules come seldom.
  if (memory != MAP_FAILED)
    process.keys = Keys::make(memory, *process.header, process.modules.biases());
}

// ------------------------------------------------------------------------------------------ begin

// Whether the program's calls of malloc come to this library. To ask for its address isn't enough:
// the address of a function that an executable takes may be in the executable.
bool reaches_us() {
  const auto malloc = reinterpret_cast<void* (*)(std::size_t)>(::dlsym(RTLD_DEFAULT, "malloc"));
  const auto free = reinterpret_cast<void (*)(void*)>(::dlsym(RTLD_DEFAULT, "free"));
  if (!malloc || !free)
    return true;
  const unsigned before = mine.unseen;
  void* volatile block = malloc(1);
  free(block);
  return mine.unseen != before;
}

const char* why_not() {
  if (!reaches_us())
    return "its malloc is its own: one is linked in, or comes before the library";
  process.spans = plan.range.reserve(max_instances);
  if (process.spans == 0)
    return "it has no room among its addresses";
  if (::pthread_key_create(&process.key, hand_on) != 0 ||
      ::pthread_atfork(before_fork, nullptr, in_child) != 0)
    return "it has no room for what ends with a thread, or is copied with the process";
  return nullptr;
}

// False where there is nothing to do.
bool begin() {
  process.begun = true;
  process.header = open_segment();
  if (!process.header)
    return false;
  auto* const base = reinterpret_cast<char*>(process.header);
  process.seen = reinterpret_cast<Seen*>(base + seen_at(*process.header));
  process.instances = reinterpret_cast<Instance*>(base + instances_at(*process.header));
  if (const char* const reason = why_not()) {
    std::strncpy(process.seen->refusal, reason, sizeof process.seen->refusal - 1);
    process.seen->state = State::refused;
    return false;
  }
  plan.measures = process.header->measure_teardown != 0;
  process.seen->state = State::ready;
  return true;
}

// Whether the thread is in dlopen still: what it returns to lies where it lay.
bool is_in_dlopen(std::uint64_t sp) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  return mine.opening != 0 && sp < mine.opening &&
         reinterpret_cast<const std::uint64_t*>(mine.opening)[-1] == mine.return_address;
}

void leave_dlopen() {
  if (mine.opening != 0)
    --process.openings;
  mine.opening = 0;
}

bool is_on() {
  return process.seen && process.seen->state == State::ready;
}

Keys* settle_locked(std::uint64_t sp) {
  if (!process.begun && !begin())
    plan.settled = true;
  if (!is_on())
    return nullptr;
  resolve();
  if (!is_in_dlopen(sp))
    leave_dlopen();
  if (process.openings == 0) {
    plan.keys.store(process.keys, std::memory_order_release);
    plan.settled = true;
  }
  return process.keys;
}

void unsettle() {
  plan.settled = false;
  plan.keys = nullptr;
}

} // namespace

// -------------------------------------------------------------------------------------- the trial

[[gnu::cold]] Keys* settle(std::uint64_t sp) {
  if (mine.at_work) {
    ++mine.unseen;
    return nullptr;
  }
  if (!environ) // set by the C library, which may have come later than a call
    return nullptr;
  const Errno keep;
  const AtWork at_work;
  // Another may hold it and wait for the dynamic linker, which may wait for this call.
  if (!process.lock.try_lock())
    return nullptr;
  Keys* const keys = settle_locked(sp);
  process.lock.unlock();
  return keys;
}

[[gnu::cold]] Strategy* make(std::uint32_t route) {
  if (mine.of_route[route] || mine.at_work)
    return nullptr;
  const Errno keep;
  const AtWork at_work;
  const Locked locked(process.lock);
  Strategy* made = process.idle[route];
  if (made) {
    process.idle[route] = made->next_idle;
  } else {
    const std::uint32_t i = process.strategies;
    if (i == process.spans) {
      process.seen->unplaced.fetch_add(1, std::memory_order_relaxed);
      return nullptr;
    }
    made = ::new (strategy(i))
        Strategy(*process.header, route, plan.range.span(i), process.instances[i]);
    process.strategies = i + 1;
    process.seen->instances = i + 1;
  }
  made->set_owner(&mine);
  mine.of_route[route] = made;
  ::pthread_setspecific(process.key, &mine);
  return made;
}

Strategy& strategy_of(const void* p) {
  return *strategy(plan.range.span_of(p));
}

namespace {

[[noreturn, gnu::cold]] void refuse_pointer() {
  constexpr char text[] = "allot trial: free: nobody has handed out this pointer\n";
  static_cast<void>(!::write(2, text, sizeof text - 1));
  std::abort(); // as malloc's own does
}

// Where a region is reset by hand, what lies between the frees of its blocks goes: destructors. A
// step goes from one free to the next, with what the first takes.
[[gnu::cold]] void give_back_measured(Strategy& of, void* p) {
  Instance& seen = of.seen();
  const bool ends_epoch = of.is_region() && seen.freed + 1 == seen.served;
  if (mine.last != &of) {
    mine.last = of.is_region() ? &of : nullptr;
    mine.steps = 0;
    mine.tick = __rdtsc();
  } else if (++mine.steps == steps_of_reading || ends_epoch) {
    const std::uint64_t now = __rdtsc();
    if (now - mine.tick <= mine.steps * longest_step) {
      seen.teardown_ticks += now - mine.tick;
      seen.teardown_steps += mine.steps;
    }
    mine.steps = 0;
    mine.tick = now;
  }
  of.deallocate(p);
  if (ends_epoch)
    mine.last = nullptr;
}

} // namespace

void give_back(void* p) {
  Strategy& of = strategy_of(p);
  if (of.owner() != &mine) [[unlikely]] {
    if (plan.range.span_of(p) >= process.strategies)
      refuse_pointer();
    of.deallocate_foreign(p);
  } else if (plan.measures) [[unlikely]] {
    give_back_measured(of, p);
  } else {
    of.deallocate(p);
  }
}

void opening(Registers caller) {
  const AtWork at_work;
  const Locked locked(process.lock);
  if (!is_on() || is_in_dlopen(caller.sp)) // by a constructor of what is being opened
    return;
  leave_dlopen();
  mine.opening = caller.sp;
  mine.return_address = caller.ip;
  ++process.openings;
  unsettle();
}

void closed() {
  const AtWork at_work;
  const Locked locked(process.lock);
  if (is_on())
    unsettle();
}

} // namespace trial
