#include <allot/draw/figures.hpp>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

std::string grouped(std::uint64_t n) {
  std::string digits = std::to_string(n);
  for (std::size_t at = digits.size(); at > 3;)
    digits.insert(at -= 3, 1, ',');
  return digits;
}

std::string in_units(std::uint64_t bytes) {
  constexpr const char* units[] = {" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
  constexpr std::uint64_t step = 1024;
  std::size_t unit = 0;
  std::uint64_t whole = bytes;
  std::uint64_t one = 1; // of the unit, in bytes
  std::uint64_t tenths = 0;
  while (whole >= step) {
    ++unit;
    one *= step;
    const std::uint64_t rest = bytes % one;
    tenths = (rest * 10 + one / 2) / one;
    whole = bytes / one + tenths / 10;
    tenths %= 10;
  }
  std::string text = std::to_string(whole);
  if (bytes % one != 0)
    text.append(".").append(std::to_string(tenths));
  return text.append(units[unit]);
}

std::string counted(std::uint64_t n, const char* what) {
  return grouped(n).append(" ").append(what).append(n == 1 ? "" : "s");
}

// A character of UTF-8, and how many bytes it has. None: what is there is no UTF-8.
struct CodePoint {
  char32_t code = 0;
  std::size_t bytes = 0;
};
CodePoint first_code_point(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80)
    return {lead, 1};
  const std::size_t bytes = lead < 0xC2   ? 0
                            : lead < 0xE0 ? 2
                            : lead < 0xF0 ? 3
                            : lead < 0xF5 ? 4
                                          : 0;
  if (bytes == 0 || text.size() < bytes)
    return {};
  char32_t code = lead & (0x7FU >> bytes);
  for (std::size_t i = 1; i != bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0U) != 0x80)
      return {};
    code = code << 6 | (next & 0x3FU);
  }
  constexpr char32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xD800 && code < 0xE000;
  return code < least[bytes] || surrogate || code > 0x10FFFF ? CodePoint{} : CodePoint{code, bytes};
}

std::string shown(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const CodePoint first = first_code_point(text);
    const bool control = first.code < 0x20 || (first.code >= 0x7F && first.code < 0xA0);
    if (first.bytes == 0 || control)
      result += '?';
    else
      result += text.substr(0, first.bytes);
    text.remove_prefix(std::max<std::size_t>(first.bytes, 1));
  }
  return result;
}

// Ranges of characters that stand above the one before, or join it to the next; and of those that
// terminals give two columns. What is rare is left out: a name may be a column off then.
struct CodePoints {
  char32_t first, last;
};
inline constexpr CodePoints without_column[] = {
    {0x300, 0x36F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}};
inline constexpr CodePoints of_two_columns[] = {
    {0x1100, 0x115F}, {0x2E80, 0xA4CF},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},  {0xFE30, 0xFE6F},
    {0xFF00, 0xFF60}, {0x1F300, 0x1F64F}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};

std::size_t columns(std::string_view text) {
  const auto in = [](const auto& ranges, char32_t code) {
    return std::any_of(std::begin(ranges), std::end(ranges), [code](const CodePoints& range) {
      return code >= range.first && code <= range.last;
    });
  };
  std::size_t count = 0;
  while (!text.empty()) {
    const CodePoint first = first_code_point(text);
    count += in(without_column, first.code) ? 0 : in(of_two_columns, first.code) ? 2 : 1;
    text.remove_prefix(std::max<std::size_t>(first.bytes, 1));
  }
  return count;
}

std::vector<std::string> wrapped(std::string text, std::size_t width, const std::string& indent) {
  std::vector<std::string> lines;
  while (columns(text) > width) {
    // The last blank that has all before it fit; if there is none, the first.
    std::size_t end = text.find(' ', text.find_first_not_of(' '));
    for (std::size_t at = end; at != std::string::npos && columns(text.substr(0, at)) <= width;
         at = text.find(' ', at + 1))
      end = at;
    if (end == std::string::npos)
      break;
    lines.push_back(text.substr(0, end));
    text.replace(0, end + 1, indent);
  }
  lines.push_back(std::move(text));
  return lines;
}

std::size_t terminal_width() {
  constexpr std::size_t usual = 80;
  const char* const told = std::getenv("COLUMNS");
  if (told == nullptr)
    return usual;
  const unsigned long width = std::strtoul(told, nullptr, 10);
  return width == 0 ? usual : width;
}

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
