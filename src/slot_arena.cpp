#include <allot/slot_arena.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace allot {
inline namespace ALLOT_ABI {

namespace detail {
// The bytes of `count` slots; refuses what no buffer can be.
std::size_t slots_size(Label who, std::size_t slot_bytes, std::size_t count) {
  if (slot_bytes == 0 || count == 0)
    throw_misuse(who, Errc::bad_size, "%zu slots of %zu bytes were asked for", count, slot_bytes);
  const std::size_t bytes = saturating_multiply(saturating_round_up(slot_bytes, granule), count);
  if (bytes > PTRDIFF_MAX)
    throw_misuse(who, Errc::overflow, "%zu slots of %zu bytes are more than a size can hold", count,
                 slot_bytes);
  return bytes;
}
} // namespace detail

SlotArena::SlotArena(std::size_t slot_bytes, std::size_t capacity, Options options)
    : SlotArena(strategy_name, slot_bytes, capacity, granule, options) {}

SlotArena::SlotArena(const char* kind, std::size_t slot_bytes, std::size_t capacity,
                     std::size_t alignment, Options options)
    : SlotArena(kind, slot_bytes, alignment,
                Buffer::heap(detail::slots_size({kind, options.name}, slot_bytes, capacity),
                             alignment, options, {kind, options.name}),
                options) {}

SlotArena::SlotArena(const char* kind, std::size_t slot_bytes, std::size_t alignment, Buffer buffer,
                     Options options)
    : slot_bytes_(slot_bytes), zero_(options.zero), kind_(kind), name_(options.name) {
  (void)detail::slots_size(label(), slot_bytes, 1);
  const std::size_t skip = padding(reinterpret_cast<std::uintptr_t>(buffer.data()), alignment);
  stride_ = buffer.gap().stretch(round_up(slot_bytes));
  if (skip < buffer.extent())
    capacity_ = (buffer.extent() - skip) / stride_;
  if (capacity_ == 0)
    throw_misuse(label(), Errc::bad_size, "a buffer of %zu bytes has no room for one slot of %zu",
                 buffer.size(), slot_bytes);
  begin_ = buffer.data() + skip;
  limit_ = ready_ = zero_ && !buffer.is_zero() ? 0 : capacity_;
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
    ready_ = std::exchange(other.ready_, 0);
    dirty_ = std::exchange(other.dirty_, 0);
    peak_ = std::exchange(other.peak_, 0);
    buffer_ = std::move(other.buffer_);
    zero_ = other.zero_;
    kind_ = other.kind_;
    name_ = other.name_;
  }
  return *this;
}

void SlotArena::check_usable() const {
  if (freed())
    throw_released(label());
  if (closed())
    throw_busy(label(), "its own destructors run");
}

// Slots that are not ready are cleared first.
Slot SlotArena::try_allocate_slow() noexcept {
  if (closed() || ready_ == capacity_)
    return {};
  limit_ = ready_ = detail::clear_ahead(begin_, stride_, ready_, capacity_);
  return take();
}

Slot SlotArena::allocate_slow() {
  const Slot slot = try_allocate_slow();
  if (slot.ptr == nullptr)
    refuse();
  return slot;
}

void SlotArena::refuse() const {
  check_usable();
  throw_full(label(), 1, 0, capacity_, "slots");
}

void SlotArena::refuse_index(std::size_t index) const {
  if (freed())
    throw_released(label());
  throw_misuse(label(), Errc::out_of_bounds, "index %zu, of %zu slots in use", index, count_);
}

bool SlotArena::owns(const void* p) const noexcept {
  return reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(begin_) <
         count_ * stride_;
}

void SlotArena::truncate(std::size_t count) noexcept {
  dirty_ = std::max(dirty_, count_);
  peak_ = std::max(peak_, count_);
  annotate::truncated(begin_, begin_ + count * stride_, (count_ - count) * stride_);
  count_ = count;
}

// Zeroes what was written to and is not in use.
void SlotArena::clean() noexcept {
  if (zero_ && dirty_ > count_) {
    const std::size_t written = (dirty_ - count_) * stride_;
    annotate::show(address(count_), written);
    std::memset(address(count_), 0, written);
    annotate::hide(address(count_), written);
  }
  dirty_ = 0;
}

void SlotArena::reset() {
  check_usable();
  truncate(0);
  clean();
}

void SlotArena::reset_peak() noexcept {
  clean();
  peak_ = 0;
}

void SlotArena::release() noexcept {
  if (freed())
    return;
  annotate::close(begin_, capacity_ * stride_);
  begin_ = nullptr;
  count_ = limit_ = capacity_ = ready_ = dirty_ = peak_ = 0;
  buffer_.release();
}

} // namespace ALLOT_ABI
} // namespace allot
