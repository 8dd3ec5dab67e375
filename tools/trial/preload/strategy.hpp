// What one thread has of one route: an allot::Region or an allot::BlockPool, and what it counts.
#pragma once

#include <allot/block_pool.hpp>
#include <allot/region.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "../segment.hpp"
#include "memory.hpp"

namespace trial {

/// Blocks of a region have their size in the eight bytes in front, so that they take as much as
/// malloc's. A region is reset when its last block was given back.
///
/// The owner is set to nobody while the strategy is at work: what a signal handler then wants comes
/// from elsewhere, and what it gives back waits.
class alignas(64) Strategy {
public:
  /// `seen` is all zero, `route` is its number in the plan.
  Strategy(const Header& plan, std::uint32_t route, std::byte* span, Instance& seen);
  /// It is there for as long as the program.
  ~Strategy() = delete;

  const void* owner() const { return owner_; }
  void set_owner(const void* thread) { owner_ = thread; }
  std::uint32_t route() const { return route_; }
  Instance& seen() { return *seen_; }
  /// A call that it doesn't serve.
  void pass_on() { ++seen_->passed_on; }
  /// A block whose reallocation is not of this route.
  void count_left() { ++seen_->left; }
  bool is_region() const { return !is_pool_; }
  /// Blocks come from it; otherwise calls are only counted.
  bool serves() const { return serves_; }

  // For the owner alone.

  /// A block, aligned to 16. Null where it can't be served, which is counted.
  [[gnu::always_inline]] void* allocate(std::size_t bytes) {
    Working working(*this);
    if (foreign_.load(std::memory_order_relaxed)) [[unlikely]]
      take_back_foreign();
    void* const p = is_pool_ ? take_of_pool(bytes) : take_of_region(bytes);
    if (!p) [[unlikely]]
      ++seen_->refused;
    return p;
  }
  void* allocate_aligned(std::size_t bytes, std::size_t alignment);
  /// For a block that was moved as it grew, and may go on: what is large can grow by an eighth
  /// where it is then, as what Region's own reallocate moves.
  void* allocate_growing(std::size_t bytes);

  [[gnu::always_inline]] void deallocate(void* p) {
    Working working(*this);
    if (is_pool_)
      pool_.deallocate(p);
    count_freed();
  }

  /// Makes the block larger or smaller where it is; false where it can't.
  bool try_resize(void* p, std::size_t bytes);
  /// Frees a block that was moved: gives back what it can at once.
  void deallocate_moved(void* p);

  // For all.

  /// What the block was asked to hold, or more.
  std::size_t size_of(const void* p) const {
    return is_pool_ ? block_bytes_ : head_of(p) & size_mask;
  }
  /// A block that isn't the thread's own goes back when the owner comes by.
  void deallocate_foreign(void* p);
  void take_back_foreign();

private:
  class Working {
  public:
    explicit Working(Strategy& strategy) : strategy_(strategy), owner_(strategy.owner_) {
      strategy.owner_ = nullptr;
      std::atomic_signal_fence(std::memory_order_seq_cst);
    }
    Working(const Working&) = delete;
    Working& operator=(const Working&) = delete;
    ~Working() {
      std::atomic_signal_fence(std::memory_order_seq_cst);
      strategy_.owner_ = owner_;
    }

  private:
    Strategy& strategy_;
    const void* const owner_;
  };

  // In a block's head, beside its size. Arenas begin at multiples of 64, and most blocks lie 8
  // bytes beyond multiples of 16 with their heads: what comes first in an arena takes 8 bytes more.
  static constexpr std::size_t padded = std::size_t{1} << 63; // takes 8 bytes more
  static constexpr std::size_t led = std::size_t{1} << 62;    // they are in front of it
  static constexpr std::size_t fixed = std::size_t{1} << 61;  // its size stays
  static constexpr std::size_t size_mask = fixed - 1;
  static constexpr std::size_t largest = std::size_t{1} << 40;

  static std::size_t& head_of(void* p) { return static_cast<std::size_t*>(p)[-1]; }
  static std::size_t head_of(const void* p) { return static_cast<const std::size_t*>(p)[-1]; }
  static std::size_t in_region(std::size_t bytes) { return (bytes + 23) & ~std::size_t{15}; }
  static std::size_t counted(std::size_t bytes) {
    return bytes == 0 ? 16 : (bytes + 15) & ~std::size_t{15};
  }
  static std::byte* start_of(void* p) {
    return static_cast<std::byte*>(p) - ((head_of(p) & led) != 0 ? 16 : 8);
  }
  static std::size_t extent_of(const void* p, std::size_t bytes) {
    return in_region(bytes) + ((head_of(p) & padded) != 0 ? 8 : 0);
  }

  void* take_of_pool(std::size_t bytes) {
    if (bytes > block_bytes_) [[unlikely]]
      return nullptr;
    void* const p = pool_.try_allocate();
    if (!p) [[unlikely]]
      return nullptr;
    const std::uint64_t live = ++seen_->served - seen_->freed;
    if (live > seen_->peak) [[unlikely]]
      seen_->peak = live;
    return p;
  }

  void* take_of_region(std::size_t bytes) {
    if (bytes > largest_shared_) [[unlikely]]
      return take_large(bytes, 16, 0);
    void* const q = region_.try_allocate(in_region(bytes));
    if (!q) [[unlikely]]
      return nullptr;
    void* p = static_cast<std::byte*>(q) + 8;
    if (reinterpret_cast<std::uintptr_t>(p) & 8) [[unlikely]]
      return take_first(q, bytes);
    head_of(p) = bytes;
    count_in_region(bytes);
    return p;
  }
  void count_in_region(std::size_t bytes) {
    ++seen_->served;
    seen_->bytes += counted(bytes);
  }
  void* take_first(void* q, std::size_t bytes);
  void* take_large(std::size_t bytes, std::size_t alignment, std::size_t spare);

  void count_freed() {
    if (++seen_->freed == seen_->served && !is_pool_)
      end_epoch();
  }
  void end_epoch();

  // What every call reads comes first.
  const void* owner_ = nullptr;
  Instance* seen_;
  bool is_pool_;
  bool serves_;
  std::uint32_t route_;
  std::size_t block_bytes_ = 0;         // of a pool
  std::size_t largest_shared_ = 0;      // of blocks of a region that surely share an arena
  std::atomic<void*> foreign_{nullptr}; // each block's first word leads to the next
  union {
    allot::Region region_;
    allot::BlockPool pool_;
  };
  Span memory_;

public:
  Strategy* next_idle = nullptr; ///< of its route, while it has no owner
};

} // namespace trial
