#include "common.hpp"

namespace misuse {

const Cases region_cases = of_bytes<allot::Region>("region") + of_objects<allot::Region>("region") +
                           of_checkpoints<allot::Region>("region");

} // namespace misuse
