// What a trial will count, if the program does again what it did.
#pragma once

#include <cstdint>
#include <vector>

#include "keys.hpp"

namespace advise {

/// An advice that a trial follows.
struct Route {
  bool pool = false;             ///< or a region
  std::uint64_t block_bytes = 0; ///< of a pool

  std::uint64_t calls = 0;      ///< that the keys lead to it
  std::uint64_t epochs = 0;     ///< of a region: times that the last of its blocks went
  std::uint64_t bytes = 0;      ///< of a region: most of one epoch, each block rounded up to 16
  std::uint64_t live_bytes = 0; ///< of a region: most that live at once, rounded up the same way
  std::uint64_t blocks = 0;     ///< most that live at once
};

/// Fills in what is to be counted. Each thread has a region or a pool of its own for a route. A
/// block that is reallocated stays where it is if its new context has the same route; it leaves
/// otherwise, and comes if only the new one has a route. A pass over the trace.
void predict(const Inputs& inputs, const Keys& keys, std::vector<Route>& routes);

} // namespace advise
