#include "common.hpp"

namespace misuse {

const Cases arena_cases = of_buffer<allot::Arena>("arena") + of_bytes<allot::Arena>("arena") +
                          of_objects<allot::Arena>("arena");

} // namespace misuse
