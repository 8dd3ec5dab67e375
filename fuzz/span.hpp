// The model of what is handed out from the front of a range: one number, and the allocations.
#pragma once

#include "model.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace model {

using allot::Errc;

/// All in bytes accounted for, of which each takes `scale` bytes of address.
struct Span {
  std::byte* base = nullptr;
  std::size_t size = 0;
  std::size_t scale = 1;
  std::size_t used = 0;
  std::byte* fresh = base; ///< from here on nothing was handed out since the last reset

  [[nodiscard]] std::byte* at(std::size_t offset) const { return base + offset * scale; }
  [[nodiscard]] std::size_t offset(const std::byte* p) const {
    return static_cast<std::size_t>(p - base) / scale;
  }
  [[nodiscard]] bool contains(const std::byte* p) const {
    return base <= p && p < base + size * scale;
  }
  [[nodiscard]] std::size_t skip(std::size_t alignment) const {
    const std::size_t head = reinterpret_cast<std::uintptr_t>(base) / scale + used;
    return (0 - head) & (std::max(alignment, allot::granule) - 1);
  }
  [[nodiscard]] bool fits(std::size_t bytes, std::size_t alignment) const {
    const std::size_t left = size - used;
    return skip(alignment) <= left && bytes <= left - skip(alignment);
  }
  std::byte* take(std::size_t bytes, std::size_t alignment) {
    used += skip(alignment);
    std::byte* const p = at(used);
    used += allot::round_up(bytes);
    return p;
  }
  [[nodiscard]] bool is_newest(const Piece& piece) const {
    return contains(piece.p) && offset(piece.p) + allot::round_up(piece.bytes) == used;
  }
  /// Checks that what is handed out for the first time is zero.
  void hand_out(std::byte* p, std::size_t bytes, bool zero) {
    std::byte* const first = std::max(p, fresh);
    if (first < p + bytes) {
      if (zero)
        check(holds(first, static_cast<std::size_t>(p + bytes - first), 0), "zero at first");
      fresh = p + bytes;
    }
  }
};

/// What is allocated, oldest first.
class Pieces {
public:
  std::vector<Piece> all;

  /// Any that is not gone, the newest as often as all others; null if there is none.
  Piece* pick(Input& input) {
    if (all.empty())
      return nullptr;
    const std::size_t back = input.one_in(2) ? 0 : input.below(256) % all.size();
    Piece& piece = all[all.size() - 1 - back];
    return piece.bytes == 0 ? nullptr : &piece;
  }
  /// Of all but the first `from`.
  void check_contents(std::size_t from = 0) const {
    for (std::size_t i = from; i < all.size(); ++i)
      check(all[i].intact(), "contents kept");
  }
};

/// Of an Arena, Bump, Scratch or MappedArena.
class CursorModel {
public:
  struct Position {
    std::size_t used, pieces;
    bool operator==(const Position&) const = default;
  };

  CursorModel() = default;
  CursorModel(std::byte* base, std::size_t size, std::size_t scale, bool zeroes)
      : span{base, size, scale}, zero(zeroes) {}

  Span span;
  Pieces pieces;
  std::size_t peak = 0;
  bool zero = true;

  [[nodiscard]] std::size_t used() const { return span.used; }
  [[nodiscard]] std::size_t capacity() const { return span.size; }
  [[nodiscard]] std::size_t available() const { return span.size - span.used; }
  [[nodiscard]] bool owns(const std::byte* p) const {
    return span.contains(p) && p < span.at(span.used);
  }

  /// Why a request must be refused, if it must.
  [[nodiscard]] std::optional<Errc> refusal(std::size_t bytes, std::size_t alignment) const {
    if (!allot::is_power_of_two(alignment))
      return Errc::bad_alignment;
    if (bytes == 0 || span.fits(bytes, alignment))
      return std::nullopt;
    return Errc::no_room;
  }
  /// A request for `bytes`, not 0, was served with `p`. The strategy has `used_now` bytes in use.
  void served(void* p, std::size_t bytes, std::size_t alignment, std::size_t /*used_now*/) {
    check(span.take(bytes, alignment) == p, "the next address");
    peak = std::max(peak, span.used);
  }
  void add(void* p, std::size_t bytes) {
    span.hand_out(static_cast<std::byte*>(p), bytes, zero);
    pieces.all.push_back(new_piece(p, bytes));
  }
  /// `p` holds an object, not zero any more.
  void add_object(void* p, std::size_t bytes) {
    span.hand_out(static_cast<std::byte*>(p), bytes, false);
  }

  [[nodiscard]] bool resizes(const Piece& piece, std::size_t bytes) const {
    if (!span.is_newest(piece))
      return bytes != 0 && bytes <= piece.bytes;
    return bytes <= span.size - span.offset(piece.p);
  }
  void resized(Piece& piece, std::size_t bytes) {
    if (span.is_newest(piece))
      span.used = span.offset(piece.p) + allot::round_up(bytes);
    peak = std::max(peak, span.used);
    span.hand_out(piece.p, bytes, zero);
    piece.bytes = bytes;
  }

  [[nodiscard]] Position position() const { return {span.used, pieces.all.size()}; }
  void rewind(const Position& to) {
    pieces.all.resize(to.pieces);
    span.used = to.used;
    for (Piece& piece : pieces.all) // one that grew since has its old size again
      piece.bytes = piece.p >= span.at(span.used)
                        ? 0
                        : std::min(piece.bytes, span.used - span.offset(piece.p));
  }
  void lower(Position& position) const { position.used = std::min(position.used, span.used); }
  void reset() {
    rewind({0, 0});
    span.fresh = span.base;
  }
};

} // namespace model
