// What is measured: workloads, and the contestants that do them.
//
// A workload fixes operations, a contestant does them with one allocator. A cell of the closing
// table is one workload done by one of ours. The same table serves the timings (main.cpp) and the
// instruction counts (instructions.cpp).
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace bench {

/// A contestant at a workload, set up, with its memory touched.
class Runner {
public:
  Runner() = default;
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  virtual ~Runner() = default;

  /// Does the workload's operations once. Being virtual, it is compiled for an allocator that it
  /// knows nothing of, as a function of a program is.
  virtual void round() = 0;
  /// Nanoseconds of the longest call of the last round, for workloads that ask for it.
  [[nodiscard]] virtual double longest_call() const { return 0; }
};

/// Writes to memory that was handed out, and keeps it from the optimizer: what an allocator holds
/// in memory is there when the next request comes.
inline void touch(void* p, std::uint64_t value) {
  *static_cast<std::uint64_t*>(p) = value;
  asm volatile("" : : "r"(p) : "memory");
}

enum class Role {
  floor,     ///< what nobody could do with less: hand-written, without an interface
  ours,      ///< judged
  peer,      ///< another library, or the C or C++ standard's
  reference, ///< neither: measured because it explains something
  loop,      ///< no allocator at all: only counted, and subtracted from the others' instructions
};

/// "No more than `ratio` times the time of `against`."
struct Bound {
  std::string against; ///< a contestant's name
  double ratio;
  bool instructions = false; ///< and no more instructions
};
/// Stands for each peer that has no bound of its own; below the ratio, not at it.
inline const std::string every_peer = "every peer";

struct Contestant {
  std::string name;
  Role role;
  std::vector<Bound> bounds;
  std::function<std::unique_ptr<Runner>()> start;
};

/// A library that is not installed here. Its contestants are left out.
struct Absent {};

struct Workload {
  std::string name;
  std::string text;          ///< what a round does
  std::string operation;     ///< what times and counts are of
  std::size_t operations;    ///< of a round
  bool counted = true;       ///< whether instructions are counted
  bool longest_call = false; ///< whether the longest call counts, not the average
  bool system_calls = false; ///< whether they are counted
  bool threads = false;      ///< whether a round has several, and takes what passes on the clock
  std::vector<Contestant> contestants = {};

  /// Adds the allocator A, which works as Run<A>, made with `args`. Run must not be in an unnamed
  /// namespace: GCC gives this function external linkage all the same, and two files' would be one.
  template <template <class> class Run, class A, class... Args>
  void add(Role role, std::vector<Bound> bounds, const Args&... args) {
    if constexpr (!std::derived_from<A, Absent>)
      contestants.push_back({A::name, role, std::move(bounds),
                             [args...] { return std::make_unique<Run<A>>(args...); }});
  }
  template <template <class> class Run, class... Peers, class... Args>
  void add_peers(const Args&... args) {
    (add<Run, Peers>(Role::peer, {}, args...), ...);
  }
};

[[nodiscard]] std::vector<Workload> bump_workloads();
[[nodiscard]] std::vector<Workload> aligned_workloads();
[[nodiscard]] std::vector<Workload> growth_workloads();
[[nodiscard]] std::vector<Workload> block_workloads();
[[nodiscard]] std::vector<Workload> multipool_workloads();
[[nodiscard]] std::vector<Workload> container_workloads();
[[nodiscard]] std::vector<Workload> object_workloads();
[[nodiscard]] std::vector<Workload> stack_workloads();
[[nodiscard]] std::vector<Workload> cycle_workloads();
[[nodiscard]] std::vector<Workload> mapped_workloads();
[[nodiscard]] std::vector<Workload> pmr_workloads();
[[nodiscard]] std::vector<Workload> thread_block_workloads();
[[nodiscard]] std::vector<Workload> thread_bump_workloads();
[[nodiscard]] std::vector<Workload> worst_call_workloads();

[[nodiscard]] inline std::vector<Workload> all_workloads() {
  std::vector<Workload> all;
  for (const auto group :
       {bump_workloads, aligned_workloads, growth_workloads, block_workloads, multipool_workloads,
        container_workloads, object_workloads, stack_workloads, cycle_workloads, mapped_workloads,
        pmr_workloads, thread_bump_workloads, thread_block_workloads, worst_call_workloads})
    for (Workload& workload : group())
      all.push_back(std::move(workload));
  return all;
}

} // namespace bench
