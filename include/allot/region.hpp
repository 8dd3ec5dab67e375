// Region: allocations and objects of any size from a list of arenas that grows on demand, taken
// back all at once.
//
// For work whose bound is unknown: a request, a document, a compilation. Not for single frees
// (Multipool), for a known bound (Arena is a little faster), or for data that must not move while
// it grows (MappedArena).
//
//   in use:   arena <- arena <- arena (current)        large: arena  arena        spare: arena
//             |xxxxx|  |xxxx |  |xx|          |               |xxxxx||xxxxxxx|          |     |
//                                  available()
//
// Each arena starts with its own header, so that the region itself is small. A request gets an
// arena of its own if it is larger than an arena, or if more than a quarter of the current one
// would be lost by leaving that; the current one stays current then. It is alone in it: given back,
// its arena is free at once, and growing it moves it to a larger one in the place of the first.
//
// An arena that upstream, or the heap, refuses is asked for again at half the size, down to what
// the request needs, so that a bounded upstream is used up. Later ones start at the size that was
// given, and double back to the usual one as they are given.
//
// What it takes, with n bytes used at most since construction or release:
//   allocate      O(1), and zeroing; O(log arenas) and a call of upstream where an arena is made,
//                 one more for each time that it is halved
//   restore       O(1), a step for each arena taken back, the destructors owed
//   reset         a step for each arena, the destructors owed, zeroing what was used
//   giving back   O(1) for the newest, which comes back whole; O(log arenas) for another
//   owns          O(log arenas)
//   capacity      at most 2 n and the largest arena, where n counts what has an arena of its own as
//                 that arena, and what an alignment may skip; the first buffer and `retain` are
//                 kept beyond that; after a reset no more than was in use at once in one of the
//                 last 8 rounds
//   first use     what is used, not the size of an arena
//   lost          of requests of one size at most a quarter, once there are a few arenas that
//                 upstream gave at once
//
// Sizes round up to 8 bytes. What is allocated stays valid until the restore of an earlier
// checkpoint, reset, release or the region's end. One thread at a time; const calls may run
// together.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/buffer.hpp>
#include <allot/concepts.hpp>
#include <allot/detail/arena_source.hpp>
#include <allot/detail/arena_store.hpp>
#include <allot/detail/buffer_records.hpp>
#include <allot/detail/bumping.hpp>
#include <allot/detail/cleanups.hpp>
#include <allot/detail/copying.hpp>
#include <allot/detail/creating.hpp>
#include <allot/detail/rewinding.hpp>
#include <allot/stats.hpp>
#include <allot/upstream.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

struct RegionOptions {
  bool zero = true;                   ///< zero memory before it is handed out after a reset
  std::size_t arena_size = 65536;     ///< usable bytes of the first arena
  std::size_t max_arena_size = 65536; ///< if it is larger, each arena is twice the one before
  /// The most bytes that all arenas may hold, not counting their headers; a larger first buffer is
  /// used all the same. A new arena for which spares must go is made before they are freed, so that
  /// a refusal loses nothing.
  std::size_t limit = max_size;
  std::size_t retain = 0;     ///< bytes of arenas that reset keeps even if they were long unused
  std::size_t marks = 0;      ///< how many checkpoints have room set aside for them
  UpstreamRef upstream = {};  ///< where arenas come from; none is the heap
  const char* name = nullptr; ///< stands in messages and statistics; the caller keeps it alive
};

namespace detail {
/// Where a region stands. By numbers, not addresses: an arena that is named may be gone meanwhile.
struct RegionPosition {
  Cleanups::Position objects;
  std::uint64_t large = 0; // the newest arena made for one request
  std::uint64_t depth = 0; // of the current one: how many others there are, and it is the next
  Cursor::Position place;  // in that
  bool operator==(const RegionPosition&) const = default;
  void lower(const RegionPosition& to) noexcept {
    if (depth > to.depth) {
      depth = to.depth;
      place = to.place;
    } else if (depth == to.depth) {
      place.lower(to.place);
    }
  }
};
} // namespace detail

class Region : public Bumping<Region>,
               public Copying<Region>,
               public Creating<Region, Destructors::run>,
               public Rewinding<Region, detail::RegionPosition> {
public:
  /// No arena yet. Misuse: an arena size of 0.
  explicit Region(const RegionOptions& options = {});
  /// `first` is an arena that is used before upstream is asked, and that is kept until the region's
  /// end. Misuse also: it has no room for an arena's header and 8 bytes.
  explicit Region(Buffer first, const RegionOptions& options = {});
  Region(Region&& other) noexcept { *this = std::move(other); }
  Region& operator=(Region&& other) noexcept;
  /// A scope that is still open goes to the misuse handler.
  ~Region();

  // From Bumping:    allocate, try_allocate. Exhausted: the limit is passed, the heap or upstream
  //                  refused as much as the request needs.
  // From Copying:    copy, reallocate.
  // From Creating:   create, try_create, create_array.
  // From Rewinding:  checkpoint, restore, scope.

  /// Makes the newest allocation of the current arena, or one with an arena of its own, longer or
  /// shorter in place, and gives it back if `new_bytes` is 0; any other only shorter, which gives
  /// nothing back. False, and nothing changed, if that cannot be.
  [[nodiscard]] bool try_resize(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept {
    peak_ = peak(); // before a shrink
    if (objects_.running() || !cursor_.try_resize(p, old_bytes, new_bytes)) [[unlikely]]
      return try_resize_slow(p, old_bytes, new_bytes);
    if (new_bytes < old_bytes) {
      if (cursor_.used() == 0) [[unlikely]]
        step_back();
      lower_checkpoints();
    }
    return true;
  }

  /// Destroys all objects, newest first, takes everything back, checkpoints too, and zeroes it.
  /// The arenas are kept as spares, but for what is more than was in use at once in any of the last
  /// 8 rounds, and than `retain`. Misuse: moved from, a scope is open, or called by one of those
  /// destructors.
  void reset();
  /// Destroys all objects and frees all arenas but the first buffer; the region is empty and usable
  /// again. An open scope goes to the misuse handler.
  void release() noexcept;
  /// Frees spare arenas as long as what all hold is not below `keep` bytes then.
  /// Misuse: moved from.
  void trim(std::size_t keep = 0);

  using Stats = RegionStats;
  [[nodiscard]] Stats stats() const noexcept {
    return {store_.count(),
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
  [[nodiscard]] std::size_t capacity() const noexcept { return store_.bytes(); }
  [[nodiscard]] std::size_t used() const noexcept { return retired_ + cursor_.used(); }
  [[nodiscard]] std::size_t available() const noexcept { return cursor_.available(); }
  [[nodiscard]] std::size_t peak() const noexcept { return peak_ > used() ? peak_ : used(); }
  /// The peak is what is used now.
  void reset_peak() noexcept {
    peak_before_ = larger(peak_before_, peak());
    peak_ = used();
  }
  /// How many objects `create` and `create_array` made that must be destroyed.
  [[nodiscard]] std::size_t objects() const noexcept { return objects_.count(); }
  /// Whether `p` points into memory that is allocated now.
  [[nodiscard]] bool owns(const void* p) const noexcept { return holds(p, 1); }
  /// As Bumping's.
  [[nodiscard]] std::size_t dirty_bytes(const void* p, std::size_t bytes) const noexcept;
  /// The option's, or the strategy's own; never null.
  [[nodiscard]] const char* name() const noexcept { return label().text(); }
  /// How messages name it.
  [[nodiscard]] Label label() const noexcept { return {strategy_name, options_.name}; }

protected:
  [[nodiscard]] bool runs_destructors() const noexcept { return objects_.running(); }
  /// Frees spare arenas until all hold at most `bytes`, or none is left.
  void shrink(std::size_t bytes) noexcept { store_.shrink(bytes); }

private:
  friend Bumping<Region>;
  friend Copying<Region>;
  friend Creating<Region, Destructors::run>;
  friend Rewinding<Region, detail::RegionPosition>;
  friend struct Sketch;
  using Chunk = ArenaStore::Chunk;
  using Position = detail::RegionPosition;
  static constexpr const char* strategy_name = "region";

  [[nodiscard]] bool holds(const void* p, std::size_t bytes) const noexcept;
  [[gnu::cold]] bool try_resize_slow(void* p, std::size_t old_bytes,
                                     std::size_t new_bytes) noexcept;
  [[nodiscard]] void* try_regrow(void* p, std::size_t old_bytes, std::size_t new_bytes,
                                 std::size_t alignment) noexcept;

  [[gnu::cold]] void* allocate_slow(std::size_t bytes, std::size_t alignment);
  [[gnu::cold]] void* try_allocate_slow(std::size_t bytes, std::size_t alignment) noexcept;
  [[noreturn]] void refuse(std::size_t bytes, std::size_t alignment) const;
  [[nodiscard]] void* take_in_spare(std::size_t bytes, std::size_t alignment) noexcept;
  [[nodiscard]] void* grow(std::size_t bytes, std::size_t alignment);
  /// An arena in no list, and whether it is for one request. Null: refused.
  struct Taken {
    Chunk* chunk;
    bool alone;
  };
  [[nodiscard]] Taken take_arena(std::size_t bytes);
  [[nodiscard]] bool wants_its_own(std::size_t bytes, std::size_t size) const noexcept;
  [[nodiscard]] static std::size_t bytes_needed(std::size_t bytes, std::size_t alignment) noexcept;

  void start();
  void start_sizes() noexcept;
  void reserve_records();

  [[nodiscard]] Chunk* make_chunk(std::size_t bytes, bool large);
  [[nodiscard]] Cursor over(const Buffer& buffer) const {
    return {label(), buffer, options_.zero, ArenaStore::bytes_in_front(buffer)};
  }
  void enter(Chunk* chunk) noexcept;
  void step_down() noexcept;
  [[gnu::cold]] void step_back() noexcept;
  void take_back_all() noexcept;

  [[nodiscard]] bool usable() const noexcept { return !freed() && !objects_.running(); }
  void check_usable() const {
    if (!usable()) [[unlikely]]
      refuse_use();
  }
  [[noreturn, gnu::cold]] void refuse_use() const;
  [[nodiscard]] Cleanups& cleanups() noexcept { return objects_; }
  [[nodiscard]] Position position() const noexcept {
    return {objects_.position(), store_.large_made(), depth_, cursor_.position()};
  }
  void rewind(const Position& to) noexcept {
    objects_.destroy_back_to(to.objects, cursor_);
    peak_ = peak();
    if (store_.large_made() != to.large || depth_ != to.depth) [[unlikely]]
      rewind_arenas(to);
    cursor_.rewind(to.place);
  }
  void rewind_arenas(const Position& to) noexcept;
  [[gnu::cold]] void add_record_room();
  void drop_record_room() noexcept {} // kept until the region is released

  // cursor_ is over the current arena.
  Cleanups objects_;
  std::uint64_t depth_ = 0; // of the current arena: how many are in its list
  std::size_t retired_ = 0; // bytes used in arenas that are not current
  std::size_t peak_ = 0;
  std::size_t peak_before_ = 0; // reset_peak
  Chunk* current_ = nullptr;    // those below it are older
  ArenaStore store_;            // of all arenas
  std::size_t next_size_ = 0;   // of an arena; 0 when moved from
  ArenaSource source_;
  RecordRoom record_room_;
  RegionOptions options_;
};

static_assert(Movable<Region> && Reporting<Region> && Allocating<Region> && Resettable<Region> &&
              Rewindable<Region>);
static_assert(Bumped<Region> && CopiedInto<Region> && CreatedIn<Region, Destructors::run> &&
              Rewound<Region, detail::RegionPosition>);

} // namespace ALLOT_ABI
} // namespace allot

#endif
