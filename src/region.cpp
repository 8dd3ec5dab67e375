#include <allot/region.hpp>

#include <algorithm>
#include <cstring>
#include <new>

namespace allot {
inline namespace ALLOT_ABI {

// What is lost, and why the bounds hold. An arena is left for the next one with `tail` bytes unused
// only because a request of more than that did not fit, which the next arena serves: so all tails
// together are less than what is used, and arenas in use hold at most twice that and the rest of
// the current one. Before an arena is made that would break the bound with the spares that there
// are, spares go. Where one size is asked for, a tail is less than the size; if that is more than a
// quarter of an arena, the requests get arenas of their own.

namespace detail {

// An arena of a region. It lies at the front of its own memory:
//
//   | RegionChunk |      | usable bytes ...                          |
//   ^ buffer.data()      ^ begin
struct RegionChunk : AddressIndex::Node {
  Buffer buffer;
  Cursor cursor;                // the region has it while the arena is current
  RegionChunk* older = nullptr; // in the list it is in
  RegionChunk* newer = nullptr; // of those in use that were made for one request
  std::size_t size = 0;
  std::uint64_t number = 0;   // which of those it is
  std::byte* block = nullptr; // what it was made for
  bool large = false;         // made for one request

  void empty() noexcept { cursor.rewind(cursor.start()); }
};

inline constexpr std::size_t chunk_header =
    saturating_round_up(sizeof(RegionChunk), buffer_alignment);

// What the header takes of a buffer, so that the usable bytes are aligned.
std::size_t bytes_in_front(const Buffer& buffer) noexcept {
  const Gap gap = buffer.gap();
  const auto begin = reinterpret_cast<std::uintptr_t>(buffer.data()) + gap.stretch(chunk_header);
  return chunk_header + gap.shrink(padding(begin, gap.stretch(buffer_alignment)));
}

void push_chunk(RegionChunk*& list, RegionChunk* chunk) noexcept {
  chunk->older = list;
  list = chunk;
}
RegionChunk* pop_chunk(RegionChunk*& list) noexcept {
  RegionChunk* const chunk = list;
  list = chunk->older;
  return chunk;
}

} // namespace detail

Region::Region(const RegionOptions& options) : options_(options) {
  start();
  reserve_records();
}

Region::Region(Buffer first, const RegionOptions& options) : options_(options) {
  start();
  const std::size_t front = detail::bytes_in_front(first);
  if (first.size() <= front)
    throw_misuse(label(), Errc::bad_size,
                 "a first buffer of %zu bytes has no room for an arena's header of %zu",
                 first.size(), front);
  BufferRecords room;
  if (first.is_from_heap()) {
    reserve_records();
    first_ = adopt(std::move(first), false);
  } else {
    room.prepare(records(), first, options.marks, label(), front);
    first_ = adopt(std::move(first), false);
    (void)room.set_aside(records(), first_->cursor, options.marks);
  }
  capacity_ = first_->size = first_->cursor.capacity();
  options_.limit = std::max(options_.limit, capacity_);
  make_spare(first_);
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
  next_size_ = options_.arena_size;
}

Region& Region::operator=(Region&& other) noexcept {
  if (this != &other && !objects_.report_running(label(), "assigned to") &&
      !other.objects_.report_running(label(), "moved")) {
    end_scopes("assigned to");
    other.end_scopes("moved");
    release();
    free_all();
    Rewinding::operator=(static_cast<Rewinding&&>(other)); // its own part
    cursor_ = std::move(other.cursor_);
    objects_ = std::move(other.objects_);
    depth_ = std::exchange(other.depth_, 0);
    large_made_ = std::exchange(other.large_made_, 0);
    retired_ = std::exchange(other.retired_, 0);
    peak_ = std::exchange(other.peak_, 0);
    peak_before_ = std::exchange(other.peak_before_, 0);
    current_ = std::exchange(other.current_, nullptr);
    large_ = std::exchange(other.large_, nullptr);
    spare_ = std::exchange(other.spare_, nullptr);
    large_spare_ = std::exchange(other.large_spare_, nullptr);
    first_ = std::exchange(other.first_, nullptr);
    index_ = std::exchange(other.index_, AddressIndex());
    arenas_ = std::exchange(other.arenas_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    spare_bytes_ = std::exchange(other.spare_bytes_, 0);
    next_size_ = std::exchange(other.next_size_, 0);
    in_use_ = std::exchange(other.in_use_, {});
    record_room_ = std::move(other.record_room_);
    options_ = other.options_;
  }
  return *this;
}

Region::~Region() {
  end_scopes("destroyed");
  release();
  free_all();
}

void Region::check_usable() const {
  if (freed())
    throw_released(label());
  if (objects_.running())
    throw_busy(label(), "its own destructors run");
}

// ------------------------------------------------------------------------------------- allocation

// Into the spare that was left last, if it has room: the usual end of an arena, once a region has
// been reset. Null: it has not, or there is none.
void* Region::take_in_spare(std::size_t bytes, std::size_t alignment) noexcept {
  const std::size_t quarter = next_size_ / 4 / granule * granule;
  if (spare_ == nullptr || alignment != granule || objects_.running() ||
      !allot::fits(bytes, current_ == nullptr ? spare_->size : std::min(spare_->size, quarter)) ||
      (current_ != nullptr && allot::fits(bytes, cursor_.available())))
    return nullptr;
  Chunk* const chunk = pop_spare(spare_);
  in_use_.add(capacity_ - spare_bytes_);
  enter(chunk);
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
  const std::size_t left = options_.limit - (capacity_ - spare_bytes_);
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
  const bool large = wants_its_own(needed);
  Chunk* chunk = take_spare(needed, large);
  if (chunk == nullptr)
    chunk = make_chunk(needed, large);
  if (chunk == nullptr)
    return nullptr;
  if (!large) {
    enter(chunk);
    return cursor_.take_slow(bytes, alignment);
  }
  auto* const block = static_cast<std::byte*>(chunk->cursor.take_slow(bytes, alignment));
  chunk->block = block;
  chunk->number = ++large_made_;
  add_large(chunk);
  return block;
}

bool Region::wants_its_own(std::size_t bytes) const noexcept {
  if (current_ == nullptr) // a first buffer may be larger than other arenas
    return bytes > next_size_ && (spare_ == nullptr || bytes > spare_->size);
  return bytes > next_size_ || (bytes > next_size_ / 4 && cursor_.available() > current_->size / 4);
}

bool Region::try_resize_slow(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept {
  if (objects_.running() || (new_bytes == 0 && large_ == nullptr))
    return false;
  Chunk* const chunk = find(p);
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
  if (new_bytes == 0) {
    remove_large(chunk);
    free_chunk(chunk);
  }
  return true;
}

// Moves what has an arena of its own to a larger one, which is as old as the first. That has room
// to grow on in place, so that who grows in small steps is not moved at each. Null: it has none, or
// refused.
void* Region::try_regrow(void* p, std::size_t old_bytes, std::size_t new_bytes,
                         std::size_t alignment) noexcept {
  const bool grows = new_bytes > old_bytes && usable() && is_power_of_two(alignment);
  Chunk* const before = grows ? find(p) : nullptr;
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
  replace_large(before, chunk);
  free_chunk(before);
  return block;
}

std::size_t Region::dirty_bytes(const void* p, std::size_t bytes) const noexcept {
  if (bytes == 0) // whose place may be in no arena
    return 0;
  return cursor_.owns(p) ? cursor_.dirty_bytes(p, bytes) : large_->cursor.dirty_bytes(p, bytes);
}

bool Region::holds(const void* p, std::size_t bytes) const noexcept {
  if (cursor_.holds(p, bytes))
    return true;
  const Chunk* const chunk = find(p);
  return chunk != nullptr && chunk != current_ && chunk->cursor.holds(p, bytes);
}

// ----------------------------------------------------------------------------------------- arenas

Region::Chunk* Region::find(const void* p) const noexcept {
  return static_cast<Chunk*>(index_.find(p));
}

// A few tries: a search of them all would make one request as slow as there are spares.
Region::Chunk* Region::take_spare(std::size_t bytes, bool large) noexcept {
  Chunk** link = large ? &large_spare_ : &spare_;
  for (int tries = 8; *link != nullptr && tries != 0; --tries, link = &(*link)->older)
    if ((*link)->size >= bytes) {
      Chunk* const chunk = pop_spare(*link);
      in_use_.add(capacity_ - spare_bytes_);
      return chunk;
    }
  return nullptr;
}

Region::Chunk* Region::pop_spare(Chunk*& link) noexcept {
  if (link != first_)
    spare_bytes_ -= link->size;
  return detail::pop_chunk(link);
}

// An arena in neither list. Null: refused, and nothing changed.
Region::Chunk* Region::make_chunk(std::size_t bytes, bool large) {
  const std::size_t in_use = capacity_ - spare_bytes_;
  if (bytes > options_.limit - in_use)
    return nullptr;
  const std::size_t left = options_.limit - capacity_;
  std::size_t size = large ? bytes : next_size_;
  if (size > left && !large) { // near the limit arenas are smaller
    const std::size_t room = bytes > left ? options_.limit - in_use : left;
    size = std::max(bytes, std::min(options_.arena_size, room / granule * granule));
  }
  const std::size_t total = saturating_add(detail::chunk_header, size);
  Buffer buffer = !options_.upstream
                      ? Buffer::try_heap(total, buffer_alignment, {.zero = options_.zero})
                      : Buffer::from(options_.upstream, total, buffer_alignment, label());
  if (buffer.data() == nullptr)
    return nullptr;

  // Spares that must go do so when it is sure to succeed.
  const std::size_t most = std::max({peak_before_, peak(), saturating_add(used(), bytes)});
  const std::size_t arena = large ? options_.arena_size : std::max(options_.arena_size, size);
  const std::size_t bound = saturating_add(saturating_multiply(most, 2), arena);
  make_room(size, std::min(options_.limit, std::max(bound, options_.retain)));
  if (next_size_ < options_.max_arena_size && bytes <= options_.max_arena_size)
    next_size_ = std::min(saturating_multiply(next_size_, 2), options_.max_arena_size);
  Chunk* const chunk = adopt(std::move(buffer), large);
  in_use_.add(capacity_ - spare_bytes_);
  return chunk;
}

Region::Chunk* Region::adopt(Buffer buffer, bool large) noexcept {
  std::byte* const front = buffer.data();
  auto* const chunk = ::new (front) Chunk;
  chunk->cursor = Cursor(label(), buffer, options_.zero, detail::bytes_in_front(buffer));
  chunk->begin = chunk->cursor.begin();
  chunk->end = chunk->cursor.end();
  chunk->size = chunk->cursor.capacity();
  chunk->large = large;
  chunk->buffer = std::move(buffer);
  annotate::hide(chunk + 1,
                 static_cast<std::size_t>(chunk->begin - reinterpret_cast<std::byte*>(chunk + 1)));
  ++arenas_;
  capacity_ += chunk->size;
  index_.insert(*chunk);
  return chunk;
}

// Frees spares until `bytes` more are within `limit`, or none are left.
void Region::make_room(std::size_t bytes, std::size_t limit) noexcept {
  const std::size_t most = limit - std::min(bytes, limit);
  free_spares(large_spare_, most);
  free_spares(spare_, most);
}

// Frees arenas of a list of spares until all that there are hold at most `most` bytes.
void Region::free_spares(Chunk*& list, std::size_t most) noexcept {
  for (Chunk** link = &list; *link != nullptr && capacity_ > most;) {
    if (*link == first_)
      link = &first_->older;
    else
      free_chunk(pop_spare(*link));
  }
}

void Region::free_chunk(Chunk* chunk) noexcept {
  --arenas_;
  capacity_ -= chunk->size;
  index_.erase(*chunk);
  annotate::close(chunk->begin, static_cast<std::size_t>(chunk->end - chunk->begin));
  annotate::show(chunk->buffer.data(), chunk->buffer.extent());
  const Buffer buffer = std::move(chunk->buffer); // frees the chunk itself, too
}

// Of a region that was released: the first buffer, too.
void Region::free_all() noexcept {
  if (first_ != nullptr)
    free_chunk(first_);
  first_ = spare_ = nullptr;
  spare_bytes_ = 0;
}

void Region::make_spare(Chunk* chunk) noexcept {
  chunk->empty();
  if (chunk != first_)
    spare_bytes_ += chunk->size;
  detail::push_chunk(chunk->large ? large_spare_ : spare_, chunk);
}

// Onto the arena that is current, if one is.
void Region::enter(Chunk* chunk) noexcept {
  if (current_ != nullptr) {
    retired_ += cursor_.used();
    current_->cursor = cursor_;
  }
  detail::push_chunk(current_, chunk);
  cursor_ = chunk->cursor;
  ++depth_;
}

// Back to the arena before the current one, which becomes spare.
void Region::step_down() noexcept {
  Chunk* const chunk = detail::pop_chunk(current_);
  chunk->cursor = cursor_;
  make_spare(chunk);
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

void Region::add_large(Chunk* chunk) noexcept {
  retired_ += chunk->cursor.used();
  detail::push_chunk(large_, chunk);
  chunk->newer = nullptr;
  if (chunk->older != nullptr)
    chunk->older->newer = chunk;
}

void Region::remove_large(Chunk* chunk) noexcept {
  retired_ -= chunk->cursor.used();
  (chunk->newer != nullptr ? chunk->newer->older : large_) = chunk->older;
  if (chunk->older != nullptr)
    chunk->older->newer = chunk->newer;
}

// Puts `chunk` where `before` was, so that the list stays in order.
void Region::replace_large(Chunk* before, Chunk* chunk) noexcept {
  retired_ = retired_ - before->cursor.used() + chunk->cursor.used();
  chunk->number = before->number;
  chunk->older = before->older;
  chunk->newer = before->newer;
  (chunk->newer != nullptr ? chunk->newer->older : large_) = chunk;
  if (chunk->older != nullptr)
    chunk->older->newer = chunk;
}

void Region::take_back_large(std::uint64_t but) noexcept {
  while (large_ != nullptr && large_->number > but) {
    Chunk* const chunk = large_;
    remove_large(chunk);
    make_spare(chunk);
  }
  large_made_ = but;
}

void Region::rewind_arenas(const Position& to) noexcept {
  take_back_large(to.large);
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
  free_unneeded();
  in_use_.next();
  for (Chunk* list : {spare_, large_spare_})
    for (Chunk* chunk = list; chunk != nullptr; chunk = chunk->older)
      chunk->cursor.reset();
}

// Frees the spares above what was in use in the last rounds; those used in this one are kept first.
void Region::free_unneeded() noexcept {
  const std::size_t most = std::max(in_use_.most(), options_.retain);
  std::size_t kept = first_ != nullptr ? first_->size : 0;
  if (capacity_ <= most)
    return;
  for (const bool in_this_round : {true, false}) {
    for (Chunk** list : {&spare_, &large_spare_}) {
      for (Chunk** link = list; *link != nullptr;) {
        Chunk& chunk = **link;
        const bool in_turn = &chunk != first_ && (chunk.cursor.high() != 0) == in_this_round;
        if (in_turn && chunk.size > most - std::min(kept, most)) {
          free_chunk(pop_spare(*link));
          continue;
        }
        kept += in_turn ? chunk.size : 0;
        link = &chunk.older;
      }
    }
  }
}

void Region::release() noexcept {
  if (objects_.report_running(label(), "released") || report_open_scope("released") || freed())
    return;
  take_back_all();
  free_spares(large_spare_, 0);
  free_spares(spare_, 0);
  if (first_ != nullptr)
    first_->cursor.reset();
  if (options_.marks <= few_records) { // else it is set aside
    records() = Records();
    record_room_.release();
  }
  peak_ = peak_before_ = 0;
  in_use_ = {};
  next_size_ = options_.arena_size;
}

void Region::trim(std::size_t keep) {
  check_usable();
  for (Chunk** list : {&large_spare_, &spare_}) {
    for (Chunk** link = list; *link != nullptr;) {
      if (*link != first_ && capacity_ - (*link)->size >= keep)
        free_chunk(pop_spare(*link));
      else
        link = &(*link)->older;
    }
  }
  if (arenas_ == 0)
    next_size_ = options_.arena_size;
}

} // namespace ALLOT_ABI
} // namespace allot
