#include <allot/threads/object_chunks.hpp>

#include <algorithm>
#include <bit>
#include <cstring>
#include <mutex>
#include <new>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

// ------------------------------------------------------------------------------- where objects are

// Of those that lie in memory where `p` points, or null.
const ObjectChunks::Slots* ObjectChunks::slots_of(const void* p) const noexcept {
  for (std::size_t i = chunk_count_.load(std::memory_order_acquire); i-- != 0;) {
    const Slots* const slots = &chunk(i);
    if (offset_in(*slots, p) < slots->count * kind_->stride)
      return slots;
  }
  return nullptr;
}

bool ObjectChunks::owns(const void* p) const noexcept {
  const Slots* const slots = slots_of(p);
  if (slots == nullptr)
    return false;
  const State found = state(slots->states + offset_in(*slots, p) / kind_->stride);
  return found == State::taken || found == State::lent;
}

ObjectChunks::Entry ObjectChunks::Depot::pop() noexcept {
  if (filled_ == 0)
    filled_ = chunks_.chunk(--chunk_).count;
  --size_;
  return chunks_.chunk(chunk_).entries[--filled_];
}

// False: all objects are here, so it is here already.
bool ObjectChunks::Depot::push(Entry entry) noexcept {
  if (size_ == chunks_.objects_)
    return false;
  if (filled_ == chunks_.chunk(chunk_).count) {
    ++chunk_;
    filled_ = 0;
  }
  chunks_.chunk(chunk_).entries[filled_++] = entry;
  ++size_;
  return true;
}

// -------------------------------------------------------------------------- slots and chunks made

ObjectChunks::Entry ObjectChunks::take_vacant() noexcept {
  void* const slot = vacant_;
  if (slot == nullptr)
    return {};
  annotate::show(slot, sizeof vacant_);
  std::memcpy(&vacant_, slot, sizeof vacant_);
  annotate::hide(slot, sizeof vacant_);
  const Slots* const slots = slots_of(slot);
  return {slot, slots->states + offset_in(*slots, slot) / kind_->stride};
}

ObjectChunks::Entry ObjectChunks::take_fresh(Group& group) const noexcept {
  const Entry slot = group.next;
  group.next = {static_cast<std::byte*>(slot.object) + kind_->stride, slot.state + 1};
  return slot;
}

// As many slots as have their states in a line, but of large objects fewer, as they may stay fresh.
ObjectChunks::Group ObjectChunks::next_group() noexcept {
  constexpr std::size_t most_bytes = std::size_t{16} << 10;
  if (chunk_count_ == 0)
    return {};
  Chunk& newest = chunk(chunk_count_ - 1);
  const std::size_t most =
      std::bit_floor(std::clamp(most_bytes / kind_->stride, std::size_t{1}, line));
  const std::size_t first = newest.fresh;
  newest.fresh = smaller((first / most + 1) * most, newest.count);
  return {{address(newest, first), newest.states + first}, newest.states + newest.fresh};
}

void ObjectChunks::add_vacant(Entry slot) noexcept {
  mark(slot.state, State::vacant);
  annotate::show(slot.object, sizeof vacant_);
  std::memcpy(slot.object, &vacant_, sizeof vacant_);
  annotate::hide(slot.object, sizeof vacant_);
  vacant_ = slot.object;
}

// What upstream throws passes through; if the heap refuses, the buffer has no memory.
Buffer ObjectChunks::buffer_for(std::size_t count) const {
  const std::size_t each = red_zones.shrink(kind_->stride) + sizeof(Entry) + sizeof(State);
  const std::size_t bytes = saturating_add(saturating_round_up(sizeof(Chunk), kind_->alignment),
                                           saturating_add(saturating_multiply(count, each), line));
  return !options_.upstream ? Buffer::try_heap(bytes, kind_->alignment, {.zero = false})
                            : Buffer::from(options_.upstream, bytes, kind_->alignment, label());
}

// Half as many will do, and so on, so that what upstream has is used.
bool ObjectChunks::try_grow() noexcept {
  constexpr std::size_t least = ObjectPoolCore::least_count;
  const std::size_t wanted = next_count_;
  for (std::size_t count = wanted; chunk_count_ != most_chunks; count = larger(count / 2, least)) {
    Buffer buffer;
    (void)null_if_thrown([&] { return (buffer = buffer_for(count)).data(); });
    if (buffer.data() != nullptr) {
      add_chunk(std::move(buffer), count);
      next_count_ = count == wanted ? saturating_multiply(count, 2) : count;
      return true;
    }
    if (count == least)
      break;
  }
  next_count_ = least;
  scarce_ = true;
  return false;
}

bool ObjectChunks::grow() {
  if (chunk_count_ == most_chunks)
    return false;
  Buffer buffer = buffer_for(ObjectPoolCore::least_count);
  const bool given = buffer.data() != nullptr;
  if (given)
    add_chunk(std::move(buffer), ObjectPoolCore::least_count);
  return given;
}

void ObjectChunks::add_chunk(Buffer&& buffer, std::size_t count) noexcept {
  const std::size_t header = saturating_round_up(sizeof(Chunk), kind_->alignment);
  std::byte* const begin = buffer.data() + buffer.gap().stretch(header);
  std::byte* const entries = begin + count * kind_->stride;
  std::byte* states = entries + count * sizeof(Entry);
  states += (0 - reinterpret_cast<std::uintptr_t>(states)) % line;
  std::memset(states, static_cast<int>(State::fresh), count);
  held_ += buffer.size();
  Chunk* const chunk = ::new (buffer.data()) Chunk{{begin, count, reinterpret_cast<State*>(states)},
                                                   {},
                                                   ::new (entries) Entry[count],
                                                   0,
                                                   nullptr};
  chunk->buffer = std::move(buffer);
  annotate::hide(begin, count * kind_->stride);
  scarce_ = false;
  chunks_[chunk_count_].store(chunk, std::memory_order_relaxed);
  chunk_count_.fetch_add(1, std::memory_order_release);
}

// ------------------------------------------------------------------------------- shrunk, released

void ObjectChunks::destroy(void* object) const noexcept {
  annotate::show(object, kind_->size);
  if (kind_->destroy != nullptr)
    kind_->destroy(object);
  annotate::hide(object, kind_->size);
}

// The newest chunks, which are the largest, go first, so that few small ones stay: none without an
// object in use that the others could do without.
ObjectChunks::Chunk* ObjectChunks::unlink_leaving(std::size_t& excess) noexcept {
  Chunk* leaving = nullptr;
  std::size_t kept = chunk_count_;
  for (std::size_t i = chunk_count_; i-- != 0;) {
    Chunk& chunk = *chunks_[i].load(std::memory_order_relaxed);
    const auto count = [&](State wanted) {
      return static_cast<std::size_t>(std::count(chunk.states, chunk.states + chunk.fresh, wanted));
    };
    const std::size_t idle = count(State::available);
    if (idle > excess || count(State::taken) + count(State::lent) != 0)
      continue;
    excess -= idle;
    objects_ -= idle;
    held_ -= chunk.buffer.size();
    chunk.next_leaving = std::exchange(leaving, &chunk);
    for (std::size_t j = i + 1; j != kept; ++j)
      chunks_[j - 1].store(chunks_[j].load(std::memory_order_relaxed), std::memory_order_relaxed);
    --kept;
  }
  chunk_count_ = kept;
  next_count_ = kept == 0 ? ObjectPoolCore::first_count(capacity_)
                          : saturating_multiply(chunks_[kept - 1].load()->count, 2);
  return leaving;
}

// All that is available goes to the depot, but for `excess` objects, which leave.
void ObjectChunks::restock(std::size_t excess) noexcept {
  depot_.reset();
  vacant_ = nullptr;
  for (std::size_t i = 0; i != chunk_count_; ++i) {
    const Chunk& chunk = *chunks_[i].load(std::memory_order_relaxed);
    for (std::size_t j = 0; j != chunk.fresh; ++j) {
      const Entry entry{address(chunk, j), chunk.states + j};
      if (*entry.state == State::vacant)
        add_vacant(entry);
      if (*entry.state != State::available)
        continue;
      if (excess == 0) {
        (void)depot_.push(entry);
        continue;
      }
      --excess;
      --objects_;
      mark(entry.state, State::leaving);
    }
  }
}

void ObjectChunks::free_leaving(Chunk* chunk) noexcept {
  while (chunk != nullptr) {
    Chunk& gone = *std::exchange(chunk, chunk->next_leaving);
    for (std::size_t i = gone.fresh; i-- != 0;)
      if (gone.states[i] == State::available)
        destroy(address(gone, i));
    free_chunk(gone);
  }
}

void ObjectChunks::destroy_leaving(std::mutex& mutex) noexcept {
  for (std::size_t i = chunk_count_; i-- != 0;) {
    const Chunk& chunk = *chunks_[i].load(std::memory_order_relaxed);
    for (std::size_t j = 0; j != chunk.fresh; ++j) {
      if (chunk.states[j] != State::leaving)
        continue;
      destroy(address(chunk, j));
      const std::lock_guard lock(mutex);
      add_vacant({address(chunk, j), chunk.states + j});
    }
  }
}

void ObjectChunks::free_chunk(Chunk& chunk) const noexcept {
  annotate::show(chunk.begin, chunk.count * kind_->stride);
  const Buffer buffer = std::move(chunk.buffer); // frees the chunk itself, too
}

std::size_t ObjectChunks::leases() const noexcept {
  std::size_t count = 0;
  for (std::size_t i = chunk_count_; i-- != 0;) {
    const Slots& slots = chunk(i);
    for (std::size_t j = 0; j != slots.count; ++j)
      count += state(slots.states + j) == State::lent ? 1U : 0U;
  }
  return count;
}

// Objects in use, too. Their destructors find it released.
void ObjectChunks::free_chunks() noexcept {
  next_count_ = objects_ = held_ = 0;
  vacant_ = nullptr;
  depot_.reset();
  for (std::size_t i = chunk_count_.exchange(0); i-- != 0;) {
    for (std::size_t j = chunk(i).fresh; j-- != 0;)
      if (const State found = chunk(i).states[j]; found != State::vacant && found != State::fresh)
        destroy(address(chunk(i), j));
    free_chunk(chunk(i));
  }
}

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
