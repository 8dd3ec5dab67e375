// Finding and starting a program that a library is preloaded into.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace launch {

/// What a command line would run.
struct Program {
  std::string path;        ///< of the file that the command line names
  std::string interpreter; ///< what is run for it, when it begins with #!; else empty
  /// Why the library can't be preloaded into what runs, if so.
  std::optional<std::string> refusal;
};

/// Looks the command up as a shell would. Throws std::runtime_error when there is no such program.
Program find_program(const std::string& command);

/// Where a file of that name is that comes with this executable, such as liballot_record.so: built,
/// or installed. Throws std::runtime_error when it isn't there, or when its path can't be
/// preloaded.
std::string find_library(const std::string& name);

/// What stands in the environment of a program that the library is preloaded into, before others
/// that are in this process's: LD_PRELOAD=...
std::string preloading(const std::string& library);

/// Starts it with this process's environment, in which `variables`, each NAME=VALUE, take the place
/// of those of their names. It gets this process's descriptors, except those that close. Throws
/// std::system_error.
pid_t start_program(const Program& program, const std::vector<std::string>& arguments,
                    const std::vector<std::string>& variables);

} // namespace launch
