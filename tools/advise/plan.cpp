#include "report.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace advise {
namespace {

constexpr int max_depth = 12; // of keys: each frame more costs a look-up

// A route's keys may take along this share of others' calls, if it holds them only for as long as
// they live: a pool, not a region.
constexpr double stray = 0.0005;
// What is told apart only by long keys is left, if it has less than this share of all calls.
constexpr double negligible = 0.0002;

/// A stack that is looked at from the inside out.
struct Stack {
  std::uint32_t context; // of the frame that is looked at next
  std::uint64_t calls;
  int route; // -1: none
};

class Keys {
public:
  Keys(std::FILE* out, const Inputs& in, const Advice& advice, const std::vector<bool>& holds)
      : out_(out), in_(in), advice_(advice), holds_(holds) {}

  void write(const std::vector<Stack>& stacks, const std::string& prefix, int depth) {
    std::map<std::uint64_t, std::vector<Stack>> by_ip;
    for (const Stack& stack : stacks)
      if (stack.context != 0)
        by_ip[in_.trace.contexts()[stack.context].ip].push_back(stack);
    for (auto& [ip, group] : by_ip) {
      const std::string key = prefix + " " + place(ip);
      const std::optional<int> route = common_route(group);
      if (route) {
        if (*route >= 0)
          fmt::print(out_, "key {} {}{}\n", *route, depth, key);
        continue;
      }
      std::uint64_t routed = 0;
      for (const Stack& stack : group)
        routed += stack.route >= 0 ? stack.calls : 0;
      if (depth == max_depth || advice_.share(routed) < negligible)
        continue;
      fmt::print(out_, "inner {}{}\n", depth, key);
      for (Stack& stack : group)
        stack.context = in_.trace.contexts()[stack.context].parent;
      write(group, key, depth + 1);
    }
  }

private:
  std::optional<int> common_route(const std::vector<Stack>& group) const {
    std::map<int, std::uint64_t> calls;
    std::uint64_t all = 0;
    bool held = false;
    for (const Stack& stack : group) {
      calls[stack.route] += stack.calls;
      all += stack.calls;
      held = held || (stack.route >= 0 && holds_[static_cast<std::size_t>(stack.route)]);
    }
    const auto most =
        std::max_element(calls.begin(), calls.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    if (calls.size() == 1 ||
        (!held && static_cast<double>(most->second) >= (1 - stray) * static_cast<double>(all)))
      return most->first;
    return {};
  }

  std::string place(std::uint64_t ip) const {
    const trace::Module* const module = in_.symbols.module(ip);
    if (module == nullptr)
      return fmt::format("?+{:x}", ip);
    return fmt::format("{}+{:x}", symbols::file_name(module->path), ip - module->bias);
  }

  std::FILE* out_;
  const Inputs& in_;
  const Advice& advice_;
  const std::vector<bool>& holds_; // by route: all of its memory, as long as any of it lives
};

} // namespace

void print_plan(std::FILE* out, const Inputs& in, const Advice& advice) {
  fmt::print(out, "allot plan 1\n");
  for (const trace::Module& module : in.trace.modules()) {
    std::string id;
    for (const char byte : module.build_id)
      id += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    fmt::print(out, "module {} {}\n", id.empty() ? "-" : id, module.path);
  }
  std::vector<int> route_of(in.stacks.sites().size(), -1);
  std::vector<bool> holds;
  for (const Entry& entry : advice.entries) {
    // What a trial can do without the source.
    if (entry.kind != Kind::region && entry.kind != Kind::pool && entry.kind != Kind::object_pool)
      continue;
    const bool pool = entry.kind == Kind::pool;
    const int route = static_cast<int>(holds.size());
    fmt::print(out, "route {} {} {} {}\n", route, pool ? "pool" : "region",
               pool ? entry.block_bytes : entry.max_bytes, entry.function);
    holds.push_back(!pool);
    for (const std::uint32_t site : entry.site_numbers)
      route_of[site] = route;
  }
  // Only the contexts that allocate: what is inside of others is not one of them.
  std::map<std::uint32_t, std::uint64_t> calls;
  trace::Events events(in.trace);
  for (trace::Event e; events.next(e);)
    if (!trace::releases(e.operation) && e.address != 0)
      ++calls[e.context];
  std::vector<Stack> stacks;
  for (const auto& [context, n] : calls)
    stacks.push_back({context, n, route_of[in.stacks.site_of(context)]});
  Keys(out, in, advice, holds).write(stacks, "", 1);
}

} // namespace advise
