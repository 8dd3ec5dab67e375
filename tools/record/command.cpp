// The command `allot record`.
#include "../command.hpp"
#include "../launch/launch.hpp"
#include "../text.hpp"

#include <csignal>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sys/wait.h>

#include "collect.hpp"
#include "record.hpp"
#include "segment.hpp"

namespace record {
namespace {

template <class... Arguments>
void tell(fmt::format_string<Arguments...> text, Arguments&&... args) {
  fmt::print(stderr, "allot: {}\n", fmt::format(text, std::forward<Arguments>(args)...));
}

void tell_status(int status) {
  if (WIFSIGNALED(status))
    tell("the program was ended by signal {} ({})", WTERMSIG(status),
         ::strsignal(WTERMSIG(status)));
  else if (WEXITSTATUS(status) != 0)
    tell("the program ended with exit code {}", WEXITSTATUS(status));
}

int tell_recorded(const Outcome& outcome, bool quiet) {
  bool whole = true;
  for (const Recorded& r : outcome.recorded) {
    if (!quiet)
      tell("{}: {} calls of process {}, {} bytes", r.path, grouped(r.events), r.process,
           grouped(r.bytes));
    if (r.lost != 0)
      tell("{}: {} calls more are not in it: they came from signal handlers at an awkward time, or "
           "from too many threads",
           r.path, grouped(r.lost));
    if (!r.failure.empty())
      tell("{}; the calls after these are missing, the program went on unrecorded", r.failure);
    whole = whole && r.failure.empty();
  }
  return whole ? exit_code::done : exit_code::unusable;
}

} // namespace

int run(const Options& options, const std::vector<std::string>& command) {
  if (command.empty()) {
    tell("record: there is no program to record: allot record -- PROGRAM ARGUMENTS");
    return exit_code::usage;
  }
  const launch::Program program = launch::find_program(command.front());
  if (program.refusal) {
    tell("{}: {}", command.front(), *program.refusal);
    return exit_code::cannot_load;
  }
  const std::string library = launch::find_library("liballot_record.so");
  Collector collector(options.file, options.children);
  const pid_t process =
      launch::start_program(program, command,
                            {launch::preloading(library),
                             std::string(environment_variable) + '=' + collector.variable()});
  const Outcome outcome = collector.run(process);
  if (!outcome.refusal.empty()) {
    tell("{}: {}", command.front(), outcome.refusal);
    return exit_code::cannot_load;
  }
  tell_status(outcome.status);
  if (outcome.recorded.empty()) {
    tell("{}: nothing was recorded: the library was not loaded", command.front());
    return exit_code::cannot_load;
  }
  if (!program.interpreter.empty())
    tell("{} is a script: its interpreter {} was recorded", program.path, program.interpreter);
  if (!outcome.became.empty())
    tell("the program went on as {}, which was not recorded: allot record --children does",
         outcome.became);
  if (!options.children && outcome.of_children > 0.5)
    tell(
        "{:.0f} % of the processor time was that of processes which it started, and which were not "
        "recorded: allot record --children does",
        100 * outcome.of_children);
  return tell_recorded(outcome, options.quiet);
}

} // namespace record

Command add_record(CLI::App& allot, const std::vector<std::string>& program) {
  auto options = std::make_shared<record::Options>();
  CLI::App* const app = allot.add_subcommand(
      "record",
      "Runs a program, and writes down its calls of malloc and the like: allot record -- PROGRAM");
  app->add_option("-o,--output", options->file, "The trace that is written")->capture_default_str();
  app->add_flag("--children", options->children,
                "Record the processes it starts too, each into FILE.PID");
  app->footer(
      "Example: allot record -o sort.trace -- sort names.txt\n"
      "         allot advise sort.trace\n\n"
      "The program's input, output and exit are its own; what it ended with is told at the "
      "end.\n"
      "Exit codes: 0 a trace was written, 1 it could not be or not wholly, 2 usage, 3 nothing "
      "can be\npreloaded into the program.");
  return {app, [options, &program] { return record::run(*options, program); }};
}
