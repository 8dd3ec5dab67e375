// Multipool: blocks of any size, each given back on its own, with or without its size.
//
// For clients that allocate, reallocate and free one by one as from malloc: an interpreter's state,
// a database's cache, containers. All of it goes at once too. Not where all blocks have one size
// (BlockPool is smaller), or where nothing is freed singly (Bump, Arena). Its limit counts in slabs
// of 64 KiB, one at the least for each size class that is used, five at the most; of memory each
// takes the pages that are touched, two or three for the first block.
//
//   one range of 64 KiB slabs
//   | blocks of 64 | blocks of 1 KiB | a large object, three slabs      | free | addresses only  |
//
// Sizes are rounded up to a class: a multiple of 8 up to 128, then one of four to each doubling, up
// to 160 KiB (detail/size_classes.hpp); above, to whole pages, in runs of slabs of their own
// (detail/slab_runs.hpp). No more than a quarter of the slabs that are full is lost, whatever size
// above 32 bytes they are full of: where a slab would lose more, blocks come from runs of up to
// five, and lie across slabs; where a run would hold only one, it is a large object.
//
// The block freed last comes first. What empties goes to any class; some empty slabs are kept
// (8 MiB, or half as many as are in use), and the rest goes back to the system.
//
// Addresses cost no memory, but there are only so many: 47 bits of them, or fewer under `ulimit
// -v`. A pool reserves twice its limit, since large objects need theirs in one piece while what is
// free lies scattered; blocks need no more than the limit. To that come a slab, to begin at a
// multiple of 64 KiB, and 2.1% for records. Without a limit 8 GiB are reserved, so that ten
// thousand pools live at once. Where the system refuses, half as much is asked for, and again, down
// to 1 MiB; if that is less than the limit, it is the capacity, and messages say "reserved".
//
// On a Buffer it asks the system for nothing: slabs and records lie there, as many as fit.
//
// Allocating and freeing blocks are O(1), plus zeroing what is freed, and so is a refusal. Large
// objects take system calls, and O(log n) of their length to find the shortest free run that has
// room (detail/run_tree.hpp). Every pointer that is given back is checked: one test for its range
// and its alignment, one bit for all else. A block stays valid until it is freed, moved by
// reallocate, reset, release or the pool's end. After fork the child has a copy. One thread at a
// time; const calls may run together.
//
// Nothing is counted where it is hot: `used` adds up over the slabs, and the peak is of whole
// slabs.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/annotate.hpp>
#include <allot/base/mapping.hpp>
#include <allot/base/size.hpp>
#include <allot/buffer.hpp>
#include <allot/concepts.hpp>
#include <allot/detail/construct.hpp>
#include <allot/detail/copying.hpp>
#include <allot/detail/size_classes.hpp>
#include <allot/detail/slab_blocks.hpp>
#include <allot/stats.hpp>

#include <cstddef>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

struct MultipoolOptions {
  bool zero = true; ///< zero a block when it is freed, so that what is handed out is zero
  /// Bytes of addresses to reserve, no fewer. 0: twice the limit, up to 16 TiB, but 8 GiB (4 GiB in
  /// instrumented builds, 256 MiB on 32 bits) without one, or as much of that as there is.
  std::size_t reserve = 0;
  /// The most bytes of memory, in whole slabs of 64 KiB, to hold at once.
  std::size_t limit = max_size;
  /// automatic: small pages, whatever the system's own choice, for the first 32 MiB, so that a
  /// small pool holds what it touched; huge ones above. always, and never, are meant so.
  HugePages huge_pages = HugePages::automatic;
  const char* name = nullptr; ///< stands in messages and statistics; the caller keeps it alive
};

class Multipool : public Copying<Multipool> {
public:
  /// Reserves addresses, rounded up to 64 KiB. Exhausted: the system refused all that `reserve`
  /// names, or 1 MiB where it names none.
  explicit Multipool(const MultipoolOptions& options = {});
  /// On all of `buffer`, from its first multiple of 64 KiB on: 66,912 bytes are one slab and what
  /// is kept about it. What is not known to be zero is zeroed as slabs are first taken. Nothing
  /// goes back before `release`, and `reserve` and `huge_pages` mean nothing. Misuse: there is no
  /// room for one slab.
  explicit Multipool(Buffer buffer, const MultipoolOptions& options = {});
  Multipool(Multipool&&) noexcept = default;
  Multipool& operator=(Multipool&&) noexcept = default;
  ~Multipool() = default;

  /// `bytes` aligned to 8, or to the largest power of two that divides their class; zero unless
  /// zeroing is off. 0 bytes are served as 1 is.
  /// Exhausted: the limit, the reservation or the system has no more. Misuse: released.
  [[nodiscard]] void* allocate(std::size_t bytes) {
    Slab& slab = slabs_.current(Classes::of(bytes));
    if (slab.free == 0) [[unlikely]]
      return allocate_slow(bytes, granule);
    return slabs_.take(slab, bytes);
  }
  /// `bytes` aligned to `alignment`, any power of two. Misuse also: another alignment.
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment) {
    Slab& slab = slabs_.current(Classes::of(bytes, alignment));
    if (slab.free == 0) [[unlikely]]
      return allocate_slow(bytes, alignment);
    return slabs_.take(slab, bytes);
  }
  /// As allocate, but null for every refusal.
  [[nodiscard]] void* try_allocate(std::size_t bytes) noexcept {
    Slab& slab = slabs_.current(Classes::of(bytes));
    if (slab.free == 0) [[unlikely]]
      return slabs_.allocate(bytes, granule);
    return slabs_.take(slab, bytes);
  }
  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
    Slab& slab = slabs_.current(Classes::of(bytes, alignment));
    if (slab.free == 0) [[unlikely]]
      return slabs_.allocate(bytes, alignment);
    return slabs_.take(slab, bytes);
  }

  struct AtLeast {
    void* p;
    std::size_t bytes; ///< its usable size, all of which may be touched
  };
  /// As allocate(bytes), with whatever more the block has. It may be given back with any size from
  /// the one asked for to the one given. O(1).
  [[nodiscard]] AtLeast allocate_at_least(std::size_t bytes) {
    void* const p = allocate(bytes);
    const std::size_t usable = slabs_.slab_at(slabs_.granule_at(p)).usable();
    annotate::resized(slabs_.id(), p, usable, usable);
    return {p, usable};
  }

  /// How many of the `bytes` at `p`, which was just allocated, may not be zero; the rest is.
  [[nodiscard]] std::size_t dirty_bytes(const void* /*p*/, std::size_t bytes) const noexcept {
    return slabs_.zero() ? 0 : bytes;
  }
  /// Frees a block, and zeroes it unless zeroing is off. Misuse, and nothing changed: a pointer
  /// that is null, foreign, inside a block, or free already; released.
  void deallocate(void* p) {
    const std::size_t at = slabs_.granule_at(p);
    if (!slabs_.is_live(at)) [[unlikely]]
      refuse_pointer(p);
    slabs_.put_back(slabs_.slab_at(at), at, p);
  }
  /// The same for a block whose size, and alignment if one was given, is known. Misuse also: a
  /// block of that size is of another class.
  void deallocate(void* p, std::size_t bytes) { deallocate(p, bytes, granule); }
  void deallocate(void* p, std::size_t bytes, std::size_t alignment) {
    const std::size_t at = slabs_.granule_at(p);
    if (!slabs_.is_live(at)) [[unlikely]]
      refuse_pointer(p);
    Slab& slab = slabs_.slab_at(at);
    const std::size_t size_class = Classes::of(bytes, alignment);
    if (size_class != slab.size_class || size_class == Classes::large) [[unlikely]]
      check_size(slab, p, bytes, alignment);
    slabs_.put_back(slab, at, p);
  }

  /// As deallocate(p), but false, and nothing changed, for all that is misuse there.
  [[nodiscard]] bool try_deallocate(void* p) noexcept {
    const std::size_t at = slabs_.granule_at(p);
    if (!slabs_.is_live(at)) [[unlikely]]
      return false;
    slabs_.put_back(slabs_.slab_at(at), at, p);
    return true;
  }

  /// Makes the block at `p` `new_bytes` long: in place if its class stays, or if the slabs behind a
  /// large object are free, else in a new place, where the contents are copied to; from 1 MiB on
  /// pages are moved there instead, where the system can (Linux). A null `p` allocates. What is new
  /// is zero where nothing was written to before, unless zeroing is off. To shrink never fails.
  /// Otherwise fails as allocate and deallocate do, with the block intact.
  [[nodiscard]] void* reallocate(void* p, std::size_t new_bytes);
  /// The same for a block whose size is known, and which may be aligned: it stays so.
  [[nodiscard]] void* reallocate(void* p, std::size_t old_bytes, std::size_t new_bytes,
                                 std::size_t alignment = granule);
  /// As reallocate, but null for every refusal; the block is then intact.
  [[nodiscard]] void* try_reallocate(void* p, std::size_t new_bytes) noexcept;
  /// Makes the block longer or shorter in place. False, and nothing changed, if that cannot be.
  /// Shrinking always can.
  [[nodiscard]] bool try_resize(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept;

  /// Bytes that the block at `p` has. Sanitizers let only those be touched that were asked for.
  /// Misuse: as deallocate.
  [[nodiscard]] std::size_t usable_size(const void* p) const {
    const Slab* const slab = slabs_.find(p);
    if (slab == nullptr) [[unlikely]]
      refuse_pointer(p);
    return slab->usable();
  }
  /// As usable_size, but 0 for all that is misuse there.
  [[nodiscard]] std::size_t try_usable_size(const void* p) const noexcept {
    const Slab* const slab = slabs_.find(p);
    return slab == nullptr ? 0 : slab->usable();
  }
  /// Whether `p` points into a block that is in use. O(1), but O(slabs) inside a large object.
  [[nodiscard]] bool owns(const void* p) const noexcept { return slabs_.owns(p); }

  /// Frees all blocks and zeroes them; the memory is kept. O(slabs). Misuse: released.
  void reset();
  /// Gives everything back to the system. May be called twice.
  void release() noexcept { slabs_.release(); }
  /// Gives the memory of empty slabs back to the system, all but `keep` bytes, rounded up to
  /// 64 KiB. O(slabs). Misuse: released.
  void trim(std::size_t keep = 0);

  /// A T made in a block. The pool will not destroy it: `destroy` does, reset and release do not.
  /// If the constructor throws, the block is freed. Fails as allocate does.
  template <class T, class... Args>
    requires CreatableFrom<T, Args...>
  [[nodiscard]] T* create(Args&&... args) {
    return make<T>(allocate(sizeof(T), alignof(T)), std::forward<Args>(args)...);
  }
  /// As create, but null for every refusal. What the constructor throws passes through.
  template <class T, class... Args>
    requires CreatableFrom<T, Args...>
  [[nodiscard]] T* try_create(Args&&... args) {
    void* const p = try_allocate(sizeof(T), alignof(T));
    return p == nullptr ? nullptr : make<T>(p, std::forward<Args>(args)...);
  }
  /// Destroys what `create` made and frees its block. Misuse: as deallocate, before the destructor.
  template <class T>
  void destroy(T* object) {
    if (slabs_.find(object) == nullptr) [[unlikely]]
      refuse_pointer(object);
    object->~T();
    deallocate(object);
  }

  /// Whether it was released or moved from.
  [[nodiscard]] bool freed() const noexcept { return slabs_.begin() == nullptr; }
  [[nodiscard]] bool empty() const noexcept { return slabs_.runs().in_use() == 0 || used() == 0; }
  /// In bytes: the most that can be held, whole slabs; the smaller of the limit and the
  /// reservation.
  [[nodiscard]] std::size_t capacity() const noexcept { return slabs_.runs().most() * slab_bytes; }
  /// Bytes held now, whole slabs: those in use and those kept for reuse; on a buffer all.
  [[nodiscard]] std::size_t committed() const noexcept { return slabs_.runs().held() * slab_bytes; }
  /// Bytes of the blocks and large objects in use, as `usable_size` gives them. O(slabs).
  [[nodiscard]] std::size_t used() const noexcept { return slabs_.used(); }
  /// Bytes of the slabs that are not in use, what new slabs and large objects can still take. There
  /// are free blocks in the others.
  [[nodiscard]] std::size_t available() const noexcept {
    return (slabs_.runs().most() - slabs_.runs().in_use()) * slab_bytes;
  }

  /// The most bytes that were in use, in whole slabs where one came into use since construction or
  /// reset_peak. Survives reset. O(slabs).
  [[nodiscard]] std::size_t peak() const noexcept {
    return larger(slabs_.runs().peak() * slab_bytes, used());
  }
  /// The peak is what is used now.
  void reset_peak() noexcept { slabs_.reset_peak(); }
  /// The option's, or the strategy's own; never null.
  [[nodiscard]] const char* name() const noexcept { return label().text(); }
  /// How messages name it.
  [[nodiscard]] Label label() const noexcept { return {strategy_name, name_}; }
  [[nodiscard]] Stats stats() const noexcept {
    return {name(), capacity(), used(), available(), peak(), committed()};
  }
  /// How many sizes of blocks there are. What is larger than the last has pages.
  [[nodiscard]] static constexpr std::size_t classes() noexcept { return Classes::count; }
  /// The blocks of a size, the smallest first; large objects count as the size that they would have
  /// been. Misuse: an index not below `classes`. O(slabs): nothing is counted as blocks come and
  /// go.
  [[nodiscard]] ClassStats class_stats(std::size_t index) const;

private:
  friend Copying<Multipool>;
  friend struct Sketch;
  static constexpr const char* strategy_name = "multipool";

  template <class T, class... Args>
  T* make(void* p, Args&&... args) {
    Undo undo{*this, p};
    T* const object = construct<T>(p, std::forward<Args>(args)...);
    undo.p = nullptr;
    return object;
  }
  // Frees the block of a constructor that threw, unless that has reset the pool or freed it itself.
  struct Undo {
    Multipool& pool;
    void* p;
    ~Undo() {
      if (p != nullptr && pool.slabs_.find(p) != nullptr)
        pool.deallocate(p);
    }
  };

  using Slab = detail::Slab;
  using Classes = detail::SizeClasses;
  static constexpr std::size_t slab_bytes = detail::SlabRuns::slab_bytes;

  void check_usable() const;
  [[gnu::cold]] void* allocate_slow(std::size_t bytes, std::size_t alignment);
  [[noreturn, gnu::cold]] void refuse_pointer(const void* p) const;
  [[noreturn, gnu::cold]] void refuse_request(std::size_t bytes, std::size_t alignment) const;
  [[nodiscard]] static bool has_size(const Slab& slab, std::size_t bytes,
                                     std::size_t alignment) noexcept;
  [[gnu::cold]] void check_size(const Slab& slab, const void* p, std::size_t bytes,
                                std::size_t alignment) const;

  detail::SlabBlocks slabs_;
  bool limited_ = false; // the limit is the capacity, not what was reserved
  const char* name_ = nullptr;
};

static_assert(Movable<Multipool> && Reporting<Multipool> && Allocating<Multipool> &&
              Deallocating<Multipool> && Resettable<Multipool>);

} // namespace ALLOT_ABI
} // namespace allot

#endif
