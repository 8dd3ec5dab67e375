#include <allot/detail/free_bitmap.hpp>

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

std::size_t FreeBitmap::bytes(std::size_t count) noexcept {
  std::size_t words = divide_up(count, word_bits);
  std::size_t total = words;
  do {
    words = divide_up(words, word_bits);
    total += words;
  } while (words > word_bits);
  return total * sizeof(Word); // about an eighth of `count`
}

FreeBitmap::FreeBitmap(std::byte* memory, std::size_t count) noexcept : count_(count) {
  std::size_t words = count;
  do {
    words = divide_up(words, word_bits);
    level_[levels_++] = ::new (memory) Word[words];
    memory += words * sizeof(Word);
  } while (levels_ < 2 || words > word_bits);
}

void FreeBitmap::reset() noexcept {
  leaf_ = root_ = 0;
  newest_ = newest_end_ = none;
  leaf_end_ = limit_ = made_ = 0;
}

// All numbers below the limit are in use.
std::size_t FreeBitmap::find_at_limit() noexcept {
  if (limit_ != 0) {
    newest_ = std::exchange(limit_, 0) - 1;
    newest_end_ = made_ - 1;
    leaf_end_ = 0;
  }
  if (newest_ == newest_end_) {
    if (made_ == count_)
      return none;
    std::size_t position = made_ / word_bits;
    for (std::size_t level = 0; level != levels_; ++level, position /= word_bits) {
      level_[level][position] = 0; // the words that begin here
      if (position % word_bits != 0)
        break;
    }
    made_ = std::min(made_ + word_bits, count_);
    newest_end_ = made_ - 1;
  }
  return ++newest_;
}

// Numbers below `newest_`, if any are in use, may be free from now on. What is free of its leaf is
// in the tree then.
void FreeBitmap::leave_newest() noexcept {
  if (newest_ == none)
    return;
  const std::size_t used = newest_ + 1;
  newest_ = newest_end_ = none;
  const std::size_t leaf = (used - 1) / word_bits;
  const std::size_t end = (leaf + 1) * word_bits;
  limit_ = std::min(end, count_);
  if (used != limit_) {
    level_[0][leaf] = (~Word{0} << used % word_bits) & (~Word{0} >> (end - limit_));
    mark(leaf);
  }
}

bool FreeBitmap::put_back_at_limit(std::size_t number) noexcept {
  if (number >= limit())
    return false;
  leave_newest();
  return put_back_in_tree(number);
}

// A number below the leaf held.
bool FreeBitmap::put_back_lower(std::size_t number) noexcept {
  let_go();
  return put_back_in_tree(number);
}

// All that is free is in the tree then.
void FreeBitmap::let_go() noexcept {
  if (leaf_ != 0) {
    const std::size_t leaf = leaf_end_ / word_bits - 1;
    level_[0][leaf] = std::exchange(leaf_, 0);
    mark(leaf);
  }
  leaf_end_ = 0;
}

std::size_t FreeBitmap::put_back_many(std::span<const std::size_t> numbers) noexcept {
  leave_newest();
  let_go();
  std::size_t done = 0;
  while (done != numbers.size() && numbers[done] < limit_ && put_back_in_tree(numbers[done]))
    ++done;
  return done;
}

std::size_t FreeBitmap::take_many(std::span<std::size_t> numbers) noexcept {
  std::size_t taken = 0;
  let_go();
  while (taken != numbers.size() && root_ != 0)
    taken += take_of_lanes(numbers.subspan(taken));
  for (; taken != numbers.size(); ++taken) {
    const std::size_t number = newest_ != newest_end_ ? take() : find_at_limit();
    if (number == none)
      break;
    numbers[taken] = number;
  }
  return taken;
}

// At least one number, from the lowest lanes that share a word above them, of which one has one
// free. No leaf is held. How many leaves a lane has cannot be foreseen, so the next lane is loaded
// before it is needed, and becomes the lane without a branch.
std::size_t FreeBitmap::take_of_lanes(std::span<std::size_t> numbers) noexcept {
  const std::size_t word = lowest_lane() / word_bits;
  const std::size_t first_lane = word * word_bits;
  Word* const above = levels_ == 2 ? &root_ : &level_[2][word];
  Word* const lanes = level_[1] + first_lane;
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
    unmark(first_lane);
  return taken;
}

// The lowest lane in which something is free.
std::size_t FreeBitmap::lowest_lane() const noexcept {
  std::size_t lane = lowest(root_);
  for (std::size_t level = levels_; level-- > 2;)
    lane = lane * word_bits + lowest(level_[level][lane]);
  return lane;
}

std::size_t FreeBitmap::take_lowest_leaf_of_many() noexcept {
  const std::size_t lane = lowest_lane();
  Word& leaves = level_[1][lane];
  const std::size_t leaf = lane * word_bits + lowest(leaves);
  leaves &= leaves - 1;
  if (leaves == 0)
    unmark(lane);
  return leaf;
}

void FreeBitmap::mark_above(std::size_t lane) noexcept {
  for (std::size_t level = 2; level != levels_; ++level, lane /= word_bits)
    level_[level][lane / word_bits] |= bit_of(lane);
  root_ |= bit_of(lane);
}

void FreeBitmap::unmark(std::size_t lane) noexcept {
  for (std::size_t level = 2; level != levels_; ++level, lane /= word_bits) {
    Word& word = level_[level][lane / word_bits];
    word &= ~bit_of(lane);
    if (word != 0)
      return;
  }
  root_ &= ~bit_of(lane);
}

bool FreeBitmap::in_use(std::size_t number) const noexcept {
  if (number >= limit_)
    return number < limit();
  const std::size_t leaf = number / word_bits;
  const bool held = leaf + 1 == leaf_end_ / word_bits;
  return ((held ? leaf_ : level_[0][leaf]) & bit_of(number)) == 0;
}

std::size_t FreeBitmap::used() const noexcept {
  std::size_t free = static_cast<std::size_t>(std::popcount(leaf_));
  for (std::size_t leaf = 0; leaf != divide_up(limit_, word_bits); ++leaf)
    free += static_cast<std::size_t>(std::popcount(level_[0][leaf])); // 0 for the leaf held
  return limit() - free;
}

} // namespace ALLOT_ABI
} // namespace allot
