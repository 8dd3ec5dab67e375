#include "common.hpp"

namespace misuse {

const Cases slot_arena_cases = {};

} // namespace misuse
