// Does jobs, compares what both sides found, and measures what it took.
#pragma once

#include "../progress.hpp"
#include "counting.hpp"
#include "jobs.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace tour {

struct Cost {
  double seconds = 0; ///< of the processor; the median of all rounds
  std::optional<counting::Usage> usage;
};

struct Result {
  Job job;
  std::size_t values = 0;                     ///< that were compared
  std::optional<std::size_t> difference = {}; ///< number of the first value that is not the same
  Cost strategy = {};
  Cost malloc = {};
  [[nodiscard]] double ratio() const { return strategy.seconds / malloc.seconds; }
};

struct Tour {
  std::size_t rounds = 0;
  std::vector<Result> results;
};

Tour take(const Input& input, std::span<const Job> jobs, Progress& progress);

} // namespace tour
