// Text from outside, and figures for people.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

std::optional<std::size_t> first_byte_not_utf8(std::string_view text);

/// For a message of one line: what is no UTF-8, and control characters, become '?'.
std::string printable(std::string text);

/// The columns of a terminal, as COLUMNS or it itself tells; 80 at the least. Without limit where
/// it is none.
std::size_t terminal_width(std::FILE* out);

/// With a comma before each three digits.
inline std::string grouped(std::uint64_t n) {
  std::string digits = std::to_string(n);
  for (std::size_t at = digits.size(); at > 3;)
    digits.insert(at -= 3, 1, ',');
  return digits;
}

/// Names of templates' instances can be longer than anybody reads.
inline std::string shortened(const std::string& name, std::size_t most) {
  return name.size() <= most ? name : name.substr(0, most - 3) + "...";
}
