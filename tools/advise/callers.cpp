#include "callers.hpp"

#include "../analyze/replay.hpp"

#include <cstddef>
#include <optional>

namespace advise {
namespace {

using analyze::Block;

/// Finds the contexts whose blocks live at the end of an epoch of a region that isn't theirs.
class Meeting {
public:
  Meeting(const Inputs& in, const std::vector<int>& route_of, const std::vector<Route>& routes)
      : in_(in), route_of_(route_of), routes_(routes), callers_(in.trace.contexts().size()),
        threads_(in.trace.threads()) {}

  void event(const trace::Event& e, std::uint64_t number) { threads_[e.thread].number = number; }
  void unknown(const trace::Event&) {}
  void lost(const Block& block) { remove(block, false); }
  void gone(const Block& block, const trace::Event& e, std::uint64_t) {
    if (e.operation == trace::Operation::reallocate && e.address != 0)
      moved_ = block; // it goes once the other one is there
    else
      remove(block, e.thread != block.thread);
  }
  void got(const Block& block, const trace::Event& e) {
    ++callers_[block.context].calls;
    if (const int route = route_of(block); route != Keys::none)
      ++epochs_of(block.thread)[static_cast<std::size_t>(route)].live;
    if (moved_)
      remove(*moved_, e.thread != moved_->thread);
    moved_.reset();
  }
  void left(const Block& block) { harm_all(block.context); }

  std::vector<Caller> take() {
    std::vector<Caller> callers;
    for (std::uint32_t context = 1; context < callers_.size(); ++context) {
      const auto& [calls, harmed] = callers_[context];
      if (calls != 0)
        callers.push_back({context, calls, route_of_[in_.stacks.site_of(context)], ~harmed});
    }
    return callers;
  }

private:
  /// Of one route, in one thread.
  struct Epochs {
    std::uint64_t live = 0;
    std::uint64_t ended = 0; // at which of the thread's events the last one did
  };
  struct Thread {
    std::uint64_t number = 0;
    std::vector<Epochs> epochs; // by route
  };
  struct Calls {
    std::uint64_t calls = 0;
    std::uint64_t harmed = 0; // routes: bits
  };

  int route_of(const Block& block) const { return route_of_[in_.stacks.site_of(block.context)]; }

  std::vector<Epochs>& epochs_of(std::uint32_t thread) {
    auto& epochs = threads_[thread].epochs;
    if (epochs.empty())
      epochs.resize(routes_.size());
    return epochs;
  }

  void remove(const Block& block, bool foreign) {
    auto& epochs = epochs_of(block.thread);
    const int own = route_of(block);
    for (std::size_t route = 0; route < epochs.size(); ++route)
      if (static_cast<int>(route) != own && !routes_[route].pool &&
          block.number < epochs[route].ended)
        callers_[block.context].harmed |= std::uint64_t{1} << route;
    if (foreign)
      harm_all(block.context);
    if (own == Keys::none)
      return;
    Epochs& mine = epochs[static_cast<std::size_t>(own)];
    if (--mine.live == 0)
      mine.ended = threads_[block.thread].number;
  }

  void harm_all(std::uint32_t context) {
    for (std::size_t route = 0; route < routes_.size(); ++route)
      if (!routes_[route].pool)
        callers_[context].harmed |= std::uint64_t{1} << route;
  }

  const Inputs& in_;
  const std::vector<int>& route_of_;
  const std::vector<Route>& routes_;
  std::vector<Calls> callers_; // by context
  std::vector<Thread> threads_;
  std::optional<Block> moved_;
};

} // namespace

std::vector<Caller> find_callers(const Inputs& in, const std::vector<int>& route_of,
                                 const std::vector<Route>& routes) {
  Meeting meeting(in, route_of, routes);
  analyze::replay(in.trace, meeting);
  return meeting.take();
}

} // namespace advise
