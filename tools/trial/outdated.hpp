// Whether a plan is for what is on this machine.
#pragma once

#include <string>

#include "plan.hpp"

namespace trial {

/// Why it isn't: which module that its keys need is gone, or has changed. Empty if it is.
std::string why_outdated(const Plan& plan);

} // namespace trial
