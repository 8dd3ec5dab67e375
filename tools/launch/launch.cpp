#include "launch.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "executable.hpp"

namespace launch {
namespace {

namespace fs = std::filesystem;

bool is_program(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
}

std::string look_up(const std::string& command) {
  std::error_code error;
  if (command.find('/') != std::string::npos) {
    if (is_program(command))
      return command;
    if (!fs::exists(command, error))
      throw std::runtime_error(command + ": there is no such program");
    throw std::runtime_error(command + ": cannot be run");
  }
  const char* const variable = std::getenv("PATH");
  std::string_view list = variable ? variable : "/usr/local/bin:/usr/bin:/bin";
  for (;;) {
    const std::size_t colon = list.find(':');
    const fs::path directory = colon == 0 || list.empty() ? "." : list.substr(0, colon);
    if (is_program(directory / command))
      return directory / command;
    if (colon == std::string_view::npos)
      break;
    list.remove_prefix(colon + 1);
  }
  throw std::runtime_error(command + ": there is no such program");
}

// What the first line names, if it begins with #!; else empty.
std::string interpreter_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  char line[256] = {};
  file.read(line, sizeof line - 1);
  if (line[0] != '#' || line[1] != '!')
    return {};
  const char* const begin = line + 2 + std::strspn(line + 2, " \t");
  return {begin, std::strcspn(begin, " \t\r\n")};
}

// The kernel and the dynamic linker trust nobody who starts a program that has more rights than he.
std::optional<std::string> privileges(const std::string& path) {
  struct stat file;
  if (::stat(path.c_str(), &file) != 0)
    return std::nullopt;
  if ((file.st_mode & S_ISUID) != 0 && file.st_uid != ::geteuid())
    return "it is setuid: nothing is preloaded into a program with other rights";
  if ((file.st_mode & S_ISGID) != 0 && (file.st_mode & S_IXGRP) != 0 && file.st_gid != ::getegid())
    return "it is setgid: nothing is preloaded into a program with other rights";
  if (::geteuid() != 0 && ::getxattr(path.c_str(), "security.capability", nullptr, 0) > 0)
    return "it has capabilities: nothing is preloaded into a program with other rights";
  return std::nullopt;
}

} // namespace

Program find_program(const std::string& command) {
  Program program{look_up(command), {}, {}};
  std::string runs = program.path;
  for (int depth = 0; depth < 4; ++depth) {
    const std::string interpreter = interpreter_of(runs);
    if (interpreter.empty())
      break;
    program.interpreter = runs = interpreter;
    if (!is_program(runs))
      throw std::runtime_error(program.path + ": its interpreter " + runs + " cannot be run");
  }
  program.refusal = privileges(runs);
  if (!program.refusal)
    program.refusal = why_not_preloaded(runs);
  if (program.refusal && !program.interpreter.empty())
    program.refusal = "its interpreter " + runs + ": " + *program.refusal;
  return program;
}

std::string find_library(const std::string& name) {
  const fs::path here = fs::read_symlink("/proc/self/exe").parent_path();
  for (const char* const place : {ALLOT_PRELOADS_INSTALLED, ALLOT_PRELOADS_BUILT}) {
    const fs::path path = (here / place / name).lexically_normal();
    if (fs::exists(path)) {
      // The dynamic linker's list has these between its entries.
      if (path.native().find_first_of(": ") != std::string::npos)
        throw std::runtime_error(path.native() +
                                 ": a path with a colon or a space cannot be preloaded");
      return path;
    }
  }
  throw std::runtime_error(name + ": not installed with this command");
}

std::string preloading(const std::string& library) {
  const char* const others = std::getenv("LD_PRELOAD");
  return "LD_PRELOAD=" + library + (others && *others ? std::string(":") + others : "");
}

pid_t start_program(const Program& program, const std::vector<std::string>& arguments,
                    const std::vector<std::string>& variables) {
  std::vector<std::string> environment = variables;
  for (char** v = environ; *v; ++v) {
    const std::string_view name(*v, std::strcspn(*v, "="));
    if (std::none_of(variables.begin(), variables.end(), [name](const std::string& ours) {
          return ours.starts_with(name) && ours[name.size()] == '=';
        }))
      environment.emplace_back(*v);
  }
  const auto pointers = [](const std::vector<std::string>& strings) {
    std::vector<char*> list;
    for (const std::string& s : strings)
      list.push_back(const_cast<char*>(s.c_str())); // NOLINT: as execve wants it
    list.push_back(nullptr);
    return list;
  };

  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t defaults;
  ::sigemptyset(&defaults);
  for (const int signal : {SIGINT, SIGQUIT, SIGTERM, SIGXFSZ, SIGPIPE}) {
    struct sigaction before;
    ::sigaction(signal, nullptr, &before);
    if (before.sa_handler != SIG_DFL)
      ::sigaddset(&defaults, signal);
  }
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  pid_t process = 0;
  const int error = ::posix_spawn(&process, program.path.c_str(), nullptr, &attributes,
                                  pointers(arguments).data(), pointers(environment).data());
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0)
    throw std::system_error(error, std::generic_category(), program.path);
  return process;
}

} // namespace launch
