#include <allot/threads/shared_multipool.hpp>

#include <allot/pmr/runs.hpp>

#include <cstring>
#include <mutex>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

SharedMultipool::SharedMultipool(const SharedMultipoolOptions& options)
    : zero_(options.zero), name_(options.name) {
  detail::SlabRuns runs;
  const std::size_t most = options.limit / slab_bytes;
  detail::reserve_slabs(runs, options.reserve, most, options.huge_pages, label());
  limited_ = most <= runs.reserved();
  runs.limit(most);
  if (!slabs_.begin(std::move(runs), zero_))
    throw_exhausted(label(), Errc::system_refused, "the system refused a table of the slabs");
}

SharedMultipool::~SharedMultipool() {
  if (!freed() && pools_.is_busy())
    report_misuse(label(), Errc::busy, "destroyed while another thread uses it");
  pools_.release();
  slabs_.release();
}

void SharedMultipool::check_usable() const {
  if (freed())
    throw_released(label());
}

// --------------------------------------------------------------------------------- taking, freeing

std::size_t SharedMultipool::free_in_chunks() const noexcept {
  const std::lock_guard lock(pools_.mutex);
  return pools_.pools().stats().available + pools_.idle(detail::SharedPools::any_class);
}

void* SharedMultipool::allocate_slow(std::size_t bytes, std::size_t alignment) {
  if (void* const p = try_allocate_slow(bytes, alignment))
    return p;
  refuse_request(bytes, alignment);
}

// What threads and classes keep though nothing is in use may be in the way of a large object.
void* SharedMultipool::try_allocate_slow(std::size_t bytes, std::size_t alignment) noexcept {
  if (freed() || !is_power_of_two(alignment))
    return nullptr;
  bytes = larger(bytes, 1);
  if (detail::last_of(bytes, alignment) < largest)
    return detail::null_if_thrown(
        [&] { return pools_.allocate_slow(bytes, alignment, detail::marked_in_use); });
  const auto allocate_large = [&] {
    const std::lock_guard lock(pools_.mutex);
    return slabs_.allocate_large(bytes, alignment);
  };
  if (void* const p = allocate_large())
    return p;
  if (available() + free_in_chunks() < bytes)
    return nullptr;
  pools_.trim(0);
  return allocate_large();
}

SharedMultipool::Found SharedMultipool::find_locked(const void* p) const noexcept {
  if (p == nullptr || freed())
    return {};
  if (detail::Slab* const large = slabs_.find(p))
    return {large->usable(), {}, large};
  const detail::Pools::Block block = pools_.pools().find_in_use(p, slabs_.chunk_at(p));
  if (block.chunk == nullptr)
    return {};
  const detail::BlockFlag flag = block.chunk->live()[block.index];
  const std::size_t bytes = detail::is_run(flag) ? round_up(detail::bytes_of_run(flag))
                                                 : detail::class_size(block.chunk->size_class);
  return {bytes, block, nullptr};
}

// A block that is marked so without the mutex, and what else is in use with it.
SharedMultipool::Found SharedMultipool::find(const void* p) const noexcept {
  if (const std::size_t bytes = pools_.usable_size(slabs_, p)) {
    detail::PoolChunk* const chunk = slabs_.chunk_at(p); // which stays, since the block is in use
    return {bytes, {chunk, chunk->pool->index_in(*chunk, p)}, nullptr};
  }
  const std::lock_guard lock(pools_.mutex);
  return find_locked(p);
}

void SharedMultipool::free_locked(const Found& found) noexcept {
  if (found.large != nullptr)
    slabs_.deallocate_large(*found.large);
  else
    pools_.give_back(found.block, zero_);
}

bool SharedMultipool::try_deallocate_slow(void* p) noexcept {
  const std::lock_guard lock(pools_.mutex);
  const Found found = find_locked(p);
  if (found.bytes != 0)
    free_locked(found);
  return found.bytes != 0;
}

void SharedMultipool::deallocate_slow(void* p) {
  if (!try_deallocate_slow(p))
    refuse_pointer(p);
}

void SharedMultipool::deallocate_slow(void* p, std::size_t bytes, std::size_t alignment) {
  std::size_t usable = 0;
  {
    const std::lock_guard lock(pools_.mutex);
    const Found found = find_locked(p);
    if (found.bytes != 0 && has_size(found, bytes, alignment))
      return free_locked(found);
    usable = found.bytes;
  }
  if (usable == 0)
    refuse_pointer(p);
  refuse_size(usable, p, bytes, alignment);
}

std::size_t SharedMultipool::usable_size_slow(const void* p) const {
  const std::size_t bytes = find(p).bytes;
  if (bytes == 0)
    refuse_pointer(p);
  return bytes;
}

bool SharedMultipool::owns(const void* p) const noexcept {
  if (freed())
    return false;
  const std::lock_guard lock(pools_.mutex);
  const auto* const byte = static_cast<const std::byte*>(p);
  const detail::Slab* const slab = slabs_.around(p);
  if (slab == nullptr)
    return false;
  const detail::Pools::Block block = pools_.pools().find_around(p);
  if (block.chunk == nullptr) {
    const detail::Slab* const large = slabs_.large_around(*slab);
    return large != nullptr && static_cast<std::size_t>(byte - large->begin) < large->usable();
  }
  const std::byte* const start = block.chunk->begin + block.index * block.chunk->pool->stride;
  return static_cast<std::size_t>(byte - start) < find_locked(start).bytes;
}

// ---------------------------------------------------------------------------------------- resizing

bool SharedMultipool::has_size(const Found& found, std::size_t bytes,
                               std::size_t alignment) noexcept {
  if (!is_power_of_two(alignment))
    return false;
  const std::size_t last = detail::last_of(larger(bytes, 1), alignment);
  if (found.large != nullptr)
    return (last >= largest || found.large->loose) &&
           divide_up(larger(bytes, 1), detail::Slab::page) == found.large->pages;
  if (last >= largest)
    return false;
  const detail::BlockFlag flag = found.block.chunk->live()[found.block.index];
  const std::size_t size_class = detail::class_of(last);
  if (detail::is_run(flag)) // as long as was asked for, whatever it is aligned to
    return bytes <= found.bytes;
  const std::size_t of_block = found.block.chunk->size_class;
  return flag == detail::marked_loose ? size_class <= of_block : size_class == of_block;
}

// In place, if the class stays.
bool SharedMultipool::resize(const Found& found, void* p, std::size_t bytes,
                             std::size_t alignment) noexcept {
  bytes = larger(bytes, 1);
  const std::size_t last = detail::last_of(bytes, alignment);
  if (found.large != nullptr) {
    const std::lock_guard lock(pools_.mutex);
    return last >= largest && slabs_.resize_large(*found.large, bytes);
  }
  if (last >= largest || detail::class_size(detail::class_of(last)) != found.bytes)
    return false;
  annotate::resized(found.block.chunk, p, found.bytes, bytes);
  return true;
}

// In place, if there is room, whatever class that is the size of.
bool SharedMultipool::loosen(const Found& found, void* p, std::size_t bytes) noexcept {
  bytes = larger(bytes, 1);
  const std::lock_guard lock(pools_.mutex);
  if (found.large != nullptr) {
    if (!slabs_.resize_large(*found.large, bytes))
      return false;
    found.large->loose = true;
    return true;
  }
  if (bytes > found.bytes)
    return false;
  detail::BlockFlag& flag = found.block.chunk->live()[found.block.index];
  if (!detail::is_run(flag))
    flag = detail::marked_loose;
  annotate::resized(found.block.chunk, p, found.bytes, bytes);
  return true;
}

// Null: there is no room for what is longer.
void* SharedMultipool::move(const Found& found, void* p, std::size_t bytes,
                            std::size_t alignment) noexcept {
  if (found.large != nullptr && detail::last_of(larger(bytes, 1), alignment) >= largest) {
    const std::lock_guard lock(pools_.mutex);
    if (void* const moved = slabs_.move_large(*found.large, bytes, alignment))
      return moved;
  } else if (void* const moved = try_allocate(bytes, alignment)) {
    annotate::show(p, found.bytes);
    std::memcpy(moved, p, smaller(found.bytes, bytes));
    (void)try_deallocate(p);
    return moved;
  }
  const bool aligned = padding(reinterpret_cast<std::uintptr_t>(p), alignment) == 0;
  return aligned && bytes <= found.bytes && loosen(found, p, bytes) ? p : nullptr;
}

void* SharedMultipool::try_reallocate(void* p, std::size_t new_bytes) noexcept {
  if (p == nullptr)
    return try_allocate(new_bytes);
  const Found found = find(p);
  if (found.bytes == 0)
    return nullptr;
  return resize(found, p, new_bytes, granule) ? p : move(found, p, new_bytes, granule);
}

void* SharedMultipool::reallocate(void* p, std::size_t new_bytes) {
  if (p == nullptr)
    return allocate(new_bytes);
  (void)usable_size(p);
  if (void* const moved = try_reallocate(p, new_bytes))
    return moved;
  refuse_request(new_bytes, granule);
}

void* SharedMultipool::try_reallocate(void* p, std::size_t old_bytes, std::size_t new_bytes,
                                      std::size_t alignment) noexcept {
  if (p == nullptr)
    return try_allocate(new_bytes, alignment);
  const Found found = find(p);
  if (found.bytes == 0 || !has_size(found, old_bytes, alignment))
    return nullptr;
  return resize(found, p, new_bytes, alignment) ? p : move(found, p, new_bytes, alignment);
}

void* SharedMultipool::reallocate(void* p, std::size_t old_bytes, std::size_t new_bytes,
                                  std::size_t alignment) {
  if (p == nullptr)
    return allocate(new_bytes, alignment);
  const std::size_t usable = usable_size(p);
  if (!has_size(find(p), old_bytes, alignment))
    refuse_size(usable, p, old_bytes, alignment);
  if (void* const moved = try_reallocate(p, old_bytes, new_bytes, alignment))
    return moved;
  refuse_request(new_bytes, alignment);
}

bool SharedMultipool::try_resize(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept {
  const Found found = find(p);
  if (found.bytes == 0 || old_bytes > found.bytes)
    return false;
  return resize(found, p, new_bytes, granule) || loosen(found, p, new_bytes);
}

// ---------------------------------------------------------------------------------------- refusals

void SharedMultipool::refuse_request(std::size_t bytes, std::size_t alignment) const {
  check_usable();
  if (!is_power_of_two(alignment))
    throw_bad_alignment(label(), alignment);
  if (limited_)
    throw_full(label(), bytes, available(), capacity());
  throw_exhausted(label(), Errc::no_room, "%zu bytes asked, %zu left of %zu reserved", bytes,
                  available(), capacity());
}

void SharedMultipool::refuse_size(std::size_t usable, const void* p, std::size_t bytes,
                                  std::size_t alignment) const {
  if (!is_power_of_two(alignment))
    throw_bad_alignment(label(), alignment);
  throw_misuse(label(), Errc::bad_size,
               "the block of %zu bytes at %p is not one for %zu aligned to %zu", usable, p, bytes,
               alignment);
}

// Nothing is thrown with the mutex held, as a handler may use the pool.
void SharedMultipool::refuse_pointer(const void* p) const {
  check_usable();
  if (p == nullptr)
    throw_misuse(label(), Errc::null_pointer, "a null pointer was given back");
  std::size_t bytes = 0; // of a block
  std::size_t offset = 0;
  bool was_large = false;
  {
    const std::lock_guard lock(pools_.mutex);
    const auto* const byte = static_cast<const std::byte*>(p);
    const detail::Slab* const slab = slabs_.around(p);
    const detail::Pools::Block block = pools_.pools().find_around(p);
    if (block.chunk != nullptr) {
      const detail::BlockFlag flag = block.chunk->live()[block.index];
      bytes = detail::is_run(flag) ? round_up(detail::bytes_of_run(flag))
                                   : detail::class_size(block.chunk->size_class);
      offset = static_cast<std::size_t>(byte - block.chunk->begin) -
               block.index * block.chunk->pool->stride;
    } else if (slab != nullptr) {
      if (const detail::Slab* const large = slabs_.large_around(*slab))
        offset = static_cast<std::size_t>(byte - large->begin);
      was_large = slab->was_used && byte == slab->begin;
    }
  }
  if (bytes != 0 && offset != 0)
    throw_misuse(label(), Errc::misaligned_pointer,
                 "%p lies %zu bytes into a block of %zu, not at its start", p, offset, bytes);
  if (bytes != 0)
    throw_misuse(label(), Errc::double_free, "the block of %zu bytes at %p is free already", bytes,
                 p);
  if (offset != 0)
    throw_misuse(label(), Errc::misaligned_pointer,
                 "%p lies %zu bytes into a large object, not at its start", p, offset);
  if (was_large)
    throw_misuse(label(), Errc::double_free, "the large object at %p is free already", p);
  throw_misuse(label(), Errc::foreign_pointer, "%p was not handed out by this pool", p);
}

// ---------------------------------------------------------------------------------- the whole pool

void SharedMultipool::reset() {
  check_usable();
  if (pools_.is_busy())
    throw_misuse(label(), Errc::busy, "reset while another thread uses it");
  pools_.reset(zero_);
  const std::lock_guard lock(pools_.mutex);
  slabs_.deallocate_all_large();
}

void SharedMultipool::release() noexcept {
  if (freed())
    return;
  if (pools_.is_busy())
    return report_misuse(label(), Errc::busy, "released while another thread uses it");
  pools_.release();
  slabs_.release();
}

void SharedMultipool::trim(std::size_t keep) {
  check_usable();
  pools_.trim(0);
  const std::lock_guard lock(pools_.mutex);
  slabs_.trim(keep);
}

std::size_t SharedMultipool::capacity() const noexcept {
  const std::lock_guard lock(pools_.mutex);
  return slabs_.runs().most() * slab_bytes;
}

std::size_t SharedMultipool::committed() const noexcept {
  const std::lock_guard lock(pools_.mutex);
  return slabs_.runs().held() * slab_bytes;
}

std::size_t SharedMultipool::available() const noexcept {
  const std::lock_guard lock(pools_.mutex);
  return (slabs_.runs().most() - slabs_.runs().in_use()) * slab_bytes;
}

std::size_t SharedMultipool::used() const noexcept {
  if (freed())
    return 0;
  const std::lock_guard lock(pools_.mutex);
  return pools_.pools().stats().used - pools_.idle(detail::SharedPools::any_class) + slabs_.used();
}

std::size_t SharedMultipool::peak() const noexcept {
  const std::size_t now = used();
  const std::lock_guard lock(pools_.mutex);
  return larger(slabs_.runs().peak() * slab_bytes, now);
}

void SharedMultipool::reset_peak() noexcept {
  const std::lock_guard lock(pools_.mutex);
  slabs_.reset_peak();
}

ClassStats SharedMultipool::class_stats(std::size_t index) const {
  if (index >= classes())
    throw_misuse(label(), Errc::out_of_bounds, "class %zu was asked for, there are %zu", index,
                 classes());
  const std::lock_guard lock(pools_.mutex);
  ClassStats stats = pools_.pools().class_stats(index);
  const std::size_t idle = freed() ? 0 : pools_.idle(index);
  stats.used -= idle;
  stats.available += idle;
  return stats;
}

} // namespace ALLOT_ABI
} // namespace allot
