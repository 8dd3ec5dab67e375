#pragma once

#include <functional>
#include <optional>

namespace bench {

/// How many system calls `work` makes. A child process does it, watched by this one. Nothing:
/// processes may not be watched here.
[[nodiscard]] std::optional<double> count_system_calls(const std::function<void()>& work);

} // namespace bench
