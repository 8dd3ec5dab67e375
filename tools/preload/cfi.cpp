#include "cfi.hpp"

#include "cfi_program.hpp"

#include <cstddef>

#include <dlfcn.h>

namespace preload {
namespace {

// The FDE of the last function that begins at or before pc, by the binary search table.
const std::uint8_t* find_fde(const std::uint8_t* header, std::uint64_t pc) {
  struct Pair {
    std::int32_t start;
    std::int32_t fde;
  };
  Reader r{header};
  const auto version = r.raw<std::uint8_t>();
  const auto frame_form = r.raw<std::uint8_t>();
  const auto count_form = r.raw<std::uint8_t>();
  const auto table_form = r.raw<std::uint8_t>();
  if (version != 1 || count_form == 0xff || table_form != 0x3b) // relative to the header, 4 bytes
    return nullptr;
  const auto base = reinterpret_cast<std::uint64_t>(header);
  r.encoded(frame_form, base);
  const std::uint64_t count = r.encoded(count_form, base);
  const std::uint8_t* const table = r.at;
  const auto pair = [&](std::uint64_t i) { return Reader{table + i * sizeof(Pair)}.raw<Pair>(); };
  const auto wanted = static_cast<std::int64_t>(pc - base);
  std::uint64_t low = 0;
  std::uint64_t high = count;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (pair(middle).start <= wanted)
      low = middle + 1;
    else
      high = middle;
  }
  return low == 0 ? nullptr : header + pair(low - 1).fde;
}

Rule rule_of(const Row& row, std::uint64_t into, bool signal) {
  Rule rule{.kind = Rule::end, .into = static_cast<std::uint32_t>(into)};
  if (signal) {
    rule.kind = Rule::signal;
    return rule;
  }
  constexpr std::int64_t widest = std::int64_t{1} << 23;
  const std::int64_t words = row.offset / 8;
  if (row.cfa == Row::other || row.offset % 8 != 0 || words >= widest || words < -widest ||
      row.saved_ip.kind != Place::at_offset || row.saved_ip.offset != -8)
    return rule;
  rule.offset = static_cast<std::int32_t>(words);
  switch (row.saved_bp.kind) {
  case Place::same:
    break;
  case Place::pointed:
    rule.saved_bp = Rule::bp_pointed;
    break;
  case Place::at_offset: {
    const std::int64_t below = -row.saved_bp.offset;
    rule.saved_bp = below % 8 == 0 && below > 0 && below / 8 < Rule::bp_pointed
                        ? static_cast<std::uint8_t>(below / 8)
                        : Rule::bp_lost;
    break;
  }
  default:
    rule.saved_bp = Rule::bp_lost;
  }
  if (row.cfa == Row::through_rbp)
    rule.kind = Rule::through;
  else if (row.base == rsp)
    rule.kind = Rule::sp;
  else if (row.base == rbp)
    rule.kind = Rule::bp;
  return rule;
}

} // namespace

Rule learn(std::uint64_t ip, bool exact) {
  const Rule nothing{.kind = Rule::end};
  // A call may be a function's last instruction; the return address is beyond it then.
  const std::uint64_t pc = exact ? ip : ip - 1;
  dl_find_object object;
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  if (_dl_find_object(reinterpret_cast<void*>(pc), &object) != 0 || !object.dlfo_eh_frame)
    return nothing;
  const auto* const header = static_cast<const std::uint8_t*>(object.dlfo_eh_frame);
  const std::uint8_t* const fde = find_fde(header, pc);
  if (!fde)
    return nothing;
  Reader r{fde};
  const auto length = r.raw<std::uint32_t>();
  if (length == 0xffffffff || length == 0)
    return nothing;
  const std::uint8_t* const end = r.at + length;
  const std::uint8_t* const to_cie = r.at;
  const auto distance = r.raw<std::uint32_t>();
  Cie cie;
  if (distance == 0 || !read_cie(to_cie - distance, cie))
    return nothing;
  const std::uint64_t start = r.encoded(cie.form);
  const std::uint64_t bytes = r.encoded(cie.form & 0x0f);
  if (pc < start || pc - start >= bytes || ip - start >= std::uint64_t{1} << 29)
    return nothing;
  if (cie.augmented) {
    const std::uint64_t skipped = r.uleb();
    r.at += skipped;
  }
  Row row;
  if (!run(cie, start, pc, r.at, end, row))
    row.cfa = Row::other;
  return rule_of(row, ip - start, cie.signal);
}

} // namespace preload
