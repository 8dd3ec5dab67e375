// Copying: copies of what is elsewhere, and moves of what has to grow, on top of a strategy's own
// allocate and try_resize.
#pragma once

#include <allot/base/annotate.hpp>
#include <allot/base/size.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace allot {
inline namespace ALLOT_ABI {

/// Its bytes can be copied, and are the object then.
template <class T>
concept BytesCanBeCopied = std::is_trivially_copyable_v<T>;

/// A contiguous range of such elements that is no text.
template <class R>
concept ElementsCanBeCopied =
    !std::is_convertible_v<const R&, std::string_view> && requires(const R& r) {
      { std::span(r).data() } -> std::convertible_to<const void*>;
      requires BytesCanBeCopied<std::remove_cvref_t<decltype(*std::span(r).data())>>;
    };

template <class S>
class Copying {
public:
  /// A copy of the text, without a terminating zero, valid as long as any allocation of S.
  [[nodiscard]] std::string_view copy(std::string_view text) {
    return {static_cast<const char*>(copy_bytes(text.data(), text.size(), 1)), text.size()};
  }
  /// A copy of the elements.
  template <BytesCanBeCopied T, std::size_t extent>
  [[nodiscard]] std::span<std::remove_const_t<T>> copy(std::span<T, extent> elements) {
    void* p = copy_bytes(elements.data(), elements.size_bytes(), alignof(T));
    return {static_cast<std::remove_const_t<T>*>(p), elements.size()};
  }
  /// The same for a vector, an array or any other contiguous range.
  template <ElementsCanBeCopied R>
  [[nodiscard]] auto copy(const R& elements) {
    return copy(std::span(elements));
  }

  /// Makes the allocation of `old_bytes` at `p` `new_bytes` long: in place if it can, else in a new
  /// place, where the contents are copied to. The old place stays taken, unless a Region moves what
  /// has an arena of its own to a larger one, which is as old as the first. A null `p` allocates.
  /// Fails as allocate does, with the old allocation intact. O(1), and O(bytes copied) where it
  /// moves. Misuse also: the bytes that would be kept are not allocated here.
  [[nodiscard]] void* reallocate(void* p, std::size_t old_bytes, std::size_t new_bytes,
                                 std::size_t alignment = granule) {
    if (resized_in_place(p, old_bytes, new_bytes, alignment))
      return p;
    return reallocate_elsewhere(p, old_bytes, new_bytes, alignment);
  }
  /// As reallocate, but null for every refusal.
  [[nodiscard]] void* try_reallocate(void* p, std::size_t old_bytes, std::size_t new_bytes,
                                     std::size_t alignment = granule) noexcept {
    if (resized_in_place(p, old_bytes, new_bytes, alignment))
      return p;
    return try_reallocate_elsewhere(p, old_bytes, new_bytes, alignment);
  }

  /// Whether S has what is asked of it. It may be private: S befriends this.
  [[nodiscard]] static consteval bool is_served() {
    return requires(S& s, const S& cs, void* p, std::size_t n) {
      { s.allocate(n, n) } -> std::same_as<void*>;
      { s.try_allocate(n, n) } -> std::same_as<void*>;
      { s.try_resize(p, n, n) } -> std::same_as<bool>;
      { cs.holds(p, n) } -> std::same_as<bool>; // whether all of the n bytes, not 0, are allocated
      cs.label();
    };
  }

private:
  S& self() noexcept { return static_cast<S&>(*this); }

  [[nodiscard]] bool resized_in_place(void* p, std::size_t old_bytes, std::size_t new_bytes,
                                      std::size_t alignment) noexcept {
    return p != nullptr && is_power_of_two(alignment) &&
           padding(reinterpret_cast<std::uintptr_t>(p), alignment) == 0 &&
           self().try_resize(p, old_bytes, new_bytes);
  }

  [[gnu::noinline]] void* reallocate_elsewhere(void* p, std::size_t old_bytes,
                                               std::size_t new_bytes, std::size_t alignment) {
    const std::size_t kept = p == nullptr ? 0 : smaller(old_bytes, new_bytes);
    if (kept != 0 && !self().holds(p, kept)) [[unlikely]] {
      (void)self().allocate(0, alignment); // refuses what must be refused before a foreign pointer
      throw_misuse(self().label(), Errc::foreign_pointer, "%p cannot be reallocated: not from here",
                   p);
    }
    if (void* const moved = regrown(p, old_bytes, new_bytes, alignment))
      return moved;
    return filled(self().allocate(new_bytes, alignment), p, kept);
  }
  [[gnu::noinline]] void* try_reallocate_elsewhere(void* p, std::size_t old_bytes,
                                                   std::size_t new_bytes,
                                                   std::size_t alignment) noexcept {
    const std::size_t kept = p == nullptr ? 0 : smaller(old_bytes, new_bytes);
    if (kept != 0 && !self().holds(p, kept)) [[unlikely]]
      return nullptr;
    if (void* const moved = regrown(p, old_bytes, new_bytes, alignment))
      return moved;
    void* const moved = self().try_allocate(new_bytes, alignment);
    return moved == nullptr ? nullptr : filled(moved, p, kept);
  }

  // Moved by a strategy that keeps it alone and frees its old place. Null: not so.
  [[nodiscard]] void* regrown(void* p, std::size_t old_bytes, std::size_t new_bytes,
                              std::size_t alignment) noexcept {
    if constexpr (requires { self().try_regrow(p, old_bytes, new_bytes, alignment); })
      return self().try_regrow(p, old_bytes, new_bytes, alignment);
    return nullptr;
  }
  static void* filled(void* moved, void* from, std::size_t kept) noexcept {
    if (kept != 0) {
      std::memcpy(moved, from, kept);
      annotate::hide(from, kept); // taken until it is taken back, but nobody's to touch
    }
    return moved;
  }

  void* copy_bytes(const void* from, std::size_t bytes, std::size_t alignment) {
    void* const p = self().allocate(bytes, alignment);
    if (bytes != 0)
      std::memcpy(p, from, bytes);
    return p;
  }
};

/// Can be copied into.
template <class S>
concept CopiedInto = Copying<S>::is_served();

} // namespace ALLOT_ABI
} // namespace allot
