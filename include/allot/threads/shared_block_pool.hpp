// SharedBlockPool: a fixed number of blocks of one size, which any thread takes and gives back.
//
// For nodes and messages that travel between threads. Not for one thread (BlockPool needs a third
// fewer instructions), sizes that vary (SharedMultipool), or where all go at once (SharedArena).
//
//   block 0 | block 1 | block 2 |    ...    | numbers | flags |     flags: a byte a block,
//    in use |  free   |  in use |                                   in use or free
//   free ones:  thread  | 4 | 7 |   17 ... 63     its magazine, which nobody else needs to touch,
//               thread  | 1 |       66 ... 127    and its range, which was never handed out
//               depot   | 9 | 2 | 5 | 128, 129 ...
//
// A thread takes from and gives back to its own magazine, with no atomic instruction, lock or call.
// Where that is empty or full, half of it comes from or goes to the depot, under a lock. Magazines
// grow with use, up to 128 blocks, 32 KiB of them or a sixteenth of all, and go to the depot when
// their threads end. Blocks that were never handed out a thread gets as a range of its own, up to
// 64 of them, so that the flags of what different threads have lie in different cache lines.
//
// The pool is used up to its last block: before it refuses, it takes the ranges of others and what
// lies idle in their magazines; what is freed then goes to the depot until more are free than there
// are threads, so that threads do not take from each other all the time.
//
// What threads need lies on the heap. A pool on a buffer of another kind keeps a part of that for
// magazines, of a 64th of the blocks: for 1 thread and 1 more for each 256 blocks, up to 64, and
// for none where there are fewer than 64 blocks. Threads beyond, and those for which the heap has
// no room, lock in each call.
//
// Allocating and freeing are O(1), plus zeroing a freed block or one that is handed out for the
// first time, but O(threads + blocks idle in magazines) for who finds the depot empty. A block
// stays valid until it is freed, reset, release or the pool's end. Every pointer that is given back
// is checked. A block that is freed twice is told, whichever threads do so, until it is in use
// again; but two threads that free it at the same instant may both pass. Then it is free twice,
// which is told to the misuse handler as soon as it comes up while it is in use, and dropped; it is
// handed out twice only if two threads also take it at the same instant.
//
// In the child of a fork all that was free still is, and the pool can be used; what other threads
// had in use stays so.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/size.hpp>
#include <allot/buffer.hpp>
#include <allot/concepts.hpp>
#include <allot/detail/block_layout.hpp>
#include <allot/detail/construct.hpp>
#include <allot/stats.hpp>
#include <allot/threads/number_depot.hpp>
#include <allot/threads/thread_magazine.hpp>
#include <allot/threads/thread_parts.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

struct SharedBlockOptions {
  bool zero = true; ///< zero a block before it is first handed out, and when it is freed
  std::size_t alignment = granule; ///< of every block; also rounds the block size up
  const char* name = nullptr;      ///< stands in messages and statistics; the caller keeps it alive
};

class SharedBlockPool {
public:
  /// `count` blocks of `block_bytes`, at most 2^32 - 1, rounded up to 8, from the heap, each
  /// aligned to the largest power of two that divides its size, at most 64, or to
  /// `options.alignment`. Misuse: 0 bytes, 0 blocks, a product that overflows, a bad alignment.
  /// Exhausted: the heap refused.
  SharedBlockPool(std::size_t block_bytes, std::size_t count,
                  const SharedBlockOptions& options = {});
  /// As many blocks as fit into `buffer`, bookkeeping included. Misuse also: not even one.
  SharedBlockPool(std::size_t block_bytes, Buffer buffer, const SharedBlockOptions& options = {});
  SharedBlockPool(const SharedBlockPool&) = delete;
  SharedBlockPool& operator=(const SharedBlockPool&) = delete;
  /// No other thread may use the pool any more.
  ~SharedBlockPool() { release(); }

  // Always inlined: in a file with many of them GCC would call them, for half as long again.

  /// A free block, zero unless zeroing is off. Exhausted: all are in use. Misuse: released.
  [[nodiscard, gnu::always_inline]] void* allocate() {
    std::size_t index = 0;
    if (take(part(), index)) [[likely]]
      return hand_out(index);
    return allocate_slow();
  }
  /// As allocate, but null for every refusal.
  [[nodiscard, gnu::always_inline]] void* try_allocate() noexcept {
    std::size_t index = 0;
    if (take(part(), index)) [[likely]]
      return hand_out(index);
    return try_allocate_slow();
  }

  /// Frees a block, and zeroes it unless zeroing is off. Misuse, and nothing changed: a pointer
  /// that is null, foreign, inside a block, or free already; released.
  [[gnu::always_inline]] void deallocate(void* p) {
    const std::size_t index = index_of(p);
    if (index >= quick_count_ || flags_[index] == Use::free) [[unlikely]]
      return deallocate_slow(p, index); // if it zeroes, too
    mark(index, Use::free);
    annotate::freed(begin_, p, block_size_); // before another thread may have it
    if (!put(part(), index)) [[unlikely]]
      return put_slow(index);
    __builtin_prefetch(p); // the next to be allocated, and maybe allocated long ago
  }

  // Many at a time: one by one.

  /// Fills `blocks` with free blocks. Exhausted, and nothing is taken, `blocks` are null: fewer are
  /// free. Misuse: released.
  void allocate_many(std::span<void*> blocks);
  /// As allocate_many, but false for every refusal.
  [[nodiscard]] bool try_allocate_many(std::span<void*> blocks) noexcept;
  /// Frees `blocks`, which must not itself lie in one of them, in their order.
  /// Misuse, as deallocate: one of them is wrong. Those before it are free then.
  void deallocate_many(std::span<void* const> blocks);

  /// A T made in a block. The pool will not destroy it: `destroy` does, reset and release do not.
  /// No lock is held while the constructor runs, which may use this pool; if it throws, the block
  /// is freed.
  /// Exhausted, Misuse: as allocate. Misuse also: T is larger than a block, or aligned more.
  template <class T, class... Args>
    requires CreatableFrom<T, Args...>
  [[nodiscard]] T* create(Args&&... args) {
    if (!holds<T>()) [[unlikely]]
      refuse_type(sizeof(T), alignof(T));
    return create_at<T>(allocate(), std::forward<Args>(args)...);
  }
  /// As create, but null for every refusal. What the constructor throws passes through.
  template <class T, class... Args>
    requires CreatableFrom<T, Args...>
  [[nodiscard]] T* try_create(Args&&... args) {
    void* const p = holds<T>() ? try_allocate() : nullptr;
    return p != nullptr ? create_at<T>(p, std::forward<Args>(args)...) : nullptr;
  }
  /// Destroys what `create` made, wherever, and frees its block. Misuse: as deallocate, before the
  /// destructor.
  template <class T>
  void destroy(T* object) {
    if (!in_use(index_of(object))) [[unlikely]]
      refuse_pointer(object);
    object->~T();
    deallocate(object);
  }

  // No other thread may use the pool, or what it handed out, during the next three.

  /// Calls `f` with each block in use, in the order of their addresses. `f` may free blocks, the
  /// one that it is given too, and allocate: those that come and go meanwhile are visited or not.
  /// O(blocks ever in use).
  template <class F>
  void for_each(F&& f) const {
    for (std::size_t i = 0; i < depot_.limit(); ++i)
      if (in_use(i))
        f(static_cast<void*>(address(i)));
  }
  /// Frees all blocks, and zeroes those in use unless zeroing is off. Misuse: released.
  void reset();
  /// Frees all memory. May be called twice.
  void release() noexcept;

  /// Whether release was called.
  [[nodiscard]] bool freed() const noexcept { return begin_ == nullptr; }
  /// Whether `p` points into a block that is in use.
  [[nodiscard]] bool owns(const void* p) const noexcept;

  // In blocks. Those in magazines and ranges are free. While other threads allocate and free, a
  // block that changes hands meanwhile may be counted for both or for neither; else the numbers are
  // exact. O(threads), with a lock.

  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::size_t used() const noexcept;
  [[nodiscard]] std::size_t available() const noexcept { return capacity_ - used(); }
  [[nodiscard]] bool empty() const noexcept { return used() == 0; }
  /// The most that were in use, or in magazines of threads, since construction or reset_peak: a
  /// pool of so many would have been enough.
  [[nodiscard]] std::size_t peak() const noexcept;
  /// Makes the peak what is used. What lies in magazines goes to the depot.
  void reset_peak() noexcept;

  using Stats = BlockPoolStats;
  /// As exact as used.
  [[nodiscard]] Stats stats() const noexcept;
  /// In bytes: what was asked for, rounded up.
  [[nodiscard]] std::size_t block_size() const noexcept { return block_size_; }
  /// In bytes: what every block is aligned to.
  [[nodiscard]] std::size_t block_alignment() const noexcept { return alignment_; }
  /// The option's, or the strategy's own; never null.
  [[nodiscard]] const char* name() const noexcept { return label().text(); }
  /// How messages name it.
  [[nodiscard]] Label label() const noexcept { return {strategy_name, name_}; }

private:
  static constexpr const char* strategy_name = "shared_block_pool";
  using Number = detail::NumberDepot::Number;
  enum class Use : std::uint8_t { free, in_use };

  struct Part : detail::ThreadPart {
    Part(detail::Shared& of, Number* items, Number none) noexcept
        : ThreadPart(of), magazine(items, none) {}
    detail::ThreadMagazine<Number> magazine;
    detail::NumberDepot::Range range;
    Buffer memory; // that it lies in itself; none if that is the pool's
  };

  [[nodiscard]] static detail::BlockRequest
  asked(std::size_t block_bytes, const SharedBlockOptions& options, bool parts_inside) noexcept;
  SharedBlockPool(std::size_t block_bytes, const detail::BlockLayout& layout, Buffer&& buffer,
                  const SharedBlockOptions& options);

  /// The block that starts at `p`, or a number above any block's.
  [[nodiscard]] std::size_t index_of(const void* p) const noexcept {
    return by_stride_.quotient(offset_of(p));
  }
  [[nodiscard]] std::size_t offset_of(const void* p) const noexcept {
    return reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(begin_);
  }
  [[nodiscard]] std::byte* address(std::size_t index) const noexcept {
    return begin_ + index * stride_;
  }
  [[nodiscard]] Part* part() const noexcept { return static_cast<Part*>(shared_.part()); }
  [[nodiscard]] Part* find_part() const noexcept { return static_cast<Part*>(shared_.find_part()); }
  // Atomic, for `owns` of a block that others take and free. Allocating and freeing read without
  // that, for fewer instructions: those who may do it to a block come one after the other.
  void mark(std::size_t index, Use use) noexcept {
    __atomic_store(&flags_[index], &use, __ATOMIC_RELAXED);
  }
  [[nodiscard]] bool in_use(std::size_t index) const noexcept {
    Use use = Use::free;
    if (index < capacity_)
      __atomic_load(&flags_[index], &use, __ATOMIC_RELAXED);
    return use != Use::free;
  }

  [[nodiscard, gnu::always_inline]] bool take(Part* mine, std::size_t& index) noexcept {
    return mine != nullptr && mine->magazine.take(mine->lock, [&](Number number) noexcept {
      index = number;
      return claim(index);
    });
  }
  [[nodiscard, gnu::always_inline]] static bool put(Part* mine, std::size_t index) noexcept {
    return mine != nullptr && mine->magazine.put(mine->lock, static_cast<Number>(index));
  }
  // False: it is no block, or in use, because two threads freed it at the same instant.
  [[nodiscard, gnu::always_inline]] bool claim(std::size_t index) noexcept {
    if (flags_[index] != Use::free) [[unlikely]]
      return false;
    mark(index, Use::in_use);
    return true;
  }
  [[nodiscard, gnu::always_inline]] void* hand_out(std::size_t index) noexcept {
    std::byte* const p = address(index);
    annotate::allocated(begin_, p, block_bytes_);
    return p;
  }
  void* allocate_slow();
  void* try_allocate_slow() noexcept;
  [[nodiscard]] bool take_slow(Part* mine, std::size_t& index) noexcept;
  void deallocate_slow(void* p, std::size_t index);
  void put_slow(std::size_t index) noexcept;

  // With the mutex held:
  [[nodiscard]] Part* attach() noexcept;
  [[nodiscard]] Part* new_part() noexcept;
  void collect() noexcept;
  [[nodiscard]] bool gather() noexcept;
  void take_ranges() noexcept;
  [[nodiscard]] std::size_t share() const noexcept;
  [[nodiscard]] std::size_t idle() const noexcept;
  void clear(std::size_t but) noexcept;

  template <class T>
  [[nodiscard]] bool holds() const noexcept {
    return sizeof(T) <= block_size_ && alignof(T) <= alignment_;
  }
  template <class T, class... Args>
  T* create_at(void* p, Args&&... args) {
    annotate::show(p, sizeof(T)); // which may be more than was asked for, rounded up
    Undo undo{*this, p};
    T* const object = construct<T>(p, std::forward<Args>(args)...);
    undo.p = nullptr;
    return object;
  }
  struct Undo {
    SharedBlockPool& pool;
    void* p;
    ~Undo() {
      if (p != nullptr)
        pool.abandon(p);
    }
  };
  void abandon(void* p) noexcept;
  void check_usable() const;
  [[noreturn, gnu::cold]] void refuse_pointer(const void* p) const;
  [[noreturn, gnu::cold]] void refuse_type(std::size_t bytes, std::size_t alignment) const;
  [[gnu::cold]] void report_freed_twice(std::size_t index) const noexcept;

  // What every call reads.
  std::byte* begin_ = nullptr;
  std::size_t stride_ = 0; // from block to block in memory, red zone included
  ExactDivisor by_stride_;
  Use* flags_ = nullptr;        // one more than there are blocks, which is no block's
  std::size_t quick_count_ = 0; // capacity_, or 0 if it zeroes
  std::size_t block_size_ = 0;
  detail::Shared shared_;

  // What the mutex guards.
  detail::NumberDepot depot_;
  std::size_t threads_ = 0; // that have a part
  std::size_t cleared_ = 0; // blocks below are zero when they are free, if it zeroes
  std::size_t peak_ = 0;
  std::byte* parts_ = nullptr; // room in the buffer for more
  std::byte* parts_end_ = nullptr;
  std::size_t part_bytes_on_heap_ = 0;

  std::size_t block_bytes_ = 0;
  std::size_t capacity_ = 0;
  std::size_t alignment_ = 0;
  std::uint32_t most_ = 0; // blocks in a magazine
  bool zero_ = true;
  Buffer buffer_;
  const char* name_ = nullptr;
};

static_assert(Reporting<SharedBlockPool> && Resettable<SharedBlockPool> &&
              HandingOutBlocks<SharedBlockPool>);

} // namespace ALLOT_ABI
} // namespace allot

#endif
