// under PLAN control|routed LIBRARY PROGRAM ARGUMENTS...: runs a program once under the library of
// the trial, as `allot trial` does, and leaves its output to be seen.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>

#include <sys/wait.h>
#include <unistd.h>

#include <trial/plan.hpp>
#include <trial/shared.hpp>

int main(int count, char** arguments) {
  if (count < 5) {
    std::fputs("under PLAN control|routed LIBRARY PROGRAM ARGUMENTS...\n", stderr);
    return 2;
  }
  try {
    const trial::Plan plan = trial::read_plan(arguments[1]);
    const bool routed = std::string_view(arguments[2]) == "routed";
    const trial::Shared shared(plan, {.way = routed ? trial::Way::routed : trial::Way::control});
    std::string variable = shared.variable(); // names this process
    const pid_t process = ::fork();
    if (process == 0) {
      ::putenv(variable.data());
      ::setenv("LD_PRELOAD", arguments[3], 1);
      ::execvp(arguments[4], arguments + 4);
      ::_exit(127);
    }
    int status = 1;
    ::waitpid(process, &status, 0);
    if (!shared.refusal().empty()) {
      std::fprintf(stderr, "under: %s\n", shared.refusal().c_str());
      return 1;
    }
    return status == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "under: %s\n", error.what());
    return 1;
  }
}
