#include "keys.hpp"

#include <algorithm>
#include <string_view>

namespace advise {
namespace {

constexpr std::uint32_t max_depth = 12; // each frame more costs a look-up

// A route's keys may take along this share of others' calls, if it holds them only for as long as
// they live: a pool, not a region.
constexpr double stray = 0.0005;
// What is told apart only by long keys is left, if it has less than this share of all calls.
constexpr double negligible = 0.0002;

} // namespace

Keys::Keys(const Inputs& inputs, const std::vector<int>& route_of, const std::vector<bool>& holds)
    : in_(inputs), holds_(holds), nodes_(1) {
  // Only the contexts that allocate: what is inside of others is not one of them.
  std::map<std::uint32_t, std::uint64_t> calls;
  trace::Events events(in_.trace);
  for (trace::Event e; events.next(e);)
    if (!trace::releases(e.operation) && e.address != 0)
      ++calls[e.context], ++calls_;
  std::vector<Stack> stacks;
  for (const auto& [context, n] : calls)
    stacks.push_back({context, n, route_of[in_.stacks.site_of(context)]});
  add(stacks, 0);
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

void Keys::add(const std::vector<Stack>& stacks, std::uint32_t parent) {
  const auto& contexts = in_.trace.contexts();
  std::map<std::uint64_t, std::vector<Stack>> by_ip;
  for (const Stack& stack : stacks)
    if (stack.context != 0)
      by_ip[contexts[stack.context].ip].push_back(stack);
  for (auto& [ip, group] : by_ip) {
    if (!is_told(ip))
      continue;
    const int route = common_route(group);
    if (route >= 0)
      add_node(parent, ip, route);
    if (route != look_on)
      continue;
    std::uint64_t routed = 0;
    for (const Stack& stack : group)
      routed += stack.route >= 0 ? stack.calls : 0;
    if (nodes_[parent].depth + 1 == max_depth ||
        static_cast<double>(routed) < negligible * static_cast<double>(calls_))
      continue;
    for (Stack& stack : group)
      stack.context = contexts[stack.context].parent;
    add(group, add_node(parent, ip, look_on));
  }
}

std::uint32_t Keys::add_node(std::uint32_t parent, std::uint64_t ip, int route) {
  const auto node = static_cast<std::uint32_t>(nodes_.size());
  nodes_.push_back({parent, nodes_[parent].depth + 1, ip, route});
  children_.emplace(std::pair(parent, ip), node);
  return node;
}

/// Where all of these calls may go; look_on if to more than one.
int Keys::common_route(const std::vector<Stack>& stacks) const {
  std::map<int, std::uint64_t> calls;
  std::uint64_t all = 0;
  bool held = false;
  for (const Stack& stack : stacks) {
    calls[stack.route] += stack.calls;
    all += stack.calls;
    held = held || (stack.route >= 0 && holds_[static_cast<std::size_t>(stack.route)]);
  }
  const auto most = std::max_element(
      calls.begin(), calls.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  if (calls.size() == 1 ||
      (!held && static_cast<double>(most->second) >= (1 - stray) * static_cast<double>(all)))
    return most->first;
  return look_on;
}

/// Whether the address can be written down: as an offset in a module whose name is one word.
bool Keys::is_told(std::uint64_t ip) const {
  const trace::Module* const module = in_.symbols.module(ip);
  return module != nullptr &&
         symbols::file_name(module->path).find_first_of(" \t\r\n") == std::string_view::npos;
}

} // namespace advise
