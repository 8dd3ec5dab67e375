// The ends of the range: the first use and the largest size, many and a single one, what comes
// back in an order that nobody planned. A row is one figure, and what it is to reach.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace bench::ends {

struct Row {
  std::string what;
  const char* unit;
  std::string figure; ///< "-": the headers that this was compiled with have no words for it
  std::string to_reach;
};
using Rows = std::vector<Row>;

inline constexpr const char* no_figure = "-";

/// With as many digits as tell something.
[[nodiscard]] std::string text(double figure);
[[nodiscard]] std::string text(std::size_t figure);

/// How much is done: all of it, or just enough to see that everything runs.
struct Scale {
  bool quick = false;
  [[nodiscard]] std::size_t of(std::size_t all) const { return quick ? all / 50 : all; }
  [[nodiscard]] int repetitions(int all) const { return quick ? 3 : all; }
};

/// Keeps what `p` points to from the optimizer.
inline void keep(const void* p) {
  asm volatile("" : : "r"(p) : "memory");
}

// ---------------------------------------------------------------------------------------- counted

[[nodiscard]] Rows heap_call_rows(const Scale& scale);
[[nodiscard]] Rows growing_rows(const Scale& scale);
[[nodiscard]] Rows container_rows(const Scale& scale);
[[nodiscard]] Rows temporaries_rows(const Scale& scale);
[[nodiscard]] Rows spike_rows(const Scale& scale);
[[nodiscard]] Rows aligned_pair_rows(const Scale& scale);
[[nodiscard]] Rows reverse_order_rows(const Scale& scale);
[[nodiscard]] Rows idle_rows(const Scale& scale);
[[nodiscard]] Rows rounding_rows(const Scale& scale);
[[nodiscard]] Rows doubling_rows(const Scale& scale);
[[nodiscard]] Rows served_rows(const Scale& scale);
[[nodiscard]] Rows resident_rows(const Scale& scale);
[[nodiscard]] Rows multipool_rows(const Scale& scale);
[[nodiscard]] Rows pool_resource_rows(const Scale& scale);

// ------------------------------------------------------------------------------------------ timed

/// Gives the seconds that the part of it took that is to be timed.
using Timed = std::function<double()>;

/// Of this thread's processor time: other processes disturb it less than the time on the clock.
[[nodiscard]] std::chrono::nanoseconds processor_time();

/// Seconds that `work` takes, once.
template <class Work>
[[nodiscard]] double seconds(Work work) {
  const auto start = processor_time();
  work();
  return std::chrono::duration<double>(processor_time() - start).count();
}

[[nodiscard]] Rows first_use_rows(const Scale& scale);
[[nodiscard]] Rows tree_rows(const Scale& scale);
[[nodiscard]] Rows hook_free_rows(const Scale& scale);
[[nodiscard]] Rows checkpoint_rows(const Scale& scale);
[[nodiscard]] Rows mark_rows(const Scale& scale);
[[nodiscard]] Rows hole_rows(const Scale& scale);
[[nodiscard]] Rows large_growth_rows(const Scale& scale);

} // namespace bench::ends
