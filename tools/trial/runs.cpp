#include "runs.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace trial {
namespace {

[[noreturn]] void fail(const std::string& what, int error = errno) {
  throw std::system_error(error, std::generic_category(), what);
}

void write_all(int to, const char* from, std::size_t bytes) {
  while (bytes != 0) {
    const ssize_t n = ::write(to, from, bytes);
    if (n < 0 && errno != EINTR)
      fail("a file for what the program reads");
    from += std::max<ssize_t>(n, 0);
    bytes -= static_cast<std::size_t>(std::max<ssize_t>(n, 0));
  }
}

// A pipe that nobody writes to, and nobody closes, would be waited for without a word.
void tell_if_nothing_comes() {
  constexpr int patience = 2000; // milliseconds
  pollfd input{STDIN_FILENO, POLLIN, 0};
  if (::poll(&input, 1, patience) == 0)
    fmt::print(stderr, "allot: reading standard input to its end, for all runs; </dev/null if the "
                       "program needs none\n");
}

} // namespace

Descriptor::Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

Descriptor::~Descriptor() {
  if (number_ >= 0)
    ::close(number_);
}

Descriptor make_file() {
  const char* const directory = std::getenv("TMPDIR");
  std::string path = fmt::format("{}/allot-XXXXXX", directory == nullptr ? "/tmp" : directory);
  Descriptor file(::mkostemp(path.data(), O_CLOEXEC));
  if (file.number() < 0)
    fail(path);
  ::unlink(path.c_str());
  return file;
}

bool same_contents(const Descriptor& a, const Descriptor& b) {
  struct stat of_a {};
  struct stat of_b {};
  if (::fstat(a.number(), &of_a) != 0 || ::fstat(b.number(), &of_b) != 0)
    fail("what the program wrote");
  if (of_a.st_size != of_b.st_size)
    return false;
  std::array<char, 1 << 16> bytes_of_a;
  std::array<char, 1 << 16> bytes_of_b;
  for (off_t at = 0; at < of_a.st_size;) {
    const ssize_t n = ::pread(a.number(), bytes_of_a.data(), bytes_of_a.size(), at);
    if (n <= 0 || ::pread(b.number(), bytes_of_b.data(), static_cast<std::size_t>(n), at) != n)
      fail("what the program wrote", n < 0 ? errno : EIO);
    if (std::memcmp(bytes_of_a.data(), bytes_of_b.data(), static_cast<std::size_t>(n)) != 0)
      return false;
    at += n;
  }
  return true;
}

Input::Input() : file_(::open("/dev/null", O_RDONLY | O_CLOEXEC)) {
  if (file_.number() < 0)
    fail("/dev/null");
}

Input Input::of_standard_input() {
  if (::isatty(STDIN_FILENO) == 1)
    return Input(Descriptor());
  Descriptor file = make_file();
  tell_if_nothing_comes();
  std::array<char, 1 << 16> bytes;
  for (;;) {
    const ssize_t n = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (n == 0 || (n < 0 && errno == EBADF)) // closed is as good as empty
      return Input(std::move(file));
    if (n < 0 && errno != EINTR)
      fail("standard input");
    write_all(file.number(), bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  }
}

Descriptor Input::open() const {
  if (file_.number() < 0)
    return Descriptor(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
  const std::string path = fmt::format("/proc/self/fd/{}", file_.number());
  Descriptor again(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (again.number() < 0)
    fail("standard input, once more");
  return again;
}

void Input::become_standard_input() const {
  if (file_.number() >= 0 && ::dup2(open().number(), STDIN_FILENO) < 0)
    fail("standard input");
}

Run run(const Subject& subject, const Input& input, const std::string& library,
        const std::string& variable) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    fail("a pipe");
  const Descriptor result(ends[0]);
  Descriptor told(ends[1]);
  Run run{{}, make_file(), make_file()};
  const Descriptor in = input.open();

  const char* const others = std::getenv("LD_PRELOAD");
  std::string preload = library;
  if (others != nullptr && *others != '\0')
    preload += fmt::format("{}{}", preload.empty() ? "" : ":", others);
  constexpr int descriptor_of_runner = 3;
  std::vector<std::string> arguments{subject.runner, std::to_string(descriptor_of_runner), preload,
                                     subject.path};
  arguments.insert(arguments.end(), subject.arguments.begin(), subject.arguments.end());
  std::vector<char*> argument_pointers;
  for (std::string& argument : arguments)
    argument_pointers.push_back(argument.data());
  argument_pointers.push_back(nullptr);
  std::string own_variable = variable;
  std::vector<char*> variables;
  if (!variable.empty())
    variables.push_back(own_variable.data());
  for (char** v = environ; *v != nullptr; ++v)
    if (std::strncmp(*v, "LD_PRELOAD=", 11) != 0)
      variables.push_back(*v);
  variables.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in.number(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, run.out.number(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, run.err.number(), STDERR_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, told.number(), descriptor_of_runner);
  pid_t process = 0;
  const int error = ::posix_spawn(&process, subject.runner.c_str(), &actions, nullptr,
                                  argument_pointers.data(), variables.data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0)
    fail(subject.runner, error);
  told = Descriptor();
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  if (::read(result.number(), &run.ending, sizeof run.ending) != sizeof run.ending)
    fail(subject.runner, EIO);
  if (run.ending.error != 0)
    fail(subject.path, run.ending.error);
  return run;
}

} // namespace trial
