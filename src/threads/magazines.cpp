// What happens to magazines with the mutex held.
#include <allot/threads/magazines.hpp>

#include <allot/threads/shared_pools.hpp>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

// About 32 KiB of blocks, so that not much lies idle.
[[nodiscard]] std::uint32_t most_blocks_of(std::size_t size_class) noexcept {
  return static_cast<std::uint32_t>(std::clamp(std::size_t{32768} / class_size(size_class),
                                               std::size_t{4}, std::size_t{Magazine::most}));
}

[[nodiscard]] std::uint32_t capacity_of(const Magazine& magazine, std::size_t size_class) noexcept {
  return std::min(Magazine::room_of(magazine.level), most_blocks_of(size_class));
}

// Gives the `count` blocks that were put in first to their pool.
void spill(Magazine& magazine, std::uint32_t count, Pool& pool) noexcept {
  if (count == 0) // no_magazine perhaps, which many threads have at once
    return;
  const BlockIndex* first = magazine.indices();
  PoolChunk* const* place = magazine.chunks(0);
  for (PoolChunk* const* const end = magazine.chunks(count); place != end;) {
    PoolChunk& chunk = *place[-1];
    PoolChunk* const* const start = place;
    while (--place != end && place[-1] == &chunk) {
    }
    pool.put_back(chunk, first, first + (start - place));
    first += start - place;
  }
  magazine.drop(count);
}

// Fills what it can of the `left` places below those that are filled, the lowest block uppermost.
// Tells how many are left then.
std::uint32_t fill_from_chunk(Magazine& magazine, std::uint32_t left, PoolChunk& chunk) noexcept {
  const auto freed = static_cast<std::uint32_t>(std::min<std::size_t>(left, chunk.freed()));
  const auto fresh =
      static_cast<std::uint32_t>(std::min<std::size_t>(left - freed, chunk.end - chunk.fresh));
  left -= freed + fresh;
  std::fill_n(magazine.chunks(left + freed + fresh), freed + fresh, &chunk);
  BlockIndex* to = magazine.indices() + left;
  auto index = static_cast<BlockIndex>(chunk.fresh += fresh);
  for (BlockIndex* const end = to + fresh; to != end;)
    *to++ = --index;
  chunk.top -= freed;
  std::memcpy(to, chunk.top + 1, freed * sizeof *to);
  return left;
}

// How many blocks to move now: more the next time. Where a thread needs the mutex all the same it
// needs no magazines.
std::uint32_t SharedPools::ramp_up(Shelf& shelf, std::size_t size_class) noexcept {
  if (!os::can_fence_threads())
    return 1;
  const std::uint32_t blocks = shelf.ramp / Shelf::growth;
  shelf.ramp = static_cast<std::uint16_t>(
      std::min(shelf.ramp + blocks, Shelf::growth * most_blocks_of(size_class)));
  return blocks;
}

// Where both magazines are empty: a block, and more of them in the one that is loaded.
Pools::Block SharedPools::fetch(PoolPart& mine, std::size_t size_class) noexcept {
  Shelf& shelf = mine.shelf(size_class);
  Pool& pool = pool_of(size_class);
  const std::uint32_t blocks = ramp_up(shelf, size_class);
  Magazine* const full = full_[size_class];
  if (full != nullptr && blocks > 1 && full->count <= blocks) {
    full_[size_class] = full->next;
    store(std::exchange(shelf.loaded, full), size_class);
    make_room(shelf, pool);
    return full->pop();
  }
  if (blocks > 1)
    make_magazines(shelf, size_class, blocks);
  make_room(shelf, pool);
  if (full != nullptr) {
    const Block block = full->pop();
    while (full->count != 0 && shelf.loaded->count != std::min(blocks - 1, shelf.loaded->capacity))
      shelf.loaded->push(full->pop());
    if (full->count == 0) {
      full_[size_class] = full->next;
      store(full, size_class);
    }
    return block;
  }
  const Block first = block_of(&mine, pool);
  Magazine& magazine = *shelf.loaded;
  const std::uint32_t places = std::min(blocks - 1, magazine.capacity);
  if (first.chunk == nullptr || places == 0)
    return first;
  std::uint32_t left = fill_from_chunk(magazine, places, *first.chunk);
  for (Block block; left != 0 && (block = pools_.try_take(pool)).chunk != nullptr;) {
    magazine.put_at(--left, block);
    left = fill_from_chunk(magazine, left, *block.chunk);
  }
  magazine.count = places;
  magazine.drop(left);
  return first;
}

// Upstream is asked for magazines, and for room for places, where a thread takes, because giving
// back must not ask it. An empty one stays in the depot for who only gives back.
void SharedPools::make_magazines(Shelf& shelf, std::size_t size_class,
                                 std::uint32_t blocks) noexcept {
  const std::size_t level = Magazine::level_for(blocks);
  const auto replace = [&](Magazine*& old) {
    if (old != &no_magazine && old->level >= level)
      return;
    Magazine* const magazine = empty_[level] != nullptr
                                   ? std::exchange(empty_[level], empty_[level]->next)
                                   : new_magazine(level);
    if (magazine == nullptr)
      return;
    magazine->capacity = capacity_of(*magazine, size_class);
    store(std::exchange(old, magazine), size_class);
  };
  replace(shelf.loaded);
  if (blocks == most_blocks_of(size_class))
    replace(shelf.previous);
  if (threads_ > 1 && empty_[level] == nullptr)
    store(new_magazine(level), size_class);
}

// Null if upstream refuses.
Magazine* SharedPools::new_magazine(std::size_t level) noexcept {
  void* const memory = null_if_thrown([&] { return pools_.keep(Magazine::bytes_of(level)); });
  if (memory == nullptr)
    return nullptr;
  auto* const begin = static_cast<std::byte*>(memory);
  auto* const magazine = ::new (begin + Magazine::bytes_before(level)) Magazine;
  magazine->level = level;
  return magazine;
}

// A block that a thread gives back.
void SharedPools::put(PoolPart& mine, std::size_t size_class, Block block) noexcept {
  Shelf& shelf = mine.shelf(size_class);
  if (shelf.loaded->count == shelf.loaded->capacity)
    std::swap(shelf.loaded, shelf.previous);
  if (shelf.loaded->count == shelf.loaded->capacity)
    exchange(shelf, size_class);
  if (shelf.loaded->count != shelf.loaded->capacity)
    shelf.loaded->push(block);
  else
    pool_of(size_class).put_back(*block.chunk, block.index);
}

// Where both magazines are full: an empty one, or else blocks go to the pool.
void SharedPools::exchange(Shelf& shelf, std::size_t size_class) noexcept {
  const std::uint32_t blocks = ramp_up(shelf, size_class);
  std::size_t level = Magazine::level_for(blocks);
  while (level != Magazine::levels - 1 && empty_[level] == nullptr)
    ++level;
  while (shelf.loaded == &no_magazine && level != 0 && empty_[level] == nullptr)
    --level; // better than none
  Magazine* const empty = empty_[level];
  if (blocks > 1 && empty != nullptr) {
    empty_[level] = empty->next;
    empty->capacity = capacity_of(*empty, size_class);
    store(std::exchange(shelf.previous, std::exchange(shelf.loaded, empty)), size_class);
    return;
  }
  Pool& pool = pool_of(size_class);
  if (shelf.loaded->level < shelf.previous->level)
    std::swap(shelf.loaded, shelf.previous);
  spill(*shelf.previous, shelf.previous->count, pool);
  if (shelf.previous->level < shelf.loaded->level)
    store(std::exchange(shelf.previous, &no_magazine), size_class);
  if (shelf.previous != &no_magazine)
    std::swap(shelf.loaded, shelf.previous);
  else // half, so that neither taking nor giving comes here again soon
    spill(*shelf.loaded, (shelf.loaded->count + 1) / 2, pool);
}

void SharedPools::store(Magazine* magazine, std::size_t size_class) noexcept {
  if (magazine == nullptr || magazine == &no_magazine)
    return;
  Magazine*& list = magazine->count == 0 ? empty_[magazine->level] : full_[size_class];
  magazine->next = list;
  list = magazine;
}

// Of a thread that ended.
void SharedPools::flush(PoolPart& part) noexcept {
  for (std::size_t i = 0; i != classes(); ++i) {
    Shelf& shelf = part.shelf(i);
    store(std::exchange(shelf.loaded, &no_magazine), i);
    store(std::exchange(shelf.previous, &no_magazine), i);
    shelf.ramp = Shelf::growth;
  }
  --threads_;
}

// --------------------------------------------------------- where upstream refuses, or is given
// back

void SharedPools::empty_depot() noexcept {
  for (std::size_t i = 0; full_ != nullptr && i != classes(); ++i)
    while (Magazine* const full = full_[i]) {
      full_[i] = full->next;
      spill(*full, full->count, pool_of(i));
      store(full, i);
    }
}

// From now on it idles little, too.
void SharedPools::empty(PoolPart& part) noexcept {
  for (std::size_t i = 0; i != classes(); ++i) {
    Shelf& shelf = part.shelf(i);
    spill(*shelf.loaded, shelf.loaded->count, pool_of(i));
    spill(*shelf.previous, shelf.previous->count, pool_of(i));
    shelf.ramp = Shelf::growth;
  }
}

// False: there are none, or threads cannot be fenced.
bool SharedPools::empty_others() noexcept {
  if (threads_ < 2 || !close_parts())
    return false;
  for (ThreadPart* part = parts(); part != nullptr; part = part->next_of_shared)
    empty(static_cast<PoolPart&>(*part));
  open_parts();
  return true;
}

// ----------------------------------------------------------------------------------------- places

// Without room the shelf stays as it is: the pool is asked the next time too.
void SharedPools::update(Shelf& shelf, const Pool& pool) noexcept {
  shelf.needs_room = shelf.room < pool.chunks;
  if (shelf.needs_room || shelf.chunks == pool.chunks)
    return;
  std::copy_n(pool.places, pool.chunks, shelf.places);
  shelf.chunks = pool.chunks;
}

void SharedPools::make_room(Shelf& shelf, const Pool& pool) noexcept {
  if (shelf.room >= pool.chunks || (shelf.loaded == &no_magazine && !shelf.needs_room))
    return; // it would seldom be needed
  void* const memory = null_if_thrown([&] { return pools_.keep(pool.room * sizeof(ChunkPlace)); });
  if (memory == nullptr)
    return;
  shelf.places = static_cast<ChunkPlace*>(memory);
  shelf.room = pool.room;
  shelf.chunks = 0;
}

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
