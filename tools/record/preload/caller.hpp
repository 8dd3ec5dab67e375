#pragma once

#include "recorder.hpp"

namespace record {

using preload::caller;

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
