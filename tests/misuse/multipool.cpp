#include "common.hpp"

namespace misuse {

const Cases multipool_cases = {};

} // namespace misuse
