// The error classes, for who catches them. What the codes mean, and which functions tell errors, is
// in allot/base/errc.hpp.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/errc.hpp>

#include <new>
#include <stdexcept>

namespace allot {
inline namespace ALLOT_ABI {

namespace detail {
/// Room for a message inside the exception, so that reporting an error allocates nothing.
struct Message {
  char text[248];
};
} // namespace detail

/// There is no room: a strategy is full, or the system or an upstream refused. `what()` says how
/// much was asked for and how much is left.
class Exhausted : public std::bad_alloc {
public:
  Exhausted(Errc code, const detail::Message& message) noexcept : code_(code), message_(message) {}
  [[nodiscard]] Errc code() const noexcept { return code_; }
  [[nodiscard]] const char* what() const noexcept override { return message_.text; }

private:
  Errc code_;
  detail::Message message_;
};

/// The caller is wrong: a use after release, a foreign pointer, a stale marker.
class Misuse : public std::logic_error {
public:
  Misuse(Errc code, const detail::Message& message)
      : std::logic_error(""), code_(code), message_(message) {}
  [[nodiscard]] Errc code() const noexcept { return code_; }
  [[nodiscard]] const char* what() const noexcept override { return message_.text; }

private:
  Errc code_;
  detail::Message message_;
};

} // namespace ALLOT_ABI
} // namespace allot

#endif
