#include "report.hpp"

#include "../command.hpp"
#include "../text.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace trial {
namespace {

constexpr std::size_t longest_name = 70;

std::string line_of(const std::vector<std::string>& command) {
  std::string line;
  for (const std::string& word : command)
    line += fmt::format("{}{}", line.empty() ? "" : " ", printable(word));
  return shortened(line, longest_name);
}

std::string interval(const Interval& i) {
  return fmt::format("[{:+.1f}, {:+.1f}]", i.low, i.high);
}

/// "12.3 % less processor time [+10.0, +14.5]".
std::string phrase(const Change& change, const char* at_least) {
  const Interval& gain = change.gain;
  if (!change.decided)
    return fmt::format("undecided at this noise {}", interval(gain));
  if (gain.low <= 0 && gain.high >= 0)
    return fmt::format("no difference {}", interval(gain));
  return fmt::format("{}{:.1f} % {} processor time {}", gain.mid > 0 ? at_least : "",
                     std::abs(gain.mid), gain.mid > 0 ? "less" : "more", interval(gain));
}

std::string phrase(const Tried& tried) {
  if (tried.withheld)
    return fmt::format("withheld, as peak memory is {:.0f} % up; {}", tried.memory,
                       phrase(tried, "at least "));
  std::string text = phrase(tried, "at least ");
  if (tried.decided)
    text += fmt::format("; {:.0f} % expected by hand", tried.expected);
  return text + fmt::format("; memory {:+.1f} %", tried.memory);
}

std::string phrase(const Alternative& other) {
  return fmt::format("{}; memory {:+.1f} %", phrase(other, ""), other.memory);
}

std::string compared(std::uint64_t seen, std::uint64_t predicted) {
  return seen == predicted ? grouped(seen)
                           : fmt::format("{} ({} predicted)", grouped(seen), grouped(predicted));
}

void print_seen(std::FILE* out, const Plan::Route& route, const Counts& seen) {
  if (route.pool)
    fmt::print(out, "   seen: {} calls, at most {} blocks at once\n",
               compared(seen.calls, route.calls), compared(seen.blocks, route.blocks));
  else
    fmt::print(out, "   seen: {} calls, {} epochs, of at most {} bytes\n",
               compared(seen.calls, route.calls), compared(seen.epochs, route.epochs),
               compared(seen.bytes, route.bytes));
  if (seen.foreign != 0)
    fmt::print(out,
               "   {} blocks were freed by another thread than got them: by hand, those stay with "
               "malloc\n",
               grouped(seen.foreign));
  if (seen.left != 0)
    fmt::print(out, "   {} blocks were reallocated from elsewhere, and left for malloc\n",
               grouped(seen.left));
  if (seen.refused != 0)
    fmt::print(out, "   {} calls got a block of malloc's: it was too large, or there was no room\n",
               grouped(seen.refused));
  if (seen.outgrown)
    fmt::print(out,
               "   it took more than ten times the memory that was predicted: the next input may "
               "need more yet\n");
}

} // namespace

bool Results::stands() const {
  return whole && whole->decided && !whole->withheld;
}

const Alternative* Results::as_good() const {
  const Alternative* best = nullptr;
  for (const Alternative& other : alternatives)
    if (other.decided && other.gain.low > 0 && (!stands() || other.gain.mid >= whole->gain.mid) &&
        (best == nullptr || other.gain.mid > best->gain.mid))
      best = &other;
  return best;
}

bool Results::is_nothing_above(double percent) const {
  const auto below = [percent](const Change& change, double expected) {
    return change.decided && std::max(expected, change.gain.high) < percent;
  };
  return failure.empty() && (!whole || whole->withheld || below(*whole, whole->expected)) &&
         std::all_of(alternatives.begin(), alternatives.end(),
                     [&](const Alternative& other) { return below(other, 0); });
}

void print_whole(std::FILE* out, const Results& results) {
  if (!results.failure.empty()) {
    fmt::print(out, "the trial is worth nothing: {}\n", results.failure);
    return;
  }
  if (const Alternative* const other = results.as_good())
    fmt::print(out, "{} gives {}, and needs no patch: {}\n     LD_PRELOAD={}\n", other->name,
               !results.stands()                           ? "something"
               : other->gain.mid < results.whole->expected ? "as much as all of it is sure to"
                                                           : "as much as all of it",
               phrase(*other), other->library);
  if (results.whole)
    fmt::print(out, "all of it: {}\n", phrase(*results.whole));
}

void print_route(std::FILE* out, const RouteResult& result) {
  if (result.tried)
    fmt::print(out, "   trial: {}\n", phrase(*result.tried));
  if (result.seen.calls == 0)
    fmt::print(out, "   not tried: none of its calls came\n");
  else
    print_seen(out, result.route, result.seen);
}

void print_rest(std::FILE* out, const Results& results) {
  if (results.failure.empty())
    for (const Alternative& other : results.alternatives)
      if (&other != results.as_good())
        fmt::print(out, "{}: {}\n", other.name, phrase(other));
  for (const std::string& remark : results.remarks)
    fmt::print(out, "{}\n", remark);
  if (results.whole && results.failure.empty())
    fmt::print(out,
               "In brackets: where the median lies with 95 % confidence. What a trial gains is "
               "a lower bound,\nsince calls, look-ups and destructors stay.\n");
}

void print_text(std::FILE* out, const Results& results) {
  fmt::print(out, "{}: {:.2f} s of processor time as it is, {} rounds\n", line_of(results.command),
             results.seconds, results.rounds);
  print_whole(out, results);
  if (results.failure.empty())
    for (std::size_t i = 0; i < results.routes.size(); ++i) {
      const RouteResult& route = results.routes[i];
      const std::string& function = route.route.function;
      fmt::print(out, "\n{} {}{}{}\n", i + 1, route.route.pool ? "pool" : "region",
                 function.empty() ? "" : " in ",
                 function.empty() ? "" : shortened(printable(function), longest_name));
      print_route(out, route);
    }
  fmt::print(out, "\n");
  print_rest(out, results);
}

namespace {

void text(Json& json, const char* key, const std::string& value) {
  json.Key(key);
  json.String(value.c_str(), static_cast<rapidjson::SizeType>(value.size()));
}

void real(Json& json, const char* key, double value) {
  json.Key(key);
  json.Double(value);
}

void number(Json& json, const char* key, std::uint64_t value) {
  json.Key(key);
  json.Uint64(value);
}

void write_change(Json& json, const Change& change) {
  json.Key("gain");
  json.StartObject();
  real(json, "low", change.gain.low);
  real(json, "mid", change.gain.mid);
  real(json, "high", change.gain.high);
  json.EndObject();
  real(json, "memory", change.memory);
  json.Key("decided");
  json.Bool(change.decided);
}

void write_route(Json& json, std::size_t index, const RouteResult& result) {
  const Plan::Route& route = result.route;
  const Counts& seen = result.seen;
  json.StartObject();
  number(json, "route", index);
  text(json, "kind", route.pool ? "pool" : "region");
  text(json, "function", printable(route.function));
  for (const bool predicted : {true, false}) {
    json.Key(predicted ? "predicted" : "seen");
    json.StartObject();
    number(json, "calls", predicted ? route.calls : seen.calls);
    if (route.pool) {
      number(json, "blocks", predicted ? route.blocks : seen.blocks);
    } else {
      number(json, "epochs", predicted ? route.epochs : seen.epochs);
      number(json, "bytes", predicted ? route.bytes : seen.bytes);
    }
    if (!predicted) {
      number(json, "served", seen.served);
      number(json, "foreign", seen.foreign);
      number(json, "left", seen.left);
      number(json, "refused", seen.refused);
      json.Key("outgrown");
      json.Bool(seen.outgrown);
    }
    json.EndObject();
  }
  if (result.tried) {
    json.Key("trial");
    write(json, *result.tried);
  }
  json.EndObject();
}

} // namespace

void write(Json& json, const Tried& tried) {
  json.StartObject();
  write_change(json, tried);
  real(json, "expected", tried.expected);
  json.Key("withheld");
  json.Bool(tried.withheld);
  json.EndObject();
}

void write_alternatives(Json& json, const Results& results) {
  json.StartObject();
  for (const Alternative& other : results.alternatives) {
    json.Key(other.name.c_str());
    json.StartObject();
    write_change(json, other);
    json.EndObject();
  }
  json.EndObject();
}

void print_json(std::FILE* out, const Results& results) {
  char buffer[4096];
  rapidjson::FileWriteStream stream(out, buffer, sizeof buffer);
  Json json(stream);
  json.SetIndent(' ', 2);
  json.StartObject();
  number(json, "version", 1);
  json.Key("command");
  json.StartArray();
  for (const std::string& word : results.command)
    json.String(printable(word).c_str());
  json.EndArray();
  number(json, "rounds", results.rounds);
  if (!results.failure.empty())
    text(json, "failure", results.failure);
  if (results.whole) {
    json.Key("trial");
    write(json, *results.whole);
  }
  json.Key("advice");
  json.StartArray();
  for (std::size_t i = 0; i < results.routes.size(); ++i)
    write_route(json, i, results.routes[i]);
  json.EndArray();
  json.Key("alternatives");
  write_alternatives(json, results);
  json.EndObject();
  stream.Put('\n');
  stream.Flush();
}

int exit_code_of(const Results& results) {
  if (!results.failure.empty())
    return exit_code::unusable;
  if (results.whole)
    return results.whole->decided ? exit_code::done : exit_code::undecided;
  return std::any_of(results.alternatives.begin(), results.alternatives.end(),
                     [](const Alternative& other) { return other.decided; })
             ? exit_code::done
             : exit_code::undecided;
}

} // namespace trial
