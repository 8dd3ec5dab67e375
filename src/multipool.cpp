#include <allot/multipool.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

namespace detail {

// In bytes, what is reserved: without a limit, with whatever limit, and in the end where the system
// refuses.
inline constexpr unsigned long long usual_reservation =
    sizeof(void*) < 8 ? 256_MiB : (instrumented ? 4ULL : 8ULL) << 30;
inline constexpr unsigned long long largest_reservation =
    sizeof(void*) < 8 ? 1ULL << 30 : 16ULL << 40;
inline constexpr std::size_t least_reservation = 1_MiB;

[[noreturn]] void refuse_reservation(Label label, std::size_t bytes) {
  throw_exhausted(label, Errc::system_refused, "the system refused to reserve %zu bytes", bytes);
}

// What may be touched at any time is charged as a whole where the system overcommits nothing, or
// limits data; what must be committed first is charged piece by piece.
void reserve_default(SlabRuns& runs, std::size_t most, HugePages huge_pages, Label label) {
  constexpr std::size_t slab_bytes = SlabRuns::slab_bytes;
  const bool bounded = most != max_size / slab_bytes;
  std::size_t slabs = usual_reservation / slab_bytes;
  if (bounded)
    slabs =
        std::clamp<std::size_t>(saturating_multiply(most, 2), 1, largest_reservation / slab_bytes);
  const std::size_t least = std::min(slabs, least_reservation / slab_bytes);
  const auto reserved = [&](Commit commit) {
    return runs.reserve(slabs, sizeof(Slab), commit, huge_pages);
  };
  for (; !reserved(Commit::demand) && !reserved(Commit::strict); slabs = std::max(slabs / 2, least))
    if (slabs == least)
      refuse_reservation(label, slabs * slab_bytes);
}

} // namespace detail

Multipool::Multipool(const MultipoolOptions& options) : name_(options.name) {
  detail::SlabRuns runs;
  const std::size_t most = options.limit / slab_bytes;
  if (options.reserve == 0)
    detail::reserve_default(runs, most, options.huge_pages, label());
  else if (!runs.reserve(divide_up(options.reserve, slab_bytes), sizeof(Slab), Commit::demand,
                         options.huge_pages))
    detail::refuse_reservation(label(), options.reserve);
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
