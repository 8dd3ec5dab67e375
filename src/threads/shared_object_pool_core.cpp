#include <allot/threads/shared_object_pool_core.hpp>

#include <algorithm>
#include <mutex>
#include <new>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

// --------------------------------------------------------------------------------- taken, put back

SharedObjectPoolCore::Entry SharedObjectPoolCore::take_slow(State as) {
  return get(as, true);
}

SharedObjectPoolCore::Entry SharedObjectPoolCore::try_take_slow(State as) noexcept {
  return get(as, false);
}

SharedObjectPoolCore::Entry SharedObjectPoolCore::get(State as, bool may_throw) {
  for (;;) {
    Part* const mine = find_part();
    Entry entry{};
    if (mine != nullptr && take(*mine, entry, as))
      return entry;
    {
      const std::lock_guard lock(shared_.mutex);
      entry = take_with_lock(mine, may_throw);
    }
    if (entry.object == nullptr) {
      if (may_throw)
        refuse_more();
      return entry;
    }
    if (is_to_make(entry) || claim(entry, as))
      return entry;
    report_returned_twice(entry.object);
  }
}

// What is returned is preferred to what would have to be made, but for what lies idle at other
// threads: they would make others then.
SharedObjectPoolCore::Entry SharedObjectPoolCore::take_with_lock(Part* mine, bool may_throw) {
  if (freed())
    return {};
  collect();
  if (mine == nullptr)
    mine = attach();
  if (mine != nullptr && mine->magazine.count() != 0) // it was closed
    return mine->magazine.pop();
  if (depot_.size() == 0) {
    Group& group = mine != nullptr ? mine->group : group_;
    const Entry slot = slot_to_make(group);
    if (slot.object != nullptr)
      return slot;
    if (!gather())
      return may_throw && grow() ? slot_to_make(group) : Entry{};
  }
  const Entry entry = depot_.pop();
  if (mine != nullptr)
    mine->magazine.refill(depot_, share());
  peak_ = larger(peak_, objects_ - depot_.size());
  return entry;
}

// Null: there is no memory, and no thread has a slot.
SharedObjectPoolCore::Entry SharedObjectPoolCore::slot_to_make(Group& mine) noexcept {
  if (const Entry slot = take_vacant(); slot.object != nullptr)
    return slot;
  if (mine.empty())
    mine = take_group(true);
  if (mine.empty())
    mine = next_group();
  if (mine.empty())
    mine = try_grow() ? next_group() : take_group(false);
  return mine.empty() ? Entry{} : take_fresh(mine);
}

// Of a thread that ended, or of any; empty if there is none.
SharedObjectPoolCore::Group SharedObjectPoolCore::take_group(bool left) noexcept {
  for (ThreadPart* at = shared_.parts(); at != nullptr; at = at->next_of_shared)
    if (auto& part = static_cast<Part&>(*at); !part.group.empty() && (part.left || !left))
      return std::exchange(part.group, {});
  return left ? Group{} : std::exchange(group_, {});
}

void SharedObjectPoolCore::made(Entry slot, State as) noexcept {
  mark(slot.state, as);
  const std::lock_guard lock(shared_.mutex);
  ++objects_;
  ++made_;
  peak_ = larger(peak_, objects_ - depot_.size());
}

void SharedObjectPoolCore::undo(Entry entry, bool made) noexcept {
  annotate::hide(entry.object, kind_->size);
  if (made)
    return put(find_part(), entry);
  const std::lock_guard lock(shared_.mutex);
  add_vacant(entry);
}

void SharedObjectPoolCore::put_slow(Entry entry) noexcept {
  Part* mine = find_part();
  if (mine != nullptr && mine->magazine.put(mine->lock, entry))
    return;
  bool kept = false;
  {
    const std::lock_guard lock(shared_.mutex);
    collect();
    if (mine == nullptr)
      mine = attach();
    kept =
        mine == nullptr ? depot_.push(entry) : mine->magazine.put_or_spill(depot_, entry, share());
  }
  if (!kept)
    report_returned_twice(entry.object);
}

// False: it is no object that is in use in this way.
bool SharedObjectPoolCore::put_elsewhere(void* object, State was) noexcept {
  const Slots* const slots = slots_of(object);
  if (slots == nullptr)
    return false;
  const std::size_t index = kind_->by_stride.quotient(offset_in(*slots, object));
  if (index >= slots->count || slots->states[index] != was)
    return false;
  Part* const mine = find_part();
  if (mine != nullptr)
    mine->recent = slots;
  annotate::hide(object, kind_->size);
  put(mine, {object, slots->states + index});
  return true;
}

void SharedObjectPoolCore::give_back_elsewhere(void* object) {
  if (!put_elsewhere(object, State::taken))
    refuse(object);
}

void SharedObjectPoolCore::end_lease_elsewhere(void* object) noexcept {
  if (!put_elsewhere(object, State::lent))
    report_misuse(label(), Errc::foreign_pointer,
                  "a lease ended whose object is not here any more");
}

void SharedObjectPoolCore::visit_used(void (*visit)(void* context, void* object), void* context) {
  check_usable();
  const Call call(*this, find_part());
  for (std::size_t i = chunk_count_; i-- != 0;) {
    const Slots& slots = chunk(i);
    for (std::size_t j = 0; j != slots.count; ++j)
      if (const State found = state(slots.states + j);
          found == State::taken || found == State::lent)
        visit(context, address(slots, j));
  }
}

// ----------------------------------------------------------------------------- with the mutex held

void SharedObjectPoolCore::collect() noexcept {
  shared_.collect([this](ThreadPart& left) {
    auto& part = static_cast<Part&>(left);
    (void)part.magazine.empty_into(depot_);
    part.recent = &no_slots;
    part.left = true;
    part.calls = 0; // in the child of a fork, none of another thread's runs
    --threads_;
  });
}

// Null: the thread ends, or there is no memory.
SharedObjectPoolCore::Part* SharedObjectPoolCore::attach() noexcept {
  if (!Shared::thread_has_parts())
    return nullptr;
  ThreadPart* part = shared_.take_idle();
  if (part == nullptr) {
    Part* const made = new_part();
    if (made == nullptr)
      return nullptr;
    shared_.add(*made);
    part = shared_.take_idle();
  }
  shared_.attach(*part);
  ++threads_;
  auto* const mine = static_cast<Part*>(part);
  mine->left = false;
  return mine;
}

SharedObjectPoolCore::Part* SharedObjectPoolCore::new_part() noexcept {
  constexpr std::size_t bytes =
      (sizeof(Part) + (most_idle + 1) * sizeof(Entry) + line - 1) & ~(line - 1);
  Buffer memory;
  (void)null_if_thrown([&] {
    memory = !options_.upstream ? Buffer::try_heap(bytes, line, {.zero = false})
                                : Buffer::from(options_.upstream, bytes, line, label());
    return memory.data();
  });
  std::byte* const at = memory.data();
  if (at == nullptr)
    return nullptr;
  held_ += memory.size();
  Part* const part = ::new (at) Part(shared_, reinterpret_cast<Entry*>(at + sizeof(Part)));
  part->memory = std::move(memory);
  return part;
}

// What lies idle in magazines goes to the depot. False: nothing does.
bool SharedObjectPoolCore::gather() noexcept {
  if (idle() == 0 || !shared_.close_parts())
    return false;
  empty_magazines();
  shared_.open_parts();
  return depot_.size() != 0;
}

void SharedObjectPoolCore::empty_magazines() noexcept {
  for (ThreadPart* part = shared_.parts(); part != nullptr; part = part->next_of_shared)
    (void)static_cast<Part*>(part)->magazine.empty_into(depot_);
}

// So many may lie in a magazine. None where threads would take from each other.
std::size_t SharedObjectPoolCore::share() const noexcept {
  return scarce_ ? std::min(most_idle, depot_.size() / (2 * threads_)) : most_idle;
}

std::size_t SharedObjectPoolCore::idle() const noexcept {
  std::size_t count = 0;
  for (const ThreadPart* part = shared_.parts(); part != nullptr; part = part->next_of_shared)
    count += static_cast<const Part*>(part)->magazine.count();
  return count;
}

// ------------------------------------------------------------------------------- shrunk, released

bool SharedObjectPoolCore::in_callable() noexcept {
  const std::lock_guard lock(shared_.mutex);
  collect();
  std::size_t calls = calls_;
  for (const ThreadPart* part = shared_.parts(); part != nullptr; part = part->next_of_shared)
    calls += static_cast<const Part*>(part)->calls;
  return calls != 0;
}

void SharedObjectPoolCore::trim(std::size_t keep) {
  check_usable();
  if (in_callable())
    throw_busy(label(), "one of its callables runs");
  Chunk* leaving = nullptr;
  {
    const std::lock_guard lock(shared_.mutex);
    collect();
    empty_magazines();
    std::size_t excess = depot_.size() - smaller(depot_.size(), keep);
    leaving = unlink_leaving(excess);
    forget_leaving(group_);
    for (ThreadPart* at = shared_.parts(); at != nullptr; at = at->next_of_shared) {
      auto& part = static_cast<Part&>(*at);
      part.recent = &no_slots;
      forget_leaving(part.group);
    }
    restock(excess);
  }
  // The rest is as if other threads destroyed objects: destructors may use the pool.
  const Call call(*this, find_part());
  free_leaving(leaving);
  destroy_leaving(shared_.mutex);
}

// Whether a callable runs, which is reported then.
bool SharedObjectPoolCore::called_back(const char* done) noexcept {
  if (!in_callable())
    return false;
  report_misuse(label(), Errc::busy, "%s with %zu leases out, while one of its callables runs",
                done, leases());
  return true;
}

void SharedObjectPoolCore::release() noexcept {
  if (freed() || called_back("released"))
    return;
  if (const std::size_t out = leases(); out != 0)
    return report_misuse(label(), Errc::busy, "released with %zu leases out", out);
  free_all();
}

void SharedObjectPoolCore::end() noexcept {
  if (freed())
    return;
  if (called_back("destroyed")) // somebody is in there: its memory must stay
    return shared_.forget_parts();
  if (const std::size_t out = leases(); out != 0)
    report_misuse(label(), Errc::busy, "destroyed with %zu leases out", out);
  free_all();
}

void SharedObjectPoolCore::free_all() noexcept {
  ThreadPart* part = shared_.parts();
  shared_.forget_parts();
  while (part != nullptr) {
    auto& gone = static_cast<Part&>(*std::exchange(part, part->next_of_shared));
    const Buffer memory = std::move(gone.memory);
  }
  peak_ = threads_ = 0;
  group_ = {};
  free_chunks();
}

// -------------------------------------------------------------------------------------------- told

ObjectPoolStats SharedObjectPoolCore::stats() const noexcept {
  const std::lock_guard lock(shared_.mutex);
  const std::size_t bytes = red_zones.shrink(kind_->stride);
  // One that one thread takes and another gives back may be seen in both magazines.
  const std::size_t available = smaller(depot_.size() + idle(), objects_);
  const std::size_t in_use = objects_ - available;
  return {available,
          in_use,
          made_,
          capacity_,
          {name(), objects_ * bytes, in_use * bytes, available * bytes, peak_ * bytes, held_}};
}

std::size_t SharedObjectPoolCore::peak() const noexcept {
  const std::lock_guard lock(shared_.mutex);
  return peak_;
}

void SharedObjectPoolCore::reset_peak() noexcept {
  const std::lock_guard lock(shared_.mutex);
  collect();
  (void)gather();
  peak_ = objects_ - depot_.size();
}

void SharedObjectPoolCore::check_usable() const {
  if (freed())
    throw_released(label());
}

void SharedObjectPoolCore::refuse(const void* object) const {
  check_usable();
  const Slots* const slots = slots_of(object);
  const std::size_t offset = slots == nullptr ? 0 : offset_in(*slots, object);
  const State found =
      slots == nullptr ? State::fresh : state(slots->states + offset / kind_->stride);
  if (found == State::fresh)
    throw_misuse(label(), Errc::foreign_pointer, "%p is not one of its %zu objects", object,
                 stats().in_use + stats().available);
  if (const std::size_t inside = offset % kind_->stride; inside != 0)
    throw_misuse(label(), Errc::misaligned_pointer, "%p lies %zu bytes into an object", object,
                 inside);
  if (found == State::lent)
    throw_misuse(label(), Errc::busy, "the object at %p is on a lease", object);
  if (found == State::vacant || found == State::leaving)
    throw_misuse(label(), Errc::foreign_pointer, "the object at %p was destroyed", object);
  throw_misuse(label(), Errc::double_free, "the object at %p was given back already", object);
}

void SharedObjectPoolCore::refuse_more() const {
  check_usable();
  if (chunk_count_ == most_chunks)
    throw_exhausted(label(), Errc::no_room, "it has %zu chunks, and can have no more", most_chunks);
  throw_exhausted(label(), Errc::system_refused, "the heap refused %zu objects of %zu bytes",
                  ObjectPoolCore::least_count, kind_->size);
}

void SharedObjectPoolCore::report_returned_twice(const void* object) const noexcept {
  report_misuse(label(), Errc::double_free,
                "the object at %p was given back by two threads at a time", object);
}

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
