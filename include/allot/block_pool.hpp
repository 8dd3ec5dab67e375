// BlockPool: a fixed number of blocks of one size, each given back on its own in any order.
//
// For nodes of lists, trees and caches: many allocations of one size that come and go. Not for
// sizes that vary (Multipool), or where all go at once (Bump, Arena are faster and smaller).
//
//   block 0 | block 1 | block 2 |       ...       | bookkeeping |
//    in use |  free   |  in use |                 ^ capacity()
//
// Which blocks are free is known by one of two structures, chosen by `order`. The other has no
// numbers, and says so where it is asked:
//
//   Order::first_free   FreeBitmap, a tree of bits: a bit a block and a little more
//   Order::any          FreeStack, a stack of indices and flags: five bytes a block
//
// Blocks that were never handed out are visited by neither construction, unless it zeroes a given
// buffer, nor reset. Allocating and freeing are O(1) for `any`, O(log64 n) for `first_free`, plus
// zeroing a freed block; a batch that is refused takes as long as all that is free. A block stays
// valid until it is freed, reset, release or the pool's end. Every pointer that is given back is
// checked. One thread at a time; const calls may run together.
#pragma once

#include <allot/base/size.hpp>
#include <allot/buffer.hpp>
#include <allot/concepts.hpp>
#include <allot/detail/construct.hpp>
#include <allot/detail/free_bitmap.hpp>
#include <allot/detail/free_stack.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

enum class Order {
  first_free, ///< the lowest free block
  any,        ///< whichever is fastest; at most 2^32 - 1 blocks
};

struct BlockOptions {
  bool zero = true; ///< zero a block when it is freed
  Order order = Order::first_free;
  std::size_t alignment = granule; ///< of every block; also rounds the block size up
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
  [[nodiscard, gnu::always_inline]] void* allocate() { return at_hand_or<&BlockPool::find>(); }
  /// As allocate, but null for every refusal.
  [[nodiscard, gnu::always_inline]] void* try_allocate() noexcept {
    return at_hand_or<&BlockPool::try_find>();
  }

  /// Frees a block, and zeroes it unless zeroing is off. Misuse, and nothing changed: a pointer
  /// that is null, foreign, inside a block, or free already; released.
  [[gnu::always_inline]] void deallocate(void* p) {
    const std::size_t index = index_of(p);
    if (index < quick_) [[likely]] {
      if (latest_.put_back_newest(index)) [[likely]]
        return annotate::freed(begin_, p, block_size_);
      if (!latest_.put_back(index)) [[unlikely]]
        return deallocate_slowly(p);
    } else {
      if (lowest_.put_back_newest(index)) [[likely]]
        return zero_ ? close(p) : annotate::freed(begin_, p, block_size_);
      if (!lowest_.put_back(index)) [[unlikely]]
        return deallocate_slowly(p);
      if (zero_) [[unlikely]]
        return close(p);
    }
    __builtin_prefetch(p); // the next to be allocated, likely, and allocated long ago
    annotate::freed(begin_, p, block_size_);
  }

  // Many at a time. In first-free order some dozens take less time than one by one; in any order
  // they do where the blocks are not in the cache.

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
  [[nodiscard]] T* create(Args&&... args) {
    if (sizeof(T) > block_size_ || alignof(T) > alignment_) [[unlikely]]
      refuse_type(sizeof(T), alignof(T));
    void* const p = allocate();
    annotate::show(p, sizeof(T)); // which may be more than was asked for, rounded up
    Undo undo{*this, p};
    T* const object = construct<T>(p, std::forward<Args>(args)...);
    undo.p = nullptr;
    return object;
  }
  /// Destroys what `create` made and frees its block. Misuse: as deallocate, before the destructor.
  template <class T>
  void destroy(T* object) {
    if (!in_use(index_of(object))) [[unlikely]]
      refuse_pointer(object);
    std::destroy_at(object);
    deallocate(object);
  }

  /// Frees all blocks, and zeroes those in use unless zeroing is off. Misuse: released.
  void reset();
  /// Frees the buffer. May be called twice.
  void release() noexcept;

  struct Stats {
    std::size_t total; ///< blocks
    std::size_t used;
    std::size_t free;
    double utilization; ///< used / total, 0 to 1
  };
  /// O(blocks / 64) for Order::first_free, O(1) for Order::any.
  [[nodiscard]] Stats stats() const noexcept;
  /// In blocks.
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  /// In bytes: what was asked for, rounded up.
  [[nodiscard]] std::size_t block_size() const noexcept { return block_size_; }
  /// In bytes: what every block is aligned to.
  [[nodiscard]] std::size_t block_alignment() const noexcept { return alignment_; }
  /// Whether `p` points into a block that is in use.
  [[nodiscard]] bool owns(const void* p) const noexcept;

private:
  static constexpr const char* strategy_name = "block_pool";
  static constexpr std::size_t none = FreeBitmap::none;
  static_assert(none == FreeStack::none);
  static constexpr std::size_t batch = 64; // what `lowest_` takes and is given at a time

  /// The sizes of `count` blocks and of their bookkeeping.
  struct Layout {
    std::size_t block_size;
    std::size_t count;
    std::size_t side_bytes;
    [[nodiscard]] std::size_t bytes() const noexcept;
  };
  static Layout layout(std::size_t block_size, std::size_t count, Order order) noexcept;
  static Layout checked_layout(std::size_t block_bytes, std::size_t count,
                               const BlockOptions& options);
  static Layout fitting_layout(std::size_t block_bytes, const Buffer& buffer,
                               const BlockOptions& options);

  struct Undo {
    BlockPool& pool;
    void* p;
    ~Undo() {
      if (p != nullptr)
        pool.abandon(p);
    }
  };

  /// The block that starts at `p`, or a number above any block's: one test for range and start of
  /// a block.
  [[nodiscard]] std::size_t index_of(const void* p) const noexcept {
    return by_stride_.quotient(reinterpret_cast<std::uintptr_t>(p) -
                               reinterpret_cast<std::uintptr_t>(begin_));
  }
  [[nodiscard]] std::byte* address(std::size_t index) const noexcept {
    return begin_ + index * stride_;
  }

  [[nodiscard]] void* hand_out(std::size_t index) noexcept {
    std::byte* const p = address(index);
    annotate::allocated(begin_, p, block_bytes_);
    return p;
  }

  /// A free block if one is at hand, else what `search` gives.
  template <auto search>
  [[nodiscard, gnu::always_inline]] void* at_hand_or() {
    if (latest_.at_hand()) [[likely]]
      return hand_out(latest_.take());
    if (lowest_.at_hand()) [[likely]]
      return hand_out(lowest_.take());
    return (this->*search)();
  }

  /// Frees a block. False: it is not in use.
  [[nodiscard]] bool put_back(std::size_t index) noexcept {
    return latest_.put_back(index) || lowest_.put_back_newest(index) || lowest_.put_back(index);
  }

  BlockPool(std::size_t block_bytes, const Layout& layout, Buffer&& buffer,
            const BlockOptions& options);
  /// A free block though none is at hand, or `none`.
  [[nodiscard, gnu::always_inline]] std::size_t find_index() noexcept {
    const std::size_t index = lowest_.find();
    return index != none ? index : latest_.find();
  }
  void* find();
  void* try_find() noexcept;
  void deallocate_slowly(void* p);
  void close(void* p) noexcept;
  void abandon(void* p) noexcept;
  void take_back(std::span<void* const> blocks) noexcept;
  [[nodiscard]] bool in_use(std::size_t index) const noexcept {
    return latest_.in_use(index) || lowest_.in_use(index);
  }
  void check_usable() const;
  [[noreturn, gnu::cold]] void refuse_pointer(const void* p) const;
  [[noreturn, gnu::cold]] void refuse_type(std::size_t bytes, std::size_t alignment) const;

  // Every call reads some of the first five; then comes what one of the orders needs.
  std::byte* begin_ = nullptr;
  std::size_t stride_ = 0; // from block to block in memory, red zone included
  ExactDivisor by_stride_;
  std::size_t quick_ = 0; // FreeStack::max_count if `latest_` has the blocks and none is zeroed
  bool zero_ = true;
  FreeStack latest_;
  FreeBitmap lowest_;
  std::size_t block_size_ = 0;
  std::size_t block_bytes_ = 0;
  std::size_t capacity_ = 0;
  std::size_t alignment_ = 0;
  Buffer buffer_;
};

static_assert(Resettable<BlockPool> && HandingOutBlocks<BlockPool>);

} // namespace ALLOT_ABI
} // namespace allot
