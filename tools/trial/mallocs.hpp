// Other mallocs that are installed here.
#pragma once

#include <string>
#include <vector>

namespace trial {

struct Malloc {
  std::string name;
  std::string path; ///< of a library that can be preloaded
};

std::vector<Malloc> other_mallocs();

} // namespace trial
