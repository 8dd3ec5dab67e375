// Numbers as DWARF writes them, read in place.
#pragma once

#include <cstdint>
#include <cstring>

namespace preload {

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

} // namespace preload
