// BlockPool: a fixed number of blocks of one size, each given back on its own in any order.
//
// For nodes of lists, trees and caches: many allocations of one size that come and go. Not for
// sizes that vary (Multipool), or where all go at once (Bump, Arena are faster and smaller).
//
//   block 0 | block 1 | block 2 |       ...       | bookkeeping |
//    in use |  free   |  in use |                 ^ capacity()
//
// Which block comes next is `order`'s choice, and with it how the free ones are known:
//
//   Order::first_free   FreeBitmap, a tree of bits: a bit a block and a little more
//   Order::any          FreeStack, a stack of indices and flags: five bytes a block
//
// Construction is O(1), O(log n) where it finds out how many fit; neither it nor reset visits
// blocks that were never handed out. If those must be zeroed, that is done as they are handed out,
// in steps that double from one block up to 16 KiB or one block: what is cleared is what was handed
// out, and no more than one step ahead. A block that is handed out for the first time since
// construction or reset takes a call.
//
// Allocating and freeing are O(1) for `any`, O(log64 n) for `first_free`, plus zeroing a freed
// block or a step; a batch that is refused takes as long as all that is free. A block stays valid
// until it is freed, reset, release or the pool's end. Every pointer that is given back is checked.
// One thread at a time; const calls may run together.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/size.hpp>
#include <allot/buffer.hpp>
#include <allot/concepts.hpp>
#include <allot/detail/block_layout.hpp>
#include <allot/detail/construct.hpp>
#include <allot/detail/free_bitmap.hpp>
#include <allot/detail/free_stack.hpp>
#include <allot/stats.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

enum class Order : unsigned char {
  first_free, ///< the lowest free block
  any,        ///< whichever is fastest; at most 2^32 - 1 blocks
};

struct BlockOptions {
  bool zero = true; ///< zero a block before it is first handed out, and when it is freed
  Order order = Order::first_free;
  std::size_t alignment = granule; ///< of every block; also rounds the block size up
  const char* name = nullptr;      ///< stands in messages and statistics; the caller keeps it alive
};

class BlockPool {
public:
  /// `count` blocks of `block_bytes`, rounded up to 8, from the heap, each aligned to the largest
  /// power of two that divides its size, at most 64, or to `options.alignment`.
  /// Misuse: 0 bytes, 0 blocks, a product that overflows, a bad alignment. Exhausted: the heap
  /// refused.
  BlockPool(std::size_t block_bytes, std::size_t count, const BlockOptions& options = {});
  /// As many blocks as fit into `buffer`, bookkeeping included. Misuse also: not even one.
  BlockPool(std::size_t block_bytes, Buffer buffer, const BlockOptions& options = {});
  BlockPool(BlockPool&& other) noexcept { *this = std::move(other); }
  BlockPool& operator=(BlockPool&& other) noexcept;
  ~BlockPool() { release(); }

  // Always inlined: in a file with many of them GCC would call them, for half as long again.

  /// A free block, zero unless zeroing is off. Exhausted: all are in use. Misuse: released.
  [[nodiscard, gnu::always_inline]] void* allocate() {
    std::size_t index = 0;
    if (take(index)) [[likely]]
      return hand_out(index);
    return allocate_slow();
  }
  /// As allocate, but null for every refusal.
  [[nodiscard, gnu::always_inline]] void* try_allocate() noexcept {
    std::size_t index = 0;
    if (take(index)) [[likely]]
      return hand_out(index);
    return try_allocate_slow();
  }

  /// Frees a block, and zeroes it unless zeroing is off. Misuse, and nothing changed: a pointer
  /// that is null, foreign, inside a block, or free already; released.
  [[gnu::always_inline]] void deallocate(void* p) {
    const std::size_t index = index_of(p);
    if (order_ == Order::any) {
      if (!stack_.put_back(index)) [[unlikely]] // if it zeroes, too
        return deallocate_slow(p, index);
      __builtin_prefetch(p); // the next to be allocated, and maybe allocated long ago
    } else {
      if (bitmap_.put_back(index)) [[likely]]
        __builtin_prefetch(p);
      else if (!bitmap_.put_back_newest(index)) [[unlikely]]
        return deallocate_slow(p, index);
      if (zero_)
        return close(p);
    }
    annotate::freed(begin_, p, block_size_);
  }

  // Many at a time: what one by one would do, for fewer instructions where none are zeroed.

  /// Fills `blocks` with free blocks, in the order in which allocate would give them. Exhausted,
  /// and nothing is taken, `blocks` are null: fewer are free. Misuse: released.
  void allocate_many(std::span<void*> blocks);
  /// As allocate_many, but false for every refusal.
  [[nodiscard]] bool try_allocate_many(std::span<void*> blocks) noexcept;
  /// Frees `blocks`, which must not itself lie in one of them, in their order.
  /// Misuse, as deallocate: one of them is wrong. Those before it are free then.
  void deallocate_many(std::span<void* const> blocks);

  /// A T made in a block. The pool will not destroy it: `destroy` does, reset and release do not.
  /// The constructor may allocate from this pool, not reset it; if it throws, the block is freed.
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
  /// Destroys what `create` made and frees its block. Misuse: as deallocate, before the destructor.
  template <class T>
  void destroy(T* object) {
    if (!in_use(index_of(object))) [[unlikely]]
      refuse_pointer(object);
    object->~T();
    deallocate(object);
  }

  /// Calls `f` with each block in use, in the order of their addresses. `f` may free blocks, the
  /// one that it is given too, and allocate: those that come and go meanwhile are visited or not.
  /// O(blocks ever in use / 64 + blocks in use) for Order::first_free, O(the former) for any.
  template <class F>
  void for_each(F&& f) const {
    for (std::size_t i = next_in_use(0); i != none; i = next_in_use(i + 1))
      f(static_cast<void*>(address(i)));
  }

  /// Frees all blocks, and zeroes those in use unless zeroing is off. Misuse: released.
  void reset();
  /// Frees the buffer. May be called twice.
  void release() noexcept;
  /// Whether release was called, or the pool was moved from.
  [[nodiscard]] bool freed() const noexcept { return begin_ == nullptr; }

  // In blocks. For Order::first_free it takes O(blocks / 64) to tell how many are in use, unless no
  // other block is free than those that were allocated last; all else is O(1).

  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::size_t used() const noexcept;
  [[nodiscard]] std::size_t available() const noexcept { return capacity_ - used(); }
  [[nodiscard]] bool empty() const noexcept { return next_in_use(0) == none; }
  /// The most in use since construction or reset_peak.
  [[nodiscard]] std::size_t peak() const noexcept;
  /// Makes the peak what is used. After that, first-free order counts, in some more instructions a
  /// call, until no lower block is free than the highest in use.
  void reset_peak() noexcept;

  using Stats = BlockPoolStats;
  /// As long as used.
  [[nodiscard]] Stats stats() const noexcept;
  /// In bytes: what was asked for, rounded up.
  [[nodiscard]] std::size_t block_size() const noexcept { return block_size_; }
  /// In bytes: what every block is aligned to.
  [[nodiscard]] std::size_t block_alignment() const noexcept { return alignment_; }
  /// Whether `p` points into a block that is in use.
  [[nodiscard]] bool owns(const void* p) const noexcept;
  /// The option's, or the strategy's own; never null.
  [[nodiscard]] const char* name() const noexcept { return label().text(); }
  /// How messages name it.
  [[nodiscard]] Label label() const noexcept { return {strategy_name, name_}; }

private:
  friend struct Sketch;
  static constexpr const char* strategy_name = "block_pool";
  static constexpr std::size_t none = FreeBitmap::none;
  static_assert(none == FreeStack::none);

  [[nodiscard]] static detail::BlockRequest asked(std::size_t block_bytes,
                                                  const BlockOptions& options) noexcept;
  BlockPool(std::size_t block_bytes, const detail::BlockLayout& layout, Buffer&& buffer,
            const BlockOptions& options);

  /// The block that starts at `p`, or a number above any block's: one test for range and start of
  /// a block.
  [[nodiscard]] std::size_t index_of(const void* p) const noexcept {
    return by_stride_.quotient(offset_of(p));
  }
  [[nodiscard]] std::size_t offset_of(const void* p) const noexcept {
    return reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(begin_);
  }
  [[nodiscard]] std::byte* address(std::size_t index) const noexcept {
    return begin_ + index * stride_;
  }

  [[nodiscard, gnu::always_inline]] bool take(std::size_t& index) noexcept {
    return order_ == Order::any ? stack_.take(index) : bitmap_.take(index);
  }
  [[nodiscard]] void* hand_out(std::size_t index) noexcept {
    std::byte* const p = address(index);
    annotate::allocated(begin_, p, block_bytes_);
    return p;
  }
  [[nodiscard]] std::size_t find() noexcept;
  [[nodiscard, gnu::cold]] std::size_t clear_and_find() noexcept;
  void* allocate_slow();
  void* try_allocate_slow() noexcept;
  void deallocate_slow(void* p, std::size_t index);

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
    BlockPool& pool;
    void* p;
    ~Undo() {
      if (p != nullptr)
        pool.abandon(p);
    }
  };

  [[nodiscard, gnu::always_inline]] bool put_back_in_bitmap(std::size_t index) noexcept {
    return bitmap_.put_back(index) || bitmap_.put_back_newest(index) ||
           bitmap_.put_back_slow(index);
  }
  void close(void* p) noexcept;
  void abandon(void* p) noexcept;
  [[nodiscard]] bool take_many_of_stack(std::span<void*> blocks) noexcept;
  [[nodiscard]] bool take_many_of_bitmap(std::span<void*> blocks) noexcept;
  std::size_t put_back_many_of_stack(std::span<void* const> blocks) noexcept;
  std::size_t put_back_many_of_bitmap(std::span<void* const> blocks) noexcept;
  void take_back(std::span<void* const> blocks) noexcept;
  [[nodiscard]] bool in_use(std::size_t index) const noexcept;
  [[nodiscard]] std::size_t next_in_use(std::size_t index) const noexcept;
  void forget_blocks() noexcept;
  void check_usable() const;
  [[noreturn, gnu::cold]] void refuse_pointer(const void* p) const;
  [[noreturn, gnu::cold]] void refuse_type(std::size_t bytes, std::size_t alignment) const;

  // Every call reads the first five, and of the structure what comes first in it.
  std::byte* begin_ = nullptr;
  std::size_t stride_ = 0; // from block to block in memory, red zone included
  ExactDivisor by_stride_;
  Order order_ = Order::first_free;
  bool zero_ = true;
  union {
    FreeBitmap bitmap_ = {}; // if order_ is first_free
    FreeStack stack_;        // if it is any
  };
  std::size_t block_size_ = 0;
  std::size_t block_bytes_ = 0;
  std::size_t capacity_ = 0;
  std::size_t alignment_ = 0;
  std::size_t peak_ = 0; // before the last reset
  Buffer buffer_;
  const char* name_ = nullptr;
};

static_assert(Movable<BlockPool> && Reporting<BlockPool> && Resettable<BlockPool> &&
              HandingOutBlocks<BlockPool>);

} // namespace ALLOT_ABI
} // namespace allot

#endif
