#include <allot/detail/run_tree.hpp>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

inline constexpr std::uint32_t highest_bit = 0x80000000;

void RunTree::insert(Run* runs, Number number) noexcept {
  Run& run = runs[number];
  run.next = run.previous = run.parent = run.child[0] = run.child[1] = Run::none;
  Number* place = &root_;
  for (std::uint32_t bit = highest_bit; *place != Run::none; bit >>= 1) {
    Run& other = runs[*place];
    if (other.length == run.length) {
      run.previous = *place;
      run.next = other.next;
      if (other.next != Run::none)
        runs[other.next].previous = number;
      other.next = number;
      return;
    }
    run.parent = *place;
    place = &other.child[(run.length & bit) != 0 ? 1 : 0];
  }
  *place = number;
}

void RunTree::remove(Run* runs, Number number) noexcept {
  const Run& run = runs[number];
  if (run.previous != Run::none) {
    runs[run.previous].next = run.next;
    if (run.next != Run::none)
      runs[run.next].previous = run.previous;
    return;
  }
  const Number heir = run.next;
  if (heir != Run::none)
    runs[heir].previous = Run::none;
  replace(runs, number, heir != Run::none ? heir : detach_leaf(runs, number));
}

// Whatever is below a place may take it. None if nothing is.
RunTree::Number RunTree::detach_leaf(Run* runs, Number number) noexcept {
  Number leaf = number;
  Number* place = nullptr;
  for (;;) {
    Number* const child = runs[leaf].child;
    Number* const below = &child[child[0] != Run::none ? 0 : 1];
    if (*below == Run::none)
      break;
    place = below;
    leaf = *below;
  }
  if (place == nullptr)
    return Run::none;
  *place = Run::none;
  return leaf;
}

void RunTree::replace(Run* runs, Number number, Number heir) noexcept {
  const Run& run = runs[number];
  if (run.parent == Run::none) {
    root_ = heir;
  } else {
    Number* const child = runs[run.parent].child;
    child[child[0] == number ? 0 : 1] = heir;
  }
  if (heir == Run::none)
    return;
  runs[heir].parent = run.parent;
  for (std::size_t side = 0; side != 2; ++side) {
    runs[heir].child[side] = run.child[side];
    if (run.child[side] != Run::none)
      runs[run.child[side]].parent = heir;
  }
}

RunTree::Number RunTree::at_least(const Run* runs, std::size_t length) const noexcept {
  Number best = Run::none;
  const auto consider = [&](Number number) {
    if (runs[number].length >= length &&
        (best == Run::none || runs[number].length < runs[best].length))
      best = number;
  };
  Number longer = Run::none; // below it all are, and those below the last such are the shortest
  Number at = root_;
  for (std::uint32_t bit = highest_bit; at != Run::none; bit >>= 1) {
    consider(at);
    const Number* const child = runs[at].child;
    const bool side = (length & bit) != 0;
    if (!side && child[1] != Run::none)
      longer = child[1];
    at = child[side ? 1 : 0];
  }
  for (at = longer; at != Run::none;) {
    consider(at);
    const Number* const child = runs[at].child;
    at = child[child[0] != Run::none ? 0 : 1];
  }
  // The next of its length is taken out in one step.
  return best != Run::none && runs[best].next != Run::none ? runs[best].next : best;
}

RunTree::Number RunTree::longest(const Run* runs) const noexcept {
  Number best = root_;
  for (Number at = root_; at != Run::none;) {
    if (runs[at].length > runs[best].length)
      best = at;
    const Number* const child = runs[at].child;
    at = child[child[1] != Run::none ? 1 : 0];
  }
  return best;
}

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
