#include <allot/threads/shared_arena.hpp>

#include <algorithm>
#include <mutex>
#include <new>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

namespace detail {

inline constexpr std::uint64_t nameable_by_32_bits = std::uint64_t{granule} << 32;

Label ArenaPart::label() const noexcept {
  return arena_.label();
}

void* ArenaPart::try_allocate_slow(std::size_t bytes, std::size_t alignment) noexcept {
  return arena_.take(*this, bytes, alignment);
}

void* ArenaPart::allocate_slow(std::size_t bytes, std::size_t alignment) {
  if (void* const p = arena_.take(*this, bytes, alignment))
    return p;
  arena_.refuse(this, bytes, alignment);
}

} // namespace detail

// ------------------------------------------------------------------------ from and to its source

SharedArena::SharedArena(std::size_t bytes, const SharedArenaOptions& options)
    : name_(options.name),
      memory_(label(), bytes, {.huge_pages = options.huge_pages, .commit = options.commit},
              {options.zero, options.chunk_bytes}),
      first_(*this, shared_, memory_.gap()) {
  set_up();
}

SharedArena::SharedArena(Buffer buffer, const SharedArenaOptions& options)
    : name_(options.name), memory_(label(), std::move(buffer), {options.zero, options.chunk_bytes}),
      first_(*this, shared_, memory_.gap()) {
  set_up();
}

void SharedArena::set_up() noexcept {
  nameable_ = memory_.extent() > detail::nameable_by_32_bits ? 0 : memory_.extent();
  const std::lock_guard lock(shared_.mutex);
  shared_.add(first_);
}

SharedArena::~SharedArena() {
  release();
  if (!freed()) // which was told
    shared_.forget_parts();
}

void SharedArena::reset() {
  if (const char* const inside = close_unless_inside(); inside != nullptr)
    throw_misuse(label(), Errc::busy, "reset while %s", inside);
  if (freed())
    throw_released(label());
  take_all_back();
  memory_.reset();
  first_.~ArenaPart();
  ::new (&first_) Part(*this, shared_, memory_.gap());
  const std::lock_guard lock(shared_.mutex);
  shared_.add(first_);
  state_.store(State::open, std::memory_order_relaxed);
}

void SharedArena::release() noexcept {
  if (const char* const inside = close_unless_inside(); inside != nullptr)
    return report_misuse(label(), Errc::busy, "released while %s", inside);
  if (freed())
    return;
  take_all_back();
  memory_.release();
  nameable_ = 0;
  state_.store(State::released, std::memory_order_relaxed);
}

// Who is inside; null if nobody is. No request is served then, nor a part given, until it is open
// again, unless it was released.
const char* SharedArena::close_unless_inside() noexcept {
  const std::lock_guard lock(shared_.mutex);
  if (freed())
    return nullptr;
  if (state() == State::destroying)
    return own_destructors;
  collect();
  if (is_visited())
    return "a thread is inside";
  state_.store(State::destroying, std::memory_order_relaxed);
  keep_peak();
  for_each_part([](Part& part) { part.close(); });
  return nullptr;
}

// User code runs, which may ask what is used.
void SharedArena::take_all_back() noexcept {
  for_each_part([](Part& part) { part.cleanups().destroy_back_to({}); });
  shared_.forget_parts();
  parts_bytes_ = 0;
}

// --------------------------------------------------------------------------------- parts of
// threads

SharedArena::Part* SharedArena::own_part() const noexcept {
  if (Part* const found = part())
    return found;
  detail::ThreadPart* const part = shared_.find_part();
  return part == nullptr ? nullptr : &static_cast<Part&>(*part);
}

SharedArena::Part* SharedArena::find_part(bool& lent) noexcept {
  if (Part* const part = own_part())
    return part;
  const std::lock_guard lock(shared_.mutex);
  if (state() != State::open)
    return nullptr;
  collect();
  detail::ThreadPart* idle = shared_.take_idle();
  if (idle == nullptr && add_part())
    idle = shared_.take_idle();
  if (idle == nullptr)
    return nullptr;
  Part& part = static_cast<Part&>(*idle);
  part.idle = false;
  lent = !detail::Shared::thread_has_parts();
  if (!lent)
    shared_.attach(part);
  return &part;
}

void SharedArena::take_back(Part& part) noexcept {
  const std::lock_guard lock(shared_.mutex);
  part.idle = true;
  shared_.make_idle(part);
}

bool SharedArena::add_part() noexcept {
  const detail::ChunkMemory::Apart room = memory_.take_apart(sizeof(Part), alignof(Part));
  if (room.p == nullptr)
    return false;
  shared_.add(*::new (room.p) Part(*this, shared_, memory_.gap()));
  parts_bytes_ += room.bytes;
  return true;
}

void SharedArena::collect() noexcept {
  shared_.collect([](detail::ThreadPart& part) { static_cast<Part&>(part).leave_for_good(); });
}

template <class Do>
void SharedArena::for_each_part(Do what) const noexcept {
  for (detail::ThreadPart* part = shared_.parts(); part != nullptr; part = part->next_of_shared)
    what(static_cast<Part&>(*part));
}

template <class Of>
std::size_t SharedArena::sum(Of of) const noexcept {
  std::size_t sum = 0;
  for_each_part([&](const Part& part) { sum += of(part); });
  return sum;
}

bool SharedArena::is_visited() const noexcept {
  return sum([](const Part& part) { return part.visits() + (part.is_exchanging() ? 1 : 0); }) != 0;
}

// ---------------------------------------------------------------------------------------- requests

void* SharedArena::try_allocate_slow(std::size_t bytes, std::size_t alignment) noexcept {
  bool lent = false;
  Part* const part = find_part(lent);
  if (part == nullptr)
    return nullptr;
  void* const p = part->try_allocate(bytes, alignment);
  if (lent)
    take_back(*part);
  return p;
}

void* SharedArena::allocate_slow(std::size_t bytes, std::size_t alignment) {
  if (void* const p = try_allocate_slow(bytes, alignment))
    return p;
  refuse(own_part(), bytes, alignment);
}

// What is taken from the frontier is the part's before a fork. Where memory must be committed, no
// other thread moves the frontier meanwhile.
template <class Take>
auto SharedArena::at_frontier(Part& part, Take take) noexcept {
  if (!memory_.is_strict() && part.lock.enter()) {
    const auto taken = take();
    part.lock.leave();
    return taken;
  }
  const std::lock_guard lock(shared_.mutex);
  return take();
}

void* SharedArena::take(Part& part, std::size_t bytes, std::size_t alignment) noexcept {
  if (state() != State::open || !is_power_of_two(alignment))
    return nullptr;
  if (bytes == 0)
    return part.nothing(alignment);
  if (void* const p = part.take_beyond(bytes, alignment))
    return p;
  if (void* const p = at_frontier(part, [&] { return memory_.take(part, bytes, alignment); }))
    return p;
  const std::lock_guard lock(shared_.mutex);
  if (void* const p = memory_.take(part, bytes, alignment))
    return p;
  return find_rest(part, bytes, alignment) ? part.take_beyond(bytes, alignment) : nullptr;
}

// Exchanges what the part has left for what threads left that ended, if that has room.
bool SharedArena::find_rest(Part& part, std::size_t bytes, std::size_t alignment) noexcept {
  collect();
  for (detail::ThreadPart* each = shared_.parts(); each != nullptr; each = each->next_of_shared) {
    Part& other = static_cast<Part&>(*each);
    if (!other.idle || !other.has_room(bytes, alignment))
      continue;
    const Part::Rest mine = part.exchange({});
    (void)part.exchange(other.exchange(mine));
    return true;
  }
  return false;
}

bool SharedArena::try_resize(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept {
  if (state() != State::open)
    return false;
  Part* const part = own_part();
  const auto at = static_cast<std::byte*>(p);
  if (part != nullptr && part->is_newest(p, old_bytes)) {
    if (!part->reaches(at, new_bytes) &&
        !at_frontier(*part, [&] { return memory_.grow(*part, at, new_bytes); }))
      return false;
    part->resize_newest(at, old_bytes, new_bytes);
    return true;
  }
  if (new_bytes == 0 || new_bytes > old_bytes || !holds(p, old_bytes))
    return false;
  annotate::hide(at + new_bytes, old_bytes - new_bytes);
  return true;
}

bool SharedArena::holds(const void* p, std::size_t bytes) const noexcept {
  if (!memory_.is_taken(p, bytes))
    return false;
  const Part* const part = own_part(); // what is left in it is not allocated
  const auto at = static_cast<const std::byte*>(p);
  return part == nullptr || at >= part->end() || at + memory_.gap().stretch(bytes) <= part->head();
}

void SharedArena::refuse(const Part* part, std::size_t bytes, std::size_t alignment) const {
  if (freed())
    throw_released(label());
  if (state() == State::destroying)
    throw_busy(label(), own_destructors);
  if (!is_power_of_two(alignment))
    throw_bad_alignment(label(), alignment);
  const std::size_t left = memory_.left();
  const std::size_t most = part == nullptr ? sizeof(Part) : detail::most_taken(bytes, alignment);
  if (memory_.is_strict() && most <= left)
    throw_exhausted(label(), Errc::system_refused,
                    "the system refused to commit %zu bytes, %zu of %zu committed", bytes,
                    committed(), capacity());
  if (part == nullptr)
    throw_exhausted(label(), Errc::no_room,
                    "%zu bytes asked, and %zu for a thread's part, %zu of %zu left", bytes,
                    sizeof(Part), left, capacity());
  throw_full(label(), bytes, part->rest() + left, capacity());
}

// ----------------------------------------------------------------------------------------- offsets

void SharedArena::refuse_offset_of(const void* p, std::size_t offset_bytes) const {
  if (freed())
    throw_released(label());
  const std::uint64_t distance = distance_of(p);
  if (distance >= memory_.extent())
    throw_misuse(label(), Errc::foreign_pointer, "%p has no offset: not from here", p);
  if (distance % granule != 0)
    throw_misuse(label(), Errc::misaligned_pointer, "%p has no offset: not a multiple of 8", p);
  throw_misuse(label(), Errc::overflow, "offsets of %zu bits name 32 GiB, not %zu bytes",
               offset_bytes * 8, static_cast<std::size_t>(memory_.extent()));
}

void SharedArena::refuse_at(std::uint64_t offset) const {
  if (freed())
    throw_released(label());
  throw_misuse(label(), Errc::out_of_bounds, "offset %llu, of %llu",
               static_cast<unsigned long long>(offset),
               static_cast<unsigned long long>(memory_.extent() / granule));
}

// ------------------------------------------------------------------------------------------
// figures

std::size_t SharedArena::used() const noexcept {
  const std::lock_guard lock(shared_.mutex);
  return sum([](const Part& part) { return part.observe_used(); });
}

std::size_t SharedArena::lost() const noexcept {
  const std::lock_guard lock(shared_.mutex);
  return parts_bytes_ + sum([](const Part& part) { return part.lost(); });
}

std::size_t SharedArena::available() const noexcept {
  const std::size_t gone = lost() + used();
  return capacity() - std::min(gone, capacity());
}

std::size_t SharedArena::peak() const noexcept {
  const std::lock_guard lock(shared_.mutex);
  keep_peak();
  return peak_;
}

void SharedArena::keep_peak() const noexcept {
  const std::size_t now = sum([](const Part& part) { return part.observe_peak(); });
  peak_ = std::max(peak_, std::min(now, capacity()));
}

void SharedArena::reset_peak() noexcept {
  const std::lock_guard lock(shared_.mutex);
  for_each_part([](Part& part) { part.reset_peak(); });
  peak_ = 0;
}

std::size_t SharedArena::objects() const noexcept {
  const std::lock_guard lock(shared_.mutex);
  return sum([](const Part& part) { return part.objects(); });
}

} // namespace ALLOT_ABI
} // namespace allot
