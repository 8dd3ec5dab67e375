#include "statistics.hpp"

#include <algorithm>
#include <cstddef>
#include <random>
#include <vector>

namespace trial {

double median(std::span<const double> values) {
  std::vector<double> sorted(values.begin(), values.end());
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  if (sorted.size() % 2 == 1)
    return *middle;
  return (*middle + *std::max_element(sorted.begin(), middle)) / 2;
}

Interval bootstrap(std::span<const double> values) {
  constexpr std::size_t resamples = 2000;
  constexpr std::size_t tail = resamples * 25 / 1000; // 2.5 % at each end
  std::mt19937 random(1);
  std::uniform_int_distribution<std::size_t> any(0, values.size() - 1);
  std::vector<double> sample(values.size());
  std::vector<double> medians(resamples);
  for (double& m : medians) {
    for (double& value : sample)
      value = values[any(random)];
    m = median(sample);
  }
  std::sort(medians.begin(), medians.end());
  return {medians[tail], median(values), medians[resamples - 1 - tail]};
}

bool decided(const Interval& difference, double points) {
  return difference.low > 0 || difference.high < 0 || difference.within(points);
}

} // namespace trial
