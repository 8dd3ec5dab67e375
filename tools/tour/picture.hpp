// What the memory of a strategy looks like while it holds the document.
#pragma once

#include "input.hpp"

#include <cstddef>
#include <string>

namespace tour {

/// Lines of at most `width` characters, each of them ended.
std::string draw_region(const Input& input, std::size_t width);

} // namespace tour
