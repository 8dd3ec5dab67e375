// Goes through a trace, and knows the blocks that live.
#pragma once

#include <cstdint>
#include <vector>

#include "../trace/reader.hpp"
#include "address_map.hpp"

namespace analyze {

struct Block {
  std::uint64_t size;
  std::uint64_t order;  ///< of the event that got it
  std::uint64_t number; ///< that event among its thread's own
  std::uint32_t context;
  std::uint32_t thread;
};

/// What a visitor is told, in this order, of an event:
///   event(e, number)         always; number counts the thread's events from 1 on
///   gone(block, e, number)   a block was given back, or moved away from
///   unknown(e)               the same, but nobody saw where it came from
///   lost(block)              another was got at its address, so that it must have gone unseen
///   got(block, e)            a block was got
/// And at last of each block that is left: left(block).
template <class Visitor>
void replay(const trace::Trace& trace, Visitor& visitor) {
  AddressMap<Block> live;
  std::vector<std::uint64_t> numbers(trace.threads());
  trace::Events events(trace);
  for (trace::Event e; events.next(e);) {
    const std::uint64_t number = ++numbers[e.thread];
    visitor.event(e, number);
    const bool releases = trace::releases(e.operation);
    if (const std::uint64_t old = releases ? e.address : e.old; old != 0) {
      if (const Block* const block = live.find(old)) {
        visitor.gone(*block, e, number);
        live.erase(old);
      } else {
        visitor.unknown(e);
      }
    }
    if (releases || e.address == 0)
      continue;
    const auto [block, made] = live.insert(e.address);
    if (!made)
      visitor.lost(*block);
    *block = {e.size, e.order, number, e.context, e.thread};
    visitor.got(*block, e);
  }
  live.for_each([&](std::uint64_t, const Block& block) { visitor.left(block); });
}

} // namespace analyze
