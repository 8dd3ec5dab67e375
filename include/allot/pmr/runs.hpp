// How the blocks of a run are marked: blocks that lie side by side, and serve a request of another
// class. Not for use on its own.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/pmr/chunks.hpp>

#include <cstddef>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

inline constexpr std::size_t most_in_run = 4096; // bytes

// The first block, and those behind it: unlike any other flag.
[[nodiscard]] constexpr BlockFlag run_flag_of(std::size_t bytes) noexcept {
  return static_cast<BlockFlag>(0x2000 + bytes);
}
[[nodiscard]] constexpr bool is_run(BlockFlag flag) noexcept {
  return flag >> 13 == 1;
}
[[nodiscard]] constexpr std::size_t bytes_of_run(BlockFlag flag) noexcept {
  return flag - 0x2000U;
}
inline constexpr BlockFlag run_goes_on = 0x4000;

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot

#endif
