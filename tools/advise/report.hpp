// Advice in the forms that people and programs read.
#pragma once

#include <cstdio>
#include <string>

#include "../trial/results.hpp"
#include "advice.hpp"

namespace advise {

/// With what a trial found of it; null without.
void print_text(std::FILE* out, const Advice& advice, const trial::Results* results = nullptr);
void print_json(std::FILE* out, const Advice& advice, const trial::Results* results = nullptr);
/// What a trial routes where; the entries get the numbers of their routes. See docs/advisor.md.
/// Passes over the trace twice.
void print_plan(std::FILE* out, const Inputs& inputs, Advice& advice);

/// The lines to write with allot for an entry, and what to mind; each ends with a newline.
std::string lines_to_write(const Entry& entry);

} // namespace advise
