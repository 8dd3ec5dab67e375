#include <allot/threads/chunk_memory.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

inline constexpr std::size_t counted_page = 4096; // whatever the system's pages are
inline constexpr std::size_t usual_chunk = 64_KiB;
inline constexpr std::size_t least_chunk = 256;
// What is larger than this part of a chunk goes around it, so that the end of a chunk that is too
// short for a request is a smaller part of it.
inline constexpr std::size_t around_above = 8;

std::size_t reserved_bytes(Label owner, std::size_t bytes) {
  if (bytes == 0)
    throw_misuse(owner, Errc::bad_size, "a size of 0 bytes was asked for");
  return saturating_round_up(bytes, counted_page);
}

Buffer buffer_with_room(Label owner, Buffer buffer) {
  if (buffer.data() == nullptr)
    throw_misuse(owner, Errc::bad_size, "the buffer has no room for 8 aligned bytes");
  return buffer;
}

// Where alignments are counted from, in bytes accounted for.
std::uintptr_t origin_of(const std::byte* base, Gap gap) noexcept {
  return gap.shrink(reinterpret_cast<std::uintptr_t>(base));
}

ChunkMemory::ChunkMemory(Label owner, std::size_t bytes, const MapOptions& mapped, Options options)
    : capacity_(reserved_bytes(owner, bytes)), chunk_bytes_(options.chunk_bytes),
      zero_(options.zero), gap_(red_zones),
      mapping_(owner, saturating_multiply(capacity_, red_zones.stretch(1)), mapped),
      handout_(capacity_, origin_of(mapping_.data(), gap_)) {
  set_up(mapping_.data(), true);
}

ChunkMemory::ChunkMemory(Label owner, Buffer buffer, Options options)
    : capacity_(buffer.size()), chunk_bytes_(options.chunk_bytes), zero_(options.zero),
      gap_(buffer.gap()), buffer_(buffer_with_room(owner, std::move(buffer))),
      handout_(capacity_, origin_of(buffer_.data(), gap_)) {
  set_up(buffer_.data(), buffer_.is_zero());
}

void ChunkMemory::set_up(std::byte* base, bool is_zero) noexcept {
  base_ = base;
  zero_below_ = is_zero || !zero_ ? place(capacity_) : base;
  chunk_bytes_ = chunk_bytes_ == 0
                     ? usual_chunk
                     : std::min(saturating_round_up(chunk_bytes_, granule), capacity_);
  annotate::hide(base_, marked());
}

void* ChunkMemory::take(ChunkCursor& cursor, std::size_t bytes, std::size_t alignment) noexcept {
  const std::size_t most = most_taken(bytes, alignment);
  const std::size_t room = handout_.left();
  const std::size_t chunk = Handout::chunk(room, chunk_bytes_, least_chunk);
  if (most > chunk / around_above || most > room || !make_ready(std::min(chunk, room)))
    return take_around(cursor, bytes, alignment, most);
  const Handout::Piece piece = handout_.take_chunk(chunk_bytes_, least_chunk);
  if (piece.bytes == 0)
    return nullptr;
  std::byte* const begin = place(piece.begin);
  std::byte* const end = place(piece.begin + piece.bytes);
  std::byte* const zero_to = std::clamp(zero_below_, begin, end);
  if (begin == cursor.end())
    cursor.extend(end, zero_to);
  else if (piece.bytes < cursor.rest()) // which the end cut
    cursor.add_lost(piece.bytes);
  else {
    const ChunkCursor::Rest rest = cursor.exchange({begin, zero_to, end});
    cursor.add_lost(gap_.shrink(static_cast<std::size_t>(rest.end - rest.begin)));
  }
  return cursor.take_beyond(bytes, alignment);
}

void* ChunkMemory::take_around(ChunkCursor& cursor, std::size_t bytes, std::size_t alignment,
                               std::size_t most) noexcept {
  const std::size_t room = handout_.left();
  if (bytes > room || !make_ready(std::min(most, room)))
    return nullptr;
  const Handout::Piece piece = handout_.take_exactly(round_up(bytes), alignment);
  if (piece.bytes == 0)
    return nullptr;
  std::byte* const end = place(piece.begin + piece.bytes);
  std::byte* const p = end - gap_.stretch(round_up(bytes));
  if (std::byte* const from = std::max(p, zero_below_); from < end) {
    const auto not_zero = static_cast<std::size_t>(end - from);
    annotate::show(from, not_zero);
    std::memset(from, 0, not_zero);
    annotate::hide(from, not_zero);
  }
  cursor.add_used(gap_.stretch(piece.bytes));
  annotate::allocated(nullptr, p, bytes);
  return p;
}

bool ChunkMemory::grow(ChunkCursor& cursor, const std::byte* p, std::size_t bytes) noexcept {
  if (bytes > capacity_ - offset(p))
    return false;
  std::byte* const begin = cursor.end();
  const std::size_t more = round_up(bytes) - (offset(begin) - offset(p));
  if (offset(begin) != handout_.taken() || !make_ready(more) ||
      !handout_.take_behind(offset(begin), more))
    return false;
  std::byte* const end = begin + gap_.stretch(more);
  cursor.extend(end, std::clamp(zero_below_, begin, end));
  return true;
}

ChunkMemory::Apart ChunkMemory::take_apart(std::size_t bytes, std::size_t alignment) noexcept {
  if (!make_ready(std::min(most_taken(bytes, alignment), handout_.left())))
    return {};
  const Handout::Piece piece = handout_.take_exactly(bytes, alignment);
  if (piece.bytes == 0)
    return {};
  std::byte* const p = place(piece.begin + piece.bytes - bytes);
  annotate::show(p, bytes);
  return {p, piece.bytes};
}

// Commits what the next `bytes` at the frontier are, where that must be. No other thread moves the
// frontier meanwhile.
bool ChunkMemory::make_ready(std::size_t bytes) noexcept {
  if (!is_strict())
    return true;
  const std::size_t before = mapping_.ready();
  if (!mapping_.commit(gap_.stretch(handout_.taken() + bytes)))
    return false;
  annotate::hide(base_ + before, mapping_.ready() - before);
  return true;
}

void ChunkMemory::reset() noexcept {
  const std::size_t taken = gap_.stretch(handout_.taken());
  if (zero_) {
    annotate::show(base_, taken);
    std::memset(base_, 0, taken);
    zero_below_ = std::max(zero_below_, base_ + taken);
  }
  annotate::hide(base_, taken);
  taken_before_ = std::max(taken_before_, handout_.taken());
  handout_.restart();
}

void ChunkMemory::release() noexcept {
  annotate::show(base_, marked());
  handout_.restart();
  base_ = zero_below_ = nullptr;
  capacity_ = taken_before_ = 0;
  mapping_.release();
  buffer_.release();
}

std::size_t ChunkMemory::committed() const noexcept {
  if (mapping_.data() == nullptr)
    return capacity_;
  const std::size_t most = std::max(taken_before_, handout_.taken());
  return std::min(saturating_round_up(most, counted_page), capacity_);
}

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
