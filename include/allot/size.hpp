// Moved to what every strategy includes. This name goes with the next version.
#pragma once

#include <allot/base/size.hpp>
