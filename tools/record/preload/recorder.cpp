#include "recorder.hpp"

#include <cerrno>
#include <csignal>

#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/single_threaded.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

#include "connection.hpp"

extern "C" void* __libc_stack_end; // NOLINT: the dynamic linker's

namespace record {

Forgotten forgotten;

namespace {

struct Thread {
  ShadowStack stack;
  Pen pen;
  std::uint32_t until_sample = 0;
};

// One event of so many is timed. One that took longer than any does was interrupted.
constexpr std::uint32_t sample_every = 64;
constexpr std::uint64_t longest_ticks = 20'000;

struct Image {
  Segment* segment = nullptr;
  Lane* lanes = nullptr;
  std::uint32_t generation =
      0; ///< how often a segment was begun: a forked child has one of its own
  pid_t pid = 0;
  std::atomic<std::uint64_t> order{0};
  Lock lock; ///< of what follows
  std::uint32_t threads = 0;
  std::uint32_t probe = 0;
};

// What the destructors that run last still need has none itself.
constinit Image image;
constinit Places places;
constinit Thread threads[max_lanes]; // by lane

struct Mine {
  Thread* thread;               ///< null when there was no lane
  std::uint32_t generation;     ///< that it is of
  bool own;                     ///< the recorder itself calls something
  unsigned unseen;              ///< times that it did
  std::uint64_t busy;           ///< the stack pointer that the recorder was called with; 0 outside
  std::uint64_t return_address; ///< that it was called with; it lies right below
};
constinit thread_local Mine mine{};

class Errno {
public:
  Errno() : value_(errno) {}
  Errno(const Errno&) = delete;
  Errno& operator=(const Errno&) = delete;
  ~Errno() { errno = value_; }

private:
  int value_;
};

bool start() {
  const Locked locked(forgotten.lock);
  if (forgotten.mode.load() != Mode::unstarted)
    return forgotten.mode.load() == Mode::on;
  Segment* const before = image.segment;
  Segment* segment = nullptr;
  if (environ) { // set by the C library, which may have come later than a call
    segment = connect(before != nullptr);
    // A forked child would write into its parent's.
    if (segment &&
        (::madvise(&forgotten, sizeof forgotten, MADV_WIPEONFORK) != 0 || !places.start(segment)))
      segment = nullptr;
    forgotten.mode.store(segment ? Mode::on : Mode::off);
  }
  if (!segment)
    return false;
  if (before)
    ::munmap(before, segment_bytes);
  image.segment = segment;
  image.lanes = reinterpret_cast<Lane*>(reinterpret_cast<char*>(segment) + lanes_at);
  image.pid = ::getpid();
  image.order = 0;
  image.lock.unlock();
  image.threads = image.probe = 0;
  ++image.generation;
  segment->first_tick = __rdtsc();
  segment->began = monotonic();
  segment->ready.store(1, std::memory_order_release);
  return true;
}

Range home_of_thread() {
  Range home;
  home.high = reinterpret_cast<std::uint64_t>(__libc_stack_end);
  rlimit limit;
  constexpr std::uint64_t most = std::uint64_t{1} << 33;
  const bool limited = ::getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur < most;
  home.low = home.high - (limited ? limit.rlim_cur : most);
  if (home.has(reinterpret_cast<std::uint64_t>(&home)))
    return home;
  // On another stack than the first thread's. (Asked about that one, it would read a file.)
  pthread_attr_t attributes;
  home = {};
  if (::syscall(SYS_gettid) != image.pid || image.generation > 1) {
    if (::pthread_getattr_np(::pthread_self(), &attributes) != 0)
      return home;
    void* low = nullptr;
    std::size_t bytes = 0;
    ::pthread_attr_getstack(&attributes, &low, &bytes);
    ::pthread_attr_destroy(&attributes);
    home.low = reinterpret_cast<std::uint64_t>(low);
    home.high = home.low + bytes;
  } else {
    home.high = reinterpret_cast<std::uint64_t>(__libc_stack_end);
    home.low = home.high - (limited ? limit.rlim_cur : most);
  }
  return home;
}

bool is_dead(std::int32_t thread) {
  return ::syscall(SYS_tgkill, image.pid, thread, 0) != 0 && errno == ESRCH;
}

// A lane whose thread is gone, or one that was never used; max_lanes when there is none.
std::uint32_t find_lane(std::int32_t self) {
  const std::uint32_t used = image.segment->lanes.load(std::memory_order_relaxed);
  const std::uint32_t probes = used < max_lanes && used > 4 ? 4 : used;
  for (std::uint32_t i = 0; i < probes; ++i) {
    image.probe = (image.probe + 1) % used;
    const std::int32_t owner = image.lanes[image.probe].owner.load();
    if (owner == self || is_dead(owner))
      return image.probe;
  }
  return used;
}

// Gives this thread a lane, if there is one.
void enter() {
  const Errno keep;
  int cancellation = 0;
  ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellation);
  mine.own = true;
  mine.thread = nullptr;
  // In the child of a vfork a lane would be this thread's, but not its number.
  if ((forgotten.mode.load() == Mode::on || start()) && ::getpid() == image.pid) {
    mine.generation = image.generation;
    const auto self = static_cast<std::int32_t>(::syscall(SYS_gettid));
    const Range home = home_of_thread();
    const Locked locked(image.lock);
    const std::uint32_t i = find_lane(self);
    if (i < max_lanes && threads[i].stack.start(home)) {
      image.lanes[i].owner.store(self);
      threads[i].pen.start(image.segment, &image.lanes[i], image.threads++);
      if (i == image.segment->lanes.load(std::memory_order_relaxed))
        image.segment->lanes.store(i + 1, std::memory_order_release);
      mine.thread = &threads[i];
    }
  }
  mine.own = false;
  ::pthread_setcancelstate(cancellation, nullptr);
}

bool is_entered() {
  return mine.generation == image.generation &&
         forgotten.mode.load(std::memory_order_relaxed) == Mode::on;
}

// Whether the recorder is at work further out on the stack. It may have been left by a longjmp or
// an exception; its frame is gone then.
bool is_nested(std::uint64_t here) {
  if (mine.thread) {
    const Range& home = mine.thread->stack.home();
    const bool before = home.has(mine.busy);
    if (before != home.has(here)) // a signal handler on a stack of its own; or back from there
      return before;
  }
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  return here < mine.busy &&
         reinterpret_cast<const std::uint64_t*>(mine.busy)[-1] == mine.return_address;
}

// False when the recorder is at work already.
bool come_in(Registers caller) {
  if (mine.busy != 0) {
    if (is_nested(caller.sp))
      return false;
    mine.own = false;
    if (mine.thread) // which was left while it was at work
      mine.thread->stack.start(mine.thread->stack.home());
  }
  mine.busy = caller.sp;
  mine.return_address = caller.ip;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  return true;
}

void go_out() {
  std::atomic_signal_fence(std::memory_order_seq_cst);
  mine.busy = 0;
}

void lose() {
  if (mine.own)
    ++mine.unseen;
  else if (is_entered())
    image.segment->lost.fetch_add(1, std::memory_order_relaxed);
}

void count_ticks(std::uint64_t ticks) {
  if (ticks < longest_ticks)
    image.segment->ticks.fetch_add(ticks * sample_every, std::memory_order_relaxed);
}

} // namespace

void begin(Registers caller) {
  if (forgotten.mode.load() == Mode::unstarted && come_in(caller)) {
    enter();
    go_out();
  }
}

std::uint64_t next_order() {
  if (__libc_single_threaded) {
    const std::uint64_t n = image.order.load(std::memory_order_relaxed) + 1;
    image.order.store(n, std::memory_order_relaxed);
    return n;
  }
  return image.order.fetch_add(1, std::memory_order_relaxed) + 1;
}

unsigned unseen_calls() {
  return mine.unseen;
}

void take_down(const Event& event, Registers caller) {
  if (!come_in(caller)) {
    lose();
    return;
  }
  if (!is_entered())
    enter();
  if (Thread* const thread = mine.thread) {
    std::uint64_t tick = 0;
    if (thread->until_sample-- == 0) {
      thread->until_sample = sample_every - 1;
      tick = __rdtsc();
    }
    const std::uint64_t order = event.order != 0 ? event.order : next_order();
    const std::uint64_t got =
        event.operation == trace::Operation::reallocate ? next_order() : order;
    const ShadowStack::Step step = thread->stack.step(places, caller);
    if (!thread->pen.write(event, order, got, step))
      forgotten.mode.store(Mode::off);
    if (tick != 0)
      count_ticks(__rdtsc() - tick);
  } else {
    lose();
  }
  go_out();
}

void after_dlclose(Registers caller) {
  if (is_entered() && come_in(caller)) {
    places.forget_unloaded();
    go_out();
  }
}

Unseen::Unseen(Registers caller) : outermost_(come_in(caller)) {
  if (outermost_)
    mine.own = true;
}

Unseen::~Unseen() {
  if (outermost_) {
    mine.own = false;
    go_out();
  }
}

} // namespace record
