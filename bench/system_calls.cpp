#include "system_calls.hpp"

#include <csignal>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {

namespace {

// The stops of a child that does `work` between two signals to itself: two a system call.
std::optional<long> count_stops(const std::function<void()>& work) {
  const pid_t child = fork();
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0)
      _exit(1);
    raise(SIGSTOP);
    work();
    _exit(0);
  }
  int status = 0;
  long stops = 0;
  while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
    ++stops;
    ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
  }
  if (child < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return std::nullopt;
  return stops;
}

} // namespace

std::optional<double> count_system_calls(const std::function<void()>& work) {
  const std::optional<long> stops = count_stops(work);
  const std::optional<long> without = count_stops([] {});
  if (!stops || !without)
    return std::nullopt;
  return static_cast<double>(*stops - *without) / 2;
}

} // namespace bench
