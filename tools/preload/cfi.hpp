// How the caller's registers are got back at a place in the code, from the call frame information
// that compilers write for exceptions (.eh_frame; DWARF 5, 6.4).
#pragma once

#include <cstdint>

namespace preload {

/// The canonical frame address (CFA) is the stack pointer before the call; the return address lies
/// right below it.
struct Rule {
  enum Kind : std::uint8_t {
    unknown, ///< not learnt yet
    end,     ///< the outermost frame, or one that cannot be left
    sp,      ///< CFA = stack pointer + offset
    bp,      ///< CFA = frame pointer + offset
    through, ///< CFA = what lies at frame pointer + offset: a realigned stack
    signal,  ///< the kernel's frame below a signal handler
    own_sp,  ///< as sp and bp, of a frame of the library, which isn't to be seen
    own_bp,
  };
  static constexpr std::uint8_t bp_same = 0;      ///< the caller's frame pointer is as here
  static constexpr std::uint8_t bp_pointed = 254; ///< lies where the frame pointer points to
  static constexpr std::uint8_t bp_lost = 255;

  Kind kind = unknown;
  std::uint8_t saved_bp = bp_same; ///< otherwise it lies so many words below the CFA
  std::int32_t offset = 0;         ///< in words of eight bytes; 24 bits
  std::uint32_t into = 0;          ///< bytes from the start of the function; 29 bits

  constexpr std::uint64_t packed() const {
    return static_cast<std::uint64_t>(kind) | static_cast<std::uint64_t>(saved_bp) << 3 |
           (static_cast<std::uint64_t>(offset) & 0xffffff) << 11 |
           static_cast<std::uint64_t>(into) << 35;
  }
  static constexpr Rule unpacked(std::uint64_t w) {
    return {static_cast<Kind>(w & 7), static_cast<std::uint8_t>(w >> 3),
            static_cast<std::int32_t>(static_cast<std::uint32_t>(w >> 11) << 8) >> 8,
            static_cast<std::uint32_t>(w >> 35)};
  }
};

/// The rule at a return address, or with `exact` at an instruction that was interrupted. Of kind
/// `end` where there is no information or none that fits a Rule. Allocates nothing, takes no lock.
Rule learn(std::uint64_t ip, bool exact);

} // namespace preload
