// Statistics: what a strategy holds and has handed out. Stats is the same for all of them, in
// bytes; the page's records, in the strategies' own units, have it as their last member.
//
// All are printed by operator<<, as JSON by allot/json.hpp, and by std::format with
// allot/format.hpp. Only who does so includes more than this.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <concepts>
#include <cstddef>
#include <iosfwd>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

struct Stats {
  const char* name;      ///< the option's, or the strategy's own, such as "arena"; never null
  std::size_t capacity;  ///< bytes that can be handed out in all
  std::size_t used;      ///< bytes handed out
  std::size_t available; ///< bytes left
  std::size_t peak;      ///< the most bytes that were ever handed out; survives reset
  std::size_t committed; ///< bytes taken from the system, the heap or upstream, or borrowed
  bool operator==(const Stats&) const = default;
};

struct BlockPoolStats {
  std::size_t total; ///< blocks
  std::size_t used;
  std::size_t free;
  double utilization; ///< used / total, 0 to 1
  Stats memory;
  bool operator==(const BlockPoolStats&) const = default;
};

struct ObjectPoolStats {
  std::size_t available;       ///< objects that were returned
  std::size_t in_use;          ///< objects handed out
  std::size_t total_allocated; ///< objects ever made
  std::size_t capacity;        ///< as given at construction
  Stats memory;
  bool operator==(const ObjectPoolStats&) const = default;
};

struct RegionStats {
  std::size_t arenas;             ///< in use and spare
  std::size_t total_allocated;    ///< bytes: the sum of rounded sizes
  std::size_t current_arena_used; ///< bytes
  std::size_t current_arena_size; ///< bytes
  Stats memory;
  bool operator==(const RegionStats&) const = default;
};

/// The blocks of one size class.
struct ClassStats {
  std::size_t block_bytes; ///< bytes of each
  std::size_t used;        ///< blocks handed out
  std::size_t available;   ///< blocks left, in memory that is there already
  bool operator==(const ClassStats&) const = default;
};

/// A line about statistics, such as
/// `request: 448 of 65536 bytes used, 65088 left, peak 512, 65536 held`
struct Description {
  char text[384];
};
[[nodiscard]] Description describe(const Stats& stats) noexcept;
[[nodiscard]] Description describe(const BlockPoolStats& stats) noexcept;
[[nodiscard]] Description describe(const ObjectPoolStats& stats) noexcept;
[[nodiscard]] Description describe(const RegionStats& stats) noexcept;
[[nodiscard]] Description describe(const ClassStats& stats) noexcept;

/// A record of the page's. Structured bindings give the page's four fields.
template <class S>
concept PageRecord = std::same_as<S, BlockPoolStats> || std::same_as<S, ObjectPoolStats> ||
                     std::same_as<S, RegionStats>;
template <class S>
concept Statistics = std::same_as<S, Stats> || std::same_as<S, ClassStats> || PageRecord<S>;

template <std::size_t i>
[[nodiscard]] constexpr auto get(const BlockPoolStats& stats) noexcept {
  if constexpr (i == 3)
    return stats.utilization;
  else
    return i == 0 ? stats.total : i == 1 ? stats.used : stats.free;
}
template <std::size_t i>
[[nodiscard]] constexpr std::size_t get(const ObjectPoolStats& stats) noexcept {
  return i == 0   ? stats.available
         : i == 1 ? stats.in_use
         : i == 2 ? stats.total_allocated
                  : stats.capacity;
}
template <std::size_t i>
[[nodiscard]] constexpr std::size_t get(const RegionStats& stats) noexcept {
  return i == 0   ? stats.arenas
         : i == 1 ? stats.total_allocated
         : i == 2 ? stats.current_arena_used
                  : stats.current_arena_size;
}
/// The description. Include <ostream>.
std::ostream& operator<<(std::ostream& out, const Stats& stats);
std::ostream& operator<<(std::ostream& out, const BlockPoolStats& stats);
std::ostream& operator<<(std::ostream& out, const ObjectPoolStats& stats);
std::ostream& operator<<(std::ostream& out, const RegionStats& stats);
std::ostream& operator<<(std::ostream& out, const ClassStats& stats);

} // namespace ALLOT_ABI
} // namespace allot

template <allot::PageRecord S>
struct std::tuple_size<S> : std::integral_constant<std::size_t, 4> {};
template <std::size_t i, allot::PageRecord S>
struct std::tuple_element<i, S> {
  using type = decltype(get<i>(std::declval<const S&>()));
};

#endif
