// The way from a program that was started with the library to the command that waits for it.
#pragma once

#include "../segment.hpp"

namespace record {

/// The segment that this process is to write into; null when it isn't to be recorded, or the
/// command isn't there. `forked`: for a child of a process that had one. The first time what the
/// command put into the environment is taken out, unless children are to have it. Allocates
/// nothing. Ends the process when it can't be recorded, after having said why.
Segment* connect(bool forked);

} // namespace record
