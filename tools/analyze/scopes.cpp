#include "scopes.hpp"

#include "cuts.hpp"
#include "replay.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <optional>
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

std::uint64_t rounded(std::uint64_t size) {
  return std::max<std::uint64_t>((size + 15) & ~std::uint64_t{15}, 16);
}

/// How often a function stood where.
class Places {
public:
  /// Returns how often it stood at the most frequent place.
  std::uint64_t add(std::uint64_t ip) {
    constexpr std::size_t many = 64; // so many have none that is frequent
    auto found = std::find_if(places_.begin(), places_.end(),
                              [ip](const auto& place) { return place.first == ip; });
    if (found == places_.end() && places_.size() < many)
      found = places_.insert(found, {ip, 0});
    if (found != places_.end())
      most_ = std::max(most_, ++found->second);
    return most_;
  }

private:
  std::vector<std::pair<std::uint64_t, std::uint64_t>> places_;
  std::uint64_t most_ = 0;
};

/// Measures scopes that aren't.
class Measuring {
public:
  Measuring(const trace::Trace& trace, const Stacks& stacks, std::vector<Scope>& scopes)
      : stacks_(stacks), scopes_of_(stacks.sites().size()), cuts_(trace.threads()) {
    for (Scope& scope : scopes) {
      if (scope.measured)
        continue;
      for (const std::uint32_t site : scope.sites)
        scopes_of_[site].push_back(static_cast<std::uint32_t>(running_.size()));
      scope.epochs = scope.turns = scope.alike = scope.max_bytes = scope.max_live =
          scope.max_blocks = 0;
      scope.breaks = scope.begins = scope.ends = 0;
      scope.measured = true;
      running_.push_back({&scope, {}, {}, {}});
    }
  }

  bool any() const { return !running_.empty(); }

  void event(const trace::Event& e, std::uint64_t number) {
    cuts_[e.thread].add(number, e.kept);
    path_ = stacks_.path_of(e.context);
  }
  void unknown(const trace::Event&) {}
  void left(const Block&) {}
  void lost(const Block& block) { remove(block, block.number); }
  void gone(const Block& block, const trace::Event& e, std::uint64_t number) {
    if (e.operation == trace::Operation::reallocate && e.address != 0)
      moved_ = block; // it goes once the other one is there
    else
      remove(block, e.thread == block.thread ? number : 0);
  }

  void got(const Block& block, const trace::Event&) {
    add(block);
    if (moved_)
      remove(*moved_, moved_->thread == block.thread ? block.number : 0);
    moved_.reset();
  }

private:
  void add(const Block& block) {
    const std::uint64_t size = rounded(block.size);
    for (const std::uint32_t number : scopes_of_[stacks_.site_of(block.context)]) {
      Scope& scope = *running_[number].scope;
      Epoch& epoch = epoch_of(number, block.thread);
      if (epoch.calls == 0) {
        scope.turns += is_turn(scope, block, epoch.ended) ? 1 : 0;
        scope.begins = running_[number].begins.add(place_in(scope.function));
      }
      ++epoch.calls;
      ++epoch.live;
      epoch.bytes += size;
      epoch.live_bytes += size;
      scope.max_bytes = std::max(scope.max_bytes, epoch.bytes);
      scope.max_live = std::max(scope.max_live, epoch.live_bytes);
      scope.max_blocks = std::max(scope.max_blocks, epoch.live);
      if (scope.choice == Choice::ordered && epoch.ordered)
        epoch.births.push_back(block.order);
    }
  }

  struct Epoch {
    std::uint64_t calls = 0;
    std::uint64_t live = 0;
    std::uint64_t bytes = 0;
    std::uint64_t live_bytes = 0;
    std::uint64_t ended = 0;        // the last one, by the number of the thread's event; 0: none
    std::uint64_t calls_before = 0; // of the last epoch
    std::uint64_t bytes_before = 0;
    bool ordered = true;
    std::vector<std::uint64_t> births;
  };
  struct Running {
    Scope* scope;
    std::vector<Epoch> epochs; // by slot of threads
    Places begins;
    Places ends;
  };

  Epoch& epoch_of(std::uint32_t number, std::uint32_t thread) {
    auto& epochs = running_[number].epochs;
    const std::uint32_t slot = thread % thread_slots;
    if (slot >= epochs.size())
      epochs.resize(slot + 1);
    return epochs[slot];
  }

  void remove(const Block& block, std::uint64_t event) {
    const std::uint64_t size = rounded(block.size);
    for (const std::uint32_t number : scopes_of_[stacks_.site_of(block.context)]) {
      Scope& scope = *running_[number].scope;
      Epoch& epoch = epoch_of(number, block.thread);
      epoch.live_bytes -= size;
      if (scope.choice == Choice::ordered && epoch.ordered)
        take_newest(scope, epoch, block.order);
      if (--epoch.live != 0)
        continue;
      ++scope.epochs;
      scope.ends = running_[number].ends.add(place_in(scope.function));
      scope.alike += epoch.calls == epoch.calls_before && epoch.bytes == epoch.bytes_before ? 1 : 0;
      epoch.ended = event;
      epoch.calls_before = epoch.calls;
      epoch.bytes_before = epoch.bytes;
      epoch.calls = 0;
      epoch.bytes = 0;
    }
  }

  /// Whether no frame further in than the scope's has stayed since the epoch before.
  bool is_turn(const Scope& scope, const Block& block, std::uint64_t ended) const {
    if (ended == 0)
      return true;
    const std::uint32_t kept = cuts_[block.thread].kept_since(ended);
    const std::uint32_t stayed = stacks_.folded_path(block.context, kept);
    const auto& paths = stacks_.paths();
    if (stayed == 0 || paths[stayed].function == scope.function)
      return true;
    for (std::uint32_t p = paths[stayed].parent; p != 0; p = paths[p].parent)
      if (paths[p].function == scope.function)
        return false;
    return true;
  }

  /// Where a function stands at this event.
  std::uint64_t place_in(std::uint32_t function) const {
    const auto& paths = stacks_.paths();
    std::uint32_t path = path_;
    while (path != 0 && paths[path].function != function)
      path = paths[path].parent;
    return paths[path].ip;
  }

  static void take_newest(Scope& scope, Epoch& epoch, std::uint64_t birth) {
    constexpr std::size_t far = 64; // from the end, beyond which nothing is in order
    auto& births = epoch.births;
    const auto end = births.rbegin() + static_cast<std::ptrdiff_t>(std::min(far, births.size()));
    const auto found = std::find(births.rbegin(), end, birth);
    scope.breaks += found != births.rbegin() ? 1 : 0;
    if (found != end)
      births.erase(found.base() - 1);
    if (found == end || scope.breaks > 64 + scope.calls / 500) {
      scope.breaks = scope.calls;
      epoch.ordered = false;
      births = {};
    }
  }

  const Stacks& stacks_;
  std::vector<Running> running_;
  std::vector<std::vector<std::uint32_t>> scopes_of_; // by site
  std::optional<Block> moved_;
  std::vector<Cuts> cuts_; // by thread
  std::uint32_t path_ = 0; // of this event
};

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
  Measuring measuring(trace_, stacks_, scopes_);
  if (measuring.any())
    replay(trace_, measuring);
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
