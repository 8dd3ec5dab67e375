// What lives when, and for how long.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "places.hpp"

namespace report {

/// Live bytes at moments of a run: of each part of it the one with the most.
struct Memory {
  bool in_seconds = false; ///< else in events
  std::vector<double> at;  ///< since the program began
  std::vector<std::uint64_t> live;
  /// Series of as many bytes; the last one is of all that belong to none.
  std::vector<std::vector<std::uint64_t>> by_entry;
  std::vector<std::vector<std::uint64_t>> by_place;
};

Memory measure_memory(const advise::Inputs& inputs, const Places& places, std::size_t points);

/// How long the blocks of an entry lived.
struct Ages {
  /// By the width of the age in bits.
  using Bins = std::array<std::uint64_t, 65>;

  Bins blocks{};
  Bins bytes{};
};
struct EntryAges {
  Ages events;                   ///< aged in events
  Ages allocated;                ///< aged in bytes that were allocated meanwhile
  std::uint64_t left_blocks = 0; ///< never given back
  std::uint64_t left_bytes = 0;
};

/// By entry; the last one is of all that belong to none.
std::vector<EntryAges> measure_ages(const advise::Inputs& inputs, const Places& places);

/// Blocks whose birth and death an activation of this function saw, and none further in.
struct Grave {
  analyze::Naming::Name function;
  std::uint64_t blocks = 0;
};
struct Graves {
  std::vector<Grave> functions; ///< the most blocks first
  std::uint64_t none = 0;       ///< died outside of all, in another thread, or never
};
Graves find_graves(const advise::Inputs& inputs, analyze::Naming& naming);

} // namespace report
