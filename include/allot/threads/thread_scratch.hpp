// ThreadScratch: memory for a moment that every thread has of its own, by thread_scratch(), so that
// a function need be given none.
//
// For what a function needs while it runs: it opens a scope, and what it makes there goes when the
// scope ends. Not for what outlives the scope, or for other threads.
//
//   auto& scratch = allot::thread_scratch();
//   auto scope = scratch.scope();
//   auto numbers = scratch.create_array<int>(count);
//
// A function that returns memory makes that where its caller wants it, which may be the caller's
// scratch. What it needs for itself must lie elsewhere, or it would go with what it returns, or
// take that along. So it names what it must not get:
//
//   auto& scratch = allot::thread_scratch(result);
//
//   caller's     | its own | returned | returned |            thread_scratch()
//   function's   | its own | its own |                        thread_scratch(result)
//
// Two serve calls that are nested however deep, as each avoids one. A thread has up to `count`,
// each made when it is first needed.
//
// They are Regions, of arenas of 64 KiB, as many as there is memory for; what they hand out is not
// zeroed. When the outermost scope of one ends, it gives what it holds above `kept` bytes back to
// the heap, and when the thread ends, all. In destructors that come later, of the thread's other
// objects and, in the first thread, of static ones, they serve on, and give all back with the
// outermost scope.
//
// It costs what a Region's scope does, and to find the thread's. O(1).
//
// A scope that ends in another thread than it began in, or out of order, or that is open when its
// thread ends, goes to the misuse handler, and restores nothing. After fork the child has those of
// the thread that called it; what other threads had is lost there.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/concepts.hpp>
#include <allot/region.hpp>

#include <cstddef>
#include <cstdint>
#include <new>

namespace allot {
inline namespace ALLOT_ABI {

namespace detail {
struct ThreadSpaces;
} // namespace detail

/// A Region whose scopes look at the thread that ends them. Functions may take it as a `Region&`,
/// whose scopes do not.
class ThreadScratch : public Region {
public:
  /// How many a thread has at most.
  static constexpr std::size_t count = 4;
  /// The most bytes that one holds after its outermost scope has ended.
  static constexpr std::size_t kept = 1_MiB;

  /// Takes back at the end of a block what was handed out in it.
  class [[nodiscard]] Scope {
  public:
    explicit Scope(ThreadScratch& space) : scope_(space) {}
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope() {
      if (Region* const space = strategy_of(scope_)) [[likely]]
        static_cast<ThreadScratch*>(space)->end(scope_);
    }

  private:
    union {
      Region::Scope scope_; // ended by hand
    };
  };

  ThreadScratch(const ThreadScratch&) = delete;
  ThreadScratch& operator=(const ThreadScratch&) = delete;

  /// Misuse: its own destructors run.
  Scope scope() { return Scope(*this); }

private:
  friend detail::ThreadSpaces;
  explicit ThreadScratch(std::size_t kept_bytes);
  ~ThreadScratch() = default;

  [[nodiscard]] bool is_this_threads() const noexcept;
  void end(Region::Scope& scope) noexcept {
    if (!is_this_threads()) [[unlikely]]
      return report_thread(scope);
    end_scope(scope);
    if (capacity() > kept_) [[unlikely]]
      give_back();
  }
  [[gnu::cold]] void report_thread(Region::Scope& scope) noexcept;
  [[gnu::cold]] void give_back() noexcept;
  void end_thread() noexcept;

  std::size_t kept_; // 0 once the thread's destructors have come to this one
};

namespace detail {

/// A thread's, in its own storage: of trivial type, so that they can serve after what is destroyed
/// with the thread.
struct ThreadSpaces {
  [[nodiscard]] ThreadScratch& at(std::size_t i) noexcept {
    return *std::launder(reinterpret_cast<ThreadScratch*>(memory[i]));
  }
  /// The first that is at none of the places, and does not run destructors, which may ask as well.
  template <class... Place>
  [[nodiscard]] ThreadScratch& other_than(Place... avoided) {
    const auto is_free = [&](std::size_t i) {
      return !at(i).runs_destructors() && ((avoided != memory[i]) && ...);
    };
    if (made > 0 && is_free(0)) [[likely]]
      return at(0);
    for (std::size_t i = 1; i < made; ++i)
      if (is_free(i))
        return at(i);
    return make();
  }
  /// The next one. Misuse: there is none.
  [[gnu::cold]] ThreadScratch& make();
  void end_thread() noexcept;

  alignas(ThreadScratch) std::byte memory[ThreadScratch::count][sizeof(ThreadScratch)];
  std::size_t made;
  bool ended;
};
extern constinit thread_local ThreadSpaces thread_spaces;

/// What stands on a strategy, and tells on which.
template <class T>
concept StandingOn = requires(const T& t) { t.strategy(); };
/// What may be one of a thread's spaces or stand on one, and can tell. A `memory_resource` cannot.
template <class T>
concept Avoidable = Reporting<T> || StandingOn<T>;

template <Avoidable T>
[[nodiscard]] const void* place_of(const T& avoided) noexcept {
  if constexpr (StandingOn<T>)
    return place_of(avoided.strategy());
  else
    return &avoided;
}

} // namespace detail

/// One of this thread's that is none of those given, that no Allocator or Resource given stands on,
/// and that does not run destructors. Any strategy may be given; what is not this thread's scratch
/// makes no difference. A std::pmr::memory_resource, which cannot tell, does not compile. O(1).
/// Valid as long as the thread.
/// Misuse: it would be one more than a thread has.
template <detail::Avoidable... Avoided>
[[nodiscard]] ThreadScratch& thread_scratch(const Avoided&... avoided) {
  return detail::thread_spaces.other_than(detail::place_of(avoided)...);
}

inline bool ThreadScratch::is_this_threads() const noexcept {
  const auto first = reinterpret_cast<std::uintptr_t>(&detail::thread_spaces);
  return reinterpret_cast<std::uintptr_t>(this) - first < sizeof detail::thread_spaces;
}

static_assert(Reporting<ThreadScratch> && Allocating<ThreadScratch> && Rewindable<ThreadScratch>);

} // namespace ALLOT_ABI
} // namespace allot

#endif
