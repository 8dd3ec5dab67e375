#include "rounds.hpp"

#include <algorithm>
#include <random>

#include <fmt/format.h>

namespace trial {

Interval gain(const Samples& samples, const Comparison& comparison) {
  const auto& before = samples[comparison.before];
  const auto& after = samples[comparison.after];
  const auto& whole = samples[comparison.whole];
  std::vector<double> gains;
  for (std::size_t i = 0; i < std::min(before.size(), after.size()); ++i)
    gains.push_back(100 * (before[i].seconds - after[i].seconds) /
                    std::max(whole[i].seconds, 1e-6));
  return bootstrap(gains);
}

double memory(const Samples& samples, const Comparison& comparison) {
  const auto peak = [&samples](std::size_t way) {
    std::vector<double> peaks;
    for (const Sample& sample : samples[way])
      peaks.push_back(sample.peak);
    return median(peaks);
  };
  return 100 * (peak(comparison.after) - peak(comparison.before)) / peak(comparison.whole);
}

Samples go_round(std::size_t ways, const std::vector<Comparison>& comparisons, const Limits& limits,
                 const std::function<Sample(std::size_t)>& run,
                 const std::function<void(std::string_view)>& show) {
  Samples samples(ways);
  std::vector<Comparison> open = comparisons;
  std::mt19937 random(1);
  for (std::size_t round = 0; round < limits.rounds && !open.empty(); ++round) {
    std::vector<std::size_t> order;
    for (const Comparison& comparison : open)
      for (const std::size_t way : {comparison.whole, comparison.before, comparison.after})
        if (std::find(order.begin(), order.end(), way) == order.end())
          order.push_back(way);
    std::shuffle(order.begin(), order.end(), random);
    for (std::size_t i = 0; i < order.size(); ++i) {
      show(fmt::format("round {} of {} at the most, run {} of {}", round + 1, limits.rounds, i + 1,
                       order.size()));
      samples[order[i]].push_back(run(order[i]));
    }
    if (round + 1 >= least_rounds)
      std::erase_if(open, [&](const Comparison& comparison) {
        return gain(samples, comparison).within(limits.points);
      });
  }
  return samples;
}

} // namespace trial
