// What the files of a program's modules say of its addresses. Without libdw: nothing.
#pragma once

#include "symbols.hpp"

struct Dwfl;
struct Dwfl_Module;

namespace symbols {

/// What a symbol table says of a function.
struct Symbol {
  std::string name; ///< empty: nothing
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

struct Symbols::Files {
  static const bool available;

  Files();
  Files(Files&&) = delete; // NOLINT(performance-noexcept-move-constructor)
  ~Files();

  /// False if there is no file of that name with that build id.
  bool add(const trace::Module& module);
  void end(); ///< of adding
  /// The one that an address lies in. If there is one, it goes through all of its module's.
  Symbol symbol(std::uint64_t address);
  /// Empty without debug information.
  std::vector<Place> places(std::uint64_t address);

private:
  [[maybe_unused]] Dwfl* dwfl_ = nullptr;
  /// Of modules: where symbols begin, and where these and all before them have ended.
  std::unordered_map<Dwfl_Module*, std::map<std::uint64_t, std::uint64_t>> extents_;
};

} // namespace symbols
