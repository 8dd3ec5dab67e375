#include "common.hpp"

namespace misuse {

const Cases verb_cases = {};

} // namespace misuse
