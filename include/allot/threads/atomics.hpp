// What the protocols between threads are written over, so that a test can put its own in place of
// the machine's and run every order in which two threads may meet.
#pragma once

#include <allot/base/os.hpp>

#include <atomic>
#include <thread>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

struct Atomics {
  template <class T>
  using Atomic = std::atomic<T>;

  /// Keeps the compiler from moving memory accesses across. The processor may.
  static void order() noexcept { std::atomic_signal_fence(std::memory_order_seq_cst); }
  /// Every thread of the process passes a full barrier. False: the system cannot do that.
  [[nodiscard]] static bool fence_threads() noexcept { return os::fence_threads(); }
  /// Lets other threads run, in a loop that waits for one.
  static void yield() noexcept { std::this_thread::yield(); }
};

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
