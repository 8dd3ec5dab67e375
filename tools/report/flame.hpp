// Who calls whom until somebody allocates, and how much: a tree with its root at the outermost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "places.hpp"

namespace report {

struct Flame {
  struct Node {
    int parent; ///< index, less than its own; the root has none
    std::string name;
    std::string location;    ///< file:line where the function starts; empty: not known
    std::uint64_t calls = 0; ///< with all below, as the bytes
    std::uint64_t bytes = 0;
    int entry = none; ///< that has more than half of the calls
  };
  std::vector<Node> nodes; ///< at most twice as many as were asked for
};

/// The `most` largest nodes, by calls or by bytes; what else a node calls is its "(other)".
Flame draw_flame(const advise::Inputs& inputs, const Places& places, analyze::Naming& naming,
                 std::size_t most);

} // namespace report
