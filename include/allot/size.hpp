// Moved to what every strategy includes. This name goes with the next version.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI
#include <allot/base/size.hpp>
#endif
