// Text from outside.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

std::optional<std::size_t> first_byte_not_utf8(std::string_view text);

/// For a message of one line: what is no UTF-8, and control characters, become '?'.
std::string printable(std::string text);
