#include <allot/region.hpp>

#include <algorithm>
#include <cstring>

namespace allot {
inline namespace ALLOT_ABI {

// What is lost, and why the bounds hold. An arena is left for the next one with `tail` bytes unused
// only because a request of more than that did not fit, which the next arena serves: so all tails
// together are less than what is used, and arenas in use hold at most twice that and the rest of
// the current one. Before an arena is made that would break the bound with the spares that there
// are, spares go. Where one size is asked for, a tail is less than the size; if that is more than a
// quarter of an arena, the requests get arenas of their own. Nothing of this asks how large the
// next arena is, so that it may be as small as upstream has it.

Region::Region(const RegionOptions& options)
    : source_(options.upstream, options.zero), options_(options) {
  start();
  reserve_records();
}

Region::Region(Buffer first, const RegionOptions& options)
    : source_(options.upstream, options.zero), options_(options) {
  start();
  const std::size_t front = ArenaStore::bytes_in_front(first);
  if (first.size() <= front)
    throw_misuse(label(), Errc::bad_size,
                 "a first buffer of %zu bytes has no room for an arena's header of %zu",
                 first.size(), front);
  BufferRecords room;
  const bool holds_records = !first.is_from_heap();
  if (holds_records)
    room.prepare(records(), first, options.marks, label(), front);
  else
    reserve_records();
  Cursor usable = over(first);
  if (holds_records)
    (void)room.set_aside(records(), usable, options.marks);
  store_.adopt_first(std::move(first), usable);
  options_.limit = std::max(options_.limit, capacity());
}

void Region::reserve_records() {
  if (options_.marks > few_records)
    record_room_.grow(records(), options_.marks, label(), options_.upstream);
}

void Region::start() {
  if (options_.arena_size == 0)
    throw_misuse(label(), Errc::bad_size, "an arena size of 0 bytes was asked for");
  options_.arena_size = saturating_round_up(options_.arena_size, granule);
  options_.max_arena_size = saturating_round_up(options_.max_arena_size, granule);
  start_sizes();
}

void Region::start_sizes() noexcept {
  next_size_ = options_.arena_size;
  source_.forget_refusals();
}

Region& Region::operator=(Region&& other) noexcept {
  if (this != &other && !objects_.report_running(label(), "assigned to") &&
      !other.objects_.report_running(label(), "moved")) {
    end_scopes("assigned to");
    other.end_scopes("moved");
    release();
    store_.clear();
    Rewinding::operator=(static_cast<Rewinding&&>(other)); // its own part
    cursor_ = std::move(other.cursor_);
    objects_ = std::move(other.objects_);
    depth_ = std::exchange(other.depth_, 0);
    retired_ = std::exchange(other.retired_, 0);
    peak_ = std::exchange(other.peak_, 0);
    peak_before_ = std::exchange(other.peak_before_, 0);
    current_ = std::exchange(other.current_, nullptr);
    store_ = std::exchange(other.store_, ArenaStore());
    next_size_ = std::exchange(other.next_size_, 0);
    source_ = other.source_;
    record_room_ = std::move(other.record_room_);
    options_ = other.options_;
  }
  return *this;
}

Region::~Region() {
  end_scopes("destroyed");
  release();
  store_.clear();
}

void Region::refuse_use() const {
  if (freed())
    throw_released(label());
  throw_busy(label(), "its own destructors run");
}

// ------------------------------------------------------------------------------------- allocation

// Into the spare that was left last, if it has room: the usual end of an arena, once a region has
// been reset. Null: it has not, or there is none.
void* Region::take_in_spare(std::size_t bytes, std::size_t alignment) noexcept {
  const std::size_t quarter = next_size_ / 4 / granule * granule;
  const std::size_t room = store_.newest_spare_size();
  if (alignment != granule || objects_.running() ||
      !allot::fits(bytes, current_ == nullptr ? room : std::min(room, quarter)) ||
      (current_ != nullptr && allot::fits(bytes, cursor_.available())))
    return nullptr;
  enter(store_.take_newest_spare());
  return cursor_.fits(bytes) ? cursor_.take(bytes) : cursor_.take_slow(bytes, alignment);
}

void* Region::try_allocate_slow(std::size_t bytes, std::size_t alignment) noexcept {
  if (void* p = take_in_spare(bytes, alignment)) [[likely]]
    return p;
  if (!usable() || !is_power_of_two(alignment))
    return nullptr;
  return detail::null_if_thrown([&] { return grow(bytes, alignment); });
}

void* Region::allocate_slow(std::size_t bytes, std::size_t alignment) {
  if (void* p = take_in_spare(bytes, alignment)) [[likely]]
    return p;
  check_usable();
  if (!is_power_of_two(alignment))
    throw_bad_alignment(label(), alignment);
  if (void* p = grow(bytes, alignment)) [[likely]]
    return p;
  refuse(bytes, alignment);
}

void Region::refuse(std::size_t bytes, std::size_t alignment) const {
  const std::size_t left = options_.limit - store_.bytes_in_use();
  if (options_.limit != max_size && bytes_needed(bytes, alignment) > left)
    throw_full(label(), bytes, std::max(left, available()), options_.limit);
  throw_exhausted(label(), Errc::system_refused, "%s refused an arena for %zu bytes",
                  !options_.upstream ? "the heap" : "upstream", bytes);
}

// What an arena must have for a request: its start is aligned, but perhaps not that much.
std::size_t Region::bytes_needed(std::size_t bytes, std::size_t alignment) noexcept {
  const std::size_t skip = alignment > buffer_alignment ? alignment - buffer_alignment : 0;
  return saturating_add(saturating_round_up(bytes, granule), skip);
}

// Serves a request that the current arena has no room for, or none that is zero. Null: refused.
void* Region::grow(std::size_t bytes, std::size_t alignment) {
  if (current_ != nullptr) {
    if (void* p = cursor_.take_slow(bytes, alignment))
      return p;
  } else if (bytes == 0) {
    return reinterpret_cast<void*>(std::max(alignment, granule)); // NOLINT(*-int-to-ptr)
  }
  const std::size_t needed = bytes_needed(bytes, alignment);
  const auto [chunk, alone] = take_arena(needed);
  if (chunk == nullptr)
    return nullptr;
  if (!alone) {
    enter(chunk);
    return cursor_.take_slow(bytes, alignment);
  }
  auto* const block = static_cast<std::byte*>(chunk->cursor.take_slow(bytes, alignment));
  chunk->block = block;
  retired_ += chunk->cursor.used();
  store_.add_large(chunk);
  return block;
}

// A spare, a new one, or, which is better than a refusal, a spare of the other kind.
Region::Taken Region::take_arena(std::size_t bytes) {
  const bool alone = wants_its_own(bytes, next_size_);
  if (Chunk** const spare = store_.find_spare(bytes, alone, alone))
    return {store_.take(*spare), alone};
  const bool made_alone = wants_its_own(bytes, std::min(next_size_, source_.offered()));
  const auto make = [&] { return Taken{make_chunk(bytes, made_alone), made_alone}; };
  Chunk** const other = store_.find_spare(bytes, !alone, alone);
  if (other == nullptr)
    return make();
  const Taken made = detail::none_if_refused(make);
  return made.chunk != nullptr ? made : Taken{store_.take(*other), alone};
}

// Instead of an arena of `size` bytes that becomes the current one.
bool Region::wants_its_own(std::size_t bytes, std::size_t size) const noexcept {
  if (current_ == nullptr) // a first buffer may be larger than other arenas
    return bytes > size && bytes > store_.newest_spare_size();
  return bytes > size || (bytes > size / 4 && cursor_.available() > current_->size / 4);
}

bool Region::try_resize_slow(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept {
  if (objects_.running() || (new_bytes == 0 && store_.newest_large() == nullptr))
    return false;
  Chunk* const chunk = store_.find(p);
  if (chunk == nullptr || chunk == current_)
    return false;
  const std::size_t before = chunk->cursor.used();
  if (p != chunk->block) { // not newest there
    if (new_bytes == 0 || new_bytes > old_bytes || !chunk->cursor.holds(p, old_bytes))
      return false;
    annotate::hide(static_cast<std::byte*>(p) + new_bytes, old_bytes - new_bytes);
    return true;
  }
  if (!chunk->cursor.try_resize(p, old_bytes, new_bytes))
    return false;
  retired_ = retired_ - before + chunk->cursor.used();
  if (new_bytes == 0)
    store_.free_large(chunk);
  return true;
}

// Moves what has an arena of its own to a larger one, which is as old as the first. That has room
// to grow on in place, so that who grows in small steps is not moved at each. Null: it has none, or
// refused.
void* Region::try_regrow(void* p, std::size_t old_bytes, std::size_t new_bytes,
                         std::size_t alignment) noexcept {
  const bool grows = new_bytes > old_bytes && usable() && is_power_of_two(alignment);
  Chunk* const before = grows ? store_.find(p) : nullptr;
  if (before == nullptr || p != before->block ||
      !before->cursor.is_newest(before->block, old_bytes))
    return nullptr;
  const std::size_t needed = bytes_needed(new_bytes, alignment);
  const auto make = [&](std::size_t bytes) {
    return detail::null_if_thrown([&] { return make_chunk(bytes, true); });
  };
  Chunk* chunk = make(saturating_add(needed, needed / 8 / granule * granule));
  if (chunk == nullptr)
    chunk = make(needed);
  if (chunk == nullptr)
    return nullptr;
  chunk->block = static_cast<std::byte*>(chunk->cursor.take_slow(new_bytes, alignment));
  std::memcpy(chunk->block, p, old_bytes);
  std::byte* const block = chunk->block;
  peak_ = peak(); // fewer bytes may have to be skipped there
  retired_ = retired_ - before->cursor.used() + chunk->cursor.used();
  store_.replace_large(before, chunk);
  return block;
}

std::size_t Region::dirty_bytes(const void* p, std::size_t bytes) const noexcept {
  if (bytes == 0) // whose place may be in no arena
    return 0;
  return (cursor_.owns(p) ? cursor_ : store_.newest_large()->cursor).dirty_bytes(p, bytes);
}

bool Region::holds(const void* p, std::size_t bytes) const noexcept {
  if (cursor_.holds(p, bytes))
    return true;
  const Chunk* const chunk = store_.find(p);
  return chunk != nullptr && chunk != current_ && chunk->cursor.holds(p, bytes);
}

// ----------------------------------------------------------------------------------------- arenas

// An arena in no list. Null: refused, and nothing changed.
Region::Chunk* Region::make_chunk(std::size_t bytes, bool large) {
  const std::size_t in_use = store_.bytes_in_use();
  if (bytes > options_.limit - in_use)
    return nullptr;
  const std::size_t left = options_.limit - capacity();
  std::size_t wanted = large ? bytes : next_size_;
  if (wanted > left && !large) { // near the limit arenas are smaller
    const std::size_t room =
        bytes > left ? std::min(options_.arena_size, options_.limit - in_use) : left;
    wanted = std::max(bytes, room / granule * granule);
  }
  Buffer buffer = source_.take(ArenaStore::header_bytes(), bytes, wanted, label());
  if (buffer.data() == nullptr)
    return nullptr;
  const Cursor usable = over(buffer);
  const std::size_t size = usable.capacity();

  // Spares that must go do so when it is sure to succeed.
  const std::size_t most = std::max({peak_before_, peak(), saturating_add(used(), bytes)});
  const std::size_t arena = large ? options_.arena_size : std::max(options_.arena_size, size);
  const std::size_t bound = saturating_add(saturating_multiply(most, 2), arena);
  const std::size_t held = std::min(options_.limit, std::max(bound, options_.retain));
  store_.shrink(held - std::min(size, held));
  if (next_size_ < options_.max_arena_size && bytes <= options_.max_arena_size)
    next_size_ = std::min(saturating_multiply(next_size_, 2), options_.max_arena_size);
  return store_.adopt(std::move(buffer), usable, large);
}

// Onto the arena that is current, if one is.
void Region::enter(Chunk* chunk) noexcept {
  if (current_ != nullptr) {
    retired_ += cursor_.used();
    current_->cursor = cursor_;
  }
  ArenaStore::push(current_, chunk);
  cursor_ = chunk->cursor;
  ++depth_;
}

// Back to the arena before the current one, which becomes spare.
void Region::step_down() noexcept {
  Chunk* const chunk = ArenaStore::pop(current_);
  chunk->cursor = cursor_;
  store_.make_spare(chunk);
  --depth_;
  cursor_ = Cursor();
  if (current_ != nullptr) {
    cursor_ = current_->cursor;
    retired_ -= cursor_.used();
  }
}

// The current arena became empty, and stays if it is the only one.
void Region::step_back() noexcept {
  if (current_->older != nullptr)
    step_down();
}

void Region::rewind_arenas(const Position& to) noexcept {
  if (store_.large_made() != to.large)
    retired_ -= store_.take_back_large(to.large);
  while (depth_ > to.depth)
    step_down();
}

void Region::take_back_all() noexcept {
  forget_checkpoints();
  objects_.destroy_back_to({}, cursor_);
  peak_ = peak();
  rewind_arenas({});
}

// ------------------------------------------------------------------------------ reset and release

void Region::add_record_room() {
  record_room_.grow(records(), records().room() + 1, label(), options_.upstream);
}

void Region::reset() {
  check_usable();
  check_no_scope("reset");
  take_back_all();
  store_.end_round(options_.retain);
}

void Region::release() noexcept {
  if (objects_.report_running(label(), "released") || report_open_scope("released") || freed())
    return;
  take_back_all();
  store_.release();
  if (options_.marks <= few_records) { // else it is set aside
    records() = Records();
    record_room_.release();
  }
  peak_ = peak_before_ = 0;
  start_sizes();
}

void Region::trim(std::size_t keep) {
  check_usable();
  store_.trim(keep);
  if (store_.count() == 0)
    start_sizes();
}

} // namespace ALLOT_ABI
} // namespace allot
