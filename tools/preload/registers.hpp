#pragma once

#include <cstdint>

namespace preload {

/// What a caller's frame is left with.
struct Registers {
  std::uint64_t ip;
  std::uint64_t sp;
  std::uint64_t bp;
};

/// With what registers the function was called that this is inlined into.
[[gnu::always_inline]] inline Registers caller() {
  const auto* const frame = static_cast<const std::uint64_t*>(__builtin_frame_address(0));
  return {frame[1], reinterpret_cast<std::uint64_t>(frame + 2), frame[0]};
}

} // namespace preload
