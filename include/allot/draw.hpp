// draw: a picture of a strategy's memory as it is now, like that in its header, to scale.
//
//   std::cout << allot::draw(arena);                    // as wide as COLUMNS says, or 80
//   std::cout << allot::draw(arena, {.width = 60});
//   file << allot::draw(arena).svg();
//
//   arena "request": 160 of 512 bytes used, 352 left, peak 160
//     |####///## 96 B ##+............... 352 B ................|
//                    ^ checkpoint 0: 128
//                       ^ peak: 160
//     # used  . free  / skipped to align  + partly used
//
// For looking at a program that runs: in its log, or in a page. Every strategy can be drawn, also
// when it is released or moved from, and so can what stands on one (Resource, Allocator) and the
// resources of allot::pmr; docs/pictures.md shows each. Nothing is recorded for it: hot paths cost
// what they cost without it, and what was allocated side by side is not told apart.
//
// A picture is of when it is made, which takes time and heap memory: O(blocks) for pools, O(arenas)
// and what was skipped for those that bump, O(slabs) for a Multipool. Nobody may use the strategy
// meanwhile, to draw it neither.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/draw/picture.hpp>
#include <allot/draw/sketch.hpp>

#include <cstddef>
#include <iosfwd>
#include <string>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

struct DrawOptions {
  std::size_t width = 0; ///< columns of text, 40 at the least; 0: what COLUMNS says, or 80
};

/// What `draw` gives: a picture of then, as text or as SVG.
class Drawing {
public:
  Drawing(Picture picture, DrawOptions options) : picture_(std::move(picture)), options_(options) {}
  /// Lines of ASCII but for names, each of them ended.
  [[nodiscard]] std::string text() const;
  /// One <svg> element, which can stand alone or in a page.
  [[nodiscard]] std::string svg() const;
  [[nodiscard]] const Picture& picture() const& noexcept { return picture_; }
  [[nodiscard]] Picture picture() && noexcept { return std::move(picture_); }

private:
  Picture picture_;
  DrawOptions options_;
};

/// The text. Include <ostream>.
std::ostream& operator<<(std::ostream& out, const Drawing& drawing);

/// A picture of a strategy, of what stands on one, or of a resource of allot::pmr, as it is now.
template <class S>
  requires requires(const S& s) { Sketch::of(s); }
[[nodiscard]] Drawing draw(const S& strategy, DrawOptions options = {}) {
  return {Sketch::of(strategy), options};
}

} // namespace ALLOT_ABI
} // namespace allot

#endif
