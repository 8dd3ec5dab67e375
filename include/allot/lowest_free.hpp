// LowestFree: which of the numbers 0 to n - 1 are free, and the lowest of them first.
//
// BlockPool's Order::first_free. Not for use on its own: numbers, no memory but its bookkeeping.
//
// A 64-ary tree of bits. A 1 is a free number, or, above, a word below that has one:
//
//   root_        0100...                    64 words below (a level more for each 64 times 262,144)
//   level_[1]    ....  0010...  ....        lanes: 64 leaves below each
//   level_[0]    ....  ....  1001... ....   leaves: 64 numbers each
//
// The leaf with the lowest free number is held in members and is all zero in the tree, and so is
// the rest of its lane: taking and putting back near the last number touches no other memory. What
// is lower than the leaf held is in use; putting back such a number makes its leaf the one held.
// A batch lets the leaf go, works on the tree alone, and holds the lowest then.
//
// Numbers from `limit` on are all free, and are not in the tree. While those below are all in use,
// nothing is held and the tree is all zero: `edge_` is the limit, which rises with every number
// taken, and falls when they are put back in stack order. Any other that is put back, or a batch,
// ends that state; `limit_` is the limit then, at the end of a leaf.
//
// The tree has words up to `made_` only, so that construction and reset are O(1). Everything else
// is O(log64 n).
#pragma once

#include <allot/size.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

namespace allot::inline ALLOT_ABI {

class LowestFree {
public:
  static constexpr std::size_t none = max_size;

  /// The bytes of bookkeeping that `count` numbers need, or max_size if no size holds that.
  [[nodiscard]] static std::size_t bytes(std::size_t count) noexcept;

  /// No numbers.
  LowestFree() = default;
  /// All of 0 to `count` - 1 are free. `memory` is `bytes(count)` bytes, aligned to 8.
  LowestFree(std::byte* memory, std::size_t count) noexcept;

  /// Whether `take` may be called; else `find` may know more.
  [[nodiscard]] bool at_hand() const noexcept { return leaf_ != 0 || edge_ != edge_end_; }
  /// The lowest free number, no longer free.
  [[nodiscard, gnu::always_inline]] std::size_t take() noexcept {
    if (leaf_ == 0)
      return edge_++;
    const std::size_t number = first_ + lowest(leaf_);
    leaf_ &= leaf_ - 1;
    return number;
  }
  /// As `take`, when nothing is at hand. `none`: all are in use.
  [[nodiscard]] std::size_t find() noexcept {
    return lane_ != 0 ? find_in_lane(lane()) : find_in_other_lane();
  }

  /// Frees the number that was taken last, or before those that were put back in this way since, if
  /// all that are lower are in use. False: it is another, which `put_back` may free.
  [[nodiscard, gnu::always_inline]] bool put_back_newest(std::size_t number) noexcept {
    if (number + 1 != edge_ || edge_ == 0)
      return false;
    edge_ = number;
    return true;
  }
  /// Frees a number. False: it is not in use.
  [[nodiscard, gnu::always_inline]] bool put_back(std::size_t number) noexcept {
    const std::size_t place = number - first_;
    if (place >= width_) [[unlikely]]
      return put_back_elsewhere(number);
    const Word bit = Word{1} << place;
    if ((leaf_ & bit) != 0) [[unlikely]]
      return false;
    leaf_ |= bit;
    return true;
  }
  /// Takes the lowest free numbers, as many as `numbers` has room for or are free. How many.
  [[nodiscard]] std::size_t take_many(std::span<std::size_t> numbers) noexcept;
  /// Frees numbers up to the first that is not in use. How many.
  [[nodiscard]] std::size_t put_back_many(std::span<const std::size_t> numbers) noexcept;
  /// Frees all numbers.
  void reset() noexcept;

  /// No number from here on is in use.
  [[nodiscard]] std::size_t limit() const noexcept { return std::max(limit_, edge_); }
  [[nodiscard]] bool in_use(std::size_t number) const noexcept;
  /// How many are in use. O(limit / 64).
  [[nodiscard]] std::size_t used() const noexcept;

private:
  // Where a size is `unsigned long`, another type, so that a store to the tree makes the compiler
  // reload no member but the words.
  using Word = unsigned long long;
  static constexpr std::size_t word_bits = 64;
  static constexpr std::size_t max_levels = 9; // 64^10 blocks are more than a size holds

  [[nodiscard]] static Word bit_of(std::size_t position) noexcept {
    return Word{1} << (position % word_bits);
  }
  [[nodiscard]] static std::size_t lowest(Word word) noexcept {
    return static_cast<std::size_t>(__builtin_ctzll(word));
  }
  [[nodiscard]] std::size_t lane() const noexcept { return first_ / (word_bits * word_bits); }

  /// As `find`, in the lane held.
  [[nodiscard]] std::size_t find_in_lane(std::size_t lane) noexcept {
    hold_lowest_leaf(lane);
    return take();
  }
  [[nodiscard]] std::size_t find_in_other_lane() noexcept;
  [[nodiscard]] std::size_t find_at_edge() noexcept;
  void leave_edge() noexcept;
  [[nodiscard]] std::size_t take_of_lanes(std::span<std::size_t> numbers) noexcept;
  void let_go() noexcept;
  void hold_lowest() noexcept;
  [[nodiscard]] bool put_back_elsewhere(std::size_t number) noexcept;
  void go_back_to(std::size_t leaf) noexcept;
  void hold(std::size_t leaf) noexcept {
    leaf_ = std::exchange(level_[0][leaf], 0);
    first_ = leaf * word_bits;
    width_ = std::min(word_bits, limit_ - first_);
  }
  void hold_lowest_leaf(std::size_t lane) noexcept {
    const std::size_t leaf = lane * word_bits + lowest(lane_);
    lane_ &= lane_ - 1;
    hold(leaf);
  }
  void hold_lane(std::size_t lane) noexcept {
    unmark_lane(lane);
    lane_ = std::exchange(level_[1][lane], 0);
  }
  [[nodiscard]] std::size_t hold_lowest_lane() noexcept {
    std::size_t lane = lowest(root_);
    for (std::size_t level = levels_; level-- > 2;)
      lane = lane * word_bits + lowest(level_[level][lane]);
    hold_lane(lane);
    return lane;
  }
  void mark_lane(std::size_t lane) noexcept;
  void unmark_lane(std::size_t lane) noexcept;

  Word leaf_ = 0;            // the leaf held
  std::size_t edge_ = 0;     // the limit while all below it are in use; else 0
  std::size_t edge_end_ = 0; // how far it may rise: `made_`; else 0
  std::size_t first_ = 0;    // the first number of the leaf held
  std::size_t width_ = 0;    // how many of its numbers are below the limit
  Word lane_ = 0;            // the other leaves of its lane that have a free number
  std::size_t limit_ = 0;    // 0 while `edge_` is the limit
  std::size_t made_ = 0;
  Word* level_[max_levels] = {};
  Word root_ = 0;          // of the lanes but the one held
  std::size_t levels_ = 0; // of the tree, without the root; where there is one, `lane_` is the root
  std::size_t count_ = 0;
};

} // namespace allot::inline ALLOT_ABI

#ifdef ALLOT_HEADER_ONLY
#include <allot/src/lowest_free.cpp>
#endif
