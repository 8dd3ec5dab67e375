// What can go wrong, and how it is told: all of it that a strategy's header needs, which only tells
// errors. Who catches them includes allot/error.hpp, or allot/allot.hpp.
//
//   Exhausted   no room: a full strategy, a reservation passed, the system refused.
//               The program may be right; it can free something and ask again.
//   Misuse      the caller is wrong: use after release, a foreign pointer, a stale marker.
//
// A call that fails has changed nothing. Where nothing may be thrown (destructors, release, the
// deallocate of containers), misuse goes to `misuse_handler`. In a library built without
// exceptions every error goes to a handler, and the program aborts if that returns.
#pragma once

#include <allot/base/abi.hpp>

#include <cstddef>

namespace allot {
inline namespace ALLOT_ABI {

enum class Errc {
  // Exhausted
  no_room,        ///< the strategy has less left than was asked for
  system_refused, ///< the operating system or the upstream gave no memory
  // Misuse
  released,           ///< used after release, or after it was moved from
  busy,               ///< used from its own callback, or taken back while a scope or lease is out
  bad_size,           ///< a size or count of zero or below, or a value that no size can hold
  bad_alignment,      ///< not a power of two (align_up: zero)
  overflow,           ///< the result is not representable
  out_of_bounds,      ///< an index past the last live one
  underflow,          ///< more popped than is there
  null_pointer,       ///< a null pointer where a block or a resource is needed
  foreign_pointer,    ///< not a pointer that this strategy has handed out
  misaligned_pointer, ///< inside one of this strategy's blocks, but not at its start
  double_free,        ///< given back already
  stale_marker,       ///< popped or restored below it, or another stack's
  stale_handle,       ///< of no object, from before a reset, or another arena's
  no_checkpoint,      ///< restore without a checkpoint, or out of order
  bad_file,           ///< a backing file that exists already, or that cannot be made
};

/// The name of a code, such as "no_room".
[[nodiscard]] const char* name(Errc code) noexcept;

class Exhausted; // a std::bad_alloc
class Misuse;    // a std::logic_error

/// Called with misuse where nothing may be thrown. By default it prints the message to standard
/// error and aborts. If a replacement returns, the faulty call is ignored. Set it once, at
/// start-up: it is read without a lock.
extern void (*misuse_handler)(const Misuse&);

/// Called instead of throwing Exhausted in a library built without exceptions; prints and aborts.
extern void (*exhausted_handler)(const Exhausted&);

/// Whom a message is about: a kind of strategy, and the name that one was given, if any. It reads
/// `arena "request": details`, or `arena: details`; of a name up to 63 characters are told.
struct Label {
  constexpr Label(const char* strategy, const char* given = nullptr) noexcept
      : kind(strategy), name(given) {}
  /// The name, or the kind if there is none; never null.
  [[nodiscard]] constexpr const char* text() const noexcept {
    return name != nullptr ? name : kind;
  }
  const char* kind;
  const char* name;
};

// To MinGW's GCC, printf is Microsoft's, which knows no %zu; its C++ library's is not.
#if defined(__MINGW32__) && !defined(__clang__)
#define ALLOT_PRINTF gnu_printf
#else
#define ALLOT_PRINTF printf
#endif

// All throwing is in src/error.cpp, so that headers work where exceptions are off.
[[noreturn, gnu::cold, gnu::format(ALLOT_PRINTF, 3, 4)]] void
throw_exhausted(Label who, Errc code, const char* format, ...);
[[noreturn, gnu::cold, gnu::format(ALLOT_PRINTF, 3, 4)]] void throw_misuse(Label who, Errc code,
                                                                           const char* format, ...);
[[gnu::cold, gnu::format(ALLOT_PRINTF, 3, 4)]] void report_misuse(Label who, Errc code,
                                                                  const char* format, ...) noexcept;

/// `arena: 64 bytes asked, 16 of 1024 left`
[[noreturn, gnu::cold]] void throw_full(Label who, std::size_t asked, std::size_t left,
                                        std::size_t capacity, const char* unit = "bytes");
/// `arena: alignment 3 is not a power of two`
[[noreturn, gnu::cold]] void throw_bad_alignment(Label who, std::size_t alignment);
/// `arena: used after release`
[[noreturn, gnu::cold]] void throw_released(Label who);
/// `arena: used while its own destructors run`
[[noreturn, gnu::cold]] void throw_busy(Label who, const char* during);

namespace detail {
/// What `call` returns, or null if it throws.
template <class Call>
auto null_if_thrown(Call call) noexcept -> decltype(call()) {
#if defined(__cpp_exceptions)
  try {
    return call();
  } catch (...) {
    return nullptr;
  }
#else
  return call();
#endif
}

/// Hands the misuse that is being caught to the handler; what else is, ends the program.
[[gnu::cold]] void report_caught() noexcept;

/// Calls, and hands misuse to the handler where it would be thrown.
template <class Call>
void report_if_thrown(Call call) noexcept {
#if defined(__cpp_exceptions)
  try {
    call();
  } catch (...) {
    report_caught();
  }
#else
  call();
#endif
}
} // namespace detail

} // namespace ALLOT_ABI
} // namespace allot
