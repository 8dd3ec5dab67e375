// A picture of memory, before it is text or SVG: strips of segments, all to one scale.
//
//   title
//     label |used    |padding|used  |free              | caption
//                    ^ mark                 ^ mark
//   notes
//
// What a strategy shows becomes a picture in sketch.hpp; text.hpp and svg.hpp draw it.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <cstddef>
#include <string>
#include <vector>

namespace allot {
inline namespace ALLOT_ABI {

/// What a stretch of memory is.
enum class Fill : unsigned char {
  free,    ///< can be handed out
  used,    ///< handed out
  lent,    ///< handed out, to a lease
  padding, ///< skipped for alignment
  hole,    ///< where a constructor failed
  held,    ///< not in use, and kept: spares, available objects, what was committed
  records, ///< the strategy's own
};
inline constexpr std::size_t fills = 7;

struct Segment {
  Fill fill = Fill::free;
  std::size_t bytes = 0;
  std::size_t block = 0; ///< bytes of the blocks that it is cut into, if it is
};

/// A place that can be gone back to, or that was reached.
struct Mark {
  std::size_t offset; ///< bytes from the strip's begin
  std::string text;
};

/// Memory in one piece.
struct Strip {
  std::string label = {};             ///< which one it is
  std::string caption = {};           ///< its figures
  std::vector<Segment> segments = {}; ///< side by side
  std::vector<Mark> marks = {};       ///< the lowest first
  std::size_t unit = 0;               ///< bytes of each block, if it is a number of those: a bitmap
  std::size_t reserved = 0;           ///< bytes of addresses behind it, which are not to scale

  /// Adds to the last segment where that is the same.
  void add(Fill fill, std::size_t bytes, std::size_t block = 0);
  /// Behind those at the same offset.
  void mark(std::size_t offset, std::string text);
  [[nodiscard]] std::size_t bytes() const noexcept;
};

struct Picture {
  std::string title;
  std::vector<Strip> strips;
  std::vector<std::string> notes = {};
};

namespace detail {

/// A part of a strip: what it is, or what most of it is; and whether only a part of it is used.
struct Cell {
  Fill fill = Fill::free;
  bool partly = false;
  bool operator==(const Cell&) const = default;
};
/// A strip, its bytes not 0, in `count` cells of one size.
[[nodiscard]] std::vector<Cell> cells(const Strip& strip, std::size_t count);
/// The same in cells of `step` bytes.
[[nodiscard]] std::vector<Cell> cells_of(const Strip& strip, std::size_t step);

/// How many cells the longest strip has, if it has `most`, and how many another.
[[nodiscard]] std::size_t longest(const Picture& picture) noexcept;
[[nodiscard]] std::size_t to_scale(std::size_t bytes, std::size_t longest,
                                   std::size_t most) noexcept;

/// How a bitmap of `units` lies in rows: units a cell, a power of two, and cells a row.
struct Grid {
  std::size_t units_in_cell;
  std::size_t cells_in_row;
};
[[nodiscard]] Grid grid(std::size_t units, std::size_t most_in_row) noexcept;

/// `free`, and the like.
[[nodiscard]] const char* words(Fill fill) noexcept;

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot

#endif
