// MappedArena: allocations of any size from a large reserved range of addresses, which gets
// physical memory as it is used.
//
// For data whose bound is unknown but whose addresses must not move: reserve far more than needed,
// 1 TiB is fine. Backed by a new file, for data larger than memory. Not for many small arenas: each
// costs system calls and whole pages (Arena, Region).
//
//   | allocated   | committed          | reserved: addresses only           |
//   |<-- used() ->|                    |                                    |
//   |<------- committed() ------------>|                                    |
//   |<------------------------- capacity() -------------------------------->|
//
// Under Commit::demand, the default, the kernel supplies pages at first touch: no system call at
// all, but running out of physical memory kills the process and cannot be reported. Under
// Commit::strict a refused commit is Exhausted.
//
// Everything is O(1), but for what the system does, and that reset zeroes what was used. Sizes
// round up to 8 bytes. What is given back newest first comes back whole, with what was skipped to
// align it. Checkpoints lie in the object if they are few, on the heap if they are more.
//
// What is allocated stays valid until the restore of an earlier checkpoint, reset, release or the
// arena's end. After fork the child has a copy, except of a backing file. One thread at a time;
// const calls may run together.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/mapping.hpp>
#include <allot/concepts.hpp>
#include <allot/detail/bumping.hpp>
#include <allot/detail/copying.hpp>
#include <allot/detail/creating.hpp>
#include <allot/detail/rewinding.hpp>
#include <allot/stats.hpp>

#include <cstddef>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

class MappedArena : public Bumping<MappedArena>,
                    public Copying<MappedArena>,
                    public Creating<MappedArena, Destructors::never_run>,
                    public Rewinding<MappedArena, Cursor::Position> {
public:
  /// Reserves `bytes`, rounded up to 4096. Misuse: 0; a backing file that exists already or cannot
  /// be made. Exhausted: the system refused.
  explicit MappedArena(std::size_t bytes, const MapOptions& options = {});
  MappedArena(MappedArena&& other) noexcept { *this = std::move(other); }
  MappedArena& operator=(MappedArena&& other) noexcept;
  /// A scope that is still open goes to the misuse handler.
  ~MappedArena();

  // From Bumping:    allocate, try_allocate. Exhausted: less is left, or the system refused to
  //                  commit.
  // From Copying:    copy, reallocate.
  // From Creating:   create, try_create, create_array, of what needs no destructor.
  // From Rewinding:  checkpoint, restore, scope.

  /// Makes the newest allocation longer or shorter in place, and gives it back if `new_bytes` is 0;
  /// another only shorter, which gives nothing back. False, and nothing changed, if that cannot be.
  [[nodiscard]] bool try_resize(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept {
    if (!cursor_.try_resize(p, old_bytes, new_bytes)) [[unlikely]]
      return try_resize_slow(p, old_bytes, new_bytes);
    if (new_bytes < old_bytes)
      lower_checkpoints();
    return true;
  }

  /// Supplies physical memory for `bytes` MORE, rounded up to 4096, ahead of their use, and gives
  /// the total then. Exhausted: past the reservation; the system refused. Misuse: released.
  std::size_t commit(std::size_t bytes);
  /// Gives physical memory back, all but `keep` bytes and what is allocated, rounded up to 4096.
  /// Misuse: released.
  void trim(std::size_t keep = 0);

  /// Takes everything back, checkpoints too, and zeroes it; it stays committed.
  /// Misuse: released, or a scope is open.
  void reset();
  /// Unmaps everything. May be called twice. An open scope goes to the misuse handler.
  void release() noexcept;

  /// Whether it was released or moved from.
  [[nodiscard]] bool freed() const noexcept { return cursor_.released(); }
  [[nodiscard]] bool empty() const noexcept { return used() == 0; }
  /// In bytes. `peak` is the most that was ever used, and survives reset.
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::size_t used() const noexcept { return cursor_.used(); }
  [[nodiscard]] std::size_t available() const noexcept { return capacity_ - used(); }
  [[nodiscard]] std::size_t peak() const noexcept { return cursor_.peak(); }
  /// The peak is what is used now. O(1), but for zeroing what was used before.
  void reset_peak() noexcept;
  /// Bytes that have physical memory, in steps of 4096: what was allocated since the last trim, or
  /// committed beyond.
  [[nodiscard]] std::size_t committed() const noexcept;
  /// Whether `p` points into memory that is allocated now.
  [[nodiscard]] bool owns(const void* p) const noexcept { return cursor_.owns(p); }
  /// The option's, or the strategy's own; never null.
  [[nodiscard]] const char* name() const noexcept { return label().text(); }
  /// How messages name it.
  [[nodiscard]] Label label() const noexcept { return {strategy_name, name_}; }
  [[nodiscard]] Stats stats() const noexcept {
    return {name(), capacity(), used(), available(), peak(), committed()};
  }

private:
  friend Bumping<MappedArena>;
  friend Copying<MappedArena>;
  friend Creating<MappedArena, Destructors::never_run>;
  friend Rewinding<MappedArena, Cursor::Position>;
  friend struct Sketch;
  static constexpr const char* strategy_name = "mapped_arena";
  [[nodiscard]] bool holds(const void* p, std::size_t bytes) const noexcept {
    return cursor_.holds(p, bytes);
  }

  [[gnu::cold]] void* allocate_slow(std::size_t bytes, std::size_t alignment);
  [[gnu::cold]] void* try_allocate_slow(std::size_t bytes, std::size_t alignment) noexcept;
  void check_usable() const;
  [[nodiscard]] Cursor::Position position() const noexcept { return cursor_.position(); }
  void rewind(const Cursor::Position& to) noexcept { cursor_.rewind(to); }
  [[gnu::cold]] void add_record_room();
  void drop_record_room() noexcept {} // kept until the arena is released

  [[nodiscard]] bool has_room(std::size_t bytes, std::size_t alignment) const noexcept;
  [[gnu::cold]] bool try_resize_slow(void* p, std::size_t old_bytes,
                                     std::size_t new_bytes) noexcept;
  [[nodiscard]] bool make_ready(std::size_t distance) noexcept;
  void follow_mapping(std::size_t ready_before) noexcept;

  // The end of cursor_ is where the mapping is ready to.
  std::size_t capacity_ = 0;
  std::size_t committed_ = 0;
  Mapping mapping_;
  RecordRoom record_room_;
  const char* name_ = nullptr;
};

static_assert(Movable<MappedArena> && Reporting<MappedArena> && Allocating<MappedArena> &&
              Resettable<MappedArena> && Rewindable<MappedArena>);
static_assert(Bumped<MappedArena> && CopiedInto<MappedArena> &&
              CreatedIn<MappedArena, Destructors::never_run> &&
              Rewound<MappedArena, Cursor::Position>);

} // namespace ALLOT_ABI
} // namespace allot

#endif
