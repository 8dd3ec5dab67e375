// Arena: allocations and objects of any size from one fixed buffer, taken back all at once.
//
// For a phase of work with a known upper bound: a request, a frame, a parse. Destructors of what
// `create` made run at reset. Not for single frees (BlockPool, Multipool), for unknown bounds
// (Region, MappedArena), or where no object needs a destructor (Bump is smaller).
//
//   buffer()              checkpoint     offset()             size()
//   | object | 24 bytes | object | 8     | free               |
//   |<------------ allocated ----------->|<--- available() -->|
//                       |<-- restore() --|
//
// Everything is O(1), but for the destructors that restore, reset and release owe, and for zeroing:
// memory is zeroed when it is first handed out, at most 16 KiB ahead, and reset zeroes what was
// used; so an arena costs what is used of it. Sizes round up to 8 bytes. What is given back newest
// first comes back whole, with what was skipped to align it.
//
// What is allocated stays valid until the restore of an earlier checkpoint, reset, release or the
// arena's end. Memory handed out again after a restore is not zeroed until the next reset. One
// thread at a time; const calls may run together.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/buffer.hpp>
#include <allot/concepts.hpp>
#include <allot/detail/buffer_records.hpp>
#include <allot/detail/bumping.hpp>
#include <allot/detail/cleanups.hpp>
#include <allot/detail/copying.hpp>
#include <allot/detail/creating.hpp>
#include <allot/detail/rewinding.hpp>
#include <allot/stats.hpp>

#include <cstddef>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

namespace detail {
/// Where an arena stands.
struct ArenaPosition {
  Cleanups::Position objects;
  Cursor::Position place;
  bool operator==(const ArenaPosition&) const = default;
  void lower(const ArenaPosition& to) noexcept { place.lower(to.place); }
};
} // namespace detail

class Arena : public Bumping<Arena>,
              public Copying<Arena>,
              public Creating<Arena, Destructors::run>,
              public Rewinding<Arena, detail::ArenaPosition> {
public:
  /// `bytes`, rounded up to 8, from the heap. Misuse: 0. Exhausted: the heap refused.
  explicit Arena(std::size_t bytes, Options options = {}) : Arena(strategy_name, bytes, options) {}
  /// On any buffer. Misuse: one with less than 8 aligned bytes.
  explicit Arena(Buffer buffer, Options options = {})
      : Arena(strategy_name, std::move(buffer), options) {}
  Arena(Arena&& other) noexcept { *this = static_cast<Arena&&>(other); }
  Arena& operator=(Arena&& other) noexcept;
  /// A scope that is still open goes to the misuse handler.
  ~Arena();

  // From Bumping:    allocate, try_allocate.
  // From Copying:    copy, reallocate.
  // From Creating:   create, try_create, create_array.
  // From Rewinding:  checkpoint, restore, scope.

  /// Makes the newest allocation longer or shorter in place, and gives it back if `new_bytes` is 0;
  /// another only shorter, which gives nothing back. False, and nothing changed, if that cannot be.
  [[nodiscard]] bool try_resize(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept {
    const bool resized = !objects_.running() && cursor_.try_resize(p, old_bytes, new_bytes);
    if (resized && new_bytes < old_bytes)
      lower_checkpoints();
    return resized;
  }

  /// Destroys all objects, newest first, takes all memory back, checkpoints too, and zeroes it.
  /// Misuse: released, a scope is open, or called by one of those destructors.
  void reset();
  /// Destroys all objects and frees the buffer. May be called twice. An open scope goes to the
  /// misuse handler, and nothing is done.
  void release() noexcept;

  /// All of `size()` bytes can be read, and what was not handed out since the last reset is zero:
  /// it zeroes what is not yet, which a constant arena does each time, and which is no call to run
  /// together with others. O(1), but for that.
  [[nodiscard]] std::byte* buffer() noexcept;
  [[nodiscard]] std::byte* buffer() const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return capacity(); }
  [[nodiscard]] std::size_t offset() const noexcept { return used(); }
  /// How many objects `create` and `create_array` made that must be destroyed.
  [[nodiscard]] std::size_t objects() const noexcept { return objects_.count(); }
  /// Whether it was released or moved from.
  [[nodiscard]] bool freed() const noexcept { return cursor_.released(); }
  [[nodiscard]] bool empty() const noexcept { return used() == 0; }
  /// In bytes. `peak` is the most that was ever used, and survives reset.
  [[nodiscard]] std::size_t capacity() const noexcept { return buffer_.size() - set_aside_; }
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
  [[nodiscard]] Label label() const noexcept { return {kind_, name_}; }
  [[nodiscard]] Stats stats() const noexcept {
    return {name(), capacity(), used(), available(), peak(), capacity()};
  }

protected:
  // For Scratch, which is an arena of another kind.
  Arena(const char* kind, std::size_t bytes, Options options)
      : Arena(kind, Buffer::heap(bytes, buffer_alignment, options, {kind, options.name}), options) {
  }
  Arena(const char* kind, Buffer buffer, Options options);

private:
  friend Bumping<Arena>;
  friend Copying<Arena>;
  friend Creating<Arena, Destructors::run>;
  friend Rewinding<Arena, detail::ArenaPosition>;
  friend struct Sketch;
  static constexpr const char* strategy_name = "arena";
  using Position = detail::ArenaPosition;

  [[gnu::cold]] void* allocate_slow(std::size_t bytes, std::size_t alignment);
  [[gnu::cold]] void* try_allocate_slow(std::size_t bytes, std::size_t alignment) noexcept;
  void check_usable() const;
  [[nodiscard]] bool holds(const void* p, std::size_t bytes) const noexcept {
    return cursor_.holds(p, bytes);
  }
  [[nodiscard]] Cleanups& cleanups() noexcept { return objects_; }
  [[nodiscard]] Position position() const noexcept {
    return {objects_.position(), cursor_.position()};
  }
  void rewind(const Position& to) noexcept {
    objects_.destroy_back_to(to.objects, cursor_);
    cursor_.rewind(to.place);
  }
  [[gnu::cold]] void add_record_room();
  [[gnu::cold]] void drop_record_room() noexcept;

  Cleanups objects_;
  Buffer buffer_;
  BufferRecords room_for_records_;
  std::size_t set_aside_ = 0; // of the buffer, for records
  const char* kind_ = strategy_name;
  const char* name_ = nullptr;
};

static_assert(Movable<Arena> && Reporting<Arena> && Allocating<Arena> && Resettable<Arena> &&
              Rewindable<Arena>);
static_assert(Bumped<Arena> && CopiedInto<Arena> && CreatedIn<Arena, Destructors::run> &&
              Rewound<Arena, detail::ArenaPosition>);

} // namespace ALLOT_ABI
} // namespace allot

#endif
