#include <allot/region.hpp>

#include <algorithm>
#include <cstring>
#include <new>

namespace allot {
inline namespace ALLOT_ABI {

namespace detail {

// An arena of a region. It lies at the front of its own memory:
//
//   | RegionChunk |      | usable bytes ...                          |
//   ^ buffer.data()      ^ begin, aligned to a cache line
struct RegionChunk {
  Buffer buffer;
  RegionChunk* older = nullptr; // in the list it is in
  std::byte* begin = nullptr;
  std::size_t size = 0;
  std::size_t used = 0; // while it is not current
  std::size_t high = 0; // the most that was used since the last reset
  bool large = false;   // made for one request

  [[nodiscard]] std::size_t extent() const noexcept { return buffer.gap().stretch(size); }
  [[nodiscard]] Cursor cursor() const noexcept {
    Cursor cursor(begin, size, buffer.gap());
    cursor.resume(used, high);
    return cursor;
  }
  void reset(bool zero) noexcept { // a spare, of which nothing is used
    cursor().reset(zero);
    high = 0;
  }
};

inline constexpr std::size_t chunk_header =
    saturating_round_up(sizeof(RegionChunk), buffer_alignment);

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
  if (options.arena_size == 0)
    throw_misuse(label(), Errc::bad_size, "an arena size of 0 bytes was asked for");
  options_.arena_size = saturating_round_up(options.arena_size, granule);
  next_size_ = options_.arena_size;
}

Region& Region::operator=(Region&& other) noexcept {
  if (this != &other && !objects_.report_running(label(), "assigned to") &&
      !other.objects_.report_running(label(), "moved")) {
    end_scopes("assigned to");
    release();
    Rewinding::operator=(static_cast<Rewinding&&>(other)); // its own part
    cursor_ = std::move(other.cursor_);
    objects_ = std::move(other.objects_);
    current_ = std::exchange(other.current_, nullptr);
    newest_ = std::exchange(other.newest_, nullptr);
    spare_ = std::exchange(other.spare_, nullptr);
    large_spare_ = std::exchange(other.large_spare_, nullptr);
    retired_ = std::exchange(other.retired_, 0);
    peak_ = std::exchange(other.peak_, 0);
    arenas_ = std::exchange(other.arenas_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    next_size_ = std::exchange(other.next_size_, 0);
    options_ = other.options_;
  }
  return *this;
}

Region::~Region() {
  end_scopes("destroyed");
  release();
}

void Region::check_usable() const {
  if (freed())
    throw_released(label());
  if (objects_.running())
    throw_busy(label(), "its own destructors run");
}

// Into the spare that was left last, if it has room: the usual end of an arena, once a region has
// been reset. Null: it has not, or there is none.
void* Region::take_in_spare(std::size_t bytes, std::size_t alignment) noexcept {
  if (spare_ == nullptr || alignment != granule || objects_.running() ||
      !allot::fits(bytes, std::min(spare_->size, options_.arena_size)))
    return nullptr;
  Chunk* const chunk = detail::pop_chunk(spare_);
  detail::push_chunk(newest_, chunk);
  leave_current();
  enter(chunk);
  return cursor_.take(bytes);
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
  return grow_or_refuse(bytes, alignment);
}

void* Region::grow_or_refuse(std::size_t bytes, std::size_t alignment) {
  check_usable();
  if (!is_power_of_two(alignment))
    throw_bad_alignment(label(), alignment);
  if (void* p = grow(bytes, alignment))
    return p;
  const std::size_t left = room_without_spares();
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

// Serves a request that the current arena has no room for. Null: refused.
void* Region::grow(std::size_t bytes, std::size_t alignment) {
  if (bytes == 0)
    return current_ != nullptr
               ? cursor_.nothing(alignment)
               : reinterpret_cast<void*>(std::max(alignment, granule)); // NOLINT(*-int-to-ptr)
  const std::size_t needed = bytes_needed(bytes, alignment);
  const bool large = needed > options_.arena_size;
  Chunk* chunk = take_spare(needed, large);
  if (chunk == nullptr)
    chunk = make_chunk(needed, large);
  if (chunk == nullptr)
    return nullptr;
  detail::push_chunk(newest_, chunk);
  if (!large) {
    leave_current();
    enter(chunk);
    return cursor_.take_aligned(bytes, alignment);
  }
  Cursor cursor = chunk->cursor();
  std::byte* const p = cursor.take_aligned(bytes, alignment);
  chunk->used = cursor.used();
  chunk->high = cursor.high();
  retired_ += chunk->used;
  return p;
}

Region::Chunk* Region::take_spare(std::size_t bytes, bool large) noexcept {
  // A few tries: a search of them all would make one request as slow as there are spares.
  Chunk** link = large ? &large_spare_ : &spare_;
  for (int tries = 8; *link != nullptr && tries != 0; --tries, link = &(*link)->older)
    if ((*link)->size >= bytes)
      return detail::pop_chunk(*link);
  return nullptr;
}

Region::Chunk* Region::make_chunk(std::size_t bytes, bool large) {
  const std::size_t left = options_.limit - capacity_;
  if (bytes > left && bytes > room_without_spares())
    return nullptr;
  std::size_t size = large ? bytes : next_size_;
  if (size > left && !large) { // near the limit arenas are smaller
    const std::size_t room = bytes > left ? room_without_spares() : left;
    size = std::max(bytes, std::min(options_.arena_size, room / granule * granule));
  }
  const std::size_t total = saturating_add(detail::chunk_header, size);
  Buffer buffer = !options_.upstream
                      ? Buffer::try_heap(total, buffer_alignment, {.zero = options_.zero})
                      : Buffer::from(options_.upstream, total, buffer_alignment, label());
  if (buffer.data() == nullptr)
    return nullptr;

  if (size > left) // not before it is sure to succeed
    free_spares();
  const bool zero = buffer.is_zero();
  std::byte* const begin = buffer.data() + buffer.gap().stretch(detail::chunk_header);
  Chunk* const chunk =
      ::new (buffer.data()) Chunk{.buffer = {}, .begin = begin, .size = size, .large = large};
  chunk->buffer = std::move(buffer);
  if (options_.zero && !zero)
    std::memset(begin, 0, chunk->extent());
  annotate::open(begin, chunk->extent());
  annotate::hide(chunk + 1,
                 static_cast<std::size_t>(begin - reinterpret_cast<std::byte*>(chunk + 1)));
  ++arenas_;
  capacity_ += size;
  if (!large && next_size_ < options_.max_arena_size)
    next_size_ = std::min(saturating_multiply(next_size_, 2),
                          saturating_round_up(options_.max_arena_size, granule));
  return chunk;
}

// How large an arena the limit would allow if there were no spares.
std::size_t Region::room_without_spares() const noexcept {
  std::size_t in_use = capacity_;
  for (const Chunk* list : {spare_, large_spare_})
    for (const Chunk* chunk = list; chunk != nullptr; chunk = chunk->older)
      in_use -= chunk->size;
  return options_.limit - in_use;
}

void Region::free_chunk(Chunk* chunk) noexcept {
  --arenas_;
  capacity_ -= chunk->size;
  annotate::close(chunk->begin, chunk->extent());
  annotate::show(chunk->buffer.data(), chunk->buffer.extent());
  const Buffer buffer = std::move(chunk->buffer); // frees the chunk itself, too
}

void Region::free_chunks(Chunk*& list) noexcept {
  while (list != nullptr)
    free_chunk(detail::pop_chunk(list));
}

void Region::free_spares() noexcept {
  free_chunks(spare_);
  free_chunks(large_spare_);
}

void Region::leave_current() noexcept {
  if (current_ == nullptr)
    return;
  current_->used = cursor_.used();
  current_->high = cursor_.high();
  retired_ += current_->used;
  current_ = nullptr;
  cursor_ = Cursor();
}

void Region::enter(Chunk* chunk) noexcept {
  current_ = chunk;
  cursor_ = chunk->cursor();
}

// Makes spares of the arenas that came into use after `until`.
void Region::take_back(Chunk* until) noexcept {
  Chunk* chunk = std::exchange(newest_, until);
  while (chunk != until) {
    Chunk* const older = chunk->older;
    annotate::truncated(chunk->begin, chunk->begin, chunk->buffer.gap().stretch(chunk->used));
    chunk->used = 0;
    detail::push_chunk(chunk->large ? large_spare_ : spare_, chunk);
    chunk = older;
  }
}

void Region::rewind(const Position& to) noexcept {
  objects_.destroy_back_to(to.objects, cursor_);
  peak_ = peak();
  if (current_ != to.current) {
    leave_current();
    take_back(to.newest);
    if (to.current != nullptr)
      enter(to.current);
  } else {
    take_back(to.newest);
  }
  if (current_ != nullptr)
    cursor_.rewind(to.head);
  retired_ = to.retired;
}

// Frees the large spares that were not used since the last reset.
void Region::free_unused() noexcept {
  Chunk* unused = nullptr;
  for (Chunk** link = &large_spare_; *link != nullptr;) {
    if ((*link)->high == 0)
      detail::push_chunk(unused, detail::pop_chunk(*link));
    else
      link = &(*link)->older;
  }
  free_chunks(unused);
}

void Region::reset() {
  check_usable();
  check_no_scope("reset");
  forget_checkpoints();
  objects_.destroy_back_to({}, cursor_);
  peak_ = peak();
  leave_current();
  retired_ = 0;
  if (large_spare_ != nullptr)
    free_unused();
  take_back(nullptr);
  for (Chunk* chunk = spare_; chunk != nullptr; chunk = chunk->older)
    chunk->reset(options_.zero);
  for (Chunk* chunk = large_spare_; chunk != nullptr; chunk = chunk->older)
    chunk->reset(options_.zero);
}

void Region::release() noexcept {
  if (objects_.report_running(label(), "released") || report_open_scope("released"))
    return;
  forget_checkpoints();
  objects_.destroy_back_to({}, cursor_);
  leave_current();
  retired_ = 0;
  peak_ = 0;
  take_back(nullptr);
  free_spares();
  if (next_size_ != 0)
    next_size_ = options_.arena_size;
}

void Region::trim(std::size_t keep) {
  check_usable();
  for (Chunk** link : {&large_spare_, &spare_}) {
    while (*link != nullptr) {
      if (capacity_ - (*link)->size >= keep)
        free_chunk(detail::pop_chunk(*link));
      else
        link = &(*link)->older;
    }
  }
  if (arenas_ == 0)
    next_size_ = options_.arena_size;
}

bool Region::holds(const void* p, std::size_t bytes) const noexcept {
  if (cursor_.holds(p, bytes))
    return true;
  for (const Chunk* chunk = newest_; chunk != nullptr; chunk = chunk->older)
    if (chunk != current_ && chunk->cursor().holds(p, bytes))
      return true;
  return false;
}

bool Region::may_own(const void* p) const noexcept {
  if (cursor_.owns(p))
    return true;
  const Chunk* chunk = newest_;
  for (int tries = 8; chunk != nullptr && tries != 0; --tries, chunk = chunk->older)
    if (chunk != current_ && chunk->cursor().owns(p))
      return true;
  return chunk != nullptr;
}

bool Region::try_shrink(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept {
  if (objects_.running() || new_bytes == 0 || new_bytes > old_bytes || !holds(p, old_bytes))
    return false;
  annotate::hide(static_cast<std::byte*>(p) + new_bytes, old_bytes - new_bytes);
  return true;
}

} // namespace ALLOT_ABI
} // namespace allot
