// The command `allot advise`.
#include "../command.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
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

#include "../analyze/opened.hpp"
#include "../output.hpp"
#include "../record/record.hpp"
#include "../text.hpp"
#include "../trial/report.hpp"
#include "../trial/trial.hpp"
#include "report.hpp"

namespace {

using namespace advise;

struct Options {
  std::string file;
  std::string json;
  std::string plan;
  double min = 2;
  std::size_t rounds = 15;
};

struct Found {
  Advice advice;
  std::string plan; ///< empty unless it is wanted
};

std::string plan_of(const Inputs& inputs, Advice& advice) {
  char* text = nullptr;
  std::size_t bytes = 0;
  std::FILE* const out = ::open_memstream(&text, &bytes);
  if (out == nullptr)
    throw std::bad_alloc();
  print_plan(out, inputs, advice);
  std::fclose(out);
  std::string plan(text, bytes);
  std::free(text);
  return plan;
}

Found find(const std::string& file, double min, bool with_plan) {
  Progress progress;
  trace::Trace trace = analyze::open_watched(file, progress);
  const analyze::Stacks stacks(trace.contexts());
  const analyze::Lifetimes lifetimes = measure_lifetimes(trace, stacks);
  symbols::Symbols symbols(trace.modules());
  for (const std::string& path : symbols.changed())
    fmt::print(stderr, "allot: {} is not the file that was recorded: no names from it\n", path);
  if (!symbols::Symbols::available())
    fmt::print(stderr, "allot: built without libdw: functions have no names\n");

  const Inputs inputs{trace, stacks, lifetimes, symbols};
  Found found{find_advice(inputs, min / 100), {}};
  if (with_plan)
    found.plan = plan_of(inputs, found.advice);
  trace.watch({});
  return found;
}

/// `results` are null where there was no trial.
void print(std::FILE* out, const Options& options, const Found& found,
           const trial::Results* results) {
  if (options.json != "-")
    print_text(out, found.advice, results);
  if (!options.json.empty())
    write_to(options.json, [&](std::FILE* to) { print_json(to, found.advice, results); });
  if (!options.plan.empty())
    write_to(options.plan, [&](std::FILE* to) { fmt::print(to, "{}", found.plan); });
}

int advise_on(const std::string& file, const Options& options) {
  const Found found = find(file, options.min, !options.plan.empty());
  print(stdout, options, found, nullptr);
  return found.advice.leave() ? exit_code::leave : exit_code::done;
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
  const Found found = find(trace.path(), options.min, true);
  const auto& entries = found.advice.entries;
  // Ours to standard error: standard output is the program's.
  if (found.advice.leave() || std::none_of(entries.begin(), entries.end(), can_be_tried)) {
    print(stderr, options, found, nullptr);
    return found.advice.leave() ? exit_code::leave : exit_code::done;
  }
  std::optional<Progress> progress(std::in_place);
  const trial::Results results =
      trial::run_trial(trial::parse_plan(found.plan), {.rounds = options.rounds}, program, input,
                       [&](std::string_view text) { progress->show(text); });
  progress.reset();
  print(stderr, options, found, &results);
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
