#include <allot/detail/slab_runs.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

bool SlabRuns::reserve(std::size_t slabs, std::size_t record_bytes, Commit commit,
                       HugePages huge_pages) noexcept {
  if (!memory_.reserve(slabs, record_bytes, commit, huge_pages))
    return false;
  runs_ = memory_.runs();
  limit(max_size);
  return true;
}

bool SlabRuns::stand_on(Buffer& buffer, std::size_t record_bytes, bool zero) noexcept {
  if (!memory_.stand_on(buffer, record_bytes, zero))
    return false;
  runs_ = memory_.runs();
  limit(max_size);
  return true;
}

SlabRuns& SlabRuns::operator=(SlabRuns&& other) noexcept {
  if (this != &other) {
    release();
    runs_ = other.runs_;
    top_ = other.top_;
    in_use_ = other.in_use_;
    spare_ = other.spare_;
    most_ = other.most_;
    peak_ = other.peak_;
    free_[0] = other.free_[0];
    free_[1] = other.free_[1];
    memory_ = std::move(other.memory_);
    other.forget();
  }
  return *this;
}

void SlabRuns::forget() noexcept {
  runs_ = nullptr;
  top_ = in_use_ = spare_ = most_ = peak_ = 0;
  free_[0] = free_[1] = RunTree();
}

void SlabRuns::release() noexcept {
  if (ready() != 0) // what was put back is hidden, and somebody else may be given those addresses
    annotate::show(address(0), ready() * memory_.extent());
  forget();
  memory_.release();
}

// So that load which falls and rises again costs few system calls.
std::size_t SlabRuns::most_spare() const noexcept {
  return std::max<std::size_t>(in_use_ / 2, 8_MiB / slab_bytes);
}

void SlabRuns::decommit(std::size_t number, std::size_t length) noexcept {
  memory_.decommit(number, length);
  join(Kind::bare, number, length);
}

void SlabRuns::give_up(std::size_t keep) noexcept {
  while (spare_ > keep) {
    const std::size_t number = tree(Kind::spare).longest(runs_);
    const std::size_t length = runs_[number].length;
    const std::size_t surplus = std::min(length, spare_ - keep);
    remove(number);
    if (length != surplus)
      insert(Kind::spare, number, length - surplus);
    decommit(number + length - surplus, surplus);
  }
}

// ---------------------------------------------------------------------------------------- taking

SlabRuns::Number SlabRuns::take(std::size_t length, std::size_t alignment,
                                const std::byte* origin) noexcept {
  if (length > most_ - in_use_)
    return none;
  Number number = take_free(Kind::spare, length, alignment, origin);
  if (number == none) {
    if (in_use_ + spare_ + length > most_)
      give_up(most_ - in_use_ - length);
    number = take_free(Kind::bare, length, alignment, origin);
  }
  if (number == none)
    number = take_top(length, alignment, origin);
  if (number == none && spare_ != 0) { // the addresses are scattered: all that is free in one piece
    give_up(0);
    number = take_free(Kind::bare, length, alignment, origin);
    if (number == none)
      number = take_top(length, alignment, origin);
  }
  if (number != none) {
    use(number, length);
    in_use_ += length;
    peak_ = larger(peak_, in_use_);
  }
  return number;
}

// Slabs from that one on to the first at a multiple of the alignment, counted from `origin`.
std::size_t SlabRuns::skip_to(std::size_t number, std::size_t alignment,
                              const std::byte* origin) const noexcept {
  return padding(reinterpret_cast<std::uintptr_t>(address(number)) -
                     reinterpret_cast<std::uintptr_t>(origin),
                 std::max(alignment, memory_.extent())) /
         memory_.extent();
}

SlabRuns::Number SlabRuns::take_free(Kind kind, std::size_t length, std::size_t alignment,
                                     const std::byte* origin) noexcept {
  const Number number = tree(kind).at_least(runs_, saturating_add(length, in_slabs(alignment) - 1));
  if (number == none)
    return none;
  const std::size_t whole = runs_[number].length;
  const std::size_t skip = skip_to(number, alignment, origin);
  const std::size_t first = number + skip;
  if (kind == Kind::bare && !memory_.back(first, length))
    return none;
  remove(number);
  if (skip != 0)
    insert(kind, number, skip);
  if (whole != skip + length)
    insert(kind, first + length, whole - skip - length);
  return static_cast<Number>(first);
}

SlabRuns::Number SlabRuns::take_top(std::size_t length, std::size_t alignment,
                                    const std::byte* origin) noexcept {
  const std::size_t skip = skip_to(top_, alignment, origin);
  if (skip > reserved() - top_ || length > reserved() - top_ - skip)
    return none;
  const std::size_t first = top_ + skip;
  if (!memory_.make_ready(first + length) || !memory_.back(first, length))
    return none;
  if (skip != 0)
    insert(Kind::bare, top_, skip);
  top_ = first + length;
  return static_cast<Number>(first);
}

void SlabRuns::use(std::size_t number, std::size_t length) noexcept {
  runs_[number].kind = Kind::used;
  runs_[number].length = static_cast<Number>(length);
}

// ---------------------------------------------------------------------------------------- growing

bool SlabRuns::grow(std::size_t number, std::size_t length) noexcept {
  const std::size_t first = number + runs_[number].length;
  const std::size_t last = number + length;
  const std::size_t more = last - first;
  if (more > most_ - in_use_ || !is_free(first, last))
    return false;
  if (in_use_ + spare_ + more > most_)
    give_up(most_ - in_use_ - more);
  for (std::size_t at = first; at < last;) {
    const std::size_t taken = take_at(at, last - at);
    if (taken == 0) {
      if (at != first)
        join(kept(), first, at - first);
      return false;
    }
    at += taken;
  }
  annotate::hide(address(first), more * memory_.extent());
  use(number, length);
  in_use_ += more;
  peak_ = larger(peak_, in_use_);
  return true;
}

// Whether the slabs [first, last) are in no use.
bool SlabRuns::is_free(std::size_t first, std::size_t last) const noexcept {
  for (std::size_t i = first; i < last && i < top_; i += runs_[i].length)
    if (runs_[i].kind == Kind::used)
      return false;
  return last <= reserved();
}

// Takes up to `most` slabs where a free run starts, or where nothing was used yet, and gives their
// number; 0 if the system refused.
std::size_t SlabRuns::take_at(std::size_t number, std::size_t most) noexcept {
  if (number >= top_)
    return take_top(most, 1, nullptr) != none ? most : 0;
  const Kind kind = runs_[number].kind;
  const std::size_t length = runs_[number].length;
  const std::size_t part = std::min(length, most);
  if (kind == Kind::bare && !memory_.back(number, part))
    return 0;
  remove(number);
  if (part != length)
    insert(kind, number + part, length - part);
  return part;
}

// ---------------------------------------------------------------------------------------- freeing

void SlabRuns::put(std::size_t number, std::size_t dirty) noexcept {
  runs_[number].kind = Kind::inside;
  take_out_of_use(number, runs_[number].length, dirty);
}

void SlabRuns::keep(std::size_t number) noexcept {
  const std::size_t length = runs_[number].length;
  runs_[number].kind = Kind::inside;
  in_use_ -= length;
  annotate::hide(address(number), length * memory_.extent());
  join(kept(), number, length);
}

void SlabRuns::shrink(std::size_t number, std::size_t length, std::size_t dirty) noexcept {
  const std::size_t surplus = runs_[number].length - length;
  use(number, length);
  take_out_of_use(number + length, surplus, dirty);
}

// A single slab is kept, so that those that come one after the other go back many at a time. What
// pages were moved to is not, so that there are few mappings.
void SlabRuns::take_out_of_use(std::size_t number, std::size_t length, std::size_t dirty) noexcept {
  in_use_ -= length;
  const bool room = length == 1 || on_buffer() || spare_ + length <= most_spare();
  if (room && !memory_.was_moved_to(number, length)) {
    annotate::show(address(number), dirty);
    std::memset(address(number), 0, dirty);
    annotate::hide(address(number), length * memory_.extent());
    join(kept(), number, length);
  } else {
    decommit(number, length);
  }
  if (spare_ > most_spare())
    give_up(most_spare() / 2);
}

// Joins a free run with its neighbours of the same kind.
void SlabRuns::join(Kind kind, std::size_t number, std::size_t length) noexcept {
  if (number != 0 && runs_[number - 1].kind == kind) {
    const std::size_t before = runs_[number - 1].length;
    remove(number - before);
    number -= before;
    length += before;
  }
  if (number + length < top_ && runs_[number + length].kind == kind) {
    const std::size_t behind = runs_[number + length].length;
    remove(number + length);
    length += behind;
  }
  if (kind == Kind::bare && number + length == top_)
    top_ = number;
  else
    insert(kind, number, length);
}

void SlabRuns::insert(Kind kind, std::size_t number, std::size_t length) noexcept {
  Run& first = runs_[number];
  Run& last = runs_[number + length - 1];
  first.kind = last.kind = kind;
  first.length = last.length = static_cast<Number>(length);
  tree(kind).insert(runs_, static_cast<Number>(number));
  if (kind == Kind::spare)
    spare_ += length;
}

void SlabRuns::remove(std::size_t number) noexcept {
  Run& first = runs_[number];
  const Kind kind = first.kind;
  tree(kind).remove(runs_, static_cast<Number>(number));
  if (kind == Kind::spare)
    spare_ -= first.length;
  first.kind = runs_[number + first.length - 1].kind = Kind::inside;
}

// ---------------------------------------------------------------------------------------- looking

SlabRuns::Number SlabRuns::next_in_use(std::size_t number) const noexcept {
  for (; number < top_; number += runs_[number].length)
    if (runs_[number].kind == Kind::used)
      return static_cast<Number>(number);
  return none;
}

SlabRuns::Number SlabRuns::around(std::size_t number) const noexcept {
  if (number >= top_)
    return none;
  std::size_t i = 0;
  while (i + runs_[i].length <= number)
    i += runs_[i].length;
  return runs_[i].kind == Kind::used ? static_cast<Number>(i) : none;
}

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
