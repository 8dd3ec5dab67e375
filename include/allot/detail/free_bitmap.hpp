// FreeBitmap: which of the numbers 0 to n - 1 are free, and the lowest of them first.
//
// BlockPool's Order::first_free. Not for use on its own: numbers, no memory but its bookkeeping.
//
// A 64-ary tree of bits. A 1 is a free number, or, above, a word below that has one:
//
//   root_        0100...                    at most 64 words below
//   level_[1]    ....  0010...  ....        lanes: 64 leaves below each
//   level_[0]    ....  ....  1001... ....   leaves: 64 numbers each
//
// For more than 262,144 numbers there is a level more, and again for each 64 times as many.
//
// The leaf with the lowest free number is held in a member when a number is taken of it, and is all
// zero in the tree. Taking more of it, and putting back what lies in it, leaves the tree alone. It
// is let go when a lower number is put back; batches let it go, too.
//
// Numbers from `limit()` on are all free, and are not in the tree. They are taken when those below
// are all in use: then the tree is all zero, nothing is held, and `newest_` is the last in use. It
// rises with every number that is taken, and falls when they are put back in stack order, down to
// `none`, from where it rises to 0. Putting back any other number ends that state, as does
// put_back_many: `limit_` is the limit then, at the end of a leaf or of all.
//
// The tree has words up to `made_` only, so that construction and reset are O(1). A number is
// taken, put back and looked up in O(log64 n).
#pragma once

#include <allot/base/size.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

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

  /// Whether `take` may be called; else `find` may know more.
  [[nodiscard]] bool at_hand() const noexcept { return newest_ != newest_end_ || leaf_ != 0; }
  /// The lowest free number, no longer free. Something is at hand.
  [[nodiscard, gnu::always_inline]] std::size_t take() noexcept {
    if (newest_ != newest_end_)
      return ++newest_;
    const std::size_t number = leaf_end_ - word_bits + lowest(leaf_);
    leaf_ &= leaf_ - 1;
    return number;
  }
  /// As `take`, but nothing is at hand. `none`: all are in use.
  [[nodiscard, gnu::always_inline]] std::size_t find() noexcept {
    if (root_ == 0) [[unlikely]]
      return find_at_limit();
    const std::size_t leaf = take_lowest_leaf();
    const Word word = std::exchange(level_[0][leaf], 0);
    leaf_ = word & (word - 1);
    leaf_end_ = (leaf + 1) * word_bits;
    return leaf * word_bits + lowest(word);
  }

  /// Frees the last number in use, if that is known to be `number` and all that are lower are in
  /// use. False: `put_back` knows more.
  [[nodiscard, gnu::always_inline]] bool put_back_newest(std::size_t number) noexcept {
    if (number != newest_ || newest_ == none)
      return false;
    --newest_;
    return true;
  }
  /// Frees a number. False: it is not in use.
  [[nodiscard, gnu::always_inline]] bool put_back(std::size_t number) noexcept {
    if (number >= limit_) [[unlikely]]
      return put_back_at_limit(number);
    if (number >= leaf_end_)
      return put_back_in_tree(number);
    if (number >= leaf_end_ - word_bits)
      return put_back_in(leaf_, number);
    return put_back_lower(number);
  }
  /// Takes the lowest free numbers, as many as `numbers` has room for or are free. How many.
  [[nodiscard]] std::size_t take_many(std::span<std::size_t> numbers) noexcept;
  /// Frees numbers up to the first that is not in use. How many.
  [[nodiscard]] std::size_t put_back_many(std::span<const std::size_t> numbers) noexcept;
  /// Frees all numbers.
  void reset() noexcept;

  /// No number from here on is in use.
  [[nodiscard]] std::size_t limit() const noexcept { return std::max(limit_, newest_ + 1); }
  [[nodiscard]] bool in_use(std::size_t number) const noexcept;
  /// How many are in use. O(limit / 64).
  [[nodiscard]] std::size_t used() const noexcept;

private:
  // Where a size is `unsigned long`, another type, so that a store to the tree makes the compiler
  // reload no member but those that are words, too.
  using Word = unsigned long long;
  static constexpr std::size_t word_bits = 64;
  static constexpr std::size_t max_levels = 9; // and the root: 2^60 numbers, of blocks of 8 bytes

  [[nodiscard]] static Word bit_of(std::size_t position) noexcept {
    return Word{1} << (position % word_bits);
  }
  [[nodiscard]] static std::size_t lowest(Word word) noexcept {
    return static_cast<std::size_t>(__builtin_ctzll(word));
  }
  [[nodiscard]] std::size_t find_at_limit() noexcept;
  [[nodiscard]] std::size_t take_of_lanes(std::span<std::size_t> numbers) noexcept;

  [[nodiscard]] static bool put_back_in(Word& leaf, std::size_t number) noexcept {
    const Word word = leaf;
    if ((word >> (number % word_bits) & 1) != 0) [[unlikely]]
      return false;
    leaf = word | bit_of(number);
    return true;
  }
  [[nodiscard, gnu::always_inline]] bool put_back_in_tree(std::size_t number) noexcept {
    const std::size_t leaf = number / word_bits;
    if (!put_back_in(level_[0][leaf], number)) [[unlikely]]
      return false;
    mark(leaf);
    return true;
  }
  [[nodiscard]] bool put_back_lower(std::size_t number) noexcept;
  [[nodiscard]] bool put_back_at_limit(std::size_t number) noexcept;
  void leave_newest() noexcept;
  void let_go() noexcept;

  /// In the leaf something is free.
  void mark(std::size_t leaf) noexcept {
    const std::size_t lane = leaf / word_bits;
    level_[1][lane] |= bit_of(leaf);
    if (levels_ > 2) [[unlikely]]
      return mark_above(lane);
    root_ |= bit_of(lane);
  }
  void mark_above(std::size_t lane) noexcept;
  /// In the lane nothing is free.
  void unmark(std::size_t lane) noexcept;
  [[nodiscard]] std::size_t lowest_lane() const noexcept;
  /// The lowest leaf that is marked, no longer so.
  [[nodiscard]] std::size_t take_lowest_leaf() noexcept {
    if (levels_ > 2) [[unlikely]]
      return take_lowest_leaf_of_many();
    const Word root = root_;
    const std::size_t lane = lowest(root);
    const Word leaves = level_[1][lane];
    const Word others = leaves & (leaves - 1);
    level_[1][lane] = others;
    root_ = root & (root - static_cast<Word>(others == 0)); // no branch: it cannot be foreseen
    return lane * word_bits + lowest(leaves);
  }
  [[nodiscard]] std::size_t take_lowest_leaf_of_many() noexcept;

  Word leaf_ = 0;                 // what is left of the leaf held
  std::size_t newest_ = none;     // the last in use while all below it are
  std::size_t newest_end_ = none; // the last below `made_` while that is so; else none
  std::size_t leaf_end_ = 0;      // behind the leaf held, though nothing is left; else 0
  std::size_t limit_ = 0;         // 0 while `newest_` tells
  std::size_t made_ = 0;          // at the end of a leaf or of all
  Word* level_[max_levels] = {};
  Word root_ = 0;
  std::size_t levels_ = 0; // of the tree, without the root: two, or more
  std::size_t count_ = 0;
};

} // namespace ALLOT_ABI
} // namespace allot
