// TypedArena: objects of one type, made in order and addressed by index.
//
// For tables of nodes, tokens or entities that only grow until they are dropped as a whole. Indices
// are smaller than pointers and survive a move of the arena; handles are indices that are known to
// be stale after a reset. Not for single frees (BlockPool, ObjectPool).
//
//   T 0      T 1      T 2      ...      used()              capacity()
//   |        |        | hole   |        | free               |
//
// A hole is where a constructor failed after it had made other objects here; otherwise a failed
// constructor leaves nothing behind.
//
// All calls are O(1), construction too, which zeroes nothing, but for the destructors that reset
// and release run, highest index first. An object whose constructor makes others here has a lower
// index than they and dies after them, which an Arena does the other way round: a parent made
// before its children must not touch them in its destructor. An object stays valid until then. One
// thread at a time; const calls may run together.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/detail/construct.hpp>
#include <allot/slot_arena.hpp>

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

namespace detail {
// Each time an arena gives a handle for the first time since its last reset it draws a number, its
// epoch, that no arena in the process had before.
inline constexpr std::uint32_t no_epoch = 0xFFFFFFFF;
[[gnu::cold]] std::uint32_t draw_epoch(Label owner);
} // namespace detail

template <class T>
class TypedArena {
public:
  /// An object that was made: where it is, and its number.
  struct Slot {
    T* ptr = nullptr;
    std::size_t index = 0;
  };

  /// Stands for an object as its index does, and is known to be stale once the arena was reset. 64
  /// bits; good in this process only.
  class Handle {
  public:
    Handle() = default; ///< of no object
    [[nodiscard]] std::uint32_t index() const noexcept { return index_; }
    bool operator==(const Handle&) const = default;

  private:
    friend TypedArena;
    Handle(std::size_t index, std::uint32_t epoch) noexcept
        : index_(static_cast<std::uint32_t>(index)), epoch_(epoch) {}
    std::uint32_t index_ = 0;
    std::uint32_t epoch_ = 0; // which is never drawn
  };

  /// Room for exactly `capacity` objects, from the heap.
  /// `options.zero` means nothing here: an object is what its constructor makes it.
  /// Misuse: 0, or a size that overflows. Exhausted: the heap refused.
  explicit TypedArena(std::size_t capacity, Options options = {})
      : slots_(strategy_name, sizeof(T), capacity, slot_alignment, unzeroed(options)) {}
  /// As many objects as fit into `buffer`. Misuse: not even one.
  explicit TypedArena(Buffer buffer, Options options = {})
      : slots_(strategy_name, sizeof(T), slot_alignment, std::move(buffer), unzeroed(options)) {}
  TypedArena(TypedArena&& other) noexcept
      : slots_(std::move(other.slots_)), hole_(std::exchange(other.hole_, no_hole)),
        epoch_(std::exchange(other.epoch_, detail::no_epoch)),
        named_(std::exchange(other.named_, 0)) {}
  TypedArena& operator=(TypedArena&& other) noexcept {
    if (this != &other) {
      release();
      slots_ = std::move(other.slots_);
      hole_ = std::exchange(other.hole_, no_hole);
      epoch_ = std::exchange(other.epoch_, detail::no_epoch);
      named_ = std::exchange(other.named_, 0);
    }
    return *this;
  }
  ~TypedArena() { release(); }

  /// The next T, made in place; without arguments it is value-initialised. The constructor may
  /// make others in this arena, and must not reset it.
  /// Exhausted: no room. Misuse: released, or called by a destructor that reset runs. What the
  /// constructor throws passes through.
  template <class... Args>
    requires CreatableFrom<T, Args...>
  Slot create(Args&&... args) {
    if (slots_.count_ == slots_.limit_) [[unlikely]]
      slots_.refuse(); // and not allocate, which would ask for more: all slots are ready
    return make(slots_.take(), std::forward<Args>(args)...);
  }
  /// As create, but a slot with a null pointer for every refusal. What the constructor throws
  /// passes through.
  template <class... Args>
    requires CreatableFrom<T, Args...>
  [[nodiscard]] Slot try_create(Args&&... args) {
    return slots_.count_ == slots_.limit_ ? Slot{}
                                          : make(slots_.take(), std::forward<Args>(args)...);
  }

  /// Calls `visit(object)` for each live object, lowest index first. It may make others, which are
  /// not visited. O(objects).
  template <class Visit>
  void for_each(Visit&& visit) {
    const std::size_t count = used();
    for (std::size_t index = 0; index < count && index < used(); ++index)
      if (!(hole_ != no_hole && is_hole(index)))
        visit(*std::launder(reinterpret_cast<T*>(slots_.address(index))));
  }

  /// The live object with this index. Misuse: there is none.
  [[nodiscard]] T& at(std::size_t index) { return *object(index); }
  [[nodiscard]] const T& at(std::size_t index) const { return *object(index); }
  [[nodiscard]] T& operator[](std::size_t index) { return at(index); }
  [[nodiscard]] const T& operator[](std::size_t index) const { return at(index); }

  /// A handle to the live object with this index. It goes with a move of the arena; after reset or
  /// release it is refused for good, by every arena.
  /// Misuse: there is no such object, or the arena has room for more than 2^32 - 1. Exhausted: the
  /// process has used up its 2^32 - 2 epochs, one for each reset of an arena between handles.
  [[nodiscard]] Handle handle(std::size_t index) {
    (void)object(index);
    if (epoch_ == detail::no_epoch) [[unlikely]]
      start_epoch();
    named_ = larger(named_, index + 1);
    return {index, epoch_};
  }
  /// The object that the handle stands for. Misuse: it is gone, or another arena's.
  [[nodiscard]] T& at(Handle handle) { return *object(checked(handle)); }
  [[nodiscard]] const T& at(Handle handle) const { return *object(checked(handle)); }
  [[nodiscard]] T& operator[](Handle handle) { return at(handle); }
  [[nodiscard]] const T& operator[](Handle handle) const { return at(handle); }
  /// The same, but null for every refusal.
  [[nodiscard]] T* try_at(Handle handle) noexcept { return find(handle); }
  [[nodiscard]] const T* try_at(Handle handle) const noexcept { return find(handle); }
  [[nodiscard]] bool contains(Handle handle) const noexcept { return find(handle) != nullptr; }

  /// Destroys all objects, highest index first, and takes their slots back.
  /// Misuse: released, or called by one of those destructors.
  void reset() {
    slots_.check_usable();
    destroy_all();
    end_epoch();
    slots_.reset();
  }
  /// Destroys all objects, highest index first, and frees the buffer. May be called twice.
  void release() noexcept {
    if (slots_.closed()) [[unlikely]] {
      report_misuse(label(), Errc::busy, "released while its own destructors run");
      return;
    }
    destroy_all();
    end_epoch();
    slots_.release();
  }

  /// Whether it was released or moved from.
  [[nodiscard]] bool freed() const noexcept { return slots_.freed(); }
  [[nodiscard]] bool empty() const noexcept { return slots_.empty(); }
  /// In objects. `peak` is the most that there ever were, and survives reset.
  [[nodiscard]] std::size_t capacity() const noexcept { return slots_.capacity(); }
  [[nodiscard]] std::size_t used() const noexcept { return slots_.used(); }
  [[nodiscard]] std::size_t available() const noexcept { return slots_.available(); }
  [[nodiscard]] std::size_t peak() const noexcept { return slots_.peak(); }
  /// The peak is what is used now.
  void reset_peak() noexcept { slots_.reset_peak(); }
  /// Whether `p` points into an object's slot.
  [[nodiscard]] bool owns(const void* p) const noexcept { return slots_.owns(p); }
  /// The option's, or the strategy's own; never null.
  [[nodiscard]] const char* name() const noexcept { return slots_.name(); }
  /// How messages name it.
  [[nodiscard]] Label label() const noexcept { return slots_.label(); }
  /// In bytes.
  [[nodiscard]] Stats stats() const noexcept { return slots_.stats(); }

private:
  static constexpr const char* strategy_name = "typed_arena";
  static constexpr std::size_t slot_alignment = alignof(T) > granule ? alignof(T) : granule;
  static constexpr std::size_t no_hole = max_size;

  [[nodiscard]] static Options unzeroed(Options options) noexcept {
    options.zero = false;
    return options;
  }

  template <class... Args>
  Slot make(const allot::Slot& slot, Args&&... args) {
    Undo undo{*this, slot.index};
    T* const object = construct<T>(slot.ptr, std::forward<Args>(args)...);
    undo.armed = false;
    return {object, slot.index};
  }

  // A guard, not a try block: headers must compile where exceptions are off.
  struct Undo {
    TypedArena& arena;
    std::size_t index;
    bool armed = true;
    ~Undo() {
      if (armed)
        arena.abandon(index);
    }
  };

  // An index that a handle was made for is not used again in the same epoch.
  [[gnu::cold]] void abandon(std::size_t index) noexcept {
    if (index + 1 == slots_.count_ && index >= named_)
      slots_.truncate(index);
    else
      punch_hole(index);
  }

  // Holes are linked through the bytes of their slots, highest index first.
  void punch_hole(std::size_t index) noexcept {
    std::size_t* link = &hole_;
    while (*link != no_hole && *link > index)
      link = next_hole(*link);
    annotate::show(slots_.address(index), sizeof(std::size_t));
    ::new (slots_.address(index)) std::size_t(*link);
    *link = index;
  }
  [[nodiscard]] std::size_t* next_hole(std::size_t hole) const noexcept {
    return std::launder(reinterpret_cast<std::size_t*>(slots_.address(hole)));
  }
  [[gnu::cold, gnu::noinline]] [[nodiscard]] bool is_hole(std::size_t index) const noexcept {
    std::size_t hole = hole_;
    while (hole != no_hole && hole > index)
      hole = *next_hole(hole);
    return hole == index;
  }

  [[gnu::cold]] void start_epoch() {
    if (capacity() > 0xFFFFFFFF)
      throw_misuse(label(), Errc::overflow, "no handle can number %zu objects", capacity());
    epoch_ = detail::draw_epoch(label());
  }
  void end_epoch() noexcept {
    epoch_ = detail::no_epoch;
    named_ = 0;
  }
  [[nodiscard]] std::size_t checked(Handle handle) const {
    if (handle.epoch_ != epoch_) [[unlikely]]
      refuse_handle(handle);
    return handle.index_;
  }
  [[noreturn, gnu::cold]] void refuse_handle(Handle handle) const {
    if (freed())
      throw_released(label());
    throw_misuse(label(), Errc::stale_handle,
                 "the handle %u is null, from before a reset, or another arena's", handle.index_);
  }
  [[nodiscard]] T* find(Handle handle) const noexcept {
    const std::size_t index = handle.index_;
    if (handle.epoch_ != epoch_ || index >= used() || (hole_ != no_hole && is_hole(index)))
      return nullptr;
    return std::launder(reinterpret_cast<T*>(slots_.address(index)));
  }

  [[nodiscard]] T* object(std::size_t index) const {
    void* const p = slots_.at(index);
    if (hole_ != no_hole && is_hole(index)) [[unlikely]]
      throw_misuse(label(), Errc::out_of_bounds,
                   "index %zu: its constructor failed, of %zu slots in use", index, used());
    return std::launder(static_cast<T*>(p));
  }

  void destroy_all() noexcept {
    if constexpr (!std::is_trivially_destructible_v<T>) {
      const std::size_t count = slots_.count_;
      const std::size_t limit = slots_.limit_;
      for (std::size_t index = count; index-- != 0;) {
        slots_.count_ = slots_.limit_ =
            index; // what a destructor sees: the older ones, and no room
        if (index == hole_)
          hole_ = *next_hole(hole_);
        else
          std::launder(reinterpret_cast<T*>(slots_.address(index)))->~T();
      }
      slots_.count_ = count;
      slots_.limit_ = limit;
    }
    hole_ = no_hole;
  }

  SlotArena slots_;
  std::size_t hole_ = no_hole; // the hole with the highest index
  std::uint32_t epoch_ = detail::no_epoch;
  std::size_t named_ = 0; // one above the highest index that a handle was made for in this epoch
};

static_assert(Reporting<TypedArena<int>> && Resettable<TypedArena<int>>);
static_assert(sizeof(TypedArena<int>::Handle) == 8);

} // namespace ALLOT_ABI
} // namespace allot

#endif
