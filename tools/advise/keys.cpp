#include "keys.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace advise {
namespace {

constexpr std::uint32_t max_depth = 48;

// What it is worth to lead a call to its route, in frames of a look-up. They take longer than what
// the route saves, but both sides of a trial's comparison have them. As much is lost by a call that
// is taken along, since it isn't what was advised.
constexpr double worth = 16;
// Of the calls that a key takes, what may be others than are meant.
constexpr double most_along = 0.125;
// What only more frames would tell is left, if it has less than this share of all calls.
constexpr double negligible = 0.0001;

} // namespace

Keys::Keys(const Inputs& inputs, const std::vector<Caller>& callers) : in_(inputs), nodes_(1) {
  Stacks stacks;
  for (const Caller& caller : callers) {
    stacks.push_back({caller.context, &caller});
    calls_ += static_cast<double>(caller.calls);
  }
  add(stacks.begin(), stacks.end(), 0);
  for (std::uint32_t i = 1; i < nodes_.size(); ++i)
    children_.emplace(std::pair(nodes_[i].parent, nodes_[i].ip), i);
}

int Keys::route_of(std::uint32_t context) const {
  const auto& contexts = in_.trace.contexts();
  for (std::uint32_t node = 0; context != 0; context = contexts[context].parent) {
    const auto found = children_.find({node, contexts[context].ip});
    if (found == children_.end())
      return none;
    node = found->second;
    if (nodes_[node].route != look_on)
      return nodes_[node].route;
  }
  return none;
}

/// Adds what tells these apart by their next frame. Returns what it is worth.
double Keys::add(Stacks::iterator begin, Stacks::iterator end, std::uint32_t parent) {
  const auto& contexts = in_.trace.contexts();
  std::sort(begin, end, [&](const Stack& a, const Stack& b) {
    return contexts[a.context].ip < contexts[b.context].ip;
  });
  double sum = 0;
  while (begin != end) {
    const std::uint64_t ip = contexts[begin->context].ip;
    const auto other = std::find_if(
        begin, end, [&](const Stack& stack) { return contexts[stack.context].ip != ip; });
    if (begin->context != 0 && is_told(ip))
      sum += add_group(begin, other, parent, ip);
    begin = other;
  }
  return sum;
}

/// Adds a node for those whose next frame stands there, if it is worth something; that is returned.
double Keys::add_group(Stacks::iterator begin, Stacks::iterator end, std::uint32_t parent,
                       std::uint64_t ip) {
  double all = 0;
  std::map<int, double> calls; // by route
  for (auto stack = begin; stack != end; ++stack) {
    const auto n = static_cast<double>(stack->caller->calls);
    all += n;
    if (stack->caller->route != none)
      calls[stack->caller->route] += n;
  }
  double routed = 0;
  double best = 0;
  int route = none;
  for (const auto& [number, n] : calls) {
    routed += n;
    const double gain = worth * (2 * n - all);
    if (gain > best && all - n <= most_along * all &&
        std::all_of(begin, end,
                    [number = number](const Stack& stack) { return stack.caller->may_go(number); }))
      best = gain, route = number;
  }

  const auto node = static_cast<std::uint32_t>(nodes_.size());
  const std::uint32_t depth = nodes_[parent].depth + 1;
  const double most = worth * routed - all; // that looking on can be worth
  if (most > best && routed >= negligible * calls_ && depth != max_depth) {
    nodes_.push_back({parent, depth, ip, look_on});
    for (auto stack = begin; stack != end; ++stack)
      stack->context = in_.trace.contexts()[stack->context].parent;
    const double further = add(begin, end, node) - all;
    if (further > best)
      return further;
    nodes_.resize(node);
  }
  if (route != none)
    nodes_.push_back({parent, depth, ip, route});
  return best;
}

/// Whether the address can be written down: as an offset in a module whose name is one word.
bool Keys::is_told(std::uint64_t ip) const {
  const trace::Module* const module = in_.symbols.module(ip);
  return module != nullptr &&
         symbols::file_name(module->path).find_first_of(" \t\r\n") == std::string_view::npos;
}

} // namespace advise
