// Moved to allot/resource.hpp. This name goes with the next version.
#pragma once

#include <allot/resource.hpp>
