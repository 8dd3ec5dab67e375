// Scratch: an arena with checkpoints, for temporaries that nest.
//
// For work that needs memory for a moment, inside work that needs it a little longer: formatting a
// line, evaluating an expression. Not for memory whose lifetimes do not nest (Arena, BlockPool) or
// for values that are pushed and popped (Stack).
//
//                  checkpoint 0    checkpoint 1    offset()
//   | allocated    | allocated     | allocated     | free            |
//                                  |<--- restore --|
//
// All calls are O(1), but for the destructors that restore and reset owe and for reset's zeroing.
// What is allocated stays valid until the restore of an earlier checkpoint, reset, release or the
// scratch space's end. Memory handed out again after a restore is not zeroed until the next reset.
#pragma once

#include <allot/arena.hpp>

namespace allot {
inline namespace ALLOT_ABI {

class Scratch : public Creating<Scratch>, public Rewinding<Scratch, Arena::Position> {
public:
  /// `bytes`, rounded up to 8, from the heap. Misuse: 0. Exhausted: the heap refused.
  explicit Scratch(std::size_t bytes, Options options = {})
      : Scratch(Buffer::heap(bytes, buffer_alignment, options, strategy_name), options) {}
  /// On any buffer. Misuse: one with less than 8 aligned bytes.
  explicit Scratch(Buffer buffer, Options options = {})
      : arena_(strategy_name, std::move(buffer), options) {}
  Scratch(Scratch&& other) noexcept { *this = static_cast<Scratch&&>(other); }
  Scratch& operator=(Scratch&& other) noexcept;
  /// A scope that is still open goes to the misuse handler.
  ~Scratch();

  /// As Arena's.
  [[nodiscard]] void* allocate(std::size_t bytes) { return arena_.allocate(bytes); }
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment) {
    return arena_.allocate(bytes, alignment);
  }
  [[nodiscard]] void* try_allocate(std::size_t bytes) noexcept {
    return arena_.try_allocate(bytes);
  }
  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
    return arena_.try_allocate(bytes, alignment);
  }
  [[nodiscard]] bool try_resize(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept {
    return lower_checkpoints(arena_.try_resize(p, old_bytes, new_bytes));
  }

  // From Rewinding: std::size_t checkpoint(); void restore(); Scope<Scratch> scope();

  /// Takes everything back, checkpoints too. Misuse: released, busy, or a scope is open.
  void reset();
  /// Frees the buffer. May be called twice. An open scope goes to the misuse handler.
  void release() noexcept;

  [[nodiscard]] std::size_t offset() const noexcept { return used(); }
  [[nodiscard]] std::size_t objects() const noexcept { return arena_.objects(); }
  /// In bytes. `peak` is the most that was ever used, and survives reset.
  [[nodiscard]] std::size_t capacity() const noexcept { return arena_.capacity(); }
  [[nodiscard]] std::size_t used() const noexcept { return arena_.used(); }
  [[nodiscard]] std::size_t available() const noexcept { return arena_.available(); }
  [[nodiscard]] std::size_t peak() const noexcept { return arena_.peak(); }
  [[nodiscard]] bool owns(const void* p) const noexcept { return arena_.owns(p); }

private:
  friend Creating<Scratch>;
  friend Rewinding<Scratch, Arena::Position>;
  friend Copying<Scratch>;
  static constexpr const char* strategy_name = "scratch";
  [[nodiscard]] bool holds(const void* p, std::size_t bytes) const noexcept {
    return arena_.cursor_.holds(p, bytes);
  }

  void check_usable() const { arena_.check_usable(); }
  [[nodiscard]] Arena::Position position() const noexcept { return arena_.position(); }
  void rewind(const Arena::Position& to) noexcept { arena_.rewind(to); }
  bool lower(Arena::Position& position) const noexcept {
    return arena_.cursor_.lower(position.head);
  }

  [[nodiscard]] Cleanups& owed() noexcept { return arena_.owed(); }

  Arena arena_;
};

static_assert(Allocating<Scratch> && Resettable<Scratch> && Rewindable<Scratch>);

} // namespace ALLOT_ABI
} // namespace allot
