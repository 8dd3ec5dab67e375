// print: a table of the strategies that a program passes: what of each is used, what it can hand
// out, and the most that it ever had.
//
//   allot::print(std::cout, request, nodes, scratch);
//
//              used   capacity     peak
//   request   448 B     64 KiB    512 B
//   nodes     144 B   46.9 KiB    240 B
//   scratch     0 B      4 KiB  1.2 KiB
//   all       592 B  114.9 KiB
//
// What has no name is called by its kind. Peaks are not added up: they were reached at different
// times. A strategy that stands on memory of another one's counts twice.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/errc.hpp>
#include <allot/stats.hpp>

#include <concepts>
#include <iosfwd>
#include <span>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

struct Reported {
  Label label;
  Stats memory;
};
void print_table(std::ostream& out, std::span<const Reported> rows);

template <class S>
concept TellsStats = requires(const S& s) { s.stats(); };

template <TellsStats S>
[[nodiscard]] Reported reported(const S& strategy) {
  const auto stats = strategy.stats();
  Stats memory{};
  if constexpr (std::same_as<decltype(stats), const Stats>)
    memory = stats;
  else
    memory = stats.memory;
  if constexpr (requires { strategy.label(); })
    return {strategy.label(), memory};
  else
    return {stats.name, memory}; // a resource
}

} // namespace detail

/// Strategies and the resources of allot::pmr, one a line, in order. Include <ostream>.
template <detail::TellsStats... S>
  requires(sizeof...(S) != 0)
void print(std::ostream& out, const S&... strategies) {
  const detail::Reported rows[] = {detail::reported(strategies)...};
  detail::print_table(out, rows);
}

} // namespace ALLOT_ABI
} // namespace allot

#endif
