// What is known of a recorded program, all that advice and a report begin with.
#pragma once

#include "../analyze/opened.hpp"
#include "advice.hpp"

#include <fmt/format.h>

namespace advise {

class Analysis {
public:
  /// Reads the trace; where names of functions will be missing is told on standard error.
  /// `progress` is to outlive it, or to be_quiet(). Throws trace::Error.
  Analysis(const std::string& file, Progress& progress)
      : trace_(analyze::open_watched(file, progress)), stacks_(trace_.contexts()),
        lifetimes_(measure_lifetimes(trace_, stacks_)), symbols_(trace_.modules()) {
    for (const std::string& path : symbols_.changed())
      fmt::print(stderr, "allot: {} is not the file that was recorded: no names from it\n", path);
    if (!symbols::Symbols::available())
      fmt::print(stderr, "allot: built without libdw: functions have no names\n");
  }
  Analysis(const Analysis&) = delete;
  Analysis& operator=(const Analysis&) = delete;

  const Inputs& inputs() const { return inputs_; }
  /// From here on it isn't told how far the trace was read.
  void be_quiet() { trace_.watch({}); }

private:
  trace::Trace trace_;
  analyze::Stacks stacks_;
  analyze::Lifetimes lifetimes_;
  symbols::Symbols symbols_;
  Inputs inputs_{trace_, stacks_, lifetimes_, symbols_};
};

} // namespace advise
