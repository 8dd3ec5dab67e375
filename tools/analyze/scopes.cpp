#include "scopes.hpp"

#include "epochs.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <unordered_map>

namespace analyze {
namespace {

constexpr std::uint32_t levels = 20; // of how long things live: powers of four
constexpr std::uint32_t near = 2;    // levels that are about as long
constexpr std::uint32_t choices = levels * 2 + 1;
constexpr std::size_t max_scopes = 4096;

std::uint32_t level_of(std::uint64_t time) {
  return std::min<std::uint32_t>(static_cast<std::uint32_t>(std::bit_width(time) / 2), levels - 1);
}

std::uint64_t mix(std::uint64_t n) {
  n = (n ^ (n >> 31)) * 0x9E3779B97F4A7C15u;
  return (n ^ (n >> 29)) * 0xBF58476D1CE4E5B9u;
}

struct Sum {
  std::uint64_t calls = 0;
  std::uint64_t sites = 0; // a hash of which
  std::uint64_t depths = 0;
};

/// Calls visit(choice's number) for each choice that a site belongs to.
void for_each_choice(const Lives& lives, auto&& visit) {
  const std::uint32_t level = level_of(lives.longest);
  for (std::uint32_t at = level; at < levels; ++at)
    visit(at);
  if (lives.lasting())
    for (std::uint32_t at = level; at < std::min(level + near + 1, levels); ++at)
      visit(levels + at);
  if (lives.in_order())
    visit(2 * levels);
}

Choice choice_of(std::size_t number) {
  return number < levels ? Choice::whole : number < 2 * levels ? Choice::lasting : Choice::ordered;
}

} // namespace

Scopes::Scopes(const trace::Trace& trace, const Stacks& stacks, const Lifetimes& lifetimes,
               std::uint64_t least, const std::function<bool(std::uint64_t)>& nameable)
    : trace_(trace), stacks_(stacks), lifetimes_(lifetimes), least_(least) {
  const auto& paths = stacks.paths();
  const auto& lives = lifetimes.sites;
  std::vector<std::uint32_t> scope_depths(lives.size());
  std::vector<Sum> sums(stacks.functions().size() * choices);

  // The outermost frame is no function that somebody wrote; a site's innermost may be one.
  const auto for_each_scope = [&](std::uint32_t site, auto&& visit) {
    for (std::uint32_t p = stacks.sites()[site].path; paths[p].depth > 1; p = paths[p].parent)
      if (paths[p].depth <= scope_depths[site])
        visit(paths[p]);
  };
  for (std::uint32_t site = 0; site < lives.size(); ++site) {
    if (lives[site].calls == 0)
      continue;
    scope_depths[site] = lives[site].scope_depth();
    for_each_scope(site, [&](const Path& path) {
      for_each_choice(lives[site], [&](std::uint32_t choice) {
        Sum& sum = sums[path.function * choices + choice];
        sum.calls += lives[site].calls;
        sum.sites += mix(site);
        sum.depths += lives[site].calls * path.depth;
      });
    });
  }

  // Of those that have the same sites, the innermost: nothing of them outlives it.
  std::unordered_map<std::uint64_t, std::size_t> chosen;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    if (sums[i].calls < std::max<std::uint64_t>(least, 1) ||
        !nameable(stacks.functions()[i / choices]))
      continue;
    const bool ordered = choice_of(i % choices) == Choice::ordered;
    const auto [found, made] = chosen.try_emplace(sums[i].sites ^ (ordered ? 1 : 0), i);
    if (!made && sums[i].depths > sums[found->second].depths)
      found->second = i;
  }
  std::vector<std::size_t> numbers;
  for (const auto& [hash, i] : chosen)
    numbers.push_back(i);
  std::sort(numbers.begin(), numbers.end(), [&](std::size_t a, std::size_t b) {
    return sums[a].calls != sums[b].calls ? sums[a].calls > sums[b].calls : a < b;
  });
  if (numbers.size() > max_scopes)
    numbers.resize(max_scopes);

  std::unordered_map<std::size_t, std::size_t> scope_of;
  for (const std::size_t i : numbers) {
    scope_of[i] = scopes_.size();
    scopes_.push_back({.function = static_cast<std::uint32_t>(i / choices),
                       .choice = choice_of(i % choices),
                       .depth = static_cast<std::uint32_t>(sums[i].depths / sums[i].calls),
                       .sites = {}});
  }
  for (std::uint32_t site = 0; site < lives.size(); ++site) {
    for_each_scope(site, [&](const Path& path) {
      for_each_choice(lives[site], [&](std::uint32_t choice) {
        const auto found = scope_of.find(path.function * choices + choice);
        if (found == scope_of.end())
          return;
        Scope& scope = scopes_[found->second];
        scope.sites.push_back(site);
        scope.calls += lives[site].calls;
        scope.bytes += lives[site].bytes;
      });
    });
  }
}

const std::vector<Scope>& Scopes::measured() {
  measure_epochs(trace_, stacks_, scopes_);
  return scopes_;
}

void Scopes::take(const std::vector<std::uint32_t>& sites) {
  std::vector<bool> taken(lifetimes_.sites.size());
  for (const std::uint32_t site : sites)
    taken[site] = true;
  for (Scope& scope : scopes_) {
    const auto gone = std::remove_if(scope.sites.begin(), scope.sites.end(), [&](auto site) {
      if (!taken[site])
        return false;
      scope.calls -= lifetimes_.sites[site].calls;
      scope.bytes -= lifetimes_.sites[site].bytes;
      return true;
    });
    if (gone != scope.sites.end()) {
      scope.sites.erase(gone, scope.sites.end());
      scope.measured = false;
    }
  }
  std::erase_if(scopes_,
                [&](const Scope& scope) { return scope.calls < least_ || scope.calls == 0; });
}

} // namespace analyze
