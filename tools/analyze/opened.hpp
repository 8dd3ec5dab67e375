// How the commands that read a trace open it.
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>

#include <fmt/format.h>

#include "../progress.hpp"
#include "../trace/reader.hpp"

namespace analyze {

/// As Trace::open; it shows how far it is being read, and says so if it was cut short. `progress`
/// is to outlive what is watched.
inline trace::Trace open_watched(const std::string& file, Progress& progress) {
  trace::Trace trace = trace::Trace::open(file);
  trace.watch([&progress](std::size_t part) { progress.show(fmt::format("reading, {} %", part)); });
  if (!trace.footer())
    fmt::print(stderr, "allot: {}: cut short after {} events; this is about those\n", file,
               trace.events());
  return trace;
}

} // namespace analyze
