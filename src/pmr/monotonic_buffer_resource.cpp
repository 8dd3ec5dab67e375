#include <allot/pmr/monotonic_buffer_resource.hpp>

#include <algorithm>
#include <new>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

// The factor of 1.5, rounded up so that the smallest sizes grow too.
std::size_t grown(std::size_t size) noexcept {
  return saturating_add(size, size / 2 + size % 2);
}

} // namespace detail

namespace pmr {

monotonic_buffer_resource::monotonic_buffer_resource(std::size_t initial_size,
                                                     std::pmr::memory_resource* upstream)
    : upstream_(upstream), first_size_(std::max(initial_size, std::size_t{1})) {
  UpstreamRef(upstream).check(resource_name);
  start();
}

monotonic_buffer_resource::monotonic_buffer_resource(void* buffer, std::size_t buffer_size,
                                                     std::pmr::memory_resource* upstream)
    : upstream_(upstream), buffer_(static_cast<std::byte*>(buffer)), buffer_size_(buffer_size),
      first_size_(detail::grown(std::max(buffer_size, std::size_t{1}))) {
  UpstreamRef(upstream).check(resource_name);
  if (buffer == nullptr && buffer_size != 0)
    throw_misuse(resource_name, Errc::null_pointer, "a null buffer of %zu bytes was given",
                 buffer_size);
  start();
}

monotonic_buffer_resource::~monotonic_buffer_resource() {
  release();
  if (buffer_size_ != 0)
    annotate::close(&newest_, buffer_, buffer_size_);
}

// As constructed: at the caller's buffer.
void monotonic_buffer_resource::start() noexcept {
  if (buffer_size_ != 0)
    annotate::open(&newest_, buffer_, buffer_size_);
  use(buffer_, buffer_size_, Gap());
  next_size_ = first_size_;
}

void monotonic_buffer_resource::use(std::byte* begin, std::size_t bytes, Gap gap) noexcept {
  last_ = reinterpret_cast<std::uintptr_t>(begin) - 1;
  limit_ = last_ + bytes;
  gap_ = gap;
}

Stats monotonic_buffer_resource::stats() const noexcept {
  Stats stats{};
  stats.name = resource_name;
  stats.capacity = stats.committed = buffer_size_;
  for (const Chunk* chunk = newest_; chunk != nullptr; chunk = chunk->older) {
    stats.capacity += red_zones.shrink(chunk->bytes - sizeof(Chunk));
    stats.committed += chunk->bytes;
  }
  stats.available = gap_.shrink(limit_ - last_);
  stats.used = stats.capacity - stats.available;
  stats.peak = std::max(stats.used, peak_before_);
  return stats;
}

void monotonic_buffer_resource::release() noexcept {
  peak_before_ = stats().peak;
  while (newest_ != nullptr) {
    const Chunk chunk = *newest_;
    annotate::close(newest_, chunk.begin, chunk.bytes - sizeof(Chunk));
    newest_ = chunk.older;
    upstream_->deallocate(chunk.begin, chunk.bytes, chunk.alignment);
  }
  if (buffer_size_ != 0)
    annotate::close(&newest_, buffer_, buffer_size_);
  start();
}

void* monotonic_buffer_resource::allocate_slow(std::size_t bytes, std::size_t alignment) {
  if (!is_power_of_two(alignment))
    throw_bad_alignment(resource_name, alignment);
  void* p = nullptr;
  bytes = std::max(bytes, std::size_t{1}); // no two allocations have one address
  if (take(p, bytes, alignment))
    return p;
  const std::size_t size = std::max(bytes, next_size_);
  const std::size_t usable =
      saturating_round_up(saturating_multiply(size, red_zones.stretch(1)), alignof(Chunk));
  const std::size_t total = saturating_add(usable, sizeof(Chunk));
  const std::size_t aligned =
      saturating_multiply(std::max(alignment, alignof(std::max_align_t)), red_zones.stretch(1));
  auto* const begin =
      static_cast<std::byte*>(UpstreamRef(upstream_).ask(total, aligned, resource_name));
  newest_ = ::new (begin + usable) Chunk{newest_, begin, total, aligned};
  annotate::open(newest_, begin, usable);
  use(begin, usable, red_zones);
  next_size_ = detail::grown(next_size_);
  (void)take(p, bytes, alignment);
  return p;
}

} // namespace pmr
} // namespace ALLOT_ABI
} // namespace allot
