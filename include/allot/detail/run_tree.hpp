// RunTree: free runs of slabs by their length, so that the shortest that is long enough is found.
//
// For SlabRuns, which keeps the records. Not for use on its own.
//
// A trie of the bits of the lengths, the highest first. Each place of it is a run; below it are
// those that have the same bits so far, on the side of their next bit. Runs of one length are a
// list behind the first of them.
//
//              5 slabs (101) -- 5 slabs -- 5 slabs
//      next bit 0 /     \ next bit 1
//         2 slabs (010)   6 slabs (110)
//
// A way down has one place a bit at the most: insert, remove, at_least and longest are O(log n) of
// the length, 33 steps of a few instructions each, however many runs there are; a run that is not
// the first of its length is inserted as the others are and removed in O(1).
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <cstddef>
#include <cstdint>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

/// What is known of a slab. All zero is what was never used.
struct Run {
  using Number = std::uint32_t; // of a slab
  static constexpr Number none = 0xFFFFFFFF;

  enum class Kind : std::uint8_t {
    inside, // of a run, or never used
    used,   // the first of a run in use
    spare,  // the first or the last of a free run that has memory
    bare,   // the same, without memory
  };

  Number length;         // slabs of the run, where it starts; of a free run, where it ends, too
  Number next, previous; // of its length; none before the one that is in the tree
  Number child[2];
  Number parent;
  Number away; // how many slabs further, modulo 2^32, its pages were at first: see SlabMemory
  Kind kind;
};

class RunTree {
public:
  using Number = Run::Number;

  [[nodiscard]] bool empty() const noexcept { return root_ == Run::none; }
  /// `runs` are the records of all slabs; number `number` is in no tree, and has its length.
  void insert(Run* runs, Number number) noexcept;
  /// `number` is in this tree.
  void remove(Run* runs, Number number) noexcept;
  /// The shortest run of no fewer than `length` slabs, or none.
  [[nodiscard]] Number at_least(const Run* runs, std::size_t length) const noexcept;
  /// Not empty: the longest run.
  [[nodiscard]] Number longest(const Run* runs) const noexcept;

private:
  void replace(Run* runs, Number number, Number heir) noexcept;
  [[nodiscard]] static Number detach_leaf(Run* runs, Number number) noexcept;

  Number root_ = Run::none;
};

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot

#endif
