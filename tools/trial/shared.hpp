// The memory that a program under trial shares with the command: made for one run, and read after
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "plan.hpp"
#include "results.hpp"
#include "runs.hpp"
#include "segment.hpp"

namespace trial {

/// What the library is to do in a run.
struct Task {
  Way way = Way::control;
  std::uint64_t served = ~std::uint64_t{0}; ///< bit k: route k
  bool measure_teardown = false;
};

/// Of the frees of a region with nothing allocated between, if they were measured.
struct Teardown {
  std::uint64_t ticks = 0; ///< of the processor's clock
  std::uint64_t steps = 0; ///< from one free to the next
};

class Shared {
public:
  /// Throws std::system_error.
  Shared(const Plan& plan, const Task& task);
  Shared(Shared&&) = delete;
  ~Shared();

  /// For the environment of the program.
  std::string variable() const;

  /// Why the library did not do its part, once the program has run; empty if it did.
  std::string refusal() const;
  /// The path of a module of the plan of which another build was loaded; empty if there is none.
  std::string other_build() const;
  Counts counts(std::size_t route) const;
  Teardown teardown(std::size_t route) const;

private:
  const Header& header() const { return *static_cast<const Header*>(memory_); }
  const Seen& seen() const;
  std::vector<const Instance*> instances_of(std::size_t route) const;

  const Plan& plan_;
  Descriptor file_;
  std::size_t bytes_ = 0;
  void* memory_ = nullptr;
};

} // namespace trial
