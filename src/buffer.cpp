#include <allot/buffer.hpp>

#include <allot/upstream.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

namespace detail {

// Of more than this, calloc maps pages, which are zero though it does not touch them, as no
// aligned_alloc can tell. Of less, it may take what was freed and clear it all, however little will
// be used: glibc raises its threshold for mapping up to here, and no further.
inline constexpr std::size_t always_fresh_above = std::size_t{32} << 20;

// The bytes to ask a source for: `bytes`, rounded, with red zones; max_size if that overflows.
std::size_t stretched(std::size_t bytes) noexcept {
  return saturating_multiply(saturating_round_up(bytes, granule), red_zones.stretch(1));
}

// With red zones the cursor runs at twice the distance, so it needs twice the alignment to meet
// the same offsets; max_size if there is none.
std::size_t stretched_alignment(std::size_t alignment) noexcept {
  return saturating_multiply(std::max(alignment, buffer_alignment), red_zones.stretch(1));
}

std::size_t clear_ahead(std::byte* begin, std::size_t stride, std::size_t cleared,
                        std::size_t count) noexcept {
  const std::size_t step = smaller(step_ahead(cleared * stride, stride) / stride, count - cleared);
  std::byte* const from = begin + cleared * stride;
  annotate::show(from, step * stride);
  std::memset(from, 0, step * stride);
  annotate::hide(from, step * stride);
  return cleared + step;
}

void check_request(Label owner, std::size_t bytes, std::size_t alignment) {
  if (bytes == 0)
    throw_misuse(owner, Errc::bad_size, "a size of 0 bytes was asked for");
  if (!is_power_of_two(alignment))
    throw_bad_alignment(owner, alignment);
}

} // namespace detail

Buffer Buffer::try_heap(std::size_t bytes, std::size_t alignment, Options options) noexcept {
  Buffer buffer;
  if (bytes == 0 || !is_power_of_two(alignment) || alignment > largest_request)
    return buffer;
  const std::size_t aligned = detail::stretched_alignment(alignment);
  const std::size_t total = saturating_add(detail::stretched(bytes), aligned - 1);
  const bool zero = options.zero && total > detail::always_fresh_above;
  void* base = nullptr;
  if (total <= largest_request)
    base = zero ? std::calloc(total, 1) : std::malloc(total);
  if (base == nullptr)
    return buffer;
  buffer.base_ = static_cast<std::byte*>(base);
  buffer.base_bytes_ = total;
  buffer.data_ = buffer.base_ + padding(reinterpret_cast<std::uintptr_t>(base), aligned);
  buffer.size_ = saturating_round_up(bytes, granule);
  buffer.source_ = Source::heap;
  buffer.zero_ = zero;
  buffer.gap_ = red_zones;
  const auto before = static_cast<std::size_t>(buffer.data_ - buffer.base_);
  annotate::hide(buffer.base_, before);
  annotate::hide(buffer.data_ + buffer.extent(), total - before - buffer.extent());
  return buffer;
}

Buffer Buffer::heap(std::size_t bytes, std::size_t alignment, Options options, Label owner) {
  if (owner.name == nullptr)
    owner.name = options.name;
  detail::check_request(owner, bytes, alignment);
  Buffer buffer = try_heap(bytes, alignment, options);
  if (buffer.data() == nullptr)
    throw_exhausted(owner, Errc::system_refused, "the heap refused %zu bytes", bytes);
  return buffer;
}

Buffer Buffer::mapped(std::size_t bytes, const MapOptions& options) {
  const Label owner("buffer", options.name);
  detail::check_request(owner, bytes, granule);
  const std::size_t size = saturating_round_up(bytes, os::page_size());
  const std::size_t extent = detail::stretched(size);
  if (extent > largest_request)
    throw_exhausted(owner, Errc::system_refused, "the system refused to reserve %zu bytes", bytes);
  Mapping mapping(owner, extent, options);
  if (!mapping.commit(mapping.size())) {
    mapping.release();
    if (!options.file.empty())
      os::remove_file(options.file.c_str());
    throw_exhausted(owner, Errc::system_refused, "the system refused to commit %zu bytes", bytes);
  }
  Buffer buffer;
  buffer.data_ = mapping.data();
  buffer.size_ = size;
  buffer.source_ = Source::system;
  buffer.zero_ = true;
  buffer.gap_ = red_zones;
  const Mapping::Range range = mapping.detach();
  buffer.base_ = range.base;
  buffer.base_bytes_ = range.extent;
  return buffer;
}

Buffer Buffer::borrowed(std::span<std::byte> memory) noexcept {
  Buffer buffer;
  const std::size_t skip = padding(reinterpret_cast<std::uintptr_t>(memory.data()), granule);
  if (memory.size() > skip) {
    buffer.size_ = (memory.size() - skip) & ~(granule - 1);
    buffer.data_ = buffer.size_ == 0 ? nullptr : memory.data() + skip;
  }
  return buffer;
}

Buffer Buffer::from(UpstreamRef upstream, std::size_t bytes, std::size_t alignment, Label owner) {
  upstream.check(owner);
  detail::check_request(owner, bytes, alignment);
  Buffer buffer;
  buffer.base_alignment_ = detail::stretched_alignment(alignment);
  buffer.base_bytes_ = detail::stretched(bytes);
  buffer.base_ =
      static_cast<std::byte*>(upstream.allocate(buffer.base_bytes_, buffer.base_alignment_, owner));
  buffer.upstream_ = upstream;
  buffer.source_ = Source::upstream;
  buffer.gap_ = red_zones;
  buffer.data_ = buffer.base_;
  buffer.size_ = saturating_round_up(bytes, granule);
  return buffer;
}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this != &other) {
    release();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    base_ = std::exchange(other.base_, nullptr);
    base_bytes_ = other.base_bytes_;
    base_alignment_ = other.base_alignment_;
    upstream_ = other.upstream_;
    source_ = std::exchange(other.source_, Source::none);
    zero_ = other.zero_;
    gap_ = other.gap_;
  }
  return *this;
}

void Buffer::release() noexcept {
  switch (source_) {
  case Source::none:
    break;
  case Source::heap:
    annotate::show(base_, base_bytes_);
    std::free(base_);
    break;
  case Source::system:
    os::release(base_, base_bytes_);
    break;
  case Source::upstream:
    upstream_.deallocate(base_, base_bytes_, base_alignment_);
    break;
  }
  source_ = Source::none;
  data_ = base_ = nullptr;
  size_ = 0;
}

} // namespace ALLOT_ABI
} // namespace allot
