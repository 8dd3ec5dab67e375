// In which order the ways to run a program are tried, and how often.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

#include "statistics.hpp"

namespace trial {

struct Sample {
  double seconds = 0; ///< of the processor
  double peak = 0;    ///< bytes
};

/// Two ways of which one is compared with the other, as numbers of ways; percent of what a third
/// one takes.
struct Comparison {
  std::size_t before;
  std::size_t after;
  std::size_t whole;
};

/// Samples by way; the n-th of each is of the n-th round.
using Samples = std::vector<std::vector<Sample>>;

/// By how many percent less time it takes, round for round: what disturbed a round has disturbed
/// all of it.
Interval gain(const Samples& samples, const Comparison& comparison);
/// By how many percent the peak is higher: of medians.
double memory(const Samples& samples, const Comparison& comparison);

struct Limits {
  std::size_t rounds; ///< at the most
  double points;      ///< an interval that lies within so many is enough
};

/// Before so many rounds no interval is believed.
constexpr std::size_t least_rounds = 5;

/// Runs each way once a round, in random order, for as long as one of the comparisons is not known
/// well enough; what is known is not run any more. `run` is given the number of a way, and `show`
/// how far it has come.
Samples go_round(std::size_t ways, const std::vector<Comparison>& comparisons, const Limits& limits,
                 const std::function<Sample(std::size_t)>& run,
                 const std::function<void(std::string_view)>& show);

} // namespace trial
