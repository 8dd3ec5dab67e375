// A report in one HTML file, that needs nothing else.
#pragma once

#include <string>

#include "../advise/advice.hpp"

namespace report {

/// Writes the file; - is standard output. `trial` is what `allot trial --json` or `allot advise
/// --json` wrote of the same program; empty if there was none. Passes over the trace a few times.
/// Throws TrialError where that is no trial's, or trace::Error, before there is a file, and
/// std::system_error.
void write_report(const std::string& path, const advise::Inputs& inputs,
                  const advise::Advice& advice, const std::string& trial);

} // namespace report
