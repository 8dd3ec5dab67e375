#include "epochs.hpp"

#include "cuts.hpp"
#include "replay.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

namespace analyze {
namespace {

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

void measure_epochs(const trace::Trace& trace, const Stacks& stacks, std::vector<Scope>& scopes) {
  Measuring measuring(trace, stacks, scopes);
  if (measuring.any())
    replay(trace, measuring);
}

} // namespace analyze
