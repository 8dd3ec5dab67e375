// What a tour found, for people and for programs.
#pragma once

#include "tour.hpp"

#include <cstdio>

namespace tour {

/// A table of at most 100 columns; in colour, if `out` is a terminal that wants it.
void print_table(std::FILE* out, const Input& input, const Tour& tour);
void print_json(std::FILE* out, const Input& input, const Tour& tour);
/// A line for each job whose sides found different values; whether there are any.
bool print_differences(std::FILE* out, const Tour& tour);

} // namespace tour
