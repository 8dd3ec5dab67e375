// The command `allot`.
#include "command.hpp"
#include "text.hpp"

#include <allot/version.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace {

std::vector<Command> add_commands(CLI::App& app, const std::vector<std::string>& program) {
  std::vector<Command> commands;
#ifdef ALLOT_HAS_ADVISOR
  commands.push_back(add_advise(app, program));
#endif
  commands.push_back(add_record(app, program));
#ifdef ALLOT_HAS_ADVISOR
  commands.push_back(add_analyze(app));
#endif
  commands.push_back(add_trial(app, program));
#ifdef ALLOT_HAS_REPORT
  commands.push_back(add_report(app));
#endif
  commands.push_back(add_tour(app));
  return commands;
}

} // namespace

int main(int argc, char** argv) {
  char** const dashes =
      std::find_if(argv, argv + argc, [](std::string_view text) { return text == "--"; });
  const std::vector<std::string> program(std::min(dashes + 1, argv + argc), argv + argc);

  CLI::App app("Says which memory allocation strategy would help a program, and shows them at work",
               "allot");
  app.set_version_flag("--version", "allot " ALLOT_VERSION_STRING);
  app.require_subcommand(1);
  const std::vector<Command> commands = add_commands(app, program);
  CLI::App* const help = app.add_subcommand("help", "Prints this, or the help of a command");
  std::string topic;
  help->add_option("COMMAND", topic, "The command");

  try {
    app.parse(static_cast<int>(dashes - argv), argv);
    if (help->parsed()) {
      app.clear(); // or it would print the help of what was called for, this
      fmt::print("{}", topic.empty() ? app.help() : app.get_subcommand(topic)->help("allot"));
      return exit_code::done;
    }
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) // help, or the version
      return app.exit(error);
    const auto unexpected = app.remaining(true);
    fmt::print(stderr, "allot: {}; see allot --help\n",
               unexpected.empty() ? error.what()
                                  : printable(unexpected.front()) + ": not understood");
    return exit_code::usage;
  } catch (const CLI::OptionNotFound&) {
    fmt::print(stderr, "allot: there is no command {}; see allot --help\n", printable(topic));
    return exit_code::usage;
  }
  try {
    for (const Command& command : commands)
      if (command.app->parsed())
        return command.run();
  } catch (const std::exception& error) {
    fmt::print(stderr, "allot: {}\n", error.what());
  }
  return exit_code::unusable;
}
