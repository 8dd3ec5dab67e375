#include <allot/multipool.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

Multipool::Multipool(const MultipoolOptions& options) : name_(options.name) {
  detail::SlabRuns runs;
  const std::size_t most = options.limit / slab_bytes;
  detail::reserve_slabs(runs, options.reserve, most, options.huge_pages, label());
  limited_ = most <= runs.reserved();
  runs.limit(most);
  slabs_.begin_on(std::move(runs), options.zero);
}

Multipool::Multipool(Buffer buffer, const MultipoolOptions& options) : name_(options.name) {
  detail::SlabRuns runs;
  if (!runs.stand_on(buffer, sizeof(Slab), options.zero))
    throw_misuse(label(), Errc::bad_size,
                 "a buffer of %zu bytes has no room for a slab of %zu and its record",
                 buffer.size(), slab_bytes);
  limited_ = true;
  runs.limit(options.limit / slab_bytes);
  slabs_.begin_on(std::move(runs), options.zero);
}

void Multipool::check_usable() const {
  if (freed())
    throw_released(label());
}

// ---------------------------------------------------------------------------------------- refusals

void* Multipool::allocate_slow(std::size_t bytes, std::size_t alignment) {
  if (void* p = slabs_.allocate(bytes, alignment))
    return p;
  refuse_request(bytes, alignment);
}

void Multipool::refuse_request(std::size_t bytes, std::size_t alignment) const {
  check_usable();
  if (!is_power_of_two(alignment))
    throw_bad_alignment(label(), alignment);
  if (limited_)
    throw_full(label(), bytes, available(), capacity());
  throw_exhausted(label(), Errc::no_room, "%zu bytes asked, %zu left of %zu reserved", bytes,
                  available(), capacity());
}

void Multipool::refuse_pointer(const void* p) const {
  check_usable();
  if (p == nullptr)
    throw_misuse(label(), Errc::null_pointer, "a null pointer was given back");
  if (const Slab* const slab = slabs_.around(p)) {
    if (const Slab* const object = slabs_.large_around(*slab))
      throw_misuse(label(), Errc::misaligned_pointer,
                   "%p lies %zu bytes into a large object, not at its start", p,
                   static_cast<std::size_t>(static_cast<const std::byte*>(p) - object->begin));
    if (slab->bytes != 0 && (slab->state != Slab::State::idle || slab->was_used)) {
      const std::size_t offset_in = slabs_.offset_in_block(*slab, p);
      if (slabs_.was_block(*slab, static_cast<const std::byte*>(p) - offset_in)) {
        if (offset_in != 0)
          throw_misuse(label(), Errc::misaligned_pointer,
                       "%p lies %zu bytes into a block of %zu, not at its start", p, offset_in,
                       slab->usable());
        throw_misuse(label(), Errc::double_free, "the block of %zu bytes at %p is free already",
                     slab->usable(), p);
      }
    }
    if (slab->bytes == 0 && slab->was_used && p == slab->begin)
      throw_misuse(label(), Errc::double_free, "the large object at %p is free already", p);
  }
  throw_misuse(label(), Errc::foreign_pointer, "%p was not handed out by this pool", p);
}

bool Multipool::has_size(const Slab& slab, std::size_t bytes, std::size_t alignment) noexcept {
  if (!is_power_of_two(alignment))
    return false;
  const std::size_t size_class = Classes::of(bytes, alignment);
  if (slab.size_class == Classes::large)
    return (Classes::is_large(size_class) || slab.loose) &&
           divide_up(larger(bytes, 1), Slab::page) == slab.pages;
  return size_class == slab.size_class || (slab.loose && size_class < slab.size_class);
}

void Multipool::check_size(const Slab& slab, const void* p, std::size_t bytes,
                           std::size_t alignment) const {
  if (has_size(slab, bytes, alignment))
    return;
  if (!is_power_of_two(alignment))
    throw_bad_alignment(label(), alignment);
  throw_misuse(label(), Errc::bad_size,
               "the block of %zu bytes at %p is not one for %zu aligned to %zu", slab.usable(), p,
               bytes, alignment);
}

// ---------------------------------------------------------------------------------------- resizing

void* Multipool::reallocate(void* p, std::size_t new_bytes) {
  if (p == nullptr)
    return allocate(new_bytes);
  Slab* const slab = slabs_.find(p);
  if (slab == nullptr)
    refuse_pointer(p);
  if (slabs_.resize(*slab, p, new_bytes, granule))
    return p;
  if (void* const moved = slabs_.move(*slab, p, new_bytes, granule))
    return moved;
  refuse_request(new_bytes, granule);
}

void* Multipool::reallocate(void* p, std::size_t old_bytes, std::size_t new_bytes,
                            std::size_t alignment) {
  if (p == nullptr)
    return allocate(new_bytes, alignment);
  Slab* const slab = slabs_.find(p);
  if (slab == nullptr)
    refuse_pointer(p);
  check_size(*slab, p, old_bytes, alignment);
  if (slabs_.resize(*slab, p, new_bytes, alignment))
    return p;
  if (void* const moved = slabs_.move(*slab, p, new_bytes, alignment))
    return moved;
  refuse_request(new_bytes, alignment);
}

void* Multipool::try_reallocate(void* p, std::size_t new_bytes) noexcept {
  if (p == nullptr)
    return try_allocate(new_bytes);
  Slab* const slab = slabs_.find(p);
  if (slab == nullptr)
    return nullptr;
  return slabs_.resize(*slab, p, new_bytes, granule) ? p
                                                     : slabs_.move(*slab, p, new_bytes, granule);
}

bool Multipool::try_resize(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept {
  Slab* const slab = slabs_.find(p);
  if (slab == nullptr || old_bytes > slab->usable())
    return false;
  return slabs_.resize(*slab, p, new_bytes, granule) || slabs_.loosen(*slab, p, new_bytes);
}

// ---------------------------------------------------------------------------------- the whole pool

ClassStats Multipool::class_stats(std::size_t index) const {
  if (index >= classes())
    throw_misuse(label(), Errc::out_of_bounds, "class %zu was asked for, there are %zu", index,
                 classes());
  return slabs_.class_stats(index);
}

void Multipool::reset() {
  check_usable();
  slabs_.reset();
}

void Multipool::trim(std::size_t keep) {
  check_usable();
  slabs_.trim(keep);
}

} // namespace ALLOT_ABI
} // namespace allot
