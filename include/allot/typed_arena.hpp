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
// and release run, highest index first; where there are holes, finding an object is O(log holes).
// An object whose constructor makes others here has a lower index than they and dies after them,
// which an Arena does the other way round: a parent made before its children must not touch them in
// its destructor. An object stays valid until then. One thread at a time; const calls may run
// together.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/detail/construct.hpp>
#include <allot/detail/hole_index.hpp>
#include <allot/slot_arena.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

namespace detail {
// Each time an arena gives a handle for the first time since its last reset it draws a number, its
// epoch, that no arena in the process had before. No process lives to see them end.
inline constexpr std::uint64_t no_epoch = ~std::uint64_t{0};
[[nodiscard, gnu::cold]] std::uint64_t draw_epoch() noexcept;
} // namespace detail

template <class T>
class TypedArena;

/// Stands for an object of a TypedArena<T> as its index does, and is known to be stale once the
/// arena was reset. 16 bytes; good in this process only. Handles of one arena are ordered as their
/// objects are, those made after a reset behind those made before; std::hash takes them.
template <class T>
class TypedHandle {
public:
  TypedHandle() = default; ///< of no object
  [[nodiscard]] std::size_t index() const noexcept { return index_; }
  auto operator<=>(const TypedHandle&) const = default;

private:
  friend TypedArena<T>;
  friend std::hash<TypedHandle>;
  TypedHandle(std::size_t index, std::uint64_t epoch) noexcept : epoch_(epoch), index_(index) {}
  std::uint64_t epoch_ = 0; // which is never drawn
  std::size_t index_ = 0;
};

template <class T>
class TypedArena : private SlotArena {
public:
  /// An object that was made: where it is, and its number.
  struct Slot {
    T* ptr = nullptr;
    std::size_t index = 0;
  };
  using Handle = TypedHandle<T>;

  /// Room for exactly `capacity` objects, from the heap.
  /// `options.zero` means nothing here: an object is what its constructor makes it.
  /// Misuse: 0, or a size that overflows. Exhausted: the heap refused.
  explicit TypedArena(std::size_t capacity, Options options = {})
      : SlotArena(strategy_name, sizeof(T), capacity, slot_alignment, unzeroed(options)) {
    check_links();
  }
  /// As many objects as fit into `buffer`. Misuse: not even one.
  explicit TypedArena(Buffer buffer, Options options = {})
      : SlotArena(strategy_name, sizeof(T), slot_alignment, std::move(buffer), unzeroed(options)) {
    check_links();
  }
  TypedArena(TypedArena&& other) noexcept
      : SlotArena(static_cast<SlotArena&&>(other)), holes_(std::exchange(other.holes_, {})),
        epoch_(std::exchange(other.epoch_, detail::no_epoch)),
        named_(std::exchange(other.named_, 0)) {}
  TypedArena& operator=(TypedArena&& other) noexcept {
    if (this != &other) {
      release();
      SlotArena::operator=(static_cast<SlotArena&&>(other));
      holes_ = std::exchange(other.holes_, {});
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
    if (is_full()) [[unlikely]]
      refuse(); // and not allocate, which would ask for more: all slots are ready
    return make(take(), std::forward<Args>(args)...);
  }
  /// As create, but a slot with a null pointer for every refusal. What the constructor throws
  /// passes through.
  template <class... Args>
    requires CreatableFrom<T, Args...>
  [[nodiscard]] Slot try_create(Args&&... args) {
    return is_full() ? Slot{} : make(take(), std::forward<Args>(args)...);
  }

  /// Calls `visit(object)` for each live object, lowest index first. It may make others, which are
  /// not visited. O(objects).
  template <class Visit>
  void for_each(Visit&& visit) {
    const std::size_t count = used();
    for (std::size_t index = 0; index < count && index < used(); ++index)
      if (!is_hole(index))
        visit(*in_slot(index));
  }

  /// The live object with this index. Misuse: there is none.
  [[nodiscard]] T& at(std::size_t index) { return *object(index); }
  [[nodiscard]] const T& at(std::size_t index) const { return *object(index); }
  [[nodiscard]] T& operator[](std::size_t index) { return at(index); }
  [[nodiscard]] const T& operator[](std::size_t index) const { return at(index); }

  /// A handle to the live object with this index. It goes with a move of the arena; after reset or
  /// release it is refused for good, by every arena.
  /// Misuse: there is no such object.
  [[nodiscard]] Handle handle(std::size_t index) {
    (void)object(index);
    if (epoch_ == detail::no_epoch) [[unlikely]]
      epoch_ = detail::draw_epoch();
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
    check_usable();
    destroy_all();
    end_epoch();
    SlotArena::reset();
  }
  /// Destroys all objects, highest index first, and frees the buffer. May be called twice.
  void release() noexcept {
    if (closed()) [[unlikely]] {
      report_misuse(label(), Errc::busy, "released while its own destructors run");
      return;
    }
    destroy_all();
    end_epoch();
    SlotArena::release();
  }

  // In objects, as SlotArena's are in slots.
  using SlotArena::available;
  using SlotArena::capacity;
  using SlotArena::empty;
  using SlotArena::freed;
  using SlotArena::label;
  using SlotArena::name;
  using SlotArena::owns;
  using SlotArena::peak;
  using SlotArena::reset_peak;
  using SlotArena::stats;
  using SlotArena::used;

private:
  friend struct Sketch;
  static constexpr const char* strategy_name = "typed_arena";
  static constexpr std::size_t slot_alignment = alignof(T) > granule ? alignof(T) : granule;

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

  // Of a hole: two of them fit into a slot.
  template <class U = T> // which need not be complete before
  using Link = std::conditional_t<sizeof(U) <= granule, std::uint32_t, std::size_t>;

  // An index that a handle was made for is not used again in the same epoch.
  [[gnu::cold]] void abandon(std::size_t index) noexcept {
    if (index + 1 == used() && index >= named_)
      truncate(index);
    else
      holes_.add<Link<>>(index, [this](std::size_t i) { return address(i); });
  }
  [[nodiscard]] bool is_hole(std::size_t index) const noexcept {
    return !holes_.empty() && finds_hole(index);
  }
  [[gnu::cold, gnu::noinline]] [[nodiscard]] bool finds_hole(std::size_t index) const noexcept {
    return holes_.contains<Link<>>(index, [this](std::size_t i) { return address(i); });
  }
  [[nodiscard]] T* in_slot(std::size_t index) const noexcept {
    return std::launder(reinterpret_cast<T*>(address(index)));
  }

  // That two links of a hole fit into a slot.
  void check_links() const {
    if (capacity() >= static_cast<Link<>>(-1))
      throw_misuse(label(), Errc::overflow,
                   "%zu objects of %zu bytes are more than can be numbered", capacity(), sizeof(T));
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
                 "the handle %zu is null, from before a reset, or another arena's", handle.index_);
  }
  [[nodiscard]] T* find(Handle handle) const noexcept {
    const std::size_t index = handle.index_;
    if (handle.epoch_ != epoch_ || index >= used() || is_hole(index))
      return nullptr;
    return in_slot(index);
  }

  [[nodiscard]] T* object(std::size_t index) const {
    void* const p = SlotArena::at(index);
    if (is_hole(index)) [[unlikely]]
      throw_misuse(label(), Errc::out_of_bounds,
                   "index %zu: its constructor failed, of %zu slots in use", index, used());
    return std::launder(static_cast<T*>(p));
  }

  void destroy_all() noexcept {
    if constexpr (!std::is_trivially_destructible_v<T>) {
      const std::size_t count = used();
      for (std::size_t index = count; index-- != 0;) {
        close(index); // what a destructor sees: the older ones, and no room
        if (!is_hole(index))
          in_slot(index)->~T();
      }
      reopen(count);
    }
    holes_.clear();
  }

  HoleIndex holes_;
  std::uint64_t epoch_ = detail::no_epoch;
  std::size_t named_ = 0; // one above the highest index that a handle was made for in this epoch
};

static_assert(Movable<TypedArena<int>> && Reporting<TypedArena<int>> &&
              Resettable<TypedArena<int>>);

} // namespace ALLOT_ABI
} // namespace allot

template <class T>
struct std::hash<allot::TypedHandle<T>> {
  [[nodiscard]] std::size_t operator()(const allot::TypedHandle<T>& handle) const noexcept {
    constexpr std::uint64_t odd = 0x9E3779B97F4A7C15; // golden: neighbours lie far apart
    return static_cast<std::size_t>((handle.epoch_ * odd ^ handle.index_) * odd >> 16);
  }
};

#endif
