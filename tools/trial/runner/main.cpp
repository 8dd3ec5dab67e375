// allot_trial_runner DESCRIPTOR PRELOAD PROGRAM ARGUMENT0 ARGUMENTS...
//
// Runs a program, with LD_PRELOAD as given if that isn't empty, and writes to the descriptor what
// it took. It is there because it is small: the system counts what a process had before it became
// the program into that program's peak, so that a large command's own memory would hide it. It has
// nothing but the C library.
#include "runner.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <initializer_list>

#include <fcntl.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

volatile pid_t program = 0;

std::uint64_t microseconds(const timeval& t) {
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(t.tv_usec);
}

void pass_on(int signal) {
  if (program > 0)
    ::kill(program, signal);
}

// What ends this process is passed on; the program has what comes from the terminal itself. It
// starts with what was there before.
int start(char** arguments) {
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t defaults;
  ::sigemptyset(&defaults);
  struct sigaction ours {};
  struct sigaction before;
  for (const int signal : {SIGINT, SIGQUIT, SIGTERM, SIGHUP}) {
    const bool from_terminal = signal == SIGINT || signal == SIGQUIT;
    ours.sa_handler = from_terminal ? SIG_IGN : pass_on;
    ::sigaction(signal, nullptr, &before);
    if (before.sa_handler == SIG_IGN)
      continue;
    ::sigaction(signal, &ours, nullptr);
    ::sigaddset(&defaults, signal);
  }
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  pid_t process = 0;
  const int error =
      ::posix_spawn(&process, arguments[0], nullptr, &attributes, arguments + 1, environ);
  program = process;
  return error;
}

} // namespace

int main(int count, char** arguments) {
  if (count < 5)
    return 2;
  const int descriptor = std::atoi(arguments[1]);
  ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM); // a command that is killed leaves nothing behind
  if (*arguments[2] != '\0' && ::setenv("LD_PRELOAD", arguments[2], 1) != 0)
    return 2;

  trial::Ending ending{};
  ending.error = start(arguments + 3);
  rusage usage{};
  while (ending.error == 0 && ::wait4(program, &ending.status, 0, &usage) < 0)
    if (errno != EINTR)
      ending.error = errno;
  ending.processor_us = microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
  ending.peak_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
  return ::write(descriptor, &ending, sizeof ending) == sizeof ending ? 0 : 1;
}
