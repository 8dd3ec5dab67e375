#include "report.hpp"

#include "../text.hpp"
#include "../trial/report.hpp"

#include <cstddef>
#include <fmt/format.h>
#include <iterator>
#include <rapidjson/filewritestream.h>
#include <rapidjson/prettywriter.h>

namespace advise {
namespace {

std::string bytes(std::uint64_t n) {
  constexpr const char* units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(n);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < std::size(units); ++unit)
    value /= 1024;
  return fmt::format("{:.{}f} {}", value, unit == 0 || value >= 99.95 ? 0 : 1, units[unit]);
}

std::string large(double n) {
  return n >= 1e6   ? fmt::format("{:.1f} million", n / 1e6)
         : n >= 1e4 ? fmt::format("{:.0f},000", n / 1e3)
                    : fmt::format("{:.0f}", n);
}

constexpr std::size_t longest_name = 70;
constexpr double short_run = 0.05; // in seconds

const char* what(Kind kind) {
  switch (kind) {
  case Kind::region:
    return "its blocks die together";
  case Kind::pool:
    return "blocks of one size come and go";
  case Kind::object_pool:
    return "the same object is made and destroyed again and again";
  case Kind::stack:
    return "the newest block goes first";
  case Kind::reserve:
    return "what grows is moved again and again";
  case Kind::other_malloc:
    return "many calls, and no pattern among them";
  case Kind::leave:
    break;
  }
  return "";
}

void print_facts(std::FILE* out, const Entry& e) {
  if (e.epochs > 1)
    fmt::print(out, "   {} epochs of {:.0f} calls, at most {} each; ", grouped(e.epochs),
               static_cast<double>(e.calls) / static_cast<double>(e.epochs), bytes(e.max_bytes));
  else if (e.epochs == 1)
    fmt::print(out, "   once, {} in all; ", bytes(e.max_bytes));
  else if (e.block_bytes != 0)
    fmt::print(out, "   blocks of {} bytes, at most {} at once; ", e.block_bytes,
               grouped(e.most_blocks));
  else
    fmt::print(out, "   ");
  if (e.scope_function != 0)
    fmt::print(out, "escapes: {}; memory: +{}; ", e.escapes == 0 ? "none" : grouped(e.escapes),
               e.max_bytes > e.max_live ? bytes(e.max_bytes - e.max_live) : "0");
  fmt::print(out, "{}\n", e.threads == 1 ? "one thread" : fmt::format("{} threads", e.threads));
  if (!e.sites.empty()) {
    fmt::print(out, "   allocated in");
    for (std::size_t i = 0; i < e.sites.size(); ++i)
      fmt::print(out, "{} {}", i == 0 ? "" : ",", shortened(e.sites[i], longest_name));
    if (e.more_sites != 0)
      fmt::print(out, " and {} more", e.more_sites);
    fmt::print(out, "\n");
  }
}

/// Returns whether the entry still stands.
bool print_trial(std::FILE* out, const Entry& e, const trial::Results& results) {
  if (!results.failure.empty())
    return true;
  const auto route = static_cast<std::size_t>(e.route);
  if (e.route >= 0 && route < results.routes.size()) {
    print_route(out, results.routes[route]);
    const auto& tried = results.routes[route].tried;
    if (tried && tried->gains_nothing())
      fmt::print(out, "   leave it: it gains nothing\n");
    return !tried || !(tried->withheld || tried->gains_nothing());
  }
  if (e.kind == Kind::stack || e.kind == Kind::reserve)
    fmt::print(out, "   not tried: that takes a change in the source\n");
  else if (e.kind != Kind::other_malloc)
    fmt::print(out,
               "   not tried: who calls doesn't tell its calls from others, or too much memory "
               "would be held\n");
  return true;
}

} // namespace

void print_text(std::FILE* out, const Advice& advice, const trial::Results* results) {
  fmt::print(out, "{}: {} allocations", advice.program, large(static_cast<double>(advice.calls)));
  if (advice.processor_seconds > 0)
    fmt::print(out, ", {} a CPU second; malloc and free are an estimated {:.1f} % of its time\n",
               large(advice.calls_per_second()), 100 * advice.at_most());
  else
    fmt::print(out, "; how much time the program took is not known: the trace was cut short\n");
  if (advice.processor_seconds > 0 && advice.processor_seconds < short_run)
    fmt::print(out, "it ran for {:.0f} ms of processor time: what takes longer tells more\n",
               1000 * advice.processor_seconds);
  if (advice.leave()) {
    fmt::print(out, "\nLeave it: there is nothing that would be worth the work.\n");
    return;
  }
  if (results != nullptr) {
    fmt::print(out, "\n");
    print_whole(out, *results);
  }
  std::size_t number = 0;
  for (const Entry& e : advice.entries) {
    fmt::print(out, "\n{} {}{}{}  {:.0f} % of the calls, {:.0f} % of the bytes\n", ++number,
               name_of(e.kind), e.function.empty() ? "" : " in ",
               shortened(e.function, longest_name), 100 * advice.share(e.calls),
               advice.bytes == 0
                   ? 0.0
                   : 100 * static_cast<double>(e.bytes) / static_cast<double>(advice.bytes));
    if (!e.location.empty())
      fmt::print(out, "   {}\n", e.location);
    fmt::print(out, "   {}\n", what(e.kind));
    print_facts(out, e);
    if (results != nullptr && !print_trial(out, e, *results))
      continue;
    const std::string lines = lines_to_write(e);
    for (std::size_t at = 0; at < lines.size();) {
      const std::size_t end = lines.find('\n', at);
      fmt::print(out, "     {}\n", lines.substr(at, end - at));
      at = end + 1;
    }
  }
  if (results != nullptr) {
    fmt::print(out, "\n");
    print_rest(out, *results);
  }
}

void print_json(std::FILE* out, const Advice& advice, const trial::Results* results) {
  char buffer[4096];
  rapidjson::FileWriteStream stream(out, buffer, sizeof buffer);
  rapidjson::PrettyWriter writer(stream);
  writer.SetIndent(' ', 2);
  const auto text = [&writer](const char* key, const std::string& value) {
    writer.Key(key);
    writer.String(value.c_str(), static_cast<rapidjson::SizeType>(value.size()));
  };
  const auto number = [&writer](const char* key, std::uint64_t value) {
    writer.Key(key);
    writer.Uint64(value);
  };
  const auto real = [&writer](const char* key, double value) {
    writer.Key(key);
    writer.Double(value);
  };

  writer.StartObject();
  number("version", 1);
  text("program", advice.program);
  number("calls", advice.calls);
  real("calls_per_cpu_second", advice.calls_per_second());
  real("at_most", 100 * advice.at_most());
  writer.Key("advice");
  writer.StartArray();
  for (const Entry& e : advice.entries) {
    writer.StartObject();
    text("kind", name_of(e.kind));
    text("function", e.function);
    text("module", e.module);
    text("location", e.location);
    real("share_of_calls", advice.share(e.calls));
    real("share_of_bytes",
         advice.bytes == 0 ? 0 : static_cast<double>(e.bytes) / static_cast<double>(advice.bytes));
    if (e.scope_function != 0) {
      number("epochs", e.epochs);
      number("max_bytes", e.max_bytes);
    }
    number("escapes", e.escapes);
    number("threads", e.threads);
    if (e.kind == Kind::pool)
      number("block_bytes", e.block_bytes);
    const auto route = static_cast<std::size_t>(e.route);
    if (results != nullptr && e.route >= 0 && route < results->routes.size() &&
        results->routes[route].tried) {
      writer.Key("trial");
      trial::write(writer, *results->routes[route].tried);
    }
    writer.EndObject();
  }
  writer.EndArray();
  if (results != nullptr) {
    if (results->whole) {
      writer.Key("trial");
      trial::write(writer, *results->whole);
    }
    writer.Key("alternatives");
    trial::write_alternatives(writer, *results);
  }
  writer.EndObject();
  stream.Put('\n');
  stream.Flush();
}

} // namespace advise
