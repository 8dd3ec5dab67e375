// Which function somebody would change, where blocks are allocated or die.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "../symbols/symbols.hpp"
#include "lifetimes.hpp"
#include "stacks.hpp"

namespace analyze {

/// Whether it passes calls of malloc on, or belongs to a standard library: its caller decides.
/// `file` is that of the source, where it is known: a header's functions may have their short
/// names.
bool passes_on(std::string_view function, std::string_view module, std::string_view file = {});

class Naming {
public:
  Naming(symbols::Symbols& symbols, const Stacks& stacks, const Lifetimes& lifetimes);

  struct Name {
    std::string function;
    std::string module;
    std::string location;
  };

  /// With `main` for what a stripped program's is.
  std::string function(std::uint64_t start);
  /// Whether somebody could change it.
  bool nameable(std::uint64_t function_start);
  /// The function that asks for a site's blocks.
  Name asker(std::uint32_t site);
  /// Whether that function calls malloc or operator new itself, as far as can be seen: not through
  /// an allocator or a container.
  bool asks_itself(std::uint32_t site);
  /// The innermost function, of those that are inlined into one, in which nearly all of what
  /// happens at these addresses happens.
  Name within(std::uint32_t function, const std::map<std::uint64_t, std::uint64_t>& ips);

private:
  std::string module(std::uint64_t address) const;

  symbols::Symbols& symbols_;
  const Stacks& stacks_;
  std::vector<bool> wrappers_; // by function
  std::uint64_t main_ = 0;     // where it starts
};

} // namespace analyze
