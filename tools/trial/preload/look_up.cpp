#include "look_up.hpp"

#include <bit>

namespace trial {
namespace {

constexpr std::uint32_t max_place = ~std::uint32_t{0} >> 1;

const Node* nodes_of(const Header& plan) {
  return reinterpret_cast<const Node*>(reinterpret_cast<const char*>(&plan) + nodes_at(plan));
}

// At most half of it is in use, so that what isn't there is mostly found out at once.
std::size_t places_for(const Header& plan) {
  return std::bit_ceil(std::size_t{2} * plan.nodes + 64);
}

} // namespace

std::size_t Keys::bytes_for(const Header& plan) {
  return sizeof(Keys) + places_for(plan) * sizeof(Place) + plan.nodes * sizeof(std::uint32_t);
}

Keys* Keys::make(void* bytes, const Header& plan, const std::uint64_t* biases) {
  auto* const keys = static_cast<Keys*>(bytes);
  const std::size_t slots = places_for(plan);
  keys->mask_ = slots - 1;
  keys->shift_ = 64 - static_cast<unsigned>(std::countr_zero(slots));
  const Node* const nodes = nodes_of(plan);
  auto* const at_of = reinterpret_cast<std::uint32_t*>(keys->places_ + 1 + slots); // by node
  std::uint32_t any = 0;
  for (std::uint32_t i = 0; i < plan.nodes; ++i) {
    const Node& node = nodes[i];
    if (node.module >= plan.modules || node.parent > i ||
        node.route >= static_cast<std::int32_t>(plan.routes) || biases[node.module] == 0)
      continue;
    const std::uint64_t ip = biases[node.module] - 1 + node.offset;
    if (keys->find(ip, node.parent))
      continue;
    std::size_t at = hash(ip, node.parent) >> keys->shift_;
    while (keys->places_[1 + at].ip != 0)
      at = (at + 1) & keys->mask_;
    Place& place = keys->places_[1 + at];
    place.ip = ip;
    place.parent = node.parent;
    place.node = i + 1;
    place.route = node.route;
    at_of[i] = static_cast<std::uint32_t>(1 + at);
    ++any;
  }
  keys->set_guesses(plan.nodes, at_of);
  return any != 0 ? keys : nullptr;
}

void Keys::set_guesses(std::uint32_t nodes, const std::uint32_t* at_of) {
  for (std::uint32_t i = 0; i < nodes; ++i) {
    const Place& place = places_[at_of[i]];
    if (place.node != i + 1 || place.parent == 0)
      continue;
    Place& parent = places_[at_of[place.parent - 1]];
    if (parent.node != place.parent)
      continue;
    if (parent.guess == 0)
      parent.guess = at_of[i] & max_place;
    else
      parent.has_more = 1;
  }
}

void Keys::learn(Place& place) {
  const preload::Rule rule = preload::learn(place.ip, false);
  place.offset = rule.offset * 8;
  place.saved_bp = rule.saved_bp;
  place.kind.store(rule.kind, std::memory_order_release);
}

// For the first time, or of a realigned stack; without an ip where there is no way on. A signal's
// frame is not left: what a handler does is no part of an epoch.
[[gnu::cold]] Registers Keys::leave_seldom(Place& place, std::uint64_t sp, std::uint64_t bp) {
  using preload::Rule;
  if (place.kind == Rule::unknown)
    learn(place);
  const Rule::Kind kind = place.kind;
  const auto offset = static_cast<std::uint64_t>(std::int64_t{place.offset});
  std::uint64_t cfa = (kind == Rule::sp ? sp : bp) + offset;
  if (kind == Rule::through && bp - sp <= largest_frame)
    cfa = *word_at(cfa);
  else if (kind != Rule::sp && kind != Rule::bp)
    return {};
  if (cfa - sp - 8 > largest_frame)
    return {};
  if (place.saved_bp != Rule::bp_same)
    bp = saved(place.saved_bp, cfa, bp);
  return {*word_at(cfa - 8), cfa, bp};
}

} // namespace trial
