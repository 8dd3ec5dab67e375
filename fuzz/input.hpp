// What a driver does, read from a string of bytes, so that libFuzzer or a random generator can
// write it. Past its end the string reads as zero.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace model {

class Input {
public:
  Input(const std::uint8_t* bytes, std::size_t count) : at_(bytes), end_(bytes + count) {}

  [[nodiscard]] bool empty() const { return at_ == end_; }
  std::size_t byte() { return at_ == end_ ? 0 : *at_++; }
  /// `n` is 1 to 65536.
  std::size_t below(std::size_t n) {
    const std::size_t low = byte();
    return (n <= 256 ? low : low * 256 + byte()) % n;
  }
  bool one_in(std::size_t n) { return below(n) == 0; }

  /// Mostly small; sometimes around a power of two; sometimes what no strategy can serve, and what
  /// wraps where arithmetic is careless.
  std::size_t size() {
    const std::size_t kind = byte();
    if (kind < 208)
      return kind % 72;
    if (kind < 236)
      return around(std::size_t{1} << below(17));
    if (kind < 248)
      return below(4096);
    return unservable();
  }
  std::size_t unservable() {
    switch (below(4)) {
    case 0:
      return SIZE_MAX - below(80);
    case 1:
      return SIZE_MAX - (std::size_t{1} << below(bits));
    case 2:
      return around(PTRDIFF_MAX);
    default:
      return around(std::size_t{1} << (bits - top_bits + below(top_bits)));
    }
  }
  /// A power of two, mostly; else anything.
  std::size_t alignment() {
    const std::size_t kind = byte();
    if (kind < 64)
      return 8;
    if (kind < 224)
      return std::size_t{1} << kind % 9;
    if (kind < 244)
      return std::size_t{1} << below(bits);
    return kind < 252 ? below(100) : unservable();
  }

private:
  static constexpr std::size_t bits = std::numeric_limits<std::size_t>::digits;
  // How many of a size's bits no address has. Wine would keep notes of 2^47 bytes.
#ifdef _WIN32
  static constexpr std::size_t top_bits = 16;
#else
  static constexpr std::size_t top_bits = bits == 64 ? 24 : 2;
#endif
  std::size_t around(std::size_t n) { return n + below(3) - 1; }

  const std::uint8_t* at_;
  const std::uint8_t* end_;
};

} // namespace model
