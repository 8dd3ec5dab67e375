// The document that the tour works on, checked, and what a program can know of it beforehand.
#pragma once

#include "../progress.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tour {

/// A word of JSON. `kind` is the bracket, comma or colon itself, '"' for a string, '0' for the
/// rest. A string's text is what stands between its quotes, escapes and all.
struct Token {
  char kind;
  std::uint32_t offset;
  std::uint32_t size;
};

/// The tokens [begin, end) of one value.
struct Record {
  std::size_t begin;
  std::size_t end;
};

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

struct Input {
  std::string name; ///< for people
  File file;        ///< can be read again from its beginning
  std::string text;
  std::vector<Token> tokens;
  /// The elements of the top-level array, or of the largest array in a top-level object; if there
  /// are none, the whole document.
  std::vector<Record> records;

  std::size_t dom_bytes = 0; ///< what RapidJSON allocates for the DOM
  std::size_t nodes = 0;     ///< arrays, objects, names, strings, numbers ...
  std::size_t strings = 0;   ///< names and strings
  std::size_t string_bytes = 0;
  std::size_t depth = 0;       ///< of brackets
  std::size_t most_commas = 0; ///< that are in open brackets at one time

  [[nodiscard]] std::string_view text_of(const Token& token) const {
    return {text.data() + token.offset, token.size};
  }
};

/// Why a document cannot be used, in one line.
struct InputError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Reads the file, "-" for standard input.
Input load(const std::string& path, Progress& progress);

} // namespace tour
