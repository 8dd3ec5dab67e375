// Moved to what buffer.hpp and mapped_arena.hpp include. This name goes with the next version.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI
#include <allot/base/mapping.hpp>
#endif
