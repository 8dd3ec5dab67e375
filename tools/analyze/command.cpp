// The command `allot analyze`.
#include "../command.hpp"

#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "opened.hpp"
#include "report.hpp"

namespace {

int analyze_file(const std::string& file) {
  try {
    std::optional<Progress> progress(std::in_place);
    trace::Trace trace = analyze::open_watched(file, *progress);
    const analyze::Stacks stacks(trace.contexts());
    const analyze::Lifetimes lifetimes = measure_lifetimes(trace, stacks);
    symbols::Symbols symbols(trace.modules());
    trace.watch({});
    progress.reset();
    print_facts(stdout, trace, stacks, lifetimes, symbols);
  } catch (const trace::Error& error) {
    fmt::print(stderr, "allot: {}: {}\n", file, error.what());
    return exit_code::unusable;
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    throw std::system_error(errno, std::generic_category(), "standard output");
  return exit_code::done;
}

} // namespace

Command add_analyze(CLI::App& allot) {
  const auto file = std::make_shared<std::string>();
  CLI::App* const app =
      allot.add_subcommand("analyze", "Shows how the blocks of a recorded program live and die");
  app->add_option("TRACE", *file, "What allot record wrote")->required();
  app->footer("Example: allot record -o sort.trace -- sort names.txt\n"
              "         allot analyze sort.trace\n\n"
              "Exit codes: 0 done, 1 the trace cannot be used, 2 usage.");
  return {app, [file] { return analyze_file(*file); }};
}
