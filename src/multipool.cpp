#include <allot/multipool.hpp>

#include <algorithm>
#include <cstdint>
#include <new>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

namespace detail {

// In bytes, what is reserved: without a limit, with whatever limit, and in the end where the system
// refuses.
inline constexpr unsigned long long usual_reservation =
    sizeof(void*) < 8 ? 256_MiB : (instrumented ? 4ULL : 8ULL) << 30;
inline constexpr unsigned long long largest_reservation =
    sizeof(void*) < 8 ? 1ULL << 30 : 16ULL << 40;
inline constexpr std::size_t least_reservation = 1_MiB;

} // namespace detail

Multipool::Multipool(const MultipoolOptions& options) : Multipool(Nothing()) {
  name_ = options.name;
  zero_ = options.zero;
  const std::size_t most = options.limit / slab_bytes;
  if (options.reserve == 0)
    reserve_default(most, options.huge_pages);
  else if (!runs_.reserve(divide_up(options.reserve, slab_bytes), sizeof(Slab), Commit::demand,
                          options.huge_pages))
    throw_exhausted(label(), Errc::system_refused, "the system refused to reserve %zu bytes",
                    options.reserve);
  begin_on_runs(most);
  annotate::open(slabs_, begin_, 0);
}

Multipool::Multipool(Buffer buffer, const MultipoolOptions& options) : Multipool(Nothing()) {
  name_ = options.name;
  zero_ = options.zero;
  if (!runs_.stand_on(buffer, sizeof(Slab), zero_))
    throw_misuse(label(), Errc::bad_size,
                 "a buffer of %zu bytes has no room for a slab of %zu and its record",
                 buffer.size(), slab_bytes);
  begin_on_runs(options.limit / slab_bytes);
  annotate::open(slabs_, begin_, runs_.reserved() * slab_extent());
}

void Multipool::begin_on_runs(std::size_t most) noexcept {
  runs_.limit(most);
  limited_ = most <= runs_.reserved() || runs_.on_buffer();
  begin_ = runs_.begin();
  slabs_ = reinterpret_cast<Slab*>(runs_.records()); // all zero, which is what a new Slab is
}

// What may be touched at any time is charged as a whole where the system overcommits nothing, or
// limits data; what must be committed first is charged piece by piece.
void Multipool::reserve_default(std::size_t most, HugePages huge_pages) {
  const bool bounded = most != max_size / slab_bytes;
  std::size_t slabs = detail::usual_reservation / slab_bytes;
  if (bounded)
    slabs = std::clamp<std::size_t>(saturating_multiply(most, 2), 1,
                                    detail::largest_reservation / slab_bytes);
  const std::size_t least = std::min(slabs, detail::least_reservation / slab_bytes);
  const auto reserved = [&](Commit commit) {
    return runs_.reserve(slabs, sizeof(Slab), commit, huge_pages);
  };
  for (; !reserved(Commit::demand) && !reserved(Commit::strict); slabs = std::max(slabs / 2, least))
    if (slabs == least)
      throw_exhausted(label(), Errc::system_refused, "the system refused to reserve %zu bytes",
                      slabs * slab_bytes);
}

Multipool& Multipool::operator=(Multipool&& other) noexcept {
  if (this != &other) {
    release();
    begin_ = other.begin_;
    slabs_ = other.slabs_;
    ready_granules_ = other.ready_granules_;
    zero_ = other.zero_;
    std::copy(std::begin(other.current_), std::end(other.current_), current_);
    std::copy(std::begin(other.roomy_), std::end(other.roomy_), roomy_);
    std::copy(std::begin(other.scarce_), std::end(other.scarce_), scarce_);
    runs_ = std::move(other.runs_);
    limited_ = other.limited_;
    name_ = other.name_;
    other.forget();
  }
  return *this;
}

void Multipool::forget() noexcept {
  begin_ = nullptr;
  slabs_ = nullptr;
  ready_granules_ = 0;
  forget_slabs();
}

// That any class has a slab.
void Multipool::forget_slabs() noexcept {
  std::fill(std::begin(current_), std::end(current_), &no_slab);
  std::fill(std::begin(roomy_), std::end(roomy_), none);
  std::fill(std::begin(scarce_), std::end(scarce_), none);
}

void Multipool::release() noexcept {
  if (begin_ == nullptr)
    return;
  annotate::close(slabs_, begin_,
                  (runs_.on_buffer() ? runs_.reserved() : runs_.ready()) * slab_extent());
  forget();
  runs_.release();
}

void Multipool::check_usable() const {
  if (begin_ == nullptr)
    throw_released(label());
}

// ---------------------------------------------------------------------------------------- refusals

void Multipool::refuse_request(std::size_t bytes, std::size_t alignment) const {
  check_usable();
  if (!is_power_of_two(alignment))
    throw_bad_alignment(label(), alignment);
  if (limited_)
    throw_full(label(), bytes, available(), capacity());
  throw_exhausted(label(), Errc::no_room, "%zu bytes asked, %zu left of %zu reserved", bytes,
                  available(), capacity());
}

void Multipool::refuse_pointer(const void* p) const {
  check_usable();
  if (p == nullptr)
    throw_misuse(label(), Errc::null_pointer, "a null pointer was given back");
  const std::size_t offset =
      reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(begin_);
  const std::size_t number = offset / slab_extent();
  if (number < runs_.ready()) {
    const bool used = slabs_[number].state != State::idle;
    const Slab* const object = large_around(number);
    const Slab& slab = object != nullptr ? *object : slabs_[number];
    if (object != nullptr)
      throw_misuse(label(), Errc::misaligned_pointer,
                   "%p lies %zu bytes into a large object, not at its start", p,
                   static_cast<std::size_t>(static_cast<const std::byte*>(p) - slab.begin));
    if (slab.bytes != 0 && (used || slab.was_used)) {
      const std::size_t offset_in = offset_in_block(slab, p);
      if (was_block(slab, static_cast<const std::byte*>(p) - offset_in)) {
        if (offset_in != 0)
          throw_misuse(label(), Errc::misaligned_pointer,
                       "%p lies %zu bytes into a block of %zu, not at its start", p, offset_in,
                       slab.usable());
        throw_misuse(label(), Errc::double_free, "the block of %zu bytes at %p is free already",
                     slab.usable(), p);
      }
    }
    if (slab.bytes == 0 && slab.was_used && offset % slab_extent() == 0)
      throw_misuse(label(), Errc::double_free, "the large object at %p is free already", p);
  }
  throw_misuse(label(), Errc::foreign_pointer, "%p was not handed out by this pool", p);
}

// Whether a block of the slab's class was ever carved there; it may start in a slab before.
bool Multipool::was_block(const Slab& slab, const std::byte* start) const noexcept {
  const Slab& owner = slab_at(granule_at(start));
  return owner.bytes == slab.bytes &&
         static_cast<std::size_t>(start - owner.begin) <
             runs_.gap().stretch(owner.first * granule) + owner.carved * stride(owner);
}

bool Multipool::has_size(const Slab& slab, std::size_t bytes, std::size_t alignment) noexcept {
  if (!is_power_of_two(alignment))
    return false;
  const std::size_t size_class = Classes::of(bytes, alignment);
  if (slab.size_class == Classes::large)
    return (Classes::is_large(size_class) || slab.loose) &&
           divide_up(std::max<std::size_t>(bytes, 1), page) == slab.pages;
  return size_class == slab.size_class || (slab.loose && size_class < slab.size_class);
}

void Multipool::check_size(const Slab& slab, const void* p, std::size_t bytes,
                           std::size_t alignment) const {
  if (has_size(slab, bytes, alignment))
    return;
  if (!is_power_of_two(alignment))
    throw_bad_alignment(label(), alignment);
  throw_misuse(label(), Errc::bad_size,
               "the block of %zu bytes at %p is not one for %zu aligned to %zu", slab.usable(), p,
               bytes, alignment);
}

// -------------------------------------------------------------------------------------- allocation

void* Multipool::try_allocate_slow(std::size_t bytes, std::size_t alignment) noexcept {
  if (begin_ == nullptr || !is_power_of_two(alignment))
    return nullptr;
  const std::size_t size_class = Classes::of(bytes, alignment);
  if (Classes::is_large(size_class))
    return allocate_large(bytes, alignment);
  return refill(size_class) ? take(*current_[size_class], bytes) : nullptr;
}

void* Multipool::allocate_slow(std::size_t bytes, std::size_t alignment) {
  if (void* p = try_allocate_slow(bytes, alignment))
    return p;
  refuse_request(bytes, alignment);
}

// Gives the current slab of a class a free block, or another slab its place.
bool Multipool::refill(std::size_t size_class) noexcept {
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
  next->wake = never; // a slab of each class is kept although it is empty
  current_[size_class] = next;
  if (next->free == 0)
    carve(*next);
  return true;
}

// One that has a free block, or room for it. Those with few free blocks come last: each would soon
// have to be replaced again.
Multipool::Slab* Multipool::next_slab(std::size_t size_class) noexcept {
  if (roomy_[size_class] != none)
    return pop(roomy_[size_class]);
  if (Slab* const slab = start_run(size_class))
    return slab;
  return scarce_[size_class] == none ? nullptr : pop(scarce_[size_class]);
}

// Puts some blocks that were never handed out on the stack, the lowest on top.
void Multipool::carve(Slab& slab) noexcept {
  const std::size_t granules = slab.bytes / granule;
  const std::size_t count =
      std::clamp<std::size_t>(page / slab.usable(), 1, slab.capacity - slab.carved);
  Index* top = slab.stack + slab.free;
  std::size_t at = slab.first + (slab.carved + count) * granules;
  for (Index* const end = top + count; top != end; ++top)
    *top = static_cast<Index>(at -= granules);
  slab.free += static_cast<std::uint32_t>(count);
  slab.carved += static_cast<std::uint32_t>(count);
}

// Takes slabs for blocks of that class, and gives the first; the others wait in the list. Where
// there are too few side by side, as many as hold a block will do.
Multipool::Slab* Multipool::start_run(std::size_t size_class) noexcept {
  const std::size_t bytes = Classes::bytes(size_class);
  std::size_t length = Classes::run(size_class);
  Number number = take_run(length, 1);
  while (number == none && (length - 1) * slab_bytes >= bytes)
    number = take_run(--length, 1);
  if (number == none)
    return nullptr;
  const bool own = bytes * own_indices >= slab_bytes;
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
void* Multipool::allocate_large(std::size_t bytes, std::size_t alignment,
                                const std::byte* origin) noexcept {
  if (bytes > runs_.most() * slab_bytes)
    return nullptr;
  const std::size_t pages = divide_up(std::max<std::size_t>(bytes, 1), page);
  const std::size_t run = divide_up(pages * page, slab_bytes);
  Number number = none;
  if (origin != nullptr && alignment <= slab_bytes)
    number = runs_.take(run, os::huge_page_size, origin);
  if (number == none)
    number = take_run(run, alignment);
  if (number == none)
    return nullptr;
  see_new_slabs();
  Slab& slab = slabs_[number];
  slab.stack = slab.own;
  slab.begin = runs_.address(number);
  slab.free = slab.bytes = 0;
  slab.wake = 1;
  slab.pages = slab.written = static_cast<std::uint32_t>(pages);
  slab.state = State::large;
  slab.size_class = Classes::large;
  slab.loose = false;
  slab.live[0] = 1;
  annotate::hide(slab.begin, run * slab_extent());
  annotate::allocated(slabs_, slab.begin, bytes + (bytes == 0 ? 1 : 0));
  return slab.begin;
}

// -------------------------------------------------------------------------------------------- free

void Multipool::wipe(void* p, std::size_t bytes) noexcept {
  annotate::show(p, bytes);
  std::memset(p, 0, bytes);
}

// A large object is wiped where it is given back.
void Multipool::wipe_and_settle(Slab& slab, void* p) noexcept {
  wipe(p, slab.bytes);
  annotate::freed(slabs_, p, slab.usable());
  if (slab.free == slab.wake) [[unlikely]]
    settle(slab);
}

// A block was freed, and the slab has as many free ones as it waited for.
void Multipool::settle(Slab& slab) noexcept {
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
    slab.state = State::idle;
    slab.was_used = true;
    runs_.put(number_of(slab), zero_ ? slab.written * page : 0);
    break;
  }
}

void Multipool::enlist(Slab& slab, Number& head) noexcept {
  const Number number = number_of(slab);
  slab.previous = none;
  slab.next = head;
  if (head != none)
    slabs_[head].previous = number;
  head = number;
}

void Multipool::delist(Slab& slab, Number& head) noexcept {
  (slab.previous == none ? head : slabs_[slab.previous].next) = slab.next;
  if (slab.next != none)
    slabs_[slab.next].previous = slab.previous;
}

Multipool::Slab* Multipool::pop(Number& head) noexcept {
  Slab& slab = slabs_[head];
  delist(slab, head);
  return &slab;
}

// Whether no block of the run that the slab is in is in use; one that has the slab from which its
// class takes blocks is not empty, since that is kept.
bool Multipool::is_run_empty(const Slab& slab) const noexcept {
  const Slab* const run = &slab - slab.piece;
  for (const Slab* piece = run; piece != run + runs_.length(number_of(*run)); ++piece)
    if (piece->free != piece->carved || piece->state == State::current)
      return false;
  return true;
}

// The run's blocks are free, and zero if that was asked for; so must its stack become.
void Multipool::retire_run(Slab& slab) noexcept {
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
void Multipool::retire_idle() noexcept {
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

bool Multipool::resize(Slab& slab, void* p, std::size_t bytes, std::size_t alignment) noexcept {
  const std::size_t size_class = Classes::of(bytes, alignment);
  if (slab.size_class == Classes::large)
    return Classes::is_large(size_class) && resize_large(slab, bytes);
  if (size_class != slab.size_class)
    return false;
  annotate::resized(slabs_, p, slab.usable(), bytes + (bytes == 0 ? 1 : 0));
  return true;
}

bool Multipool::resize_large(Slab& slab, std::size_t bytes) noexcept {
  if (bytes > runs_.most() * slab_bytes)
    return false;
  const std::size_t pages = divide_up(std::max<std::size_t>(bytes, 1), page);
  const std::size_t run = divide_up(pages * page, slab_bytes);
  const std::size_t number = number_of(slab);
  if (run > runs_.length(number)) {
    if (!runs_.grow(number, run))
      return false;
    see_new_slabs();
  }
  annotate::hide(slab.begin, slab.usable());
  if (run < runs_.length(number))
    shrink_large(slab, run);
  slab.pages = static_cast<std::uint32_t>(pages);
  slab.written = std::max(slab.written, slab.pages);
  annotate::resized(slabs_, slab.begin, slab.usable(), bytes + (bytes == 0 ? 1 : 0));
  return true;
}

void Multipool::shrink_large(Slab& slab, std::size_t run) noexcept {
  const auto kept = static_cast<std::uint32_t>(run * slab_extent() / page);
  const std::size_t dirty = slab.written > kept ? slab.written - kept : 0;
  slab.written = std::min(slab.written, kept);
  runs_.shrink(number_of(slab), run, zero_ ? dirty * page : 0);
}

// The block gets a size of another class where it is, if there is room.
bool Multipool::loosen(Slab& slab, void* p, std::size_t bytes) noexcept {
  if (slab.size_class == Classes::large ? !resize_large(slab, bytes) : bytes > slab.usable())
    return false;
  slab.loose = true;
  if (slab.size_class != Classes::large)
    annotate::resized(slabs_, p, slab.usable(), bytes + (bytes == 0 ? 1 : 0));
  return true;
}

// To another large object, which has `bytes`. What is longer than the contents was is not moved.
void Multipool::move_large(Slab& slab, Slab& target, std::size_t bytes) noexcept {
  const std::size_t usable = slab.usable();
  if (zero_)
    wipe(slab.begin + usable, (slab.written - slab.pages) * page);
  annotate::show(target.begin, usable);
  slab.written = runs_.move(number_of(slab), number_of(target), usable) ? 0 : slab.pages;
  annotate::resized(slabs_, target.begin, target.usable(), bytes);
}

// Null, and nothing changed, if there is no room for what is longer.
void* Multipool::move(Slab& slab, void* p, std::size_t bytes, std::size_t alignment) noexcept {
  const std::size_t usable = slab.usable();
  const bool grows = slab.size_class == Classes::large && bytes > usable;
  void* const moved = grows && usable >= os::huge_page_size
                          ? allocate_large(bytes, alignment, slab.begin)
                          : try_allocate(bytes, alignment);
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

void* Multipool::reallocate(void* p, std::size_t new_bytes) {
  if (p == nullptr)
    return allocate(new_bytes);
  Slab* const slab = find(p);
  if (slab == nullptr)
    refuse_pointer(p);
  if (resize(*slab, p, new_bytes, granule))
    return p;
  if (void* const moved = move(*slab, p, new_bytes, granule))
    return moved;
  refuse_request(new_bytes, granule);
}

void* Multipool::reallocate(void* p, std::size_t old_bytes, std::size_t new_bytes,
                            std::size_t alignment) {
  if (p == nullptr)
    return allocate(new_bytes, alignment);
  Slab* const slab = find(p);
  if (slab == nullptr)
    refuse_pointer(p);
  check_size(*slab, p, old_bytes, alignment);
  if (resize(*slab, p, new_bytes, alignment))
    return p;
  if (void* const moved = move(*slab, p, new_bytes, alignment))
    return moved;
  refuse_request(new_bytes, alignment);
}

void* Multipool::try_reallocate(void* p, std::size_t new_bytes) noexcept {
  if (p == nullptr)
    return try_allocate(new_bytes);
  Slab* const slab = find(p);
  if (slab == nullptr)
    return nullptr;
  return resize(*slab, p, new_bytes, granule) ? p : move(*slab, p, new_bytes, granule);
}

bool Multipool::try_resize(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept {
  Slab* const slab = find(p);
  if (slab == nullptr || old_bytes > slab->usable())
    return false;
  return resize(*slab, p, new_bytes, granule) || loosen(*slab, p, new_bytes);
}

// ---------------------------------------------------------------------------------- the whole pool

// Empty slabs that other classes keep are for when there is nothing else.
Multipool::Number Multipool::take_run(std::size_t length, std::size_t alignment) noexcept {
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

// The large object that the slab is inside of, or null.
const Multipool::Slab* Multipool::large_around(std::size_t number) const noexcept {
  if (slabs_[number].state == State::idle)
    number = runs_.around(number);
  return number != none && slabs_[number].state == State::large ? &slabs_[number] : nullptr;
}

bool Multipool::owns(const void* p) const noexcept {
  const std::size_t offset =
      reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(begin_);
  const std::size_t number = offset / slab_extent();
  if (number >= runs_.ready())
    return false;
  if (const Slab* const object = large_around(number))
    return static_cast<std::size_t>(static_cast<const std::byte*>(p) - object->begin) <
           object->usable();
  const Slab& slab = slabs_[number];
  if (slab.state == State::idle)
    return false;
  const std::size_t offset_in = offset_in_block(slab, p);
  return offset_in < slab.usable() && find(static_cast<const std::byte*>(p) - offset_in) != nullptr;
}

// Those that are in use: of blocks, and the first of each large object.
template <class F>
void Multipool::for_each_slab(const F& f) const noexcept {
  for (Number i = runs_.next_in_use(0); i != none; i = runs_.next_in_use(i + runs_.length(i)))
    for (std::size_t n = slabs_[i].state == State::large ? 1 : runs_.length(i); n-- != 0;)
      f(slabs_[i + n]);
}

std::size_t Multipool::used() const noexcept {
  std::size_t bytes = 0;
  for_each_slab([&](const Slab& slab) {
    bytes += slab.state == State::large ? slab.usable() : (slab.carved - slab.free) * slab.usable();
  });
  return bytes;
}

ClassStats Multipool::class_stats(std::size_t index) const {
  if (index >= classes())
    throw_misuse(label(), Errc::out_of_bounds, "class %zu was asked for, there are %zu", index,
                 classes());
  ClassStats stats{Classes::bytes(index), 0, 0};
  for_each_slab([&](const Slab& slab) {
    if (slab.state == State::large) {
      stats.used += Classes::is_large(index) && Classes::of(slab.usable()) == index ? 1 : 0;
    } else if (slab.size_class == index) {
      const std::size_t used = slab.carved - slab.free;
      stats.used += used;
      stats.available += slab.capacity - used;
    }
  });
  return stats;
}

void Multipool::reset() {
  check_usable();
  annotate::truncated(slabs_, slabs_, 0);
  for_each_slab([&](Slab& slab) { clear(slab); });
  for (Number i = runs_.next_in_use(0); i != none;) {
    const Number next = runs_.next_in_use(i + runs_.length(i));
    runs_.keep(i);
    i = next;
  }
  forget_slabs();
}

// Of what is in the slab, or in the large object that starts there, nothing is in use any more.
void Multipool::clear(Slab& slab) noexcept {
  if (zero_ && slab.state == State::large)
    wipe(slab.begin, slab.written * page);
  else if (zero_)
    wipe(slab.begin + runs_.gap().stretch(slab.first * granule), slab.carved * stride(slab));
  if (zero_ && slab.state != State::large && slab.stack != slab.own)
    std::memset(slab.stack, 0, slab.capacity * sizeof(Index));
  std::fill(std::begin(slab.live), std::end(slab.live), 0);
  slab.state = State::idle;
  slab.was_used = true;
}

void Multipool::trim(std::size_t keep) {
  check_usable();
  retire_idle();
  runs_.give_up(divide_up(keep, slab_bytes));
}

} // namespace ALLOT_ABI
} // namespace allot
