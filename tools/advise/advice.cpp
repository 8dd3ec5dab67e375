#include "advice.hpp"

#include "../analyze/naming.hpp"
#include "../analyze/scopes.hpp"
#include "details.hpp"
#include "judge.hpp"
#include "pair.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace advise {
namespace {

using analyze::Lives;
using analyze::Scope;

constexpr std::size_t max_entries = 10;
constexpr std::size_t max_scopes = 6;

// Of what lives side by side with others of its kind: fewer are as well nodes of two containers.
constexpr std::size_t min_parts = 3;
constexpr std::size_t max_parts = 32;
// Larger blocks gain little from a pool, and lose as much as a page at its end.
constexpr std::uint64_t max_pool_block = 2048;

/// The processor time of the program without that of recording. Where the trace doesn't tell it,
/// it is what recording typically takes, on the measure of this machine.
double own_seconds(const trace::Trace& trace, double pair_ns) {
  constexpr double pairs_of_event = 2.5;
  constexpr double pairs_of_context = 50;
  const trace::Footer& footer = *trace.footer();
  const auto all = static_cast<double>(footer.processor_ns);
  if (footer.recording_ns)
    return std::max(all - static_cast<double>(*footer.recording_ns), 0.0) / 1e9;
  const double contexts = pairs_of_context * pair_ns * static_cast<double>(trace.contexts().size());
  const double events = pairs_of_event * pair_ns * static_cast<double>(trace.events());
  const double rest = std::max(all - contexts, all / 8);
  return std::max(rest - events, rest / 2.5) / 1e9;
}

class Finding {
public:
  Finding(const Inputs& inputs, double least)
      : in_(inputs), least_(least), judge_(inputs),
        naming_(inputs.symbols, inputs.stacks, inputs.lifetimes),
        taken_(inputs.stacks.sites().size()) {
    advice_.program = in_.trace.program().path;
    advice_.calls = in_.lifetimes.calls;
    advice_.bytes = in_.lifetimes.bytes;
    advice_.pair_ns = measure_pair_ns();
    if (in_.trace.footer())
      advice_.processor_seconds = own_seconds(in_.trace, advice_.pair_ns);
  }

  Advice find() {
    if (advice_.at_most() >= least_) {
      find_scopes();
      find_objects();
      find_growing();
      find_pools();
      find_rest();
      finish();
    }
    double advised = 0;
    for (const Entry& entry : advice_.entries)
      advised += advice_.share(entry.calls);
    if (advised * advice_.at_most() < least_) {
      advice_.entries = {entry_of(Kind::leave, {})};
      advice_.entries[0].calls = advice_.calls;
      advice_.entries[0].bytes = advice_.bytes;
    }
    return std::move(advice_);
  }

private:
  /// The calls that are worth an entry of their own: a few small ones may add up.
  std::uint64_t least_calls() const {
    const double share = std::max(0.01, least_ / 4 / advice_.at_most());
    return static_cast<std::uint64_t>(share * static_cast<double>(advice_.calls)) + 1;
  }

  const Lives& lives(std::uint32_t site) const { return in_.lifetimes.sites[site]; }

  void add(Entry entry) {
    for (const std::uint32_t site : entry.site_numbers) {
      taken_[site] = true;
      entry.calls += lives(site).calls;
      entry.bytes += lives(site).bytes;
    }
    advice_.entries.push_back(std::move(entry));
  }

  void find_scopes() {
    analyze::Scopes scopes(in_.trace, in_.stacks, in_.lifetimes, least_calls(),
                           [&](std::uint64_t start) { return naming_.nameable(start); });
    std::vector<std::uint32_t> before;
    for (std::size_t site = 0; site < taken_.size(); ++site)
      if (taken_[site])
        before.push_back(static_cast<std::uint32_t>(site));
    scopes.take(before);
    for (std::size_t n = 0; n < max_scopes; ++n) {
      const Scope* const best = judge_.best_of(scopes.measured());
      if (best == nullptr)
        return;
      Entry entry = entry_of(*judge_.kind_of(*best), best->sites);
      if (entry.kind != Kind::reserve) {
        entry.epochs = best->epochs;
        entry.max_bytes = best->max_bytes;
        entry.max_live = best->max_live;
        entry.scope_function = best->function;
        entry.has_place = Judge::has_place(*best);
      }
      scopes.take(entry.site_numbers);
      add(std::move(entry));
    }
  }

  /// Sites not taken yet that satisfy a condition, by the function that asks for them.
  auto by_asker(auto&& condition) {
    std::map<std::pair<std::string, std::uint64_t>, std::vector<std::uint32_t>> groups;
    for (std::uint32_t site = 0; site < taken_.size(); ++site) {
      if (taken_[site] || lives(site).calls == 0)
        continue;
      if (const std::optional<std::uint64_t> key = condition(lives(site)))
        groups[{naming_.asker(site).function, *key}].push_back(site);
    }
    return groups;
  }

  /// Objects that live side by side: blocks that are born together die together.
  void find_objects() {
    std::vector<std::uint32_t> of(taken_.size()); // a site of the same object
    for (std::uint32_t site = 0; site < of.size(); ++site)
      of[site] = site;
    const auto root = [&of](std::uint32_t site) {
      while (of[site] != site)
        site = of[site] = of[of[site]];
      return site;
    };
    const auto is_part = [this](std::uint32_t site) {
      return !taken_[site] && lives(site).calls != 0 && lives(site).one_size() &&
             lives(site).foreign == 0;
    };
    for (std::uint32_t site = 0; site < of.size(); ++site)
      if (const Lives& l = lives(site); is_part(site) && l.has_companion() &&
                                        is_part(l.companion) &&
                                        lives(l.companion).calls * 10 <= l.calls * 11)
        of[root(site)] = root(l.companion);
    std::map<std::uint32_t, std::vector<std::uint32_t>> objects;
    for (std::uint32_t site = 0; site < of.size(); ++site)
      if (is_part(site))
        objects[root(site)].push_back(site);
    for (auto& [number, sites] : objects) {
      if (sites.size() < min_parts || sites.size() > max_parts)
        continue;
      const auto depth = [this](std::uint32_t site) {
        return in_.stacks.paths()[in_.stacks.sites()[site].path].depth;
      };
      const std::uint32_t outermost =
          *std::min_element(sites.begin(), sites.end(),
                            [&](std::uint32_t a, std::uint32_t b) { return depth(a) < depth(b); });
      if (naming_.asks_itself(outermost))
        add_group(Kind::object_pool, std::move(sites), 0, outermost);
    }
  }

  void find_growing() {
    for (auto& [key, sites] : by_asker([](const Lives& l) -> std::optional<std::uint64_t> {
           if (l.growths * 3 < l.calls)
             return {};
           return 0;
         }))
      add_group(Kind::reserve, std::move(sites), 0);
  }

  void find_pools() {
    for (auto& [key, sites] : by_asker([](const Lives& l) -> std::optional<std::uint64_t> {
           if (l.min_size != l.max_size || l.max_size > max_pool_block ||
               (l.foreign + l.moves) * 1000 > l.calls)
             return {};
           return l.max_size;
         }))
      add_group(Kind::pool, std::move(sites), key.second);
  }

  void add_group(Kind kind, std::vector<std::uint32_t> sites, std::uint64_t block_bytes,
                 std::uint32_t maker = 0) {
    std::uint64_t calls = 0;
    for (const std::uint32_t site : sites)
      calls += lives(site).calls;
    if (calls < least_calls())
      return;
    Entry entry = entry_of(kind, std::move(sites));
    entry.block_bytes = block_bytes;
    entry.maker = maker;
    add(std::move(entry));
  }

  /// Many calls that nothing else is known to help.
  void find_rest() {
    std::vector<std::uint32_t> sites;
    std::uint64_t calls = 0;
    for (std::uint32_t site = 0; site < taken_.size(); ++site) {
      if (taken_[site])
        continue;
      sites.push_back(site);
      calls += lives(site).calls;
    }
    if (advice_.share(calls) >= 0.5 && advice_.share(calls) * advice_.at_most() >= 2.5 * least_)
      add(entry_of(Kind::other_malloc, std::move(sites)));
  }

  static Entry entry_of(Kind kind, std::vector<std::uint32_t> sites) {
    Entry entry;
    entry.kind = kind;
    entry.site_numbers = std::move(sites);
    return entry;
  }

  void finish() {
    describe(in_, naming_, advice_.entries);
    std::stable_sort(advice_.entries.begin(), advice_.entries.end(),
                     [](const Entry& a, const Entry& b) { return worth(a) > worth(b); });
    if (advice_.entries.size() > max_entries)
      advice_.entries.resize(max_entries);
  }

  /// What of malloc's part an entry saves, roughly, for an order among them.
  static double worth(const Entry& entry) {
    constexpr double of_kind[] = {0.9, 0.7, 0.9, 0.8, 0.9, 0.3, 0};
    return of_kind[static_cast<std::size_t>(entry.kind)] * (entry.has_place ? 1 : 0.5) *
           static_cast<double>(entry.calls);
  }

  const Inputs& in_;
  double least_;
  Judge judge_;
  analyze::Naming naming_;
  std::vector<bool> taken_; // sites
  Advice advice_;
};

} // namespace

const char* name_of(Kind kind) {
  constexpr const char* names[] = {"region",  "pool",         "object_pool", "stack",
                                   "reserve", "other_malloc", "leave"};
  return names[static_cast<std::size_t>(kind)];
}

double Advice::at_most() const {
  if (processor_seconds <= 0)
    return 1;
  return std::min(1.0, static_cast<double>(calls) * pair_ns / 1e9 / processor_seconds);
}

Advice find_advice(const Inputs& inputs, double least) {
  return Finding(inputs, least).find();
}

} // namespace advise
