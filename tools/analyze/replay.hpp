// Goes through a trace, and knows the blocks that live.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
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

/// A reallocation between the number at which it gave back a block and that at which it got
/// another: other threads may have been given the first one's memory meanwhile.
struct Moving {
  trace::Event event;
  std::optional<Block> block; ///< none that anybody saw
};

/// What a visitor is told, in this order, of an event:
///   event(e, number)         always; number counts the thread's events from 1 on
///   gone(block, e, number)   a block was given back, or moved away from
///   unknown(e)               the same, but nobody saw where it came from
///   lost(block)              another was got at its address, so that it must have gone unseen
///   got(block, e)            a block was got
/// And at last of each block that is left: left(block). Of a reallocation all is told when it got
/// its block, and that is the order it has.
template <class Visitor>
class Replay {
public:
  Replay(const trace::Trace& trace, Visitor& visitor)
      : trace_(trace), visitor_(visitor), numbers_(trace.threads()) {}

  void run() {
    trace::Events events(trace_);
    for (trace::Event e; events.next(e);) {
      if (!moving_.empty())
        finish_moves(e.order);
      if (e.operation == trace::Operation::reallocate && e.got - e.order > 1)
        begin_move(e);
      else
        tell(e, take(trace::releases(e.operation) ? e.address : e.old));
    }
    finish_moves(~std::uint64_t{0});
    live_.for_each([this](std::uint64_t, const Block& block) { visitor_.left(block); });
  }

private:
  std::optional<Block> take(std::uint64_t address) {
    const Block* const block = address == 0 ? nullptr : live_.find(address);
    if (block == nullptr)
      return {};
    const Block taken = *block;
    live_.erase(address);
    return taken;
  }

  void begin_move(const trace::Event& e) {
    const auto later = std::find_if(moving_.begin(), moving_.end(),
                                    [&e](const Moving& m) { return m.event.got > e.got; });
    moving_.insert(later, {e, take(e.old)});
  }

  void finish_moves(std::uint64_t before) {
    std::size_t n = 0;
    for (; n < moving_.size() && moving_[n].event.got < before; ++n)
      tell(moving_[n].event, moving_[n].block);
    moving_.erase(moving_.begin(), moving_.begin() + static_cast<std::ptrdiff_t>(n));
  }

  void tell(trace::Event e, const std::optional<Block>& gone) {
    e.order = e.got;
    const std::uint64_t number = ++numbers_[e.thread];
    visitor_.event(e, number);
    const bool releases = trace::releases(e.operation);
    if (gone)
      visitor_.gone(*gone, e, number);
    else if ((releases ? e.address : e.old) != 0)
      visitor_.unknown(e);
    if (releases || e.address == 0)
      return;
    const auto [block, made] = live_.insert(e.address);
    if (!made)
      visitor_.lost(*block);
    *block = {e.size, e.order, number, e.context, e.thread};
    visitor_.got(*block, e);
  }

  const trace::Trace& trace_;
  Visitor& visitor_;
  AddressMap<Block> live_;
  std::vector<std::uint64_t> numbers_; // by thread
  std::vector<Moving> moving_;         // by when they get; at most one of each thread
};

template <class Visitor>
void replay(const trace::Trace& trace, Visitor& visitor) {
  Replay<Visitor>(trace, visitor).run();
}

} // namespace analyze
