// Prints a table of what strategies hold, ask for and take at the ends of their range.
//
//   allot_ends [--quick]
//
// It needs no peer and nothing but the library. With --quick everything is done once with small
// numbers, whose figures say nothing.
#include "ends.hpp"

#include <cstdio>
#include <string_view>

namespace bench::ends {

std::string text(double figure) {
  char digits[32];
  const int decimals = figure < 10 ? 2 : figure < 100 ? 1 : 0;
  std::snprintf(digits, sizeof digits, "%.*f", decimals, figure);
  return digits;
}
std::string text(std::size_t figure) {
  return std::to_string(figure);
}

namespace {

using Group = Rows (*)(const Scale&);
constexpr Group groups[] = {
    first_use_rows,    tree_rows,      heap_call_rows,     growing_rows,       container_rows,
    temporaries_rows,  spike_rows,     aligned_pair_rows,  reverse_order_rows, rounding_rows,
    doubling_rows,     hook_free_rows, checkpoint_rows,    mark_rows,          resident_rows,
    hole_rows,         multipool_rows, pool_resource_rows, idle_rows,          served_rows,
    large_growth_rows,
};

void print(const Row& row) {
  std::printf("| %s | %s | %s | %s |\n", row.what.c_str(), row.unit, row.figure.c_str(),
              row.to_reach.c_str());
}

int run(const Scale& scale) {
  std::puts("| what | unit | figure | to reach |\n|---|---|---|---|");
  for (const Group group : groups) {
    for (const Row& row : group(scale))
      print(row);
    std::fflush(stdout);
  }
  return 0;
}

} // namespace

} // namespace bench::ends

int main(int count, char** arguments) {
  const bool quick = count == 2 && std::string_view(arguments[1]) == "--quick";
  if (count > 1 && !quick) {
    std::fputs("usage: allot_ends [--quick]\n", stderr);
    return 2;
  }
  return bench::ends::run({.quick = quick});
}
