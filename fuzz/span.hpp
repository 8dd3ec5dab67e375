// The model of what is handed out from the front of a range: a few numbers, and the allocations.
#pragma once

#include "model.hpp"

#include <allot/detail/record_stack.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace model {

using allot::Errc;

/// All in bytes accounted for, of which each takes `scale` bytes of address.
struct Span {
  /// Bytes that were skipped for the allocation at an offset, and that go with it.
  struct Skip {
    std::size_t offset, bytes;
  };

  std::byte* base = nullptr;
  std::size_t size = 0;
  std::size_t scale = 1;
  std::size_t used = 0;
  std::byte* fresh = base;   ///< from here on nothing was handed out since the last reset
  std::size_t far_end = 0;   ///< bytes there that records have
  std::vector<Skip> skips{}; ///< by offset

  [[nodiscard]] std::byte* at(std::size_t offset) const { return base + offset * scale; }
  [[nodiscard]] std::byte* head() const { return at(used); }
  [[nodiscard]] std::byte* end() const { return at(size - far_end); }
  [[nodiscard]] std::size_t available() const { return size - far_end - used; }
  [[nodiscard]] std::size_t offset(const std::byte* p) const {
    return static_cast<std::size_t>(p - base) / scale;
  }
  [[nodiscard]] bool contains(const std::byte* p) const {
    return base <= p && p < base + size * scale;
  }
  [[nodiscard]] bool overlaps(const Span& other) const {
    return base < other.at(other.size) && other.base < at(size);
  }
  [[nodiscard]] std::size_t skip(std::size_t alignment) const {
    const std::size_t address = reinterpret_cast<std::uintptr_t>(base) / scale + used;
    return (0 - address) & (std::max(alignment, allot::granule) - 1);
  }
  [[nodiscard]] bool fits(std::size_t bytes, std::size_t alignment) const {
    return skip(alignment) <= available() && bytes <= available() - skip(alignment);
  }
  std::byte* take(std::size_t bytes, std::size_t alignment) {
    const std::size_t skipped = skip(alignment);
    used += skipped;
    if (skipped != 0)
      skips.push_back({used, skipped});
    std::byte* const p = head();
    used += allot::round_up(bytes);
    return p;
  }
  [[nodiscard]] bool is_newest(const Piece& piece) const {
    return contains(piece.p) && offset(piece.p) + allot::round_up(piece.bytes) == used;
  }
  [[nodiscard]] bool can_hold(const std::byte* p, std::size_t bytes) const {
    return bytes <= size - far_end - offset(p);
  }
  /// The newest is `bytes` long now; with its last byte what was skipped for it is free.
  void resize_newest(const Piece& piece, std::size_t bytes) {
    used = offset(piece.p) + allot::round_up(bytes);
    if (bytes == 0 && !skips.empty() && skips.back().offset == used) {
      used -= skips.back().bytes;
      skips.pop_back();
    }
  }
  void back_to(std::size_t to) {
    used = to;
    while (!skips.empty() && skips.back().offset >= to)
      skips.pop_back();
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
  /// What `p` has got after a restore: one that grew since has its old size again.
  void cut(Piece& piece) const {
    piece.bytes = piece.p >= head() ? 0 : std::min(piece.bytes, used - offset(piece.p));
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
  /// The newest that is not gone.
  Piece* newest() {
    const auto found =
        std::find_if(all.rbegin(), all.rend(), [](const Piece& piece) { return piece.bytes != 0; });
    return found == all.rend() ? nullptr : &*found;
  }
  /// Of all but the first `from`.
  void check_contents(std::size_t from = 0) const {
    for (std::size_t i = from; i < all.size(); ++i)
      check(all[i].intact(), "contents kept");
  }
};

/// How many bytes at the far end `records` take, all of them if they are more than a few, beyond
/// those that were set aside.
inline std::size_t bytes_at_end(std::size_t records, std::size_t set_aside, std::size_t each) {
  const auto outside = [](std::size_t n) { return n > allot::few_records ? n : 0; };
  const std::size_t aside = outside(set_aside);
  return (std::max(outside(records), aside) - aside) * each;
}

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
  std::size_t marks = 0;        ///< checkpoints that room was set aside for
  std::size_t record_bytes = 0; ///< of each further one, at the far end; 0: it lies elsewhere

  [[nodiscard]] std::size_t used() const { return span.used; }
  [[nodiscard]] std::size_t capacity() const { return span.size; }
  [[nodiscard]] std::size_t available() const { return span.available(); }

  /// Why a request must be refused, if it must.
  [[nodiscard]] std::optional<Errc> refusal(std::size_t bytes, std::size_t alignment) const {
    if (!allot::is_power_of_two(alignment))
      return Errc::bad_alignment;
    if (bytes == 0 || span.fits(bytes, alignment))
      return std::nullopt;
    return Errc::no_room;
  }
  /// A request for `bytes`, not 0, was served with `p`.
  void served(void* p, std::size_t bytes, std::size_t alignment) {
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
    return span.can_hold(piece.p, bytes);
  }
  void resized(Piece& piece, std::size_t bytes) {
    if (span.is_newest(piece))
      span.resize_newest(piece, bytes);
    peak = std::max(peak, span.used);
    span.hand_out(piece.p, bytes, zero);
    piece.bytes = bytes;
  }

  [[nodiscard]] Position position() const { return {span.used, pieces.all.size()}; }
  void rewind(const Position& to) {
    pieces.all.resize(to.pieces);
    span.back_to(to.used);
    for (Piece& piece : pieces.all)
      span.cut(piece);
  }
  void lower(Position& position) const { position.used = std::min(position.used, span.used); }
  void reset() {
    rewind({0, 0});
    span.fresh = span.base;
  }
  /// What was used and taken back is zero again.
  void reset_peak() {
    peak = used();
    span.fresh = std::min(span.fresh, span.head());
  }

  /// Whether there is room for the records of so many checkpoints; there are so many.
  [[nodiscard]] bool has_room_for(std::size_t checkpoints) const {
    return far_end(checkpoints) <= span.far_end + available();
  }
  void set_checkpoints(std::size_t checkpoints) { span.far_end = far_end(checkpoints); }

private:
  [[nodiscard]] std::size_t far_end(std::size_t checkpoints) const {
    return bytes_at_end(checkpoints, marks, record_bytes);
  }
};

} // namespace model
