#include "input.hpp"
#include "../text.hpp"

#include <fmt/format.h>
#include <rapidjson/document.h>
#include <rapidjson/encodedstream.h>
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace tour {
namespace {

constexpr std::size_t max_bytes = UINT32_MAX; // what a token's offset can tell
constexpr std::size_t max_depth = 1000;       // RapidJSON destroys a DOM recursively
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

template <class... Args>
[[noreturn]] void fail(const std::string& name, fmt::format_string<Args...> format,
                       Args&&... args) {
  throw InputError(name + ": " + fmt::format(format, std::forward<Args>(args)...));
}

[[noreturn]] void fail_with(const std::string& name, int error) {
  fail(name, "{}", std::generic_category().message(error));
}

// Says where in the document: `before` is what comes before it.
[[noreturn]] void fail_behind(const std::string& name, std::string_view before, std::size_t byte,
                              std::string_view why) {
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  fail(name, "line {}, byte {}: {}", line, byte, why);
}

std::string read_all(std::FILE* file, const std::string& name, Progress& progress) {
  std::string text;
  char piece[64 * 1024];
  while (const std::size_t got = std::fread(piece, 1, sizeof piece, file)) {
    progress.show(fmt::format("reading, {} MB", text.size() / 1'000'000));
    text.append(piece, got);
    if (text.size() > max_bytes)
      fail(name, "larger than 4 GiB");
  }
  if (std::ferror(file) != 0)
    fail_with(name, errno);
  return text;
}

// Of what cannot be read again, a copy.
File copy_of(std::string_view text) {
  File copy(std::tmpfile());
  if (copy == nullptr || std::fwrite(text.data(), 1, text.size(), copy.get()) != text.size())
    fail_with("a temporary file", errno);
  return copy;
}

// Parses the document once, to know that it is one, and gives the bytes that its DOM takes.
std::size_t check(const std::string& name, std::string_view text) {
  rapidjson::MemoryStream bytes(text.data(), text.size());
  rapidjson::EncodedInputStream<rapidjson::UTF8<>, rapidjson::MemoryStream> stream(bytes);
  rapidjson::Document document;
  document.ParseStream<rapidjson::kParseValidateEncodingFlag | rapidjson::kParseIterativeFlag>(
      stream);
  const bool failed = document.HasParseError();
  const rapidjson::ParseErrorCode error = document.GetParseError();
  const std::size_t end = failed ? document.GetErrorOffset() : stream.Tell();
  const auto fail_at = [&](std::size_t at, std::string_view why) {
    fail_behind(name, text.substr(0, at), at, why);
  };

  if (failed)
    if (const auto bad = first_byte_not_utf8(text))
      if (*bad <= end || error == rapidjson::kParseErrorStringInvalidEncoding)
        fail_at(*bad,
                fmt::format("0x{:02X} is not UTF-8.", static_cast<unsigned char>(text[*bad])));
  if (end < text.size() && text[end] == '\0') // which RapidJSON takes for the end
    fail_at(end, "A zero byte is not JSON.");
  if (failed)
    fail_at(end, rapidjson::GetParseError_En(error));
  return document.GetAllocator().Size();
}

// Of a document that was checked.
std::vector<Token> tokens_of(std::string_view text) {
  std::vector<Token> tokens;
  const auto add = [&tokens](char kind, std::size_t begin, std::size_t end) {
    tokens.push_back(
        {kind, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end - begin)});
  };
  for (std::size_t at = text.find_first_not_of(" \t\r\n"); at != std::string_view::npos;
       at = text.find_first_not_of(" \t\r\n", at)) {
    std::size_t end = at + 1;
    switch (text[at]) {
    case '{':
    case '[':
    case '}':
    case ']':
    case ',':
    case ':':
      add(text[at], at, end);
      break;
    case '"':
      while (text[end] != '"')
        end += text[end] == '\\' ? 2 : 1;
      add('"', at + 1, end);
      ++end;
      break;
    default:
      end = std::min(text.find_first_of(",]} \t\r\n", at), text.size());
      add('0', at, end);
    }
    at = end;
  }
  return tokens;
}

void take_stock(Input& input) {
  std::vector<std::size_t> commas; // a count for each open bracket
  std::size_t elements = 0;
  for (const Token& token : input.tokens) {
    switch (token.kind) {
    case '{':
    case '[':
      commas.push_back(0);
      input.depth = std::max(input.depth, commas.size());
      ++input.nodes;
      break;
    case '}':
    case ']':
      elements -= commas.back();
      commas.pop_back();
      break;
    case ',':
      ++commas.back();
      input.most_commas = std::max(input.most_commas, ++elements);
      break;
    case ':':
      break;
    case '"':
      ++input.strings;
      input.string_bytes += token.size;
      ++input.nodes;
      break;
    default:
      ++input.nodes;
    }
  }
}

bool opens(const Token& token) {
  return token.kind == '{' || token.kind == '[';
}
bool closes(const Token& token) {
  return token.kind == '}' || token.kind == ']';
}

// The first bracket that is deeper than `depth`, which there is.
const Token& first_below(const std::vector<Token>& tokens, std::size_t depth) {
  std::size_t open = 0;
  return *std::find_if(tokens.begin(), tokens.end(), [&](const Token& token) {
    open += opens(token) ? 1 : 0;
    open -= closes(token) ? 1 : 0;
    return open > depth;
  });
}

// The elements of the array, or the members' values of the object, that starts at token `begin`.
std::vector<Record> elements_of(const std::vector<Token>& tokens, std::size_t begin) {
  std::vector<Record> elements;
  std::size_t depth = 0;
  std::size_t first = begin + 1;
  for (std::size_t i = begin;; ++i) {
    const Token& token = tokens[i];
    if (depth == 1 && token.kind == ':')
      first = i + 1;
    if (depth == 1 && (token.kind == ',' || closes(token))) {
      if (i != first)
        elements.push_back({first, i});
      first = i + 1;
    }
    if (closes(token) && --depth == 0)
      return elements;
    depth += opens(token) ? 1 : 0;
  }
}

std::vector<Record> records_of(const std::vector<Token>& tokens) {
  std::vector<Record> records;
  if (tokens[0].kind == '[')
    records = elements_of(tokens, 0);
  else if (tokens[0].kind == '{')
    for (const Record& member : elements_of(tokens, 0))
      if (tokens[member.begin].kind == '[')
        if (auto elements = elements_of(tokens, member.begin); elements.size() > records.size())
          records = std::move(elements);
  if (records.empty())
    records.push_back({0, tokens.size()});
  return records;
}

} // namespace

Input load(const std::string& path, Progress& progress) {
  Input input;
  input.name = path == "-" ? "standard input" : printable(path);
  input.file.reset(path == "-" ? stdin : std::fopen(path.c_str(), "rb"));
  if (input.file == nullptr)
    fail_with(input.name, errno);
  input.text = read_all(input.file.get(), input.name, progress);
  if (input.text.empty())
    fail(input.name, "the file is empty");
  progress.show("parsing");
  input.dom_bytes = check(input.name, input.text);
  const std::size_t skipped = input.text.starts_with(byte_order_mark) ? byte_order_mark.size() : 0;
  input.text.erase(0, skipped);
  if (std::fseek(input.file.get(), 0, SEEK_SET) != 0)
    input.file = copy_of(input.text);

  progress.show("parsing, tokens");
  input.tokens = tokens_of(input.text);
  progress.show("parsing, records");
  take_stock(input);
  if (input.depth > max_depth) {
    const std::string_view before(input.text.data(), first_below(input.tokens, max_depth).offset);
    fail_behind(input.name, before, skipped + before.size(),
                fmt::format("Brackets are nested {} deep, more than {}.", input.depth, max_depth));
  }
  input.records = records_of(input.tokens);
  return input;
}

} // namespace tour
