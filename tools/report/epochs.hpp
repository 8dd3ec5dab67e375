// What one epoch of a scope looks like: which blocks come, when they go, and what lives on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "places.hpp"

namespace report {

struct EpochBlock {
  std::uint64_t birth; ///< in events since the epoch began
  std::uint64_t death; ///< the same; of what lives on, the epoch's end
  std::uint64_t size;
  int place;
  bool own;      ///< of the entry; else of something else that the function gets meanwhile
  bool outlives; ///< lives on after the epoch
};

struct Epoch {
  std::uint64_t number = 0; ///< from 1 on
  std::uint32_t thread = 0;
  std::uint64_t begin = 0;  ///< number of its first event
  std::uint64_t span = 0;   ///< in events
  std::uint64_t blocks = 0; ///< of the entry
  std::uint64_t bytes = 0;
  std::uint64_t others = 0; ///< blocks of something else
  std::uint64_t other_bytes = 0;
  std::uint64_t outliving = 0;   ///< of those
  std::vector<EpochBlock> drawn; ///< by birth
};

/// For each entry that has a scope, its epoch with the median number of blocks, and about `most`
/// of them, evenly drawn.
std::vector<std::optional<Epoch>> find_epochs(const advise::Inputs& inputs,
                                              const advise::Advice& advice, const Places& places,
                                              std::size_t most);

} // namespace report
