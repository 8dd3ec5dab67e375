// JSON as the data has it: members with keys, columns of numbers, texts that are sure to be UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "../text.hpp"

namespace report {

class Json {
public:
  Json() : writer(buffer_) { writer.SetMaxDecimalPlaces(6); }

  /// A text of at most so many bytes: the end of what is longer is left out, of paths and the like
  /// (`tail`) the beginning.
  static std::string shown(std::string_view text, std::size_t most, bool tail = false) {
    const auto continues = [](char byte) { return (byte & 0xC0) == 0x80; };
    std::string out(text);
    if (text.size() > most && tail) {
      std::size_t at = text.size() - most + 3;
      while (at < text.size() && continues(text[at]))
        ++at;
      out = "..." + std::string(text.substr(at));
    } else if (text.size() > most) {
      std::size_t end = most - 3;
      while (end != 0 && continues(text[end]))
        --end;
      out = std::string(text.substr(0, end)) + "...";
    }
    return out.empty() ? out : printable(out);
  }

  void put(std::uint64_t n) { writer.Uint64(n); }
  void put(int n) { writer.Int(n); }
  void put(unsigned n) { writer.Uint(n); }
  void put(double n) { writer.Double(n); }
  void put(bool is) { writer.Bool(is); }
  void put(const std::string& text) {
    writer.String(text.c_str(), static_cast<rapidjson::SizeType>(text.size()));
  }
  void put(const char* key, const auto& value) {
    writer.Key(key);
    put(value);
  }
  /// A member that is a list; `put_each` puts its elements.
  void list(const char* key, auto&& put_each) {
    writer.Key(key);
    writer.StartArray();
    put_each();
    writer.EndArray();
  }
  /// The same, of what each of some things gives.
  void list_of(const char* key, const auto& things, auto&& give) {
    list(key, [&] {
      for (const auto& thing : things)
        put(give(thing));
    });
  }
  void list_of(const char* key, const auto& numbers) {
    list_of(key, numbers, [](const auto& n) { return n; });
  }
  void object(auto&& put_members) {
    writer.StartObject();
    put_members();
    writer.EndObject();
  }
  void object(const char* key, auto&& put_members) {
    writer.Key(key);
    object(put_members);
  }

  /// What was written, such that an HTML parser sees no end of a script in it, nor a comment.
  std::string for_script() const {
    const std::string_view json(buffer_.GetString(), buffer_.GetSize());
    std::string out;
    out.reserve(json.size() + json.size() / 64);
    for (std::size_t i = 0; i < json.size(); ++i) {
      const bool opens = json[i] == '<' && (json[i + 1] == '/' || json[i + 1] == '!');
      out += opens ? "\\u003c" : json.substr(i, 1); // only texts have it
    }
    return out;
  }

private:
  rapidjson::StringBuffer buffer_;

public:
  rapidjson::Writer<rapidjson::StringBuffer> writer;
};

} // namespace report
