// That the scheduler does what it promises: small programs of which it is known how they may end.
#include "model.hpp"
#include "protocols.hpp"

#include <memory>

namespace schedules {

struct LitmusState {
  Model::Atomic<int> x = 0;
  Model::Atomic<int> y = 0;
  int got[3] = {-1, -1, -1}; // by each thread
};

namespace {

using State = LitmusState;
constexpr auto relaxed = std::memory_order_relaxed;
void fence() {
  (void)Model::fence_threads();
}

} // namespace

std::set<std::string> ends_of(Scheduler& scheduler, const Litmus& litmus, bool all) {
  std::set<std::string> ends;
  const auto make = [&] {
    const auto state = std::make_shared<State>();
    Program program;
    for (const auto thread : litmus.threads)
      program.threads.emplace_back([=] { thread(*state); });
    program.at_end = [=, &ends] {
      std::string end;
      for (const int got : state->got)
        end += got < 0 ? '-' : static_cast<char>('0' + got);
      ends.insert(end + " " + std::to_string(state->x.load(relaxed)));
    };
    return program;
  };
  (void)scheduler.explore(make, all);
  return ends;
}

std::vector<Litmus> litmus_tests() {
  const auto x_then_y = [](State& s) {
    s.x.store(1, relaxed);
    s.got[0] = s.y.load(relaxed);
  };
  const auto y_then_x = [](State& s) {
    s.y.store(1, relaxed);
    s.got[1] = s.x.load(relaxed);
  };
  return {
      {"a load overtakes a store", {x_then_y, y_then_x}, {"00- 1", "01- 1", "10- 1", "11- 1"}},
      {"not across a fence of all threads",
       {x_then_y,
        [](State& s) {
          s.y.store(1, relaxed);
          fence();
          s.got[1] = s.x.load(relaxed);
        }},
       {"01- 1", "10- 1", "11- 1"}},
      {"a thread reads what it stored",
       {[](State& s) {
          s.x.store(1, relaxed);
          s.got[0] = s.x.load(relaxed);
        },
        [](State& s) { s.x.store(2, relaxed); }},
       {"1-- 1", "1-- 2", "2-- 2"}},
      {"stores keep their order",
       {[](State& s) {
          s.x.store(1, relaxed);
          s.y.store(1, relaxed);
        },
        [](State& s) {
          s.got[0] = s.y.load(relaxed);
          s.got[1] = s.x.load(relaxed);
        }},
       {"00- 1", "01- 1", "11- 1"}},
      {"additions are not lost",
       {[](State& s) { s.got[0] = s.x.fetch_add(1, relaxed); },
        [](State& s) { s.got[1] = s.x.fetch_add(1, relaxed); },
        [](State& s) { s.got[2] = s.x.load(relaxed); }},
       {"010 2", "011 2", "012 2", "100 2", "101 2", "102 2"}},
      {"who waits goes on when another has written",
       {[](State& s) {
          while (s.y.load(relaxed) == 0)
            Model::yield();
          s.got[0] = s.x.load(relaxed);
        },
        [](State& s) {
          s.x.store(1, relaxed);
          s.y.store(1, relaxed);
        }},
       {"1-- 1"}},
  };
}

} // namespace schedules
