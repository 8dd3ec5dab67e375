#include <allot/detail/free_bitmap.hpp>

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

std::size_t FreeBitmap::bytes(std::size_t count) noexcept {
  std::size_t words = 0;
  do {
    count = divide_up(count, word_bits);
    words += count;
  } while (count > word_bits);
  return words * sizeof(Word); // about an eighth of `count`
}

// The levels lie one behind the other, the leaves first.
FreeBitmap::FreeBitmap(std::byte* memory, std::size_t count) noexcept
    : leaves_(::new(memory) Word[bytes(count) / sizeof(Word)]), top_(leaves_), count_(count),
      ready_(count) {
  for (; words_of(levels_above_) > word_bits; ++levels_above_)
    top_ += words_of(levels_above_);
  if (top_ != leaves_)
    lanes_ = leaves_ + words_of(0);
  slow_walk_ = levels_above_ > 1;
}

std::size_t FreeBitmap::words_of(std::size_t level) const noexcept {
  const std::size_t shift = (level + 1) * bits_of_position;
  return (count_ + ((std::size_t{1} << shift) - 1)) >> shift;
}

void FreeBitmap::reset() noexcept {
  root_ = slow_root_ = 0;
  limit_ = slow_limit_ = prefix_ = prefix_end_ = fresh_ = 0;
  counting_ = false;
  slow_walk_ = levels_above_ > 1;
}

void FreeBitmap::set_tree(std::size_t limit, Word root) noexcept {
  root_ = slow_walk_ ? 0 : root;
  slow_root_ = slow_walk_ ? root : 0;
  limit_ = slow_walk_ ? 0 : limit;
  slow_limit_ = slow_walk_ ? limit : 0;
}

void FreeBitmap::set_counting(bool counting) noexcept {
  counting_ = counting;
  slow_walk_ = counting || levels_above_ > 1;
  set_tree(tree_limit(), root_ | slow_root_);
}

// The first that it can of: from a slow tree, from tree to prefix, from there to a fresh number.
std::size_t FreeBitmap::find() noexcept {
  if (slow_root_ != 0)
    return has_four_levels() && !counting_ ? take_of_four_levels() : take_by_loop();
  if (tree_limit() != 0) { // all below it are in use
    prefix_ = tree_limit();
    prefix_end_ = fresh_;
    set_tree(0, 0);
  }
  if (prefix_ != prefix_end_)
    return prefix_++;
  if (fresh_ == ready_)
    return none;
  make_words(fresh_);
  prefix_ = prefix_end_ = ++fresh_;
  return prefix_ - 1;
}

// Those that begin with this number.
void FreeBitmap::make_words(std::size_t number) noexcept {
  Word* words = leaves_;
  for (std::size_t level = 0; number % word_bits == 0; ++level) {
    number /= word_bits;
    words[number] = 0;
    if (words == top_)
      return;
    words += words_of(level);
  }
}

// Not the newest of a prefix, and of no tree that put_back walks.
bool FreeBitmap::put_back_slow(std::size_t number) noexcept {
  if (number < slow_limit_ && has_four_levels() && !counting_)
    return put_back_in_four_levels(number);
  return put_back_by_loop(number);
}

bool FreeBitmap::put_back_by_loop(std::size_t number) noexcept {
  if (number >= tree_limit()) {
    if (number >= prefix_)
      return false;
    end_prefix();
  }
  const std::size_t leaf = number / word_bits;
  const Word word = leaves_[leaf];
  if (is_free(word, number))
    return false;
  leaves_[leaf] = word | bit_of(number);
  mark(leaf);
  if (counting_)
    --used_;
  return true;
}

// Numbers below the newest may be free from now on. The tree has what is left of the newest's leaf,
// too, so that the states do not change with every call.
void FreeBitmap::end_prefix() noexcept {
  const std::size_t used = std::exchange(prefix_, 0);
  prefix_end_ = 0;
  const std::size_t leaf = (used - 1) / word_bits;
  const std::size_t end = (leaf + 1) * word_bits;
  const std::size_t limit = std::min(end, fresh_);
  set_tree(limit, 0);
  if (used != limit) {
    leaves_[leaf] = (~Word{0} << used % word_bits) & (~Word{0} >> (end - limit));
    mark(leaf);
  }
}

// In the leaf something is free.
void FreeBitmap::mark(std::size_t leaf) noexcept {
  std::size_t position = leaf;
  if (lanes_ != nullptr) {
    position = leaf / word_bits;
    lanes_[position] |= bit_of(leaf);
    Word* words = lanes_;
    for (std::size_t level = 1; words != top_; ++level) {
      words = level + 1 == levels_above_ ? top_ : words + words_of(level);
      words[position / word_bits] |= bit_of(position);
      position /= word_bits;
    }
  }
  (slow_walk_ ? slow_root_ : root_) |= bit_of(position);
}

// In the lane nothing is free.
void FreeBitmap::unmark(std::size_t lane) noexcept {
  Word* words = lanes_;
  for (std::size_t level = 1; words != top_; ++level) {
    words = level + 1 == levels_above_ ? top_ : words + words_of(level);
    lane /= word_bits;
    words[lane] = without_lowest(words[lane]);
    if (words[lane] != 0)
      return;
  }
  slow_root_ = without_lowest(slow_root_);
}

// As with three levels, but out of line. All is in sight, for it takes half as long again by loops.
std::size_t FreeBitmap::take_of_four_levels() noexcept {
  const std::size_t group = lowest(slow_root_);
  const Word lanes = top_[group];
  const std::size_t lane = group * word_bits + lowest(lanes);
  const Word leaves = lanes_[lane];
  const std::size_t leaf = lane * word_bits + lowest(leaves);
  const Word word = leaves_[leaf];
  leaves_[leaf] = without_lowest(word);
  if (without_lowest(word) == 0) {
    lanes_[lane] = without_lowest(leaves);
    if (without_lowest(leaves) == 0) {
      top_[group] = without_lowest(lanes);
      if (without_lowest(lanes) == 0)
        slow_root_ = without_lowest(slow_root_);
    }
  }
  return leaf * word_bits + lowest(word);
}

bool FreeBitmap::put_back_in_four_levels(std::size_t number) noexcept {
  const std::size_t leaf = number / word_bits;
  const std::size_t lane = leaf / word_bits;
  const std::size_t group = lane / word_bits;
  const Word word = leaves_[leaf];
  if (is_free(word, number)) [[unlikely]]
    return false;
  leaves_[leaf] = word | bit_of(number);
  lanes_[lane] |= bit_of(leaf);
  top_[group] |= bit_of(lane);
  slow_root_ |= bit_of(group);
  return true;
}

// Of a tree with any number of levels: down to the lowest number, and up again as far as words
// become zero.
std::size_t FreeBitmap::take_by_loop() noexcept {
  std::size_t leaf = lowest(slow_root_);
  if (lanes_ != nullptr) {
    std::size_t lane = leaf;
    const Word* words = top_;
    for (std::size_t level = levels_above_; words != lanes_; --level) {
      lane = lane * word_bits + lowest(words[lane]);
      words = level == 2 ? lanes_ : words - words_of(level - 1);
    }
    leaf = lane * word_bits + lowest(lanes_[lane]);
  }
  const Word word = leaves_[leaf];
  const std::size_t number = leaf * word_bits + lowest(word);
  leaves_[leaf] = without_lowest(word);
  if (leaves_[leaf] == 0) {
    if (lanes_ == nullptr) {
      slow_root_ = without_lowest(slow_root_);
    } else {
      Word& lane = lanes_[leaf / word_bits];
      lane = without_lowest(lane);
      if (lane == 0)
        unmark(leaf / word_bits);
    }
  }
  if (counting_) {
    peak_ = std::max(peak_, ++used_);
    if (slow_root_ == 0) // all below fresh_ are in use, and no more ever were
      set_counting(false);
  }
  return number;
}

std::size_t FreeBitmap::next_in_use(std::size_t number) const noexcept {
  if (number < prefix_)
    return number;
  while (number < tree_limit()) {
    const Word used = ~leaves_[number / word_bits] >> (number % word_bits);
    if (used != 0) {
      number += lowest(used);
      return number < tree_limit() ? number : none;
    }
    number = (number / word_bits + 1) * word_bits;
  }
  return none;
}

std::size_t FreeBitmap::used() const noexcept {
  std::size_t free = 0;
  if (!is_prefix())
    for (std::size_t leaf = 0; leaf != divide_up(tree_limit(), word_bits); ++leaf)
      free += static_cast<std::size_t>(std::popcount(leaves_[leaf]));
  return limit() - free;
}

// In a tree with holes only counting can tell how many are in use.
void FreeBitmap::reset_peak() noexcept {
  fresh_ = limit();
  if (tree_limit() == 0)
    prefix_end_ = fresh_;
  if (is_prefix())
    return;
  used_ = peak_ = used();
  set_counting(true);
}

} // namespace ALLOT_ABI
} // namespace allot
