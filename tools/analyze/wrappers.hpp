// Functions that only pass calls of malloc on, whatever they are called, and if they have no name.
#pragma once

#include <vector>

#include "lifetimes.hpp"
#include "stacks.hpp"

namespace analyze {

/// Tells of each function, by its index, whether it is called from many places, asks for blocks of
/// many sizes at one or two of its own, and returns with the block: so xmalloc does, and what wraps
/// that.
std::vector<bool> find_wrappers(const Stacks& stacks, const Lifetimes& lifetimes);

} // namespace analyze
