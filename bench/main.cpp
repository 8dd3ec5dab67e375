// Times every contestant at every workload, and says how ours stand.
//
//   allot_bench [--results=FILE] [Google Benchmark's options]
//
// All run in one process, their repetitions in random order, so that what disturbs the machine
// for a while disturbs all alike. What counts is the median of the repetitions.
#include "cells.hpp"
#include "installed.hpp"
#include "results.hpp"
#include "system_calls.hpp"

#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace bench {

namespace {

std::string line_of(const char* file, std::string_view key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(key))
      return line;
  return {};
}

Machine this_machine() {
  const std::string model = line_of("/proc/cpuinfo", "model name");
  utsname system{};
  uname(&system);
  Machine machine;
  machine.hardware = model.substr(std::min(model.size(), model.find(": ") + 2)) + ", " +
                     std::to_string(std::thread::hardware_concurrency()) + " processors, " +
                     system.sysname + ' ' + system.release + ", transparent huge pages " +
                     line_of("/sys/kernel/mm/transparent_hugepage/enabled", "");
  machine.compiler = ALLOT_BENCH_COMPILER;
  machine.left_out = left_out();
  return machine;
}

long page_faults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt + usage.ru_majflt;
}

// The contestant that ran last: while Google Benchmark looks for the number of iterations, it
// need not be set up again.
class Runners {
public:
  Runner& start(const Contestant& contestant) {
    if (current_ != &contestant) {
      runner_.reset(); // gives its memory back before the next takes some
      runner_ = contestant.start();
      current_ = &contestant;
    }
    return *runner_;
  }

private:
  const Contestant* current_ = nullptr;
  std::unique_ptr<Runner> runner_;
};

void run(benchmark::State& state, const Workload& workload, const Contestant& contestant,
         Runners& runners) {
  Runner& runner = runners.start(contestant);
  const long faults = page_faults();
  for ([[maybe_unused]] const auto& iteration : state) {
    runner.round();
    if (workload.longest_call)
      state.SetIterationTime(runner.longest_call() * 1e-9);
  }
  const auto operations =
      static_cast<double>(state.iterations()) * static_cast<double>(workload.operations);
  state.counters["operations"] = operations;
  state.counters["page_faults"] = static_cast<double>(page_faults() - faults) / operations;
}

class Collector : public benchmark::BenchmarkReporter {
public:
  explicit Collector(Results& results) : results_(results) {
    for (std::size_t w = 0; w != results.workloads().size(); ++w)
      for (std::size_t c = 0; c != results.workloads()[w].contestants.size(); ++c)
        places_[key(results.workloads()[w], results.workloads()[w].contestants[c])] = {w, c};
  }

  static std::string key(const Workload& workload, const Contestant& contestant) {
    return workload.name + ": " + contestant.name;
  }

  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs)
      if (run.run_type == Run::RT_Iteration)
        collect(run);
  }
  [[nodiscard]] bool failed() const { return failed_; }

private:
  void collect(const Run& run) {
    const auto [w, c] = places_.at(run.run_name.function_name);
    if (run.error_occurred || run.iterations == 0) {
      std::cerr << run.run_name.function_name << " failed: " << run.error_message << '\n';
      failed_ = true;
      return;
    }
    const Workload& workload = results_.workloads()[w];
    const double seconds = workload.longest_call || workload.threads ? run.real_accumulated_time
                                                                     : run.cpu_accumulated_time;
    Result& result = results_.of(w, c);
    result.nanoseconds.push_back(seconds * 1e9 / run.counters.at("operations"));
    result.page_faults = run.counters.at("page_faults");
  }

  Results& results_;
  std::map<std::string, std::pair<std::size_t, std::size_t>> places_;
  bool failed_ = false;
};

void register_all(const std::vector<Workload>& workloads, Runners& runners) {
  for (const Workload& workload : workloads)
    for (const Contestant& contestant : workload.contestants) {
      if (contestant.role == Role::loop)
        continue;
      auto* const registered =
          benchmark::RegisterBenchmark(Collector::key(workload, contestant).c_str(),
                                       [&workload, &contestant, &runners](benchmark::State& state) {
                                         run(state, workload, contestant, runners);
                                       });
      // The time that it takes to find the longest call is not the call's.
      if (workload.longest_call)
        registered->UseManualTime()->Iterations(1);
      if (workload.threads)
        registered->UseRealTime();
    }
}

void count_system_calls(Results& results) {
  for (std::size_t w = 0; w != results.workloads().size(); ++w) {
    const Workload& workload = results.workloads()[w];
    for (std::size_t c = 0; workload.system_calls && c != workload.contestants.size(); ++c) {
      if (results.of(w, c).nanoseconds.empty())
        continue;
      const std::unique_ptr<Runner> runner = workload.contestants[c].start();
      if (const auto calls = bench::count_system_calls([&runner] { runner->round(); }))
        results.of(w, c).system_calls = *calls / static_cast<double>(workload.operations);
    }
  }
}

int benchmark_all(int argc, char** argv) {
  std::string results_file;
  std::vector<char*> arguments{argv[0]};
  std::string defaults[] = {"--benchmark_enable_random_interleaving=true",
                            "--benchmark_repetitions=11", "--benchmark_min_time=0.03"};
  for (std::string& argument : defaults)
    arguments.push_back(argument.data());
  for (int i = 1; i != argc; ++i) {
    constexpr std::string_view results_option = "--results=";
    if (std::string_view(argv[i]).starts_with(results_option))
      results_file = argv[i] + results_option.size();
    else
      arguments.push_back(argv[i]);
  }
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data()))
    return 1;

  check_malloc();
  Results results(all_workloads(), this_machine());
  std::cout << results.machine().hardware << '\n' << results.machine().compiler << std::endl;
  Runners runners;
  register_all(results.workloads(), runners);
  Collector collector(results);
  const std::size_t ran = benchmark::RunSpecifiedBenchmarks(&collector);
  benchmark::Shutdown();
  count_system_calls(results);
  results.print_table(std::cout);
  if (!results_file.empty()) {
    std::ofstream out(results_file);
    results.write_json(out);
    if (!out.flush()) {
      std::cerr << results_file << " cannot be written\n";
      return 1;
    }
  }
  return ran == 0 || collector.failed() ? 1 : 0;
}

} // namespace

} // namespace bench

int main(int argc, char** argv) {
  try {
    return bench::benchmark_all(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "allot_bench: %s\n", error.what());
    return 1;
  }
}
