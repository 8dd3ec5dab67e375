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
    reserve_default(most);
  else if (!reserve(std::min<std::size_t>(divide_up(options.reserve, slab_bytes), none),
                    Commit::demand))
    throw_exhausted(label(), Errc::system_refused, "the system refused to reserve %zu bytes",
                    options.reserve);
  most_ = std::min(reserved_, most);
  limited_ = most <= reserved_;
  annotate::open(begin_, 0);
}

// What may be touched at any time is charged as a whole where the system overcommits nothing, or
// limits data; what must be committed first is charged piece by piece.
void Multipool::reserve_default(std::size_t most) {
  const bool bounded = most != max_size / slab_bytes;
  std::size_t slabs = detail::usual_reservation / slab_bytes;
  if (bounded)
    slabs = std::clamp<std::size_t>(saturating_multiply(most, 2), 1,
                                    detail::largest_reservation / slab_bytes);
  const std::size_t least = std::min(slabs, detail::least_reservation / slab_bytes);
  for (; !reserve(slabs, Commit::demand) && !reserve(slabs, Commit::strict);
       slabs = std::max(slabs / 2, least))
    if (slabs == least)
      throw_exhausted(label(), Errc::system_refused, "the system refused to reserve %zu bytes",
                      slabs * slab_bytes);
}

bool Multipool::reserve(std::size_t slabs, Commit commit) noexcept {
  Mapping memory = Mapping::try_reserve(saturating_multiply(slabs + 1, slab_extent), commit, {});
  if (memory.data() == nullptr)
    return false;
  Mapping records = Mapping::try_reserve(saturating_multiply(slabs, sizeof(Slab)), commit, {});
  if (records.data() == nullptr)
    return false;
  memory_ = std::move(memory);
  records_ = std::move(records);
  begin_ = memory_.data() + padding(reinterpret_cast<std::uintptr_t>(memory_.data()), slab_extent);
  slabs_ = reinterpret_cast<Slab*>(records_.data()); // all zero, which is what a new Slab is
  reserved_ = slabs;
  return true;
}

Multipool& Multipool::operator=(Multipool&& other) noexcept {
  if (this != &other) {
    release();
    begin_ = other.begin_;
    slabs_ = other.slabs_;
    set_top(other.top_);
    zero_ = other.zero_;
    std::copy(std::begin(other.current_), std::end(other.current_), current_);
    std::copy(std::begin(other.roomy_), std::end(other.roomy_), roomy_);
    in_use_ = other.in_use_;
    spare_ = other.spare_;
    most_ = other.most_;
    reserved_ = other.reserved_;
    limited_ = other.limited_;
    std::copy_n(&other.bins_[0][0], 2 * bin_count, &bins_[0][0]);
    memory_ = std::move(other.memory_);
    records_ = std::move(other.records_);
    peak_ = std::exchange(other.peak_, 0);
    name_ = other.name_;
    other.forget();
  }
  return *this;
}

void Multipool::forget() noexcept {
  begin_ = nullptr;
  slabs_ = nullptr;
  set_top(0);
  std::fill(std::begin(current_), std::end(current_), &no_slab);
  std::fill(std::begin(roomy_), std::end(roomy_), none);
  in_use_ = spare_ = most_ = reserved_ = peak_ = 0;
  std::fill_n(&bins_[0][0], 2 * bin_count, none);
}

void Multipool::release() noexcept {
  if (begin_ == nullptr)
    return;
  annotate::close(begin_, top_ * slab_extent);
  forget();
  memory_.release();
  records_.release();
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
  const std::size_t number = offset / slab_extent;
  const std::size_t at = offset % slab_extent;
  // What was freed may lie above top_ now.
  if (number < std::min(reserved_, records_.ready() / sizeof(Slab))) {
    const bool used = number < top_ && slabs_[number].state != State::inside;
    const Slab* const object = number < top_ ? large_around(number) : nullptr;
    const Slab& slab = object != nullptr ? *object : slabs_[number];
    if (object != nullptr)
      throw_misuse(label(), Errc::misaligned_pointer,
                   "%p lies %zu bytes into a large object, not at its start", p,
                   static_cast<std::size_t>(static_cast<const std::byte*>(p) - slab.begin));
    if (slab.stride != 0 && (used || slab.was_used) &&
        at < slab.carved * std::size_t{slab.stride}) {
      if (at % slab.stride != 0)
        throw_misuse(label(), Errc::misaligned_pointer,
                     "%p lies %zu bytes into a block of %zu, not at its start", p, at % slab.stride,
                     slab.usable());
      throw_misuse(label(), Errc::double_free, "the block of %zu bytes at %p is free already",
                   slab.usable(), p);
    }
    if (slab.stride == 0 && slab.was_used && at == 0)
      throw_misuse(label(), Errc::double_free, "the large object at %p is free already", p);
  }
  throw_misuse(label(), Errc::foreign_pointer, "%p was not handed out by this pool", p);
}

bool Multipool::has_size(const Slab& slab, std::size_t bytes, std::size_t alignment) noexcept {
  if (!is_power_of_two(alignment))
    return false;
  const std::size_t size_class = class_of(bytes, alignment);
  if (slab.size_class == large)
    return (size_class == large || slab.loose) &&
           divide_up(std::max<std::size_t>(bytes, 1), page) == slab.carved;
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
  const std::size_t size_class = class_of(bytes, alignment);
  if (size_class == large)
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
  Slab* next = nullptr;
  if (roomy_[size_class] != none) {
    next = &slabs_[roomy_[size_class]];
    delist(*next);
  } else {
    next = start_slab(size_class);
    if (next == nullptr)
      next = find_withheld(size_class);
    if (next == nullptr)
      return false;
  }
  if (&slab != &no_slab) {
    slab.state = State::full;
    slab.wake = std::max<std::uint32_t>(slab.capacity / 16, 1);
  }
  next->state = State::current;
  next->wake = never; // a slab of each class is kept although it is empty
  current_[size_class] = next;
  if (next->free == 0)
    carve(*next);
  return true;
}

// Puts some blocks that were never handed out on the stack, the lowest on top.
void Multipool::carve(Slab& slab) noexcept {
  const std::size_t granules = slab.stride >> granule_shift;
  const std::size_t count =
      std::clamp<std::size_t>(page / slab.usable(), 1, slab.capacity - slab.carved);
  for (std::size_t i = slab.carved + count; i-- != slab.carved;)
    slab.stack[slab.free++] = static_cast<Index>(i * granules);
  slab.carved += static_cast<std::uint32_t>(count);
}

Multipool::Slab* Multipool::start_slab(std::size_t size_class) noexcept {
  const Number number = take_run(1, 1);
  if (number == none)
    return nullptr;
  const std::size_t bytes = class_bytes(size_class);
  const bool own = bytes * own_indices >= slab_bytes;
  const std::size_t capacity = slab_bytes / (own ? bytes : bytes + sizeof(Index));
  std::byte* const begin = address(number);
  std::byte* const behind = begin + red_zones.stretch(capacity * bytes);
  annotate::show(behind, static_cast<std::size_t>(begin + slab_extent - behind));
  annotate::hide(begin, static_cast<std::size_t>(behind - begin));

  Slab& slab = slabs_[number];
  slab.stack = own ? slab.own : ::new (behind) Index[capacity];
  slab.begin = begin;
  slab.free = slab.carved = 0;
  slab.stride = static_cast<std::uint32_t>(red_zones.stretch(bytes));
  slab.capacity = static_cast<std::uint32_t>(capacity);
  slab.size_class = static_cast<std::uint8_t>(size_class);
  slab.loose = false;
  return &slab;
}

// A slab that has a few free blocks, but too few to be in the list: for when there is nothing else.
Multipool::Slab* Multipool::find_withheld(std::size_t size_class) const noexcept {
  for (std::size_t i = 0; i < top_; i += run_at(i))
    if (slabs_[i].state == State::full && slabs_[i].size_class == size_class && slabs_[i].free != 0)
      return &slabs_[i];
  return nullptr;
}

void* Multipool::allocate_large(std::size_t bytes, std::size_t alignment) noexcept {
  if (bytes > reserved_ * slab_bytes)
    return nullptr;
  const std::size_t pages = divide_up(std::max<std::size_t>(bytes, 1), page);
  const std::size_t run = divide_up(pages * page, slab_bytes);
  const Number number = take_run(run, alignment);
  if (number == none)
    return nullptr;
  Slab& slab = slabs_[number];
  slab.stack = slab.own;
  slab.begin = address(number);
  slab.free = slab.stride = 0;
  slab.wake = 1;
  slab.carved = slab.capacity = static_cast<std::uint32_t>(pages);
  slab.run = static_cast<Number>(run);
  slab.state = State::large;
  slab.size_class = large;
  slab.loose = false;
  slab.live[0] = 1;
  annotate::hide(slab.begin, run * slab_extent);
  annotate::allocated(begin_, slab.begin, bytes + (bytes == 0 ? 1 : 0));
  return slab.begin;
}

// -------------------------------------------------------------------------------------------- free

void Multipool::wipe(void* p, std::size_t bytes) noexcept {
  annotate::show(p, bytes);
  std::memset(p, 0, bytes);
}

// A large object is wiped where it is given back.
void Multipool::wipe_and_settle(Slab& slab, void* p) noexcept {
  wipe(p, red_zones.shrink(slab.stride));
  annotate::freed(begin_, p, slab.usable());
  if (slab.free == slab.wake) [[unlikely]]
    settle(slab);
}

// A block was freed, and the slab has as many free ones as it waited for.
void Multipool::settle(Slab& slab) noexcept {
  const std::size_t number = number_of(slab);
  switch (slab.state) {
  case State::full:
    enlist(slab);
    break;
  case State::roomy:
    delist(slab);
    retire(slab);
    break;
  default:
    slab.state = State::inside;
    slab.was_used = true;
    give_back(number, slab.run, slab.capacity * page);
    break;
  }
}

void Multipool::enlist(Slab& slab) noexcept {
  Number& head = roomy_[slab.size_class];
  const Number number = number_of(slab);
  slab.state = State::roomy;
  slab.wake = slab.capacity;
  slab.previous = none;
  slab.next = head;
  if (head != none)
    slabs_[head].previous = number;
  head = number;
}

void Multipool::delist(Slab& slab) noexcept {
  (slab.previous == none ? roomy_[slab.size_class] : slabs_[slab.previous].next) = slab.next;
  if (slab.next != none)
    slabs_[slab.next].previous = slab.previous;
}

// The slab's blocks are free, and zero if that was asked for; so must its stack become.
void Multipool::retire(Slab& slab) noexcept {
  slab.state = State::inside;
  slab.was_used = true;
  const bool dirty = zero_ && slab.stack != slab.own;
  if (dirty)
    std::memset(slab.stack, 0, slab.capacity * sizeof(Index));
  --in_use_;
  put_run(State::spare, number_of(slab), 1);
  if (spare_ > most_spare())
    give_up(most_spare() / 2);
}

// So that load which falls and rises again costs few system calls.
std::size_t Multipool::most_spare() const noexcept {
  return std::max<std::size_t>(in_use_ / 2, 8_MiB / slab_bytes);
}

// Of the run, no more than the first `dirty` bytes were written to.
void Multipool::give_back(std::size_t number, std::size_t run, std::size_t dirty) noexcept {
  in_use_ -= run;
  if (spare_ + run <= most_spare()) {
    if (zero_)
      wipe(address(number), dirty);
    annotate::hide(address(number), dirty);
    put_run(State::spare, number, run);
  } else {
    decommit(number, run);
  }
  if (spare_ > most_spare())
    give_up(most_spare() / 2);
}

void Multipool::decommit(std::size_t number, std::size_t run) noexcept {
  annotate::show(address(number), run * slab_extent);
  os::decommit(address(number), run * slab_extent,
               memory_.is_strict() ? os::Access::none : os::Access::read_write);
  put_run(State::bare, number, run);
}

// Empty slabs that blocks are taken from next.
void Multipool::retire_idle() noexcept {
  for (Slab*& current : current_) {
    if (current != &no_slab && current->free == current->carved)
      retire(*std::exchange(current, &no_slab));
  }
}

// ---------------------------------------------------------------------------------------- resizing

bool Multipool::resize(Slab& slab, void* p, std::size_t bytes, std::size_t alignment) noexcept {
  const std::size_t size_class = class_of(bytes, alignment);
  if (size_class != slab.size_class)
    return false;
  if (size_class == large)
    return resize_large(slab, bytes);
  annotate::resized(begin_, p, slab.usable(), bytes + (bytes == 0 ? 1 : 0));
  return true;
}

bool Multipool::resize_large(Slab& slab, std::size_t bytes) noexcept {
  if (bytes > reserved_ * slab_bytes)
    return false;
  const std::size_t pages = divide_up(std::max<std::size_t>(bytes, 1), page);
  const std::size_t run = divide_up(pages * page, slab_bytes);
  if (run > slab.run && !grow_large(slab, run))
    return false;
  annotate::hide(slab.begin, slab.usable());
  if (run < slab.run)
    shrink_large(slab, run);
  slab.carved = static_cast<std::uint32_t>(pages);
  slab.capacity = std::max(slab.capacity, slab.carved);
  annotate::resized(begin_, slab.begin, slab.usable(), bytes + (bytes == 0 ? 1 : 0));
  return true;
}

// Whether the slabs [first, last) are in no use.
bool Multipool::is_free(std::size_t first, std::size_t last) const noexcept {
  for (std::size_t i = first; i < last && i < top_; i += slabs_[i].run)
    if (slabs_[i].state != State::spare && slabs_[i].state != State::bare)
      return false;
  return last <= reserved_;
}

// Takes up to `most` slabs where a free run starts, or where nothing was used yet, and gives their
// number; 0 if the system refused.
std::size_t Multipool::take_at(std::size_t number, std::size_t most) noexcept {
  if (number >= top_)
    return take_top(most, 1) != none ? most : 0;
  const State kind = slabs_[number].state;
  const std::size_t length = slabs_[number].run;
  const std::size_t part = std::min(length, most);
  if (kind == State::bare && !back(number, part))
    return 0;
  remove_run(number);
  if (part != length)
    insert_run(kind, number + part, length - part);
  return part;
}

bool Multipool::grow_large(Slab& slab, std::size_t run) noexcept {
  const std::size_t first = number_of(slab) + slab.run;
  const std::size_t last = number_of(slab) + run;
  const std::size_t more = last - first;
  if (more > most_ - in_use_ || !is_free(first, last))
    return false;
  if (in_use_ + spare_ + more > most_)
    give_up(most_ - in_use_ - more);
  for (std::size_t at = first; at < last;) {
    const std::size_t taken = take_at(at, last - at);
    if (taken == 0) {
      if (at != first)
        put_run(State::spare, first, at - first);
      return false;
    }
    at += taken;
  }
  annotate::hide(address(first), more * slab_extent);
  in_use_ += more;
  peak_ = larger(peak_, in_use_);
  slab.run = static_cast<Number>(run);
  return true;
}

void Multipool::shrink_large(Slab& slab, std::size_t run) noexcept {
  const std::size_t kept = run * slab_extent / page;
  const std::size_t dirty = slab.capacity > kept ? slab.capacity - kept : 0;
  const std::size_t surplus = slab.run - run;
  slab.capacity -= static_cast<std::uint32_t>(dirty);
  slab.run = static_cast<Number>(run);
  give_back(number_of(slab) + run, surplus, dirty * page);
}

// The block gets a size of another class, which it has room for.
void Multipool::loosen(Slab& slab, void* p, std::size_t bytes) noexcept {
  slab.loose = true;
  if (slab.size_class == large)
    (void)resize_large(slab, bytes);
  else
    annotate::resized(begin_, p, slab.usable(), bytes + (bytes == 0 ? 1 : 0));
}

// Null, and nothing changed, if there is no room for what is longer.
void* Multipool::move(Slab& slab, void* p, std::size_t bytes, std::size_t alignment) noexcept {
  const std::size_t usable = slab.usable();
  void* const moved = try_allocate(bytes, alignment);
  if (moved == nullptr) {
    if (bytes > usable || padding(reinterpret_cast<std::uintptr_t>(p), alignment) != 0)
      return nullptr;
    loosen(slab, p, bytes);
    return p;
  }
  annotate::show(p, usable);
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
  if (resize(*slab, p, new_bytes, granule))
    return true;
  if (new_bytes > slab->usable())
    return false;
  loosen(*slab, p, new_bytes);
  return true;
}

// ---------------------------------------------------------------------------------- the whole pool

std::size_t Multipool::run_at(std::size_t number) const noexcept {
  const State state = slabs_[number].state;
  const bool single = state == State::current || state == State::roomy || state == State::full;
  return single ? 1 : slabs_[number].run;
}

// The large object that the slab is inside of, or null.
const Multipool::Slab* Multipool::large_around(std::size_t number) const noexcept {
  if (slabs_[number].state != State::inside)
    return slabs_[number].state == State::large ? &slabs_[number] : nullptr;
  std::size_t i = 0;
  while (i + run_at(i) <= number)
    i += run_at(i);
  return slabs_[i].state == State::large ? &slabs_[i] : nullptr;
}

bool Multipool::owns(const void* p) const noexcept {
  const std::size_t offset =
      reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(begin_);
  const std::size_t number = offset / slab_extent;
  if (number >= top_)
    return false;
  if (const Slab* const object = large_around(number))
    return static_cast<std::size_t>(static_cast<const std::byte*>(p) - object->begin) <
           object->usable();
  const Slab& slab = slabs_[number];
  if (slab.state == State::inside || slab.state == State::spare || slab.state == State::bare)
    return false;
  const std::size_t at = offset % slab_extent;
  return at % slab.stride < slab.usable() &&
         find(static_cast<const std::byte*>(p) - at % slab.stride);
}

std::size_t Multipool::used() const noexcept {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < top_; i += run_at(i)) {
    const Slab& slab = slabs_[i];
    if (slab.state == State::large)
      bytes += slab.usable();
    else if (slab.state != State::spare && slab.state != State::bare)
      bytes += (slab.carved - slab.free) * slab.usable();
  }
  return bytes;
}

void Multipool::reset() {
  check_usable();
  annotate::truncated(begin_, begin_, 0);
  for (std::size_t i = 0; i < top_;) {
    Slab& slab = slabs_[i];
    const std::size_t run = run_at(i);
    if (slab.state == State::spare || slab.state == State::bare) {
      i += run;
      continue;
    }
    const std::size_t written =
        slab.state == State::large ? slab.capacity * page : slab.carved * std::size_t{slab.stride};
    if (zero_) {
      wipe(slab.begin, written);
      if (slab.state != State::large && slab.stack != slab.own)
        std::memset(slab.stack, 0, slab.capacity * sizeof(Index));
    }
    annotate::hide(slab.begin, written);
    std::fill(std::begin(slab.live), std::end(slab.live), 0);
    slab.state = State::inside;
    slab.was_used = true;
    const std::size_t next = i + run;
    i = next < top_ && slabs_[next].state == State::spare ? next + slabs_[next].run : next;
    put_run(State::spare, next - run, run);
  }
  std::fill(std::begin(current_), std::end(current_), &no_slab);
  std::fill(std::begin(roomy_), std::end(roomy_), none);
  in_use_ = 0;
}

void Multipool::trim(std::size_t keep) {
  check_usable();
  retire_idle();
  give_up(divide_up(keep, slab_bytes));
}

// --------------------------------------------------------------------------------------- free runs

Multipool::Number Multipool::take_run(std::size_t run, std::size_t alignment) noexcept {
  if (run > most_ - in_use_)
    retire_idle();
  if (run > most_ - in_use_)
    return none;
  Number number = take_free(State::spare, run, alignment);
  if (number == none) {
    if (in_use_ + spare_ + run > most_)
      give_up(most_ - in_use_ - run);
    number = take_free(State::bare, run, alignment);
  }
  if (number == none)
    number = take_top(run, alignment);
  if (number == none) { // the addresses are scattered: all that is free in one piece
    retire_idle();
    give_up(0);
    number = take_free(State::bare, run, alignment);
    if (number == none)
      number = take_top(run, alignment);
  }
  if (number != none) {
    in_use_ += run;
    peak_ = larger(peak_, in_use_);
  }
  return number;
}

// First fit among the runs of the needed length's power of two, then any that is longer.
Multipool::Number Multipool::take_free(State kind, std::size_t run,
                                       std::size_t alignment) noexcept {
  const std::size_t needed =
      saturating_add(run, std::max(alignment, slab_extent) / slab_extent - 1);
  Number number = none;
  for (auto bin = static_cast<std::size_t>(std::bit_width(needed) - 1);
       bin < bin_count && number == none; ++bin) {
    number = bins_[kind == State::spare ? 0 : 1][bin];
    while (number != none && slabs_[number].run < needed)
      number = slabs_[number].next;
  }
  if (number == none)
    return none;
  const std::size_t length = slabs_[number].run;
  const std::size_t skip =
      padding(reinterpret_cast<std::uintptr_t>(address(number)), std::max(alignment, slab_extent)) /
      slab_extent;
  const std::size_t first = number + skip;
  if (kind == State::bare && !back(first, run))
    return none;
  remove_run(number);
  if (skip != 0)
    insert_run(kind, number, skip);
  if (length != skip + run)
    insert_run(kind, first + run, length - skip - run);
  return static_cast<Number>(first);
}

Multipool::Number Multipool::take_top(std::size_t run, std::size_t alignment) noexcept {
  const std::size_t skip =
      padding(reinterpret_cast<std::uintptr_t>(address(top_)), std::max(alignment, slab_extent)) /
      slab_extent;
  if (skip > reserved_ - top_ || run > reserved_ - top_ - skip)
    return none;
  const std::size_t first = top_ + skip;
  if (!records_.commit((first + run) * sizeof(Slab)) || !back(first, run))
    return none;
  if (skip != 0)
    insert_run(State::bare, top_, skip);
  set_top(first + run);
  return static_cast<Number>(first);
}

bool Multipool::back(std::size_t number, std::size_t run) noexcept {
  return !memory_.is_strict() || os::commit(address(number), run * slab_extent);
}

// Joins a free run with its neighbours of the same kind.
void Multipool::put_run(State kind, std::size_t number, std::size_t run) noexcept {
  if (number != 0 && slabs_[number - 1].state == kind) {
    const std::size_t before = slabs_[number - 1].run;
    remove_run(number - before);
    number -= before;
    run += before;
  }
  if (number + run < top_ && slabs_[number + run].state == kind) {
    const std::size_t behind = slabs_[number + run].run;
    remove_run(number + run);
    run += behind;
  }
  if (kind == State::bare && number + run == top_)
    set_top(number);
  else
    insert_run(kind, number, run);
}

void Multipool::insert_run(State kind, std::size_t number, std::size_t run) noexcept {
  Slab& first = slabs_[number];
  Slab& last = slabs_[number + run - 1];
  Number& head = bin_of(kind, run);
  first.state = last.state = kind;
  first.run = last.run = static_cast<Number>(run);
  first.previous = none;
  first.next = head;
  if (head != none)
    slabs_[head].previous = static_cast<Number>(number);
  head = static_cast<Number>(number);
  if (kind == State::spare)
    spare_ += run;
}

void Multipool::remove_run(std::size_t number) noexcept {
  Slab& first = slabs_[number];
  const State kind = first.state;
  (first.previous == none ? bin_of(kind, first.run) : slabs_[first.previous].next) = first.next;
  if (first.next != none)
    slabs_[first.next].previous = first.previous;
  if (kind == State::spare)
    spare_ -= first.run;
  first.state = slabs_[number + first.run - 1].state = State::inside;
}

// Gives memory of free slabs to the system, until no more than `keep` slabs have some.
void Multipool::give_up(std::size_t keep) noexcept {
  for (std::size_t bin = bin_count; bin-- != 0 && spare_ > keep;) {
    while (bins_[0][bin] != none && spare_ > keep) {
      const std::size_t number = bins_[0][bin];
      const std::size_t run = slabs_[number].run;
      const std::size_t surplus = std::min(run, spare_ - keep);
      remove_run(number);
      if (run != surplus)
        insert_run(State::spare, number, run - surplus);
      decommit(number + run - surplus, surplus);
    }
  }
}

} // namespace ALLOT_ABI
} // namespace allot
