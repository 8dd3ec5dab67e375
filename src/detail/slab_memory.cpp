#include <allot/detail/slab_memory.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

bool SlabMemory::reserve(std::size_t slabs, std::size_t record_bytes, Commit commit,
                         HugePages huge_pages) noexcept {
  const std::size_t records = saturating_multiply(slabs, record_bytes + sizeof(Run));
  const std::size_t memory = // and one to begin at a multiple
      saturating_multiply(saturating_add(slabs, 1), red_zones.stretch(slab_bytes));
  const bool always = huge_pages == HugePages::always;
  Mapping mapping = Mapping::try_reserve(saturating_add(memory, records), commit,
                                         always ? HugePages::always : HugePages::never);
  if (slabs >= Run::none || mapping.data() == nullptr)
    return false;
  mapping_ = std::move(mapping);
  gap_ = red_zones;
  huge_pages_ = huge_pages;
  huge_from_ = always ? 0 : max_size;
  lay_out(mapping_.data(), slabs, record_bytes);
  return true;
}

bool SlabMemory::stand_on(Buffer& buffer, std::size_t record_bytes, bool zero) noexcept {
  const Gap gap = buffer.gap();
  const std::size_t skip =
      padding(reinterpret_cast<std::uintptr_t>(buffer.data()), gap.stretch(slab_bytes));
  const std::size_t room = skip < buffer.extent() ? gap.shrink(buffer.extent() - skip) : 0;
  const std::size_t slabs =
      std::min<std::size_t>(room / (slab_bytes + record_bytes + sizeof(Run)), Run::none - 1);
  if (slabs == 0)
    return false;
  buffer_ = std::move(buffer);
  gap_ = gap;
  zero_ = zero && !buffer_.is_zero();
  lay_out(buffer_.data(), slabs, record_bytes);
  return true;
}

void SlabMemory::lay_out(std::byte* memory, std::size_t slabs, std::size_t record_bytes) noexcept {
  begin_ = memory + padding(reinterpret_cast<std::uintptr_t>(memory), extent());
  records_ = begin_ + slabs * extent();
  runs_ = reinterpret_cast<Run*>(records_ + slabs * record_bytes);
  record_bytes_ = record_bytes;
  slabs_ = slabs;
}

SlabMemory& SlabMemory::operator=(SlabMemory&& other) noexcept {
  if (this != &other) {
    release();
    begin_ = std::exchange(other.begin_, nullptr);
    records_ = std::exchange(other.records_, nullptr);
    runs_ = std::exchange(other.runs_, nullptr);
    record_bytes_ = other.record_bytes_;
    slabs_ = std::exchange(other.slabs_, 0);
    ready_ = std::exchange(other.ready_, 0);
    moved_ = std::exchange(other.moved_, 0);
    huge_from_ = other.huge_from_;
    huge_pages_ = other.huge_pages_;
    zero_ = other.zero_;
    gap_ = other.gap_;
    mapping_ = std::move(other.mapping_);
    buffer_ = std::move(other.buffer_);
  }
  return *this;
}

void SlabMemory::release() noexcept {
  begin_ = records_ = nullptr;
  runs_ = nullptr;
  slabs_ = ready_ = moved_ = 0;
  huge_pages_ = HugePages::never;
  mapping_.release();
  buffer_.release();
}

// Half as many again as are needed are made ready, so that growing slab by slab costs few calls.
bool SlabMemory::make_ready(std::size_t slabs) noexcept {
  if (slabs <= ready_)
    return true;
  if (mapping_.is_strict()) {
    const std::size_t ahead = std::min(std::max(slabs + slabs / 2, std::size_t{32}), slabs_);
    if (!commit_records(ahead) && !commit_records(slabs))
      return false;
  } else {
    if (on_buffer())
      clear_to(slabs);
    ready_ = slabs;
  }
  if (ready_ > small && huge_pages_ == HugePages::automatic && huge_from_ == max_size)
    start_huge_pages();
  return true;
}

// Makes whole pages from the one that `from` is in up to `to` readable.
bool commit_pages(std::byte* from, std::byte* to) noexcept {
  const std::size_t page = os::page_size();
  std::byte* const first = from - reinterpret_cast<std::uintptr_t>(from) % page;
  std::byte* const last = to + padding(reinterpret_cast<std::uintptr_t>(to), page);
  return os::commit(first, static_cast<std::size_t>(last - first));
}

bool SlabMemory::commit_records(std::size_t slabs) noexcept {
  if (!commit_pages(records_ + ready_ * record_bytes_, records_ + slabs * record_bytes_) ||
      !commit_pages(reinterpret_cast<std::byte*>(runs_ + ready_),
                    reinterpret_cast<std::byte*>(runs_ + slabs)))
    return false;
  ready_ = slabs;
  return true;
}

// What a buffer holds is not known, but for the slabs that were taken before.
void SlabMemory::clear_to(std::size_t slabs) noexcept {
  if (buffer_.is_zero())
    return;
  const std::size_t fresh = slabs - ready_;
  std::memset(records_ + ready_ * record_bytes_, 0, fresh * record_bytes_);
  std::memset(runs_ + ready_, 0, fresh * sizeof(Run));
  if (zero_) {
    annotate::show(address(ready_), fresh * extent());
    std::memset(address(ready_), 0, fresh * extent());
    annotate::hide(address(ready_), fresh * extent());
  }
}

bool SlabMemory::back(std::size_t number, std::size_t length) noexcept {
  return !mapping_.is_strict() || os::commit(address(number), length * extent());
}

void SlabMemory::decommit(std::size_t number, std::size_t length) noexcept {
  const os::Access afterwards = mapping_.is_strict() ? os::Access::none : os::Access::read_write;
  annotate::show(address(number), length * extent());
  if (was_moved_to(number, length) && os::renew(address(number), length * extent(), afterwards)) {
    for (std::size_t i = 0; i != length; ++i)
      set_away(number + i, 0);
    advise(number, length);
    return;
  }
  os::decommit(address(number), length * extent(), afterwards);
  if (mapping_.is_strict()) // and the advice is gone
    advise(number, length);
}

void SlabMemory::advise(std::size_t number, std::size_t length) noexcept {
  const std::size_t small_ones = huge_from_ > number ? std::min(huge_from_ - number, length) : 0;
  if (small_ones != 0)
    os::advise_huge(address(number), small_ones * extent(), false);
  if (small_ones != length)
    os::advise_huge(address(number + small_ones), (length - small_ones) * extent(), true);
}

// ---------------------------------------------------------------------------------------- moving

bool SlabMemory::was_moved_to(std::size_t number, std::size_t length) const noexcept {
  return moved_ != 0 && std::any_of(runs_ + number, runs_ + number + length,
                                    [](const Run& run) { return run.away != 0; });
}

void SlabMemory::set_away(std::size_t number, Run::Number away) noexcept {
  moved_ -= runs_[number].away != 0 ? 1 : 0;
  moved_ += away != 0 ? 1 : 0;
  runs_[number].away = away;
}

// How many slabs from that one on, `most` at the most, are of one mapping. Where huge pages begin
// another one does.
std::size_t SlabMemory::part(std::size_t number, std::size_t most) const noexcept {
  std::size_t length = 1;
  while (length != most && runs_[number + length].away == runs_[number].away &&
         number + length != huge_from_)
    ++length;
  return length;
}

bool SlabMemory::is_scattered(std::size_t number, std::size_t length) const noexcept {
  std::size_t parts = 0;
  for (std::size_t at = 0; at != length && parts <= most_parts; ++parts)
    at += part(number + at, length - at);
  return parts > most_parts;
}

bool SlabMemory::move(std::size_t from, std::size_t to, std::size_t bytes) noexcept {
  const std::size_t length = divide_up(bytes, extent());
  const bool copied = on_buffer() || bytes < least_moved || is_scattered(from, length);
  if (copied) {
    std::memcpy(address(to), address(from), bytes);
    return false;
  }
  bool moved = true;
  for (std::size_t at = 0; at != length;) {
    const std::size_t slabs = part(from + at, length - at);
    if (os::move_pages(address(from + at), address(to + at), slabs * extent())) {
      for (std::size_t i = at; i != at + slabs; ++i)
        set_away(to + i, static_cast<Run::Number>(runs_[from + i].away + from - to));
      advise(to + at, slabs);
    } else {
      const std::size_t left = bytes - at * extent();
      std::memcpy(address(to + at), address(from + at), std::min(left, slabs * extent()));
      moved = false;
    }
    at += slabs;
  }
  return moved;
}

// The pool is not small any more.
void SlabMemory::start_huge_pages() noexcept {
  huge_from_ = small;
  os::advise_huge(address(small), (slabs_ - small) * extent(), true);
  const std::size_t records = slabs_ * record_bytes_;
  if (records > os::huge_page_size)
    os::advise_huge(records_ + os::huge_page_size,
                    (records - os::huge_page_size) & ~(os::page_size() - 1), true);
}

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
