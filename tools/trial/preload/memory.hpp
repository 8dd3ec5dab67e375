// Where allot's strategies get their memory: one range of addresses for all, so that whether a
// block is one of theirs is a compare, and whose it is a shift.
//
//   | span of instance 0 | span of instance 1 | ...
#pragma once

#include <cstddef>
#include <cstdint>

namespace trial {

constexpr unsigned span_bits = 33; ///< of the bytes of addresses that an instance has
constexpr std::size_t span_bytes = std::size_t{1} << span_bits;

/// The range; until it is reserved it has no address.
struct Range {
  std::uintptr_t begin = 0;
  std::size_t bytes = 0;

  /// Reserves as many spans as the system lets it, up to `most`. Returns how many, 0 for none.
  std::uint32_t reserve(std::uint32_t most);
  bool has(const void* p) const { return reinterpret_cast<std::uintptr_t>(p) - begin < bytes; }
  std::uint32_t span_of(const void* p) const {
    return static_cast<std::uint32_t>((reinterpret_cast<std::uintptr_t>(p) - begin) >> span_bits);
  }
  std::byte* span(std::uint32_t i) const {
    return reinterpret_cast<std::byte*>(begin) + (std::size_t{i} << span_bits); // NOLINT
  }
};

/// An upstream of allot's: serves from one span, and takes back. What is given back is served
/// again, the lowest that is large enough; whole pages go back to the system where malloc would do
/// so.
class Span {
public:
  Span() = default;
  Span(std::byte* begin, std::size_t bytes) : top_(begin), end_(begin + bytes) {}

  /// O(blocks given back). Null without room.
  void* allocate(std::size_t bytes, std::size_t alignment);
  void deallocate(void* p, std::size_t bytes, std::size_t alignment);

private:
  // In a block that was given back; in order of their addresses, and never side by side.
  struct Free {
    Free* next;
    std::size_t bytes;
    std::byte* end() { return reinterpret_cast<std::byte*>(this) + bytes; }
  };
  static constexpr std::size_t unit = 64; // of sizes and alignments
  static constexpr std::size_t page = 4096;
  static constexpr std::size_t trimmed = std::size_t{128} << 10; // from that on, as glibc's malloc

  static std::size_t rounded(std::size_t bytes) { return (bytes + unit - 1) & ~(unit - 1); }
  static void trim(std::byte* begin, std::byte* end);

  std::byte* top_ = nullptr; // nothing above was ever served, or all was given back
  std::byte* end_ = nullptr;
  Free* free_ = nullptr;
};

} // namespace trial
