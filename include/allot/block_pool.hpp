// BlockPool: a fixed number of blocks of one size, each given back on its own in any order.
//
// For nodes of lists, trees and caches: many allocations of one size that come and go. Not for
// sizes that vary (Multipool), or where all go at once (Bump, Arena are faster and smaller).
//
//   block 0 | block 1 | block 2 | ... | fresh: never handed out  | bookkeeping |
//    in use |  free   |  in use |     ^ fresh_                   ^ capacity()
//
// Blocks at or above `fresh_` have no bookkeeping yet, so construction and reset visit none of
// them. Below, what is free is known by one of two structures, chosen by `order`:
//
//   Order::first_free   the lowest free block comes first: a 64-ary tree of bits, a 1 is a free
//                       block, or a word below that has one. The root is a member.
//
//                         root_        0100...                      64 words below
//                         level_[1]    ....  0010...  ....          64 words below each
//                         level_[0]    ....  ....  1001...  ....    64 blocks below each
//
//   Order::any          the block freed last comes first: a stack of indices, and a flag a block
//                       that tells a double free.
//
// Allocating and freeing are O(1) for `any`, O(log64 n) for `first_free`, plus zeroing a freed
// block. A block stays valid until it is freed, reset, release or the pool's end. Every pointer
// that is given back is checked. One thread at a time; const calls may run together.
#pragma once

#include <allot/buffer.hpp>
#include <allot/construct.hpp>
#include <allot/roles.hpp>
#include <allot/size.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace allot::inline ALLOT_ABI {

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

  /// A free block, zero unless zeroing is off. Exhausted: all are in use. Misuse: released.
  [[nodiscard]] void* allocate() {
    const std::size_t index = take();
    if (index == none) [[unlikely]]
      return allocate_fresh();
    return hand_out(index);
  }
  /// As allocate, but null for every refusal.
  [[nodiscard]] void* try_allocate() noexcept {
    const std::size_t index = take();
    if (index == none) [[unlikely]]
      return try_allocate_fresh();
    return hand_out(index);
  }

  /// Frees a block, and zeroes it unless zeroing is off. Misuse, and nothing changed: a pointer
  /// that is null, foreign, inside a block, or free already; released.
  void deallocate(void* p) {
    const std::size_t index = index_of(p);
    if (index >= fresh_ || !put_back(index)) [[unlikely]]
      refuse_pointer(p);
    forget(static_cast<std::byte*>(p));
  }

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

  /// Frees all blocks and zeroes them. Misuse: released.
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
  // The side arrays' element types alias no member but the root, so that a store to them makes the
  // compiler reload nothing: unsigned long long is not std::size_t, and bytes would alias
  // everything.
  using Word = unsigned long long;
  using Flag = std::uint16_t;
  using Index = std::uint32_t;
  static constexpr const char* strategy_name = "block_pool";
  static constexpr std::size_t word_bits = 64;
  static constexpr std::size_t max_levels = 10; // 64^10 blocks of 8 bytes are all that a size holds
  static constexpr Index no_index = 0xFFFFFFFF;
  static constexpr std::size_t none = max_size;

  /// The sizes of `count` blocks and of their bookkeeping.
  struct Layout {
    std::size_t block_size = 0;
    std::size_t count = 0;
    std::size_t levels = 0;
    std::size_t level_words[max_levels - 1] = {};
    std::size_t side_bytes = 0;
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

  /// The block that starts at `p`, or a number above any block's: one test for range, start of a
  /// block and never handed out.
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

  /// A freed block, no longer free, or `none`.
  [[nodiscard]] std::size_t take() noexcept {
    if (levels_ == 0) {
      const Index top = *top_;
      if (top == no_index) [[unlikely]]
        return none;
      --top_;
      live_[top] = 1;
      return top;
    }
    if (root_ == 0) [[unlikely]]
      return none;
    switch (levels_) {
    case 2:
      return take_lowest<1>(root_, 0);
    case 3:
      return take_lowest<2>(root_, 0);
    case 4:
      return take_lowest<3>(root_, 0);
    default:
      return take_lowest_deep();
    }
  }

  /// Marks a block below `fresh_` free. False: it is already.
  [[nodiscard]] bool put_back(std::size_t index) noexcept {
    if (levels_ == 0) {
      if (live_[index] == 0) [[unlikely]]
        return false;
      live_[index] = 0;
      *++top_ = static_cast<Index>(index);
      return true;
    }
    Word& leaf = level_[0][index / word_bits];
    const Word before = leaf;
    const Word after = before | (Word{1} << (index % word_bits));
    if (after == before) [[unlikely]]
      return false;
    leaf = after;
    if (has_last(before))
      return true;
    switch (levels_) {
    case 2:
      mark_above<2, 1>(index / word_bits);
      break;
    case 3:
      mark_above<3, 1>(index / word_bits);
      break;
    case 4:
      mark_above<4, 1>(index / word_bits);
      break;
    default:
      mark_above_deep(index / word_bits);
      break;
    }
    return true;
  }

  void forget(std::byte* p) noexcept {
    if (zero_) {
      annotate::show(p, block_size_);
      std::memset(p, 0, block_size_);
    } else {
      __builtin_prefetch(p); // it is likely the next to be allocated
    }
    annotate::freed(begin_, p, block_size_);
  }

  /// Whether the last block of a word is free. If it is, taking another leaves the word its place
  /// in the word above. When blocks come and go in stack order that is nearly always so; when they
  /// do so at random it nearly never is. Either way the branch on it is predicted.
  [[nodiscard]] static bool has_last(Word word) noexcept {
    return static_cast<std::make_signed_t<Word>>(word) < 0;
  }

  /// The lowest free block below a word of the tree that has one, no longer free.
  template <std::size_t level>
  [[nodiscard]] std::size_t take_lowest(Word& word, std::size_t position) noexcept {
    const std::size_t below =
        position * word_bits + static_cast<std::size_t>(__builtin_ctzll(word));
    if constexpr (level == 0) {
      word &= word - 1;
      return below;
    } else {
      Word& child = level_[level - 1][below];
      const std::size_t index = take_lowest<level - 1>(child, below);
      // "Is the child empty now" as arithmetic: random frees would mispredict a branch on it.
      if (!has_last(child))
        word &= word - Word{child == 0};
      return index;
    }
  }

  // Unconditionally but for `has_last`: "is it set already" would be a branch that random frees
  // mispredict.
  template <std::size_t levels, std::size_t level>
  void mark_above(std::size_t position) noexcept {
    const Word bit = Word{1} << (position % word_bits);
    if constexpr (level == levels - 1) {
      root_ |= bit;
    } else {
      level_[level][position / word_bits] |= bit;
      mark_above<levels, level + 1>(position / word_bits);
    }
  }

  BlockPool(std::size_t block_bytes, const Layout& layout, Buffer&& buffer,
            const BlockOptions& options);
  void* allocate_fresh();
  void* try_allocate_fresh() noexcept;
  [[nodiscard]] Word& word_at(std::size_t level, std::size_t position) noexcept {
    return level == levels_ - 1 ? root_ : level_[level][position];
  }
  void abandon(void* p) noexcept;
  std::size_t take_lowest_deep() noexcept;
  void mark_above_deep(std::size_t position) noexcept;
  [[nodiscard]] bool in_use(std::size_t index) const noexcept;
  void check_usable() const;
  [[noreturn, gnu::cold]] void refuse_pointer(const void* p) const;
  [[noreturn, gnu::cold]] void refuse_type(std::size_t bytes, std::size_t alignment) const;

  std::byte* begin_ = nullptr;
  std::size_t stride_ = 0; // from block to block in memory, red zone included
  ExactDivisor by_stride_;
  std::size_t levels_ = 2; // of the tree, the root's included; 0 is Order::any
  std::size_t fresh_ = 0;  // blocks that were ever handed out since the last reset
  Word root_ = 0;
  Word* level_[max_levels - 1] = {};
  Index* top_ = nullptr; // the block freed last; below the first is no_index
  Flag* live_ = nullptr;
  bool zero_ = true;
  std::size_t block_size_ = 0;
  std::size_t block_bytes_ = 0;
  std::size_t capacity_ = 0;
  std::size_t alignment_ = 0;
  Index* bottom_ = nullptr;
  Buffer buffer_;
};

static_assert(Resettable<BlockPool> && HandingOutBlocks<BlockPool>);

} // namespace allot::inline ALLOT_ABI

#ifdef ALLOT_HEADER_ONLY
#include <allot/src/block_pool.cpp>
#endif
