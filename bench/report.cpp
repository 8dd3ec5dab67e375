// Makes a page to look at of what the benchmarks found.
//
//   allot_report RESULTS.json [INSTRUCTIONS.json] > report.html
//
// One file, without scripts, and nothing that it would have to fetch: a chart a workload, how often
// longer than the floor each contestant takes, and the numbers beneath.
#include <rapidjson/document.h>
#include <rapidjson/istreamwrapper.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct Bound {
  std::string against;
  double limit;
  std::optional<double> ratio;
  bool met;
};

struct Bar {
  std::string name;
  std::string role;
  double median, least, most;
  double page_faults;
  std::optional<double> system_calls;
  std::optional<double> instructions;
  std::vector<Bound> bounds;
};

rapidjson::Document read_json(const char* file) {
  std::ifstream in(file);
  rapidjson::IStreamWrapper stream(in);
  rapidjson::Document document;
  if (document.ParseStream(stream).HasParseError() || !document.IsObject())
    throw std::runtime_error(std::string(file) + " is no JSON object");
  return document;
}

std::optional<double> number(const rapidjson::Value& object, const char* key) {
  const auto member = object.FindMember(key);
  if (member == object.MemberEnd())
    return std::nullopt;
  return member->value.GetDouble();
}

std::vector<Bar> read_bars(const rapidjson::Value& workload,
                           const rapidjson::Document& instructions) {
  std::vector<Bar> bars;
  const auto counts = instructions.FindMember(workload["name"]);
  for (const auto& from : workload["contestants"].GetArray()) {
    Bar bar{.name = from["name"].GetString(),
            .role = from["role"].GetString(),
            .median = from["median"].GetDouble(),
            .least = from["least"].GetDouble(),
            .most = from["most"].GetDouble(),
            .page_faults = from["page_faults"].GetDouble(),
            .system_calls = number(from, "system_calls"),
            .instructions = std::nullopt,
            .bounds = {}};
    if (counts != instructions.MemberEnd())
      bar.instructions = number(counts->value, bar.name.c_str());
    for (const auto& bound : from["bounds"].GetArray()) {
      const std::optional<double> ratio = number(bound, "ratio");
      bar.bounds.push_back({bound["against"].GetString(), bound["limit"].GetDouble(), ratio,
                            ratio && bound["met"].GetBool()});
    }
    bars.push_back(std::move(bar));
  }
  std::stable_sort(bars.begin(), bars.end(),
                   [](const Bar& a, const Bar& b) { return a.median < b.median; });
  return bars;
}

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
    case '&':
      result += "&amp;";
      break;
    case '<':
      result += "&lt;";
      break;
    case '>':
      result += "&gt;";
      break;
    case '"':
      result += "&quot;";
      break;
    default:
      result += c;
    }
  }
  return result;
}

/// Three digits that count.
std::string digits(double value) {
  const int decimals = value < 10 ? 2 : value < 100 ? 1 : 0;
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

/// What ratios are to: the floor, or the fastest where there is none.
const Bar& base_of(const std::vector<Bar>& bars) {
  const auto floor =
      std::find_if(bars.begin(), bars.end(), [](const Bar& bar) { return bar.role == "floor"; });
  return floor == bars.end() ? bars.front() : *floor;
}

void draw_chart(std::ostream& out, const std::vector<Bar>& bars) {
  constexpr double label_width = 290;
  constexpr double chart_width = 560;
  constexpr double row = 22;
  constexpr double ticks[] = {0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000};

  const double base = base_of(bars).median;
  const double lowest = std::min(0.5, bars.front().median / base * 0.8);
  const double highest = std::max(2.0, bars.back().median / base * 1.3);
  const auto x = [&](double ratio) {
    return label_width + chart_width * std::log(std::clamp(ratio, lowest, highest) / lowest) /
                             std::log(highest / lowest);
  };
  const double height = row * static_cast<double>(bars.size());

  out << "<svg viewBox=\"0 0 920 " << height + 24 << "\" role=\"img\">\n";
  for (const double tick : ticks)
    if (tick > lowest && tick < highest)
      out << "<line class=\"" << (tick == 1 ? "one" : "tick") << "\" x1=\"" << x(tick) << "\" x2=\""
          << x(tick) << "\" y1=\"0\" y2=\"" << height << "\"/><text class=\"axis\" x=\"" << x(tick)
          << "\" y=\"" << height + 16 << "\">" << tick << "&#215;</text>\n";
  double y = 0;
  for (const Bar& bar : bars) {
    const double end = x(bar.median / base);
    out << "<text class=\"name\" x=\"" << label_width - 8 << "\" y=\"" << y + 15 << "\">"
        << escaped(bar.name) << "</text><rect class=\"" << bar.role << "\" x=\"" << label_width
        << "\" y=\"" << y + 3 << "\" width=\"" << std::max(end - label_width, 1.0) << "\" height=\""
        << row - 6 << "\"/><line class=\"range\" x1=\"" << x(bar.least / base) << "\" x2=\""
        << x(bar.most / base) << "\" y1=\"" << y + row / 2 << "\" y2=\"" << y + row / 2 << "\"/>";
    double right = std::max(end, x(bar.most / base));
    for (const Bound& bound : bar.bounds) {
      if (!bound.ratio)
        continue;
      const double limit = x(bar.median / *bound.ratio * bound.limit / base);
      out << "<line class=\"" << (bound.met ? "met" : "missed") << "\" x1=\"" << limit << "\" x2=\""
          << limit << "\" y1=\"" << y + 1 << "\" y2=\"" << y + row - 1 << "\"/>";
      right = std::max(right, limit);
    }
    out << "<text class=\"value\" x=\"" << right + 6 << "\" y=\"" << y + 15 << "\">"
        << digits(bar.median) << " ns</text>\n";
    y += row;
  }
  out << "</svg>\n";
}

std::string optional_cell(const std::optional<double>& value, const char* format) {
  if (!value)
    return "<td></td>";
  char text[48];
  std::snprintf(text, sizeof text, format, *value);
  return std::string("<td>") + text + "</td>";
}

void write_table(std::ostream& out, const std::vector<Bar>& bars) {
  const Bar& base = base_of(bars);
  const auto any = [&bars](auto present) { return std::any_of(bars.begin(), bars.end(), present); };
  const bool instructions = any([](const Bar& bar) { return bar.instructions.has_value(); });
  const bool faults = any([](const Bar& bar) { return bar.page_faults >= 0.001; });
  const bool calls = any([](const Bar& bar) { return bar.system_calls.has_value(); });
  const bool bounds = any([](const Bar& bar) { return !bar.bounds.empty(); });

  out << "<table><tr><th></th><th>ns</th><th>least to most</th><th>&#215; "
      << (base.role == "floor" ? "floor" : "fastest") << "</th>"
      << (instructions ? "<th>instructions</th>" : "") << (faults ? "<th>page faults</th>" : "")
      << (calls ? "<th>system calls</th>" : "") << (bounds ? "<th>bounds</th>" : "") << "</tr>\n";
  for (const Bar& bar : bars) {
    out << "<tr class=\"" << bar.role << "\"><td>" << escaped(bar.name) << "</td><td>"
        << digits(bar.median) << "</td><td>" << digits(bar.least) << " to " << digits(bar.most)
        << "</td><td>" << digits(bar.median / base.median) << "</td>";
    if (instructions)
      out << optional_cell(bar.instructions, "%.1f");
    if (faults)
      out << optional_cell(bar.page_faults, "%.3f");
    if (calls)
      out << optional_cell(bar.system_calls, "%.4f");
    if (bounds) {
      out << "<td class=\"bounds\">";
      for (const Bound& bound : bar.bounds) {
        if (bound.ratio)
          out << "<span class=\"" << (bound.met ? "met" : "missed") << "\">" << digits(*bound.ratio)
              << "</span> of " << digits(bound.limit) << " &#215; ";
        else
          out << "not measured against ";
        out << escaped(bound.against) << "<br>";
      }
      out << "</td>";
    }
    out << "</tr>\n";
  }
  out << "</table>\n";
}

constexpr std::string_view style = R"(<style>
:root { color-scheme: light dark; --ours: #2a78d6; --peer: #b9b7b0; --floor: #52514e;
  --reference: #dad8d1; --met: #0b7a3b; --missed: #c2261b; --line: #8884; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 960px; margin: 2em auto; padding: 0 1em; }
h2 { margin: 2.5em 0 0; font-size: 1.2em; }
p { margin: .2em 0 .8em; opacity: .8; }
svg { width: 100%; height: auto; font-size: 12.5px; }
svg text { fill: currentColor; }
svg .name { text-anchor: end; }
svg .axis { text-anchor: middle; opacity: .6; }
svg .tick { stroke: var(--line); }
svg .one { stroke: currentColor; stroke-dasharray: 3 3; }
svg .range { stroke: currentColor; opacity: .5; }
svg line.met { stroke: var(--met); stroke-width: 2.5; }
svg line.missed { stroke: var(--missed); stroke-width: 2.5; }
rect.ours { fill: var(--ours); } rect.peer { fill: var(--peer); }
rect.floor { fill: var(--floor); } rect.reference { fill: var(--reference); }
table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 2px 8px; border-bottom: 1px solid var(--line);
  vertical-align: top; }
td:first-child, td.bounds, th:last-child { text-align: left; }
tr.ours td:first-child { font-weight: 600; }
.met { color: var(--met); font-weight: 600; } .missed { color: var(--missed); font-weight: 600; }
.key span { display: inline-block; width: 1em; height: .8em; margin: 0 .4em 0 1.2em; }
nav a { margin-right: 1em; white-space: nowrap; }
</style>
)";

void write_page(std::ostream& out, const rapidjson::Document& results,
                const rapidjson::Document& instructions) {
  std::size_t met = 0;
  std::size_t missed = 0;
  std::vector<std::vector<Bar>> charts;
  const auto workloads = results["workloads"].GetArray();
  for (const auto& workload : workloads) {
    charts.push_back(read_bars(workload, instructions));
    for (const Bar& bar : charts.back())
      for (const Bound& bound : bar.bounds)
        if (bound.ratio)
          ++(bound.met ? met : missed);
  }

  out << "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width\">\n<title>allot: "
         "benchmarks</title>\n"
      << style << "<h1>allot beside its peers</h1>\n<p>" << escaped(results["hardware"].GetString())
      << "<br>" << escaped(results["compiler"].GetString());
  if (results["left_out"].GetStringLength() != 0)
    out << "<br>Left out, as they were not installed: " << escaped(results["left_out"].GetString());
  out << "</p>\n<p>Medians; a thin line goes from the least to the most. Ratios are to the floor, "
         "which is written by hand, on a logarithmic scale. An upright mark is a bound that ours "
         "is "
         "to stay left of: "
      << met << " are met, " << missed << " missed.</p>\n<p class=\"key\">"
      << "<span style=\"background:var(--ours)\"></span>ours"
         "<span style=\"background:var(--peer)\"></span>peer"
         "<span style=\"background:var(--floor)\"></span>floor"
         "<span style=\"background:var(--reference)\"></span>reference</p>\n<nav>";
  for (std::size_t i = 0; i != charts.size(); ++i)
    if (!charts[i].empty())
      out << "<a href=\"#w" << i << "\">"
          << escaped(workloads[static_cast<unsigned>(i)]["name"].GetString()) << "</a> ";
  out << "</nav>\n";
  for (std::size_t i = 0; i != charts.size(); ++i) {
    if (charts[i].empty())
      continue;
    const auto& workload = workloads[static_cast<unsigned>(i)];
    out << "<h2 id=\"w" << i << "\">" << escaped(workload["name"].GetString()) << "</h2>\n<p>"
        << escaped(workload["text"].GetString()) << "; times are for one "
        << escaped(workload["operation"].GetString()) << "</p>\n";
    draw_chart(out, charts[i]);
    write_table(out, charts[i]);
  }
  out << "</html>\n";
}

} // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 2 && argc != 3)
      throw std::runtime_error("usage: allot_report RESULTS.json [INSTRUCTIONS.json]");
    const rapidjson::Document results = read_json(argv[1]);
    rapidjson::Document instructions(rapidjson::kObjectType);
    if (argc == 3)
      instructions = read_json(argv[2]);
    write_page(std::cout, results, instructions);
    return std::cout.flush() ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "allot_report: %s\n", error.what());
    return 1;
  }
}
