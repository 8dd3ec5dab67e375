#include "cfi_program.hpp"

#include <cstring>

namespace preload {

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

namespace {

constexpr std::uint8_t op_breg6 = 0x76, op_deref = 0x06;

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

} // namespace

bool run(const Cie& cie, std::uint64_t start, std::uint64_t target, const std::uint8_t* begin,
         const std::uint8_t* end, Row& row) {
  return Interpreter(cie, start, target).run(begin, end, row);
}

} // namespace preload
