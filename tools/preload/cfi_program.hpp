// The programs of call frame information: what a common information entry (CIE) says for all of its
// functions, and the row of registers that a function's own instructions lead to.
#pragma once

#include "cfi_reader.hpp"

#include <cstdint>

namespace preload {

inline constexpr std::uint64_t rbp = 6, rsp = 7, return_address = 16; // DWARF's numbers

/// Where a register of the caller is.
struct Place {
  enum Kind : std::uint8_t { same, at_offset, pointed, undefined, other } kind = same;
  std::int64_t offset = 0;
};

struct Row {
  enum Kind : std::uint8_t { register_offset, through_rbp, other } cfa = other;
  std::uint64_t base = 0;
  std::int64_t offset = 0;
  Place saved_bp;
  Place saved_ip;
};

struct Cie {
  std::uint64_t code_unit = 1;
  std::int64_t data_unit = 1;
  std::uint8_t form = 0; // of addresses
  bool augmented = false;
  bool signal = false;
  const std::uint8_t* begin = nullptr; // instructions
  const std::uint8_t* end = nullptr;
};

/// False: it says something that is not understood.
bool read_cie(const std::uint8_t* record, Cie& cie);

/// Runs the instructions from `begin` to `end` of a function that starts at `start`. `row` is then
/// the one that holds at `target`. False: something in it is not understood.
bool run(const Cie& cie, std::uint64_t start, std::uint64_t target, const std::uint8_t* begin,
         const std::uint8_t* end, Row& row);

} // namespace preload
