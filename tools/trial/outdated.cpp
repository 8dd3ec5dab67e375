#include "outdated.hpp"

#include <cstdint>
#include <optional>
#include <set>

#include "../launch/executable.hpp"

namespace trial {

std::string why_outdated(const Plan& plan) {
  std::set<std::uint32_t> needed;
  for (const Plan::Node& node : plan.nodes)
    needed.insert(node.module);
  for (const std::uint32_t number : needed) {
    const Plan::Module& module = plan.modules[number];
    if (module.build_id.empty())
      return module.path + " has no build id, so that nobody knows whether it is still the same; "
                           "-Wl,--build-id gives it one";
    const std::optional<std::string> id = launch::build_id_of(module.path);
    if (!id)
      return module.path + " is gone, or is no executable any more";
    if (*id != module.build_id)
      return module.path + " is not the file that was recorded";
  }
  return {};
}

} // namespace trial
