#include "common.hpp"

namespace misuse {

const Cases typed_arena_cases = {};

} // namespace misuse
