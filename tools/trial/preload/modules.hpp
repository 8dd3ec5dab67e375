// Which modules of a plan are loaded, and where.
#pragma once

#include <cstdint>

#include "../segment.hpp"

namespace trial {

class Modules {
public:
  /// Looks at those that are loaded, if any have come or gone since, and tells in `seen` which of
  /// the plan's they are. True if where those are has changed. Allocates nothing.
  bool look(const Header& plan, Seen& seen);

  /// By module of the plan: what its addresses are beyond the file's, plus 1; 0: it isn't loaded.
  const std::uint64_t* biases() const { return biases_; }

private:
  std::uint64_t biases_[max_modules]{};
  unsigned long long adds_ = 0; // of modules, ever
  unsigned long long subs_ = 0;
};

} // namespace trial
