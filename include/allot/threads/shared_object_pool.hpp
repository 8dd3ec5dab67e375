// SharedObjectPool: objects that are expensive to make, which any thread takes and gives back.
//
// For connections, buffers and parsers of a pool of workers. Not for one thread (ObjectPool), for
// plain memory (SharedBlockPool), or for objects that all go at once (SharedArena).
//
//   chunk:       | header | in use | available | in use | vacant |  ...  | entries | states |
//   groups:               | a thread's: what it makes lies here  | another's | ...
//   available:   thread  | object | object |     its magazine, which nobody else needs to touch
//                thread  | object |
//                depot   | object | object | object | ...
//
// A returned object stays constructed; it is reset before it is handed out again. A thread takes
// from and gives back to its own magazine, with no atomic instruction and no lock. Where that is
// empty or full, half of it comes from or goes to the depot, under a lock. Magazines grow with use,
// up to 16 objects, and go to the depot when their threads end. An object is made when neither the
// thread nor the depot has one. Only where no memory is to be had for another, what lies idle in
// magazines of other threads is taken, too.
//
// A thread makes objects in a group of slots of its own, of up to 64 or 16 KiB, so that threads do
// not write to the same cache lines all the time. Others use what a thread that ended left of its
// group, and what any has where no memory is to be had for another.
//
// No lock is held while an object is made, reset or destroyed. Objects never move. Getting is O(1),
// amortised for new ones, returning O(1) or O(log objects), plus the callables. An object stays
// valid until it is given back, release or the pool's end, which destroys it. Every object that is
// given back is checked. One that is returned twice is told, whichever threads do so, until it is
// in use again; but two threads that return it at the same instant may both pass. Then it is there
// twice, which is told to the misuse handler as soon as it comes up while it is in use, and
// dropped; it is handed out twice only if two threads also take it at the same instant.
//
// In the child of a fork all that was available still is, and the pool can be used. What other
// threads had in use stays so, and what they were making is lost.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/concepts.hpp>
#include <allot/object_pool.hpp>
#include <allot/threads/shared_object_pool_core.hpp>

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

/// `Make` is called as `T make()`, `Reset` as `reset(T&)`, by several threads at once. They may use
/// the pool, but not trim or release it; while one of them runs, its object counts as in use, or is
/// not there yet. What they throw passes through; nothing is lost then. Upstream is asked by one
/// thread at a time, with a lock held.
template <class T, class Make = ValueInitialise<T>, class Reset = LeaveAsIs>
class SharedObjectPool : private detail::SharedObjectPoolCore {
  using Core = detail::SharedObjectPoolCore;
  static_assert(MakesObjectsOf<Make, T>,
                "a SharedObjectPool's constructor function must give a T when it is called without "
                "arguments; without one T must be default-constructible");
  static_assert(ResetsObjectsOf<Reset, T>,
                "a SharedObjectPool's reset function must take a T& and nothing else");

public:
  /// Makes no object yet. `capacity` is how many `shrink` leaves available, and a hint of how many
  /// there will be: so many fit into whole chunks. It may be more than there is memory for.
  explicit SharedObjectPool(std::size_t capacity, const ObjectPoolOptions& options = {})
      : SharedObjectPool(Make(), Reset(), capacity, options) {}
  /// Of what `make()` gives, so that T need not be named: `SharedObjectPool pool(make)`,
  /// `SharedObjectPool pool(make, 100)`, `SharedObjectPool pool(make, reset, 100)`.
  explicit SharedObjectPool(Make make, std::size_t capacity = 0,
                            const ObjectPoolOptions& options = {})
      : SharedObjectPool(std::move(make), Reset(), capacity, options) {}
  SharedObjectPool(Make make, Reset reset, std::size_t capacity = 0,
                   const ObjectPoolOptions& options = {})
      : Core(kind, capacity, options), make_(std::move(make)), reset_(std::move(reset)) {}
  SharedObjectPool(const SharedObjectPool&) = delete;
  SharedObjectPool& operator=(const SharedObjectPool&) = delete;
  /// No other thread may use the pool any more. A lease that is still out, or a callable that runs,
  /// goes to the misuse handler.
  ~SharedObjectPool() { end(); }

  /// The object that the thread returned last, or another that was returned, reset; if there is
  /// none, a new one.
  /// Exhausted: the heap or upstream refused, and no thread has one idle. Misuse: released.
  [[nodiscard]] T& acquire() { return *get(State::taken); }
  /// As acquire, but null for every refusal. What the callables throw passes through.
  [[nodiscard]] T* try_acquire() {
    Entry entry{};
    if (Part* const mine = part(); mine != nullptr && take(*mine, entry, State::taken)) [[likely]]
      return reset(entry, mine);
    return ready(try_take_slow(State::taken), State::taken);
  }

  /// Takes an object back, to be handed out again, from whichever thread got it.
  /// Misuse, and nothing changed: an object that is not this pool's, returned already, or on a
  /// lease; released.
  void give_back(T& object) {
    void* const p = __builtin_addressof(object);
    Part* const mine = part();
    State* const state = mine == nullptr ? nullptr : state_beside(mine, p, State::taken);
    if (state == nullptr) [[unlikely]]
      return give_back_elsewhere(p);
    annotate::hide(p, sizeof(T)); // before another thread may have it
    put(mine, {p, state});
  }

  /// An object that gives itself back, in whichever thread. The pool must outlive it.
  class [[nodiscard]] Lease {
  public:
    explicit Lease(SharedObjectPool& pool) : pool_(&pool), object_(pool.get(State::lent)) {}
    Lease(Lease&& other) noexcept
        : pool_(other.pool_), object_(std::exchange(other.object_, nullptr)) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (object_ != nullptr)
        pool_->end_lease(object_);
    }
    [[nodiscard]] T& operator*() const noexcept { return *object_; }
    [[nodiscard]] T* operator->() const noexcept { return object_; }

  private:
    SharedObjectPool* pool_;
    T* object_;
  };
  Lease lease() { return Lease(*this); }

  // No other thread may use the pool during what follows.

  /// Calls `visit(object)` for each object in use, in no order. It counts as one of the callables;
  /// objects that come and go meanwhile are visited or not. O(objects). Misuse: released.
  template <class Visit>
  void for_each(Visit&& visit) {
    auto call = [&visit](void* object) { visit(*std::launder(static_cast<T*>(object))); };
    visit_used(
        [](void* context, void* object) { (*static_cast<decltype(call)*>(context))(object); },
        &call);
  }
  /// Destroys available objects until at most `capacity` are left, and frees the memory of chunks
  /// that hold none any more. Those are left that lie in chunks with objects in use, and in no
  /// other that could be done without, small ones first. Destructors may use the pool.
  /// O(objects, destroyed ones too). Misuse: released, or while one of the callables runs.
  using Core::shrink;
  /// `trim(keep = 0)`: the same, but `keep` objects stay available.
  using Core::trim;
  /// Destroys all objects, those in use too, and frees their memory. May be called twice. A lease
  /// that is out, or a callable that is running, goes to the misuse handler, and nothing is done.
  using Core::release;

  using Stats = ObjectPoolStats;
  // Those in magazines are available. While other threads get and return, an object that changes
  // hands meanwhile may be counted for both or for neither; else the numbers are exact. O(threads),
  // with a lock.
  using Core::stats;
  /// Whether it was released.
  using Core::freed;
  /// Whether none is in use.
  using Core::empty;
  /// In objects: as given at construction; in use; and those that were returned.
  using Core::available;
  using Core::capacity;
  using Core::used;
  /// The most that were in use, or in magazines of threads, since construction or reset_peak.
  using Core::peak;
  /// Makes the peak what is used. What lies in magazines goes to the depot.
  using Core::reset_peak;
  /// The option's, or the strategy's own, never null; and how messages name it.
  using Core::label;
  using Core::name;
  /// Whether `p` points into an object that is in use. O(log objects).
  using Core::owns;

private:
  static constexpr ObjectKind kind = ObjectKind::of<T>();

  [[nodiscard, gnu::always_inline]] T* get(State as) {
    Entry entry{};
    if (Part* const mine = part(); mine != nullptr && take(*mine, entry, as)) [[likely]]
      return reset(entry, mine);
    return get_slow(as);
  }
  [[nodiscard, gnu::noinline]] T* get_slow(State as) { return ready(take_slow(as), as); }
  [[nodiscard]] T* ready(Entry entry, State as) {
    if (entry.object == nullptr)
      return nullptr;
    Part* const mine = find_part();
    return is_to_make(entry) ? make_in(entry, mine, as) : reset(entry, mine);
  }
  [[nodiscard, gnu::always_inline]] T* reset(Entry entry, Part* mine) {
    T* const object = static_cast<T*>(entry.object);
    annotate::show(object, sizeof(T));
    if constexpr (!std::is_same_v<Reset, LeaveAsIs>) {
      const Call call(*this, mine);
      Undo undo{*this, entry, true};
      reset_(*object);
      undo.done = true;
    }
    return object;
  }
  [[nodiscard]] T* make_in(Entry slot, Part* mine, State as) {
    annotate::show(slot.object, sizeof(T));
    const Call call(*this, mine);
    Undo undo{*this, slot, false};
    T* const object = ::new (slot.object) T(make_());
    undo.done = true;
    made(slot, as);
    return object;
  }
  /// Where the state of an object is that is given back, if it is one in use that lies beside the
  /// one before.
  [[nodiscard, gnu::always_inline]] static State* state_beside(const Part* mine, const void* p,
                                                               State wanted) noexcept {
    const Slots& slots = *mine->recent;
    const std::size_t index = kind.by_stride.quotient(
        reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(slots.begin));
    return index < slots.count && slots.states[index] == wanted ? slots.states + index : nullptr;
  }
  void end_lease(T* object) noexcept {
    void* const p = object;
    Part* const mine = part();
    State* const state = mine == nullptr ? nullptr : state_beside(mine, p, State::lent);
    if (state == nullptr) [[unlikely]]
      return end_lease_elsewhere(p);
    annotate::hide(p, sizeof(T));
    put(mine, {p, state});
  }

  Make make_;
  Reset reset_;
};

template <class Make>
SharedObjectPool(Make, std::size_t = 0, const ObjectPoolOptions& = {})
    -> SharedObjectPool<MadeBy<Make>, Make>;
template <class Make, class Reset>
  requires(!std::is_convertible_v<Reset, std::size_t>)
SharedObjectPool(Make, Reset, std::size_t = 0, const ObjectPoolOptions& = {})
    -> SharedObjectPool<MadeBy<Make>, Make, Reset>;

static_assert(Reporting<SharedObjectPool<int>> && Trimmable<SharedObjectPool<int>>);

} // namespace ALLOT_ABI
} // namespace allot

#endif
