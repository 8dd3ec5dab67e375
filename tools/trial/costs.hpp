// What a trial itself costs on this machine, which a change in the source would not.
#pragma once

#include <cstdint>

#include "runs.hpp"
#include "shared.hpp"

namespace trial {

struct Costs {
  /// Seconds that a pair of getting and giving back takes more than one by hand, without the
  /// look-up, which the control has as well.
  double region_pair = 0;
  double pool_pair = 0;
  double step = 0; ///< ticks of a step of a teardown that does nothing but free
  double tick = 0; ///< seconds of one of the processor's clock
};

/// Seconds that a teardown takes beyond its frees: destructors, which by hand go.
double seconds_of(const Teardown& teardown, const Costs& costs);

/// Runs a program whose every block is of one route, in less than a second. Throws
/// std::system_error, or std::runtime_error.
Costs measure_costs(const std::string& runner, const std::string& library);

} // namespace trial
