#include <allot/detail/slab_blocks.hpp>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

SlabBlocks& SlabBlocks::operator=(SlabBlocks&& other) noexcept {
  if (this != &other) {
    release();
    move_from(other);
    std::copy(std::begin(other.current_), std::end(other.current_), current_);
    std::copy(std::begin(other.roomy_), std::end(other.roomy_), roomy_);
    std::copy(std::begin(other.scarce_), std::end(other.scarce_), scarce_);
    other.forget_lists();
  }
  return *this;
}

// That any class has a slab.
void SlabBlocks::forget_lists() noexcept {
  std::fill(std::begin(current_), std::end(current_), &no_slab);
  std::fill(std::begin(roomy_), std::end(roomy_), none);
  std::fill(std::begin(scarce_), std::end(scarce_), none);
}

void SlabBlocks::release() noexcept {
  if (begin_ == nullptr)
    return;
  SlabTable::release();
  forget_lists();
}

void SlabBlocks::reset() noexcept {
  SlabTable::reset();
  forget_lists();
}

void SlabBlocks::trim(std::size_t keep) noexcept {
  retire_idle();
  runs_.give_up(divide_up(keep, slab_bytes));
}

// -------------------------------------------------------------------------------------- allocation

void* SlabBlocks::allocate(std::size_t bytes, std::size_t alignment) noexcept {
  if (begin_ == nullptr || !is_power_of_two(alignment))
    return nullptr;
  const std::size_t size_class = Classes::of(bytes, alignment);
  if (Classes::is_large(size_class))
    return allocate_large(bytes, alignment);
  if (current_[size_class]->free == 0 && !refill(size_class))
    return nullptr;
  return take(*current_[size_class], bytes);
}

// Gives the current slab of a class a free block, or another slab its place.
bool SlabBlocks::refill(std::size_t size_class) noexcept {
  Slab& slab = *current_[size_class];
  if (slab.carved != slab.capacity) {
    carve(slab);
    return true;
  }
  Slab* const next = next_slab(size_class);
  if (next == nullptr)
    return false;
  if (&slab != &no_slab) {
    slab.state = State::full;
    slab.wake = 1;
  }
  next->state = State::current;
  next->wake = Slab::never; // a slab of each class is kept although it is empty
  current_[size_class] = next;
  if (next->free == 0)
    carve(*next);
  return true;
}

// One that has a free block, or room for it. Those with few free blocks come last: each would soon
// have to be replaced again.
Slab* SlabBlocks::next_slab(std::size_t size_class) noexcept {
  if (roomy_[size_class] != none)
    return pop(roomy_[size_class]);
  if (Slab* const slab = start_run(size_class))
    return slab;
  return scarce_[size_class] == none ? nullptr : pop(scarce_[size_class]);
}

// Puts some blocks that were never handed out on the stack, the lowest on top.
void SlabBlocks::carve(Slab& slab) noexcept {
  const std::size_t granules = slab.bytes / granule;
  const std::size_t count =
      std::clamp<std::size_t>(Slab::page / slab.usable(), 1, slab.capacity - slab.carved);
  Index* top = slab.stack + slab.free;
  std::size_t at = slab.first + (slab.carved + count) * granules;
  for (Index* const end = top + count; top != end; ++top)
    *top = static_cast<Index>(at -= granules);
  slab.free += static_cast<std::uint32_t>(count);
  slab.carved += static_cast<std::uint32_t>(count);
}

// Takes slabs for blocks of that class, and gives the first; the others wait in the list. Where
// there are too few side by side, as many as hold a block will do.
Slab* SlabBlocks::start_run(std::size_t size_class) noexcept {
  const std::size_t bytes = Classes::bytes(size_class);
  std::size_t length = Classes::run(size_class);
  Number number = take_run(length, 1);
  while (number == none && (length - 1) * slab_bytes >= bytes)
    number = take_run(--length, 1);
  if (number == none)
    return nullptr;
  const bool own = bytes * Slab::own_indices >= slab_bytes;
  const std::size_t blocks = length * slab_bytes / (own ? bytes : bytes + sizeof(Index));
  std::byte* const behind = runs_.address(number) + runs_.gap().stretch(blocks * bytes);
  annotate::hide(runs_.address(number), length * slab_extent());
  if (!own)
    annotate::show(behind, blocks * sizeof(Index));

  for (std::size_t i = length; i-- != 0;) {
    const std::size_t first = divide_up(i * slab_bytes, bytes); // block that starts in this slab
    const std::size_t last = std::min(divide_up((i + 1) * slab_bytes, bytes), blocks);
    Slab& slab = slabs_[number + i];
    slab.stack = own ? slab.own : ::new (behind) Index[blocks];
    slab.begin = runs_.address(number + i);
    slab.free = slab.carved = 0;
    slab.bytes = static_cast<std::uint32_t>(bytes);
    slab.first = static_cast<Index>((first * bytes - i * slab_bytes) / granule);
    slab.capacity = slab.wake = first < last ? static_cast<std::uint32_t>(last - first) : 0;
    slab.size_class = static_cast<std::uint8_t>(size_class);
    slab.piece = static_cast<std::uint8_t>(i);
    slab.loose = false;
    slab.state = slab.capacity == 0 ? State::full : State::roomy;
    if (i != 0 && slab.capacity != 0)
      enlist(slab, roomy_[size_class]);
  }
  return &slabs_[number];
}

// Where it can, a whole number of huge pages from `origin`, so that they can move there.
void* SlabBlocks::allocate_large(std::size_t bytes, std::size_t alignment,
                                 const std::byte* origin) noexcept {
  if (bytes > runs_.most() * slab_bytes)
    return nullptr;
  const std::size_t run = slabs_for(pages_for(bytes));
  Number number = none;
  if (origin != nullptr && alignment <= slab_bytes)
    number = runs_.take(run, os::huge_page_size, origin);
  if (number == none)
    number = take_run(run, alignment);
  if (number == none)
    return nullptr;
  see_new_slabs();
  return start_large(number, bytes);
}

// Empty slabs that other classes keep are for when there is nothing else.
SlabTable::Number SlabBlocks::take_run(std::size_t length, std::size_t alignment) noexcept {
  Number number = runs_.take(length, alignment);
  if (number == none) {
    const std::size_t in_use = runs_.in_use();
    retire_idle();
    if (runs_.in_use() != in_use)
      number = runs_.take(length, alignment);
  }
  see_new_slabs();
  return number;
}

// -------------------------------------------------------------------------------------------- free

// A large object is wiped where it is given back.
void SlabBlocks::wipe_and_settle(Slab& slab, void* p) noexcept {
  wipe(p, slab.bytes);
  annotate::freed(slabs_, p, slab.usable());
  if (slab.free == slab.wake) [[unlikely]]
    settle(slab);
}

// A block was freed, and the slab has as many free ones as it waited for.
void SlabBlocks::settle(Slab& slab) noexcept {
  switch (slab.state) {
  case State::full:
    if (slab.capacity / 16 > 1) {
      slab.state = State::scarce;
      slab.wake = slab.capacity / 16;
      enlist(slab, scarce_[slab.size_class]);
      break;
    }
    [[fallthrough]];
  case State::scarce:
    if (slab.state == State::scarce)
      delist(slab, scarce_[slab.size_class]);
    slab.state = State::roomy;
    slab.wake = slab.capacity;
    enlist(slab, roomy_[slab.size_class]);
    if (slab.free != slab.capacity)
      break;
    [[fallthrough]]; // there was one block
  case State::roomy:
    if (is_run_empty(slab))
      retire_run(slab);
    break;
  default:
    put_large(slab);
    break;
  }
}

void SlabBlocks::enlist(Slab& slab, Number& head) noexcept {
  const Number number = number_of(slab);
  slab.previous = none;
  slab.next = head;
  if (head != none)
    slabs_[head].previous = number;
  head = number;
}

void SlabBlocks::delist(Slab& slab, Number& head) noexcept {
  (slab.previous == none ? head : slabs_[slab.previous].next) = slab.next;
  if (slab.next != none)
    slabs_[slab.next].previous = slab.previous;
}

Slab* SlabBlocks::pop(Number& head) noexcept {
  Slab& slab = slabs_[head];
  delist(slab, head);
  return &slab;
}

// Whether no block of the run that the slab is in is in use; one that has the slab from which its
// class takes blocks is not empty, since that is kept.
bool SlabBlocks::is_run_empty(const Slab& slab) const noexcept {
  const Slab* const run = &slab - slab.piece;
  for (const Slab* piece = run; piece != run + runs_.length(number_of(*run)); ++piece)
    if (piece->free != piece->carved || piece->state == State::current)
      return false;
  return true;
}

// The run's blocks are free, and zero if that was asked for; so must its stack become.
void SlabBlocks::retire_run(Slab& slab) noexcept {
  Slab* const run = &slab - slab.piece;
  for (Slab* piece = run; piece != run + runs_.length(number_of(*run)); ++piece) {
    if (piece->state == State::roomy)
      delist(*piece, roomy_[piece->size_class]);
    piece->state = State::idle;
    piece->was_used = true;
  }
  if (zero_ && run->stack != run->own)
    std::memset(run->stack, 0, run->capacity * sizeof(Index));
  runs_.put(number_of(*run), 0);
}

// Empty runs that blocks are taken from next.
void SlabBlocks::retire_idle() noexcept {
  for (Slab*& current : current_) {
    if (current == &no_slab)
      continue;
    current->state = State::full; // for now
    if (is_run_empty(*current))
      retire_run(*std::exchange(current, &no_slab));
    else
      current->state = State::current;
  }
}

// ---------------------------------------------------------------------------------------- resizing

bool SlabBlocks::resize(Slab& slab, void* p, std::size_t bytes, std::size_t alignment) noexcept {
  const std::size_t size_class = Classes::of(bytes, alignment);
  if (slab.size_class == Classes::large)
    return Classes::is_large(size_class) && resize_large(slab, bytes);
  if (size_class != slab.size_class)
    return false;
  annotate::resized(slabs_, p, slab.usable(), larger(bytes, 1));
  return true;
}

// The block gets a size of another class where it is, if there is room.
bool SlabBlocks::loosen(Slab& slab, void* p, std::size_t bytes) noexcept {
  if (slab.size_class == Classes::large ? !resize_large(slab, bytes) : bytes > slab.usable())
    return false;
  slab.loose = true;
  if (slab.size_class != Classes::large)
    annotate::resized(slabs_, p, slab.usable(), larger(bytes, 1));
  return true;
}

void* SlabBlocks::move(Slab& slab, void* p, std::size_t bytes, std::size_t alignment) noexcept {
  const std::size_t usable = slab.usable();
  const bool grows = slab.size_class == Classes::large && bytes > usable;
  void* const moved = grows && usable >= os::huge_page_size
                          ? allocate_large(bytes, alignment, slab.begin)
                          : allocate(bytes, alignment);
  if (moved == nullptr) {
    const bool aligned = padding(reinterpret_cast<std::uintptr_t>(p), alignment) == 0;
    return aligned && loosen(slab, p, bytes) ? p : nullptr;
  }
  Slab& target = slab_at(granule_at(moved));
  annotate::show(p, usable);
  if (grows && target.size_class == Classes::large)
    move_large(slab, target, bytes);
  else
    std::memcpy(moved, p, std::min(usable, bytes));
  put_back(slab, granule_at(p), p);
  return moved;
}

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
