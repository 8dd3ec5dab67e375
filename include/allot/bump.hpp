// Bump: allocations of any size from one fixed buffer, taken back all at once; nothing else.
//
// The simplest and smallest strategy: for plain bytes in a phase of work with a known upper bound.
// Not for objects with destructors (Arena), single frees (BlockPool, Multipool) or unknown bounds
// (Region, MappedArena).
//
//   begin              head                 end
//   | 16 | 8 | 40      | free               |
//   |<----- used ----->|<-- available() --->|
//
// Allocation is O(1) and rounds sizes up to 8 bytes; reset is O(1) but for zeroing what was used.
// What is allocated stays valid until reset, release or the bump allocator's end. One thread at a
// time; const calls may run together.
#pragma once

#include <allot/buffer.hpp>
#include <allot/concepts.hpp>
#include <allot/detail/cursor.hpp>
#include <allot/detail/vocabulary.hpp>

#include <cstddef>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

class Bump : public Copying<Bump> {
public:
  /// `bytes`, rounded up to 8, from the heap. Misuse: 0. Exhausted: the heap refused.
  explicit Bump(std::size_t bytes, Options options = {})
      : Bump(Buffer::heap(bytes, buffer_alignment, options, strategy_name), options) {}
  /// On any buffer. Misuse: one with less than 8 aligned bytes.
  explicit Bump(Buffer buffer, Options options = {})
      : cursor_(strategy_name, buffer, options.zero), buffer_(std::move(buffer)),
        zero_(options.zero) {}
  Bump(Bump&&) noexcept = default;
  Bump& operator=(Bump&& other) noexcept;
  ~Bump() { release(); }

  /// `bytes` aligned to 8; what is handed out for the first time since a reset is zero, unless
  /// zeroing is off. 0 bytes give a pointer that is not null.
  /// Exhausted: less is left. Misuse: released.
  [[nodiscard]] void* allocate(std::size_t bytes) {
    if (cursor_.fits(bytes)) [[likely]]
      return cursor_.take(bytes);
    return allocate_slow(bytes, granule);
  }
  /// `bytes` aligned to `alignment`, a power of two; the bytes skipped count as used.
  /// Misuse also: another alignment.
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment) {
    if (alignment <= granule && is_power_of_two(alignment))
      return allocate(bytes);
    if (std::byte* p = cursor_.take_aligned(bytes, alignment)) [[likely]]
      return p;
    return allocate_slow(bytes, alignment);
  }
  /// As allocate, but null for every refusal.
  [[nodiscard]] void* try_allocate(std::size_t bytes) noexcept {
    if (cursor_.fits(bytes)) [[likely]]
      return cursor_.take(bytes);
    return try_allocate_slow(bytes, granule);
  }
  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
    if (std::byte* p = cursor_.take_aligned(bytes, alignment)) [[likely]]
      return p;
    return try_allocate_slow(bytes, alignment);
  }
  /// Makes the newest allocation longer or shorter in place; another only shorter, which gives
  /// nothing back. False, and nothing changed, if that cannot be.
  [[nodiscard]] bool try_resize(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept {
    return cursor_.try_resize(p, old_bytes, new_bytes);
  }

  /// Takes all memory back and zeroes it. Misuse: released.
  void reset();
  /// Frees the buffer. May be called twice.
  void release() noexcept;

  /// In bytes. `peak` is the most that was ever used, and survives reset.
  [[nodiscard]] std::size_t capacity() const noexcept { return cursor_.capacity(); }
  [[nodiscard]] std::size_t used() const noexcept { return cursor_.used(); }
  [[nodiscard]] std::size_t available() const noexcept { return cursor_.available(); }
  [[nodiscard]] std::size_t peak() const noexcept { return cursor_.peak(); }
  /// Whether `p` points into memory that is allocated now.
  [[nodiscard]] bool owns(const void* p) const noexcept { return cursor_.owns(p); }

private:
  friend Copying<Bump>;
  static constexpr const char* strategy_name = "bump";
  [[nodiscard]] bool holds(const void* p, std::size_t bytes) const noexcept {
    return cursor_.holds(p, bytes);
  }

  [[gnu::cold]] void* allocate_slow(std::size_t bytes, std::size_t alignment);
  [[gnu::cold]] void* try_allocate_slow(std::size_t bytes, std::size_t alignment) noexcept;

  Cursor cursor_; // first: its head and end are all that the fast path touches
  Buffer buffer_;
  bool zero_ = true;
};

static_assert(Allocating<Bump> && Resettable<Bump>);

} // namespace ALLOT_ABI
} // namespace allot
