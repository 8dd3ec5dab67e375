// The way from a program that was started with the library to the command's memory.
#pragma once

#include "../segment.hpp"

namespace trial {

/// The segment that the environment names, mapped; null when there is none or it isn't one, and the
/// program isn't on trial then. Takes what the command put into the environment out of it.
/// Allocates nothing.
Header* open_segment();

} // namespace trial
