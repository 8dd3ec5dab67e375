// By which return addresses a program that runs again is told what to do with a call of malloc.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "advice.hpp"

namespace advise {

/// A call of malloc from a context, as far as routes are concerned.
struct Caller {
  std::uint32_t context = 0;
  std::uint64_t calls = 0;
  int route = -1;             ///< that it is meant for; -1: none
  std::uint64_t harmless = 0; ///< routes that may take it along, if it has none: bits

  bool may_go(int number) const {
    if (route != -1)
      return number == route;
    return (harmless >> static_cast<unsigned>(number) & 1) != 0;
  }
};

/// A tree whose root is a call of malloc. Each node is a return address, of the frame that called
/// what its parent stands for: so a look-up goes from the innermost frame outward.
///
/// It looks as far as that pays: each frame costs all calls that come by something, and leads some
/// of them to their route. What only a long look would tell apart goes along with the others of its
/// group where it does them no harm, or is left.
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

  /// Of callers with different contexts.
  Keys(const Inputs& inputs, const std::vector<Caller>& callers);

  const std::vector<Node>& nodes() const { return nodes_; }
  /// What a look-up finds for a call from there: a route or none.
  int route_of(std::uint32_t context) const;

private:
  /// A caller at the frame that is looked at next.
  struct Stack {
    std::uint32_t context; ///< of that frame; 0: there is none
    const Caller* caller;
  };
  using Stacks = std::vector<Stack>;

  double add(Stacks::iterator begin, Stacks::iterator end, std::uint32_t parent);
  double add_group(Stacks::iterator begin, Stacks::iterator end, std::uint32_t parent,
                   std::uint64_t ip);
  bool is_told(std::uint64_t ip) const;

  const Inputs& in_;
  double calls_ = 0; // of the program
  std::vector<Node> nodes_;
  std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint32_t> children_;
};

} // namespace advise
