#include "report.hpp"

#include "callers.hpp"
#include "judge.hpp"

#include <fmt/format.h>
#include <string>
#include <utility>
#include <vector>

namespace advise {
namespace {

void print_modules(std::FILE* out, const trace::Trace& trace) {
  for (const trace::Module& module : trace.modules()) {
    std::string id;
    for (const char byte : module.build_id)
      id += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    fmt::print(out, "module {} {}\n", id.empty() ? "-" : id, module.path);
  }
}

/// `numbers` has for each route what it is called in the plan.
void print_keys(std::FILE* out, const symbols::Symbols& symbols, const Keys& keys,
                const std::vector<int>& numbers) {
  const auto& nodes = keys.nodes();
  std::vector<std::string> texts(nodes.size());
  for (std::size_t i = 1; i < nodes.size(); ++i) {
    const Keys::Node& node = nodes[i];
    const trace::Module& module = *symbols.module(node.ip);
    texts[i] = fmt::format("{} {}+{:x}", texts[node.parent], symbols::file_name(module.path),
                           node.ip - module.bias);
    if (node.route == Keys::look_on)
      fmt::print(out, "inner {}{}\n", node.depth, texts[i]);
    else
      fmt::print(out, "key {} {}{}\n", numbers[static_cast<std::size_t>(node.route)], node.depth,
                 texts[i]);
  }
}

/// Regions, by bit, that would hold more memory than they may.
std::uint64_t too_large(const std::vector<Route>& routes, std::uint64_t waste) {
  std::uint64_t found = 0;
  for (std::size_t i = 0; i < routes.size(); ++i)
    if (!routes[i].pool &&
        routes[i].bytes > routes[i].live_bytes + routes[i].live_bytes / 10 + waste)
      found |= std::uint64_t{1} << i;
  return found;
}

/// Finds keys, and what they lead to. A region that would hold too much takes nothing along, and if
/// that isn't enough, it is left: some objects live side by side, and never all are gone.
Keys settle(const Inputs& in, std::vector<Caller> callers, std::vector<Route>& routes) {
  std::uint64_t alone = 0; // those that take nothing along
  for (;;) {
    Keys keys(in, callers);
    predict(in, keys, routes);
    const std::uint64_t too_much = too_large(routes, allowed_waste(in.lifetimes));
    if (too_much == 0)
      return keys;
    for (Caller& caller : callers) {
      caller.harmless &= ~too_much;
      if (caller.route != Keys::none && (alone & too_much) >> caller.route & 1)
        caller.route = Keys::none;
    }
    alone |= too_much;
  }
}

} // namespace

void print_plan(std::FILE* out, const Inputs& in, Advice& advice) {
  std::vector<int> route_of(in.stacks.sites().size(), Keys::none);
  std::vector<Route> routes;
  std::vector<Entry*> entries;
  for (Entry& entry : advice.entries) {
    // What a trial can do without the source.
    const bool pool = entry.kind == Kind::pool;
    if (!pool && entry.kind != Kind::region && entry.kind != Kind::object_pool)
      continue;
    for (const std::uint32_t site : entry.site_numbers)
      route_of[site] = static_cast<int>(routes.size());
    routes.push_back({.pool = pool, .block_bytes = entry.block_bytes});
    entries.push_back(&entry);
  }
  const Keys keys = settle(in, find_callers(in, route_of, routes), routes);

  fmt::print(out, "allot plan 2\n");
  print_modules(out, in.trace);
  std::vector<int> numbers(routes.size(), Keys::none);
  int next = 0;
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const Route& route = routes[i];
    if (route.calls == 0) // none can be told from others, or it is left
      continue;
    numbers[i] = entries[i]->route = next++;
    if (route.pool)
      fmt::print(out, "route {} pool {} {} {} {}\n", numbers[i], route.block_bytes, route.blocks,
                 route.calls, entries[i]->function);
    else
      fmt::print(out, "route {} region {} {} {} {}\n", numbers[i], route.bytes, route.epochs,
                 route.calls, entries[i]->function);
  }
  print_keys(out, in.symbols, keys, numbers);
}

} // namespace advise
