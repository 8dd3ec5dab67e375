#include <allot/threads/slab_chunks.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

bool SlabChunks::begin(SlabRuns&& runs, bool zero) noexcept {
  const std::size_t bytes = runs.reserved() * sizeof *chunks_;
  table_ = Mapping::try_reserve(bytes, Commit::demand, HugePages::never);
  if (table_.data() == nullptr)
    table_ = Mapping::try_reserve(bytes, Commit::strict, HugePages::never);
  if (table_.data() == nullptr)
    return false;
  chunks_ = reinterpret_cast<std::atomic<PoolChunk*>*>(table_.data()); // all zero: null
  begin_on(std::move(runs), zero);
  return true;
}

void SlabChunks::release() noexcept {
  known_ = 0;
  kept_ = nullptr;
  kept_left_ = 0;
  chunks_ = nullptr;
  table_.release();
  if (SlabTable::begin() != nullptr)
    SlabTable::release();
}

void SlabChunks::see_new() noexcept {
  see_new_slabs();
  if (runs_.ready() > known_.load(std::memory_order_relaxed) &&
      table_.commit(runs_.ready() * sizeof *chunks_))
    known_.store(runs_.ready(), std::memory_order_release);
}

void* SlabChunks::take(std::size_t bytes, std::size_t alignment) noexcept {
  const std::size_t length = divide_up(bytes, extent);
  const Number number = runs_.take(length, alignment);
  if (number == none)
    return nullptr;
  see_new();
  if (number + length > known_.load(std::memory_order_relaxed)) { // no memory for the table
    runs_.put(number, 0);
    return nullptr;
  }
  for (std::size_t i = 0; i != length; ++i)
    if (Slab& slab = slabs_[number + i]; slab.was_used) // by a large object
      slab.was_used = false;
  annotate::show(runs_.address(number), length * extent);
  return runs_.address(number);
}

void SlabChunks::put(void* p, std::size_t bytes, std::size_t dirty) noexcept {
  if (zero())
    std::memset(static_cast<std::byte*>(p) + bytes - dirty, 0, dirty);
  set(p, bytes, nullptr);
  runs_.put(offset_of(p) / extent, 0);
}

void SlabChunks::set(const void* p, std::size_t bytes, PoolChunk* chunk) noexcept {
  const std::size_t number = offset_of(p) / extent;
  for (std::size_t i = 0; i != divide_up(bytes, extent); ++i)
    chunks_[number + i].store(chunk, std::memory_order_release);
}

void* SlabChunks::keep(std::size_t bytes, std::size_t alignment) noexcept {
  const auto skip = [&] { return padding(reinterpret_cast<std::uintptr_t>(kept_), alignment); };
  if (skip() + bytes > kept_left_) {
    void* const slabs = take(bytes, 1);
    if (slabs == nullptr)
      return nullptr;
    const std::size_t taken = divide_up(bytes, extent) * extent;
    if (taken - bytes < kept_left_) // the old rest is longer than the new one
      return slabs;
    kept_ = static_cast<std::byte*>(slabs);
    kept_left_ = taken;
  }
  std::byte* const p = kept_ + skip();
  kept_left_ -= skip() + bytes;
  kept_ = p + bytes;
  return p;
}

// Where it can, a whole number of huge pages from `origin`, so that they can move there.
void* SlabChunks::allocate_large(std::size_t bytes, std::size_t alignment,
                                 const std::byte* origin) noexcept {
  if (bytes > runs_.most() * slab_bytes)
    return nullptr;
  const std::size_t run = slabs_for(pages_for(bytes));
  Number number = none;
  if (origin != nullptr && alignment <= slab_bytes)
    number = runs_.take(run, os::huge_page_size, origin);
  if (number == none)
    number = runs_.take(run, alignment);
  see_new();
  return number == none ? nullptr : start_large(number, bytes);
}

void SlabChunks::deallocate_large(Slab& slab) noexcept {
  slab.live[0] = 0;
  annotate::freed(id(), slab.begin, slab.usable());
  put_large(slab);
}

void* SlabChunks::move_large(Slab& slab, std::size_t bytes, std::size_t alignment) noexcept {
  const bool grows = bytes > slab.usable();
  void* const moved = allocate_large(
      bytes, alignment, grows && slab.usable() >= os::huge_page_size ? slab.begin : nullptr);
  if (moved == nullptr)
    return nullptr;
  annotate::show(slab.begin, slab.usable());
  if (grows)
    SlabTable::move_large(slab, *find(moved), bytes);
  else
    std::memcpy(moved, slab.begin, bytes);
  deallocate_large(slab);
  return moved;
}

void SlabChunks::deallocate_all_large() noexcept {
  for (Number i = runs_.next_in_use(0); i != none;) {
    const Number next = runs_.next_in_use(i + runs_.length(i));
    if (slabs_[i].state == Slab::State::large)
      deallocate_large(slabs_[i]);
    i = next;
  }
}

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
