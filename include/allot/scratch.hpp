// Scratch: an Arena under the name that the page has for temporaries that nest: checkpoint, work,
// restore.
//
// For work that needs memory for a moment, inside work that needs it a little longer: formatting a
// line, evaluating an expression. Not for memory whose lifetimes do not nest (Arena, BlockPool) or
// for values that are pushed and popped (Stack).
//
//                  checkpoint 0    checkpoint 1    offset()
//   | allocated    | allocated     | allocated     | free            |
//                                  |<--- restore --|
//
// Everything costs what it costs an Arena: O(1), but for destructors that are owed and for zeroing
// what is used. A scope needs no memory.
// What is allocated stays valid until the restore of an earlier checkpoint, reset, release or the
// scratch space's end. Memory handed out again after a restore is not zeroed until the next reset.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/arena.hpp>

namespace allot {
inline namespace ALLOT_ABI {

class Scratch : public Arena {
public:
  /// As Arena's.
  explicit Scratch(std::size_t bytes, Options options = {})
      : Arena(strategy_name, bytes, options) {}
  explicit Scratch(Buffer buffer, Options options = {})
      : Arena(strategy_name, std::move(buffer), options) {}

private:
  static constexpr const char* strategy_name = "scratch";
};

static_assert(Movable<Scratch> && Reporting<Scratch> && Allocating<Scratch> &&
              Resettable<Scratch> && Rewindable<Scratch>);

} // namespace ALLOT_ABI
} // namespace allot

#endif
