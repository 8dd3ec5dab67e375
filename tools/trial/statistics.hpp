// What can be said of a few noisy measurements.
#pragma once

#include <span>

namespace trial {

/// A median, and between what the real one lies with 95 % confidence.
struct Interval {
  double low = 0;
  double mid = 0;
  double high = 0;

  /// Whether both ends are within so many points of the middle.
  bool within(double points) const { return high - mid <= points && mid - low <= points; }
};

/// Of at least one value.
double median(std::span<const double> values);

/// Resamples the values, with a generator that always starts at the same number: the same values
/// have the same interval. They need not be of any known distribution. At least one value; of fewer
/// than five the interval says little.
Interval bootstrap(std::span<const double> values);

/// Whether it says something: that there is a difference, or that there is none of so many points.
bool decided(const Interval& difference, double points);

} // namespace trial
