// How far a thread's stack was cut back since one of its events.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace analyze {

/// For each event of a thread, how many frames were there at all events since.
class Cuts {
public:
  void add(std::uint64_t number, std::uint32_t kept) {
    while (!cuts_.empty() && cuts_.back().kept >= kept)
      cuts_.pop_back();
    cuts_.push_back({number, kept});
  }
  bool any() const { return !cuts_.empty(); }
  /// The frames that stayed from an event until the last one; all of them if it is the last one.
  std::uint32_t kept_since(std::uint64_t number) const {
    const auto cut = std::upper_bound(cuts_.begin(), cuts_.end(), number,
                                      [](std::uint64_t n, const Cut& c) { return n < c.number; });
    return cut == cuts_.end() ? ~std::uint32_t{0} : cut->kept;
  }

private:
  struct Cut {
    std::uint64_t number;
    std::uint32_t kept;
  };
  std::vector<Cut> cuts_; // both go up, so there are at most as many as frames
};

} // namespace analyze
