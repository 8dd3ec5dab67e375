// Slab: the record of a slab of 64 KiB of a Multipool: which blocks start in it, or which large
// object does.
//
//   block 0 | block 1 | block 2 | ... | not carved yet      stack  | 2 | 0 |    where blocks in the
//   in use    free      in use        ^ carved                                  slab are free
//                                                           live   1 0 1 ...    a bit for each 8
//                                                                               bytes: one in use
//                                                                               starts there
//
// A slab is, and `wake` is the number of free blocks at which it changes:
//
//   state     what it is                                               wake       then
//   idle      in a free run, or not the first of a large object
//   current   the one that blocks of its class are taken from          never
//   full      in no list until a block is free                         1          scarce or roomy
//   scarce    in the list of those with few free blocks                 1/16       roomy
//   roomy     in the other list of its class                           all        idle, with its
//   run large     the first of a large object                              1          idle
//
// New records are zero.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/size.hpp>
#include <allot/detail/slab_runs.hpp>

#include <cstddef>
#include <cstdint>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

/// Its size, an odd number of cache lines, spreads the records over the cache.
struct alignas(64) Slab {
  static constexpr std::size_t granules = SlabRuns::slab_bytes / granule;
  static constexpr std::size_t page = 4096; // of accounting, whatever the system's pages are
  static constexpr std::size_t own_indices = 128;
  static constexpr std::uint32_t never = 0xFFFFFFFF;

  // Element types that alias no member that the hot path reads, so that a store to them makes the
  // compiler reload nothing.
  using Word = unsigned long long;
  using Index = std::uint16_t;
  static constexpr std::size_t word_bits = 64;

  using Number = SlabRuns::Number; // of a slab
  enum class State : std::uint8_t { idle, current, roomy, scarce, full, large };

  Index* stack = nullptr; // granules where free blocks start: in `own`, or behind the blocks
  std::byte* begin = nullptr;
  std::uint32_t free = 0;        // blocks on the stack
  std::uint32_t wake = 0;        // how many there are when the slab has to be seen to
  std::uint32_t bytes = 0;       // of a block; 0 for a large object
  std::uint32_t carved = 0;      // blocks that were ever free or in use
  std::uint32_t capacity = 0;    // blocks
  std::uint32_t pages = 0;       // of a large object
  std::uint32_t written = 0;     // pages of it, since it was allocated, that may not be zero
  Number next = 0, previous = 0; // of its list
  State state = State::idle;
  std::uint8_t size_class = 0;
  bool was_used = false; // what is freed twice may be in a slab that is not in use now
  bool loose = false;    // a block in it was shrunk in place to the size of another class
  Word live[granules / word_bits] = {};
  Index own[own_indices] = {};
  Index first = 0;        // granule where the first block starts that does so in this slab
  std::uint8_t piece = 0; // its place in its run

  [[nodiscard]] std::size_t usable() const noexcept { return bytes == 0 ? pages * page : bytes; }
  /// Blocks in use.
  [[nodiscard]] std::size_t used() const noexcept { return carved - free; }
  [[nodiscard]] Word& live_word(std::size_t at) noexcept { return live[at % granules / word_bits]; }
};
static_assert(sizeof(Slab) / 64 % 2 == 1);

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot

#endif
