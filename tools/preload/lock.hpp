#pragma once

#include <atomic>

#include <sched.h>

namespace preload {

/// For what is rare and short. Not taken again by a signal handler, as calls there
/// are passed on while the library is at work.
class Lock {
public:
  void lock() {
    for (unsigned turn = 0; taken_.exchange(true, std::memory_order_acquire); ++turn)
      if (turn % 64 == 63)
        ::sched_yield();
  }
  bool try_lock() { return !taken_.exchange(true, std::memory_order_acquire); }
  void unlock() { taken_.store(false, std::memory_order_release); }

private:
  std::atomic<bool> taken_{false};
};

class Locked {
public:
  explicit Locked(Lock& lock) : lock_(lock) { lock_.lock(); }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;
  ~Locked() { lock_.unlock(); }

private:
  Lock& lock_;
};

} // namespace preload
