// The command `allot advise`.
#include "../command.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "../output.hpp"
#include "../record/record.hpp"
#include "../text.hpp"
#include "../trial/report.hpp"
#include "../trial/trial.hpp"
#ifdef ALLOT_HAS_REPORT
#include "../report/report.hpp"
#endif
#include "analysis.hpp"
#include "report.hpp"

namespace {

using namespace advise;

struct Options {
  std::string file;
  std::string json;
  std::string plan;
  std::string report;
  double min = 2;
  std::size_t rounds = 15;
};

std::string printed(const std::function<void(std::FILE*)>& print) {
  char* text = nullptr;
  std::size_t bytes = 0;
  std::FILE* const out = ::open_memstream(&text, &bytes);
  if (out == nullptr)
    throw std::bad_alloc();
  print(out);
  std::fclose(out);
  std::string all(text, bytes);
  std::free(text);
  return all;
}

/// What is found in a trace, and what is written of it.
class Findings {
public:
  Findings(const std::string& file, const Options& options)
      : options_(options), progress_(std::in_place), analysis_(file, *progress_),
        advice_(find_advice(analysis_.inputs(), options.min / 100)),
        plan_(printed([this](std::FILE* out) { print_plan(out, analysis_.inputs(), advice_); })) {
    analysis_.be_quiet();
    progress_.reset();
  }

  const Advice& advice() const { return advice_; }
  const std::string& plan() const { return plan_; }

  /// `results` are null where there was no trial.
  void print(std::FILE* out, const trial::Results* results) const {
    Advice advice = advice_;
    if (results != nullptr &&
        results->seconds > 0) // better than what recording leaves to be guessed
      advice.processor_seconds = results->seconds;
    const auto json = [&](std::FILE* to) { print_json(to, advice, results); };
    if (options_.json != "-")
      print_text(out, advice, results);
    if (!options_.json.empty())
      write_to(options_.json, json);
    if (!options_.plan.empty())
      write_to(options_.plan, [this](std::FILE* to) { fmt::print(to, "{}", plan_); });
#ifdef ALLOT_HAS_REPORT
    if (!options_.report.empty())
      report::write_report(options_.report, analysis_.inputs(), advice,
                           results == nullptr ? std::string() : printed(json));
#endif
  }

private:
  const Options& options_;
  std::optional<Progress> progress_;
  Analysis analysis_;
  Advice advice_;
  std::string plan_; // it tells the advice which entries it routes
};

int advise_on(const std::string& file, const Options& options) {
  const Findings findings(file, options);
  findings.print(stdout, nullptr);
  return findings.advice().leave() ? exit_code::leave : exit_code::done;
}

/// A file for a trace that is gone when this is.
class TemporaryTrace {
public:
  TemporaryTrace() {
    const char* const directory = std::getenv("TMPDIR");
    path_ = fmt::format("{}/allot-XXXXXX", directory == nullptr ? "/tmp" : directory);
    const int file = ::mkstemp(path_.data());
    if (file < 0)
      throw std::system_error(errno, std::generic_category(), path_);
    ::close(file);
  }
  TemporaryTrace(const TemporaryTrace&) = delete;
  TemporaryTrace& operator=(const TemporaryTrace&) = delete;
  ~TemporaryTrace() { ::unlink(path_.c_str()); }
  const std::string& path() const { return path_; }

private:
  std::string path_;
};

/// Whether a trial can say anything of it: something that needs no change in the source.
bool can_be_tried(const Entry& entry) {
  return entry.route >= 0 || entry.kind == Kind::other_malloc;
}

/// Records, analyses and tries.
int advise_on(const std::vector<std::string>& program, const Options& options) {
  const trial::Input input = trial::Input::of_standard_input();
  input.become_standard_input();
  const TemporaryTrace trace;
  const int code = record::run({.file = trace.path(), .quiet = true}, program);
  if (code != exit_code::done)
    return code;
  const Findings findings(trace.path(), options);
  const Advice& advice = findings.advice();
  const auto& entries = advice.entries;
  // Ours to standard error: standard output is the program's.
  if (advice.leave() || std::none_of(entries.begin(), entries.end(), can_be_tried)) {
    findings.print(stderr, nullptr);
    return advice.leave() ? exit_code::leave : exit_code::done;
  }
  std::optional<Progress> progress(std::in_place);
  const trial::Results results =
      trial::run_trial(trial::parse_plan(findings.plan()), {.rounds = options.rounds}, program,
                       input, [&](std::string_view text) { progress->show(text); });
  progress.reset();
  findings.print(stderr, &results);
  const bool all_tried = std::all_of(entries.begin(), entries.end(), can_be_tried);
  return all_tried && results.is_nothing_above(options.min) ? exit_code::leave
                                                            : exit_code_of(results);
}

int run(const Options& options, const std::vector<std::string>& program) {
  if (options.file.empty() == program.empty()) {
    fmt::print(stderr, "allot: advise takes a trace, or a program after --; see allot advise "
                       "--help\n");
    return exit_code::usage;
  }
  try {
    return options.file.empty() ? advise_on(program, options) : advise_on(options.file, options);
  } catch (const trace::Error& error) {
    fmt::print(stderr, "allot: {}: {}\n", options.file.empty() ? "the trace" : options.file,
               error.what());
    return exit_code::unusable;
  } catch (const trial::CannotLoad& error) {
    fmt::print(stderr, "allot: {}: {}\n", printable(program.front()), error.what());
    return exit_code::cannot_load;
  }
}

} // namespace

Command add_advise(CLI::App& allot, const std::vector<std::string>& program) {
  const auto options = std::make_shared<Options>();
  CLI::App* const app = allot.add_subcommand(
      "advise",
      "Says which strategy would help a program where, and tries it, or that it is best left");
  app->add_option("TRACE", options->file, "What allot record wrote; or, after --, a program");
  app->add_option("--json", options->json, "Write the advice as JSON, too; - is standard output");
  app->add_option("--plan", options->plan, "Write what a trial needs");
#ifdef ALLOT_HAS_REPORT
  app->add_option("--report", options->report, "Write all of it as a page for a browser");
#endif
  app->add_option("--rounds", options->rounds,
                  "Of the trial of a program: how often each way is run at the most")
      ->capture_default_str()
      ->check(CLI::Range(5, 1000));
  app->add_option("--min", options->min,
                  "The least that is worth it, in percent of the processor time")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 100.0));
  app->footer(
      "Example: allot advise -- ./server --once requests.txt\n"
      "         allot advise --json advice.json server.trace\n\n"
      "A program is recorded, and then runs some dozens of times more, each with the same input; "
      "what\nit writes is compared, and shown once.\n"
      "Exit codes: 0 there is advice, 1 the trace cannot be used or the program does something "
      "else "
      "in\nthe trial, 2 usage, 3 nothing can be preloaded into the program, 4 nothing is worth "
      "doing,\n5 undecided at this noise.");
  return {app, [options, program] { return run(*options, program); }};
}
