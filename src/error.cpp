#include <allot/error.hpp>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

// Where gdb finds the printers of what this program holds.
#if defined(ALLOT_GDB_SCRIPT) && defined(__ELF__)
asm(".pushsection \".debug_gdb_scripts\", \"MS\", %progbits, 1\n"
    ".byte 1\n" // a file of Python
    ".asciz \"" ALLOT_GDB_SCRIPT "\"\n"
    ".popsection\n");
#endif

namespace allot {
inline namespace ALLOT_ABI {

namespace detail {

Message compose(Label who, const char* format, std::va_list arguments) noexcept {
  Message message;
  const int used =
      who.name == nullptr
          ? std::snprintf(message.text, sizeof message.text, "%s: ", who.kind)
          : std::snprintf(message.text, sizeof message.text, "%s \"%.63s\": ", who.kind, who.name);
  if (used >= 0 && static_cast<std::size_t>(used) < sizeof message.text)
    std::vsnprintf(message.text + used, sizeof message.text - static_cast<std::size_t>(used),
                   format, arguments);
  return message;
}

[[noreturn]] void print_and_abort(const char* what) noexcept {
  std::fprintf(stderr, "allot: %s\n", what);
  std::abort();
}

void abort_on_misuse(const Misuse& misuse) {
  print_and_abort(misuse.what());
}
void abort_on_exhausted(const Exhausted& exhausted) {
  print_and_abort(exhausted.what());
}

} // namespace detail

void (*misuse_handler)(const Misuse&) = detail::abort_on_misuse;
void (*exhausted_handler)(const Exhausted&) = detail::abort_on_exhausted;

const char* name(Errc code) noexcept {
  switch (code) {
  case Errc::no_room:
    return "no_room";
  case Errc::system_refused:
    return "system_refused";
  case Errc::released:
    return "released";
  case Errc::busy:
    return "busy";
  case Errc::bad_size:
    return "bad_size";
  case Errc::bad_alignment:
    return "bad_alignment";
  case Errc::overflow:
    return "overflow";
  case Errc::out_of_bounds:
    return "out_of_bounds";
  case Errc::underflow:
    return "underflow";
  case Errc::null_pointer:
    return "null_pointer";
  case Errc::foreign_pointer:
    return "foreign_pointer";
  case Errc::misaligned_pointer:
    return "misaligned_pointer";
  case Errc::double_free:
    return "double_free";
  case Errc::stale_marker:
    return "stale_marker";
  case Errc::stale_handle:
    return "stale_handle";
  case Errc::no_checkpoint:
    return "no_checkpoint";
  case Errc::bad_file:
    return "bad_file";
  }
  return "unknown";
}

void throw_exhausted(Label who, Errc code, const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  const detail::Message message = detail::compose(who, format, arguments);
  va_end(arguments);
#if defined(__cpp_exceptions)
  throw Exhausted(code, message);
#else
  exhausted_handler(Exhausted(code, message));
  std::abort();
#endif
}

void throw_misuse(Label who, Errc code, const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  const detail::Message message = detail::compose(who, format, arguments);
  va_end(arguments);
#if defined(__cpp_exceptions)
  throw Misuse(code, message);
#else
  misuse_handler(Misuse(code, message));
  std::abort();
#endif
}

void report_misuse(Label who, Errc code, const char* format, ...) noexcept {
  std::va_list arguments;
  va_start(arguments, format);
  const detail::Message message = detail::compose(who, format, arguments);
  va_end(arguments);
  misuse_handler(Misuse(code, message));
}

namespace detail {
void report_caught() noexcept {
#if defined(__cpp_exceptions)
  try {
    throw;
  } catch (const Misuse& misuse) {
    misuse_handler(misuse);
  }
#endif
}
} // namespace detail

void throw_full(Label who, std::size_t asked, std::size_t left, std::size_t capacity,
                const char* unit) {
  throw_exhausted(who, Errc::no_room, "%zu %s asked, %zu of %zu left", asked, unit, left, capacity);
}

void throw_released(Label who) {
  throw_misuse(who, Errc::released, "used after release");
}

void throw_bad_alignment(Label who, std::size_t alignment) {
  throw_misuse(who, Errc::bad_alignment, "alignment %zu is not a power of two", alignment);
}

void throw_busy(Label who, const char* during) {
  throw_misuse(who, Errc::busy, "used while %s", during);
}

} // namespace ALLOT_ABI
} // namespace allot
