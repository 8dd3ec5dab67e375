#include "trial.hpp"

#include "../launch/launch.hpp"
#include "costs.hpp"
#include "mallocs.hpp"
#include "outdated.hpp"
#include "outputs.hpp"
#include "rounds.hpp"
#include "shared.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace trial {
namespace {

/// One of the ways to run the program.
struct Variant {
  std::string name;         ///< for messages: "with ..."
  std::optional<Task> task; ///< of the library; none: it isn't there
  std::string library;      ///< of another malloc
};

constexpr std::size_t as_is = 0;
constexpr std::size_t control = 1;
constexpr std::size_t whole = 2;

class Trial {
public:
  Trial(const Plan& plan, const Options& options, const Subject& subject, const Input& input)
      : plan_(plan), limits_{options.rounds, options.points}, subject_(subject), input_(input),
        library_(launch::find_library("liballot_trial.so")) {}

  Results run(const std::function<void(std::string_view)>& show) {
    results_.points = limits_.points;
    results_.failure = why_outdated(plan_);
    if (!results_.failure.empty())
      return std::move(results_);
    try {
      show("trial: measuring what a trial costs");
      if (!plan_.routes.empty())
        costs_ = measure_costs(subject_.runner, library_);
      show("trial: looking at what the program does");
      look();
      list_variants();
      if (comparisons_.empty())
        throw Worthless("there is nothing to try: none of the calls of the plan came, and no "
                        "other malloc is installed");
      const Samples samples = go_round(
          variants_.size(), comparisons_, limits_, [this](std::size_t way) { return sample(way); },
          [&show](std::string_view text) { show(fmt::format("trial: {}", text)); });
      conclude(samples);
    } catch (const Worthless& differ) {
      results_.failure = differ.what();
    }
    results_.remarks = outputs_->remarks();
    return std::move(results_);
  }

private:
  bool has_calls(std::size_t route) const { return results_.routes[route].seen.calls != 0; }

  Run run_as_is() { return trial::run(subject_, input_, "", ""); }

  /// Before the rounds: whether the program does twice the same, and what each route sees.
  void look() {
    outputs_.emplace(run_as_is(), [this] { return run_as_is(); });
    if (plan_.routes.empty())
      return;
    const Shared shared(plan_, {.way = Way::routed, .measure_teardown = true});
    const Run seen = trial::run(subject_, input_, library_, shared.variable());
    if (const std::string refusal = shared.refusal(); !refusal.empty())
      throw CannotLoad(refusal);
    if (const std::string other = shared.other_build(); !other.empty())
      throw Worthless("the program loads another " + other + " than was recorded");
    outputs_->expect_same(seen, "with the plan routed");
    for (std::size_t i = 0; i < plan_.routes.size(); ++i) {
      results_.routes.push_back({plan_.routes[i], shared.counts(i), {}});
      teardowns_.push_back(seconds_of(shared.teardown(i), costs_));
    }
  }

  void list_variants() {
    variants_.push_back({"as it is", {}, {}});
    variants_.push_back({"with the control", Task{.way = Way::control}, {}});
    variants_.push_back({"with the plan routed", Task{.way = Way::routed}, {}});
    for (std::size_t i = 0; i < results_.routes.size(); ++i)
      if (has_calls(i))
        tried_.push_back(i);
    if (!tried_.empty())
      comparisons_.push_back({control, whole, as_is});
    if (tried_.size() > 1)
      for (const std::size_t route : tried_)
        add({fmt::format("with route {} alone", route),
             Task{.way = Way::routed, .served = std::uint64_t{1} << route},
             {}},
            control);
    for (const Malloc& malloc : other_mallocs()) {
      add({"with " + malloc.name, {}, malloc.path}, as_is);
      results_.alternatives.push_back({{}, malloc.name, malloc.path});
    }
  }
  void add(Variant variant, std::size_t compared_with) {
    comparisons_.push_back({compared_with, variants_.size(), as_is});
    variants_.push_back(std::move(variant));
  }

  Sample sample(std::size_t way) {
    const Variant& variant = variants_[way];
    std::unique_ptr<Shared> shared;
    if (variant.task)
      shared = std::make_unique<Shared>(plan_, *variant.task);
    const Run finished = trial::run(subject_, input_, shared ? library_ : variant.library,
                                    shared ? shared->variable() : "");
    if (variant.library.empty())
      outputs_->expect_same(finished, variant.name);
    else if (outputs_->differs(finished))
      differing_.insert(variant.library);
    return {static_cast<double>(finished.ending.processor_us) / 1e6,
            static_cast<double>(finished.ending.peak_bytes)};
  }

  Change change(const Samples& samples, const Comparison& comparison) const {
    const Interval interval = gain(samples, comparison);
    return {interval, memory(samples, comparison), decided(interval, limits_.points)};
  }

  /// What the routes themselves and the teardown of what they serve take, that by hand go.
  Tried tried(const Samples& samples, const Comparison& comparison,
              const std::vector<std::size_t>& routes) const {
    Tried tried{change(samples, comparison), 0, false};
    double seconds = 0;
    for (const std::size_t route : routes)
      seconds += teardowns_[route] +
                 static_cast<double>(results_.routes[route].seen.served) *
                     (plan_.routes[route].pool ? costs_.pool_pair : costs_.region_pair);
    tried.expected = tried.gain.mid + 100 * seconds / results_.seconds;
    tried.withheld = is_too_much(tried.memory, results_.peak);
    return tried;
  }

  void conclude(const Samples& samples) {
    std::vector<double> seconds;
    std::vector<double> peaks;
    for (const Sample& sample : samples[as_is]) {
      seconds.push_back(sample.seconds);
      peaks.push_back(sample.peak);
    }
    results_.rounds = seconds.size();
    results_.seconds = std::max(median(seconds), 1e-6);
    results_.peak = median(peaks);
    auto comparison = comparisons_.begin();
    if (!tried_.empty())
      results_.whole = tried(samples, *comparison++, tried_);
    if (tried_.size() == 1)
      results_.routes[tried_.front()].tried = results_.whole;
    if (tried_.size() > 1)
      for (const std::size_t route : tried_)
        results_.routes[route].tried = tried(samples, *comparison++, {route});
    for (Alternative& other : results_.alternatives)
      static_cast<Change&>(other) = change(samples, *comparison++);
    std::erase_if(results_.alternatives, [this](const Alternative& other) {
      if (!differing_.contains(other.library))
        return false;
      outputs_->remark("what the program writes differs with " + other.name);
      return true;
    });
  }

  const Plan& plan_;
  Limits limits_;
  const Subject& subject_;
  const Input& input_;
  std::string library_;
  Costs costs_;
  std::optional<Outputs> outputs_;
  std::vector<Variant> variants_;
  std::vector<Comparison> comparisons_; // the whole, each route tried alone, each other malloc
  std::vector<std::size_t> tried_;      // routes that have calls
  std::vector<double> teardowns_;       // seconds, by route
  std::set<std::string> differing_;     // libraries with which the program writes something else
  Results results_;
};

} // namespace

Results run_trial(const Plan& plan, const Options& options, const std::vector<std::string>& command,
                  const Input& input, const std::function<void(std::string_view)>& show) {
  const launch::Program program = launch::find_program(command.front());
  if (program.refusal)
    throw CannotLoad(*program.refusal);
  const Subject subject{program.path, command, launch::find_library("allot_trial_runner")};
  Results results = Trial(plan, options, subject, input).run(show);
  results.command = command;
  return results;
}

} // namespace trial
