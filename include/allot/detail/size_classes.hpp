// SizeClasses: which sizes are one to a Multipool. Pure integers.
//
// Sizes are rounded up to a multiple of 8 up to 128 bytes, then to one of four to each doubling, up
// to 160 KiB: what is above 32 bytes wastes less than a quarter. What is larger still has no class.
//
//   8 16 24 ... 128 | 160 192 224 256 | ... | 20K 24K 28K 32K | 40K 48K 56K 64K | ... | 160K
//   0  1  2 ...  15 |  16  17  18  19 | ... |  44  45  46  47 |  48  49  50  51 | ... |   56
//
// A slab of 64 KiB would lose more than a quarter to blocks of 24 KiB, and to some of those above:
// these come from runs of slabs.
//
//   | 40K       | 40K       | 40K       |8K|     | 56K            |8K|
//   | slab             | slab             |     | slab              |  one block: a large object
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/size.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

/// The class of the sizes whose last byte is number `last`.
[[nodiscard]] constexpr std::size_t size_class_of_last(std::size_t last) noexcept {
  if (last < 128)
    return last / granule;
  const auto log = static_cast<std::size_t>(std::bit_width(last) - 1);
  return log * 4 - 16 + (last >> (log - 2));
}

/// The same looked up, where most sizes are.
struct SizeClassTable {
  static constexpr std::size_t size = 128;
  std::uint8_t of[size];
};
inline constexpr SizeClassTable size_classes = [] {
  SizeClassTable table{};
  for (std::size_t i = 0; i != SizeClassTable::size; ++i)
    table.of[i] = static_cast<std::uint8_t>(size_class_of_last(i * granule));
  return table;
}();

struct SizeClasses {
  static constexpr std::size_t slab_bytes = 64_KiB;
  static constexpr std::size_t largest = 160_KiB; // in bytes
  static constexpr std::size_t count = 57;
  static constexpr std::size_t large = count; // in place of a class, for all that is above

  /// The class of the smallest size that holds `bytes`; 0 bytes are served as 1 is.
  [[nodiscard]] static constexpr std::size_t of(std::size_t bytes) noexcept {
    const std::size_t last = bytes - (bytes != 0 ? 1 : 0);
    if (last < SizeClassTable::size * granule) [[likely]]
      return size_classes.of[last / granule];
    return last < largest ? size_class_of_last(last) : large;
  }
  /// The same, for a size that is a multiple of `alignment`; `large` where that is none.
  // A multiple of an alignment up to four times as large is a class's size, and the classes above
  // are multiples of the alignment: each is aligned to it where slabs are.
  [[nodiscard]] static constexpr std::size_t of(std::size_t bytes, std::size_t alignment) noexcept {
    if (!is_power_of_two(alignment)) [[unlikely]]
      return large; // where it is refused
    if (alignment <= granule)
      return of(bytes);
    return of(saturating_round_up(bytes + (bytes == 0 ? 1 : 0), alignment));
  }
  /// The bytes of a block of that class.
  [[nodiscard]] static constexpr std::size_t bytes(std::size_t size_class) noexcept {
    if (size_class < 16)
      return (size_class + 1) * granule;
    return (size_class % 4 + 5) << (size_class / 4 + 1);
  }
  /// The slabs of a run that blocks of that class come from: the fewest of which, once it is full,
  /// no more than a quarter is lost, whatever the sizes that were asked for.
  [[nodiscard]] static constexpr std::size_t run(std::size_t size_class) noexcept {
    std::size_t slabs = 1;
    const auto blocks = [&] { return slabs * slab_bytes / bytes(size_class); };
    while (bytes(size_class) >= 24_KiB && // to smaller ones a slab loses less
           4 * blocks() * bytes(size_class - 1) < 3 * slabs * slab_bytes)
      ++slabs;
    return slabs;
  }
  /// Whether what is of that class, or of none, has a run for itself.
  [[nodiscard]] static constexpr bool is_large(std::size_t size_class) noexcept {
    return size_class > of(32_KiB) &&
           (size_class == large || 2 * bytes(size_class) > run(size_class) * slab_bytes);
  }
};

static_assert(SizeClasses::bytes(SizeClasses::count - 1) == SizeClasses::largest);

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot

#endif
