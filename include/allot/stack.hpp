// Stack: values pushed and popped in one fixed buffer, with markers to go back to.
//
// For undo logs, parsers' operands, matching brackets: data whose lifetimes nest strictly. Not for
// allocations that others hold pointers to while it grows and shrinks (Scratch), or for objects
// with destructors.
//
//                mark 0           mark 1       used()
//   | 8 | 24     | 16 | 8         | 40         | free           |
//   ^ bottom                      |<- restore -|  top
//
// What a push copies:
//   a value                  itself: a number, an enumerator, a pointer, a struct, a std::pair
//   a contiguous range       its elements: of a std::vector, a std::span, an array
//   text                     its characters: of a std::string, a std::string_view, a const char*
//   an array of characters   all of them but for one zero at the end, be it a literal or not
//
// Everything is O(1), but that a pop takes a step for each mark and scope that it drops, those that
// stay cost nothing, and reset zeroes what was used. A few marks lie in the object. More are on the
// heap if the buffer is; if not, at its far end, where `available()` falls by their size until they
// are dropped. Scopes need no memory. Sizes round up to 8 bytes. What push gave stays valid until
// it is popped or restored over; what pop gave, until the next push or mark. Popped bytes are not
// zeroed until the next reset.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/buffer.hpp>
#include <allot/concepts.hpp>
#include <allot/detail/buffer_records.hpp>
#include <allot/detail/cursor.hpp>
#include <allot/detail/open_scopes.hpp>
#include <allot/stats.hpp>

#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

/// A place on a Stack to come back to. Markers are numbered from 0 on each stack, and no two in a
/// process are equal. Those of one stack are ordered as they were set, those of several somehow;
/// std::hash takes them.
class Marker {
public:
  explicit Marker() = default; ///< of no stack
  [[nodiscard]] std::size_t index() const noexcept { return index_; }
  explicit operator std::size_t() const noexcept { return index_; }
  bool operator==(const Marker&) const = default;
  auto operator<=>(const Marker& other) const noexcept { return serial_ <=> other.serial_; }

private:
  friend class Stack;
  friend std::hash<Marker>;
  Marker(std::size_t index, std::uint64_t serial) noexcept : index_(index), serial_(serial) {}

  std::size_t index_ = 0;
  std::uint64_t serial_ = 0; // which no other has
};

/// Whether a T is data. What tells a stack what to do is not: pushing it is a mistake.
template <class T>
inline constexpr bool is_data = true;
template <>
inline constexpr bool is_data<Marker> = false;
template <>
inline constexpr bool is_data<std::nullptr_t> = false;

/// Copied by its bytes alone, and dropped without a destructor. Trivially copyable would be too
/// narrow: a std::pair or std::tuple is not, for assigning is more than that.
template <class T>
concept TriviallyCopied =
    std::same_as<T, std::remove_cvref_t<T>> && std::is_trivially_copy_constructible_v<T> &&
    std::is_trivially_destructible_v<T>;

namespace detail {
template <class C>
concept Character = std::same_as<C, char> || std::same_as<C, wchar_t> || std::same_as<C, char8_t> ||
                    std::same_as<C, char16_t> || std::same_as<C, char32_t>;
template <class T>
concept HasElements = requires(T& t) { std::begin(t); };
template <class Span>
using Element = std::remove_const_t<std::remove_all_extents_t<typename Span::element_type>>;
} // namespace detail

/// Text, which is pushed as its characters.
template <class T>
concept PushableText = std::convertible_to<const T&, std::string_view>;

/// A contiguous range, which is pushed as its elements.
template <class R>
concept PushableRange = requires(const R& range) {
  std::span(range);
  requires TriviallyCopied<detail::Element<decltype(std::span(range))>>;
};

/// Anything else, which is pushed as it is. Not another range: that may be a view of its elements.
template <class T>
concept PushableValue = TriviallyCopied<T> && !PushableText<T> && !detail::HasElements<T>;

/// What a stack can hold.
template <class T>
concept Pushable = (PushableValue<T> || PushableRange<T> || PushableText<T>)&&is_data<T>;

/// What lies on a stack under its own type: a value or a std::array, neither text nor a view.
template <class T>
concept Poppable =
    Pushable<T> && TriviallyCopied<T> && (PushableValue<T> || std::tuple_size<T>::value != 0);

namespace detail {
/// What a push of `data` copies.
template <Pushable T>
[[nodiscard]] std::span<const std::byte> bytes_of(const T& data) {
  if constexpr (Character<std::remove_extent_t<T>> && std::is_array_v<T>) {
    constexpr std::size_t last = std::extent_v<T> - 1;
    return std::as_bytes(std::span(data, data[last] == 0 ? last : last + 1));
  } else if constexpr (PushableText<T>) {
    const std::string_view text = data;
    return std::as_bytes(std::span(text));
  } else if constexpr (PushableRange<T>) {
    return std::as_bytes(std::span(data));
  } else {
    return std::as_bytes(std::span(__builtin_addressof(data), 1));
  }
}

/// The T whose bytes are at `from`, however that is aligned.
template <Poppable T>
[[nodiscard]] T value_of(const std::byte* from) noexcept {
  alignas(T) std::byte copy[sizeof(T)];
  std::memcpy(copy, from, sizeof(T));
  return *std::launder(reinterpret_cast<T*>(copy));
}
} // namespace detail

class Stack {
public:
  /// `bytes`, rounded up to 8, from the heap. Misuse: 0. Exhausted: the heap refused.
  explicit Stack(std::size_t bytes, Options options = {})
      : Stack(Buffer::heap(bytes, buffer_alignment, options, {strategy_name, options.name}),
              options) {}
  /// On any buffer. Misuse: one with less than 8 aligned bytes beside room for `options.marks`.
  explicit Stack(Buffer buffer, Options options = {});
  Stack(Stack&& other) noexcept { *this = static_cast<Stack&&>(other); }
  Stack& operator=(Stack&& other) noexcept;
  /// A scope that is still open goes to the misuse handler.
  ~Stack();

  /// A copy of the data on top, aligned to 8, whatever it was aligned to. A null char pointer is
  /// no text, as for std::string_view. Exhausted: it would overflow. Misuse: released.
  template <Pushable T>
  std::span<std::byte> push(const T& data) {
    return push(detail::bytes_of(data));
  }
  std::span<std::byte> push(std::span<const std::byte> bytes) {
    if (bytes.empty() || !cursor_.fits(bytes.size())) [[unlikely]]
      return push_slow(bytes);
    return place(bytes);
  }
  void push(std::nullptr_t) = delete;
  /// As push, but a span with null data for every refusal.
  template <Pushable T>
  [[nodiscard]] std::span<std::byte> try_push(const T& data) noexcept {
    return try_push(detail::bytes_of(data));
  }
  [[nodiscard]] std::span<std::byte> try_push(std::span<const std::byte> bytes) noexcept {
    if (bytes.empty() || !cursor_.fits(bytes.size())) [[unlikely]]
      return try_push_slow(bytes);
    return place(bytes);
  }

  /// Takes `bytes`, rounded up to 8, off the top: pop(n) undoes a push of n bytes. Marks that stood
  /// above where the top is then are dropped. Misuse: more than there is; released.
  std::span<std::byte> pop(std::size_t bytes) {
    if (fits(bytes, above_mark())) [[likely]]
      return {drop(bytes), bytes};
    return pop_slow(bytes);
  }
  /// As pop, but a span with null data for every refusal.
  [[nodiscard]] std::span<std::byte> try_pop(std::size_t bytes) noexcept {
    if (fits(bytes, above_mark())) [[likely]]
      return {drop(bytes), bytes};
    return try_pop_slow(bytes);
  }

  /// Takes a T off the top, which must have been pushed as one. Misuse: less is there; released.
  template <Poppable T>
  T pop() {
    return detail::value_of<T>(pop(sizeof(T)).data());
  }
  /// As pop<T>(), but an empty optional for every refusal.
  template <Poppable T>
  [[nodiscard]] std::optional<T> try_pop() noexcept {
    const std::byte* const popped = try_pop(sizeof(T)).data();
    return popped == nullptr ? std::nullopt : std::optional<T>(detail::value_of<T>(popped));
  }
  /// The T on top, where it lies: valid as long as what push gave. Misuse: less is there; released.
  template <Poppable T>
  [[nodiscard]] T& top() {
    return *std::launder(static_cast<T*>(place_of_top<T>()));
  }
  template <Poppable T>
  [[nodiscard]] const T& top() const {
    return *std::launder(static_cast<const T*>(place_of_top<T>()));
  }

  /// Remembers the top. Exhausted: it is one of more than a few, and there is no room for it.
  /// Misuse: released.
  [[nodiscard]] Marker mark() {
    if (next_serial_ % serial_run == 0 || marks_.full()) [[unlikely]]
      return mark_slow();
    return set_mark();
  }
  /// Drops all that was pushed after the mark was set, and later marks; `marker` itself stays.
  /// Misuse: a marker that was popped or restored below, or of another stack; released.
  void restore(Marker marker) {
    if (!is_set(marker) || unusual_) [[unlikely]]
      return restore_slow(marker);
    hide_popped();
    cursor_.rewind(marks_[marker.index_].top);
    marks_.truncate(marker.index_ + 1);
    floor_ = cursor_.head();
  }

  /// Restores, at the end of the enclosing block, what was there at its beginning. Scopes nest. A
  /// scope below whose beginning the stack was popped or restored, or that outlived an inner one or
  /// the stack, goes to the misuse handler and restores nothing.
  class [[nodiscard]] Scope {
  public:
    explicit Scope(Stack& stack) : stack_(&stack) { stack.enter(*this); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope();

  private:
    friend Stack;
    friend OpenScopes<Scope>;
    friend struct Sketch;
    Stack* stack_; // null when it was destroyed, moved or assigned to meanwhile
    Scope* outer_ = nullptr;
    std::byte* top_ = nullptr;
    std::size_t marks_ = 0; // that there were before
  };
  /// Misuse: released.
  Scope scope() { return Scope(*this); }

  /// Takes everything back, marks too, and zeroes it. Misuse: released, or a scope is open.
  void reset();
  /// Frees the buffer. May be called twice. An open scope goes to the misuse handler.
  void release() noexcept;

  /// Whether it was released or moved from.
  [[nodiscard]] bool freed() const noexcept { return cursor_.released(); }
  [[nodiscard]] bool empty() const noexcept { return used() == 0; }
  /// In bytes. `peak` is the most that was used since construction or reset_peak; reset keeps it.
  [[nodiscard]] std::size_t size() const noexcept { return capacity(); }
  [[nodiscard]] std::size_t capacity() const noexcept { return buffer_.size() - set_aside_; }
  [[nodiscard]] std::size_t used() const noexcept { return cursor_.used(); }
  [[nodiscard]] std::size_t available() const noexcept { return cursor_.available(); }
  [[nodiscard]] std::size_t peak() const noexcept { return cursor_.peak(); }
  /// The peak is what is used now. O(1), but for zeroing what was used before.
  void reset_peak() noexcept { cursor_.reset_peak(); }
  /// Whether `p` points into what is on the stack now.
  [[nodiscard]] bool owns(const void* p) const noexcept { return cursor_.owns(p); }
  /// The option's, or the strategy's own; never null.
  [[nodiscard]] const char* name() const noexcept { return label().text(); }
  /// How messages name it.
  [[nodiscard]] Label label() const noexcept { return {strategy_name, name_}; }
  [[nodiscard]] Stats stats() const noexcept {
    return {name(), capacity(), used(), available(), peak(), capacity()};
  }

private:
  friend struct Sketch;
  static constexpr const char* strategy_name = "stack";
  // Stacks draw serials in runs of so many, which start at multiples of it. So setting a mark needs
  // no atomic, and no program lives to see them end.
  static constexpr std::uint64_t serial_run = 4096;

  struct alignas(granule) Mark { // whole granules on 32 bits, too
    std::byte* top;
    std::uint64_t serial;
  };

  // The bytes may be what was popped last, and lie here.
  std::span<std::byte> place(std::span<const std::byte> bytes) noexcept {
    annotate::show(cursor_.head(), bytes.size());
    std::memmove(cursor_.head(), bytes.data(), bytes.size());
    hide_popped();
    return {cursor_.take(bytes.size()), bytes.size()};
  }
  std::byte* drop(std::size_t bytes) noexcept {
    std::byte* const top = cursor_.head() - round_up(bytes);
    if constexpr (instrumented) {
      if (popped_end_ == nullptr)
        popped_end_ = cursor_.head();
    }
    cursor_.rewind(top);
    if constexpr (instrumented)
      annotate::show(top, static_cast<std::size_t>(popped_end_ - top));
    return top;
  }
  [[nodiscard]] std::size_t above_mark() const noexcept {
    return static_cast<std::size_t>(cursor_.head() - floor_);
  }
  template <class T>
  [[nodiscard]] void* place_of_top() const {
    static_assert(alignof(T) <= granule,
                  "top<T>() refers to a T where it lies, at a multiple of 8 bytes, and this one "
                  "needs a stricter alignment: copy it with pop<T>()");
    if (!fits(sizeof(T), used())) [[unlikely]]
      refuse_underflow(sizeof(T), "read");
    return cursor_.head() - round_up(sizeof(T));
  }

  Marker set_mark() {
    marks_.push(cursor_.head(), next_serial_);
    floor_ = cursor_.head();
    hide_popped();
    return {marks_.size() - 1, next_serial_++};
  }
  [[nodiscard]] bool is_set(Marker marker) const noexcept {
    return marker.index_ < marks_.size() && marks_[marker.index_].serial == marker.serial_;
  }
  void drop_marks(std::size_t keep) noexcept {
    marks_.truncate(keep);
    if (marks_.has_borrowed()) [[unlikely]]
      BufferRecords::drop(marks_, cursor_);
    unusual_ = innermost() != nullptr || marks_.has_borrowed();
  }
  // The same with the marks that stood above where the top is then.
  std::byte* drop_across(std::size_t bytes) noexcept {
    std::byte* const top = drop(bytes);
    marks_.drop_while([top](const Mark& mark) { return mark.top > top; });
    floor_ = marks_.empty() ? cursor_.begin() : marks_.newest().top;
    return top;
  }
  void update_floor() noexcept {
    floor_ = marks_.empty() ? cursor_.begin() : marks_.newest().top;
    if (const Scope* const scope = innermost(); scope != nullptr && scope->top_ > floor_)
      floor_ = scope->top_;
  }
  // In instrumented builds popped bytes stay readable until the next push or mark.
  void hide_popped() noexcept {
    if constexpr (instrumented) {
      if (popped_end_ > cursor_.head())
        annotate::hide(cursor_.head(), static_cast<std::size_t>(popped_end_ - cursor_.head()));
      popped_end_ = nullptr;
    }
  }

  [[gnu::cold]] std::span<std::byte> push_slow(std::span<const std::byte> bytes);
  [[gnu::cold]] std::span<std::byte> try_push_slow(std::span<const std::byte> bytes) noexcept;
  std::span<std::byte> pop_slow(std::size_t bytes); // not cold, nor the next: they drop marks
  std::span<std::byte> try_pop_slow(std::size_t bytes) noexcept;
  [[gnu::cold]] std::span<std::byte> pop_rarely(std::size_t bytes);
  [[gnu::cold]] std::span<std::byte> try_pop_rarely(std::size_t bytes) noexcept;
  [[gnu::cold]] Marker mark_slow();
  void restore_slow(Marker marker);
  void enter(Scope& scope);
  void leave(Scope& scope) noexcept;
  [[noreturn, gnu::cold]] void refuse_underflow(std::size_t bytes, const char* done) const;
  [[gnu::cold]] void report_lost(Scope& scope) noexcept;
  void check_usable() const;
  [[nodiscard]] Scope* innermost() const noexcept { return scopes_.innermost(); }
  void end_scopes(const char* done) noexcept;

  Cursor cursor_;              // first: every push and pop touches its head
  std::byte* floor_ = nullptr; // where the newest mark or scope stands: a pop above it is simple
  RecordStack<Mark> marks_;
  std::uint64_t next_serial_ = 0; // of a new run if it is a multiple of serial_run
  std::byte* popped_end_ = nullptr;
  OpenScopes<Scope> scopes_;
  bool unusual_ = false; // a scope is open, or marks lie at the far end: a restore has more to do
  Buffer buffer_;
  BufferRecords room_for_marks_;
  std::size_t set_aside_ = 0; // of the buffer, for marks
  const char* name_ = nullptr;
};

static_assert(Movable<Stack> && Reporting<Stack> && Resettable<Stack> && Rewindable<Stack>);

} // namespace ALLOT_ABI
} // namespace allot

template <>
struct std::hash<allot::Marker> {
  [[nodiscard]] std::size_t operator()(const allot::Marker& marker) const noexcept {
    return static_cast<std::size_t>(allot::detail::mixed(marker.serial_));
  }
};

#endif
