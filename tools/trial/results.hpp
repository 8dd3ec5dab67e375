// What a trial found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "plan.hpp"
#include "statistics.hpp"

namespace trial {

/// What a way changed.
struct Change {
  Interval gain;        ///< percent of the program's processor time; positive is faster
  double memory = 0;    ///< percent of its peak; positive is more
  bool decided = false; ///< else the noise is too much for its size
};

/// Advice followed without the source: a lower bound of what it gains when it is followed there.
struct Tried : Change {
  double expected = 0;   ///< of a change in the source: percent, as gain
  bool withheld = false; ///< it takes too much more memory

  /// Whether it is known that nothing is gained, here or by hand.
  bool gains_nothing() const { return decided && gain.mid <= 0 && expected <= 0; }
};

/// Whether advice may not take so many percent more of a peak of so many bytes. What is less than
/// the system's own count of resident pages is off by is never too much.
constexpr bool is_too_much(double percent, double peak) {
  return percent > 5 && percent / 100 * peak > 256 * 1024;
}

/// What one run counted of a route.
struct Counts {
  std::uint64_t calls = 0;   ///< that were told by their keys
  std::uint64_t served = 0;  ///< of them
  std::uint64_t epochs = 0;  ///< of a region
  std::uint64_t bytes = 0;   ///< of a region: the most of an epoch
  std::uint64_t blocks = 0;  ///< of a pool: the most that lived at once
  std::uint64_t foreign = 0; ///< freed by another thread
  std::uint64_t left = 0;    ///< reallocated by who has no such route
  std::uint64_t refused = 0; ///< too large, or there was no room
  bool outgrown = false;     ///< it took more than ten times the memory that was predicted
};

struct RouteResult {
  Plan::Route route;
  Counts seen;
  std::optional<Tried> tried; ///< none if it wasn't tried alone: no call of it was seen
};

struct Alternative : Change {
  std::string name;
  std::string library;
};

struct Results {
  std::vector<std::string> command;
  std::size_t rounds = 0;     ///< that the longest way took
  double points = 0;          ///< an interval that lies within so many is narrow enough
  double seconds = 0;         ///< of the processor, as it is
  double peak = 0;            ///< bytes that were resident, as it is
  std::optional<Tried> whole; ///< of all routes; none if the plan has none
  std::vector<RouteResult> routes;
  std::vector<Alternative> alternatives;
  std::vector<std::string> remarks; ///< sentences for the user
  std::string failure;              ///< why it is worth nothing: a sentence; empty if it isn't

  /// Whether it is known that nothing gains so many percent, or may be had.
  bool is_nothing_above(double percent) const;
  /// Whether the whole plan changed something that is known, and may be had.
  bool stands() const;
  /// Another malloc that gives as much as the whole plan, or anything where that doesn't stand; the
  /// best, null if there is none.
  const Alternative* as_good() const;
};

} // namespace trial
