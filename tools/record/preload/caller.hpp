#pragma once

#include "recorder.hpp"

namespace record {

/// With what registers the function was called that this is inlined into.
[[gnu::always_inline]] inline Registers caller() {
  const auto* const frame = static_cast<const std::uint64_t*>(__builtin_frame_address(0));
  return {frame[1], reinterpret_cast<std::uint64_t>(frame + 2), frame[0]};
}

inline std::uint64_t address(const void* p) {
  return reinterpret_cast<std::uint64_t>(p);
}

inline void* allocated(void* p, Event event, Registers caller) {
  if (p && !is_off()) {
    event.address = address(p);
    take_down(event, caller);
  }
  return p;
}

[[gnu::always_inline]] inline void* allocated(void* p, const Event& event) {
  return allocated(p, event, caller());
}

[[gnu::always_inline]] inline void releasing(trace::Operation operation, const void* p) {
  if (!is_off())
    take_down({.operation = operation, .address = address(p)}, caller());
}

inline std::uint8_t log2(std::size_t alignment) {
  return alignment == 0 ? 0 : static_cast<std::uint8_t>(__builtin_ctzl(alignment));
}

} // namespace record
