// What a run of the benchmarks found: printed as a table, and written as JSON for the report.
#pragma once

#include "cells.hpp"

#include <cstddef>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace bench {

/// Of one contestant; all for one operation.
struct Result {
  std::vector<double> nanoseconds; ///< one a repetition; empty if it was not run
  double page_faults = 0;
  std::optional<double> system_calls;
};

/// The middle one, or the mean of the two that are. There must be one.
[[nodiscard]] double median(std::vector<double> values);

struct Machine {
  std::string hardware;
  std::string compiler;
  std::string left_out; ///< peers that are not installed
};

/// The workloads and, in the same order, the results of their contestants.
class Results {
public:
  Results(std::vector<Workload> workloads, Machine machine);

  [[nodiscard]] const std::vector<Workload>& workloads() const { return workloads_; }
  [[nodiscard]] const Machine& machine() const { return machine_; }
  [[nodiscard]] Result& of(std::size_t workload, std::size_t contestant) {
    return results_[workload][contestant];
  }

  /// Cell by cell: ours, the ratio to the floor, to the best peer, and the bounds.
  void print_table(std::ostream& out) const;
  void write_json(std::ostream& out) const;

private:
  struct Judgement {
    std::string against;
    double limit;
    std::optional<double> ratio; // if both were measured
    bool strict;                 // below the limit, not at it
    [[nodiscard]] bool met() const;
  };

  [[nodiscard]] std::optional<double> time(std::size_t workload, const Contestant& of) const;
  [[nodiscard]] std::optional<double> time(std::size_t workload, const std::string& name) const;
  [[nodiscard]] const Contestant* floor(std::size_t workload) const;
  /// The fastest peer but for those that `except` names.
  [[nodiscard]] const Contestant* best_peer(std::size_t workload,
                                            const std::vector<Bound>& except) const;
  [[nodiscard]] std::vector<Judgement> judge(std::size_t workload, const Contestant& ours) const;

  std::vector<Workload> workloads_;
  std::vector<std::vector<Result>> results_;
  Machine machine_;
};

} // namespace bench
