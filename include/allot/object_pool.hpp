// ObjectPool: objects that are expensive to make, recycled instead of destroyed.
//
// For connections, line buffers, parsers: what keeps capacity worth keeping. A returned object
// stays constructed; it is reset before it is handed out again. Not for plain memory (BlockPool),
// or for objects that all go at once (TypedArena, Arena).
//
//   chunk:      | header | in use | available | in use | vacant |  ...  | places |
//   returned:   vacant ... vacant | available ... available   <- the one returned last
//
// Chunks double, so that few ranges are searched for a pointer that is given back, and none if it
// comes in stack order: then it is still above the last. Objects never move, so that one in use
// holds its chunk. Getting is O(1), amortised for new ones, returning O(1) or O(log objects), plus
// the callables. An object stays valid until it is given back, release or the pool's end, which
// destroys it. Every object that is given back is checked. One thread at a time; const calls may
// run together.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/annotate.hpp>
#include <allot/concepts.hpp>
#include <allot/detail/object_pool_core.hpp>
#include <allot/stats.hpp>

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

/// Makes an object by value-initialising it.
template <class T>
struct ValueInitialise {
  T operator()() const
    requires std::is_default_constructible_v<T>
  {
    return T();
  }
};
/// Hands a returned object out as it is.
struct LeaveAsIs {
  template <class T>
  void operator()(T&) const noexcept {}
};

/// Can be called as a pool's constructor function, and what it gives can be put into the pool.
template <class Make, class T>
concept MakesObjectsOf = requires(Make& make, void* p) { ::new (p) T(make()); };
/// Can be called as a pool's reset function.
template <class Reset, class T>
concept ResetsObjectsOf = requires(Reset& reset, T& object) { reset(object); };

/// `Make` is called as `T make()`, `Reset` as `reset(T&)`. They must not use the pool; while one of
/// them or a destructor runs, all objects count as in use. What they throw passes through; nothing
/// is lost then.
template <class T, class Make = ValueInitialise<T>, class Reset = LeaveAsIs>
class ObjectPool : private ObjectPoolCore {
  static_assert(
      MakesObjectsOf<Make, T>,
      "an ObjectPool's constructor function must give a T when it is called without arguments; "
      "without one T must be default-constructible");
  static_assert(ResetsObjectsOf<Reset, T>,
                "an ObjectPool's reset function must take a T& and nothing else");

public:
  /// Makes no object yet. `capacity` is how many `shrink` leaves available, and a hint of how many
  /// there will be: so many fit into whole chunks. It may be more than there is memory for.
  explicit ObjectPool(std::size_t capacity, const ObjectPoolOptions& options = {})
      : ObjectPool(Make(), Reset(), capacity, options) {}
  /// Of what `make()` gives, so that T need not be named: `ObjectPool pool(make)`, `ObjectPool
  /// pool(make, 100)`, `ObjectPool pool(make, reset, 100)`.
  explicit ObjectPool(Make make, std::size_t capacity = 0, const ObjectPoolOptions& options = {})
      : ObjectPool(std::move(make), Reset(), capacity, options) {}
  ObjectPool(Make make, Reset reset, std::size_t capacity = 0,
             const ObjectPoolOptions& options = {})
      : ObjectPoolCore(kind, capacity, options), make_(std::move(make)), reset_(std::move(reset)) {}
  /// Leaves `other` released. Reported: leases on it are out; or one of its callables runs, and
  /// nothing but the callables is moved. Assignment does nothing then.
  ObjectPool(ObjectPool&& other) noexcept
      : ObjectPoolCore(kind), make_(std::move(other.make_)), reset_(std::move(other.reset_)) {
    if (!other.called_back("moved"))
      take_over(other);
  }
  ObjectPool& operator=(ObjectPool&& other) noexcept {
    if (this == &other || called_back("assigned to") || other.called_back("moved"))
      return *this;
    end_leases("assigned to");
    release();
    replace(make_, other.make_);
    replace(reset_, other.reset_);
    take_over(other);
    return *this;
  }
  /// A lease that is still out goes to the misuse handler.
  ~ObjectPool() {
    end_leases("destroyed");
    release();
  }

  /// The object returned last, reset; if there is none, a new one.
  /// Exhausted: the heap or upstream refused. Misuse: released, or called by one of the callables.
  [[nodiscard]] T& acquire() {
    if (!returned_.at_hand()) [[unlikely]]
      return make_object();
    T& object = *static_cast<T*>(returned_.newest());
    if constexpr (std::is_same_v<Reset, LeaveAsIs>) {
      annotate::show(__builtin_addressof(object), sizeof(T));
    } else {
      Call call(*this, __builtin_addressof(object));
      reset_(object);
      call.done = true;
    }
    returned_.take();
    return object;
  }

  /// Takes an object back, to be handed out again.
  /// Misuse, and nothing changed: an object that is not this pool's, returned already, or on a
  /// lease; called by one of the callables; released.
  void give_back(T& object) {
    if (!returned_.put_back_newest(__builtin_addressof(object))) [[unlikely]]
      return give_back_elsewhere(__builtin_addressof(object));
    annotate::hide(__builtin_addressof(object), sizeof(T));
  }

  /// An object that gives itself back. The pool must outlive it and not move meanwhile.
  class [[nodiscard]] Lease {
  public:
    explicit Lease(ObjectPool& pool)
        : pool_(&pool), object_(__builtin_addressof(pool.acquire())),
          place_(pool.returned_.lend()) {
      ++pool.leases_;
    }
    Lease(Lease&& other) noexcept
        : pool_(other.pool_), object_(std::exchange(other.object_, nullptr)), place_(other.place_) {
    }
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (object_ != nullptr)
        pool_->end_lease(object_, place_);
    }
    [[nodiscard]] T& operator*() const noexcept { return *object_; }
    [[nodiscard]] T* operator->() const noexcept { return object_; }

  private:
    ObjectPool* pool_;
    T* object_;
    Place* place_;
  };
  Lease lease() { return Lease(*this); }

  /// Calls `visit(object)` for each object in use, in no order. It must not use the pool, and
  /// counts as one of its callables. O(objects). Misuse: as acquire.
  template <class Visit>
  void for_each(Visit&& visit) {
    auto call = [&visit](void* object) { visit(*std::launder(static_cast<T*>(object))); };
    visit_used(
        [](void* context, void* object) { (*static_cast<decltype(call)*>(context))(object); },
        &call);
  }

  /// Destroys available objects until at most `capacity` are left, and frees the memory of chunks
  /// that hold none any more. Those are left that lie in chunks with objects in use, and in no
  /// other that could be done without, small ones first; where there is a choice, those returned
  /// last. If none is in use whenever it shrinks, always to as many, there is memory for less than
  /// 2 * capacity + 48 objects then; else what was left before may lie in larger chunks.
  /// O(objects, destroyed ones too). Misuse: released, or called by one of the callables.
  using ObjectPoolCore::shrink;
  /// `trim(keep = 0)`: the same, but `keep` objects stay available.
  using ObjectPoolCore::trim;
  /// Destroys all objects, those in use too, and frees their memory. May be called twice. A lease
  /// that is out, or a callable that is running, goes to the misuse handler.
  using ObjectPoolCore::release;

  using Stats = ObjectPoolStats;
  using ObjectPoolCore::stats;
  /// Whether it was released or moved from.
  using ObjectPoolCore::freed;
  /// Whether none is in use.
  using ObjectPoolCore::empty;
  /// In objects: as given at construction; in use; and those that were returned.
  using ObjectPoolCore::available;
  using ObjectPoolCore::capacity;
  using ObjectPoolCore::used;
  /// The most that were ever in use. After reset_peak: the most since then that are known of, those
  /// in use now or when an object was made, for nothing is counted where it is hot.
  using ObjectPoolCore::peak;
  using ObjectPoolCore::reset_peak;
  /// The option's, or the strategy's own, never null; and how messages name it.
  using ObjectPoolCore::label;
  using ObjectPoolCore::name;
  /// Whether `p` points into an object that is in use. O(log objects).
  using ObjectPoolCore::owns;

private:
  friend struct Sketch;
  static constexpr ObjectKind kind = ObjectKind::of<T>();

  [[gnu::cold, gnu::noinline]] T& make_object() {
    void* const slot = slot_to_make();
    T& object = make_in(slot);
    add_made(slot);
    return object;
  }
  [[gnu::noinline]] T& make_in(void* slot) { // not cold: the constructor may take long
    Call call(*this, slot);
    T* const object = ::new (slot) T(make_());
    call.done = true;
    return *object;
  }
  // Lambdas with captures cannot be assigned.
  template <class Callable>
  static void replace(Callable& to, Callable& from) noexcept {
    to.~Callable();
    ::new (static_cast<void*>(__builtin_addressof(to))) Callable(std::move(from));
  }

  Make make_;
  Reset reset_;
};

template <class Make>
using MadeBy = std::remove_cvref_t<decltype(std::declval<Make&>()())>;

template <class Make>
ObjectPool(Make, std::size_t = 0, const ObjectPoolOptions& = {}) -> ObjectPool<MadeBy<Make>, Make>;
template <class Make, class Reset>
  requires(!std::is_convertible_v<Reset, std::size_t>)
ObjectPool(Make, Reset, std::size_t = 0, const ObjectPoolOptions& = {})
    -> ObjectPool<MadeBy<Make>, Make, Reset>;

static_assert(Movable<ObjectPool<int>> && Reporting<ObjectPool<int>> && Trimmable<ObjectPool<int>>);

} // namespace ALLOT_ABI
} // namespace allot

#endif
