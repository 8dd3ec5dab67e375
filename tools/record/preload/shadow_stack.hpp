// The frames that a thread had at its last event, to tell which of them are still the same
// activations.
#pragma once

#include <cstdint>

#include "../../preload/registers.hpp"
#include "places.hpp"

namespace record {

using preload::Registers;

/// A range of addresses that a stack lies in.
struct Range {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  bool has(std::uint64_t a) const { return a > low && a <= high; }
};

class ShadowStack {
public:
  struct Step {
    std::uint64_t kept;    ///< frames, from the outermost, that are as they were
    std::uint32_t context; ///< where it stands now
    std::uint32_t same;    ///< 1 when there is nothing else, in the same context
  };

  /// Begins anew, on this stack. False without memory.
  bool start(Range home);

  const Range& home() const { return home_; }

  /// Brings it in step with the real stack. Frames on another stack than home are seen, but not
  /// remembered.
  Step step(Places& places, Registers r);

private:
  // A frame is one activation as long as its CFA, its function and all return addresses up to the
  // outermost frame stay what they are. They are compared, not observed: a return, a longjmp and an
  // exception need nothing. Right below its CFA lies where the frame before it goes on, that one's
  // ip.
  struct Frame {
    std::uint64_t cfa; ///< of the outermost frame: where it begins, + 1
    std::uint64_t ip;  ///< where it calls the next one
    std::uint32_t into;
    std::uint32_t context;

    std::uint64_t function() const { return ip - into; }
  };

  /// From the innermost frame outwards, up to one that is known.
  struct Walk {
    std::uint32_t found = 0;   ///< frames that aren't known, in new_frames_
    std::uint32_t foreign = 0; ///< of them, the innermost, up to the last that isn't at home
    std::uint32_t kept = 0;
    std::uint64_t ip = 0; ///< where the last frame that is kept stands now
    std::uint32_t into = 0;
  };

  /// A place on a stack, on the way outwards.
  struct Cursor : Registers {
    bool exact = false; ///< ip was interrupted, and isn't a return address
    std::uint64_t high; ///< frames end there, as far as is known
  };

  bool grow();
  std::uint32_t intact(std::uint32_t count) const;
  [[gnu::always_inline]] Walk walk(Places& places, Registers r);
  std::uint64_t leave_seldom(std::uint64_t packed, Cursor& at) const;
  std::uint64_t highest(std::uint64_t sp) const;

  Range home_;
  std::uint32_t depth_ = 0;     ///< of what is remembered
  std::uint32_t seen_ = 0;      ///< of the last event's stack, other stacks' frames too
  std::uint32_t context_ = 0;   ///< of the last event
  std::uint32_t capacity_ = 0;  ///< of both
  Frame* frames_ = nullptr;     ///< the outermost first
  Frame* new_frames_ = nullptr; ///< found by a walk, the innermost first
};

} // namespace record
