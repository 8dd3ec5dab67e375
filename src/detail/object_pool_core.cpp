#include <allot/detail/object_pool_core.hpp>

#include <allot/buffer.hpp>

#include <new>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

// ------------------------------------------------------------------------------- where objects are

void* ObjectPoolCore::address(const Chunk& chunk, std::size_t index) const noexcept {
  return chunk.begin + index * kind_->stride;
}

ObjectPoolCore::State ObjectPoolCore::state(const Chunk& chunk, std::size_t index) const noexcept {
  return returned_.state(address(chunk, index), chunk.places[index]);
}

bool ObjectPoolCore::is_in_use(const Chunk& chunk, std::size_t index) const noexcept {
  const State found = state(chunk, index);
  return found == State::taken || found == State::lent;
}

// The one that has the object that `p` points into, or had it before that was destroyed.
ObjectPoolCore::Chunk* ObjectPoolCore::chunk_of(const void* p) const noexcept {
  Chunk* chunk = newest_;
  while (chunk != nullptr && chunk->offset(p) >= chunk->fresh * kind_->stride)
    chunk = chunk->older;
  return chunk;
}

bool ObjectPoolCore::owns(const void* p) const noexcept {
  const Chunk* const chunk = chunk_of(p);
  if (chunk == nullptr)
    return false;
  return is_in_use(*chunk, chunk->offset(p) / kind_->stride);
}

// ----------------------------------------------------------------------------------- made, visited

void* ObjectPoolCore::slot_to_make() {
  check_usable();
  if (returned_.vacant() != 0)
    return returned_.newest_vacant();
  returned_.reserve(label(), objects_ + 1);
  if (newest_ == nullptr || newest_->fresh == newest_->count)
    add_chunk();
  return address(*newest_, newest_->fresh);
}

void ObjectPoolCore::add_made(void* slot) noexcept {
  if (returned_.vacant() != 0)
    returned_.take_vacant();
  else
    returned_.put_taken(slot, newest_->places + newest_->fresh++);
  ++objects_;
  ++made_;
  peak_ = larger(peak_, objects_); // none was available, so all are in use
}

// So that a few chunks, each with twice as many as the one before, have `capacity` slots together
// and not many more: 16 to 47.
std::size_t ObjectPoolCore::first_count(std::size_t capacity) noexcept {
  std::size_t times = 1; // what they have together, of the first
  while (capacity / (2 * times + 1) >= least_count)
    times = 2 * times + 1;
  return larger(divide_up(capacity, times), least_count);
}

// What upstream throws passes through; if the heap refuses, the buffer has no memory.
Buffer ObjectPoolCore::buffer_for(std::size_t count) const {
  const std::size_t slot_and_place = red_zones.shrink(kind_->stride) + sizeof(Place);
  const std::size_t bytes = saturating_add(saturating_round_up(sizeof(Chunk), kind_->alignment),
                                           saturating_multiply(count, slot_and_place));
  return !options_.upstream ? Buffer::try_heap(bytes, kind_->alignment, {.zero = false})
                            : Buffer::from(options_.upstream, bytes, kind_->alignment, label());
}

void ObjectPoolCore::add_chunk() {
  std::size_t count = next_count_;
  Buffer buffer;
  if (count != least_count)
    (void)detail::null_if_thrown([&] { return (buffer = buffer_for(count)).data(); });
  if (buffer.data() == nullptr) { // many were to be expected, a few will do
    count = least_count;
    buffer = buffer_for(count);
  }
  if (buffer.data() == nullptr)
    throw_exhausted(label(), Errc::system_refused, "the heap refused %zu objects of %zu bytes",
                    count, kind_->size);
  const std::size_t header = saturating_round_up(sizeof(Chunk), kind_->alignment);
  std::byte* const begin = buffer.data() + buffer.gap().stretch(header);
  std::byte* const places = begin + count * kind_->stride;
  newest_ = ::new (buffer.data()) Chunk{.buffer = {},
                                        .older = newest_,
                                        .begin = begin,
                                        .count = count,
                                        .places = ::new (places) Place[count],
                                        .fresh = 0,
                                        .leaves = false};
  held_ += buffer.size();
  newest_->buffer = std::move(buffer);
  annotate::hide(begin, count * kind_->stride);
  next_count_ = saturating_multiply(count, 2);
}

void ObjectPoolCore::visit_used(void (*visit)(void* context, void* object), void* context) {
  check_usable();
  // Which are in use is known while the pool is open only, so it is closed around each call.
  for (const Chunk* chunk = newest_; chunk != nullptr; chunk = chunk->older)
    for (std::size_t i = 0; i != chunk->fresh; ++i)
      if (is_in_use(*chunk, i)) {
        const Closed closed(*this);
        visit(context, address(*chunk, i));
      }
}

// -------------------------------------------------------------------------------- shrunk, released

void ObjectPoolCore::destroy(void* object) const noexcept {
  annotate::show(object, kind_->size);
  if (kind_->destroy != nullptr)
    kind_->destroy(object);
  annotate::hide(object, kind_->size);
}

// The newest chunks, which are the largest, go first, so that few small ones stay: none without an
// object in use that the others could do without.
void ObjectPoolCore::mark_leaving(std::size_t excess) noexcept {
  for (Chunk* chunk = newest_; chunk != nullptr; chunk = chunk->older) {
    std::size_t idle = 0;
    bool in_use = false;
    for (std::size_t i = 0; i != chunk->fresh && !in_use; ++i) {
      in_use = is_in_use(*chunk, i);
      idle += state(*chunk, i) == State::available ? 1U : 0U;
    }
    chunk->leaves = !in_use && idle <= excess;
    if (!chunk->leaves)
      continue;
    excess -= idle;
    for (std::size_t i = 0; i != chunk->fresh; ++i)
      if (state(*chunk, i) == State::available)
        chunk->places[i] = ReturnedStack::leaving;
  }
}

void ObjectPoolCore::trim(std::size_t keep) {
  check_usable();
  const std::size_t excess = available() - smaller(available(), keep);
  mark_leaving(excess);
  returned_.lower();
  {
    const Closed closed(*this);
    for (std::size_t i = excess; i != 0; --i) {
      destroy(returned_.vacate_lowest());
      --objects_;
    }
  }
  free_leaving();
}

// Their slots are all vacant.
void ObjectPoolCore::free_leaving() noexcept {
  if (newest_ == nullptr)
    return;
  for (const Chunk* chunk = newest_; chunk != nullptr; chunk = chunk->older)
    for (std::size_t i = 0; chunk->leaves && i != chunk->fresh; ++i)
      chunk->places[i] = ReturnedStack::leaving;
  returned_.drop_vacant();
  returned_.fit(objects_ + returned_.vacant());
  for (Chunk** link = &newest_; *link != nullptr;)
    if (Chunk& chunk = **link; chunk.leaves)
      *link = free_chunk(chunk);
    else
      link = &chunk.older;
  next_count_ =
      newest_ == nullptr ? first_count(capacity_) : saturating_multiply(newest_->count, 2);
}

// Gives the next older one.
ObjectPoolCore::Chunk* ObjectPoolCore::free_chunk(Chunk& chunk) noexcept {
  annotate::show(chunk.begin, chunk.count * kind_->stride);
  Chunk* const older = chunk.older;
  const Buffer buffer = std::move(chunk.buffer); // frees the chunk itself, too
  held_ -= buffer.size();
  return older;
}

void ObjectPoolCore::release() noexcept {
  if (freed() || called_back("released") || leased_out("released"))
    return;
  (void)returned_.close();
  for (const Chunk* chunk = newest_; chunk != nullptr; chunk = chunk->older)
    for (std::size_t i = chunk->fresh; i-- != 0;)
      if (state(*chunk, i) != State::vacant)
        destroy(address(*chunk, i));
  returned_ = {};
  while (newest_ != nullptr)
    newest_ = free_chunk(*newest_);
  objects_ = next_count_ = peak_ = 0;
}

void ObjectPoolCore::take_over(ObjectPoolCore& other) noexcept {
  other.end_leases("moved");
  returned_ = std::move(other.returned_);
  newest_ = std::exchange(other.newest_, nullptr);
  objects_ = std::exchange(other.objects_, 0);
  peak_ = std::exchange(other.peak_, 0);
  held_ = std::exchange(other.held_, 0);
  made_ = std::exchange(other.made_, 0);
  capacity_ = std::exchange(other.capacity_, 0);
  next_count_ = std::exchange(other.next_count_, 0);
  options_ = other.options_;
}

// ------------------------------------------------------------------------ leases that end, refused

void ObjectPoolCore::end_lease_elsewhere(void* object, Place* place) noexcept {
  if (place_of(object) != place || *place != ReturnedStack::lent) {
    report_misuse(label(), Errc::foreign_pointer,
                  "a lease ended whose object is not here any more");
    return;
  }
  --leases_;
  if (returned_.closed()) {
    report_misuse(label(), Errc::busy, "a lease ended in one of the callables");
    return;
  }
  returned_.put_back(object, place);
  annotate::hide(object, kind_->size);
}

void ObjectPoolCore::check_usable() const {
  if (freed())
    throw_released(label());
  if (returned_.closed())
    throw_busy(label(), "one of its callables runs");
}

void ObjectPoolCore::refuse(const void* object) const {
  check_usable();
  const Chunk* const chunk = chunk_of(object);
  if (chunk == nullptr)
    throw_misuse(label(), Errc::foreign_pointer, "%p is not one of its %zu objects", object,
                 objects_);
  const std::size_t inside = chunk->offset(object) % kind_->stride;
  if (inside != 0)
    throw_misuse(label(), Errc::misaligned_pointer, "%p lies %zu bytes into an object", object,
                 inside);
  const State found = returned_.state(object, *place_of(object));
  if (found == State::lent)
    throw_misuse(label(), Errc::busy, "the object at %p is on a lease", object);
  if (found == State::vacant)
    throw_misuse(label(), Errc::foreign_pointer, "the object at %p was destroyed", object);
  throw_misuse(label(), Errc::double_free, "the object at %p was given back already", object);
}

} // namespace ALLOT_ABI
} // namespace allot
