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
// comes in stack order: then it is still above the last. Objects never move. Getting is O(1),
// amortised for new ones, returning O(1) or O(log objects), plus the callables. An object stays
// valid until it is given back, release or the pool's end, which destroys it. Every object that is
// given back is checked. One thread at a time; const calls may run together.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/annotate.hpp>
#include <allot/base/size.hpp>
#include <allot/buffer.hpp>
#include <allot/concepts.hpp>
#include <allot/detail/returned_stack.hpp>
#include <allot/stats.hpp>
#include <allot/upstream.hpp>

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

struct ObjectPoolOptions {
  /// Where the memory for objects comes from; null is the heap. It must outlive the pool and not
  /// use it.
  UpstreamRef upstream = {};
  const char* name = nullptr; ///< stands in messages and statistics; the caller keeps it alive
};

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
class ObjectPool {
  static_assert(
      MakesObjectsOf<Make, T>,
      "an ObjectPool's constructor function must give a T when it is called without arguments; "
      "without one T must be default-constructible");
  static_assert(ResetsObjectsOf<Reset, T>,
                "an ObjectPool's reset function must take a T& and nothing else");

public:
  /// Makes no object yet. `capacity` is a hint of how many there will be, and how many `shrink`
  /// leaves available. It may be more than there is memory for.
  explicit ObjectPool(std::size_t capacity, const ObjectPoolOptions& options = {})
      : ObjectPool(Make(), Reset(), capacity, options) {}
  /// Of what `make()` gives, so that T need not be named: `ObjectPool pool(make)`, `ObjectPool
  /// pool(make, 100)`, `ObjectPool pool(make, reset, 100)`.
  explicit ObjectPool(Make make, std::size_t capacity = 0, const ObjectPoolOptions& options = {})
      : ObjectPool(std::move(make), Reset(), capacity, options) {}
  ObjectPool(Make make, Reset reset, std::size_t capacity = 0,
             const ObjectPoolOptions& options = {})
      : make_(std::move(make)), reset_(std::move(reset)), capacity_(capacity),
        next_count_(larger(capacity, least_count)), options_(options) {}
  /// Leaves `other` released. Reported: leases on it are out; or one of its callables runs, and
  /// nothing but the callables is moved. Assignment does nothing then.
  ObjectPool(ObjectPool&& other) noexcept
      : make_(std::move(other.make_)), reset_(std::move(other.reset_)) {
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
    annotate::show(__builtin_addressof(object), sizeof(T));
    if constexpr (!std::is_same_v<Reset, LeaveAsIs>) {
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
      return give_back_elsewhere(object);
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
        pool_->end_lease(*object_, place_);
    }
    [[nodiscard]] T& operator*() const noexcept { return *object_; }
    [[nodiscard]] T* operator->() const noexcept { return object_; }

  private:
    ObjectPool* pool_;
    T* object_;
    ReturnedStack::Place* place_;
  };
  Lease lease() { return Lease(*this); }

  /// Destroys available objects until at most `capacity` are left, and frees the memory of chunks
  /// that hold none any more. O(objects, destroyed ones too).
  /// Misuse: released, or called by one of the callables.
  void shrink();
  /// Destroys all objects, those in use too, and frees their memory. May be called twice. A lease
  /// that is out, or a callable that is running, goes to the misuse handler.
  void release() noexcept;

  /// The same as shrink, but `keep` objects stay available.
  void trim(std::size_t keep = 0);

  /// Calls `visit(object)` for each object in use, in no order. It must not use the pool, and
  /// counts as one of its callables. O(objects). Misuse: as acquire.
  template <class Visit>
  void for_each(Visit&& visit);

  using Stats = ObjectPoolStats;
  [[nodiscard]] Stats stats() const noexcept {
    return {available(),
            used(),
            made_,
            capacity_,
            {name(), objects_ * object_size, used() * object_size, available() * object_size,
             peak() * object_size, held_}};
  }

  /// Whether it was released or moved from.
  [[nodiscard]] bool freed() const noexcept { return next_count_ == 0; }
  [[nodiscard]] bool empty() const noexcept { return used() == 0; }
  /// In objects: as given at construction; in use; and those that were returned.
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::size_t used() const noexcept { return objects_ - available(); }
  [[nodiscard]] std::size_t available() const noexcept { return returned_.available(); }
  /// The most that were ever in use. After reset_peak: the most since then that are known of, those
  /// in use now or when an object was made, for nothing is counted where it is hot.
  [[nodiscard]] std::size_t peak() const noexcept { return larger(peak_, used()); }
  void reset_peak() noexcept { peak_ = used(); }
  /// The option's, or the strategy's own; never null.
  [[nodiscard]] const char* name() const noexcept { return label().text(); }
  /// How messages name it.
  [[nodiscard]] Label label() const noexcept { return {strategy_name, options_.name}; }
  /// Whether `p` points into an object that is in use. O(log objects).
  [[nodiscard]] bool owns(const void* p) const noexcept {
    const Chunk* const chunk = chunk_of(p);
    if (chunk == nullptr)
      return false;
    const std::size_t index = chunk->offset(p) / stride;
    return !returned_.holds(chunk->slot(index), chunk->places[index]);
  }

private:
  static constexpr const char* strategy_name = "object_pool";
  static constexpr std::size_t least_count = 16; // objects of the first chunk
  static constexpr std::size_t object_size = round_up(sizeof(T));
  static constexpr std::size_t stride = red_zones.stretch(object_size);
  static constexpr ExactDivisor by_stride{stride};
  static constexpr std::size_t alignment = larger(alignof(T), buffer_alignment);

  using Place = ReturnedStack::Place;

  struct Chunk {
    Buffer buffer;
    Chunk* older;
    std::byte* begin;
    std::size_t count;
    Place* places;
    std::size_t fresh; // slots from here on never held an object

    [[nodiscard]] std::size_t offset(const void* p) const noexcept {
      return reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(begin);
    }
    [[nodiscard]] void* slot(std::size_t index) const noexcept { return begin + index * stride; }
  };
  static constexpr std::size_t header = (sizeof(Chunk) + alignment - 1) / alignment * alignment;

  // Around a callable: the pool is closed.
  struct Closed {
    explicit Closed(ObjectPool& owner) noexcept : pool(owner), end(owner.returned_.close()) {}
    Closed(const Closed&) = delete;
    ~Closed() { pool.returned_.open(end); }
    ObjectPool& pool;
    ReturnedStack::Entry* end;
  };
  // The same, and if it throws, the object is hidden again.
  struct Call : Closed {
    Call(ObjectPool& owner, void* slot) noexcept : Closed(owner), object(slot) {}
    ~Call() {
      if (!done)
        annotate::hide(object, sizeof(T));
    }
    void* object;
    bool done = false;
  };

  [[nodiscard]] Chunk* chunk_of(const void* p) const noexcept {
    Chunk* chunk = newest_;
    while (chunk != nullptr && chunk->offset(p) >= chunk->fresh * stride)
      chunk = chunk->older;
    return chunk;
  }
  /// The place of the object that starts at `p`, or null.
  [[nodiscard]] Place* place_of(const void* p) const noexcept {
    for (const Chunk* chunk = newest_; chunk != nullptr; chunk = chunk->older) {
      const std::size_t index = by_stride.quotient(chunk->offset(p));
      if (index < chunk->fresh)
        return chunk->places + index;
    }
    return nullptr;
  }
  [[nodiscard]] bool is_vacant(const Chunk& chunk, std::size_t index) const noexcept {
    return returned_.is_vacant(chunk.slot(index), chunk.places[index]);
  }

  [[gnu::cold, gnu::noinline]] T& make_object();
  [[gnu::noinline]] T& make_in(void* slot); // not cold: the constructor may take long
  [[gnu::noinline]] void give_back_elsewhere(T& object);
  [[nodiscard]] Buffer buffer_for(std::size_t count) const;
  void add_chunk();
  void free_chunks(Chunk* newest) noexcept;
  static void destroy(void* object) noexcept;
  void free_vacant_chunks() noexcept;
  void end_lease(T& object, Place* place) noexcept;
  /// Whether a callable runs, which is reported then.
  [[nodiscard]] bool called_back(const char* done) const noexcept {
    if (!returned_.closed()) [[likely]]
      return false;
    report_misuse(label(), Errc::busy, "%s with %zu leases out, by one of its callables", done,
                  leases_);
    return true;
  }
  /// Whether leases are out, which is reported then.
  [[nodiscard]] bool leased_out(const char* done) const noexcept {
    if (leases_ == 0) [[likely]]
      return false;
    report_misuse(label(), Errc::busy, "%s with %zu leases out", done, leases_);
    return true;
  }
  void end_leases(const char* done) noexcept {
    if (leased_out(done))
      leases_ = 0;
  }
  void check_usable() const;
  [[noreturn, gnu::cold, gnu::noinline]] void refuse_object(const T* object) const;

  void take_over(ObjectPool& other) noexcept {
    other.end_leases("moved");
    returned_ = std::move(other.returned_);
    newest_ = std::exchange(other.newest_, nullptr);
    objects_ = std::exchange(other.objects_, 0);
    peak_ = std::exchange(other.peak_, 0);
    held_ = std::exchange(other.held_, 0);
    made_ = std::exchange(other.made_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    next_count_ = std::exchange(other.next_count_, 0);
    options_ = other.options_;
  }
  // Lambdas with captures cannot be assigned.
  template <class Callable>
  static void replace(Callable& to, Callable& from) noexcept {
    to.~Callable();
    ::new (static_cast<void*>(__builtin_addressof(to))) Callable(std::move(from));
  }

  // A vacant slot is only taken when no object is available. There is room for every slot since it
  // was first used. Closed while a callable runs.
  ReturnedStack returned_;
  Chunk* newest_ = nullptr;
  Make make_;
  Reset reset_;
  std::size_t objects_ = 0;
  std::size_t peak_ = 0; // of those in use, when an object was made
  std::size_t made_ = 0;
  std::size_t held_ = 0; // bytes of all chunks
  std::size_t capacity_ = 0;
  std::size_t next_count_ = 0; // 0 when released
  std::size_t leases_ = 0;
  ObjectPoolOptions options_;
};

template <class Make>
using MadeBy = std::remove_cvref_t<decltype(std::declval<Make&>()())>;

template <class Make>
ObjectPool(Make, std::size_t = 0, const ObjectPoolOptions& = {}) -> ObjectPool<MadeBy<Make>, Make>;
template <class Make, class Reset>
  requires(!std::is_convertible_v<Reset, std::size_t>)
ObjectPool(Make, Reset, std::size_t = 0, const ObjectPoolOptions& = {})
    -> ObjectPool<MadeBy<Make>, Make, Reset>;

template <class T, class Make, class Reset>
T& ObjectPool<T, Make, Reset>::make_object() {
  check_usable();
  const bool recycled = returned_.vacant() != 0;
  if (!recycled) {
    returned_.reserve(label(), objects_ + 1);
    if (newest_ == nullptr || newest_->fresh == newest_->count)
      add_chunk();
  }
  void* const slot = recycled ? returned_.newest_vacant() : newest_->slot(newest_->fresh);
  T& object = make_in(slot);
  if (recycled)
    returned_.take_vacant();
  else
    returned_.put_taken(__builtin_addressof(object), newest_->places + newest_->fresh++);
  ++objects_;
  ++made_;
  peak_ = larger(peak_, objects_); // none was available, so all are in use
  return object;
}

template <class T, class Make, class Reset>
T& ObjectPool<T, Make, Reset>::make_in(void* slot) {
  annotate::show(slot, sizeof(T));
  Call call(*this, slot);
  T* const object = ::new (slot) T(make_());
  call.done = true;
  return *object;
}

// What upstream throws passes through; if the heap refuses, the buffer has no memory.
template <class T, class Make, class Reset>
Buffer ObjectPool<T, Make, Reset>::buffer_for(std::size_t count) const {
  const std::size_t slot_and_place = object_size + sizeof(Place);
  const std::size_t bytes = saturating_add(header, saturating_multiply(count, slot_and_place));
  return !options_.upstream ? Buffer::try_heap(bytes, alignment, {.zero = false})
                            : Buffer::from(options_.upstream, bytes, alignment, label());
}

template <class T, class Make, class Reset>
void ObjectPool<T, Make, Reset>::add_chunk() {
  std::size_t count = next_count_;
  Buffer buffer;
  if (count != least_count)
    (void)detail::null_if_thrown([&] { return (buffer = buffer_for(count)).data(); });
  if (buffer.data() == nullptr) { // many were to be expected, a few will do
    count = least_count;
    buffer = buffer_for(count);
  }
  if (buffer.data() == nullptr)
    throw_exhausted(label(), Errc::system_refused, "the heap refused %zu objects of %zu bytes",
                    count, sizeof(T));
  std::byte* const begin = buffer.data() + buffer.gap().stretch(header);
  std::byte* const places = begin + count * stride;
  Chunk* const chunk = ::new (buffer.data()) Chunk{.buffer = {},
                                                   .older = newest_,
                                                   .begin = begin,
                                                   .count = count,
                                                   .places = ::new (places) Place[count],
                                                   .fresh = 0};
  held_ += buffer.size();
  chunk->buffer = std::move(buffer);
  annotate::hide(begin, count * stride);
  newest_ = chunk;
  next_count_ = saturating_multiply(count, 2);
}

template <class T, class Make, class Reset>
void ObjectPool<T, Make, Reset>::free_chunks(Chunk* newest) noexcept {
  for (Chunk* chunk = newest; chunk != nullptr;) {
    annotate::show(chunk->begin, chunk->count * stride);
    const Buffer buffer = std::move(chunk->buffer); // frees the chunk itself, too
    held_ -= buffer.size();
    chunk = chunk->older;
  }
}

template <class T, class Make, class Reset>
void ObjectPool<T, Make, Reset>::destroy(void* object) noexcept {
  annotate::show(object, sizeof(T));
  std::launder(static_cast<T*>(object))->~T();
  annotate::hide(object, sizeof(T));
}

template <class T, class Make, class Reset>
void ObjectPool<T, Make, Reset>::shrink() {
  trim(capacity_);
}

template <class T, class Make, class Reset>
void ObjectPool<T, Make, Reset>::trim(std::size_t keep) {
  check_usable();
  const std::size_t available = returned_.available();
  std::size_t excess = available - smaller(available, keep);
  ReturnedStack::Entry* const end = returned_.close();
  for (; excess != 0; --excess) {
    destroy(returned_.vacate_oldest());
    --objects_;
  }
  returned_.open(end);
  free_vacant_chunks();
}

template <class T, class Make, class Reset>
template <class Visit>
void ObjectPool<T, Make, Reset>::for_each(Visit&& visit) {
  check_usable();
  // Which are in use is known while the pool is open only, so it is closed around each call.
  for (const Chunk* chunk = newest_; chunk != nullptr; chunk = chunk->older) {
    for (std::size_t i = 0; i != chunk->fresh; ++i) {
      if (returned_.holds(chunk->slot(i), chunk->places[i]))
        continue;
      Closed closed(*this);
      visit(*std::launder(static_cast<T*>(chunk->slot(i))));
    }
  }
}

template <class T, class Make, class Reset>
void ObjectPool<T, Make, Reset>::free_vacant_chunks() noexcept {
  const auto holds_none = [this](const Chunk& chunk) {
    std::size_t i = 0;
    while (i != chunk.fresh && is_vacant(chunk, i))
      ++i;
    return i == chunk.fresh;
  };
  Chunk* vacant = nullptr;
  for (Chunk** link = &newest_; *link != nullptr;) {
    Chunk* const chunk = *link;
    if (holds_none(*chunk)) {
      *link = chunk->older;
      chunk->older = std::exchange(vacant, chunk);
    } else {
      link = &chunk->older;
    }
  }
  if (vacant == nullptr)
    return;
  returned_.drop_vacant([this](const void* object) { return chunk_of(object) == nullptr; });
  free_chunks(vacant);
  next_count_ =
      newest_ == nullptr ? larger(capacity_, least_count) : saturating_multiply(newest_->count, 2);
}

template <class T, class Make, class Reset>
void ObjectPool<T, Make, Reset>::release() noexcept {
  if (next_count_ == 0)
    return;
  if (called_back("released") || leased_out("released"))
    return;
  (void)returned_.close();
  for (const Chunk* chunk = newest_; chunk != nullptr; chunk = chunk->older)
    for (std::size_t i = chunk->fresh; i-- != 0;)
      if (!is_vacant(*chunk, i))
        destroy(chunk->slot(i));
  returned_ = {};
  free_chunks(std::exchange(newest_, nullptr));
  objects_ = next_count_ = peak_ = 0;
}

template <class T, class Make, class Reset>
void ObjectPool<T, Make, Reset>::give_back_elsewhere(T& object) {
  T* const p = __builtin_addressof(object);
  Place* const place = place_of(p);
  if (place == nullptr || *place == ReturnedStack::lent || returned_.holds(p, *place) ||
      returned_.closed())
    refuse_object(p);
  returned_.put_back(p, place);
  annotate::hide(p, sizeof(T));
}

template <class T, class Make, class Reset>
void ObjectPool<T, Make, Reset>::end_lease(T& object, Place* place) noexcept {
  T* const p = __builtin_addressof(object);
  if (returned_.put_back_newest_lent(p, place)) {
    annotate::hide(p, sizeof(T));
  } else if (place_of(p) != place || *place != ReturnedStack::lent) {
    report_misuse(label(), Errc::foreign_pointer,
                  "a lease ended whose object is not here any more");
    return;
  } else if (returned_.closed()) {
    report_misuse(label(), Errc::busy, "a lease ended in one of the callables");
  } else {
    returned_.put_back(p, place);
    annotate::hide(p, sizeof(T));
  }
  --leases_;
}

template <class T, class Make, class Reset>
void ObjectPool<T, Make, Reset>::check_usable() const {
  if (next_count_ == 0)
    throw_released(label());
  if (returned_.closed())
    throw_busy(label(), "one of its callables runs");
}

template <class T, class Make, class Reset>
void ObjectPool<T, Make, Reset>::refuse_object(const T* object) const {
  check_usable();
  const void* const p = object;
  const Chunk* const chunk = chunk_of(p);
  if (chunk == nullptr)
    throw_misuse(label(), Errc::foreign_pointer, "%p is not one of its %zu objects", p, objects_);
  const std::size_t inside = chunk->offset(p) % stride;
  if (inside != 0)
    throw_misuse(label(), Errc::misaligned_pointer, "%p lies %zu bytes into an object", p, inside);
  const Place place = *place_of(p);
  if (place == ReturnedStack::lent)
    throw_misuse(label(), Errc::busy, "the object at %p is on a lease", p);
  if (returned_.is_vacant(p, place))
    throw_misuse(label(), Errc::foreign_pointer, "the object at %p was destroyed", p);
  throw_misuse(label(), Errc::double_free, "the object at %p was given back already", p);
}

static_assert(Reporting<ObjectPool<int>>);

} // namespace ALLOT_ABI
} // namespace allot

#endif
