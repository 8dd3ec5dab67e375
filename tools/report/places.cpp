#include "places.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

namespace report {
namespace {

std::uint64_t escapes_of(const advise::Inputs& in, std::uint32_t site, std::uint32_t function) {
  const auto& paths = in.stacks.paths();
  std::uint32_t path = in.stacks.sites()[site].path;
  while (path != 0 && paths[path].function != function)
    path = paths[path].parent;
  const analyze::Lives& lives = in.lifetimes.sites[site];
  return lives.calls - lives.deaths_within(paths[path].depth);
}

double share(std::uint64_t n, std::uint64_t all) {
  return all == 0 ? 0 : static_cast<double>(n) / static_cast<double>(all);
}

} // namespace

void Place::add(const analyze::Lives& lives) {
  calls += lives.calls;
  bytes += lives.bytes;
  min_size = std::min(min_size, lives.min_size);
  max_size = std::max(max_size, lives.max_size);
  most_live_bytes += lives.most_live_bytes;
  deaths += lives.deaths;
  ages += lives.ages;
  moves += lives.moves;
  growths += lives.growths;
  foreign += lives.foreign;
  threads |= lives.threads;
}

Places::Places(const advise::Inputs& in, const advise::Advice& advice, analyze::Naming& naming,
               std::size_t most)
    : entries_(advice.entries.size()), place_of_(in.stacks.sites().size(), none),
      entry_of_(place_of_) {
  for (std::size_t i = 0; i < entries_; ++i)
    for (const std::uint32_t site : advice.entries[i].site_numbers)
      entry_of_[site] = static_cast<int>(i);

  std::vector<Place> places;
  std::map<std::tuple<int, std::string, std::string>, int> numbers;
  for (std::uint32_t site = 0; site < place_of_.size(); ++site) {
    const analyze::Lives& lives = in.lifetimes.sites[site];
    if (lives.calls == 0)
      continue;
    const analyze::Naming::Name name = naming.asker(site);
    const auto [found, made] = numbers.try_emplace({entry_of_[site], name.function, name.location},
                                                   static_cast<int>(places.size()));
    if (made) {
      places.emplace_back().name = name;
      places.back().entry = entry_of_[site];
    }
    place_of_[site] = found->second;
    Place& place = places[static_cast<std::size_t>(found->second)];
    place.add(lives);
    if (place.entry == none)
      continue;
    const advise::Entry& entry = advice.entries[static_cast<std::size_t>(place.entry)];
    if (entry.scope_function != 0)
      place.escapes += escapes_of(in, site, entry.scope_function);
  }

  const auto weight = [&](std::size_t i) {
    return std::max({share(places[i].calls, in.lifetimes.calls),
                     share(places[i].bytes, in.lifetimes.bytes),
                     share(places[i].most_live_bytes, in.lifetimes.peak_bytes)});
  };
  std::vector<std::size_t> order(places.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return weight(a) > weight(b); });
  std::vector<int> rank(places.size(), none);
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i < most) {
      rank[order[i]] = static_cast<int>(i);
      largest_.push_back(places[order[i]]);
    } else {
      ++others_;
      rest_.calls += places[order[i]].calls;
      rest_.bytes += places[order[i]].bytes;
    }
  }
  for (int& place : place_of_)
    if (place != none)
      place = rank[static_cast<std::size_t>(place)];
}

} // namespace report
