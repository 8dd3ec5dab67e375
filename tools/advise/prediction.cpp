#include "prediction.hpp"

#include "../analyze/replay.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>

namespace advise {
namespace {

using analyze::Block;

class Predicting {
public:
  Predicting(const Inputs& in, const Keys& keys, std::vector<Route>& routes)
      : routes_(routes), route_of_(in.trace.contexts().size(), unknown_route), keys_(keys) {}

  void event(const trace::Event&, std::uint64_t) {}
  void unknown(const trace::Event&) {}
  void left(const Block&) {}
  void lost(const Block& block) { remove(block); }
  void gone(const Block& block, const trace::Event& e, std::uint64_t) {
    if (e.operation == trace::Operation::reallocate && e.address != 0)
      moved_ = block; // it goes once the other one is there
    else
      remove(block);
  }
  void got(const Block& block, const trace::Event&) {
    add(block);
    if (moved_)
      remove(*moved_);
    moved_.reset();
  }

private:
  static constexpr int unknown_route = -3;

  /// Of one thread, for one route.
  struct Instance {
    std::uint64_t live = 0;
    std::uint64_t bytes = 0; // of this epoch
    std::uint64_t live_bytes = 0;
  };

  void add(const Block& block) {
    const int number = route_of(block.context);
    if (number == Keys::none)
      return;
    Route& route = routes_[static_cast<std::size_t>(number)];
    ++route.calls;
    if (!is_served(route, block))
      return;
    Instance& instance = instance_of(number, block.thread);
    route.blocks = std::max(route.blocks, ++instance.live);
    if (route.pool)
      return;
    instance.bytes += rounded(block.size);
    instance.live_bytes += rounded(block.size);
    route.bytes = std::max(route.bytes, instance.bytes);
    route.live_bytes = std::max(route.live_bytes, instance.live_bytes);
  }

  void remove(const Block& block) {
    const int number = route_of(block.context);
    if (number == Keys::none)
      return;
    Route& route = routes_[static_cast<std::size_t>(number)];
    if (!is_served(route, block))
      return;
    Instance& instance = instance_of(number, block.thread);
    --instance.live;
    if (route.pool)
      return;
    instance.live_bytes -= rounded(block.size);
    if (instance.live != 0)
      return;
    ++route.epochs;
    instance.bytes = 0;
  }

  static std::uint64_t rounded(std::uint64_t size) {
    return std::max<std::uint64_t>((size + 15) & ~std::uint64_t{15}, 16);
  }

  /// A pool has no room for what is larger than its blocks.
  static bool is_served(const Route& route, const Block& block) {
    return !route.pool || block.size <= route.block_bytes;
  }

  int route_of(std::uint32_t context) {
    int& route = route_of_[context];
    if (route == unknown_route)
      route = keys_.route_of(context);
    return route;
  }

  Instance& instance_of(int route, std::uint32_t thread) {
    return *instances_.insert(thread * routes_.size() + static_cast<std::size_t>(route)).first;
  }

  std::vector<Route>& routes_;
  std::vector<int> route_of_; // by context
  const Keys& keys_;
  analyze::AddressMap<Instance> instances_;
  std::optional<Block> moved_;
};

} // namespace

void predict(const Inputs& in, const Keys& keys, std::vector<Route>& routes) {
  for (Route& route : routes)
    route = {.pool = route.pool, .block_bytes = route.block_bytes};
  Predicting predicting(in, keys, routes);
  analyze::replay(in.trace, predicting);
}

} // namespace advise
