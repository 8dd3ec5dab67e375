// The command `allot trial` where nothing can be preloaded: it says so.
#include "../command.hpp"

#include <stdexcept>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "trial.hpp"

namespace {
constexpr char missing[] = "a trial is for x86-64 Linux with glibc 2.35 or later";
}

trial::Results trial::run_trial(const Plan&, const Options&, const std::vector<std::string>&,
                                const Input&, const std::function<void(std::string_view)>&) {
  throw std::runtime_error(missing);
}

Command add_trial(CLI::App& allot, const std::vector<std::string>&) {
  CLI::App* const app =
      allot.add_subcommand("trial", fmt::format("Not in this build: {}", missing));
  return {app, [] {
            fmt::print(stderr, "allot: {}\n", missing);
            return exit_code::unusable;
          }};
}
