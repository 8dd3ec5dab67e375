#include "common.hpp"

namespace misuse {

const Cases block_pool_cases = {};

} // namespace misuse
