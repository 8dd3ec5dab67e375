// How blocks live: for each site how many there were, of what sizes, how deep the stack was cut
// between a block's birth and its death, and in what order they died.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "../trace/reader.hpp"
#include "stacks.hpp"

namespace analyze {

/// Threads from this number on share a slot. That can only hide that something is whole.
constexpr std::uint32_t thread_slots = 64;

/// What is known of a site. Time is counted in events of the program.
struct Lives {
  std::uint64_t calls = 0;
  std::uint64_t bytes = 0;
  std::uint64_t objects = 0; ///< calls of operator new
  std::uint64_t deaths = 0;
  std::uint64_t foreign = 0; ///< deaths by another thread than the one that made them
  std::uint64_t moves = 0;   ///< deaths by a reallocation
  std::uint64_t growths = 0; ///< calls that got a larger block for the content of another
  std::uint64_t ages = 0;    ///< sum of the times that blocks lived
  std::uint64_t min_size = ~std::uint64_t{0};
  std::uint64_t max_size = 0;
  std::uint64_t threads = 0;   ///< that allocate or free: bits, by slot
  std::uint64_t most_live = 0; ///< blocks of one thread at a time
  std::uint64_t most_live_bytes = 0;
  std::uint64_t breaks = 0;     ///< deaths that were not of the newest block
  std::uint64_t longest = 0;    ///< time from the first of its blocks until none lived
  std::uint64_t most_bytes = 0; ///< that were allocated in such a time
  /// The site whose blocks mostly died right before, if they also were born about together, and how
  /// much more often that one than others.
  std::uint32_t companion = 0;
  std::uint64_t accompanied = 0;
  /// For each depth of the folded stack that was still the same at a death, how many. Frames
  /// down to that depth had been there from birth to death.
  std::vector<std::pair<std::uint32_t, std::uint64_t>> survived;

  /// Deaths inside of the activation of the function at this depth of the path.
  std::uint64_t deaths_within(std::uint32_t depth) const;
  /// The deepest frame inside of whose activation at least 99.9 % of all blocks die; 0 if there is
  /// none.
  std::uint32_t scope_depth() const;
  bool one_size() const { return (min_size + 15) / 16 == (max_size + 15) / 16; }
  /// Newest first, but for one in a thousand.
  bool in_order() const { return breaks * 1000 <= deaths; }
  /// Nearly each block died with one of the companion's.
  bool has_companion() const { return accompanied * 10 >= calls * 9 && calls != 0; }
  /// What lives at once is all that is allocated until none lives.
  bool lasting() const { return most_bytes <= most_live_bytes + most_live_bytes / 3 + 512; }
};

struct Lifetimes {
  std::vector<Lives> sites; ///< by number of the site
  std::uint64_t calls = 0;
  std::uint64_t bytes = 0;
  std::uint64_t releases = 0;
  std::uint64_t reallocations = 0;
  std::uint64_t unknown = 0; ///< blocks given back that nobody saw
  std::uint64_t left = 0;    ///< blocks never given back
  std::uint64_t left_bytes = 0;
  std::uint64_t foreign = 0;
  std::uint64_t peak_bytes = 0; ///< live at once
  std::uint32_t threads = 0;
};

Lifetimes measure_lifetimes(const trace::Trace& trace, const Stacks& stacks);

} // namespace analyze
