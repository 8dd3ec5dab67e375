// What an executable file is.
#pragma once

#include <optional>
#include <string>

namespace launch {

/// Why a library can't be preloaded into it so that it sees the program's calls of malloc; nothing
/// when it can. A file that can't be read is no reason.
std::optional<std::string> why_not_preloaded(const std::string& path);

} // namespace launch
