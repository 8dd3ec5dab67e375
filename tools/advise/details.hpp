#pragma once

#include <vector>

#include "../analyze/naming.hpp"
#include "advice.hpp"

namespace advise {

/// Says of entries which functions they are about, where their blocks come from, what escapes, and
/// which threads are there. A pass over the trace.
void describe(const Inputs& inputs, analyze::Naming& naming, std::vector<Entry>& entries);

} // namespace advise
