// SlabBlocks: blocks of size classes in slabs, and large objects beside them.
//
// A Multipool's memory: all of it but what throws. Not for use on its own. A refusal is null, and
// has changed nothing.
//
//   class    current       roomy                       scarce
//   64       | slab |      | slab | -> | slab |        | slab |        and full ones, in no list
//
// Blocks are taken from the current slab of their class until it is full; a roomy one is next, then
// a new run, and a scarce one last.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/annotate.hpp>
#include <allot/detail/slab_table.hpp>

#include <cstddef>
#include <cstdint>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

class SlabBlocks : public SlabTable {
public:
  SlabBlocks() noexcept { forget_lists(); }
  SlabBlocks(SlabBlocks&& other) noexcept : SlabBlocks() {
    *this = static_cast<SlabBlocks&&>(other);
  }
  SlabBlocks& operator=(SlabBlocks&& other) noexcept;
  ~SlabBlocks() { release(); }

  void release() noexcept;
  void reset() noexcept;
  /// Gives the memory of empty slabs back to the system, all but `keep` bytes.
  void trim(std::size_t keep) noexcept;

  /// The slab that blocks of a class are taken from: where it has none that is free, `allocate`
  /// may still find one. Without a class, one that has none.
  [[nodiscard]] Slab& current(std::size_t size_class) const noexcept {
    return *current_[size_class];
  }
  /// Of a slab that has a free block.
  [[nodiscard]] void* take(Slab& slab, std::size_t bytes) noexcept {
    const std::size_t at = slab.stack[--slab.free];
    slab.live[at / Slab::word_bits] |= Slab::Word{1} << (at % Slab::word_bits);
    std::byte* const p = slab.begin + (at << granule_shift());
    annotate::allocated(slabs_, p, bytes + (bytes == 0 ? 1 : 0));
    return p;
  }
  /// Of whatever slab. Null too: another alignment than a power of two; released.
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment) noexcept;

  // What may call a function comes last, so that this one needs no frame of its own.
  void put_back(Slab& slab, std::size_t at, void* p) {
    slab.live_word(at) &= ~(Slab::Word{1} << (at % Slab::word_bits));
    const std::uint32_t free = slab.free;
    slab.stack[free] = static_cast<Slab::Index>(at % Slab::granules);
    slab.free = free + 1;
    if (zero_)
      return wipe_and_settle(slab, p);
    annotate::freed(slabs_, p, slab.usable());
    if (free + 1 == slab.wake) [[unlikely]]
      settle(slab);
  }

  /// Makes a block longer or shorter in place. False, and nothing changed: its class changes, or
  /// there is no room behind a large object.
  [[nodiscard]] bool resize(Slab& slab, void* p, std::size_t bytes, std::size_t alignment) noexcept;
  /// The same for a size of another class, if there is room.
  [[nodiscard]] bool loosen(Slab& slab, void* p, std::size_t bytes) noexcept;
  /// Where the block is then, whatever class it is of. Null: there is no room for what is longer.
  [[nodiscard]] void* move(Slab& slab, void* p, std::size_t bytes, std::size_t alignment) noexcept;

private:
  using State = Slab::State;
  using Index = Slab::Index;

  void forget_lists() noexcept;
  void wipe_and_settle(Slab& slab, void* p) noexcept;
  void settle(Slab& slab) noexcept;

  [[nodiscard]] bool refill(std::size_t size_class) noexcept;
  [[nodiscard]] Slab* next_slab(std::size_t size_class) noexcept;
  void carve(Slab& slab) noexcept;
  [[nodiscard]] Slab* start_run(std::size_t size_class) noexcept;
  [[nodiscard]] Number take_run(std::size_t length, std::size_t alignment) noexcept;
  [[nodiscard]] void* allocate_large(std::size_t bytes, std::size_t alignment,
                                     const std::byte* origin = nullptr) noexcept;
  void retire_idle() noexcept;
  [[nodiscard]] bool is_run_empty(const Slab& slab) const noexcept;
  void retire_run(Slab& slab) noexcept;
  void enlist(Slab& slab, Number& head) noexcept;
  void delist(Slab& slab, Number& head) noexcept;
  [[nodiscard]] Slab* pop(Number& head) noexcept;

  Slab* current_[Classes::count + 1]; // never null; the last never has room
  Number roomy_[Classes::count];      // heads of lists
  Number scarce_[Classes::count];     // heads of lists

  static Slab no_slab; // has no room, and is never written to
};

inline constinit Slab SlabBlocks::no_slab{};

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot

#endif
