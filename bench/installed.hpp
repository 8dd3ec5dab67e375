#pragma once

#include <string>

namespace bench {

/// The peers that were not found when this was built.
[[nodiscard]] std::string left_out();

/// Exits, saying so, unless malloc and operator new are the C and C++ library's own.
void check_malloc();

} // namespace bench
