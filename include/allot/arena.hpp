// Arena: allocations and objects of any size from one fixed buffer, taken back all at once.
//
// For a phase of work with a known upper bound: a request, a frame, a parse. Destructors of what
// `create` made run at reset. Not for single frees (BlockPool, Multipool), for unknown bounds
// (Region, MappedArena), or where no object needs a destructor (Bump is smaller).
//
//   buffer()              offset()                    size()
//   | object | 24 bytes | free                        |
//   |<---- allocated -->|<------- available() ------->|
//
// Allocation is O(1) and rounds sizes up to 8 bytes; reset is O(1) but for the destructors it owes
// and for zeroing what was used. What is allocated stays valid until reset, release or the arena's
// end. One thread at a time; const calls may run together.
#pragma once

#include <allot/buffer.hpp>
#include <allot/concepts.hpp>
#include <allot/detail/cleanups.hpp>
#include <allot/detail/cursor.hpp>
#include <allot/detail/vocabulary.hpp>

#include <cstddef>

namespace allot {
inline namespace ALLOT_ABI {

class Arena : public Creating<Arena> {
public:
  /// `bytes`, rounded up to 8, from the heap. Misuse: 0. Exhausted: the heap refused.
  explicit Arena(std::size_t bytes, Options options = {})
      : Arena(Buffer::heap(bytes, buffer_alignment, options, strategy_name), options) {}
  /// On any buffer. Misuse: one with less than 8 aligned bytes.
  explicit Arena(Buffer buffer, Options options = {})
      : Arena(strategy_name, std::move(buffer), options) {}
  Arena(Arena&& other) noexcept { *this = static_cast<Arena&&>(other); }
  Arena& operator=(Arena&& other) noexcept;
  ~Arena() { release(); }

  /// `bytes` aligned to 8; what is handed out for the first time since a reset is zero, unless
  /// zeroing is off. 0 bytes give a pointer that is not null.
  /// Exhausted: less is left. Misuse: released, or called by a destructor that reset runs.
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
    return !objects_.running() && cursor_.try_resize(p, old_bytes, new_bytes);
  }

  /// Destroys all objects, newest first, takes all memory back and zeroes it.
  /// Misuse: released, or called by one of those destructors.
  void reset();
  /// Destroys all objects and frees the buffer. May be called twice.
  void release() noexcept;

  [[nodiscard]] std::byte* buffer() const noexcept { return cursor_.begin(); }
  [[nodiscard]] std::size_t size() const noexcept { return capacity(); }
  [[nodiscard]] std::size_t offset() const noexcept { return used(); }
  /// How many objects `create` and `create_array` made that must be destroyed.
  [[nodiscard]] std::size_t objects() const noexcept { return objects_.count(); }
  [[nodiscard]] bool freed() const noexcept { return cursor_.released(); }

  /// In bytes. `peak` is the most that was ever used, and survives reset.
  [[nodiscard]] std::size_t capacity() const noexcept { return buffer_.size(); }
  [[nodiscard]] std::size_t used() const noexcept { return cursor_.used(); }
  [[nodiscard]] std::size_t available() const noexcept { return cursor_.available(); }
  [[nodiscard]] std::size_t peak() const noexcept { return cursor_.peak(); }
  /// Whether `p` points into memory that is allocated now.
  [[nodiscard]] bool owns(const void* p) const noexcept { return cursor_.owns(p); }

private:
  friend Creating<Arena>;
  friend class Scratch; // which is an arena with checkpoints
  friend Copying<Arena>;
  static constexpr const char* strategy_name = "arena";
  [[nodiscard]] bool holds(const void* p, std::size_t bytes) const noexcept {
    return cursor_.holds(p, bytes);
  }

  // The head is last: before `objects`, GCC would read it and a word of those as one of 16 bytes,
  // which has to wait until the head, that every allocation writes, is in the cache.
  struct Position {
    Cleanups::Position objects;
    std::byte* head = nullptr;
    bool operator==(const Position&) const = default;
  };

  Arena() = default;
  Arena(const char* name, Buffer buffer, Options options);
  [[gnu::cold]] void* allocate_slow(std::size_t bytes, std::size_t alignment);
  [[gnu::cold]] void* try_allocate_slow(std::size_t bytes, std::size_t alignment) noexcept;
  void check_usable() const;
  [[nodiscard]] Cleanups& owed() noexcept { return objects_; }
  [[nodiscard]] Position position() const noexcept { return {objects_.position(), cursor_.head()}; }
  void rewind(const Position& to) noexcept {
    objects_.destroy_back_to(to.objects, cursor_);
    cursor_.rewind(to.head);
  }

  Cursor cursor_; // first: its head and end are all that the fast path touches
  Cleanups objects_;
  Buffer buffer_;
  const char* name_ = strategy_name;
  bool zero_ = true;
};

static_assert(Allocating<Arena> && Resettable<Arena>);

} // namespace ALLOT_ABI
} // namespace allot
