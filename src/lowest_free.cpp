#include <allot/lowest_free.hpp>

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

namespace allot::inline ALLOT_ABI {

ALLOT_INLINE std::size_t LowestFree::bytes(std::size_t count) noexcept {
  std::size_t words = divide_up(count, word_bits);
  std::size_t total = words;
  while (words > word_bits) {
    words = divide_up(words, word_bits);
    total += words;
  }
  return saturating_multiply(total, sizeof(Word));
}

ALLOT_INLINE LowestFree::LowestFree(std::byte* memory, std::size_t count) noexcept : count_(count) {
  std::size_t words = count;
  do {
    words = divide_up(words, word_bits);
    level_[levels_++] = ::new (memory) Word[words];
    memory += words * sizeof(Word);
  } while (words > word_bits);
}

ALLOT_INLINE void LowestFree::reset() noexcept {
  leaf_ = lane_ = root_ = 0;
  first_ = width_ = limit_ = 0;
}

ALLOT_INLINE std::size_t LowestFree::find_in_other_lane() noexcept {
  if (root_ == 0) [[unlikely]]
    return free_more();
  return find_in_lane(hold_lowest_lane());
}

// The words of the tree that begin here have held nothing since construction or reset.
ALLOT_INLINE std::size_t LowestFree::free_more() noexcept {
  if (limit_ == count_)
    return none;
  std::size_t position = limit_ / word_bits;
  for (std::size_t level = 0; level != levels_; ++level, position /= word_bits) {
    level_[level][position] = 0;
    if (position % word_bits != 0)
      break;
  }
  first_ = limit_;
  width_ = std::min(word_bits, count_ - limit_);
  limit_ += width_;
  leaf_ = ~Word{0} >> (word_bits - width_);
  return take();
}

ALLOT_INLINE bool LowestFree::put_back_elsewhere(std::size_t number) noexcept {
  if (!mark(number)) [[unlikely]]
    return false;
  if (number < first_)
    go_back_to(number / word_bits);
  return true;
}

ALLOT_INLINE std::size_t LowestFree::put_back_many(std::span<const std::size_t> numbers) noexcept {
  std::size_t least = first_;
  std::size_t done = 0;
  for (; done != numbers.size(); ++done) {
    const std::size_t number = numbers[done];
    if (!(number - first_ < width_ ? put_back(number) : mark(number))) [[unlikely]]
      break;
    least = std::min(least, number);
  }
  if (least < first_)
    go_back_to(least / word_bits);
  return done;
}

ALLOT_INLINE void LowestFree::go_back_to(std::size_t leaf) noexcept {
  level_[0][first_ / word_bits] = leaf_;
  if (leaf_ != 0)
    lane_ |= bit_of(first_ / word_bits);
  if (leaf / word_bits != lane()) {
    level_[1][lane()] = lane_;
    if (lane_ != 0)
      mark_lane(lane());
    hold_lane(leaf / word_bits);
  }
  lane_ &= ~bit_of(leaf);
  hold(leaf);
}

// As `take` and `find`, with what they change from number to number in registers.
ALLOT_INLINE std::size_t LowestFree::take_many(std::span<std::size_t> numbers) noexcept {
  Word leaf = leaf_;
  Word lane = lane_;
  std::size_t first = first_;
  std::size_t taken = 0;
  for (; taken != numbers.size(); ++taken) {
    if (leaf == 0) {
      std::size_t lane_number = first / (word_bits * word_bits);
      if (lane == 0) {
        if (root_ == 0)
          break;
        lane_number = hold_lowest_lane();
        lane = lane_;
      }
      const std::size_t next = lane_number * word_bits + lowest(lane);
      lane &= lane - 1;
      leaf = std::exchange(level_[0][next], 0);
      first = next * word_bits;
    }
    numbers[taken] = first + lowest(leaf);
    leaf &= leaf - 1;
  }
  leaf_ = leaf;
  lane_ = lane;
  first_ = first;
  width_ = std::min(word_bits, limit_ - first_);
  for (; taken != numbers.size(); ++taken) { // numbers that were never taken
    const std::size_t number = at_hand() ? take() : free_more();
    if (number == none)
      break;
    numbers[taken] = number;
  }
  return taken;
}

ALLOT_INLINE void LowestFree::mark_lane(std::size_t lane) noexcept {
  for (std::size_t level = 2; level < levels_; ++level, lane /= word_bits)
    level_[level][lane / word_bits] |= bit_of(lane);
  root_ |= bit_of(lane);
}

ALLOT_INLINE void LowestFree::unmark_lane(std::size_t lane) noexcept {
  for (std::size_t level = 2; level < levels_; ++level, lane /= word_bits) {
    Word& word = level_[level][lane / word_bits];
    word &= ~bit_of(lane);
    if (word != 0)
      return;
  }
  root_ &= ~bit_of(lane);
}

ALLOT_INLINE bool LowestFree::in_use(std::size_t number) const noexcept {
  if (number >= limit_)
    return false;
  const std::size_t leaf = number / word_bits;
  const Word word = leaf == first_ / word_bits ? leaf_ : level_[0][leaf];
  return (word & bit_of(number)) == 0;
}

ALLOT_INLINE std::size_t LowestFree::used() const noexcept {
  std::size_t free = static_cast<std::size_t>(std::popcount(leaf_));
  for (std::size_t leaf = 0; leaf != divide_up(limit_, word_bits); ++leaf)
    free += static_cast<std::size_t>(std::popcount(level_[0][leaf])); // 0 for the leaf held
  return limit_ - free;
}

} // namespace allot::inline ALLOT_ABI
