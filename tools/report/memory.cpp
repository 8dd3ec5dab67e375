#include "memory.hpp"

#include <algorithm>
#include <bit>
#include <fmt/format.h>
#include <map>

#include "../analyze/replay.hpp"

namespace report {
namespace {

using analyze::Block;

/// A series' number: the last one's is of none.
std::size_t series(int number, std::size_t last) {
  return number == none ? last : static_cast<std::size_t>(number);
}

class Clock {
public:
  explicit Clock(const trace::Trace& trace) : stamps_(trace.stamps()) {}

  bool runs() const { return !stamps_.empty() && stamps_.back().ns != 0; }
  std::uint64_t last() const { return stamps_.empty() ? 0 : stamps_.back().order; }
  double seconds(std::uint64_t order) const {
    const auto after = std::lower_bound(
        stamps_.begin(), stamps_.end(), order,
        [](const trace::Stamp& stamp, std::uint64_t o) { return stamp.order < o; });
    if (after == stamps_.begin() || after == stamps_.end() || after->order == order)
      return static_cast<double>((after == stamps_.end() ? after[-1] : *after).ns) / 1e9;
    const trace::Stamp& before = after[-1];
    const double part = static_cast<double>(order - before.order) /
                        static_cast<double>(after->order - before.order);
    return (static_cast<double>(before.ns) + part * static_cast<double>(after->ns - before.ns)) /
           1e9;
  }

private:
  std::vector<trace::Stamp> stamps_;
};

class Watching {
public:
  Watching(const advise::Inputs& in, const Places& places, std::uint64_t last, std::size_t points)
      : in_(in), places_(places), part_(std::max<std::uint64_t>(1, (last + points) / points)) {
    now_.by_entry.resize(places.entries() + 1);
    now_.by_place.resize(places.largest().size() + 1);
  }

  /// What the event before left is known now.
  void event(const trace::Event& e, std::uint64_t) {
    look();
    now_.order = e.order;
  }
  void unknown(const trace::Event&) {}
  void left(const Block&) {}
  void lost(const Block& block) { add(block, 0 - block.size); }
  void gone(const Block& block, const trace::Event&, std::uint64_t) { add(block, 0 - block.size); }
  void got(const Block& block, const trace::Event&) { add(block, block.size); }

  struct Moment {
    std::uint64_t order = 0;
    std::uint64_t live = 0;
    std::vector<std::uint64_t> by_entry;
    std::vector<std::uint64_t> by_place;
  };

  std::vector<Moment> finish() {
    look();
    return std::move(moments_);
  }

private:
  void look() {
    if (now_.order == 0)
      return;
    if (moments_.empty() || now_.order / part_ != moments_.back().order / part_)
      moments_.push_back(now_);
    else if (now_.live > moments_.back().live)
      moments_.back() = now_;
  }

  void add(const Block& block, std::uint64_t bytes) { // modulo 2^64
    const std::uint32_t site = in_.stacks.site_of(block.context);
    now_.live += bytes;
    now_.by_entry[series(places_.entry_of(site), places_.entries())] += bytes;
    now_.by_place[series(places_.place_of(site), places_.largest().size())] += bytes;
  }

  const advise::Inputs& in_;
  const Places& places_;
  std::uint64_t part_; // events
  Moment now_;
  std::vector<Moment> moments_;
};

class Aging {
public:
  Aging(const advise::Inputs& in, const Places& places)
      : out(places.entries() + 1), in_(in), places_(places) {}

  void event(const trace::Event&, std::uint64_t) {}
  void unknown(const trace::Event&) {}
  void lost(const Block&) {}
  void left(const Block& block) {
    EntryAges& ages = of(block);
    ++ages.left_blocks;
    ages.left_bytes += block.size;
  }
  void gone(const Block& block, const trace::Event& e, std::uint64_t) {
    const std::uint64_t address = trace::releases(e.operation) ? e.address : e.old;
    EntryAges& ages = of(block);
    count(ages.events, e.order - block.order, block);
    count(ages.allocated, allocated_ - *births_.find(address), block);
    births_.erase(address);
  }
  void got(const Block& block, const trace::Event& e) {
    allocated_ += block.size;
    *births_.insert(e.address).first = allocated_;
  }

  std::vector<EntryAges> out;

private:
  static void count(Ages& ages, std::uint64_t age, const Block& block) {
    const auto bin = static_cast<std::size_t>(std::bit_width(age));
    ++ages.blocks[bin];
    ages.bytes[bin] += block.size;
  }
  EntryAges& of(const Block& block) {
    return out[series(places_.entry_of(in_.stacks.site_of(block.context)), places_.entries())];
  }

  const advise::Inputs& in_;
  const Places& places_;
  std::uint64_t allocated_ = 0;               // bytes, so far
  analyze::AddressMap<std::uint64_t> births_; // how many it was then
};

} // namespace

Memory measure_memory(const advise::Inputs& in, const Places& places, std::size_t points) {
  const Clock clock(in.trace);
  Watching watching(in, places, clock.last(), points);
  analyze::replay(in.trace, watching);

  Memory memory;
  memory.in_seconds = clock.runs();
  memory.by_entry.resize(places.entries() + 1);
  memory.by_place.resize(places.largest().size() + 1);
  for (const Watching::Moment& moment : watching.finish()) {
    memory.at.push_back(clock.runs() ? clock.seconds(moment.order)
                                     : static_cast<double>(moment.order));
    memory.live.push_back(moment.live);
    for (std::size_t i = 0; i < moment.by_entry.size(); ++i)
      memory.by_entry[i].push_back(moment.by_entry[i]);
    for (std::size_t i = 0; i < moment.by_place.size(); ++i)
      memory.by_place[i].push_back(moment.by_place[i]);
  }
  return memory;
}

std::vector<EntryAges> measure_ages(const advise::Inputs& in, const Places& places) {
  Aging aging(in, places);
  analyze::replay(in.trace, aging);
  return std::move(aging.out);
}

Graves find_graves(const advise::Inputs& in, analyze::Naming& naming) {
  const auto& paths = in.stacks.paths();
  const auto& functions = in.stacks.functions();
  Graves graves;
  std::map<std::uint32_t, std::uint64_t> blocks; // by function
  std::uint64_t buried = 0;
  for (std::uint32_t site = 0; site < in.lifetimes.sites.size(); ++site) {
    for (const auto& [depth, count] : in.lifetimes.sites[site].survived) {
      std::uint32_t path = in.stacks.sites()[site].path;
      while (path != 0 &&
             (paths[path].depth > depth || !naming.nameable(functions[paths[path].function])))
        path = paths[path].parent;
      if (path == 0)
        continue;
      blocks[paths[path].function] += count;
      buried += count;
    }
  }
  graves.none = in.lifetimes.calls - std::min(buried, in.lifetimes.calls);
  for (const auto& [function, count] : blocks) {
    const std::uint64_t start = functions[function];
    const trace::Module* const module = in.symbols.module(start);
    graves.functions.push_back(
        {{naming.function(start), module == nullptr ? std::string() : module->path,
          in.symbols.places(start).back().defined},
         count});
  }
  std::stable_sort(graves.functions.begin(), graves.functions.end(),
                   [](const Grave& a, const Grave& b) { return a.blocks > b.blocks; });
  return graves;
}

} // namespace report
