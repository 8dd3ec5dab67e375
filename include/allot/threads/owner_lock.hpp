// OwnerLock: a lock that costs the thread that owns it two stores and a test, and any other a
// barrier on all processors. For what one thread uses all the time, and others once in a while.
//
//   owner    enter   inside = 1; is it closed? then inside = 0, and the long way with the mutex
//            leave   inside = 0
//   others   close   closed = 1; every thread passes a barrier; wait until inside is 0
//            open    closed = 0
//
// Either the owner sees that it is closed, or the other sees that the owner is inside: a store
// before a load of something else needs a barrier between them on both sides, and the one that
// close() orders counts for the owner as well.
//
// Only one thread at a time may close, so others hold the mutex of what is shared. With that mutex
// held the owner needs no lock at all; it never waits for the mutex while it is inside.
//
// Where the system has no such barrier the lock is always closed, and the owner uses the mutex.
#pragma once

#include <allot/threads/atomics.hpp>

#include <cstdint>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

template <class Atomics = detail::Atomics>
class OwnerLock {
public:
  /// `fences`: whether threads can be fenced.
  explicit OwnerLock(bool fences) noexcept : closed_(!fences) {}

  /// The owner's. False: it is closed.
  [[nodiscard]] bool enter() noexcept {
    inside_.store(true, std::memory_order_relaxed);
    Atomics::order();
    if (!closed_.load(std::memory_order_acquire)) [[likely]]
      return true;
    inside_.store(false, std::memory_order_release);
    return false;
  }
  void leave() noexcept { inside_.store(false, std::memory_order_release); }

  /// The others', in two steps, so that many locks need one barrier: shut all, fence the threads,
  /// wait for each. False: it was closed before, and stays so.
  [[nodiscard]] bool shut() noexcept {
    if (closed_.load(std::memory_order_relaxed))
      return false;
    closed_.store(true, std::memory_order_relaxed);
    return true;
  }
  void wait() const noexcept {
    while (inside_.load(std::memory_order_acquire))
      Atomics::yield();
  }
  /// After shut gave true.
  void open() noexcept { closed_.store(false, std::memory_order_release); }

  /// Whether the owner was inside just now.
  [[nodiscard]] bool is_inside() const noexcept { return inside_.load(std::memory_order_relaxed); }

  /// Both steps. False: threads cannot be fenced; the lock is as it was. If it was always closed
  /// it is closed now, too.
  [[nodiscard]] bool close() noexcept {
    if (!shut())
      return true;
    if (!Atomics::fence_threads()) {
      open();
      return false;
    }
    wait();
    return true;
  }

private:
  typename Atomics::template Atomic<bool> inside_ = false;
  typename Atomics::template Atomic<bool> closed_;
};

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
