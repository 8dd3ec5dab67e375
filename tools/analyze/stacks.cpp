#include "stacks.hpp"

#include <cstddef>
#include <functional>
#include <unordered_map>

namespace analyze {
namespace {

struct Key { // of a path or a site
  std::uint32_t within;
  std::uint64_t ip;
  bool operator==(const Key&) const = default;
};

struct Hash {
  std::size_t operator()(const Key& key) const {
    return std::hash<std::uint64_t>{}((key.ip ^ (std::uint64_t{key.within} << 40)) *
                                      0x9E3779B97F4A7C15u);
  }
};

} // namespace

Stacks::Stacks(std::span<const trace::Context> contexts)
    : contexts_(contexts), folded_(contexts.size()), paths_(1), sites_(1), functions_(1) {
  std::unordered_map<std::uint64_t, std::uint32_t> function_of;
  std::unordered_map<Key, std::uint32_t, Hash> path_of;
  std::unordered_map<Key, std::uint32_t, Hash> site_of;
  for (std::size_t c = 1; c < contexts.size(); ++c) {
    const trace::Context& context = contexts[c];
    const auto [function, new_function] =
        function_of.try_emplace(context.function, static_cast<std::uint32_t>(functions_.size()));
    if (new_function)
      functions_.push_back(context.function);

    std::uint32_t path = folded_[context.parent].path;
    bool outermost = true;
    for (std::uint32_t p = path; p != 0 && outermost; p = paths_[p].parent)
      outermost = paths_[p].function != function->second;
    if (outermost) {
      const auto [found, made] =
          path_of.try_emplace({path, context.ip}, static_cast<std::uint32_t>(paths_.size()));
      if (made)
        paths_.push_back({path, paths_[path].depth + 1, function->second, context.ip});
      path = found->second;
    }
    const auto [site, new_site] =
        site_of.try_emplace({path, context.ip}, static_cast<std::uint32_t>(sites_.size()));
    if (new_site)
      sites_.push_back({path, function->second, context.ip});
    folded_[c] = {path, site->second};
  }
}

} // namespace analyze
