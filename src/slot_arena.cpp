#include <allot/slot_arena.hpp>

#include <algorithm>
#include <cstring>
#include <functional>

namespace allot {
inline namespace ALLOT_ABI {

namespace detail {
// The bytes of `count` slots; refuses what no buffer can be.
std::size_t slots_size(const char* name, std::size_t slot_bytes, std::size_t count) {
  if (slot_bytes == 0 || count == 0)
    throw_misuse(name, Errc::bad_size, "%zu slots of %zu bytes were asked for", count, slot_bytes);
  const std::size_t bytes = saturating_multiply(saturating_round_up(slot_bytes, granule), count);
  if (bytes > PTRDIFF_MAX)
    throw_misuse(name, Errc::overflow, "%zu slots of %zu bytes are more than a size can hold",
                 count, slot_bytes);
  return bytes;
}
} // namespace detail

SlotArena::SlotArena(std::size_t slot_bytes, std::size_t capacity, Options options)
    : SlotArena(strategy_name, slot_bytes, capacity, granule, options) {}

SlotArena::SlotArena(const char* name, std::size_t slot_bytes, std::size_t capacity,
                     std::size_t alignment, Options options)
    : SlotArena(
          name, slot_bytes, alignment,
          Buffer::heap(detail::slots_size(name, slot_bytes, capacity), alignment, options, name),
          options) {}

SlotArena::SlotArena(const char* name, std::size_t slot_bytes, std::size_t alignment, Buffer buffer,
                     Options options)
    : slot_bytes_(slot_bytes), name_(name), zero_(options.zero) {
  (void)detail::slots_size(name, slot_bytes, 1);
  const std::size_t skip = padding(reinterpret_cast<std::uintptr_t>(buffer.data()), alignment);
  stride_ = buffer.gap().stretch(round_up(slot_bytes));
  if (skip < buffer.extent())
    capacity_ = (buffer.extent() - skip) / stride_;
  if (capacity_ == 0)
    throw_misuse(name, Errc::bad_size, "a buffer of %zu bytes has no room for one slot of %zu",
                 buffer.size(), slot_bytes);
  begin_ = buffer.data() + skip;
  limit_ = capacity_;
  if (zero_ && !buffer.is_zero())
    std::memset(begin_, 0, capacity_ * stride_);
  buffer_ = std::move(buffer);
  annotate::open(begin_, capacity_ * stride_);
}

SlotArena& SlotArena::operator=(SlotArena&& other) noexcept {
  if (this != &other) {
    release();
    count_ = std::exchange(other.count_, 0);
    limit_ = std::exchange(other.limit_, 0);
    begin_ = std::exchange(other.begin_, nullptr);
    stride_ = other.stride_;
    slot_bytes_ = other.slot_bytes_;
    capacity_ = std::exchange(other.capacity_, 0);
    dirty_ = std::exchange(other.dirty_, 0);
    peak_ = std::exchange(other.peak_, 0);
    buffer_ = std::move(other.buffer_);
    name_ = other.name_;
    zero_ = other.zero_;
  }
  return *this;
}

void SlotArena::check_usable() const {
  if (begin_ == nullptr)
    throw_released(name_);
  if (closed())
    throw_busy(name_, "its own destructors run");
}

void SlotArena::refuse() const {
  check_usable();
  throw_full(name_, 1, 0, capacity_, "slots");
}

void SlotArena::refuse_index(std::size_t index) const {
  if (begin_ == nullptr)
    throw_released(name_);
  throw_misuse(name_, Errc::out_of_bounds, "index %zu, of %zu slots in use", index, count_);
}

bool SlotArena::owns(const void* p) const noexcept {
  return !std::less<>()(static_cast<const std::byte*>(p), begin_) &&
         std::less<>()(static_cast<const std::byte*>(p), address(count_));
}

void SlotArena::truncate(std::size_t count) noexcept {
  dirty_ = std::max(dirty_, count_);
  peak_ = std::max(peak_, count_);
  annotate::truncated(begin_, begin_ + count * stride_, (count_ - count) * stride_);
  count_ = count;
}

void SlotArena::reset() {
  check_usable();
  truncate(0);
  const std::size_t written = dirty_ * stride_;
  if (zero_ && written != 0) {
    annotate::show(begin_, written);
    std::memset(begin_, 0, written);
    annotate::hide(begin_, written);
  }
  dirty_ = 0;
}

void SlotArena::release() noexcept {
  if (begin_ == nullptr)
    return;
  annotate::close(begin_, capacity_ * stride_);
  begin_ = nullptr;
  count_ = limit_ = capacity_ = dirty_ = peak_ = 0;
  buffer_.release();
}

} // namespace ALLOT_ABI
} // namespace allot
