#include "results.hpp"

#include <rapidjson/ostreamwrapper.h>
#include <rapidjson/prettywriter.h>

#include <algorithm>
#include <cstdio>
#include <ostream>
#include <utility>

namespace bench {

namespace {

std::string fixed(double value, int decimals) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

/// Three digits that count.
std::string time_text(double nanoseconds) {
  return fixed(nanoseconds, nanoseconds < 10 ? 2 : nanoseconds < 100 ? 1 : 0);
}

void print_row(std::ostream& out, const std::string& cell, const std::string& time,
               const std::string& floor, const std::string& best, const std::string& ratio,
               const std::string& bounds) {
  char line[256];
  std::snprintf(line, sizeof line, "%-72s %10s %8s %8s  %-26s ", cell.c_str(), time.c_str(),
                floor.c_str(), ratio.c_str(), best.c_str());
  out << line << bounds << '\n';
}

const char* name_of_role(Role role) {
  switch (role) {
  case Role::floor:
    return "floor";
  case Role::ours:
    return "ours";
  case Role::peer:
    return "peer";
  case Role::reference:
    return "reference";
  case Role::loop:
    break;
  }
  return "loop";
}

} // namespace

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 != 0)
    return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

Results::Results(std::vector<Workload> workloads, Machine machine)
    : workloads_(std::move(workloads)), machine_(std::move(machine)) {
  for (const Workload& workload : workloads_)
    results_.emplace_back(workload.contestants.size());
}

bool Results::Judgement::met() const {
  return ratio && (strict ? *ratio < limit : *ratio <= limit);
}

std::optional<double> Results::time(std::size_t workload, const Contestant& of) const {
  const auto index = static_cast<std::size_t>(&of - workloads_[workload].contestants.data());
  const std::vector<double>& times = results_[workload][index].nanoseconds;
  if (times.empty())
    return std::nullopt;
  return median(times);
}

std::optional<double> Results::time(std::size_t workload, const std::string& name) const {
  for (const Contestant& contestant : workloads_[workload].contestants)
    if (contestant.name == name)
      return time(workload, contestant);
  return std::nullopt;
}

const Contestant* Results::floor(std::size_t workload) const {
  for (const Contestant& contestant : workloads_[workload].contestants)
    if (contestant.role == Role::floor && time(workload, contestant))
      return &contestant;
  return nullptr;
}

const Contestant* Results::best_peer(std::size_t workload, const std::vector<Bound>& except) const {
  const Contestant* best = nullptr;
  for (const Contestant& contestant : workloads_[workload].contestants) {
    const bool excepted = std::any_of(except.begin(), except.end(), [&](const Bound& bound) {
      return bound.against == contestant.name;
    });
    const std::optional<double> own = time(workload, contestant);
    if (contestant.role == Role::peer && !excepted && own &&
        (best == nullptr || *own < *time(workload, *best)))
      best = &contestant;
  }
  return best;
}

std::vector<Results::Judgement> Results::judge(std::size_t workload, const Contestant& ours) const {
  std::vector<Judgement> judgements;
  const std::optional<double> own = time(workload, ours);
  for (const Bound& bound : ours.bounds) {
    Judgement judgement{bound.against, bound.ratio, std::nullopt, bound.against == every_peer};
    std::optional<double> other;
    if (!judgement.strict) {
      other = time(workload, bound.against);
    } else if (const Contestant* best = best_peer(workload, ours.bounds)) {
      judgement.against = best->name;
      other = time(workload, *best);
    }
    if (own && other)
      judgement.ratio = *own / *other;
    judgements.push_back(std::move(judgement));
  }
  return judgements;
}

void Results::print_table(std::ostream& out) const {
  std::size_t met = 0;
  std::size_t missed = 0;
  std::size_t open = 0;
  out << '\n';
  print_row(out, "cell", "ns", "x floor", "best peer", "x peer", "bounds");
  for (std::size_t w = 0; w != workloads_.size(); ++w) {
    const Contestant* const least = floor(w);
    const Contestant* const best = best_peer(w, {});
    for (const Contestant& contestant : workloads_[w].contestants) {
      const std::optional<double> own = time(w, contestant);
      if (contestant.role != Role::ours || !own)
        continue;
      std::string bounds;
      for (const Judgement& judgement : judge(w, contestant)) {
        bounds += bounds.empty() ? "" : "; ";
        if (!judgement.ratio) {
          ++open;
          bounds += "not measured: " + judgement.against;
          continue;
        }
        ++(judgement.met() ? met : missed);
        bounds += (judgement.met() ? "met: " : "MISSED: ") + fixed(*judgement.ratio, 2) +
                  (judgement.strict ? " < " : " <= ") + fixed(judgement.limit, 2) + " x " +
                  judgement.against;
      }
      print_row(out, workloads_[w].name + ": " + contestant.name, time_text(*own),
                least == nullptr ? "-" : fixed(*own / *time(w, *least), 2),
                best == nullptr ? "-" : best->name,
                best == nullptr ? "-" : fixed(*own / *time(w, *best), 2), bounds);
    }
  }
  out << '\n'
      << met << " bounds met, " << missed << " missed, " << open << " not measured\n"
      << machine_.hardware << '\n'
      << machine_.compiler << '\n';
  if (!machine_.left_out.empty())
    out << "left out, as they are not installed: " << machine_.left_out << '\n';
}

void Results::write_json(std::ostream& out) const {
  rapidjson::OStreamWrapper stream(out);
  rapidjson::PrettyWriter<rapidjson::OStreamWrapper> writer(stream);
  const auto write = [&writer](const char* key, const std::string& text) {
    writer.Key(key);
    writer.String(text.c_str());
  };
  const auto write_number = [&writer](const char* key, double number) {
    writer.Key(key);
    writer.Double(number);
  };

  writer.StartObject();
  write("hardware", machine_.hardware);
  write("compiler", machine_.compiler);
  write("left_out", machine_.left_out);
  writer.Key("workloads");
  writer.StartArray();
  for (std::size_t w = 0; w != workloads_.size(); ++w) {
    writer.StartObject();
    write("name", workloads_[w].name);
    write("text", workloads_[w].text);
    write("operation", workloads_[w].operation);
    writer.Key("contestants");
    writer.StartArray();
    for (std::size_t c = 0; c != workloads_[w].contestants.size(); ++c) {
      const Contestant& contestant = workloads_[w].contestants[c];
      const Result& result = results_[w][c];
      if (result.nanoseconds.empty())
        continue;
      writer.StartObject();
      write("name", contestant.name);
      write("role", name_of_role(contestant.role));
      const auto [least, most] =
          std::minmax_element(result.nanoseconds.begin(), result.nanoseconds.end());
      write_number("median", median(result.nanoseconds));
      write_number("least", *least);
      write_number("most", *most);
      write_number("page_faults", result.page_faults);
      if (result.system_calls)
        write_number("system_calls", *result.system_calls);
      writer.Key("bounds");
      writer.StartArray();
      for (const Judgement& judgement : judge(w, contestant)) {
        writer.StartObject();
        write("against", judgement.against);
        write_number("limit", judgement.limit);
        if (judgement.ratio) {
          write_number("ratio", *judgement.ratio);
          writer.Key("met");
          writer.Bool(judgement.met());
        }
        writer.EndObject();
      }
      writer.EndArray();
      writer.EndObject();
    }
    writer.EndArray();
    writer.EndObject();
  }
  writer.EndArray();
  writer.EndObject();
  out << '\n';
}

} // namespace bench
