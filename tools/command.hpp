// A command of `allot`: it adds itself to the command line, and runs when it was called for.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

/// Exit codes, the same for all commands.
namespace exit_code {
constexpr int done = 0;
constexpr int unusable = 1;    ///< an input that cannot be used, or work that went wrong
constexpr int usage = 2;       ///< a command line that nobody understands
constexpr int cannot_load = 3; ///< a program that cannot be preloaded
constexpr int leave = 4;       ///< nothing is worth doing
constexpr int undecided = 5;
} // namespace exit_code

struct Command {
  CLI::App* app;
  std::function<int()> run; ///< returns an exit code; what it throws is told, and is code 1
};

Command add_tour(CLI::App& allot);
/// `program` is what follows `--` on the command line. CLI11 doesn't see it, as it would read some
/// arguments in its own way, such as [a,b].
Command add_record(CLI::App& allot, const std::vector<std::string>& program);
Command add_trial(CLI::App& allot, const std::vector<std::string>& program);
Command add_analyze(CLI::App& allot);
Command add_advise(CLI::App& allot, const std::vector<std::string>& program);
Command add_report(CLI::App& allot);
