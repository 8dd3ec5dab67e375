#include "common.hpp"

namespace misuse {

const Cases stack_cases = {};

} // namespace misuse
