// A command of `allot`: it adds itself to the command line, and runs when it was called for.
#pragma once

#include <functional>

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
