// By which return addresses a program that runs again is told what to do with a call of malloc.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "advice.hpp"

namespace advise {

/// A tree whose root is a call of malloc. Each node is a return address, of the frame that called
/// what its parent stands for: so a look-up goes from the innermost frame outward.
class Keys {
public:
  static constexpr int none = -1;    ///< the system's malloc
  static constexpr int look_on = -2; ///< the next frame tells

  struct Node {
    std::uint32_t parent; ///< 0: the root, which is no frame
    std::uint32_t depth;  ///< 1: innermost
    std::uint64_t ip;
    int route; ///< or look_on
  };

  /// `route_of` has for each site its route or none; `holds` has for each route whether it keeps
  /// all of its memory for as long as any of it lives. A pass over the trace.
  Keys(const Inputs& inputs, const std::vector<int>& route_of, const std::vector<bool>& holds);

  const std::vector<Node>& nodes() const { return nodes_; }
  /// What a look-up finds for a call from there: a route or none.
  int route_of(std::uint32_t context) const;

private:
  /// Stacks of calls that are the same up to the node that is at work.
  struct Stack {
    std::uint32_t context; // of the frame that is looked at next; 0: there is none
    std::uint64_t calls;
    int route;
  };

  void add(const std::vector<Stack>& stacks, std::uint32_t parent);
  std::uint32_t add_node(std::uint32_t parent, std::uint64_t ip, int route);
  int common_route(const std::vector<Stack>& stacks) const;
  bool is_told(std::uint64_t ip) const;

  const Inputs& in_;
  const std::vector<bool>& holds_;
  std::uint64_t calls_ = 0; // of the program
  std::vector<Node> nodes_;
  std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint32_t> children_;
};

} // namespace advise
