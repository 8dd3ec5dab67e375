// A thread's way of giving events to the command.
#pragma once

#include <cstdint>

#include "../segment.hpp"
#include "shadow_stack.hpp"

namespace record {

struct Event {
  trace::Operation operation;
  std::uint8_t log2_alignment = 0;
  std::uint64_t address = 0; ///< of the block; of a reallocation the one it had
  std::uint64_t got = 0;     ///< the one a reallocation has made
  std::uint64_t size = 0;
  std::uint64_t order = 0; ///< 0: it gets the next one. A reallocation has its first.
};

/// Nanoseconds on the monotonic clock.
std::uint64_t monotonic();

/// Writes into the ring of one lane.
class Pen {
public:
  /// Takes over a lane, whoever had it; what he wrote last is closed.
  void start(Segment* segment, Lane* lane, std::uint32_t thread);

  /// `got` is a reallocation's second number, or the same as `order`. Waits while the ring is full.
  /// False when recording has ended.
  bool write(const Event& event, std::uint64_t order, std::uint64_t got, ShadowStack::Step stack) {
    if (at_ > limit_ && !turn(order))
      return false;
    const std::uint64_t step = order - order_;
    order_ = got;
    const bool same = stack.same != 0 && !fresh_;
    fresh_ = false;
    const std::uint64_t to = event.address - address_;
    const std::uint64_t further = event.got - event.address;
    const bool moved = event.operation == trace::Operation::reallocate;
    const bool odd = ((to | (moved ? further : 0)) & 15) != 0;
    address_ = moved ? event.got : event.address;

    std::uint8_t* at = at_;
    *at++ = static_cast<std::uint8_t>(
        static_cast<unsigned>(event.operation) | (step == 1 ? 0u : trace::flag::ordered) |
        (same ? trace::flag::same : 0u) | (odd ? trace::flag::odd : 0u));
    if (step != 1)
      at = trace::put(at, step);
    if (!same) {
      at = trace::put(at, stack.kept);
      at = trace::put(at, stack.context);
    }
    at = put_address(at, to, odd);
    if (moved)
      at = put_address(at, further, odd);
    if (!trace::releases(event.operation))
      at = trace::put(at, event.size);
    if (event.operation == trace::Operation::aligned)
      at = trace::put(at, event.log2_alignment);
    if (moved)
      at = trace::put(at, got - order - 1);
    at_ = at;
    ++count_;
    block_->used.store(static_cast<std::uint32_t>(at - block_->events), std::memory_order_release);
    return true;
  }

private:
  static std::uint8_t* put_address(std::uint8_t* at, std::uint64_t difference, bool odd) {
    const auto n = static_cast<std::int64_t>(difference);
    return trace::put(at, trace::zigzag(odd ? n : n / 16));
  }

  bool turn(std::uint64_t order);
  bool wait_for_room(std::uint32_t closed);

  Segment* segment_ = nullptr;
  Lane* lane_ = nullptr;
  Block* block_ = nullptr;
  std::uint8_t* at_ = nullptr;    ///< beyond `limit_`: there is no block
  std::uint8_t* limit_ = nullptr; ///< an event more has room at it
  std::uint64_t order_ = 0;
  std::uint64_t address_ = 0;
  std::uint64_t count_ = 0;
  std::uint32_t thread_ = 0;
  bool fresh_ = true; ///< nothing is in the block
};

} // namespace record
