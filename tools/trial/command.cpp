// The command `allot trial`.
#include "../command.hpp"
#include "../output.hpp"
#include "../progress.hpp"
#include "../text.hpp"

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "report.hpp"
#include "trial.hpp"

namespace trial {
namespace {

struct Choice {
  std::string plan;
  std::string json;
  Options options;
};

int try_out(const Choice& choice, const std::vector<std::string>& program) {
  if (program.empty()) {
    fmt::print(stderr, "allot: trial: there is no program to try: allot trial PLAN -- PROGRAM "
                       "ARGUMENTS\n");
    return exit_code::usage;
  }
  try {
    const Plan plan = read_plan(choice.plan);
    const Input input = Input::of_standard_input();
    std::optional<Progress> progress(std::in_place);
    const Results results = run_trial(plan, choice.options, program, input,
                                      [&](std::string_view text) { progress->show(text); });
    progress.reset();
    if (choice.json != "-")
      print_text(stdout, results);
    if (!choice.json.empty())
      write_to(choice.json, [&](std::FILE* to) { print_json(to, results); });
    return exit_code_of(results);
  } catch (const CannotLoad& error) {
    fmt::print(stderr, "allot: {}: {}\n", printable(program.front()), error.what());
    return exit_code::cannot_load;
  }
}

} // namespace
} // namespace trial

Command add_trial(CLI::App& allot, const std::vector<std::string>& program) {
  const auto choice = std::make_shared<trial::Choice>();
  CLI::App* const app = allot.add_subcommand(
      "trial", "Runs a program with the advised allocations routed to allot, and says what that "
               "changed: allot trial PLAN -- PROGRAM");
  app->add_option("PLAN", choice->plan, "What allot advise --plan wrote")->required();
  app->add_option("--rounds", choice->options.rounds, "How often each way is run at the most")
      ->capture_default_str()
      ->check(CLI::Range(5, 1000));
  app->add_option("--until", choice->options.points,
                  "Intervals that lie within so many points of the middle are narrow enough")
      ->capture_default_str()
      ->check(CLI::Range(0.1, 100.0));
  app->add_option("--json", choice->json, "Write the results as JSON, too; - is standard output");
  app->footer(
      "Example: allot record -o server.trace -- ./server --once requests.txt\n"
      "         allot advise --plan server.plan server.trace\n"
      "         allot trial server.plan -- ./server --once requests.txt\n\n"
      "The program gets the same input each time; what it writes is compared, and not shown.\n"
      "Exit codes: 0 decided, 1 the plan cannot be used or the program does something else under "
      "it,\n2 usage, 3 nothing can be preloaded into the program, 5 undecided at this noise.");
  return {app, [choice, &program] { return trial::try_out(*choice, program); }};
}
