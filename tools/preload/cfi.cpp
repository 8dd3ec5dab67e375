#include "cfi.hpp"

#include <cstddef>
#include <cstring>

#include <dlfcn.h>

namespace preload {
namespace {

constexpr std::uint64_t rbp = 6, rsp = 7, return_address = 16; // DWARF's numbers of registers
constexpr std::uint8_t op_breg6 = 0x76, op_deref = 0x06;

struct Reader {
  const std::uint8_t* at;

  template <class T>
  T raw() {
    T value;
    std::memcpy(&value, at, sizeof value);
    at += sizeof value;
    return value;
  }
  std::uint64_t uleb() {
    unsigned bits = 0;
    return leb(bits);
  }
  std::int64_t sleb() {
    unsigned bits = 0;
    std::uint64_t n = leb(bits);
    if (bits < 64 && (at[-1] & 0x40))
      n |= ~std::uint64_t{0} << bits;
    return static_cast<std::int64_t>(n);
  }
  // The bits of either, and how many there are.
  std::uint64_t leb(unsigned& bits) {
    std::uint64_t n = 0;
    std::uint8_t byte;
    do {
      byte = *at++;
      n |= static_cast<std::uint64_t>(byte & 0x7f) << (bits & 63);
      bits += 7;
    } while (byte & 0x80);
    return n;
  }
  // A number in one of the forms of DW_EH_PE; `base` is what "relative to data" refers to.
  std::uint64_t encoded(std::uint8_t form, std::uint64_t base = 0) {
    const auto here = reinterpret_cast<std::uint64_t>(at);
    std::uint64_t n = 0;
    switch (form & 0x0f) {
    case 0x00:
    case 0x04:
    case 0x0c:
      n = raw<std::uint64_t>();
      break;
    case 0x01:
      n = uleb();
      break;
    case 0x02:
      n = raw<std::uint16_t>();
      break;
    case 0x03:
      n = raw<std::uint32_t>();
      break;
    case 0x09:
      n = static_cast<std::uint64_t>(sleb());
      break;
    case 0x0a:
      n = static_cast<std::uint64_t>(std::int64_t{raw<std::int16_t>()});
      break;
    case 0x0b:
      n = static_cast<std::uint64_t>(std::int64_t{raw<std::int32_t>()});
      break;
    default:
      break;
    }
    if (n != 0 && (form & 0x70) == 0x10)
      n += here;
    if (n != 0 && (form & 0x70) == 0x30)
      n += base;
    return n;
  }
};

// Where a register of the caller is.
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

bool read_cie(const std::uint8_t* record, Cie& cie) {
  Reader r{record};
  const auto length = r.raw<std::uint32_t>();
  if (length == 0xffffffff)
    return false;
  cie.end = r.at + length;
  r.at += 4; // that it is a CIE
  const auto version = r.raw<std::uint8_t>();
  const char* augmentation = reinterpret_cast<const char*>(r.at);
  r.at += std::strlen(augmentation) + 1;
  if (version == 4)
    r.at += 2;
  cie.code_unit = r.uleb();
  cie.data_unit = r.sleb();
  if ((version == 1 ? r.raw<std::uint8_t>() : r.uleb()) != return_address)
    return false;
  cie.begin = r.at;
  if (*augmentation == '\0')
    return true;
  if (*augmentation != 'z')
    return false;
  cie.augmented = true;
  const std::uint64_t bytes = r.uleb();
  cie.begin = r.at + bytes;
  for (++augmentation; *augmentation; ++augmentation)
    switch (*augmentation) {
    case 'R':
      cie.form = r.raw<std::uint8_t>();
      break;
    case 'L':
      ++r.at;
      break;
    case 'P': {
      const auto form = r.raw<std::uint8_t>();
      r.encoded(form);
      break;
    }
    case 'S':
      cie.signal = true;
      break;
    case 'B':
      break;
    default:
      return false;
    }
  return true;
}

class Interpreter {
public:
  Interpreter(const Cie& cie, std::uint64_t start, std::uint64_t target)
      : cie_(cie), location_(start), target_(target) {}

  // The row that holds at the target; false when something in it isn't understood.
  bool run(const std::uint8_t* begin, const std::uint8_t* end, Row& row) {
    if (!apply(cie_.begin, cie_.end, row))
      return false;
    initial_ = row;
    return apply(begin, end, row);
  }

private:
  Place* place(Row& row, std::uint64_t reg) {
    return reg == rbp ? &row.saved_bp : reg == return_address ? &row.saved_ip : nullptr;
  }
  void set(Row& row, std::uint64_t reg, Place to) {
    if (Place* const p = place(row, reg))
      *p = to;
  }
  void restore(Row& row, std::uint64_t reg) {
    if (Place* const p = place(row, reg))
      *p = reg == rbp ? initial_.saved_bp : initial_.saved_ip;
  }
  Place offset(std::int64_t n) const { return {Place::at_offset, n * cie_.data_unit}; }

  bool apply(const std::uint8_t* begin, const std::uint8_t* end, Row& row) {
    Reader r{begin};
    while (r.at < end && location_ <= target_) {
      const auto op = r.raw<std::uint8_t>();
      const std::uint8_t low = op & 0x3f;
      if (op >> 6 == 1) {
        location_ += low * cie_.code_unit;
      } else if (op >> 6 == 2) {
        set(row, low, offset(static_cast<std::int64_t>(r.uleb())));
      } else if (op >> 6 == 3) {
        restore(row, low);
      } else if (!other(op, r, row)) {
        return false;
      }
    }
    return true;
  }

  bool other(std::uint8_t op, Reader& r, Row& row) {
    switch (op) {
    case 0x00:
      return true; // nop
    case 0x01:
      location_ = r.encoded(cie_.form);
      return true;
    case 0x02:
      location_ += r.raw<std::uint8_t>() * cie_.code_unit;
      return true;
    case 0x03:
      location_ += r.raw<std::uint16_t>() * cie_.code_unit;
      return true;
    case 0x04:
      location_ += r.raw<std::uint32_t>() * cie_.code_unit;
      return true;
    case 0x05: { // offset_extended
      const std::uint64_t reg = r.uleb();
      set(row, reg, offset(static_cast<std::int64_t>(r.uleb())));
      return true;
    }
    case 0x06:
      restore(row, r.uleb());
      return true;
    case 0x07:
      set(row, r.uleb(), {Place::undefined});
      return true;
    case 0x08:
      set(row, r.uleb(), {Place::same});
      return true;
    case 0x09: { // register
      set(row, r.uleb(), {Place::other});
      r.uleb();
      return true;
    }
    case 0x0a: // remember_state
      if (remembered_ == sizeof rows_ / sizeof *rows_)
        return false;
      rows_[remembered_++] = row;
      return true;
    case 0x0b: // restore_state
      if (remembered_ == 0)
        return false;
      row = rows_[--remembered_];
      return true;
    case 0x0c: // def_cfa
      row.cfa = Row::register_offset;
      row.base = r.uleb();
      row.offset = static_cast<std::int64_t>(r.uleb());
      return true;
    case 0x0d: // def_cfa_register
      row.cfa = Row::register_offset;
      row.base = r.uleb();
      return true;
    case 0x0e:
      row.offset = static_cast<std::int64_t>(r.uleb());
      return true;
    case 0x0f: { // def_cfa_expression: of a realigned stack, *(rbp + n)
      const std::uint64_t bytes = r.uleb();
      const std::uint8_t* const end = r.at + bytes;
      row.cfa = Row::other;
      if (bytes >= 3 && *r.at++ == op_breg6) {
        row.offset = r.sleb();
        if (r.at + 1 == end && *r.at == op_deref)
          row.cfa = Row::through_rbp;
      }
      r.at = end;
      return true;
    }
    case 0x10: { // expression: of a realigned stack, rbp is saved where rbp points to
      const std::uint64_t reg = r.uleb();
      const std::uint64_t bytes = r.uleb();
      const bool pointed = bytes == 2 && r.at[0] == op_breg6 && r.at[1] == 0;
      set(row, reg, {pointed ? Place::pointed : Place::other});
      r.at += bytes;
      return true;
    }
    case 0x11: { // offset_extended_sf
      const std::uint64_t reg = r.uleb();
      set(row, reg, offset(r.sleb()));
      return true;
    }
    case 0x12: // def_cfa_sf
      row.cfa = Row::register_offset;
      row.base = r.uleb();
      row.offset = r.sleb() * cie_.data_unit;
      return true;
    case 0x13:
      row.offset = r.sleb() * cie_.data_unit;
      return true;
    case 0x14:
    case 0x15: { // val_offset, val_offset_sf
      set(row, r.uleb(), {Place::other});
      r.uleb();
      return true;
    }
    case 0x16: { // val_expression
      set(row, r.uleb(), {Place::other});
      const std::uint64_t bytes = r.uleb();
      r.at += bytes;
      return true;
    }
    case 0x2e:
      r.uleb();
      return true; // GNU_args_size
    default:
      return false;
    }
  }

  const Cie& cie_;
  std::uint64_t location_;
  std::uint64_t target_;
  Row initial_;
  Row rows_[4];
  unsigned remembered_ = 0;
};

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
  if (!Interpreter(cie, start, pc).run(r.at, end, row))
    row.cfa = Row::other;
  return rule_of(row, ip - start, cie.signal);
}

} // namespace preload
