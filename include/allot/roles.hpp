// Moved to allot/concepts.hpp. This name goes with the next version.
#pragma once

#include <allot/concepts.hpp>
