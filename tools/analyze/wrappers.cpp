#include "wrappers.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>

namespace analyze {
namespace {

constexpr std::size_t min_callers = 4;
constexpr std::size_t min_sizes = 4;
constexpr std::size_t max_places = 2; // beside malloc it may call realloc
constexpr int max_layers = 3;

/// What a function does that is the innermost one, but for wrappers.
struct Innermost {
  std::set<std::uint64_t> places; // in it, from which it calls what gives it blocks
  std::set<std::uint64_t> callers;
  std::set<std::pair<std::uint64_t, std::uint64_t>> sizes; // least and most of a site
  std::uint64_t deaths = 0;
  std::uint64_t deaths_within = 0;

  bool is_wrapper() const {
    return callers.size() >= min_callers && sizes.size() >= min_sizes &&
           places.size() <= max_places && deaths_within * 10 <= deaths;
  }
};

} // namespace

std::vector<bool> find_wrappers(const Stacks& stacks, const Lifetimes& lifetimes) {
  const auto& paths = stacks.paths();
  std::vector<bool> wrappers(stacks.functions().size());
  for (int layer = 0; layer < max_layers; ++layer) {
    std::vector<Innermost> functions(wrappers.size());
    for (std::size_t site = 0; site < lifetimes.sites.size(); ++site) {
      const Lives& lives = lifetimes.sites[site];
      std::uint32_t path = stacks.sites()[site].path;
      if (lives.calls == 0 || paths[path].ip != stacks.sites()[site].ip) // which called itself
        continue;
      while (paths[path].depth > 1 && wrappers[paths[path].function])
        path = paths[path].parent;
      if (paths[path].depth <= 1)
        continue;
      Innermost& function = functions[paths[path].function];
      if (function.places.size() <= max_places)
        function.places.insert(paths[path].ip);
      if (function.callers.size() < min_callers)
        function.callers.insert(paths[paths[path].parent].ip);
      if (function.sizes.size() < min_sizes)
        function.sizes.insert({lives.min_size, lives.max_size});
      function.deaths += lives.deaths;
      function.deaths_within += lives.deaths_within(paths[path].depth);
    }
    bool any = false;
    for (std::size_t i = 0; i < functions.size(); ++i) {
      if (!wrappers[i] && functions[i].is_wrapper())
        wrappers[i] = any = true;
    }
    if (!any)
      break;
  }
  return wrappers;
}

} // namespace analyze
