#include "flame.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

namespace report {
namespace {

constexpr double negligible = 1e-4; // of all calls, and of all bytes
constexpr const char* other = "(other)";

/// Which of these are the largest, none of them negligible. What comes from a parent, that has a
/// lower number, comes after it.
std::vector<bool> largest(std::size_t most, const std::vector<double>& shares) {
  std::vector<std::size_t> order(shares.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return shares[a] > shares[b]; });
  std::vector<bool> chosen(shares.size());
  for (std::size_t i = 0; i < std::min(most, order.size()); ++i)
    chosen[order[i]] = shares[order[i]] >= negligible;
  return chosen;
}

class Drawing {
public:
  Drawing(const advise::Inputs& in, const Places& places, analyze::Naming& naming)
      : in_(in), places_(places), naming_(naming) {
    add(none, std::string(symbols::file_name(in.trace.program().path)), {});
  }

  Flame draw(std::size_t most) {
    grow(most);
    sum();
    return pruned(most);
  }

private:
  struct Node {
    Flame::Node shown;
    std::vector<std::uint64_t> calls_of; // by entry
  };

  double share(std::uint64_t calls, std::uint64_t bytes) const {
    const auto of = [](std::uint64_t n, std::uint64_t all) {
      return all == 0 ? 0 : static_cast<double>(n) / static_cast<double>(all);
    };
    return std::max(of(calls, in_.lifetimes.calls), of(bytes, in_.lifetimes.bytes));
  }

  int add(int parent, std::string name, std::string location) {
    const auto [found, made] =
        numbers_.try_emplace({parent, name}, static_cast<int>(nodes_.size()));
    if (made)
      nodes_.push_back({{parent, std::move(name), std::move(location)},
                        std::vector<std::uint64_t>(places_.entries())});
    return found->second;
  }

  /// Below a node, what stands at an address in a function, and what is inlined there.
  int add_frame(int node, std::uint64_t ip, std::uint32_t function) {
    const auto& inlined = in_.symbols.places(ip - 1);
    const trace::Module* const module = in_.symbols.module(ip);
    for (std::size_t i = inlined.size(); i-- > 0;) {
      const std::string name = i + 1 == inlined.size()
                                   ? naming_.function(in_.stacks.functions()[function])
                                   : inlined[i].function;
      if (!analyze::passes_on(name, module == nullptr ? std::string() : module->path) &&
          name != "_start")
        node = add(node, name, inlined[i].defined);
    }
    return node;
  }

  /// Names only what is large: there may be millions of paths.
  void grow(std::size_t most) {
    const auto& paths = in_.stacks.paths();
    std::vector<std::uint64_t> calls(paths.size());
    std::vector<std::uint64_t> bytes(paths.size());
    for (std::size_t site = 0; site < in_.lifetimes.sites.size(); ++site) {
      calls[in_.stacks.sites()[site].path] += in_.lifetimes.sites[site].calls;
      bytes[in_.stacks.sites()[site].path] += in_.lifetimes.sites[site].bytes;
    }
    std::vector<double> shares(paths.size());
    for (std::size_t path = paths.size(); path-- > 1;) {
      calls[paths[path].parent] += calls[path];
      bytes[paths[path].parent] += bytes[path];
      shares[path] = share(calls[path], bytes[path]);
    }
    const std::vector<bool> shown = largest(8 * most, shares);
    std::vector<int> node_of(paths.size());
    for (std::size_t path = 1; path < paths.size(); ++path)
      if (shown[path])
        node_of[path] =
            add_frame(node_of[paths[path].parent], paths[path].ip, paths[path].function);

    for (std::uint32_t site = 0; site < in_.lifetimes.sites.size(); ++site) {
      const analyze::Lives& lives = in_.lifetimes.sites[site];
      if (lives.calls == 0)
        continue;
      std::uint32_t path = in_.stacks.sites()[site].path;
      int node = node_of[path];
      if (path != 0 && !shown[path]) {
        while (path != 0 && !shown[path])
          path = paths[path].parent;
        node = add(node_of[path], other, {});
      } else if (in_.stacks.sites()[site].function != paths[path].function) {
        node = add_frame(node, in_.stacks.sites()[site].ip, in_.stacks.sites()[site].function);
      }
      if (node == 0) // nobody's but the libraries'
        node = add(0, naming_.asker(site).function, {});
      Node& own = nodes_[static_cast<std::size_t>(node)];
      own.shown.calls += lives.calls;
      own.shown.bytes += lives.bytes;
      if (const int entry = places_.entry_of(site); entry != none)
        own.calls_of[static_cast<std::size_t>(entry)] += lives.calls;
    }
  }

  void sum() {
    for (std::size_t i = nodes_.size(); i-- > 0;) {
      Node& node = nodes_[i];
      for (std::size_t e = 0; e < node.calls_of.size(); ++e)
        if (node.calls_of[e] * 2 > node.shown.calls)
          node.shown.entry = static_cast<int>(e);
      if (i == 0)
        break;
      Node& parent = nodes_[static_cast<std::size_t>(node.shown.parent)];
      parent.shown.calls += node.shown.calls;
      parent.shown.bytes += node.shown.bytes;
      for (std::size_t e = 0; e < node.calls_of.size(); ++e)
        parent.calls_of[e] += node.calls_of[e];
    }
  }

  Flame pruned(std::size_t most) const {
    std::vector<double> shares;
    for (const Node& node : nodes_)
      shares.push_back(share(node.shown.calls, node.shown.bytes));
    std::vector<bool> stays = largest(most, shares);
    stays[0] = true;
    Flame flame;
    std::vector<int> new_number(nodes_.size(), none);
    std::map<int, int> others; // by new number of the parent
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      Flame::Node node = nodes_[i].shown;
      if (i != 0 && (node.parent = new_number[static_cast<std::size_t>(node.parent)]) == none)
        continue; // in what its parent went into
      if (stays[i] && node.name != other) {
        new_number[i] = static_cast<int>(flame.nodes.size());
        flame.nodes.push_back(std::move(node));
        continue;
      }
      const auto [found, made] =
          others.try_emplace(node.parent, static_cast<int>(flame.nodes.size()));
      if (made)
        flame.nodes.push_back({node.parent, other, {}, 0, 0, none});
      flame.nodes[static_cast<std::size_t>(found->second)].calls += node.calls;
      flame.nodes[static_cast<std::size_t>(found->second)].bytes += node.bytes;
    }
    return flame;
  }

  const advise::Inputs& in_;
  const Places& places_;
  analyze::Naming& naming_;
  std::vector<Node> nodes_;
  std::map<std::pair<int, std::string>, int> numbers_;
};

} // namespace

Flame draw_flame(const advise::Inputs& in, const Places& places, analyze::Naming& naming,
                 std::size_t most) {
  return Drawing(in, places, naming).draw(most);
}

} // namespace report
