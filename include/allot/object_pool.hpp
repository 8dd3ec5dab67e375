// ObjectPool: objects that are expensive to make, recycled instead of destroyed.
//
// For connections, line buffers, parsers: what keeps capacity worth keeping. A returned object
// stays constructed; it is reset before it is handed out again. Not for plain memory (BlockPool),
// or for objects that all go at once (TypedArena, Arena).
//
//   chunk:       | header | in use | available | in use | vacant |  ...  | states |
//   entries:     vacant ... vacant | available ... available   <- the one returned last
//
// Chunks double, so that few ranges are searched for a pointer that is given back, and none if it
// comes in stack order: then its entry is still above the last. Objects never move. Getting is
// O(1), returning too or O(log objects), plus the callables. An object stays valid until it is
// given back, release or the pool's end, which destroys it. Every object that is given back is
// checked. One thread at a time; const calls may run together.
#pragma once

#include <allot/annotate.hpp>
#include <allot/buffer.hpp>
#include <allot/roles.hpp>
#include <allot/side_stack.hpp>
#include <allot/size.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <memory_resource>
#include <new>
#include <type_traits>
#include <utility>

namespace allot::inline ALLOT_ABI {

struct ObjectPoolOptions {
  /// Where the memory for objects comes from; null is the heap. It must outlive the pool.
  std::pmr::memory_resource* upstream = nullptr;
};

/// Makes an object by value-initialising it.
template <class T>
struct ValueInitialise {
  T operator()() const { return T(); }
};
/// Hands a returned object out as it is.
struct LeaveAsIs {
  template <class T>
  void operator()(T&) const noexcept {}
};

/// `Make` is called as `T make()`, `Reset` as `reset(T&)`. They must not use the pool. What they
/// throw passes through; nothing is lost then.
template <class T, class Make = ValueInitialise<T>, class Reset = LeaveAsIs>
class ObjectPool {
public:
  /// Makes no object yet. `capacity` is a hint of how many there will be, and how many `shrink`
  /// leaves available. It may be more than there is memory for.
  explicit ObjectPool(std::size_t capacity, const ObjectPoolOptions& options = {})
      : ObjectPool(Make(), Reset(), capacity, options) {}
  ObjectPool(Make make, Reset reset, std::size_t capacity, const ObjectPoolOptions& options = {})
      : make_(std::move(make)), reset_(std::move(reset)), capacity_(capacity),
        next_count_(std::max(capacity, least_count)), options_(options) {}
  ObjectPool(ObjectPool&& other) noexcept
      : make_(std::move(other.make_)), reset_(std::move(other.reset_)) {
    take_over(other);
  }
  ObjectPool& operator=(ObjectPool&& other) noexcept {
    if (this != &other) {
      end_leases("assigned to");
      release();
      replace(make_, other.make_);
      replace(reset_, other.reset_);
      take_over(other);
    }
    return *this;
  }
  /// A lease that is still out goes to the misuse handler.
  ~ObjectPool() {
    end_leases("destroyed");
    release();
  }

  /// The object returned last, reset; if there is none, a new one.
  /// Exhausted: the heap or upstream refused. Misuse: released, or called by one of the callables.
  [[nodiscard]] T& acquire() { return hand_out(State::in_use); }

  /// Takes an object back, to be handed out again.
  /// Misuse, and nothing changed: an object that is not this pool's, returned already, or on a
  /// lease; called by one of the callables; released.
  void give_back(T& object) {
    if (!take_back(object, State::in_use)) [[unlikely]]
      refuse_object(std::addressof(object));
  }

  /// An object that gives itself back. The pool must outlive it and not move meanwhile.
  class [[nodiscard]] Lease {
  public:
    explicit Lease(ObjectPool& pool) : pool_(&pool), object_(&pool.hand_out(State::leased)) {
      ++pool.leases_;
    }
    Lease(Lease&& other) noexcept
        : pool_(other.pool_), object_(std::exchange(other.object_, nullptr)) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (object_ != nullptr)
        pool_->end_lease(*object_);
    }
    [[nodiscard]] T& operator*() const noexcept { return *object_; }
    [[nodiscard]] T* operator->() const noexcept { return object_; }

  private:
    ObjectPool* pool_;
    T* object_;
  };
  Lease lease() { return Lease(*this); }

  /// Destroys available objects until at most `capacity` are left, and frees the memory of chunks
  /// that hold none any more. O(objects), all that there ever were at a time if a chunk is freed.
  /// Misuse: released, or called by one of the callables.
  void shrink();
  /// Destroys all objects, those in use too, and frees their memory. May be called twice. A lease
  /// that is out, or a callable that is running, goes to the misuse handler.
  void release() noexcept;

  struct Stats {
    std::size_t available;       ///< objects that were returned
    std::size_t in_use;          ///< objects handed out
    std::size_t total_allocated; ///< objects ever made
    std::size_t capacity;        ///< as given at construction
  };
  [[nodiscard]] Stats stats() const noexcept {
    return {available(), objects_ - available(), made_, capacity_};
  }
  /// Whether `p` points into an object that is in use. O(log objects).
  [[nodiscard]] bool owns(const void* p) const noexcept {
    const Chunk* const chunk = chunk_of(p);
    return chunk != nullptr && chunk->states[chunk->offset(p) / stride] >= State::in_use;
  }

private:
  static constexpr const char* strategy_name = "object_pool";
  static constexpr std::size_t least_count = 16; // objects of the first chunk
  static constexpr std::size_t object_size = round_up(sizeof(T));
  static constexpr std::size_t stride = red_zones.stretch(object_size);
  static constexpr ExactDivisor by_stride{stride};
  static constexpr std::size_t alignment = std::max(alignof(T), buffer_alignment);

  // Not a plain byte: a store to that would alias every member.
  // A leased object is in use, and only its lease may give it back.
  enum class State : std::uint8_t { vacant, idle, in_use, leased };

  struct Chunk {
    Buffer buffer;
    Chunk* older;
    std::byte* begin;
    std::size_t count;
    State* states;
    std::size_t fresh; // slots from here on never held an object

    [[nodiscard]] std::size_t offset(const void* p) const noexcept {
      return reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(begin);
    }
  };
  static constexpr std::size_t header = (sizeof(Chunk) + alignment - 1) / alignment * alignment;

  struct Entry {
    T* object;
    State* state;
  };

  // Around a callable: the pool is closed, and if it throws, the object is hidden again.
  struct Call {
    Call(ObjectPool& owner, void* slot) noexcept : pool(owner), object(slot) { pool.busy_ = true; }
    Call(const Call&) = delete;
    ~Call() {
      pool.busy_ = false;
      if (!returned)
        annotate::hide(object, sizeof(T));
    }
    ObjectPool& pool;
    void* object;
    bool returned = false;
  };

  [[nodiscard]] Chunk* chunk_of(const void* p) const noexcept {
    Chunk* chunk = newest_;
    while (chunk != nullptr && chunk->offset(p) >= chunk->fresh * stride)
      chunk = chunk->older;
    return chunk;
  }
  /// The state of the object that starts at `p`, or null.
  [[nodiscard]] State* state_of(const void* p) const noexcept {
    for (const Chunk* chunk = newest_; chunk != nullptr; chunk = chunk->older) {
      const std::size_t index = by_stride.quotient(chunk->offset(p));
      if (index < chunk->fresh)
        return chunk->states + index;
    }
    return nullptr;
  }
  [[nodiscard]] static Entry entry_at(const Chunk& chunk, std::size_t index) noexcept {
    return {reinterpret_cast<T*>(chunk.begin + index * stride), chunk.states + index};
  }

  [[nodiscard]] std::size_t vacant() const noexcept {
    return static_cast<std::size_t>(floor_ - entries_.begin());
  }
  [[nodiscard]] std::size_t available() const noexcept { return entries_.size() - vacant(); }

  [[nodiscard]] T& hand_out(State how) {
    if (entries_.end() == floor_ || busy_) [[unlikely]]
      return make_object(how);
    const Entry newest = entries_.back();
    annotate::show(newest.object, sizeof(T));
    if constexpr (!std::is_same_v<Reset, LeaveAsIs>) {
      Call call(*this, newest.object);
      reset_(*newest.object);
      call.returned = true;
    }
    (void)entries_.pop();
    *newest.state = how;
    return *newest.object;
  }
  /// Takes back an object that comes in stack order: it is where it was taken from still.
  [[nodiscard]] bool take_back_newest(T& object, State how) noexcept {
    if (!entries_.has_room())
      return false;
    const Entry& taken = *entries_.end(); // or zero, as a null reference would be
    if (taken.object != std::addressof(object) || taken.state == nullptr || *taken.state != how ||
        busy_)
      return false;
    *taken.state = State::idle;
    entries_.restore();
    annotate::hide(std::addressof(object), sizeof(T));
    return true;
  }
  /// False, and nothing changed: the object is not handed out in this way, or a callable runs.
  [[nodiscard]] bool take_back(T& object, State how) noexcept {
    if (take_back_newest(object, how)) [[likely]]
      return true;
    State* const state = state_of(std::addressof(object));
    if (state == nullptr || *state != how || busy_)
      return false;
    *state = State::idle;
    entries_.push_reserved(std::addressof(object), state); // reserved since it was made
    annotate::hide(std::addressof(object), sizeof(T));
    return true;
  }

  [[gnu::noinline]] T& make_object(State how);
  [[nodiscard]] Buffer buffer_for(std::size_t count) const;
  void add_chunk();
  static void free_chunk(Chunk* chunk) noexcept;
  static void destroy(const Entry& entry) noexcept;
  void free_vacant_chunks() noexcept;
  void end_lease(T& object) noexcept;
  void end_leases(const char* done) noexcept {
    if (leases_ != 0) [[unlikely]]
      report_misuse(strategy_name, Errc::busy, "%s with %zu leases out", done, leases_);
    leases_ = 0;
  }
  void check_usable() const;
  [[noreturn, gnu::cold, gnu::noinline]] void refuse_object(const T* object) const;

  void take_over(ObjectPool& other) noexcept {
    if (other.leases_ != 0 || other.busy_)
      report_misuse(strategy_name, Errc::busy, "moved with %zu leases out%s", other.leases_,
                    other.busy_ ? ", by one of its callables" : "");
    entries_ = std::move(other.entries_);
    floor_ = std::exchange(other.floor_, nullptr);
    newest_ = std::exchange(other.newest_, nullptr);
    objects_ = std::exchange(other.objects_, 0);
    made_ = std::exchange(other.made_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    next_count_ = std::exchange(other.next_count_, 0);
    options_ = other.options_;
  }
  // Lambdas with captures cannot be assigned.
  template <class Callable>
  static void replace(Callable& to, Callable& from) noexcept {
    std::destroy_at(std::addressof(to));
    std::construct_at(std::addressof(to), std::move(from));
  }

  // Vacant slots below, available objects above: a vacant slot is only taken when no object is
  // available, and is then the last entry. Room for every slot is reserved when it is first used.
  SideStack<Entry> entries_;
  Entry* floor_ = nullptr; // where the available ones begin
  Chunk* newest_ = nullptr;
  bool busy_ = false; // while a callable runs
  Make make_;
  Reset reset_;
  std::size_t objects_ = 0;
  std::size_t made_ = 0;
  std::size_t capacity_ = 0;
  std::size_t next_count_ = 0; // 0 when released
  std::size_t leases_ = 0;
  ObjectPoolOptions options_;
};

template <class Make, class Reset>
ObjectPool(Make, Reset, std::size_t, const ObjectPoolOptions& = {})
    -> ObjectPool<std::remove_cvref_t<std::invoke_result_t<Make&>>, Make, Reset>;

template <class T, class Make, class Reset>
T& ObjectPool<T, Make, Reset>::make_object(State how) {
  check_usable();
  const bool recycled = vacant() != 0;
  if (!recycled) {
    entries_.reserve(strategy_name, objects_ + 1);
    floor_ = entries_.begin();
    if (newest_ == nullptr || newest_->fresh == newest_->count)
      add_chunk();
  }
  const Entry place = recycled ? entries_.back() : entry_at(*newest_, newest_->fresh);
  annotate::show(place.object, sizeof(T));
  Call call(*this, place.object);
  T* const object = ::new (static_cast<void*>(place.object)) T(make_());
  call.returned = true;

  if (recycled) {
    (void)entries_.pop();
    --floor_;
  } else {
    ++newest_->fresh;
  }
  *place.state = how;
  ++objects_;
  ++made_;
  return *object;
}

// What upstream throws passes through; if the heap refuses, the buffer has no memory.
template <class T, class Make, class Reset>
Buffer ObjectPool<T, Make, Reset>::buffer_for(std::size_t count) const {
  const std::size_t slot_and_state = object_size + sizeof(State);
  const std::size_t bytes = saturating_add(header, saturating_multiply(count, slot_and_state));
  return options_.upstream == nullptr
             ? Buffer::try_heap(bytes, alignment, {.zero = false})
             : Buffer::from(options_.upstream, bytes, alignment, strategy_name);
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
    throw_exhausted(strategy_name, Errc::system_refused,
                    "the heap refused %zu objects of %zu bytes", count, sizeof(T));
  std::byte* const begin = buffer.data() + buffer.gap().stretch(header);
  std::byte* const states = begin + count * stride;
  Chunk* const chunk = ::new (buffer.data()) Chunk{.buffer = {},
                                                   .older = newest_,
                                                   .begin = begin,
                                                   .count = count,
                                                   .states = ::new (states) State[count],
                                                   .fresh = 0};
  chunk->buffer = std::move(buffer);
  annotate::hide(begin, count * stride);
  newest_ = chunk;
  next_count_ = saturating_multiply(count, 2);
}

template <class T, class Make, class Reset>
void ObjectPool<T, Make, Reset>::free_chunk(Chunk* chunk) noexcept {
  annotate::show(chunk->begin, chunk->count * stride);
  const Buffer buffer = std::move(chunk->buffer); // frees the chunk itself, too
}

template <class T, class Make, class Reset>
void ObjectPool<T, Make, Reset>::destroy(const Entry& entry) noexcept {
  annotate::show(entry.object, sizeof(T));
  std::destroy_at(std::launder(entry.object));
  annotate::hide(entry.object, sizeof(T));
  *entry.state = State::vacant;
}

template <class T, class Make, class Reset>
void ObjectPool<T, Make, Reset>::shrink() {
  check_usable();
  busy_ = true;
  for (std::size_t excess = available() - std::min(available(), capacity_); excess != 0; --excess) {
    destroy(*floor_);
    ++floor_;
    --objects_;
  }
  busy_ = false;
  free_vacant_chunks();
}

template <class T, class Make, class Reset>
void ObjectPool<T, Make, Reset>::free_vacant_chunks() noexcept {
  for (Chunk* chunk = newest_; chunk != nullptr; chunk = chunk->older) {
    State* const end = chunk->states + chunk->fresh;
    if (std::all_of(chunk->states, end, [](State state) { return state == State::vacant; }))
      chunk->fresh = 0;
  }
  Entry* const kept = std::remove_if(entries_.begin(), floor_, [&](const Entry& entry) {
    return chunk_of(entry.object) == nullptr;
  });
  Entry* const end = std::copy(floor_, entries_.end(), kept);
  entries_.truncate(static_cast<std::size_t>(end - entries_.begin()));
  floor_ = kept;

  for (Chunk** link = &newest_; *link != nullptr;) {
    Chunk* const chunk = *link;
    if (chunk->fresh != 0) {
      link = &chunk->older;
    } else {
      *link = chunk->older;
      entries_.forget_popped(); // its own may be among them
      free_chunk(chunk);
    }
  }
  next_count_ = newest_ == nullptr ? std::max(capacity_, least_count)
                                   : saturating_multiply(newest_->count, 2);
}

template <class T, class Make, class Reset>
void ObjectPool<T, Make, Reset>::release() noexcept {
  if (next_count_ == 0)
    return;
  if (busy_ || leases_ != 0) [[unlikely]] {
    report_misuse(strategy_name, Errc::busy, "released with %zu leases out%s", leases_,
                  busy_ ? ", by one of its callables" : "");
    return;
  }
  busy_ = true;
  for (Chunk* chunk = newest_; chunk != nullptr; chunk = chunk->older)
    for (std::size_t i = chunk->fresh; i-- != 0;)
      if (chunk->states[i] != State::vacant)
        destroy(entry_at(*chunk, i));
  busy_ = false;
  while (newest_ != nullptr)
    free_chunk(std::exchange(newest_, newest_->older));
  entries_ = {};
  floor_ = nullptr;
  objects_ = next_count_ = 0;
}

template <class T, class Make, class Reset>
void ObjectPool<T, Make, Reset>::end_lease(T& object) noexcept {
  if (leases_ != 0) // else the pool was assigned to meanwhile
    --leases_;
  if (!take_back(object, State::leased))
    report_misuse(strategy_name, busy_ ? Errc::busy : Errc::foreign_pointer, "a lease ended %s",
                  busy_ ? "in one of the callables" : "whose object is not here any more");
}

template <class T, class Make, class Reset>
void ObjectPool<T, Make, Reset>::check_usable() const {
  if (next_count_ == 0)
    throw_released(strategy_name);
  if (busy_)
    throw_busy(strategy_name, "one of its callables runs");
}

template <class T, class Make, class Reset>
void ObjectPool<T, Make, Reset>::refuse_object(const T* object) const {
  check_usable();
  const void* const p = object;
  const Chunk* const chunk = chunk_of(p);
  if (chunk == nullptr)
    throw_misuse(strategy_name, Errc::foreign_pointer, "%p is not one of its %zu objects", p,
                 objects_);
  const std::size_t inside = chunk->offset(p) % stride;
  if (inside != 0)
    throw_misuse(strategy_name, Errc::misaligned_pointer, "%p lies %zu bytes into an object", p,
                 inside);
  if (*state_of(p) == State::leased)
    throw_misuse(strategy_name, Errc::busy, "the object at %p is on a lease", p);
  if (*state_of(p) == State::vacant)
    throw_misuse(strategy_name, Errc::foreign_pointer, "the object at %p was destroyed", p);
  throw_misuse(strategy_name, Errc::double_free, "the object at %p was given back already", p);
}

static_assert(Strategy<ObjectPool<int>>);

} // namespace allot::inline ALLOT_ABI
