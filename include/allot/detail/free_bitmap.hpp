// FreeBitmap: which of the numbers 0 to n - 1 are free, and the lowest of them first.
//
// BlockPool's Order::first_free. Not for use on its own: numbers, no memory but its bookkeeping.
//
// A 64-ary tree of bits. A 1 is a free number, or, above, a word below that has one:
//
//   root       0100...                     at most 64 words below
//   lanes_     ....  0010...  ....         64 leaves below each; none for 4,096 numbers and fewer
//   leaves_    ....  ....  1001... ....    64 numbers each
//
// For more than 262,144 numbers there is a level more, and again for each 64 times as many.
//
// Stack order needs no tree: what is in use is a prefix of the numbers then. The states are
//
//             in use               the tree             what is not 0
//   prefix    all below prefix_    all zero             prefix_, prefix_end_
//   tree      some below limit_    those free below     limit_, root_ if any is free
//
//   prefix to tree    another number than the newest is put back (put_back_slow)
//   tree to prefix    a number is wanted, and none below limit_ is free (find)
//
// With more levels than three, and while counting_, root_ and limit_ are 0, so that calls go the
// slow way. slow_root_ and slow_limit_ have the values then.
//
// Numbers from fresh_ on were never taken since construction or reset. The first of them is taken
// only when none below is free, so that fresh_ is also the most that were in use. Leaves, and the
// words above them, are made when the first of their numbers is taken, so that construction and
// reset are O(1). A number is taken, put back and looked up in O(log64 n).
#pragma once

#include <allot/base/size.hpp>

#include <cstddef>

namespace allot {
inline namespace ALLOT_ABI {

class FreeBitmap {
public:
  static constexpr std::size_t none = max_size;

  /// The bytes of bookkeeping that `count` numbers need.
  [[nodiscard]] static std::size_t bytes(std::size_t count) noexcept;

  /// No numbers.
  FreeBitmap() = default;
  /// All of 0 to `count` - 1 are free. `memory` is `bytes(count)` bytes, aligned to 8.
  FreeBitmap(std::byte* memory, std::size_t count) noexcept;

  /// The lowest free number, no longer free. False: `find` may know of one.
  [[nodiscard, gnu::always_inline]] bool take(std::size_t& number) noexcept {
    if (root_ != 0) {
      number = lanes_ == nullptr ? take_of_two_levels() : take_of_three_levels();
      return true;
    }
    number = prefix_;
    if (number == prefix_end_) [[unlikely]]
      return false;
    prefix_ = number + 1;
    return true;
  }
  /// The same, when `take` gave none. `none`: all that are ready are in use.
  [[nodiscard]] std::size_t find() noexcept;

  /// Frees a number. False: `put_back_newest` or `put_back_slow` may do it.
  [[nodiscard, gnu::always_inline]] bool put_back(std::size_t number) noexcept {
    return number < limit_ && put_back_in_tree(number);
  }
  /// The same, when `put_back` did not: frees the end of a prefix.
  [[nodiscard, gnu::always_inline]] bool put_back_newest(std::size_t number) noexcept {
    const std::size_t prefix = prefix_;
    if (prefix == 0 || number != prefix - 1) [[unlikely]]
      return false;
    prefix_ = number;
    return true;
  }
  /// The same, when those did not. False: it is not in use.
  [[nodiscard]] bool put_back_slow(std::size_t number) noexcept;
  /// Frees all numbers.
  void reset() noexcept;

  /// Free numbers from here on are not taken: `count` at first.
  [[nodiscard]] std::size_t ready() const noexcept { return ready_; }
  /// Not below what was ever taken.
  void set_ready(std::size_t ready) noexcept { ready_ = ready; }

  /// No number from here on is in use.
  [[nodiscard]] std::size_t limit() const noexcept { return tree_limit() + prefix_; }
  /// Whether all below limit() are in use.
  [[nodiscard]] bool is_prefix() const noexcept { return (root_ | slow_root_) == 0; }
  [[nodiscard]] bool in_use(std::size_t number) const noexcept {
    return number < tree_limit() ? !is_free(leaves_[number / word_bits], number) : number < prefix_;
  }
  /// The lowest number in use that is not below `number`, or `none`.
  [[nodiscard]] std::size_t next_in_use(std::size_t number) const noexcept;
  /// How many are in use. O(limit() / 64), O(1) where they are a prefix.
  [[nodiscard]] std::size_t used() const noexcept;
  /// No more than are in use, but O(1).
  [[nodiscard]] std::size_t least_used() const noexcept { return counting_ ? used_ : prefix_; }
  /// The most that were in use since construction, reset or reset_peak.
  [[nodiscard]] std::size_t peak() const noexcept { return counting_ ? peak_ : fresh_; }
  /// The peak is what is used now. Where that is no prefix, the tree is slow until it is one.
  void reset_peak() noexcept;

private:
  // Where a size is `unsigned long`, another type, so that a store to the tree makes the compiler
  // reload no member but those that are words, too.
  using Word = unsigned long long;
  static constexpr std::size_t word_bits = 64;
  static constexpr std::size_t bits_of_position = 6; // in a word

  [[nodiscard]] static Word bit_of(std::size_t position) noexcept {
    return Word{1} << (position % word_bits);
  }
  [[nodiscard]] static std::size_t lowest(Word word) noexcept {
    return static_cast<std::size_t>(__builtin_ctzll(word));
  }
  [[nodiscard]] static Word without_lowest(Word word) noexcept { return word & (word - 1); }
  [[nodiscard]] static bool is_free(Word leaf, std::size_t number) noexcept {
    return (leaf >> (number % word_bits) & 1) != 0;
  }

  // Whether a word has become zero cannot be foreseen: a conditional move, not a branch.
  [[nodiscard, gnu::always_inline]] std::size_t take_of_two_levels() noexcept {
    const Word root = root_;
    const std::size_t leaf = lowest(root);
    const Word word = leaves_[leaf];
    const Word left = without_lowest(word);
    leaves_[leaf] = left;
    root_ = left != 0 ? root : without_lowest(root);
    return leaf * word_bits + lowest(word);
  }
  [[nodiscard, gnu::always_inline]] std::size_t take_of_three_levels() noexcept {
    const Word root = root_;
    const std::size_t lane = lowest(root);
    const Word leaves = lanes_[lane];
    const std::size_t leaf = lane * word_bits + lowest(leaves);
    const Word word = leaves_[leaf];
    const Word left = without_lowest(word);
    leaves_[leaf] = left;
    if (left == 0) {
      const Word left_of_lane = without_lowest(leaves);
      lanes_[lane] = left_of_lane;
      root_ = left_of_lane != 0 ? root : without_lowest(root);
    }
    return leaf * word_bits + lowest(word);
  }
  [[nodiscard, gnu::always_inline]] bool put_back_in_tree(std::size_t number) noexcept {
    const std::size_t leaf = number / word_bits;
    const Word word = leaves_[leaf];
    if (is_free(word, number)) [[unlikely]]
      return false;
    leaves_[leaf] = word | bit_of(number);
    if (lanes_ == nullptr) {
      root_ |= bit_of(leaf);
    } else {
      lanes_[leaf / word_bits] |= bit_of(leaf);
      root_ |= bit_of(leaf / word_bits);
    }
    return true;
  }

  [[nodiscard]] std::size_t tree_limit() const noexcept { return limit_ + slow_limit_; }
  /// Of the level so many above the leaves.
  [[nodiscard]] std::size_t words_of(std::size_t level) const noexcept;
  void set_tree(std::size_t limit, Word root) noexcept;
  void set_counting(bool counting) noexcept;
  [[nodiscard]] bool has_four_levels() const noexcept { return levels_above_ == 2; }
  [[nodiscard]] std::size_t take_of_four_levels() noexcept;
  [[nodiscard]] bool put_back_in_four_levels(std::size_t number) noexcept;
  [[nodiscard]] std::size_t take_by_loop() noexcept;
  [[nodiscard]] bool put_back_by_loop(std::size_t number) noexcept;
  void mark(std::size_t leaf) noexcept;
  void unmark(std::size_t lane) noexcept;
  void make_words(std::size_t number) noexcept;
  void end_prefix() noexcept;

  Word root_ = 0;
  Word* leaves_ = nullptr;
  Word* lanes_ = nullptr;
  std::size_t limit_ = 0;
  std::size_t prefix_ = 0;
  std::size_t prefix_end_ = 0;   // what it may rise to: fresh_ in the state prefix, else 0
  Word* top_ = nullptr;          // the words below the root
  std::size_t levels_above_ = 0; // the leaves, without the root
  Word slow_root_ = 0;
  std::size_t slow_limit_ = 0;
  std::size_t fresh_ = 0;
  std::size_t count_ = 0;
  std::size_t ready_ = 0;
  std::size_t used_ = 0;   // while counting_
  std::size_t peak_ = 0;   // the same
  bool slow_walk_ = false; // the tree is taken from and put back to by calls
  bool counting_ = false;
};

} // namespace ALLOT_ABI
} // namespace allot
