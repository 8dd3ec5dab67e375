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
// Push, pop and mark are O(1) (a pop below a mark drops that mark); sizes round up to 8 bytes. What
// push gave stays valid until it is popped or restored over; what pop gave, until the next push or
// mark. Popped bytes are not zeroed until the next reset.
#pragma once

#include <allot/buffer.hpp>
#include <allot/concepts.hpp>
#include <allot/detail/cursor.hpp>
#include <allot/detail/record_stack.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <ranges>
#include <span>
#include <string_view>
#include <type_traits>

namespace allot {
inline namespace ALLOT_ABI {

/// A place on a Stack to come back to. Markers are numbered from 0 on each stack, and no two in a
/// process are equal.
class Marker {
public:
  explicit Marker() = default; ///< of no stack
  [[nodiscard]] std::size_t index() const noexcept { return index_; }
  explicit operator std::size_t() const noexcept { return index_; }
  bool operator==(const Marker&) const = default;

private:
  friend class Stack;
  Marker(std::size_t index, std::uint64_t serial) noexcept : index_(index), serial_(serial) {}

  std::size_t index_ = 0;
  std::uint64_t serial_ = 0;
};

/// What text literals are made of.
template <class C>
concept Character = std::same_as<C, char> || std::same_as<C, wchar_t> || std::same_as<C, char8_t> ||
    std::same_as<C, char16_t> || std::same_as<C, char32_t>;

/// A contiguous range whose elements' bytes can be pushed: not text, which goes as a string_view.
template <class R>
concept PushableRange =
    std::ranges::contiguous_range<const R&> && std::ranges::sized_range<const R&> &&
    std::is_trivially_copyable_v<std::ranges::range_value_t<const R&>> &&
    !std::convertible_to<const R&, std::string_view>;

/// A whole object that can be pushed: of a trivially copyable class, and not better taken as a
/// range, as text, or for what the stack's own vocabulary means by it.
template <class T>
concept PushableObject =
    std::is_class_v<T> && std::is_trivially_copyable_v<T> && !std::ranges::range<const T&> &&
    !std::convertible_to<const T&, std::string_view> && !std::same_as<T, Marker> && !requires {
  typename T::allot_vocabulary;
};

class Stack {
public:
  /// `bytes`, rounded up to 8, from the heap. Misuse: 0. Exhausted: the heap refused.
  explicit Stack(std::size_t bytes, Options options = {})
      : Stack(Buffer::heap(bytes, buffer_alignment, options, strategy_name), options) {}
  /// On any buffer. Misuse: one with less than 8 aligned bytes.
  explicit Stack(Buffer buffer, Options options = {});
  Stack(Stack&& other) noexcept { *this = static_cast<Stack&&>(other); }
  Stack& operator=(Stack&& other) noexcept;
  /// A scope that is still open goes to the misuse handler.
  ~Stack();

  /// A copy of the bytes on top, aligned to 8. Exhausted: it would overflow. Misuse: released.
  std::span<std::byte> push(std::span<const std::byte> bytes) {
    return copy(bytes.data(), bytes.size());
  }
  /// The text without a terminating zero, a literal of whatever characters too, from which a
  /// constant array cannot be told.
  std::span<std::byte> push(std::string_view text) { return copy(text.data(), text.size()); }
  template <Character C, std::size_t n>
  std::span<std::byte> push(const C (&literal)[n]) {
    return copy(literal, (literal[n - 1] == C() ? n - 1 : n) * sizeof(C));
  }
  /// An array of characters that is not constant is no literal: all of it.
  template <Character C, std::size_t n>
  std::span<std::byte> push(C (&array)[n]) {
    return copy(array, sizeof array);
  }
  template <PushableRange R>
  std::span<std::byte> push(const R& range) {
    return push(std::as_bytes(std::span(std::ranges::data(range), std::ranges::size(range))));
  }
  template <PushableObject T>
  std::span<std::byte> push(const T& object) {
    return copy(std::addressof(object), sizeof(T));
  }
  void push(std::nullptr_t) = delete;

  /// As push, but a span with null data for every refusal.
  [[nodiscard]] std::span<std::byte> try_push(std::span<const std::byte> bytes) noexcept {
    if (!cursor_.fits(bytes.size()))
      return {};
    return bytes.empty() ? std::span(cursor_.head(), 0) : place(bytes.data(), bytes.size());
  }

  /// Takes `bytes`, rounded up to 8, off the top: pop(n) undoes a push of n bytes.
  /// Misuse: more than there is; released.
  std::span<std::byte> pop(std::size_t bytes) {
    if (fits(bytes, above_mark())) [[likely]]
      return {drop(bytes), bytes};
    return pop_slow(bytes);
  }
  /// As pop, but a span with null data for every refusal.
  [[nodiscard]] std::span<std::byte> try_pop(std::size_t bytes) noexcept;

  /// Remembers the top. Exhausted: the heap refused. Misuse: released.
  [[nodiscard]] Marker mark();
  /// Drops all that was pushed after the mark was set, and later marks; `marker` itself stays.
  /// Misuse: a marker that was popped or restored below, or of another stack; released.
  void restore(Marker marker);

  /// A marker that is restored and dropped at the end of the enclosing block. Scopes nest.
  class [[nodiscard]] Scope {
  public:
    explicit Scope(Stack& stack) : stack_(stack), marker_(stack.mark()) { ++stack.scopes_; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope() { stack_.leave(marker_); }

  private:
    Stack& stack_;
    Marker marker_;
  };
  Scope scope() { return Scope(*this); }

  /// Takes everything back, marks too, and zeroes it. Misuse: released, or a scope is open.
  void reset();
  /// Frees the buffer. May be called twice. An open scope goes to the misuse handler.
  void release() noexcept;

  /// In bytes. `peak` is the most that was ever used, and survives reset.
  [[nodiscard]] std::size_t size() const noexcept { return capacity(); }
  [[nodiscard]] std::size_t capacity() const noexcept { return cursor_.capacity(); }
  [[nodiscard]] std::size_t used() const noexcept { return cursor_.used(); }
  [[nodiscard]] std::size_t available() const noexcept { return cursor_.available(); }
  [[nodiscard]] std::size_t peak() const noexcept { return cursor_.peak(); }
  /// Whether `p` points into what is on the stack now.
  [[nodiscard]] bool owns(const void* p) const noexcept { return cursor_.owns(p); }

private:
  static constexpr const char* strategy_name = "stack";

  struct Mark {
    std::byte* top;
    std::uint64_t serial;
  };

  std::span<std::byte> copy(const void* from, std::size_t bytes) {
    if (bytes == 0 || !cursor_.fits(bytes)) [[unlikely]]
      return push_slow(bytes);
    return place(from, bytes);
  }
  // `from` may be what was popped last, and lie here.
  std::span<std::byte> place(const void* from, std::size_t bytes) noexcept {
    annotate::show(cursor_.head(), bytes);
    std::memmove(cursor_.head(), from, bytes);
    hide_popped();
    return {cursor_.take(bytes), bytes};
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

  [[gnu::cold]] std::span<std::byte> push_slow(std::size_t bytes);
  [[gnu::cold]] std::span<std::byte> pop_slow(std::size_t bytes);
  void check_usable() const;
  void leave(Marker marker) noexcept;
  void end_scopes(const char* done) noexcept;
  void drop_marks(std::size_t keep) noexcept;
  void rewind(std::byte* top) noexcept;

  // In instrumented builds popped bytes stay readable until the next push or mark.
  void hide_popped() noexcept {
    if constexpr (instrumented) {
      if (popped_end_ > cursor_.head())
        annotate::hide(cursor_.head(), static_cast<std::size_t>(popped_end_ - cursor_.head()));
      popped_end_ = nullptr;
    }
  }

  Cursor cursor_;              // first: every push and pop touches its head
  std::byte* floor_ = nullptr; // where the newest mark stands: a pop above it is simple
  RecordStack<Mark> marks_;
  std::uint64_t next_serial_ = 0;
  std::byte* popped_end_ = nullptr;
  Buffer buffer_;
  std::size_t scopes_ = 0;
  bool zero_ = true;
};

static_assert(Resettable<Stack> && Rewindable<Stack>);

} // namespace ALLOT_ABI
} // namespace allot
