// Where blocks come from, as somebody would say it: the functions and lines that ask for them, and
// the advice that they belong to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "../advise/advice.hpp"
#include "../analyze/naming.hpp"

namespace report {

constexpr int none = -1;

/// All sites of one function and line, and of one entry of the advice.
struct Place {
  analyze::Naming::Name name;
  int entry = none;
  std::uint64_t calls = 0;
  std::uint64_t bytes = 0;
  std::uint64_t min_size = ~std::uint64_t{0};
  std::uint64_t max_size = 0;
  std::uint64_t most_live_bytes = 0; ///< sum of its sites' own
  std::uint64_t deaths = 0;
  std::uint64_t ages = 0; ///< sum, in events
  std::uint64_t moves = 0;
  std::uint64_t growths = 0;
  std::uint64_t foreign = 0;
  std::uint64_t escapes = 0; ///< calls whose block outlives the entry's function
  std::uint64_t threads = 0; ///< bits

  void add(const analyze::Lives& lives);
};

class Places {
public:
  /// Holds the `most` largest, the largest first: by calls, by bytes or by what lives at once.
  Places(const advise::Inputs& inputs, const advise::Advice& advice, analyze::Naming& naming,
         std::size_t most);

  const std::vector<Place>& largest() const { return largest_; }
  const Place& rest() const { return rest_; } ///< the sums of the others
  std::size_t others() const { return others_; }
  std::size_t entries() const { return entries_; }
  /// An index in the largest, or none.
  int place_of(std::uint32_t site) const { return place_of_[site]; }
  int entry_of(std::uint32_t site) const { return entry_of_[site]; }

private:
  std::vector<Place> largest_;
  Place rest_;
  std::size_t others_ = 0;
  std::size_t entries_;
  std::vector<int> place_of_;
  std::vector<int> entry_of_;
};

} // namespace report
