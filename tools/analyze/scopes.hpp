// Functions inside of whose activation blocks die together.
//
// A scope is a function and a set of sites whose blocks always die inside of its activation,
// however far in they were made. Its epochs are the times in which any of them lives: a loop that
// calls the function from one place can't be told from one activation by its stack, but the count
// of what lives falls to 0 between.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "../trace/reader.hpp"
#include "lifetimes.hpp"
#include "stacks.hpp"

namespace analyze {

/// Which of the sites below a function are looked at together. What lives on for long would hold
/// back what doesn't, and what comes and goes would waste the memory of what stays.
enum class Choice : std::uint8_t {
  whole,   ///< all that lives for no longer than some time
  lasting, ///< what lives about that long, and isn't replaced meanwhile
  ordered, ///< what dies newest first, whatever it lives
};

struct Scope {
  std::uint32_t function; ///< index of it
  Choice choice;
  std::uint32_t depth;              ///< of its frame, on average
  std::vector<std::uint32_t> sites; ///< that aren't taken yet

  std::uint64_t calls = 0; ///< of those sites, as all below
  std::uint64_t bytes = 0;
  std::uint64_t epochs = 0;
  /// Epochs before which the function was left, or went on to its next turn: it is not just
  /// something further in that did.
  std::uint64_t turns = 0;
  /// Epochs that began, and that ended, where the function stood most often then.
  std::uint64_t begins = 0;
  std::uint64_t ends = 0;
  std::uint64_t alike = 0;      ///< epochs with as many calls and bytes as the one before
  std::uint64_t max_bytes = 0;  ///< allocated in an epoch, in units of 16
  std::uint64_t max_live = 0;   ///< the same, live at once
  std::uint64_t max_blocks = 0; ///< live at once
  std::uint64_t breaks = 0;     ///< deaths of other blocks than the newest, where that was counted
  bool measured = false;        ///< whether what follows calls and bytes is of these sites
};

class Scopes {
public:
  /// Finds those with at least `least` calls. `nameable` tells of a function's start whether
  /// somebody could change it.
  Scopes(const trace::Trace& trace, const Stacks& stacks, const Lifetimes& lifetimes,
         std::uint64_t least, const std::function<bool(std::uint64_t)>& nameable);

  /// Measured, all of them. Passes over the trace if it has to.
  const std::vector<Scope>& measured();
  /// Takes sites out of all scopes; those that are left with too little are dropped.
  void take(const std::vector<std::uint32_t>& sites);

private:
  const trace::Trace& trace_;
  const Stacks& stacks_;
  const Lifetimes& lifetimes_;
  std::uint64_t least_;
  std::vector<Scope> scopes_;
};

} // namespace analyze
