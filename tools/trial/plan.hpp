// A plan: which calls of malloc are routed where. See docs/advisor.md for its form.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace trial {

/// A text that is no plan, or that does not hold together. What it says is for the user, and names
/// the line.
class PlanError : public std::runtime_error {
  using runtime_error::runtime_error;
};

struct Plan {
  struct Module {
    std::string build_id; ///< bytes; empty: the file has none
    std::string path;
  };

  struct Route {
    bool pool = false;        ///< else a region
    std::uint64_t bytes = 0;  ///< of a block; of a region, the most of an epoch
    std::uint64_t epochs = 0; ///< of a region
    std::uint64_t blocks = 0; ///< of a pool: the most that live at once
    std::uint64_t calls = 0;
    std::string function;
  };

  /// A return address, one frame further out than its parent's.
  struct Node {
    static constexpr std::uint32_t none = 0;
    std::uint32_t parent; ///< index + 1; none: it is that of the call of malloc
    std::uint32_t module;
    std::uint64_t offset; ///< in the module's file
    std::int32_t route;   ///< -1: the next frame decides
  };

  std::vector<Module> modules;
  std::vector<Route> routes;
  std::vector<Node> nodes; ///< parents before their children
};

/// Throws PlanError.
Plan parse_plan(std::string_view text);
/// Throws PlanError, or std::system_error.
Plan read_plan(const std::string& path);

} // namespace trial
