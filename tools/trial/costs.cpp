#include "costs.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <vector>

#include <ctime>
#include <unistd.h>
#include <x86intrin.h>

#include "../launch/executable.hpp"
#include "../launch/launch.hpp"
#include "statistics.hpp"

namespace trial {
namespace {

double now() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

double measure_tick() {
  constexpr double duration = 0.01;
  const double begin = now();
  const std::uint64_t first = __rdtsc();
  double end = begin;
  while (end < begin + duration)
    end = now();
  return (end - begin) / static_cast<double>(__rdtsc() - first);
}

/// allot_trial_probe, which says what a pair takes in it.
class Probe {
public:
  Probe(const std::string& runner, const std::string& library)
      : path_(launch::find_library("allot_trial_probe")), runner_(runner), library_(library) {}

  /// Seconds of one pair, beyond one that is written by hand.
  double surplus(bool pool) const {
    const Plan plan = plan_for(pool);
    const char* const strategy = pool ? "pool" : "region";
    std::vector<double> surpluses;
    for (std::size_t round = 0; round < rounds; ++round) {
      const double routed = nanoseconds(strategy, plan, Way::routed);
      const double control = nanoseconds(strategy, plan, Way::control);
      const double as_is = number(output({"malloc", strategy}, "", ""));
      const double by_hand = number(output({"hand", strategy}, "", ""));
      surpluses.push_back(routed - control + as_is - by_hand);
    }
    return std::max(median(surpluses), 0.0) / 1e9;
  }

  /// Ticks of a step from one free of a region to the next.
  double step() const {
    const Plan plan = plan_for(false);
    std::vector<double> steps;
    for (std::size_t round = 0; round < rounds; ++round) {
      const Shared shared(plan, {.way = Way::routed, .measure_teardown = true});
      output({"malloc", "region"}, library_, shared.variable());
      const Teardown teardown = shared.teardown(0);
      steps.push_back(static_cast<double>(teardown.ticks) /
                      static_cast<double>(std::max<std::uint64_t>(teardown.steps, 1)));
    }
    return median(steps);
  }

private:
  static constexpr std::size_t rounds = 5;

  Plan plan_for(bool pool) const {
    const std::string text = output({"where"}, "", "");
    std::uint64_t offset = 0;
    std::from_chars(text.data(), text.data() + text.size(), offset, 16);
    Plan plan;
    plan.modules.push_back({launch::build_id_of(path_).value_or(""), path_});
    Plan::Route route;
    route.pool = pool;
    route.bytes = pool ? 64 : 4096;
    route.blocks = 1024;
    plan.routes.push_back(route);
    plan.nodes.push_back({Plan::Node::none, 0, offset, 0});
    return plan;
  }

  double nanoseconds(const char* strategy, const Plan& plan, Way way) const {
    const Shared shared(plan, {.way = way});
    const double result = number(output({"malloc", strategy}, library_, shared.variable()));
    if (!shared.refusal().empty())
      throw std::runtime_error("what a trial costs cannot be measured: " + shared.refusal());
    return result;
  }

  static double number(const std::string& text) {
    double n = 0;
    std::from_chars(text.data(), text.data() + text.size(), n);
    return n;
  }

  std::string output(const std::vector<std::string>& arguments, const std::string& library,
                     const std::string& variable) const {
    Subject subject{path_, {path_}, runner_};
    subject.arguments.insert(subject.arguments.end(), arguments.begin(), arguments.end());
    const Run finished = run(subject, {}, library, variable);
    std::array<char, 64> text;
    const ssize_t n = ::pread(finished.out.number(), text.data(), text.size(), 0);
    if (finished.ending.status != 0 || n <= 0)
      throw std::runtime_error("what a trial costs cannot be measured: " + path_ + " failed");
    return {text.data(), static_cast<std::size_t>(n)};
  }

  std::string path_;
  std::string runner_;
  std::string library_;
};

} // namespace

double seconds_of(const Teardown& teardown, const Costs& costs) {
  const double ticks =
      static_cast<double>(teardown.ticks) - static_cast<double>(teardown.steps) * costs.step;
  return std::max(ticks, 0.0) * costs.tick;
}

Costs measure_costs(const std::string& runner, const std::string& library) {
  const Probe probe(runner, library);
  return {probe.surplus(false), probe.surplus(true), probe.step(), measure_tick()};
}

} // namespace trial
