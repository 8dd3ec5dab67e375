// What the files of a program's modules say of its addresses. Without libdw: nothing.
#pragma once

#include "symbols.hpp"

struct Dwfl;

namespace symbols {

struct Symbols::Files {
  static const bool available;

  Files();
  Files(Files&&) = delete; // NOLINT(performance-noexcept-move-constructor)
  ~Files();

  /// False if there is no file of that name with that build id.
  bool add(const trace::Module& module);
  void end(); ///< of adding
  /// Empty if it is not known.
  std::string function(std::uint64_t address);
  /// Empty without debug information.
  std::vector<Place> places(std::uint64_t address);

private:
  [[maybe_unused]] Dwfl* dwfl_ = nullptr;
};

} // namespace symbols
