#include "report.hpp"

#include <fmt/format.h>
#include <rapidjson/filewritestream.h>
#include <rapidjson/prettywriter.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <string_view>

namespace tour {
namespace {

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

/// The colour of a clear win or loss.
std::string_view colour_of(const Result& result) {
  constexpr std::string_view green = "\x1B[32m";
  constexpr std::string_view red = "\x1B[31m";
  if (result.difference || result.ratio() > 1.05)
    return red;
  return result.ratio() < 0.95 ? green : "";
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
  const bool coloured = wants_colour(out);
  fmt::print(out, "{}: {}, {}, {}\n\n", input.name, counted(input.text.size(), "byte"),
             counted(input.tokens.size(), "token"), counted(input.records.size(), "record"));
  constexpr auto row = "{:<12} {:<28} {:>6} {:>6} {}{:>7}{} {:>7} {:>6} {:>8} {:>8}\n";
  fmt::print(out, row, "strategy", "what it did", "time", "malloc", "", "ratio", "", "peak",
             "malloc", "calls", "malloc");
  std::size_t values = 0;
  for (const Result& result : tour.results) {
    const std::string_view colour = coloured ? colour_of(result) : "";
    fmt::print(out, row, result.job.strategy, result.job.work, time(result.strategy),
               time(result.malloc), colour,
               result.difference ? "DIFFERS" : fmt::format("{:.2f}", result.ratio()),
               colour.empty() ? "" : "\x1B[0m", peak(result.strategy), peak(result.malloc),
               calls(result.strategy), calls(result.malloc));
    values += result.values;
  }
  fmt::print(
      out,
      "\nTimes are of the processor, medians of {} interleaved rounds; with a ratio below 1 the "
      "strategy\nis the faster. Peak is the most bytes held from the system's allocator, calls "
      "are those that\nreached it for memory. {} values that both sides found were compared.\n",
      tour.rounds, values);
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
