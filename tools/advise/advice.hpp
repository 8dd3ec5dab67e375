// What would help a program, of what is known about its blocks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../analyze/lifetimes.hpp"
#include "../analyze/stacks.hpp"
#include "../symbols/symbols.hpp"
#include "../trace/reader.hpp"

namespace advise {

enum class Kind : std::uint8_t { region, pool, object_pool, stack, reserve, other_malloc, leave };

const char* name_of(Kind kind);

struct Entry {
  Kind kind = Kind::leave;
  std::string function; ///< where to do it
  std::string module;   ///< path
  std::string location; ///< file:line; empty: not known
  std::uint64_t calls = 0;
  std::uint64_t bytes = 0;
  std::uint64_t epochs = 0;       ///< of a scope
  std::uint64_t max_bytes = 0;    ///< of a scope: most of one epoch
  std::uint64_t max_live = 0;     ///< most that lives at once
  std::uint64_t block_bytes = 0;  ///< of a pool
  std::uint64_t most_blocks = 0;  ///< of a pool: live at once
  bool is_c = false;              ///< neither the function nor its calls look like C++
  bool has_place = true;          ///< of a scope: its epochs begin and end at one place
  std::uint64_t escapes = 0;      ///< calls whose block outlives the scope
  unsigned threads = 0;           ///< that allocate or free there; 64 stands for that many and more
  std::vector<std::string> sites; ///< the largest places that allocate
  std::size_t more_sites = 0;     ///< beside those
  std::vector<std::uint32_t> site_numbers;
  int route = -1;                   ///< in the plan, once that is written; -1: none
  std::uint32_t maker = 0;          ///< the site whose function it is about; 0: the largest
  std::uint32_t scope_function = 0; ///< index in the stacks; 0: none
};

struct Advice {
  std::string program;
  std::uint64_t calls = 0;
  std::uint64_t bytes = 0;
  double processor_seconds = 0; ///< 0: not known
  double pair_ns = 0;           ///< of malloc and free on this machine
  std::vector<Entry> entries;   ///< best first; one that says leave, if nothing is worth doing

  double calls_per_second() const {
    return processor_seconds > 0 ? static_cast<double>(calls) / processor_seconds : 0;
  }
  /// An estimate of the share of the processor time that malloc and free take, from above where the
  /// heap is in good order: calls times what a pair costs on this machine. In a heap that is in
  /// pieces a pair costs more.
  double at_most() const;
  double share(std::uint64_t n) const {
    return calls == 0 ? 0 : static_cast<double>(n) / static_cast<double>(calls);
  }
  bool leave() const { return entries.size() == 1 && entries[0].kind == Kind::leave; }
};

struct Inputs {
  const trace::Trace& trace;
  const analyze::Stacks& stacks;
  const analyze::Lifetimes& lifetimes;
  symbols::Symbols& symbols;
};

/// `least` is the share of the processor time that an entry may win at the least. Passes over the
/// trace a few times.
Advice find_advice(const Inputs& inputs, double least);

} // namespace advise
