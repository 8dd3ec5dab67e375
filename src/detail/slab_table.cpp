#include <allot/detail/slab_table.hpp>

#include <algorithm>
#include <cstring>
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
void reserve_slabs(SlabRuns& runs, std::size_t bytes, std::size_t most, HugePages huge_pages,
                   Label label) {
  constexpr std::size_t slab_bytes = SlabRuns::slab_bytes;
  if (bytes != 0 &&
      !runs.reserve(divide_up(bytes, slab_bytes), sizeof(Slab), Commit::demand, huge_pages))
    refuse_reservation(label, bytes);
  if (bytes != 0)
    return;
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

void SlabTable::begin_on(SlabRuns&& runs, bool zero) noexcept {
  runs_ = std::move(runs);
  begin_ = runs_.begin();
  slabs_ = reinterpret_cast<Slab*>(runs_.records()); // all zero, which is what a new Slab is
  zero_ = zero;
  annotate::open(slabs_, begin_, runs_.on_buffer() ? runs_.reserved() * slab_extent() : 0);
}

void SlabTable::move_from(SlabTable& other) noexcept {
  begin_ = other.begin_;
  slabs_ = other.slabs_;
  ready_granules_ = other.ready_granules_;
  zero_ = other.zero_;
  runs_ = std::move(other.runs_);
  other.forget();
}

void SlabTable::forget() noexcept {
  begin_ = nullptr;
  slabs_ = nullptr;
  ready_granules_ = 0;
}

void SlabTable::release() noexcept {
  annotate::close(slabs_, begin_,
                  (runs_.on_buffer() ? runs_.reserved() : runs_.ready()) * slab_extent());
  forget();
  runs_.release();
}

// --------------------------------------------------------------------------------- what lies where

const Slab* SlabTable::around(const void* p) const noexcept {
  const std::size_t number = offset_of(p) / slab_extent();
  return number < runs_.ready() ? &slabs_[number] : nullptr;
}

const Slab* SlabTable::large_around(const Slab& slab) const noexcept {
  Number number = number_of(slab);
  if (slab.state == Slab::State::idle)
    number = runs_.around(number);
  return number != none && slabs_[number].state == Slab::State::large ? &slabs_[number] : nullptr;
}

bool SlabTable::was_block(const Slab& slab, const std::byte* start) const noexcept {
  const Slab& owner = slab_at(granule_at(start));
  return owner.bytes == slab.bytes &&
         static_cast<std::size_t>(start - owner.begin) <
             runs_.gap().stretch(owner.first * granule) + owner.carved * stride(owner);
}

bool SlabTable::owns(const void* p) const noexcept {
  const Slab* const slab = around(p);
  if (slab == nullptr)
    return false;
  if (const Slab* const object = large_around(*slab))
    return static_cast<std::size_t>(static_cast<const std::byte*>(p) - object->begin) <
           object->usable();
  if (slab->state == Slab::State::idle)
    return false;
  const std::size_t offset_in = offset_in_block(*slab, p);
  return offset_in < slab->usable() &&
         find(static_cast<const std::byte*>(p) - offset_in) != nullptr;
}

// Those that are in use: of blocks, and the first of each large object.
template <class F>
void SlabTable::for_each_slab(const F& f) const noexcept {
  for (Number i = runs_.next_in_use(0); i != none; i = runs_.next_in_use(i + runs_.length(i)))
    for (std::size_t n = slabs_[i].state == Slab::State::large ? 1 : runs_.length(i); n-- != 0;)
      f(slabs_[i + n]);
}

std::size_t SlabTable::used() const noexcept {
  std::size_t bytes = 0;
  for_each_slab([&](const Slab& slab) {
    bytes += slab.state == Slab::State::large ? slab.usable() : slab.used() * slab.usable();
  });
  return bytes;
}

ClassStats SlabTable::class_stats(std::size_t size_class) const noexcept {
  ClassStats stats{Classes::bytes(size_class), 0, 0};
  for_each_slab([&](const Slab& slab) {
    if (slab.state == Slab::State::large) {
      stats.used +=
          Classes::is_large(size_class) && Classes::of(slab.usable()) == size_class ? 1 : 0;
    } else if (slab.size_class == size_class) {
      stats.used += slab.used();
      stats.available += slab.capacity - slab.used();
    }
  });
  return stats;
}

void SlabTable::reset() noexcept {
  annotate::truncated(slabs_, slabs_, 0);
  for_each_slab([&](Slab& slab) { clear(slab); });
  for (Number i = runs_.next_in_use(0); i != none;) {
    const Number next = runs_.next_in_use(i + runs_.length(i));
    runs_.keep(i);
    i = next;
  }
}

// Of what is in the slab, or in the large object that starts there, nothing is in use any more.
void SlabTable::clear(Slab& slab) noexcept {
  const bool large = slab.state == Slab::State::large;
  if (zero_ && large)
    wipe(slab.begin, slab.written * Slab::page);
  else if (zero_)
    wipe(slab.begin + runs_.gap().stretch(slab.first * granule), slab.carved * stride(slab));
  if (zero_ && !large && slab.stack != slab.own)
    std::memset(slab.stack, 0, slab.capacity * sizeof(Slab::Index));
  std::fill(std::begin(slab.live), std::end(slab.live), 0);
  slab.state = Slab::State::idle;
  slab.was_used = true;
}

// ----------------------------------------------------------------------------------- large objects

void* SlabTable::start_large(Number number, std::size_t bytes) noexcept {
  Slab& slab = slabs_[number];
  slab.stack = slab.own;
  slab.begin = runs_.address(number);
  slab.free = slab.bytes = 0;
  slab.wake = 1;
  slab.pages = slab.written = static_cast<std::uint32_t>(pages_for(bytes));
  slab.state = Slab::State::large;
  slab.size_class = Classes::large;
  slab.loose = false;
  slab.live[0] = 1;
  annotate::hide(slab.begin, runs_.length(number) * slab_extent());
  annotate::allocated(slabs_, slab.begin, larger(bytes, 1));
  return slab.begin;
}

bool SlabTable::resize_large(Slab& slab, std::size_t bytes) noexcept {
  if (bytes > runs_.most() * slab_bytes)
    return false;
  const std::size_t pages = pages_for(bytes);
  const std::size_t run = slabs_for(pages);
  const std::size_t number = number_of(slab);
  if (run > runs_.length(number)) {
    if (!runs_.grow(number, run))
      return false;
    see_new_slabs();
  }
  annotate::hide(slab.begin, slab.usable());
  if (run < runs_.length(number))
    shrink_large(slab, run);
  slab.pages = static_cast<std::uint32_t>(pages);
  slab.written = std::max(slab.written, slab.pages);
  annotate::resized(slabs_, slab.begin, slab.usable(), larger(bytes, 1));
  return true;
}

void SlabTable::shrink_large(Slab& slab, std::size_t run) noexcept {
  const auto kept = static_cast<std::uint32_t>(run * slab_extent() / Slab::page);
  const std::size_t dirty = slab.written > kept ? slab.written - kept : 0;
  slab.written = std::min(slab.written, kept);
  runs_.shrink(number_of(slab), run, zero_ ? dirty * Slab::page : 0);
}

// What is longer than the contents was is not moved.
void SlabTable::move_large(Slab& slab, Slab& target, std::size_t bytes) noexcept {
  const std::size_t usable = slab.usable();
  if (zero_)
    wipe(slab.begin + usable, (slab.written - slab.pages) * Slab::page);
  annotate::show(target.begin, usable);
  slab.written = runs_.move(number_of(slab), number_of(target), usable) ? 0 : slab.pages;
  annotate::resized(slabs_, target.begin, target.usable(), bytes);
}

void SlabTable::put_large(Slab& slab) noexcept {
  slab.state = Slab::State::idle;
  slab.was_used = true;
  runs_.put(number_of(slab), zero_ ? slab.written * Slab::page : 0);
}

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
