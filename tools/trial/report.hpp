// A trial's results in the forms that people and programs read.
#pragma once

#include <cstdio>
#include <string>

#include <rapidjson/filewritestream.h>
#include <rapidjson/prettywriter.h>

#include "results.hpp"

namespace trial {

/// All of it, for people.
void print_text(std::FILE* out, const Results& results);
/// Of it: how the program was run, and what is true of all of it; lines, or none.
void print_whole(std::FILE* out, const Results& results);
/// What the trial says of a route, in lines that begin with three spaces.
void print_route(std::FILE* out, const RouteResult& result);
/// What the other mallocs give, and what there is to be told beside; lines, or none.
void print_rest(std::FILE* out, const Results& results);

void print_json(std::FILE* out, const Results& results);
/// Of it, for who writes more: values, without their names.
using Json = rapidjson::PrettyWriter<rapidjson::FileWriteStream>;
void write(Json& json, const Tried& tried);
void write_alternatives(Json& json, const Results& results);

/// As docs/advisor.md has them.
int exit_code_of(const Results& results);

} // namespace trial
