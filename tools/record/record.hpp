// What other commands need of `allot record`.
#pragma once

#include <string>
#include <vector>

namespace record {

struct Options {
  std::string file = "allot.trace";
  bool children = false;
  bool quiet = false; ///< what went well is not told
};

/// Runs the program and records it; tells about it on standard error. Returns an exit code.
int run(const Options& options, const std::vector<std::string>& command);

} // namespace record
