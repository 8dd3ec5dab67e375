#include "common.hpp"

namespace misuse {

const Cases object_pool_cases = {};

} // namespace misuse
