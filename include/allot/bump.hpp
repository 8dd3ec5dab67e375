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
// Everything is O(1), but for zeroing: memory is zeroed when it is first handed out, at most 16 KiB
// ahead, and reset zeroes what was used. Sizes round up to 8 bytes. What is given back newest first
// comes back whole, with what was skipped to align it. What is allocated stays valid until reset,
// release or the bump allocator's end. One thread at a time; const calls may run together.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/buffer.hpp>
#include <allot/concepts.hpp>
#include <allot/detail/bumping.hpp>
#include <allot/detail/copying.hpp>
#include <allot/detail/creating.hpp>
#include <allot/stats.hpp>

#include <cstddef>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

class Bump : public Bumping<Bump>,
             public Copying<Bump>,
             public Creating<Bump, Destructors::never_run> {
public:
  /// `bytes`, rounded up to 8, from the heap. Misuse: 0. Exhausted: the heap refused.
  explicit Bump(std::size_t bytes, Options options = {})
      : Bump(Buffer::heap(bytes, buffer_alignment, options, {strategy_name, options.name}),
             options) {}
  /// On any buffer. Misuse: one with less than 8 aligned bytes.
  explicit Bump(Buffer buffer, Options options = {})
      : Bumping(Cursor({strategy_name, options.name}, buffer, options.zero)),
        buffer_(std::move(buffer)), name_(options.name) {}
  Bump(Bump&&) noexcept = default;
  Bump& operator=(Bump&& other) noexcept;
  ~Bump() { release(); }

  // From Bumping:   allocate, try_allocate.
  // From Copying:   copy, reallocate.
  // From Creating:  create, try_create, create_array, of what needs no destructor.

  /// Makes the newest allocation longer or shorter in place, and gives it back if `new_bytes` is 0;
  /// another only shorter, which gives nothing back. False, and nothing changed, if that cannot be.
  [[nodiscard]] bool try_resize(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept {
    return cursor_.try_resize(p, old_bytes, new_bytes);
  }

  /// Takes all memory back and zeroes it. Misuse: released.
  void reset();
  /// Frees the buffer. May be called twice.
  void release() noexcept;

  /// Whether it was released or moved from.
  [[nodiscard]] bool freed() const noexcept { return cursor_.released(); }
  [[nodiscard]] bool empty() const noexcept { return used() == 0; }
  /// In bytes. `peak` is the most that was ever used, and survives reset.
  [[nodiscard]] std::size_t capacity() const noexcept { return cursor_.capacity(); }
  [[nodiscard]] std::size_t used() const noexcept { return cursor_.used(); }
  [[nodiscard]] std::size_t available() const noexcept { return cursor_.available(); }
  [[nodiscard]] std::size_t peak() const noexcept { return cursor_.peak(); }
  /// The peak is what is used now. O(1), but for zeroing what was used before.
  void reset_peak() noexcept { cursor_.reset_peak(); }
  /// Whether `p` points into memory that is allocated now.
  [[nodiscard]] bool owns(const void* p) const noexcept { return cursor_.owns(p); }
  /// The option's, or the strategy's own; never null.
  [[nodiscard]] const char* name() const noexcept { return label().text(); }
  /// How messages name it.
  [[nodiscard]] Label label() const noexcept { return {strategy_name, name_}; }
  [[nodiscard]] Stats stats() const noexcept {
    return {name(), capacity(), used(), available(), peak(), capacity()};
  }

private:
  friend Bumping<Bump>;
  friend Copying<Bump>;
  friend Creating<Bump, Destructors::never_run>;
  friend struct Sketch;
  static constexpr const char* strategy_name = "bump";

  [[gnu::cold]] void* allocate_slow(std::size_t bytes, std::size_t alignment);
  [[gnu::cold]] void* try_allocate_slow(std::size_t bytes, std::size_t alignment) noexcept;
  [[nodiscard]] bool holds(const void* p, std::size_t bytes) const noexcept {
    return cursor_.holds(p, bytes);
  }
  [[nodiscard]] Cursor::Position position() const noexcept { return cursor_.position(); }
  void rewind(const Cursor::Position& to) noexcept { cursor_.rewind(to); }

  Buffer buffer_;
  const char* name_ = nullptr;
};

static_assert(Movable<Bump> && Reporting<Bump> && Allocating<Bump> && Resettable<Bump>);
static_assert(Bumped<Bump> && CopiedInto<Bump> && CreatedIn<Bump, Destructors::never_run>);

} // namespace ALLOT_ABI
} // namespace allot

#endif
