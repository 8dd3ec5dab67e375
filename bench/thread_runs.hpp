// The loops of the workloads that two threads share. One is the benchmark's own; the other waits
// for its part of each round, so that no thread is started while the clock runs.
#pragma once

#include "cells.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <thread>

namespace bench::threads {

/// At least `speed_up` times what one thread does alone.
[[nodiscard]] inline Bound faster_than(const char* alone, double speed_up) {
  return {alone, 1 / speed_up};
}

// A second thread, which does its part of each round.
class Helper {
public:
  template <class Part>
  explicit Helper(Part part)
      : thread_([this, part] {
          for (unsigned done = 0;; ++done) {
            while (asked_.load(std::memory_order_acquire) == done)
              std::this_thread::yield();
            if (ends_)
              return;
            part();
            finished_.store(done + 1, std::memory_order_release);
          }
        }) {}
  Helper(const Helper&) = delete;
  ~Helper() {
    ends_ = true;
    start();
    thread_.join();
  }
  void start() { asked_.fetch_add(1, std::memory_order_release); }
  void wait() {
    while (finished_.load(std::memory_order_acquire) != asked_.load(std::memory_order_relaxed))
      std::this_thread::yield();
  }

private:
  bool ends_ = false;
  std::atomic<unsigned> asked_ = 0;
  std::atomic<unsigned> finished_ = 0;
  std::thread thread_;
};

constexpr std::size_t thread_blocks = 1000;
constexpr std::size_t thread_rounds = 50; // long enough that starting a thread is little

template <class Pool>
void take_and_free(Pool& pool, std::array<void*, thread_blocks>& live) {
  for (std::size_t round = 0; round != thread_rounds; ++round) {
    for (void*& p : live)
      touch(p = pool.allocate(), round);
    for (std::size_t i = thread_blocks; i-- != 0;)
      pool.deallocate(live[i]);
  }
}

// Two threads take and free blocks of one pool, each its own.
template <class Pool>
class TwoThreads final : public Runner {
public:
  TwoThreads() : helper_([this] { take_and_free(pool_, helpers_); }) { TwoThreads::round(); }
  void round() override {
    helper_.start();
    take_and_free(pool_, live_);
    helper_.wait();
  }

private:
  Pool pool_{4 * thread_blocks};
  std::array<void*, thread_blocks> live_;
  alignas(64) std::array<void*, thread_blocks> helpers_;
  Helper helper_;
};

// One thread does the work of both.
template <class Pool>
class OneThread final : public Runner {
public:
  OneThread() { OneThread::round(); }
  void round() override {
    take_and_free(pool_, live_);
    take_and_free(pool_, live_);
  }

private:
  Pool pool_{4 * thread_blocks};
  std::array<void*, thread_blocks> live_;
};

// One thread takes blocks and passes them on to another, which frees them.
template <class Pool>
class PassingOn final : public Runner {
public:
  static constexpr std::size_t blocks = 20'000;

  PassingOn() : helper_([this] { consume(); }) { PassingOn::round(); }
  void round() override {
    helper_.start();
    for (std::size_t i = 0; i != blocks; ++i) {
      void* const p = pool_.allocate();
      touch(p, i);
      const std::size_t at = produced_.load(std::memory_order_relaxed);
      while (at - consumed_.load(std::memory_order_acquire) == queue_.size())
        std::this_thread::yield();
      queue_[at % queue_.size()] = p;
      produced_.store(at + 1, std::memory_order_release);
    }
    helper_.wait();
  }

private:
  void consume() {
    for (std::size_t i = 0; i != blocks; ++i) {
      const std::size_t at = consumed_.load(std::memory_order_relaxed);
      while (produced_.load(std::memory_order_acquire) == at)
        std::this_thread::yield();
      pool_.deallocate(queue_[at % queue_.size()]);
      consumed_.store(at + 1, std::memory_order_release);
    }
  }

  Pool pool_{blocks};
  std::array<void*, 1024> queue_;
  alignas(64) std::atomic<std::size_t> produced_ = 0;
  alignas(64) std::atomic<std::size_t> consumed_ = 0;
  Helper helper_;
};

} // namespace bench::threads
