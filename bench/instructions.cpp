// Counts the instructions of every contestant at every workload that is counted.
//
//   allot_instructions                              run by Callgrind, which counts
//   allot_instructions --read DUMPS... [--against FILE]
//
// A round is counted once and then twice over; the difference is a round that starts from where a
// round ends. The same loop without an allocator is counted too, and subtracted. The second form
// reads what Callgrind wrote, prints JSON, and with --against fails if one of ours takes more than
// one instruction more than that file says, or more than a contestant that it is bound to match.
#include "cells.hpp"
#include "installed.hpp"

#include <rapidjson/document.h>
#include <rapidjson/istreamwrapper.h>
#include <rapidjson/ostreamwrapper.h>
#include <rapidjson/prettywriter.h>
#include <valgrind/callgrind.h>

#include <cmath>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

namespace {

/// A bound is missed by more: what is done once a round makes less than this an operation.
constexpr double once_a_round = 0.1;

/// What Callgrind counted, by the labels below.
using Counts = std::map<std::string, double>;
/// Instructions an operation, by workload and contestant.
using Instructions = std::map<std::string, std::map<std::string, double>>;

std::string label(const Workload& workload, const Contestant& contestant, int rounds) {
  return std::to_string(rounds) + " x " + workload.name + ": " + contestant.name;
}

void count_all() {
  for (const Workload& workload : all_workloads()) {
    if (!workload.counted)
      continue;
    for (const Contestant& contestant : workload.contestants) {
      const std::unique_ptr<Runner> runner = contestant.start();
      runner->round(); // resolves what is called for the first time
      for (const int rounds : {1, 2}) {
        const std::string done = label(workload, contestant, rounds);
        CALLGRIND_ZERO_STATS;
        for (int i = 0; i != rounds; ++i)
          runner->round();
        CALLGRIND_DUMP_STATS_AT(done.c_str());
      }
    }
  }
}

// A dump names what asked for it, and ends with the sum of what it counted.
void read_dump(const char* file, Counts& counts) {
  constexpr std::string_view trigger = "desc: Trigger: Client Request: ";
  constexpr std::string_view total = "totals: ";
  std::ifstream in(file);
  std::string asked_by;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("part: "))
      asked_by.clear(); // the last part is that of the program's end
    else if (line.starts_with(trigger))
      asked_by = line.substr(trigger.size());
    else if (line.starts_with(total))
      counts[asked_by] = std::stod(line.substr(total.size()));
  }
}

Instructions instructions(const Counts& counts) {
  Instructions result;
  for (const Workload& workload : all_workloads()) {
    if (!workload.counted)
      continue;
    double loop = 0;
    for (const Contestant& contestant : workload.contestants) {
      const auto once = counts.find(label(workload, contestant, 1));
      const auto twice = counts.find(label(workload, contestant, 2));
      if (once == counts.end() || twice == counts.end())
        throw std::runtime_error("Callgrind did not count " + label(workload, contestant, 1));
      const double round = twice->second - once->second;
      const double each = round / static_cast<double>(workload.operations);
      if (contestant.role == Role::loop)
        loop = each; // the first of a workload
      result[workload.name][contestant.name] =
          std::round((contestant.role == Role::loop ? each : each - loop) * 100) / 100;
    }
  }
  return result;
}

void print(const Instructions& instructions) {
  rapidjson::OStreamWrapper stream(std::cout);
  rapidjson::PrettyWriter<rapidjson::OStreamWrapper> writer(stream);
  writer.SetMaxDecimalPlaces(2);
  writer.StartObject();
  for (const auto& [workload, contestants] : instructions) {
    writer.Key(workload.c_str());
    writer.StartObject();
    for (const auto& [contestant, count] : contestants) {
      writer.Key(contestant.c_str());
      writer.Double(count);
    }
    writer.EndObject();
  }
  writer.EndObject();
  std::cout << '\n';
}

rapidjson::Document read_json(const char* file) {
  std::ifstream in(file);
  rapidjson::IStreamWrapper stream(in);
  rapidjson::Document document;
  if (document.ParseStream(stream).HasParseError() || !document.IsObject())
    throw std::runtime_error(std::string(file) + " is no JSON object");
  return document;
}

std::optional<double> find(const rapidjson::Document& baseline, const Workload& workload,
                           const std::string& contestant) {
  const auto cells = baseline.FindMember(workload.name.c_str());
  if (cells == baseline.MemberEnd())
    return std::nullopt;
  const auto cell = cells->value.FindMember(contestant.c_str());
  if (cell == cells->value.MemberEnd())
    return std::nullopt;
  return cell->value.GetDouble();
}

// Whether ours are where they were, and no longer than what they are bound to match.
bool check(const Instructions& now, const char* baseline_file) {
  const rapidjson::Document baseline = read_json(baseline_file);
  bool good = true;
  for (const Workload& workload : all_workloads()) {
    const auto cells = now.find(workload.name);
    if (cells == now.end())
      continue;
    for (const Contestant& contestant : workload.contestants) {
      if (contestant.role != Role::ours)
        continue;
      const std::string cell = workload.name + ": " + contestant.name;
      const double count = cells->second.at(contestant.name);
      const std::optional<double> before = find(baseline, workload, contestant.name);
      if (!before) {
        std::cerr << cell << " is not in " << baseline_file << '\n';
        good = false;
      } else if (count > *before + 1) {
        std::cerr << cell << " takes " << count << " instructions, " << *before << " before\n";
        good = false;
      }
      for (const Bound& bound : contestant.bounds) {
        const auto other = cells->second.find(bound.against);
        if (bound.instructions && other != cells->second.end() &&
            count > other->second + once_a_round) {
          std::cerr << cell << " takes " << count << " instructions, " << bound.against << " only "
                    << other->second << '\n';
          good = false;
        }
      }
    }
  }
  return good;
}

int main_program(int argc, char** argv) {
  check_malloc();
  if (argc == 1) {
    if (RUNNING_ON_VALGRIND == 0)
      throw std::runtime_error("run this under Callgrind; instructions.sh does");
    count_all();
    return 0;
  }
  Counts counts;
  const char* baseline = nullptr;
  if (std::string_view(argv[1]) != "--read")
    throw std::runtime_error(std::string("what is ") + argv[1] + '?');
  for (int i = 2; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--against" && i + 1 < argc)
      baseline = argv[++i];
    else
      read_dump(argv[i], counts);
  }
  const Instructions now = instructions(counts);
  print(now);
  return baseline == nullptr || check(now, baseline) ? 0 : 1;
}

} // namespace

} // namespace bench

int main(int argc, char** argv) {
  try {
    return bench::main_program(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "allot_instructions: %s\n", error.what());
    return 1;
  }
}
