// Statistics for std::format and std::print, where the standard library has them: a description as
// a string, with a string's format specification. `std::format("{:>80}", arena.stats())`
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/stats.hpp>

#include <version>

#if defined(__cpp_lib_format)
#include <format>
#include <string_view>

template <allot::Statistics S>
struct std::formatter<S, char> : std::formatter<std::string_view, char> {
  template <class Context>
  auto format(const S& stats, Context& context) const {
    const allot::Description line = describe(stats);
    return std::formatter<std::string_view, char>::format(line.text, context);
  }
};
#endif

#endif
