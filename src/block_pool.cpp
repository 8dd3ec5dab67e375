#include <allot/block_pool.hpp>

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>

namespace allot {
inline namespace ALLOT_ABI {

namespace detail {

std::size_t rounded_block(std::size_t block_bytes, const BlockOptions& options) {
  if (block_bytes == 0)
    throw_misuse("block_pool", Errc::bad_size, "blocks of 0 bytes were asked for");
  if (!is_power_of_two(options.alignment))
    throw_bad_alignment("block_pool", options.alignment);
  return saturating_round_up(block_bytes, std::max(options.alignment, granule));
}

std::size_t bytes_before(const Buffer& buffer, std::size_t alignment) noexcept {
  return padding(reinterpret_cast<std::uintptr_t>(buffer.data()), buffer.gap().stretch(alignment));
}

} // namespace detail

std::size_t BlockPool::Layout::bytes() const noexcept {
  return saturating_add(saturating_multiply(block_size, count), side_bytes);
}

BlockPool::Layout BlockPool::layout(std::size_t block_size, std::size_t count,
                                    Order order) noexcept {
  const std::size_t side = order == Order::any ? FreeStack::bytes(count) : FreeBitmap::bytes(count);
  return {block_size, count, saturating_round_up(side, granule)};
}

BlockPool::Layout BlockPool::checked_layout(std::size_t block_bytes, std::size_t count,
                                            const BlockOptions& options) {
  const std::size_t block_size = detail::rounded_block(block_bytes, options);
  if (count == 0)
    throw_misuse(strategy_name, Errc::bad_size, "0 blocks were asked for");
  const bool counted = options.order != Order::any || count <= FreeStack::max_count;
  const bool sized = saturating_multiply(block_size, count) <= PTRDIFF_MAX;
  if (!counted || !sized)
    throw_misuse(strategy_name, Errc::overflow, "%zu blocks of %zu bytes are more than %s", count,
                 block_bytes, sized ? "Order::any can number" : "a size can hold");
  return layout(block_size, count, options.order);
}

BlockPool::Layout BlockPool::fitting_layout(std::size_t block_bytes, const Buffer& buffer,
                                            const BlockOptions& options) {
  const std::size_t block_size = detail::rounded_block(block_bytes, options);
  const std::size_t skip = detail::bytes_before(buffer, options.alignment);
  const std::size_t room = skip < buffer.extent() ? buffer.gap().shrink(buffer.extent() - skip) : 0;
  std::size_t fits = 0;
  std::size_t too_many = room / block_size;
  if (options.order == Order::any)
    too_many = std::min(too_many, FreeStack::max_count);
  ++too_many;
  while (too_many - fits > 1) {
    const std::size_t middle = fits + (too_many - fits) / 2;
    (layout(block_size, middle, options.order).bytes() <= room ? fits : too_many) = middle;
  }
  if (fits == 0)
    throw_misuse(strategy_name, Errc::bad_size,
                 "a buffer of %zu bytes has no room for one block of %zu", buffer.size(),
                 block_bytes);
  return layout(block_size, fits, options.order);
}

BlockPool::BlockPool(std::size_t block_bytes, std::size_t count, const BlockOptions& options)
    : BlockPool(block_bytes, checked_layout(block_bytes, count, options),
                Buffer::heap(checked_layout(block_bytes, count, options).bytes(), options.alignment,
                             {.zero = options.zero}, strategy_name),
                options) {}

BlockPool::BlockPool(std::size_t block_bytes, Buffer buffer, const BlockOptions& options)
    : BlockPool(block_bytes, fitting_layout(block_bytes, buffer, options), std::move(buffer),
                options) {}

BlockPool::BlockPool(std::size_t block_bytes, const Layout& layout, Buffer&& buffer,
                     const BlockOptions& options)
    : begin_(buffer.data() + detail::bytes_before(buffer, options.alignment)),
      stride_(buffer.gap().stretch(layout.block_size)), by_stride_(stride_), zero_(options.zero),
      block_size_(layout.block_size), block_bytes_(block_bytes), capacity_(layout.count) {
  const std::size_t address = reinterpret_cast<std::uintptr_t>(begin_);
  alignment_ = std::min(std::size_t{1} << std::countr_zero(address | block_size_),
                        std::max(options.alignment, buffer_alignment));
  std::byte* const side = begin_ + capacity_ * stride_;
  if (options.order == Order::any) {
    latest_ = FreeStack(side, capacity_);
    quick_ = zero_ ? 0 : FreeStack::max_count;
  } else {
    lowest_ = FreeBitmap(side, capacity_);
  }
  if (zero_ && !buffer.is_zero())
    std::memset(begin_, 0, capacity_ * stride_);
  buffer_ = std::move(buffer);
  annotate::open(begin_, capacity_ * stride_);
}

BlockPool& BlockPool::operator=(BlockPool&& other) noexcept {
  if (this != &other) {
    release();
    zero_ = other.zero_;
    quick_ = other.quick_;
    begin_ = std::exchange(other.begin_, nullptr);
    stride_ = other.stride_;
    by_stride_ = other.by_stride_;
    latest_ = std::exchange(other.latest_, {});
    lowest_ = std::exchange(other.lowest_, {});
    block_size_ = other.block_size_;
    block_bytes_ = other.block_bytes_;
    capacity_ = std::exchange(other.capacity_, 0);
    alignment_ = other.alignment_;
    buffer_ = std::move(other.buffer_);
  }
  return *this;
}

void* BlockPool::try_find() noexcept {
  const std::size_t index = find_index();
  return index == none ? nullptr : hand_out(index);
}

void* BlockPool::find() {
  const std::size_t index = find_index();
  if (index != none) [[likely]]
    return hand_out(index);
  check_usable();
  throw_full(strategy_name, 1, 0, capacity_, "blocks");
}

// What follows for a block that was freed.
void BlockPool::close(void* p) noexcept {
  if (zero_) {
    annotate::show(p, block_size_);
    std::memset(p, 0, block_size_);
  }
  annotate::freed(begin_, p, block_size_);
}

// Where zeroing keeps Order::any from the quick way, or the pointer is wrong.
void BlockPool::deallocate_slowly(void* p) {
  if (!latest_.put_back(index_of(p)))
    refuse_pointer(p);
  close(p);
}

bool BlockPool::try_allocate_many(std::span<void*> blocks) noexcept {
  std::size_t taken = 0;
  FreeStack latest = latest_; // in registers
  for (; taken != blocks.size(); ++taken) {
    const std::size_t number = latest.at_hand() ? latest.take() : latest.find();
    if (number == none)
      break;
    blocks[taken] = hand_out(number);
  }
  latest_ = latest;
  while (taken != blocks.size()) {
    std::size_t numbers[batch];
    const std::span wanted = std::span(numbers).first(std::min(batch, blocks.size() - taken));
    const std::size_t count = lowest_.take_many(wanted);
    for (std::size_t i = 0; i != count; ++i)
      blocks[taken++] = hand_out(numbers[i]);
    if (count != wanted.size()) {
      take_back(blocks.first(taken));
      std::fill(blocks.begin(), blocks.end(), nullptr);
      return false;
    }
  }
  return true;
}

// Undoes that blocks were handed out, the newest first, so that the next ones are what they were.
// Nobody has written to them, so they are zero still.
void BlockPool::take_back(std::span<void* const> blocks) noexcept {
  for (std::size_t i = blocks.size(); i-- != 0;) {
    (void)put_back(index_of(blocks[i]));
    annotate::freed(begin_, blocks[i], block_size_);
  }
}

void BlockPool::allocate_many(std::span<void*> blocks) {
  if (try_allocate_many(blocks))
    return;
  check_usable();
  throw_full(strategy_name, blocks.size(), stats().free, capacity_, "blocks");
}

void BlockPool::deallocate_many(std::span<void* const> blocks) {
  std::size_t freed = 0;
  FreeStack latest = latest_; // in registers
  for (; freed != blocks.size(); ++freed) {
    void* const p = blocks[freed];
    const std::size_t number = index_of(p);
    if (!latest.put_back(number))
      break;
    __builtin_prefetch(p); // likely the next to be allocated
    if (zero_ || instrumented)
      close(p);
  }
  latest_ = latest;
  while (freed != blocks.size()) {
    std::size_t numbers[batch];
    const std::size_t count = std::min(batch, blocks.size() - freed);
    for (std::size_t i = 0; i != count; ++i) {
      numbers[i] = index_of(blocks[freed + i]);
      __builtin_prefetch(blocks[freed + i]);
    }
    const std::size_t done = lowest_.put_back_many({numbers, count});
    if (zero_ || instrumented)
      for (std::size_t i = 0; i != done; ++i)
        close(blocks[freed + i]);
    freed += done;
    if (done != count)
      refuse_pointer(blocks[freed]);
  }
}

// Frees the block of a constructor that threw, unless that has reset the pool or freed it itself.
void BlockPool::abandon(void* p) noexcept {
  if (in_use(index_of(p)))
    deallocate(p);
}

bool BlockPool::owns(const void* p) const noexcept {
  const auto at = static_cast<const std::byte*>(p);
  if (std::less<>()(at, begin_) || !std::less<>()(at, address(capacity_)))
    return false;
  return in_use(static_cast<std::size_t>(at - begin_) / stride_);
}

BlockPool::Stats BlockPool::stats() const noexcept {
  const std::size_t used = latest_.used() + lowest_.used();
  const double utilization =
      capacity_ == 0 ? 0 : static_cast<double>(used) / static_cast<double>(capacity_);
  return {capacity_, used, capacity_ - used, utilization};
}

void BlockPool::check_usable() const {
  if (begin_ == nullptr)
    throw_released(strategy_name);
}

void BlockPool::refuse_pointer(const void* p) const {
  check_usable();
  if (p == nullptr)
    throw_misuse(strategy_name, Errc::null_pointer, "a null pointer was given back");
  const auto at = static_cast<const std::byte*>(p);
  if (std::less<>()(at, begin_) || !std::less<>()(at, address(capacity_)))
    throw_misuse(strategy_name, Errc::foreign_pointer,
                 "%p was not handed out by this pool of %zu blocks", p, capacity_);
  const std::size_t offset = static_cast<std::size_t>(at - begin_);
  if (offset % stride_ != 0)
    throw_misuse(strategy_name, Errc::misaligned_pointer,
                 "%p lies %zu bytes into block %zu, not at its start", p, offset % stride_,
                 offset / stride_);
  throw_misuse(strategy_name, Errc::double_free, "block %zu at %p is free already",
               offset / stride_, p);
}

void BlockPool::refuse_type(std::size_t bytes, std::size_t alignment) const {
  check_usable();
  throw_misuse(strategy_name, bytes > block_size_ ? Errc::bad_size : Errc::bad_alignment,
               "an object of %zu bytes aligned to %zu, in blocks of %zu aligned to %zu", bytes,
               alignment, block_size_, alignment_);
}

void BlockPool::reset() {
  check_usable();
  const std::size_t limit = std::max(latest_.limit(), lowest_.limit());
  annotate::truncated(begin_, begin_, limit * stride_);
  if (zero_) { // the blocks in use, run by run; the others are zero
    for (std::size_t i = 0; i != limit;) {
      const std::size_t first = i;
      while (i != limit && in_use(i))
        ++i;
      const std::size_t bytes = (i - first) * stride_;
      annotate::show(address(first), bytes);
      std::memset(address(first), 0, bytes);
      annotate::hide(address(first), bytes);
      while (i != limit && !in_use(i))
        ++i;
    }
  }
  latest_.reset();
  lowest_.reset();
}

void BlockPool::release() noexcept {
  if (begin_ == nullptr)
    return;
  annotate::close(begin_, capacity_ * stride_);
  begin_ = nullptr;
  latest_ = {};
  lowest_ = {};
  capacity_ = 0;
  buffer_.release();
}

} // namespace ALLOT_ABI
} // namespace allot
