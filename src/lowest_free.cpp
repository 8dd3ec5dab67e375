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
  edge_ = edge_end_ = first_ = width_ = limit_ = made_ = 0;
}

ALLOT_INLINE std::size_t LowestFree::find_in_other_lane() noexcept {
  if (root_ == 0) [[unlikely]]
    return find_at_edge();
  return find_in_lane(hold_lowest_lane());
}

// When all numbers below the limit are in use.
ALLOT_INLINE std::size_t LowestFree::find_at_edge() noexcept {
  if (limit_ != 0) {
    edge_ = std::exchange(limit_, 0);
    edge_end_ = made_;
    width_ = 0;
  }
  if (edge_ == made_) {
    if (made_ == count_)
      return none;
    std::size_t position = made_ / word_bits;
    for (std::size_t level = 0; level != levels_; ++level, position /= word_bits) {
      level_[level][position] = 0; // the words that begin here
      if (position % word_bits != 0)
        break;
    }
    edge_end_ = made_ = std::min(made_ + word_bits, count_);
  }
  return edge_++;
}

// Some number below the edge may be free from now on. The leaf of the one before the edge is held.
ALLOT_INLINE void LowestFree::leave_edge() noexcept {
  edge_end_ = 0;
  const std::size_t edge = std::exchange(edge_, 0);
  const std::size_t leaf = (edge - 1) / word_bits;
  limit_ = std::min((leaf + 1) * word_bits, count_);
  hold(leaf);
  if (edge != limit_)
    leaf_ = (~Word{0} << (edge - first_)) & (~Word{0} >> (word_bits - width_));
}

ALLOT_INLINE bool LowestFree::put_back_elsewhere(std::size_t number) noexcept {
  if (number >= limit_) {
    if (number >= edge_)
      return false;
    leave_edge();
    if (number >= first_) {
      leaf_ |= bit_of(number);
      return true;
    }
  }
  const std::size_t leaf = number / word_bits;
  if ((level_[0][leaf] & bit_of(number)) != 0) [[unlikely]]
    return false;
  level_[0][leaf] |= bit_of(number);
  if (leaf / word_bits == lane()) {
    lane_ |= bit_of(leaf);
  } else {
    level_[1][leaf / word_bits] |= bit_of(leaf);
    mark_lane(leaf / word_bits);
  }
  if (number < first_)
    go_back_to(leaf);
  return true;
}

ALLOT_INLINE std::size_t LowestFree::put_back_many(std::span<const std::size_t> numbers) noexcept {
  if (edge_ != 0)
    leave_edge();
  let_go();
  Word* const lanes = levels_ > 1 ? level_[1] : &lane_;
  std::size_t done = 0;
  for (; done != numbers.size() && numbers[done] < limit_; ++done) {
    const std::size_t leaf = numbers[done] / word_bits;
    const Word word = level_[0][leaf];
    const Word bit = bit_of(numbers[done]);
    if ((word & bit) != 0) [[unlikely]]
      break;
    level_[0][leaf] = word | bit;
    lanes[leaf / word_bits] |= bit_of(leaf);
    if (levels_ > 1)
      mark_lane(leaf / word_bits);
  }
  hold_lowest();
  return done;
}

// All that is free is in the tree then, until `hold_lowest`.
ALLOT_INLINE void LowestFree::let_go() noexcept {
  if (leaf_ != 0) {
    level_[0][first_ / word_bits] = std::exchange(leaf_, 0);
    lane_ |= bit_of(first_ / word_bits);
  }
  if (levels_ > 1 && lane_ != 0) {
    level_[1][lane()] = std::exchange(lane_, 0);
    mark_lane(lane());
  }
}

ALLOT_INLINE void LowestFree::hold_lowest() noexcept {
  std::size_t lane = 0;
  if (root_ != 0)
    lane = hold_lowest_lane();
  if (lane_ != 0)
    hold_lowest_leaf(lane);
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

ALLOT_INLINE std::size_t LowestFree::take_many(std::span<std::size_t> numbers) noexcept {
  std::size_t taken = 0;
  let_go();
  while (taken != numbers.size() && (levels_ == 1 ? lane_ : root_) != 0)
    taken += take_of_lanes(numbers.subspan(taken));
  hold_lowest();
  for (; taken != numbers.size(); ++taken) {
    const std::size_t number = edge_ != edge_end_ ? take() : find_at_edge();
    if (number == none)
      break;
    numbers[taken] = number;
  }
  return taken;
}

// At least one number, from the lowest lanes that share a word above them, of which one has one
// free. No leaf is held. How many leaves a lane has cannot be foreseen, so the next lane is loaded
// before it is needed, and becomes the lane without a branch.
ALLOT_INLINE std::size_t LowestFree::take_of_lanes(std::span<std::size_t> numbers) noexcept {
  Word above_lane = 1;
  Word* above = &above_lane;
  Word* lanes = &lane_;
  std::size_t first_lane = 0;
  if (levels_ > 1) {
    above = &root_;
    std::size_t word = 0;
    for (std::size_t level = levels_; level-- > 2; above = &level_[level][word])
      word = word * word_bits + lowest(*above);
    first_lane = word * word_bits;
    lanes = level_[1] + first_lane;
  }
  const Word highest = bit_of(word_bits - 1 - static_cast<std::size_t>(__builtin_clzll(*above)));
  std::size_t lane_number = lowest(*above);
  Word lane = std::exchange(lanes[lane_number], 0);
  Word coming = *above & (*above - 1);
  Word leaf = 0;
  std::size_t at = 0;
  std::size_t taken = 0;
  for (;;) {
    const std::size_t next = lowest(coming | highest); // some lane, if none is coming
    const Word next_lane = lanes[next];
    const Word next_bit = coming & (0 - coming);

    at = (first_lane + lane_number) * word_bits + lowest(lane);
    lane &= lane - 1;
    leaf = level_[0][at];
    do {
      numbers[taken++] = at * word_bits + lowest(leaf);
      leaf &= leaf - 1;
    } while (leaf != 0 && taken != numbers.size());
    level_[0][at] = leaf;
    if (taken == numbers.size() || (lane | coming) == 0)
      break;

    const Word if_ended = Word{0} - static_cast<Word>(lane == 0);
    lane |= next_lane & if_ended;
    lane_number ^= (lane_number ^ next) & static_cast<std::size_t>(if_ended);
    coming ^= next_bit & if_ended;
    lanes[lane_number] = 0;
  }
  if (leaf != 0)
    lane |= bit_of(at);
  lanes[lane_number] = lane;
  if (lane != 0)
    coming |= bit_of(lane_number);
  *above = coming;
  if (coming == 0 && levels_ > 2)
    unmark_lane(first_lane);
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
    return number < edge_;
  const std::size_t leaf = number / word_bits;
  const Word word = leaf == first_ / word_bits ? leaf_ : level_[0][leaf];
  return (word & bit_of(number)) == 0;
}

ALLOT_INLINE std::size_t LowestFree::used() const noexcept {
  if (limit_ == 0)
    return edge_;
  std::size_t free = static_cast<std::size_t>(std::popcount(leaf_));
  for (std::size_t leaf = 0; leaf != divide_up(limit_, word_bits); ++leaf)
    free += static_cast<std::size_t>(std::popcount(level_[0][leaf])); // 0 for the leaf held
  return limit_ - free;
}

} // namespace allot::inline ALLOT_ABI
