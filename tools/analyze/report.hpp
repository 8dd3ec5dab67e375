// What a trace shows, as tables.
#pragma once

#include <cstdio>

#include "../symbols/symbols.hpp"
#include "lifetimes.hpp"
#include "scopes.hpp"
#include "stacks.hpp"

namespace analyze {

/// Passes over the trace a few times.
void print_facts(std::FILE* out, const trace::Trace& trace, const Stacks& stacks,
                 const Lifetimes& lifetimes, symbols::Symbols& symbols);

} // namespace analyze
