// The command `allot report`.
#include "../command.hpp"

#include <cerrno>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "../advise/analysis.hpp"
#include "report.hpp"
#include "trial.hpp"

namespace {

constexpr double least = 0.02; // of the processor time, to be advice: as allot advise has it

struct Options {
  std::string trace;
  std::string trial;
  std::string page;
};

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (!file)
    throw std::system_error(errno, std::generic_category(), path);
  if (text.empty()) // which would be no trial
    throw std::runtime_error(path + ": no trial's JSON: it is empty");
  return text;
}

int report_on(const Options& options) {
  try {
    const std::string trial = options.trial.empty() ? std::string() : content_of(options.trial);
    Progress progress;
    const advise::Analysis analysis(options.trace, progress);
    const advise::Advice advice = advise::find_advice(analysis.inputs(), least);
    report::write_report(options.page, analysis.inputs(), advice, trial);
  } catch (const trace::Error& error) {
    fmt::print(stderr, "allot: {}: {}\n", options.trace, error.what());
    return exit_code::unusable;
  } catch (const report::TrialError& error) {
    fmt::print(stderr, "allot: {}: {}\n", options.trial, error.what());
    return exit_code::unusable;
  }
  return exit_code::done;
}

} // namespace

Command add_report(CLI::App& allot) {
  const auto options = std::make_shared<Options>();
  CLI::App* const app = allot.add_subcommand(
      "report", "Writes a page about a recorded program, for a browser; it needs no network");
  app->add_option("TRACE", options->trace, "What allot record wrote")->required();
  app->add_option("TRIAL", options->trial,
                  "What allot trial, or allot advise, wrote with --json about the same program");
  app->add_option("-o", options->page, "The page to write; - is standard output")->required();
  app->footer("Example: allot record -o server.trace -- ./server --once requests.txt\n"
              "         allot report server.trace -o server.html\n\n"
              "Exit codes: 0 done, 1 a file cannot be used, 2 usage.");
  return {app, [options] { return report_on(*options); }};
}
