// The stacks of a trace, folded: of a function that is on a stack more than once, only the
// outermost activation is kept. So recursion of any depth is one path, and "dies inside of F" means
// inside of F's outermost activation.
//
//   stack of the program     main  walk  visit  walk  visit  copy  malloc's caller: copy+0x12
//   its path                 main  walk  visit  copy
//   its site                 that path, and copy+0x12
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "../trace/reader.hpp"

namespace analyze {

/// A frame of a folded stack. Number 0 is what is above all of them.
struct Path {
  std::uint32_t parent;
  std::uint32_t depth;
  std::uint32_t function; ///< index of it
  std::uint64_t ip;       ///< where it stood
};

/// Where blocks are allocated: all contexts that fold into the same path and address.
struct Site {
  std::uint32_t path;
  std::uint32_t function; ///< the innermost one's
  std::uint64_t ip;       ///< a return address in it
};

class Stacks {
public:
  explicit Stacks(std::span<const trace::Context> contexts);

  const std::vector<Path>& paths() const { return paths_; }
  const std::vector<Site>& sites() const { return sites_; }
  const std::vector<std::uint64_t>& functions() const { return functions_; } ///< their starts
  std::uint32_t site_of(std::uint32_t context) const { return folded_[context].site; }
  std::uint32_t path_of(std::uint32_t context) const { return folded_[context].path; }
  std::uint32_t depth(std::uint32_t context) const { return contexts_[context].depth; }

  /// The path of the outermost `kept` frames of a context's stack.
  std::uint32_t folded_path(std::uint32_t context, std::uint32_t kept) const {
    while (contexts_[context].depth > kept)
      context = contexts_[context].parent;
    return folded_[context].path;
  }
  std::uint32_t folded_depth(std::uint32_t context, std::uint32_t kept) const {
    return paths_[folded_path(context, kept)].depth;
  }

private:
  struct Folded {
    std::uint32_t path;
    std::uint32_t site;
  };

  std::span<const trace::Context> contexts_;
  std::vector<Folded> folded_; // by context
  std::vector<Path> paths_;
  std::vector<Site> sites_;
  std::vector<std::uint64_t> functions_;
};

} // namespace analyze
