#include "details.hpp"

#include "../analyze/replay.hpp"

#include <algorithm>
#include <bit>
#include <map>
#include <unordered_map>
#include <utility>

namespace advise {
namespace {

using analyze::Block;

constexpr std::size_t max_sites = 3;

/// Where the functions of scopes stood when their blocks came and went, and how many blocks of each
/// entry lived at once.
class Visits {
public:
  Visits(const Inputs& in, std::vector<Entry>& entries)
      : in_(in), entries_(entries), ips(entries.size()), entry_of_(in.stacks.sites().size(), none),
        live_(entries.size()), ip_of_(entries.size()) {
    for (std::size_t i = 0; i < entries.size(); ++i)
      for (const std::uint32_t site : entries[i].site_numbers)
        entry_of_[site] = i;
  }

  void event(const trace::Event&, std::uint64_t) {}
  void unknown(const trace::Event&) {}
  void lost(const Block& block) { leave(block); }
  void left(const Block&) {}
  void got(const Block& block, const trace::Event& e) {
    const std::size_t entry = entry_of_[in_.stacks.site_of(block.context)];
    if (entry == none)
      return;
    entries_[entry].most_blocks = std::max(entries_[entry].most_blocks, ++live_[entry]);
    visit(entry, e.context);
  }
  void gone(const Block& block, const trace::Event& e, std::uint64_t) {
    const std::size_t entry = leave(block);
    if (entry != none)
      visit(entry, e.context);
  }

private:
  static constexpr std::size_t none = ~std::size_t{0};

  std::size_t leave(const Block& block) {
    const std::size_t entry = entry_of_[in_.stacks.site_of(block.context)];
    if (entry != none)
      --live_[entry];
    return entry;
  }

  void visit(std::size_t entry, std::uint32_t context) {
    if (entries_[entry].scope_function == 0)
      return;
    const std::uint32_t path = in_.stacks.path_of(context);
    const auto [found, made] = ip_of_[entry].try_emplace(path);
    if (made)
      found->second = ip_in(path, entries_[entry].scope_function);
    if (found->second != 0)
      ++ips[entry][found->second];
  }

  std::uint64_t ip_in(std::uint32_t path, std::uint32_t function) const {
    const auto& paths = in_.stacks.paths();
    while (path != 0 && paths[path].function != function)
      path = paths[path].parent;
    return paths[path].ip;
  }

  const Inputs& in_;
  std::vector<Entry>& entries_;

public:
  /// By entry: addresses, and how many blocks came and went while it stood there.
  std::vector<std::map<std::uint64_t, std::uint64_t>> ips;

private:
  std::vector<std::size_t> entry_of_; // by site
  std::vector<std::uint64_t> live_;
  std::vector<std::unordered_map<std::uint32_t, std::uint64_t>> ip_of_; // by path
};

std::uint32_t depth_of(const Inputs& in, std::uint32_t site, std::uint32_t function) {
  const auto& paths = in.stacks.paths();
  std::uint32_t path = in.stacks.sites()[site].path;
  while (path != 0 && paths[path].function != function)
    path = paths[path].parent;
  return paths[path].depth;
}

void describe(const Inputs& in, analyze::Naming& naming, Entry& entry,
              const std::map<std::uint64_t, std::uint64_t>& ips) {
  using Name = analyze::Naming::Name;
  std::map<std::string, std::pair<std::uint64_t, Name>> askers;
  std::uint64_t threads = 0;
  std::uint64_t objects = 0;
  for (const std::uint32_t site : entry.site_numbers) {
    const analyze::Lives& lives = in.lifetimes.sites[site];
    const Name name = naming.asker(site);
    auto& [calls, at] = askers[name.function];
    calls += lives.calls;
    at = name;
    threads |= lives.threads;
    objects += lives.objects;
    if (entry.scope_function != 0)
      entry.escapes += lives.calls - lives.deaths_within(depth_of(in, site, entry.scope_function));
  }
  entry.threads = static_cast<unsigned>(std::popcount(threads));

  std::vector<std::pair<std::uint64_t, Name>> sites;
  for (const auto& [function, site] : askers)
    sites.push_back(site);
  std::stable_sort(sites.begin(), sites.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  for (std::size_t i = 0; i < std::min(max_sites, sites.size()); ++i)
    entry.sites.push_back(sites[i].second.function);
  entry.more_sites = sites.size() - entry.sites.size();

  const Name where = entry.scope_function != 0 ? naming.within(entry.scope_function, ips)
                     : entry.maker != 0        ? naming.asker(entry.maker)
                     : sites.empty()           ? Name{}
                                               : sites.front().second;
  entry.function = where.function;
  entry.module = where.module;
  entry.location = where.location;
  entry.is_c = objects == 0 && where.function.find_first_of(":<(~") == std::string::npos;
}

} // namespace

void describe(const Inputs& in, analyze::Naming& naming, std::vector<Entry>& entries) {
  if (entries.empty())
    return;
  Visits visits(in, entries);
  analyze::replay(in.trace, visits);
  for (std::size_t i = 0; i < entries.size(); ++i)
    describe(in, naming, entries[i], visits.ips[i]);
}

} // namespace advise
