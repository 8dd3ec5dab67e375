#include "judge.hpp"

#include <algorithm>
#include <bit>
#include <unordered_set>
#include <utility>

namespace advise {
namespace {

using analyze::Choice;
using analyze::Lives;
using analyze::Scope;

// Where a scope that has a place covers a part of what one without does, it is preferred.
constexpr std::uint64_t far_more = 4;
// A scope is worth a region from this many blocks on: entering and leaving it costs something.
constexpr double min_blocks = 4;
// Below this, what recurs may be chance.
constexpr std::uint64_t min_recurrences = 64;
// What has more parts is no single object.
constexpr double max_object_blocks = 32;
constexpr std::uint64_t min_waste = 256 << 10;
constexpr double waste_of_peak = 0.05;

} // namespace

std::uint64_t allowed_waste(const analyze::Lifetimes& lifetimes) {
  return std::max(min_waste, static_cast<std::uint64_t>(waste_of_peak *
                                                        static_cast<double>(lifetimes.peak_bytes)));
}

std::optional<Kind> Judge::kind_of(const Scope& scope) const {
  if (scope.epochs == 0 || scope.turns * 10 < scope.epochs * 9)
    return {};
  const double blocks = static_cast<double>(scope.calls) / static_cast<double>(scope.epochs);
  if (growths(scope) * 2 >= scope.calls)
    return Kind::reserve;
  if (scope.choice == Choice::ordered) {
    const bool nested = scope.max_blocks >= 3 && scope.max_bytes > 2 * scope.max_live;
    if (scope.breaks * 1000 > scope.calls || !nested || !sizes_vary(scope))
      return {};
    return Kind::stack;
  }
  if (blocks >= 1.5 && is_object(scope, blocks))
    return Kind::object_pool;
  if (blocks < min_blocks ||
      static_cast<double>(scope.max_bytes) > 1.1 * static_cast<double>(scope.max_live) +
                                                 static_cast<double>(allowed_waste(in_.lifetimes)))
    return {};
  return Kind::region;
}

std::uint64_t Judge::growths(const Scope& scope) const {
  std::uint64_t n = 0;
  for (const std::uint32_t site : scope.sites)
    n += lives(site).growths;
  return n;
}

bool Judge::sizes_vary(const Scope& scope) const {
  std::uint64_t least = ~std::uint64_t{0};
  std::uint64_t most = 0;
  for (const std::uint32_t site : scope.sites) {
    least = std::min(least, lives(site).min_size);
    most = std::max(most, lives(site).max_size);
  }
  return (least + 15) / 16 != (most + 15) / 16;
}

bool Judge::is_object(const Scope& scope, double blocks) const {
  if (scope.epochs < min_recurrences || scope.alike * 10 < scope.epochs * 7 ||
      static_cast<double>(scope.max_blocks) < 0.9 * blocks || blocks > max_object_blocks)
    return false;
  std::unordered_set<std::uint64_t> places;
  for (const std::uint32_t site : scope.sites) {
    std::uint64_t place = in_.stacks.sites()[site].ip;
    const auto& paths = in_.stacks.paths();
    for (std::uint32_t p = in_.stacks.sites()[site].path; paths[p].function != scope.function;
         p = paths[p].parent)
      place = std::rotl(place, 7) * 0x9E3779B97F4A7C15u ^ paths[p].ip;
    places.insert(place);
  }
  return blocks <= 1.2 * static_cast<double>(places.size()) + 0.5;
}

bool Judge::has_place(const Scope& scope) {
  return scope.epochs < min_recurrences || std::min(scope.begins, scope.ends) * 2 >= scope.epochs;
}

const Scope* Judge::best_of(const std::vector<Scope>& scopes) const {
  std::vector<const Scope*> good;
  for (const Scope& scope : scopes)
    if (kind_of(scope))
      good.push_back(&scope);
  const auto keep = [&good](auto&& condition) {
    std::erase_if(good, [&](const Scope* scope) { return !condition(*scope); });
  };
  const auto most_calls = [&good](auto&& condition) {
    std::uint64_t calls = 0;
    for (const Scope* const scope : good)
      calls = std::max(calls, condition(*scope) ? scope->calls : 0);
    return calls;
  };
  const std::uint64_t placed = most_calls(has_place);
  const std::uint64_t any = most_calls([](const Scope&) { return true; });
  if (placed * far_more >= any)
    keep(has_place);
  const std::uint64_t calls = placed * far_more >= any ? placed : any;
  keep([calls](const Scope& scope) { return scope.calls * 20 >= calls * 19; });
  std::uint64_t bytes = ~std::uint64_t{0};
  for (const Scope* const scope : good)
    bytes = std::min(bytes, scope->max_bytes);
  keep([bytes](const Scope& scope) { return scope.max_bytes <= bytes + bytes / 4; });
  const auto best = std::max_element(good.begin(), good.end(), [](const Scope* a, const Scope* b) {
    return std::pair(a->depth, a->calls) < std::pair(b->depth, b->calls);
  });
  return best == good.end() ? nullptr : *best;
}

} // namespace advise
