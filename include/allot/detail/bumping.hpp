// Bumping: allocations of any size from a cursor. It is the fast path of Bump, Arena, Scratch,
// Region and MappedArena, written once.
//
// What the cursor refuses goes to the strategy, whose slow path finds room or tells the error. It
// is a base template, not a class with a virtual slow path: that one takes an instruction more.
#pragma once

#include <allot/base/size.hpp>
#include <allot/detail/cursor.hpp>

#include <concepts>
#include <cstddef>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

template <class S>
class Bumping {
public:
  /// `bytes` aligned to 8; what is handed out for the first time since a reset is zero, unless
  /// zeroing is off. 0 bytes give a pointer that is not null and take nothing. O(1), but where the
  /// strategy grows. Valid until the strategy takes it back.
  /// Exhausted: no room. Misuse: released, or called by a destructor that the strategy runs.
  [[nodiscard]] void* allocate(std::size_t bytes) {
    if (cursor_.fits(bytes)) [[likely]]
      return cursor_.take(bytes);
    return self().allocate_slow(bytes, granule);
  }
  /// `bytes` aligned to `alignment`, a power of two; the bytes skipped count as used, and as handed
  /// out. Misuse also: another alignment.
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment) {
    if (alignment <= granule && is_power_of_two(alignment))
      return allocate(bytes);
    if (std::byte* p = cursor_.take_aligned(bytes, alignment)) [[likely]]
      return p;
    return self().allocate_slow(bytes, alignment);
  }
  /// As allocate, but null for every refusal.
  [[nodiscard]] void* try_allocate(std::size_t bytes) noexcept {
    if (cursor_.fits(bytes)) [[likely]]
      return cursor_.take(bytes);
    return self().try_allocate_slow(bytes, granule);
  }
  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
    if (std::byte* p = cursor_.take_aligned(bytes, alignment)) [[likely]]
      return p;
    return self().try_allocate_slow(bytes, alignment);
  }

  /// How many of the `bytes` at `p`, the newest allocation or its end, may not be zero; the rest
  /// is.
  [[nodiscard]] std::size_t dirty_bytes(const void* p, std::size_t bytes) const noexcept {
    return cursor_.dirty_bytes(p, bytes);
  }

  /// Whether S has what is asked of it. It may be private: S befriends this.
  [[nodiscard]] static consteval bool is_served() {
    return requires(S& s, std::size_t n) {
      { s.allocate_slow(n, n) } -> std::same_as<void*>;
      { s.try_allocate_slow(n, n) } -> std::same_as<void*>;
    };
  }

protected:
  Bumping() = default;
  explicit Bumping(Cursor cursor) noexcept : cursor_(std::move(cursor)) {}

  Cursor cursor_; // the first member of all: its head and end are all that the fast path touches

private:
  S& self() noexcept { return static_cast<S&>(*this); }
};

/// Has the slow paths behind Bumping's fast ones.
template <class S>
concept Bumped = Bumping<S>::is_served();

} // namespace ALLOT_ABI
} // namespace allot
