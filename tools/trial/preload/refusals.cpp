// What allot's sources call where a caller is wrong or memory is out, in the place of
// src/error.cpp, which needs the C++ library. The library asks for nothing that can be refused;
// what is left is a pointer that a pool didn't hand out, or that is free: malloc's own ends the
// program then, too.
#include <allot/base/errc.hpp>
#include <allot/base/mapping.hpp>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

#include <unistd.h>

namespace allot {
inline namespace ALLOT_ABI {
namespace {

[[noreturn]] void end(Label who, const char* format, std::va_list arguments) {
  char text[256];
  int used = std::snprintf(text, sizeof text, "allot trial: %s: ", who.kind);
  used +=
      std::vsnprintf(text + used, sizeof text - static_cast<unsigned>(used) - 1, format, arguments);
  if (used > static_cast<int>(sizeof text) - 2)
    used = sizeof text - 2;
  text[used++] = '\n';
  static_cast<void>(!::write(2, text, static_cast<unsigned>(used)));
  std::abort();
}

} // namespace

void throw_exhausted(Label who, Errc, const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  end(who, format, arguments);
}

void throw_misuse(Label who, Errc, const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  end(who, format, arguments);
}

void report_misuse(Label who, Errc, const char* format, ...) noexcept {
  std::va_list arguments;
  va_start(arguments, format);
  end(who, format, arguments);
}

void throw_full(Label who, std::size_t asked, std::size_t left, std::size_t, const char* unit) {
  throw_exhausted(who, Errc::no_room, "%zu %s asked, %zu left", asked, unit, left);
}
void throw_bad_alignment(Label who, std::size_t alignment) {
  throw_misuse(who, Errc::bad_alignment, "alignment %zu", alignment);
}
void throw_released(Label who) {
  throw_misuse(who, Errc::released, "used after release");
}
void throw_busy(Label who, const char* during) {
  throw_misuse(who, Errc::busy, "used while %s", during);
}

// Nor does it ask for a heap buffer, which would be a mapping if it were large.
Mapping::Mapping(Label owner, std::size_t, const MapOptions&) {
  throw_exhausted(owner, Errc::system_refused, "no mappings here");
}
bool Mapping::commit(std::size_t) noexcept {
  return false;
}
void Mapping::release() noexcept {}
Mapping::Range Mapping::detach() noexcept {
  return {nullptr, 0};
}

} // namespace ALLOT_ABI
} // namespace allot
