// Which part of which shared thing a thread has: for all that several threads use at once. Not for
// use on its own.
//
// A shared thing has a serial, which is never used again. A thread finds its part among those that
// it used last, by serial: two loads and a comparison. What is not there leads to the long way,
// where it is found in a table of the thread's, or a part is attached.
//
//   thread   recent  | serial, part | serial, part |  ...                 by serial, modulo 32
//            table   | serial, part |   -   | serial, part |   ...    by serial, from there on
//            parts   part -> part -> part        guarded by the registry, as others may end first
//   shared   parts   part -> part -> part -> part                guarded by the mutex
//            left    parts of threads that ended                 see leavers.hpp
//
// Locks are taken in this order: the list of all shared things; their mutexes, newer ones first, as
// a thing may be upstream of a newer one; the registry. Threads and shared things end in any order.
//
// Around fork all of them are held, and all parts closed, so that nothing is half done in the
// child. There the parts of the threads that it does not have are left, as if they had ended.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/threads/leavers.hpp>
#include <allot/threads/owner_lock.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

class Shared;

/// What a thread has of a shared thing, in memory of that thing's. To derive from.
struct ThreadPart {
  explicit ThreadPart(Shared& of) noexcept : lock(os::can_fence_threads()), shared(of) {}
  ThreadPart(const ThreadPart&) = delete;
  ThreadPart& operator=(const ThreadPart&) = delete;

  OwnerLock<> lock; // for what others may reach for, at a time
  Shared& shared;
  ThreadPart* next_of_shared = nullptr;
  ThreadPart* next_of_thread = nullptr;
  ThreadPart** link_of_thread = nullptr; // what points to this one
  const void* thread = nullptr;          // whose it is; null: nobody's
  ThreadPart* next_left = nullptr;       // left, or idle
};

/// The parts that this thread used last, by serial, modulo their number. Arrays that lie in the
/// thread itself, of words, since the fast paths wait for each address that must be loaded or
/// calculated.
struct RecentParts {
  static constexpr std::size_t count = 32;
  std::uint64_t serials[count];
  ThreadPart* parts[count];
};
extern constinit thread_local RecentParts recent_parts;

/// What several threads share. To derive from, or to have as a member.
class Shared {
public:
  Shared();
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  /// After `forget_parts`.
  ~Shared();

  /// This thread's part, or null: it has none, or it has to be looked for.
  [[nodiscard]] ThreadPart* part() const noexcept {
    const std::size_t at = serial_ % RecentParts::count;
    if (recent_parts.serials[at] != serial_)
      return nullptr;
    ThreadPart* const part = recent_parts.parts[at];
    // So that no caller asks again.
#if defined(__clang__)
    __builtin_assume(part != nullptr);
#else
    if (part == nullptr)
      __builtin_unreachable();
#endif
    return part;
  }
  /// The same after a search, which takes a lock only if memory for the table was refused once.
  [[nodiscard]] ThreadPart* find_part() const noexcept;
  /// Whether this thread may have a part: not while its last destructors run.
  [[nodiscard]] static bool thread_has_parts() noexcept;

  // With the mutex held:

  /// Adds a new part, which no thread has yet: an idle one.
  void add(ThreadPart& part) noexcept;
  /// Makes the parts idle that threads had that ended, each after `flush(part)`.
  template <class Flush>
  void collect(Flush&& flush) noexcept {
    for (ThreadPart* part = left_.take_all(); part != nullptr;) {
      ThreadPart& next = *std::exchange(part, part->next_left);
      flush(next);
      make_idle(next);
    }
  }
  [[nodiscard]] bool has_idle() const noexcept { return idle_ != nullptr; }
  /// An idle part; null if there is none.
  [[nodiscard]] ThreadPart* take_idle() noexcept;
  /// Gives this thread the part that `take_idle` gave.
  void attach(ThreadPart& part) noexcept;
  /// Gives back the part that `take_idle` gave, which no thread has.
  void make_idle(ThreadPart& part) noexcept {
    part.next_left = idle_;
    idle_ = &part;
  }
  /// All parts, by `next_of_shared`; those that no thread has too.
  [[nodiscard]] ThreadPart* parts() const noexcept { return parts_; }
  /// Keeps the owners of all parts out until `open_parts`. False: threads cannot be fenced, and
  /// nothing is closed.
  [[nodiscard]] bool close_parts() noexcept;
  void open_parts() noexcept;

  /// Takes their parts from all threads, and gets a new serial. No other thread may use the thing
  /// meanwhile. Not with the mutex held, which it takes.
  void forget_parts() noexcept;

private:
  std::uint64_t serial_; // which every call reads: away from what the mutex guards

public:
  alignas(64) mutable std::mutex mutex;

private:
  friend struct Fork;
  friend struct Thread;

  ThreadPart* parts_ = nullptr;
  ThreadPart* idle_ = nullptr;
  Leavers<ThreadPart> left_;
  Shared* older_ = nullptr; // of the list of all
  Shared* newer_ = nullptr;
};

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot

#endif
