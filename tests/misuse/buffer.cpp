#include "common.hpp"

namespace misuse {

const Cases buffer_cases = {};

} // namespace misuse
