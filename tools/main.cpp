// The command `allot`. Exit code 1: a document that cannot be used, or work that went wrong; 2: a
// command line that nobody understands.
#include "report.hpp"
#include "tour.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <exception>
#include <string>
#include <system_error>

namespace {

constexpr const char* languages = "/usr/share/iso-codes/json/iso_639-3.json";

int take_tour(const std::string& file, bool json) {
  tour::Input input;
  tour::Tour result;
  {
    tour::Progress progress;
    input = tour::load(file, progress);
    result = tour::take(input, tour::all_jobs(), progress);
  }
  (json ? tour::print_json : tour::print_table)(stdout, input, result);
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    throw std::system_error(errno, std::generic_category(), "standard output");

  return tour::print_differences(stderr, result) ? 1 : 0;
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app("Memory allocation strategies, tried on real work", "allot");
  app.set_version_flag("--version", "allot " ALLOT_VERSION);
  app.require_subcommand(1);

  std::string file = languages;
  bool json = false;
  CLI::App* const command = app.add_subcommand(
      "tour", "Works on a JSON document with each strategy and with malloc, and compares them");
  const CLI::Option* const file_option =
      command->add_option("FILE", file, "The document; - is standard input")->capture_default_str();
  command->add_flag("--json", json, "Print the results as JSON");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) // help, or the version
      return app.exit(error);
    const auto unexpected = app.remaining(true);
    fmt::print(stderr, "allot: {}; see allot --help\n",
               unexpected.empty() ? error.what()
                                  : tour::printable(unexpected.front()) + ": not understood");
    return 2;
  }
  try {
    return take_tour(file, json);
  } catch (const tour::InputError& error) {
    fmt::print(stderr, "allot: {}{}\n", error.what(),
               file_option->empty() ? " (it comes with the package iso-codes)" : "");
    return 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "allot: {}\n", error.what());
    return 1;
  }
}
