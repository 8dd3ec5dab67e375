// The command `allot advise`.
#include "../command.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "../analyze/opened.hpp"
#include "../record/record.hpp"
#include "report.hpp"

namespace {

using namespace advise;

struct Options {
  std::string file;
  std::string json;
  std::string plan;
  double min = 2;
};

void write(const std::string& path, auto&& print) {
  std::FILE* const out = path == "-" ? stdout : std::fopen(path.c_str(), "w");
  if (out == nullptr)
    throw std::system_error(errno, std::generic_category(), path);
  print(out);
  const bool failed = std::fflush(out) != 0 || std::ferror(out) != 0;
  const int error = errno;
  if (out != stdout)
    std::fclose(out);
  if (failed)
    throw std::system_error(error, std::generic_category(), path);
}

int advise_on(const std::string& file, const Options& options, std::FILE* out) {
  std::optional<Progress> progress(std::in_place);
  trace::Trace trace = analyze::open_watched(file, *progress);
  const analyze::Stacks stacks(trace.contexts());
  const analyze::Lifetimes lifetimes = measure_lifetimes(trace, stacks);
  symbols::Symbols symbols(trace.modules());
  for (const std::string& path : symbols.changed())
    fmt::print(stderr, "allot: {} is not the file that was recorded: no names from it\n", path);
  if (!symbols::Symbols::available())
    fmt::print(stderr, "allot: built without libdw: functions have no names\n");

  const Inputs inputs{trace, stacks, lifetimes, symbols};
  Advice advice = find_advice(inputs, options.min / 100);
  trace.watch({});
  progress.reset();
  if (options.json != "-")
    print_text(out, advice);
  if (!options.json.empty())
    write(options.json, [&](std::FILE* to) { print_json(to, advice); });
  if (!options.plan.empty())
    write(options.plan, [&](std::FILE* to) { print_plan(to, inputs, advice); });
  return advice.leave() ? exit_code::leave : exit_code::done;
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

int run(const Options& options, const std::vector<std::string>& program) {
  if (options.file.empty() == program.empty()) {
    fmt::print(stderr, "allot: advise takes a trace, or a program after --; see allot advise "
                       "--help\n");
    return exit_code::usage;
  }
  try {
    if (!options.file.empty())
      return advise_on(options.file, options, stdout);
    const TemporaryTrace trace;
    const int code = record::run({.file = trace.path(), .quiet = true}, program);
    // Ours to standard error: standard output is the program's.
    return code == exit_code::done ? advise_on(trace.path(), options, stderr) : code;
  } catch (const trace::Error& error) {
    fmt::print(stderr, "allot: {}: {}\n", options.file.empty() ? "the trace" : options.file,
               error.what());
    return exit_code::unusable;
  }
}

} // namespace

Command add_advise(CLI::App& allot, const std::vector<std::string>& program) {
  const auto options = std::make_shared<Options>();
  CLI::App* const app = allot.add_subcommand(
      "advise", "Says which strategy would help a program where, or that it is best left");
  app->add_option("TRACE", options->file, "What allot record wrote; or, after --, a program");
  app->add_option("--json", options->json, "Write the advice as JSON, too; - is standard output");
  app->add_option("--plan", options->plan, "Write what a trial needs");
  app->add_option("--min", options->min,
                  "The least that is worth it, in percent of the processor time")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 100.0));
  app->footer(
      "Example: allot advise -- ./server --once requests.txt\n"
      "         allot advise --json advice.json server.trace\n\n"
      "Exit codes: 0 there is advice, 1 the trace cannot be used, 2 usage, 3 nothing can be "
      "preloaded\ninto the program, 4 nothing is worth doing.");
  return {app, [options, program] { return run(*options, program); }};
}
