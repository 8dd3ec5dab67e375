// The times in which any block of a scope lives.
#pragma once

#include <vector>

#include "scopes.hpp"

namespace analyze {

/// Measures the scopes that aren't measured, in a pass over the trace if there are any.
void measure_epochs(const trace::Trace& trace, const Stacks& stacks, std::vector<Scope>& scopes);

} // namespace analyze
