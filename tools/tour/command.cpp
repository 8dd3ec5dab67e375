#include "../command.hpp"
#include "report.hpp"
#include "tour.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <string>
#include <system_error>

namespace {

constexpr const char* languages = "/usr/share/iso-codes/json/iso_639-3.json";

int take_tour(const std::string& file, bool json) {
  tour::Input input;
  tour::Tour result;
  {
    Progress progress;
    input = tour::load(file, progress);
    result = tour::take(input, tour::all_jobs(), progress);
  }
  (json ? tour::print_json : tour::print_table)(stdout, input, result);
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    throw std::system_error(errno, std::generic_category(), "standard output");

  return tour::print_differences(stderr, result) ? exit_code::unusable : exit_code::done;
}

} // namespace

Command add_tour(CLI::App& allot) {
  struct Options {
    std::string file = languages;
    bool json = false;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* const command = allot.add_subcommand(
      "tour", "Works on a JSON document with each strategy and with malloc, and compares them");
  const CLI::Option* const file =
      command->add_option("FILE", options->file, "The document; - is standard input")
          ->capture_default_str();
  command->add_flag("--json", options->json, "Print the results as JSON");
  return {command, [=] {
            try {
              return take_tour(options->file, options->json);
            } catch (const tour::InputError& error) {
              fmt::print(stderr, "allot: {}{}\n", error.what(),
                         file->empty() ? " (it comes with the package iso-codes)" : "");
              return exit_code::unusable;
            }
          }};
}
