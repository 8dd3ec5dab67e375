#include "report.hpp"

#include "callers.hpp"
#include "judge.hpp"

#include <fmt/format.h>
#include <optional>
#include <utility>

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

void print_keys(std::FILE* out, const symbols::Symbols& symbols, const Keys& keys) {
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
      fmt::print(out, "key {} {}{}\n", node.route, node.depth, texts[i]);
  }
}

/// Takes what may be taken along from the regions that would hold more bytes than they may. Returns
/// whether there are any.
bool forbid_what_is_too_much(std::vector<Caller>& callers, const std::vector<Route>& routes,
                             const std::vector<std::uint64_t>& most) {
  std::uint64_t too_much = 0;
  for (std::size_t i = 0; i < routes.size(); ++i)
    if (!routes[i].pool && routes[i].bytes > most[i])
      too_much |= std::uint64_t{1} << i;
  for (Caller& caller : callers)
    caller.harmless &= ~too_much;
  return too_much != 0;
}

} // namespace

void print_plan(std::FILE* out, const Inputs& in, Advice& advice) {
  std::vector<int> route_of(in.stacks.sites().size(), Keys::none);
  std::vector<Route> routes;
  std::vector<std::uint64_t> most; // bytes of an epoch
  for (Entry& entry : advice.entries) {
    // What a trial can do without the source.
    const bool pool = entry.kind == Kind::pool;
    if (!pool && entry.kind != Kind::region && entry.kind != Kind::object_pool)
      continue;
    entry.route = static_cast<int>(routes.size());
    routes.push_back({.pool = pool, .block_bytes = entry.block_bytes});
    most.push_back(entry.max_bytes + allowed_waste(in.lifetimes));
    for (const std::uint32_t site : entry.site_numbers)
      route_of[site] = entry.route;
  }
  std::vector<Caller> callers = find_callers(in, route_of, routes);
  std::optional<Keys> keys(std::in_place, in, callers);
  predict(in, *keys, routes);
  if (forbid_what_is_too_much(callers, routes, most)) {
    keys.emplace(in, callers);
    predict(in, *keys, routes);
  }

  fmt::print(out, "allot plan 2\n");
  print_modules(out, in.trace);
  for (const Entry& entry : advice.entries) {
    if (entry.route < 0)
      continue;
    const Route& route = routes[static_cast<std::size_t>(entry.route)];
    if (route.pool)
      fmt::print(out, "route {} pool {} {} {} {}\n", entry.route, route.block_bytes, route.blocks,
                 route.calls, entry.function);
    else
      fmt::print(out, "route {} region {} {} {} {}\n", entry.route, route.bytes, route.epochs,
                 route.calls, entry.function);
  }
  print_keys(out, in.symbols, *keys);
}

} // namespace advise
