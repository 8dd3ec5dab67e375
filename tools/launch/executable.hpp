// What an executable file is.
#pragma once

#include <optional>
#include <string>

namespace launch {

/// Why a library can't be preloaded into it so that it sees the program's calls of malloc; nothing
/// when it can. A file that can't be read is no reason.
std::optional<std::string> why_not_preloaded(const std::string& path);

/// Its build id, as bytes; empty if it has none. Nothing if it is no executable or library of this
/// system, or can't be read.
std::optional<std::string> build_id_of(const std::string& path);

} // namespace launch
