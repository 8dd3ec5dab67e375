// Figures and names for people, as pictures and tables show them.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

/// With a comma before each three digits: 65,536.
[[nodiscard]] std::string grouped(std::uint64_t n);
/// 448 B, 64 KiB, 63.6 KiB: a tenth is told where that is not exact.
[[nodiscard]] std::string in_units(std::uint64_t bytes);
/// `1 block`, `1,000 blocks`.
[[nodiscard]] std::string counted(std::uint64_t n, const char* what);
/// `text` with '?' for each control character and each byte that is no UTF-8.
[[nodiscard]] std::string shown(std::string_view text);
/// How many columns of a terminal `text` takes, which is as `shown` makes it.
[[nodiscard]] std::size_t columns(std::string_view text);
/// Its lines of at most `width` columns, but for longer words; all but the first begin with
/// `indent`.
[[nodiscard]] std::vector<std::string> wrapped(std::string text, std::size_t width,
                                               const std::string& indent);
/// What COLUMNS says, or 80.
[[nodiscard]] std::size_t terminal_width();

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot

#endif
