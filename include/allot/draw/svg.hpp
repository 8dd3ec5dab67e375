// A picture as SVG: one element that needs nothing else, light or dark as its reader is, without
// scripts. Screen readers are told the title and the figures.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/draw/picture.hpp>

#include <string>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

[[nodiscard]] std::string to_svg(const Picture& picture);

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot

#endif
