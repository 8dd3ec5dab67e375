#include "tour.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <random>

namespace tour {
namespace {

constexpr std::size_t least_rounds = 3;
constexpr std::size_t most_rounds = 21;
constexpr double time_for_rounds = 1.2;
constexpr double least_time = 0.5e-3; // of one measurement, since the clock ticks in microseconds

// Of the processor, so that other programs do not count.
double seconds_now() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

void compare(const Input& input, Result& result, Progress& progress) {
  Values found(Values::Keep::everything);
  Values expected(Values::Keep::everything);
  progress.show(fmt::format("comparing, {}", result.job.strategy));
  result.job.with_strategy(input)(found);
  progress.show(fmt::format("comparing, {} with malloc", result.job.strategy));
  result.job.with_malloc(input)(expected);
  progress.show(fmt::format("comparing, {}: values", result.job.strategy));
  result.values = expected.count();
  result.difference = expected.first_difference(found);
}

std::optional<counting::Usage> usage_of(Job::Side side, const Input& input) {
  Values values(Values::Keep::checksum);
  counting::start();
  side(input)(values);
  return counting::stop();
}

/// One side of a job, with the times that it took.
struct Run {
  Job::Turn turn;
  Cost* cost;
  std::size_t repeats = 1;
  std::vector<double> times = {};

  [[nodiscard]] double time() const {
    const double start = seconds_now();
    for (std::size_t i = 0; i != repeats; ++i) {
      Values values(Values::Keep::checksum);
      turn(values);
    }
    return (seconds_now() - start) / static_cast<double>(repeats);
  }
  /// Warms up, and finds how often to repeat what is too short to be measured.
  void calibrate() {
    while (time() * static_cast<double>(repeats) < least_time)
      repeats *= 2;
  }
  [[nodiscard]] double median() {
    const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
    std::nth_element(times.begin(), middle, times.end());
    return *middle;
  }
};

/// Every run once a round, each time in another order; gives the number of rounds.
std::size_t measure(std::vector<Run>& runs, Progress& progress) {
  const auto show = [&](std::string_view phase, const Run& run) {
    progress.show(fmt::format("{}, {} of {}", phase, &run - runs.data() + 1, runs.size()));
  };
  for (Run& run : runs) {
    show("warming up", run);
    run.calibrate();
  }
  std::mt19937 random; // the same orders in every tour
  std::size_t rounds = 0;
  const double start = seconds_now();
  while (rounds < least_rounds ||
         (rounds < most_rounds && seconds_now() - start < time_for_rounds)) {
    ++rounds;
    std::shuffle(runs.begin(), runs.end(), random);
    for (Run& run : runs) {
      show(fmt::format("measuring, round {}", rounds), run);
      run.times.push_back(run.time());
    }
  }
  for (Run& run : runs)
    run.cost->seconds = run.median();
  return rounds;
}

} // namespace

Tour take(const Input& input, std::span<const Job> jobs, Progress& progress) {
  Tour tour;
  tour.results.reserve(jobs.size());
  std::vector<Run> runs;
  for (const Job& job : jobs) {
    Result& result = tour.results.emplace_back(Result{.job = job});
    compare(input, result, progress);
    progress.show(fmt::format("counting, {}", job.strategy));
    result.strategy.usage = usage_of(job.with_strategy, input);
    progress.show(fmt::format("counting, {} with malloc", job.strategy));
    result.malloc.usage = usage_of(job.with_malloc, input);
    runs.push_back({job.with_strategy(input), &result.strategy});
    runs.push_back({job.with_malloc(input), &result.malloc});
  }
  tour.rounds = measure(runs, progress);
  return tour;
}

} // namespace tour
