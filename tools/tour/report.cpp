#include "report.hpp"

#include "../text.hpp"
#include "picture.hpp"

#include <fmt/format.h>
#include <rapidjson/filewritestream.h>
#include <rapidjson/prettywriter.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace tour {
namespace {

constexpr std::size_t readable_width = 100; // of running text

/// Three digits and a unit, such as "1.23ms".
std::string scaled(double value, double step, std::initializer_list<std::string_view> units) {
  const auto* unit = units.begin();
  for (; value >= 999.5 && unit + 1 != units.end(); ++unit)
    value /= step;
  const int decimals = unit == units.begin() || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return fmt::format("{:.{}f}{}", value, decimals, *unit);
}

std::string time(const Cost& cost) {
  return scaled(cost.seconds * 1e9, 1000, {"ns", "us", "ms", "s"});
}

std::string peak(const Cost& cost) {
  if (!cost.usage)
    return "-";
  return scaled(static_cast<double>(cost.usage->peak_bytes), 1024, {"B", "K", "M", "G"});
}

std::string calls(const Cost& cost) {
  return cost.usage ? fmt::format("{}", cost.usage->calls) : "-";
}

std::string counted(std::size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

bool wants_colour(std::FILE* out) {
  const auto is = [](const char* variable, std::string_view value) {
    const char* const set = std::getenv(variable);
    return set != nullptr && set == value;
  };
  const char* const no_colour = std::getenv("NO_COLOR");
  return isatty(fileno(out)) == 1 && (no_colour == nullptr || *no_colour == '\0') &&
         !is("TERM", "dumb");
}

/// What differs by less than this is no difference.
constexpr double noise = 0.1;

/// The colour of a clear win or loss.
std::string_view colour_of(const Result& result) {
  constexpr std::string_view green = "\x1B[32m";
  constexpr std::string_view red = "\x1B[31m";
  if (result.difference || result.ratio() > 1 + noise)
    return red;
  return result.ratio() < 1 - noise ? green : "";
}

std::string ratio(const Result& result) {
  return result.difference ? "DIFFERS" : fmt::format("{:.2f}", result.ratio());
}

/// In a few words.
std::string why(const Result& result) {
  if (result.difference)
    return "";
  return result.ratio() < 1 - noise   ? result.job.wins
         : result.ratio() > 1 + noise ? result.job.loses
                                      : "as fast";
}

struct Column {
  const char* title;
  int width; ///< negative: aligned to the left
  int keep;  ///< the first to go where there is no room has the least
  std::string (*text)(const Result&);

  [[nodiscard]] std::size_t room() const { return static_cast<std::size_t>(std::abs(width)) + 1; }
  [[nodiscard]] std::string cell(const std::string& content, bool last) const {
    return width < 0 ? fmt::format("{:<{}}{}", content, last ? 0 : -width, last ? "" : " ")
                     : fmt::format("{:>{}}{}", content, width, last ? "" : " ");
  }
};

/// All that the table can show, or those that matter most.
std::vector<Column> columns_that_fit(const Tour& tour, std::size_t width) {
  std::vector<Column> columns{
      {"strategy", -11, 9, [](const Result& r) { return std::string(r.job.strategy); }},
      {"what it did", -28, 5, [](const Result& r) { return std::string(r.job.work); }},
      {"time", 6, 4, [](const Result& r) { return time(r.strategy); }},
      {"malloc", 6, 4, [](const Result& r) { return time(r.malloc); }},
      {"ratio", 7, 9, ratio},
      {"peak", 6, 3, [](const Result& r) { return peak(r.strategy); }},
      {"malloc", 6, 3, [](const Result& r) { return peak(r.malloc); }},
      {"calls", 7, 2, [](const Result& r) { return calls(r.strategy); }},
      {"malloc", 7, 2, [](const Result& r) { return calls(r.malloc); }},
      {"why", 0, 9, why},
  };
  std::size_t longest = 0;
  for (const Result& result : tour.results)
    longest = std::max(longest, why(result).size());
  columns.back().width = -static_cast<int>(longest);
  const auto room = [&columns] {
    std::size_t sum = 0;
    for (const Column& column : columns)
      sum += column.room();
    return sum - 1;
  };
  for (int keep = 0; room() > width && keep < 9; ++keep)
    std::erase_if(columns, [keep](const Column& column) { return column.keep == keep; });
  return columns;
}

/// The text in lines of at most so many characters.
std::string wrapped(std::string text, std::size_t width) {
  std::size_t begin = 0; // of the line
  std::size_t space = 0; // the last one in it
  for (std::size_t i = 0; i != text.size(); ++i) {
    if (text[i] == '\n' || text[i] == ' ')
      space = i;
    if (text[i] != '\n' && i - begin >= width && space > begin)
      text[space] = '\n';
    if (text[space] == '\n')
      begin = space + 1;
  }
  return text;
}

template <class Writer>
void write_cost(Writer& writer, const char* key, const Cost& cost) {
  const auto count = [&writer, &cost](const char* name, std::size_t counting::Usage::*member) {
    writer.Key(name);
    if (cost.usage)
      writer.Uint64((*cost.usage).*member);
    else
      writer.Null();
  };
  writer.Key(key);
  writer.StartObject();
  writer.Key("seconds");
  writer.Double(cost.seconds);
  count("peak_bytes", &counting::Usage::peak_bytes);
  count("calls", &counting::Usage::calls);
  writer.EndObject();
}

} // namespace

void print_table(std::FILE* out, const Input& input, const Tour& tour) {
  fmt::print(out, "{}: {}, {}, {}\n\n", input.name, counted(input.text.size(), "byte"),
             counted(input.tokens.size(), "token"), counted(input.records.size(), "record"));
  const std::size_t width = terminal_width(out);
  const std::vector<Column> columns = columns_that_fit(tour, width);
  const bool coloured = wants_colour(out);
  for (const Column& column : columns)
    fmt::print(out, "{}", column.cell(column.title, &column == &columns.back()));
  fmt::print(out, "\n");
  std::size_t values = 0;
  for (const Result& result : tour.results) {
    const std::string_view colour = coloured ? colour_of(result) : "";
    for (const Column& column : columns) {
      const bool paint = column.text == ratio && !colour.empty();
      fmt::print(out, "{}{}{}", paint ? colour : "",
                 column.cell(column.text(result), &column == &columns.back()),
                 paint ? "\x1B[0m" : "");
    }
    fmt::print(out, "\n");
    values += result.values;
  }

  std::string notes = fmt::format(
      "\nTimes are of the processor, medians of {} interleaved rounds; with a ratio below 1 the "
      "strategy is the faster. Both sides keep from round to round what a program would. Peak is "
      "the most bytes held from the system's allocator, calls are those that reached it for "
      "memory. {} values that both sides found were compared.\n\nNot for:",
      tour.rounds, values);
  for (const Result& result : tour.results)
    notes += fmt::format(" {} ({}){}", result.job.not_for, result.job.strategy,
                         &result == &tour.results.back() ? ".\n" : ";");
  const std::size_t text_width = std::min(width, readable_width);
  fmt::print(
      out, "{}\nA region that holds the document, as allot::draw shows it:\n\n{}\n{}",
      wrapped(notes, text_width), draw_region(input, text_width),
      wrapped("Next: allot advise -- PROGRAM tells which of these would help a program of yours, "
              "where, and by how much, and tries it out; docs/guide/which.md is how to choose.\n",
              text_width));
}

void print_json(std::FILE* out, const Input& input, const Tour& tour) {
  char buffer[4096];
  rapidjson::FileWriteStream stream(out, buffer, sizeof buffer);
  rapidjson::PrettyWriter writer(stream);
  writer.SetIndent(' ', 2);
  const auto text = [&writer](const char* key, const char* value) {
    writer.Key(key);
    writer.String(value);
  };
  const auto number = [&writer](const char* key, std::size_t value) {
    writer.Key(key);
    writer.Uint64(value);
  };

  writer.StartObject();
  text("file", input.name.c_str());
  number("bytes", input.text.size());
  number("tokens", input.tokens.size());
  number("records", input.records.size());
  number("rounds", tour.rounds);
  writer.Key("strategies");
  writer.StartArray();
  for (const Result& result : tour.results) {
    writer.StartObject();
    text("strategy", result.job.strategy);
    text("work", result.job.work);
    text("instead", result.job.instead);
    text("why", why(result).c_str());
    text("not_for", result.job.not_for);
    number("values", result.values);
    writer.Key("equal");
    writer.Bool(!result.difference);
    writer.Key("ratio");
    writer.Double(result.ratio());
    write_cost(writer, "with_strategy", result.strategy);
    write_cost(writer, "with_malloc", result.malloc);
    writer.EndObject();
  }
  writer.EndArray();
  writer.EndObject();
  stream.Flush();
  std::fputc('\n', out);
}

bool print_differences(std::FILE* out, const Tour& tour) {
  bool any = false;
  for (const Result& result : tour.results) {
    if (!result.difference)
      continue;
    fmt::print(out, "allot: {}: value {} of {} is not what malloc's side found\n",
               result.job.strategy, *result.difference, result.values);
    any = true;
  }
  return any;
}

} // namespace tour
