// Moved to allot/use/tags.hpp. This name goes with the next version.
#pragma once

#include <allot/use/tags.hpp>
