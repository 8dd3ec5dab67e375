// Starting the program that is to be recorded.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace record {

/// What a command line would run.
struct Program {
  std::string path;        ///< of the file that the command line names
  std::string interpreter; ///< what is run for it, when it begins with #!; else empty
  /// Why the library can't be preloaded into what runs, if so.
  std::optional<std::string> refusal;
};

/// Looks the command up as a shell would. Throws std::runtime_error when there is no such program.
Program find_program(const std::string& command);

/// Where the library is, beside this executable: built, or installed. Throws std::runtime_error
/// when it isn't there.
std::string find_library();

/// Starts it with the library. It gets this process's descriptors, except those that close. Throws
/// std::system_error.
pid_t start_program(const Program& program, const std::vector<std::string>& arguments,
                    const std::string& library, const std::string& variable);

} // namespace record
