// SharedMultipool: blocks of any size that many threads allocate and free at once, each with or
// without its size, and by whichever thread.
//
// For what several threads share that allocates one by one as from malloc: a server's sessions, the
// hooks of a C library that has threads of its own, containers that are passed on. Not for one
// thread (Multipool has no thread to look up), nor where all blocks have one size
// (SharedBlockPool).
//
//   SharedMultipool pool;
//   auto work = [&] {
//     void* const p = pool.allocate(100);
//     pool.deallocate(p); // or another thread does
//   };
//   std::thread one(work), two(work);
//   one.join(), two.join();
//
//   one range of 64 KiB slabs
//   | chunk of 64 bytes | chunk of 20 KiB    | bookkeeping | large object   | free |
//
// It is the machine that pmr::synchronized_pool_resource is too (threads/shared_pools.hpp): each
// thread has magazines of free blocks, and meets the others once in 64 blocks, and where slabs are
// used up is served from the magazines of all. Sizes are rounded up to a multiple of 8 up to 64,
// then to one of four to each doubling, up to 64 KiB; above, to whole pages, in slabs of their own.
// A block's chunk is found by its address, without a lock. Its limit counts in slabs of 64 KiB, one
// of which is bookkeeping, one or more for each size class that is used; of memory each takes the
// pages that are touched.
//
// Allocating and freeing blocks are O(1), plus zeroing what is freed. Large objects take a mutex,
// system calls, and O(log n) of their length. Every pointer that is given back is checked before
// anything is read through it; of two threads that free one block at the same moment, without any
// order between them, both may pass. A block stays valid until it is freed, moved by reallocate,
// reset, release or the pool's end.
//
// Any thread may call anything at any time but `reset`, `release` and the destructor: those need
// that no other thread uses the pool, and tell where one is seen inside. The child of a fork may
// allocate and free whatever the other threads did: it has a copy of all that was there. A thread
// that ends leaves its magazines to the others.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/mapping.hpp>
#include <allot/concepts.hpp>
#include <allot/detail/construct.hpp>
#include <allot/detail/copying.hpp>
#include <allot/stats.hpp>
#include <allot/threads/shared_pools.hpp>
#include <allot/threads/slab_chunks.hpp>

#include <cstddef>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

struct SharedMultipoolOptions {
  bool zero = true; ///< zero a block when it is freed, so that what is handed out is zero
  /// Bytes of addresses to reserve, no fewer. 0: as a Multipool.
  std::size_t reserve = 0;
  /// The most bytes of memory, in whole slabs of 64 KiB, to hold at once.
  std::size_t limit = max_size;
  HugePages huge_pages = HugePages::automatic; ///< as a Multipool's
  const char* name = nullptr; ///< stands in messages and statistics; the caller keeps it alive
};

class SharedMultipool : public Copying<SharedMultipool> {
public:
  /// Reserves addresses, rounded up to 64 KiB. Exhausted: the system refused all that `reserve`
  /// names, or 1 MiB where it names none.
  explicit SharedMultipool(const SharedMultipoolOptions& options = {});
  SharedMultipool(const SharedMultipool&) = delete;
  SharedMultipool& operator=(const SharedMultipool&) = delete;
  /// Misuse, told to the handler: another thread is seen inside.
  ~SharedMultipool();

  /// `bytes` aligned to 8, or to the largest power of two that divides their class; zero unless
  /// zeroing is off. 0 bytes are served as 1 is.
  /// Exhausted: the limit, the reservation or the system has no more. Misuse: released.
  [[nodiscard]] void* allocate(std::size_t bytes) { return allocate(bytes, granule); }
  /// `bytes` aligned to `alignment`, any power of two. Misuse also: another alignment.
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment) {
    return pools_.take<&SharedMultipool::allocate_slow>(*this, bytes, alignment,
                                                        detail::marked_in_use);
  }
  /// As allocate, but null for every refusal.
  [[nodiscard]] void* try_allocate(std::size_t bytes) noexcept {
    return try_allocate(bytes, granule);
  }
  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
    return pools_.take<&SharedMultipool::try_allocate_slow>(*this, bytes, alignment,
                                                            detail::marked_in_use);
  }
  struct AtLeast {
    void* p;
    std::size_t bytes; ///< its usable size, all of which may be touched
  };
  /// As allocate(bytes), with whatever more the block has. It may be given back with any size from
  /// the one asked for to the one given.
  [[nodiscard]] AtLeast allocate_at_least(std::size_t bytes) {
    void* const p = allocate(bytes);
    const std::size_t usable = usable_size(p);
    annotate::show(p, usable);
    return {p, usable};
  }

  /// How many of the `bytes` at `p`, which was just allocated, may not be zero; the rest is.
  [[nodiscard]] std::size_t dirty_bytes(const void* /*p*/, std::size_t bytes) const noexcept {
    return zero_ ? 0 : bytes;
  }

  /// Frees a block, whoever allocated it, and zeroes it unless zeroing is off. Misuse, and nothing
  /// changed: a pointer that is null, foreign, inside a block, or free already; released.
  void deallocate(void* p) {
    if (!pools_.give_back(slabs_, p, detail::SharedPools::any_class)) [[unlikely]]
      deallocate_slow(p);
  }
  /// The same for a block whose size, and alignment if one was given, is known. Misuse also: a
  /// block of that size is of another class.
  void deallocate(void* p, std::size_t bytes) { deallocate(p, bytes, granule); }
  void deallocate(void* p, std::size_t bytes, std::size_t alignment) {
    const std::size_t last = detail::last_of(bytes, alignment);
    if (last >= largest || (alignment & (alignment - 1)) != 0 ||
        !pools_.give_back(slabs_, p, detail::class_of(last))) [[unlikely]]
      deallocate_slow(p, bytes, alignment);
  }
  /// As deallocate(p), but false, and nothing changed, for all that is misuse there.
  [[nodiscard]] bool try_deallocate(void* p) noexcept {
    return pools_.give_back(slabs_, p, detail::SharedPools::any_class) || try_deallocate_slow(p);
  }

  /// Makes the block at `p` `new_bytes` long: in place if its class stays, or if the slabs behind a
  /// large object are free, else in a new place, where the contents are copied to; from 1 MiB on
  /// pages are moved there instead, where the system can (Linux). A null `p` allocates. To shrink
  /// never fails. Otherwise fails as allocate and deallocate do, with the block intact.
  [[nodiscard]] void* reallocate(void* p, std::size_t new_bytes);
  /// The same for a block whose size is known, and which may be aligned: it stays so.
  [[nodiscard]] void* reallocate(void* p, std::size_t old_bytes, std::size_t new_bytes,
                                 std::size_t alignment = granule);
  /// As reallocate, but null for every refusal; the block is then intact.
  [[nodiscard]] void* try_reallocate(void* p, std::size_t new_bytes) noexcept;
  [[nodiscard]] void* try_reallocate(void* p, std::size_t old_bytes, std::size_t new_bytes,
                                     std::size_t alignment = granule) noexcept;
  /// Makes the block longer or shorter in place. False, and nothing changed, if that cannot be.
  /// Shrinking always can.
  [[nodiscard]] bool try_resize(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept;

  /// Bytes that the block at `p` has. Sanitizers let only those be touched that were asked for.
  /// Misuse: as deallocate.
  [[nodiscard]] std::size_t usable_size(const void* p) const {
    const std::size_t bytes = pools_.usable_size(slabs_, p);
    return bytes != 0 ? bytes : usable_size_slow(p);
  }
  /// As usable_size, but 0 for all that is misuse there.
  [[nodiscard]] std::size_t try_usable_size(const void* p) const noexcept {
    const std::size_t bytes = pools_.usable_size(slabs_, p);
    return bytes != 0 ? bytes : find(p).bytes;
  }
  /// Whether `p` points into a block that is in use. Takes the mutex. O(classes * log chunks), but
  /// O(slabs) inside a large object.
  [[nodiscard]] bool owns(const void* p) const noexcept;

  /// Frees all blocks and zeroes them; the memory is kept. No other thread may be inside.
  /// O(blocks). Misuse: released; another thread is seen inside.
  void reset();
  /// Gives everything back to the system. May be called twice. No other thread may be inside.
  /// Misuse, told to the handler, and nothing changed: one is seen there.
  void release() noexcept;
  /// Gives the memory of slabs in which nothing is in use back to the system, all but `keep` bytes,
  /// rounded up to 64 KiB. What lies in magazines, of whichever thread, is not in use; other
  /// threads may go on, and wait meanwhile. O(slabs + chunks + threads). Misuse: released.
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
    (void)usable_size(object);
    object->~T();
    deallocate(object);
  }

  /// Whether it was released.
  [[nodiscard]] bool freed() const noexcept { return slabs_.SlabTable::begin() == nullptr; }
  // What follows takes the mutex, and but for the first three closes all threads' magazines for a
  // moment.
  /// In bytes: the most that can be held, whole slabs; the smaller of the limit and the
  /// reservation.
  [[nodiscard]] std::size_t capacity() const noexcept;
  /// Bytes held now, whole slabs: those in use and those kept for reuse.
  [[nodiscard]] std::size_t committed() const noexcept;
  /// Bytes of the slabs that are not in use, what new chunks and large objects can still take.
  /// There are free blocks in the others.
  [[nodiscard]] std::size_t available() const noexcept;
  /// Bytes of the blocks and large objects in use, as `usable_size` gives them. O(chunks + slabs +
  /// threads).
  [[nodiscard]] std::size_t used() const noexcept;
  [[nodiscard]] bool empty() const noexcept { return used() == 0; }
  /// The most bytes that were in use, in whole slabs where one came into use since construction or
  /// reset_peak. Survives reset.
  [[nodiscard]] std::size_t peak() const noexcept;
  /// The peak is what is used now.
  void reset_peak() noexcept;
  /// How many sizes of blocks there are. What is larger than the last has pages.
  [[nodiscard]] static constexpr std::size_t classes() noexcept {
    return detail::class_of(largest - 1) + 1;
  }
  /// The blocks of a size, the smallest first. Misuse: an index not below `classes`.
  [[nodiscard]] ClassStats class_stats(std::size_t index) const;

  /// The option's, or the strategy's own; never null.
  [[nodiscard]] const char* name() const noexcept { return label().text(); }
  /// How messages name it.
  [[nodiscard]] Label label() const noexcept { return {strategy_name, name_}; }
  [[nodiscard]] Stats stats() const noexcept {
    return {name(), capacity(), used(), available(), peak(), committed()};
  }

private:
  friend Copying<SharedMultipool>;
  static constexpr const char* strategy_name = "shared_multipool";
  static constexpr std::size_t largest = 64_KiB; // of pools
  static constexpr std::size_t slab_bytes = detail::SlabRuns::slab_bytes;

  template <class T, class... Args>
  T* make(void* p, Args&&... args) {
    Undo undo{*this, p};
    T* const object = construct<T>(p, std::forward<Args>(args)...);
    undo.p = nullptr;
    return object;
  }
  // Frees the block of a constructor that threw, unless that has freed it itself.
  struct Undo {
    SharedMultipool& pool;
    void* p;
    ~Undo() {
      if (p != nullptr)
        (void)pool.try_deallocate(p);
    }
  };

  /// What is in use at an address; 0 bytes: nothing.
  struct Found {
    std::size_t bytes = 0;
    detail::Pools::Block block{};  // or run, or else
    detail::Slab* large = nullptr; // an object
  };
  [[nodiscard]] std::size_t free_in_chunks() const noexcept;
  [[nodiscard]] Found find_locked(const void* p) const noexcept;
  [[nodiscard]] Found find(const void* p) const noexcept;
  [[nodiscard]] static bool has_size(const Found& found, std::size_t bytes,
                                     std::size_t alignment) noexcept;
  [[nodiscard]] bool resize(const Found& found, void* p, std::size_t bytes,
                            std::size_t alignment) noexcept;
  [[nodiscard]] bool loosen(const Found& found, void* p, std::size_t bytes) noexcept;
  [[nodiscard]] void* move(const Found& found, void* p, std::size_t bytes,
                           std::size_t alignment) noexcept;

  void check_usable() const;
  [[nodiscard, gnu::cold]] void* allocate_slow(std::size_t bytes, std::size_t alignment);
  [[nodiscard, gnu::cold]] void* try_allocate_slow(std::size_t bytes,
                                                   std::size_t alignment) noexcept;
  [[gnu::cold]] void deallocate_slow(void* p);
  [[gnu::cold]] void deallocate_slow(void* p, std::size_t bytes, std::size_t alignment);
  [[nodiscard, gnu::cold]] bool try_deallocate_slow(void* p) noexcept;
  [[nodiscard, gnu::cold]] std::size_t usable_size_slow(const void* p) const;
  void free_locked(const Found& found) noexcept;
  [[noreturn, gnu::cold]] void refuse_request(std::size_t bytes, std::size_t alignment) const;
  [[noreturn, gnu::cold]] void refuse_pointer(const void* p) const;
  [[noreturn, gnu::cold]] void refuse_size(std::size_t usable, const void* p, std::size_t bytes,
                                           std::size_t alignment) const;

  detail::SlabChunks slabs_;
  mutable detail::SharedPools pools_{slabs_, largest, strategy_name};
  bool zero_ = true;
  bool limited_ = false; // the limit is the capacity, not what was reserved
  const char* name_ = nullptr;
};

static_assert(Reporting<SharedMultipool> && Allocating<SharedMultipool> &&
              Deallocating<SharedMultipool> && Resettable<SharedMultipool> &&
              Trimmable<SharedMultipool>);

} // namespace ALLOT_ABI
} // namespace allot

#endif
