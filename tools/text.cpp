#include "text.hpp"

#include <rapidjson/encodings.h>
#include <rapidjson/memorystream.h>

#include <algorithm>
#include <cstdlib>
#include <limits>

#include <sys/ioctl.h>
#include <unistd.h>

std::optional<std::size_t> first_byte_not_utf8(std::string_view text) {
  struct Nowhere {
    void Put(char) {}
  } nowhere;
  rapidjson::MemoryStream stream(text.data(), text.size());
  while (stream.Tell() != text.size()) {
    const std::size_t at = stream.Tell();
    if (!rapidjson::UTF8<>::Validate(stream, nowhere))
      return at;
  }
  return std::nullopt;
}

std::string printable(std::string text) {
  while (const auto bad = first_byte_not_utf8(text))
    text[*bad] = '?';
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7F; };
  std::replace_if(text.begin(), text.end(), is_control, '?');
  return text.empty() ? "''" : text;
}

std::size_t terminal_width(std::FILE* out) {
  constexpr std::size_t least = 80;
  if (const char* const columns = std::getenv("COLUMNS"))
    if (const unsigned long n = std::strtoul(columns, nullptr, 10); n != 0)
      return std::max<std::size_t>(n, least);
  winsize size{};
  if (::ioctl(::fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col != 0)
    return std::max<std::size_t>(size.ws_col, least);
  return std::numeric_limits<std::size_t>::max();
}
