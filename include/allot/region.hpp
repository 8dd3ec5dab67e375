// Region: allocations and objects of any size from a list of arenas that grows on demand, taken
// back all at once.
//
// For work whose bound is unknown: a request, a document, a compilation. Not for single frees
// (Multipool), for a known bound (Arena is a little faster), or for data that must not move while
// it grows (MappedArena).
//
//   in use:   arena <- arena <- large arena <- arena (current)     spare:  arena <- arena
//             |xxxxx|  |xxxx |  |xxxxxxxxxxx|  |xx|     |                  |    |  |    |
//                                                 available()
//
// Each arena starts with its own header, so that the region itself is a few words. A request larger
// than an arena gets one of its own, and the current one stays current.
//
// Allocation is O(1) and rounds sizes up to 8 bytes. Restore and reset are O(1) but for arenas
// taken back, destructors they owe and reset's zeroing. What is allocated stays valid until the
// restore of an earlier checkpoint, reset, release or the region's end. One thread at a time; const
// calls may run together.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/buffer.hpp>
#include <allot/concepts.hpp>
#include <allot/detail/bumping.hpp>
#include <allot/detail/cleanups.hpp>
#include <allot/detail/copying.hpp>
#include <allot/detail/creating.hpp>
#include <allot/detail/rewinding.hpp>
#include <allot/stats.hpp>
#include <allot/upstream.hpp>

#include <cstddef>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

struct RegionOptions {
  bool zero = true;                   ///< zero memory before it is handed out after a reset
  std::size_t arena_size = 65536;     ///< usable bytes of the first arena
  std::size_t max_arena_size = 65536; ///< if it is larger, each arena is twice the one before
  /// The most bytes that all arenas may hold, not counting their headers. A new arena for which
  /// spares must go is made before they are freed, so that a refusal loses nothing.
  std::size_t limit = max_size;
  UpstreamRef upstream = {};  ///< where arenas come from; none is the heap
  const char* name = nullptr; ///< stands in messages and statistics; the caller keeps it alive
};

namespace detail {
/// Where a region stands; the head is last, as in an arena's. Chunks are the region's arenas.
struct RegionChunk;
struct RegionPosition {
  Cleanups::Position objects;
  RegionChunk* current = nullptr;
  RegionChunk* newest = nullptr;
  std::size_t retired = 0;
  std::byte* head = nullptr;
  bool operator==(const RegionPosition&) const = default;
};
} // namespace detail

class Region : public Bumping<Region>,
               public Copying<Region>,
               public Creating<Region, Destructors::run>,
               public Rewinding<Region, detail::RegionPosition> {
public:
  /// No arena yet. Misuse: an arena size of 0.
  explicit Region(const RegionOptions& options = {});
  Region(Region&& other) noexcept { *this = std::move(other); }
  Region& operator=(Region&& other) noexcept;
  /// A scope that is still open goes to the misuse handler.
  ~Region();

  // From Bumping:    allocate, try_allocate. Exhausted: the limit is passed, the heap or upstream
  //                  refused.
  // From Copying:    copy, reallocate.
  // From Creating:   create, try_create, create_array.
  // From Rewinding:  checkpoint, restore, scope.

  /// Makes the newest allocation of the current arena longer or shorter in place; any other only
  /// shorter, which gives nothing back. False, and nothing changed, if that cannot be.
  [[nodiscard]] bool try_resize(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept {
    peak_ = peak(); // before a shrink
    if (objects_.running() || !cursor_.try_resize(p, old_bytes, new_bytes)) [[unlikely]]
      return try_shrink(p, old_bytes, new_bytes);
    if (new_bytes < old_bytes)
      lower_checkpoints();
    return true;
  }

  /// Destroys all objects, newest first, takes everything back, checkpoints too, and zeroes it.
  /// The arenas are kept as spares, but for large ones that were not used since the last reset.
  /// Misuse: moved from, a scope is open, or called by one of those destructors.
  void reset();
  /// Destroys all objects and frees all arenas; the region is empty and usable again. An open
  /// scope goes to the misuse handler.
  void release() noexcept;
  /// Frees spare arenas as long as what all hold is not below `keep` bytes then.
  /// Misuse: moved from.
  void trim(std::size_t keep = 0);

  using Stats = RegionStats;
  [[nodiscard]] Stats stats() const noexcept {
    return {arenas_,
            used(),
            cursor_.used(),
            cursor_.capacity(),
            {name(), capacity(), used(), available(), peak(), capacity()}};
  }

  /// Whether it was moved from. After release a region is empty and usable.
  [[nodiscard]] bool freed() const noexcept { return next_size_ == 0; }
  [[nodiscard]] bool empty() const noexcept { return used() == 0; }
  /// In bytes: what all arenas hold; what is allocated; what is left without another arena; and
  /// the most that was allocated since construction or release, which survives reset.
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::size_t used() const noexcept { return retired_ + cursor_.used(); }
  [[nodiscard]] std::size_t available() const noexcept { return cursor_.available(); }
  [[nodiscard]] std::size_t peak() const noexcept { return peak_ > used() ? peak_ : used(); }
  /// The peak is what is used now.
  void reset_peak() noexcept { peak_ = used(); }
  /// How many objects `create` and `create_array` made that must be destroyed.
  [[nodiscard]] std::size_t objects() const noexcept { return objects_.count(); }
  /// Whether `p` points into memory that is allocated now. O(arenas).
  [[nodiscard]] bool owns(const void* p) const noexcept { return holds(p, 1); }
  /// The same in O(1): false is certain, true is so where the newest few arenas are all.
  [[nodiscard]] bool may_own(const void* p) const noexcept;
  /// The option's, or the strategy's own; never null.
  [[nodiscard]] const char* name() const noexcept { return label().text(); }
  /// How messages name it.
  [[nodiscard]] Label label() const noexcept { return {strategy_name, options_.name}; }

private:
  friend Bumping<Region>;
  friend Copying<Region>;
  friend Creating<Region, Destructors::run>;
  friend Rewinding<Region, detail::RegionPosition>;
  using Chunk = detail::RegionChunk;
  using Position = detail::RegionPosition;
  static constexpr const char* strategy_name = "region";

  [[nodiscard]] bool holds(const void* p, std::size_t bytes) const noexcept;
  [[gnu::cold]] bool try_shrink(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept;
  [[gnu::cold]] void* allocate_slow(std::size_t bytes, std::size_t alignment);
  [[gnu::cold]] void* try_allocate_slow(std::size_t bytes, std::size_t alignment) noexcept;
  [[gnu::cold]] void* grow_or_refuse(std::size_t bytes, std::size_t alignment);
  [[nodiscard]] void* take_in_spare(std::size_t bytes, std::size_t alignment) noexcept;
  [[nodiscard]] void* grow(std::size_t bytes, std::size_t alignment);
  [[nodiscard]] Chunk* take_spare(std::size_t bytes, bool large) noexcept;
  [[nodiscard]] Chunk* make_chunk(std::size_t bytes, bool large);
  [[nodiscard]] static std::size_t bytes_needed(std::size_t bytes, std::size_t alignment) noexcept;
  [[nodiscard]] std::size_t room_without_spares() const noexcept;
  void free_chunk(Chunk* chunk) noexcept;
  void free_chunks(Chunk*& list) noexcept;
  void free_spares() noexcept;
  void free_unused() noexcept;
  void leave_current() noexcept;
  void enter(Chunk* chunk) noexcept;
  void take_back(Chunk* until) noexcept;
  [[nodiscard]] bool usable() const noexcept { return !freed() && !objects_.running(); }
  void check_usable() const;
  [[nodiscard]] Cleanups& cleanups() noexcept { return objects_; }
  [[nodiscard]] Position position() const noexcept {
    return {objects_.position(), current_, newest_, retired_, cursor_.head()};
  }
  void rewind(const Position& to) noexcept;
  bool lower(Position& position) const noexcept {
    return position.current == current_ && cursor_.lower(position.head);
  }

  // cursor_ is over the current arena.
  Cleanups objects_;
  Chunk* current_ = nullptr;
  Chunk* newest_ = nullptr; // of those in use
  Chunk* spare_ = nullptr;
  Chunk* large_spare_ = nullptr;
  std::size_t retired_ = 0; // bytes used in arenas that are not current
  std::size_t peak_ = 0;
  std::size_t arenas_ = 0;
  std::size_t capacity_ = 0;
  std::size_t next_size_ = 0; // 0 when moved from
  RegionOptions options_;
};

static_assert(Reporting<Region> && Allocating<Region> && Resettable<Region> && Rewindable<Region>);
static_assert(Bumped<Region> && CopiedInto<Region> && CreatedIn<Region, Destructors::run> &&
              Rewound<Region, detail::RegionPosition>);

} // namespace ALLOT_ABI
} // namespace allot

#endif
