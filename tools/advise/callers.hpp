// Who calls malloc, and which routes may take such calls along.
#pragma once

#include <vector>

#include "keys.hpp"
#include "prediction.hpp"

namespace advise {

/// `route_of` has for each site its route or Keys::none. A region may take along what does not live
/// while it would be reset: it would be held by that. A pass over the trace.
std::vector<Caller> find_callers(const Inputs& inputs, const std::vector<int>& route_of,
                                 const std::vector<Route>& routes);

} // namespace advise
