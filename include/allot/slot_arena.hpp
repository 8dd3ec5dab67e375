// SlotArena: slots of one size, handed out in order and addressed by index.
//
// For tables that only grow until they are dropped, and that refer to their entries by small
// numbers: tokens, nodes, particles. For objects of one type use TypedArena. Not for single frees
// (BlockPool).
//
//   slot 0   slot 1   slot 2   ...      used()              capacity()
//   |<stride>|<stride>|<stride>|        | free               |
//
// All calls are O(1), construction too, but for reset's zeroing of what was used. Slots that must
// be zeroed are cleared as they are first handed out, in steps that double from one slot up to
// 16 KiB or one slot: what is cleared is what was handed out, and no more than one step ahead. A
// slot stays valid until reset, release or the arena's end. One thread at a time; const calls may
// run together.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/size.hpp>
#include <allot/buffer.hpp>
#include <allot/concepts.hpp>
#include <allot/stats.hpp>

#include <cstddef>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

/// A slot that was handed out: where it is, and its number.
struct Slot {
  void* ptr = nullptr;
  std::size_t index = 0;
};

class SlotArena {
public:
  /// Exactly `capacity` slots of `slot_bytes`, rounded up to 8, from the heap, each aligned to the
  /// largest power of two that divides its size, at most 64.
  /// Misuse: 0 bytes, 0 slots, a product that overflows. Exhausted: the heap refused.
  SlotArena(std::size_t slot_bytes, std::size_t capacity, Options options = {});
  /// As many slots as fit into `buffer`. Misuse: 0 bytes, or not even one.
  SlotArena(std::size_t slot_bytes, Buffer buffer, Options options = {})
      : SlotArena(strategy_name, slot_bytes, granule, std::move(buffer), options) {}
  SlotArena(SlotArena&& other) noexcept { *this = std::move(other); }
  SlotArena& operator=(SlotArena&& other) noexcept;
  ~SlotArena() { release(); }

  /// The next slot, zero unless zeroing is off. Exhausted: all are taken. Misuse: released.
  [[nodiscard]] Slot allocate() {
    if (is_full()) [[unlikely]]
      return allocate_slow();
    return take();
  }
  /// As allocate, but a slot with a null pointer for every refusal.
  [[nodiscard]] Slot try_allocate() noexcept { return is_full() ? try_allocate_slow() : take(); }

  /// The slot that was handed out with this index. Misuse: none was.
  [[nodiscard]] void* at(std::size_t index) const {
    if (index >= count_) [[unlikely]]
      refuse_index(index);
    return address(index);
  }

  /// Takes all slots back and zeroes them. Misuse: released.
  void reset();
  /// Frees the buffer. May be called twice.
  void release() noexcept;

  /// Whether it was released or moved from.
  [[nodiscard]] bool freed() const noexcept { return begin_ == nullptr; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  /// In slots. `peak` is the most that were ever in use, and survives reset.
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::size_t used() const noexcept { return count_; }
  [[nodiscard]] std::size_t available() const noexcept { return closed() ? 0 : capacity_ - count_; }
  [[nodiscard]] std::size_t peak() const noexcept { return peak_ > count_ ? peak_ : count_; }
  /// The peak is what is used now. O(1), but for zeroing the slots that were used before.
  void reset_peak() noexcept;
  /// In bytes: what was asked for, rounded up to 8.
  [[nodiscard]] std::size_t slot_size() const noexcept { return round_up(slot_bytes_); }
  /// Whether `p` points into a slot that is in use.
  [[nodiscard]] bool owns(const void* p) const noexcept;
  /// The option's, or the strategy's own; never null.
  [[nodiscard]] const char* name() const noexcept { return label().text(); }
  /// How messages name it.
  [[nodiscard]] Label label() const noexcept { return {kind_, name_}; }
  /// In bytes.
  [[nodiscard]] Stats stats() const noexcept {
    return {name(),
            capacity() * slot_size(),
            used() * slot_size(),
            available() * slot_size(),
            peak() * slot_size(),
            buffer_.size()};
  }

protected:
  // For TypedArena, which is a slot arena that constructs and destroys.
  SlotArena(const char* kind, std::size_t slot_bytes, std::size_t capacity, std::size_t alignment,
            Options options);
  SlotArena(const char* kind, std::size_t slot_bytes, std::size_t alignment, Buffer buffer,
            Options options);

  [[nodiscard]] std::byte* address(std::size_t index) const noexcept {
    return begin_ + index * stride_;
  }
  /// Whether `take` would find none, because all are taken or it is closed.
  [[nodiscard]] bool is_full() const noexcept { return count_ == limit_; }
  [[nodiscard]] Slot take() noexcept {
    std::byte* const p = address(count_);
    annotate::allocated(begin_, p, slot_bytes_);
    return {p, count_++};
  }
  /// Takes the newest slots back, all but `count`.
  void truncate(std::size_t count) noexcept;
  /// As if only the `count` oldest slots were in use, and there were no more, until `reopen`.
  void close(std::size_t count) noexcept { count_ = limit_ = count; }
  void reopen(std::size_t count) noexcept {
    count_ = count;
    limit_ = ready_;
  }
  [[nodiscard]] bool closed() const noexcept { return limit_ != ready_; }
  void check_usable() const;
  [[noreturn, gnu::cold]] void refuse() const;

private:
  friend struct Sketch;
  static constexpr const char* strategy_name = "slot_arena";

  Slot allocate_slow();
  Slot try_allocate_slow() noexcept;
  void clean() noexcept;
  [[noreturn, gnu::cold]] void refuse_index(std::size_t index) const;

  std::size_t count_ = 0;
  std::size_t limit_ = 0; // what is ready; no more than count_ while it is closed
  std::byte* begin_ = nullptr;
  std::size_t stride_ = 0; // from slot to slot in memory, red zone included
  std::size_t slot_bytes_ = 0;
  std::size_t capacity_ = 0;
  std::size_t ready_ = 0; // slots that may be handed out: zero, in use or dirty, if it zeroes
  std::size_t dirty_ = 0; // slots to zero at reset, but for those in use
  std::size_t peak_ = 0;
  Buffer buffer_;
  bool zero_ = true;
  const char* kind_ = strategy_name;
  const char* name_ = nullptr;
};

static_assert(Movable<SlotArena> && Reporting<SlotArena> && Resettable<SlotArena>);

} // namespace ALLOT_ABI
} // namespace allot

#endif
