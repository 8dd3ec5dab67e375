// Names of addresses: from debug information, else from symbol tables, else module+0x...
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "../trace/reader.hpp"

namespace symbols {

/// Where an address lies, of a function that may be inlined into the next one.
struct Place {
  std::string function; ///< without parameters
  std::string file;     ///< empty: not known
  unsigned line = 0;    ///< that the address, or the call of what is inlined here, stands on
  std::string defined;  ///< file:line where the function starts; empty: not known
};

/// Finds names for the modules of a trace, as far as their files are still those: a file whose
/// build id is another one is not asked.
class Symbols {
public:
  explicit Symbols(const std::vector<trace::Module>& modules);
  Symbols(Symbols&&) = delete; // NOLINT(performance-noexcept-move-constructor)
  ~Symbols();

  /// Null if it lies in none.
  const trace::Module* module(std::uint64_t address) const;
  /// The name of the function that starts there, without parameters.
  const std::string& function(std::uint64_t start);
  /// What is inlined into what at an address, the innermost first, and the real function last.
  /// Never empty.
  const std::vector<Place>& places(std::uint64_t address);
  /// Paths of modules that have changed since, or are gone.
  const std::vector<std::string>& changed() const { return changed_; }
  /// Whether this build can read symbols at all.
  static bool available();

private:
  struct Files;

  std::string symbol(std::uint64_t address);
  std::string offset(std::uint64_t address) const;

  std::vector<trace::Module> modules_; // by their begin
  std::unique_ptr<Files> files_;
  std::vector<std::string> changed_;
  struct Range {
    std::uint64_t end;
    std::string name;
  };
  std::map<std::uint64_t, Range> ranges_; // of symbols, by where they begin
  std::unordered_map<std::uint64_t, std::string> functions_;
  std::unordered_map<std::uint64_t, std::vector<Place>> places_;
};

/// The last part of a path.
std::string_view file_name(std::string_view path);
/// A symbol as it stands in the source, without parameters and without what a compiler adds to
/// the names of its clones.
std::string readable(const char* symbol);

} // namespace symbols
