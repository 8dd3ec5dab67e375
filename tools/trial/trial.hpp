// A trial: the unchanged program with the advised allocations routed to allot, against itself as it
// is and with other mallocs.
#pragma once

#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "plan.hpp"
#include "results.hpp"
#include "runs.hpp"

namespace trial {

struct Options {
  std::size_t rounds = 15; ///< at the most
  double points = 2;       ///< intervals that lie within so many are narrow enough
};

/// The program can't be preloaded; the text says why.
class CannotLoad : public std::runtime_error {
  using runtime_error::runtime_error;
};

/// Runs the program some dozens of times, without a word but to `show`, which is told how far it
/// has come. What the plan, or the program, is at fault for is in the results. Throws CannotLoad,
/// std::system_error, or std::runtime_error when there is no such program.
Results run_trial(const Plan& plan, const Options& options, const std::vector<std::string>& command,
                  const Input& input, const std::function<void(std::string_view)>& show);

} // namespace trial
