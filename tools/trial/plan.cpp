#include "plan.hpp"

#include "../text.hpp"
#include "segment.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <fstream>
#include <functional>
#include <map>
#include <system_error>
#include <tuple>
#include <utility>

#include <fmt/format.h>

namespace trial {
namespace {

constexpr std::size_t most_bytes = std::size_t{64} << 20;
constexpr std::uint64_t max_depth = 64;
constexpr std::uint64_t max_number = std::uint64_t{1} << 47; // beyond what a process can address

template <class... Arguments>
[[noreturn]] void refuse(fmt::format_string<Arguments...> text, Arguments&&... args) {
  throw PlanError(fmt::format(text, std::forward<Arguments>(args)...));
}

std::string quoted(std::string_view text) {
  return fmt::format("'{}'", shortened(printable(std::string(text.substr(0, 100))), 60));
}

/// What is left of a line.
class Line {
public:
  explicit Line(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }

  /// Up to the next space, which goes too.
  std::string_view word(const char* what) {
    const std::size_t end = std::min(rest_.find(' '), rest_.size());
    const std::string_view word = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    if (word.empty())
      refuse("{} is missing", what);
    return word;
  }

  std::uint64_t number(const char* what, std::uint64_t most = max_number, int base = 10) {
    const std::string_view text = word(what);
    std::uint64_t n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n, base);
    if (error != std::errc{} || end != text.data() + text.size())
      refuse("{} is {}, which is no number", what, quoted(text));
    if (n > most)
      refuse("{} is {}, more than {}", what, n, most);
    return n;
  }

  std::string_view rest() const { return rest_; }

private:
  std::string_view rest_;
};

std::string bytes_of(std::string_view digits) {
  std::string bytes;
  if (digits == "-")
    return bytes;
  for (std::size_t at = 0; at < digits.size(); at += 2) {
    unsigned byte = 0;
    const auto two = digits.substr(at, 2);
    const auto [end, error] = std::from_chars(two.data(), two.data() + two.size(), byte, 16);
    if (error != std::errc{} || end != two.data() + 2 || two.size() != 2)
      refuse("the build id is {}, which is not in pairs of hexadecimal digits", quoted(digits));
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

class Parser {
public:
  void parse(std::string_view word, Line line) {
    if (word == "module")
      parse_module(line);
    else if (word == "route")
      parse_route(line);
    else if (word == "key")
      parse_route_key(line);
    else if (word == "inner")
      parse_key(line, -1);
    else
      refuse("{} is none of module, route, key and inner", quoted(word));
  }

  Plan finish() { return std::move(plan_); }

private:
  void parse_module(Line line) {
    Plan::Module module{bytes_of(line.word("the build id")), std::string(line.rest())};
    if (module.path.empty())
      refuse("the path is missing");
    const std::string name = module.path.substr(module.path.rfind('/') + 1);
    modules_.try_emplace(name, static_cast<std::uint32_t>(plan_.modules.size()));
    plan_.modules.push_back(std::move(module));
  }

  void parse_route(Line line) {
    const std::uint64_t number = line.number("the route's number");
    if (number != plan_.routes.size())
      refuse("the route's number is {}, where {} comes next", number, plan_.routes.size());
    if (number == max_routes)
      refuse("there are more than {} routes", max_routes);
    Plan::Route route;
    const std::string_view kind = line.word("the kind of the route");
    route.pool = kind == "pool";
    if (!route.pool && kind != "region")
      refuse("the kind of the route is {}, neither region nor pool", quoted(kind));
    route.bytes = line.number("the number of bytes");
    if (route.bytes == 0 && route.pool)
      refuse("the blocks of a pool have no bytes");
    (route.pool ? route.blocks : route.epochs) =
        line.number(route.pool ? "the number of blocks" : "the number of epochs");
    route.calls = line.number("the number of calls");
    route.function = line.rest();
    plan_.routes.push_back(std::move(route));
  }

  std::uint64_t route_number(Line& line) const {
    const std::uint64_t number = line.number("the route's number");
    if (number >= plan_.routes.size())
      refuse("there is no route {} above", number);
    return number;
  }

  void parse_route_key(Line line) {
    const std::uint64_t route = route_number(line); // first of all
    parse_key(line, static_cast<std::int32_t>(route));
  }

  void parse_key(Line line, std::int32_t route) {
    const std::uint64_t depth = line.number("the depth", max_depth);
    if (depth == 0)
      refuse("the depth is 0: a key has one place at the least");
    std::uint32_t parent = Plan::Node::none;
    for (std::uint64_t i = 1; i < depth; ++i) {
      const auto found = find(parent, place(line));
      if (found == indices_.end())
        refuse("no line above says that its frame {} is looked at", i);
      if (plan_.nodes[found->second].route >= 0)
        refuse("a line above decides at its frame {} already", i);
      parent = found->second + 1;
    }
    const Place last = place(line);
    if (!line.at_end())
      refuse("there are more than {} places", depth);
    const auto index = static_cast<std::uint32_t>(plan_.nodes.size());
    if (!indices_.try_emplace({parent, last.module, last.offset}, index).second)
      refuse("a line above says otherwise of the same frames");
    plan_.nodes.push_back({parent, last.module, last.offset, route});
  }

  struct Place {
    std::uint32_t module;
    std::uint64_t offset;
  };

  Place place(Line& line) const {
    if (line.at_end())
      refuse("there are fewer places than the depth says");
    const std::string_view text = line.word("a place");
    const std::size_t plus = text.rfind('+');
    if (plus == std::string_view::npos)
      refuse("the place {} has no offset", quoted(text));
    const auto module = modules_.find(text.substr(0, plus));
    if (module == modules_.end())
      refuse("there is no module above for the place {}", quoted(text));
    return {module->second, Line(text.substr(plus + 1)).number("the offset", max_number, 16)};
  }

  using Indices = std::map<std::tuple<std::uint32_t, std::uint32_t, std::uint64_t>, std::uint32_t>;
  Indices::const_iterator find(std::uint32_t parent, Place at) const {
    return indices_.find({parent, at.module, at.offset});
  }

  Plan plan_;
  std::map<std::string, std::uint32_t, std::less<>> modules_; // by the names of their files
  Indices indices_;                                           // of nodes
};

} // namespace

Plan parse_plan(std::string_view text) {
  constexpr std::string_view first = "allot plan 2";
  Parser parser;
  for (std::size_t number = 1; !text.empty() || number == 1; ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    Line line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    try {
      if (number == 1) {
        if (line.rest() != first)
          refuse("it is no plan of version 2, whose first line is '{}'", first);
      } else if (!line.at_end()) {
        const std::string_view word = line.word("the first word");
        parser.parse(word, line);
      }
    } catch (const PlanError& error) {
      throw PlanError(fmt::format("line {}: {}", number, error.what()));
    }
  }
  return parser.finish();
}

Plan read_plan(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(most_bytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || !file.is_open())
    throw std::system_error(errno, std::generic_category(), path);
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > most_bytes)
    throw PlanError(fmt::format("{}: it is larger than {} MiB", path, most_bytes >> 20));
  try {
    return parse_plan(text);
  } catch (const PlanError& error) {
    throw PlanError(path + ": " + error.what());
  }
}

} // namespace trial
