#include <allot/block_pool.hpp>

#include <algorithm>
#include <functional>

namespace allot::inline ALLOT_ABI {

namespace detail {

ALLOT_INLINE std::size_t rounded_block(std::size_t block_bytes, const BlockOptions& options) {
  if (block_bytes == 0)
    throw_misuse("block_pool", Errc::bad_size, "blocks of 0 bytes were asked for");
  if (!is_power_of_two(options.alignment))
    throw_bad_alignment("block_pool", options.alignment);
  return saturating_round_up(block_bytes, std::max(options.alignment, granule));
}

ALLOT_INLINE std::size_t bytes_before(const Buffer& buffer, std::size_t alignment) noexcept {
  return padding(reinterpret_cast<std::uintptr_t>(buffer.data()), buffer.gap().stretch(alignment));
}

} // namespace detail

ALLOT_INLINE std::size_t BlockPool::Layout::bytes() const noexcept {
  return saturating_add(saturating_multiply(block_size, count), side_bytes);
}

ALLOT_INLINE BlockPool::Layout BlockPool::layout(std::size_t block_size, std::size_t count,
                                                 Order order) noexcept {
  Layout result{.block_size = block_size, .count = count};
  if (order == Order::any) {
    const std::size_t stack = saturating_multiply(count + 1, sizeof(Index));
    result.side_bytes = saturating_round_up(
        saturating_add(stack, saturating_multiply(count, sizeof(Flag))), granule);
    return result;
  }
  std::size_t below = count;
  do {
    below = below / word_bits + (below % word_bits != 0);
    result.level_words[result.levels++] = below;
    result.side_bytes = saturating_add(result.side_bytes, below * sizeof(Word));
  } while (below > word_bits);
  ++result.levels; // the root
  return result;
}

ALLOT_INLINE BlockPool::Layout BlockPool::checked_layout(std::size_t block_bytes, std::size_t count,
                                                         const BlockOptions& options) {
  const std::size_t block_size = detail::rounded_block(block_bytes, options);
  if (count == 0)
    throw_misuse(strategy_name, Errc::bad_size, "0 blocks were asked for");
  const bool counted = options.order != Order::any || count <= no_index;
  const bool sized = saturating_multiply(block_size, count) <= PTRDIFF_MAX;
  if (!counted || !sized)
    throw_misuse(strategy_name, Errc::overflow, "%zu blocks of %zu bytes are more than %s", count,
                 block_bytes, sized ? "Order::any can number" : "a size can hold");
  return layout(block_size, count, options.order);
}

ALLOT_INLINE BlockPool::Layout BlockPool::fitting_layout(std::size_t block_bytes,
                                                         const Buffer& buffer,
                                                         const BlockOptions& options) {
  const std::size_t block_size = detail::rounded_block(block_bytes, options);
  const std::size_t skip = detail::bytes_before(buffer, options.alignment);
  const std::size_t room = skip < buffer.extent() ? buffer.gap().shrink(buffer.extent() - skip) : 0;
  std::size_t fits = 0;
  std::size_t too_many = room / block_size;
  if (options.order == Order::any)
    too_many = std::min<std::size_t>(too_many, no_index);
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

ALLOT_INLINE BlockPool::BlockPool(std::size_t block_bytes, std::size_t count,
                                  const BlockOptions& options)
    : BlockPool(block_bytes, checked_layout(block_bytes, count, options),
                Buffer::heap(checked_layout(block_bytes, count, options).bytes(), options.alignment,
                             {.zero = options.zero}, strategy_name),
                options) {}

ALLOT_INLINE BlockPool::BlockPool(std::size_t block_bytes, Buffer buffer,
                                  const BlockOptions& options)
    : BlockPool(block_bytes, fitting_layout(block_bytes, buffer, options), std::move(buffer),
                options) {}

ALLOT_INLINE BlockPool::BlockPool(std::size_t block_bytes, const Layout& layout, Buffer&& buffer,
                                  const BlockOptions& options)
    : begin_(buffer.data() + detail::bytes_before(buffer, options.alignment)),
      stride_(buffer.gap().stretch(layout.block_size)), levels_(layout.levels), zero_(options.zero),
      block_size_(layout.block_size), block_bytes_(block_bytes), capacity_(layout.count) {
  by_stride_ = ExactDivisor(stride_);
  const std::size_t address = reinterpret_cast<std::uintptr_t>(begin_);
  alignment_ = std::min(std::size_t{1} << std::countr_zero(address | block_size_),
                        std::max(options.alignment, buffer_alignment));

  std::byte* side = begin_ + capacity_ * stride_;
  if (options.order == Order::any) {
    bottom_ = ::new (side) Index[capacity_ + 1];
    live_ = ::new (side + (capacity_ + 1) * sizeof(Index)) Flag[capacity_];
    *bottom_ = no_index;
  } else {
    for (std::size_t i = 0; i + 1 < levels_; ++i) {
      level_[i] = ::new (side) Word[layout.level_words[i]];
      side += layout.level_words[i] * sizeof(Word);
    }
  }
  if (zero_ && !buffer.is_zero())
    std::memset(begin_, 0, capacity_ * stride_);
  buffer_ = std::move(buffer);
  top_ = bottom_;
  annotate::open(begin_, capacity_ * stride_);
}

ALLOT_INLINE BlockPool& BlockPool::operator=(BlockPool&& other) noexcept {
  if (this != &other) {
    release();
    begin_ = std::exchange(other.begin_, nullptr);
    stride_ = other.stride_;
    by_stride_ = other.by_stride_;
    levels_ = std::exchange(other.levels_, 2);
    fresh_ = std::exchange(other.fresh_, 0);
    root_ = std::exchange(other.root_, 0);
    std::copy_n(other.level_, max_levels - 1, level_);
    top_ = other.top_;
    live_ = other.live_;
    zero_ = other.zero_;
    block_size_ = other.block_size_;
    block_bytes_ = other.block_bytes_;
    capacity_ = std::exchange(other.capacity_, 0);
    alignment_ = other.alignment_;
    bottom_ = other.bottom_;
    buffer_ = std::move(other.buffer_);
  }
  return *this;
}

// The first block that was not handed out yet.
ALLOT_INLINE void* BlockPool::try_allocate_fresh() noexcept {
  if (fresh_ == capacity_)
    return nullptr;
  const std::size_t index = fresh_++;
  if (levels_ == 0) {
    live_[index] = 1;
  } else {
    std::size_t position = index;
    for (std::size_t i = 0; i + 1 < levels_ && position % word_bits == 0; ++i) {
      position /= word_bits;
      level_[i][position] = 0; // a word's first block: what the word held is from before a reset
    }
  }
  return hand_out(index);
}

ALLOT_INLINE void* BlockPool::allocate_fresh() {
  if (void* p = try_allocate_fresh())
    return p;
  check_usable();
  throw_full(strategy_name, 1, 0, capacity_, "blocks");
}

// The same as the templates for trees that are deeper than is worth unrolling.
ALLOT_INLINE std::size_t BlockPool::take_lowest_deep() noexcept {
  std::size_t position = 0;
  for (std::size_t level = levels_; level-- != 0;)
    position =
        position * word_bits + static_cast<std::size_t>(__builtin_ctzll(word_at(level, position)));
  const std::size_t index = position;
  for (std::size_t level = 0; level != levels_; ++level, position /= word_bits) {
    Word& word = word_at(level, position / word_bits);
    word &= word - 1;
    if (word != 0)
      break;
  }
  return index;
}

ALLOT_INLINE void BlockPool::mark_above_deep(std::size_t position) noexcept {
  for (std::size_t level = 1; level != levels_; ++level, position /= word_bits)
    word_at(level, position / word_bits) |= Word{1} << (position % word_bits);
}

ALLOT_INLINE bool BlockPool::in_use(std::size_t index) const noexcept {
  if (index >= fresh_)
    return false;
  return levels_ == 0 ? live_[index] != 0
                      : (level_[0][index / word_bits] >> (index % word_bits) & 1) == 0;
}

// Frees the block of a constructor that threw, unless that has reset the pool or freed it itself.
ALLOT_INLINE void BlockPool::abandon(void* p) noexcept {
  const std::size_t index = index_of(p);
  if (index < fresh_ && put_back(index))
    forget(static_cast<std::byte*>(p));
}

ALLOT_INLINE bool BlockPool::owns(const void* p) const noexcept {
  const auto at = static_cast<const std::byte*>(p);
  if (std::less<>()(at, begin_) || !std::less<>()(at, address(fresh_)))
    return false;
  return in_use(static_cast<std::size_t>(at - begin_) / stride_);
}

ALLOT_INLINE BlockPool::Stats BlockPool::stats() const noexcept {
  std::size_t freed = 0;
  if (levels_ == 0) {
    freed = static_cast<std::size_t>(top_ - bottom_);
  } else {
    for (std::size_t i = 0; i * word_bits < fresh_; ++i)
      freed += static_cast<std::size_t>(std::popcount(level_[0][i]));
  }
  const std::size_t used = fresh_ - freed;
  const double utilization =
      capacity_ == 0 ? 0 : static_cast<double>(used) / static_cast<double>(capacity_);
  return {capacity_, used, capacity_ - used, utilization};
}

ALLOT_INLINE void BlockPool::check_usable() const {
  if (begin_ == nullptr)
    throw_released(strategy_name);
}

ALLOT_INLINE void BlockPool::refuse_pointer(const void* p) const {
  check_usable();
  if (p == nullptr)
    throw_misuse(strategy_name, Errc::null_pointer, "a null pointer was given back");
  const auto at = static_cast<const std::byte*>(p);
  if (std::less<>()(at, begin_) || !std::less<>()(at, address(fresh_)))
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

ALLOT_INLINE void BlockPool::refuse_type(std::size_t bytes, std::size_t alignment) const {
  check_usable();
  throw_misuse(strategy_name, bytes > block_size_ ? Errc::bad_size : Errc::bad_alignment,
               "an object of %zu bytes aligned to %zu, in blocks of %zu aligned to %zu", bytes,
               alignment, block_size_, alignment_);
}

ALLOT_INLINE void BlockPool::reset() {
  check_usable();
  const std::size_t written = fresh_ * stride_;
  annotate::truncated(begin_, begin_, written);
  if (zero_ && written != 0) {
    annotate::show(begin_, written);
    std::memset(begin_, 0, written);
    annotate::hide(begin_, written);
  }
  fresh_ = 0;
  root_ = 0;
  top_ = bottom_;
}

ALLOT_INLINE void BlockPool::release() noexcept {
  if (begin_ == nullptr)
    return;
  annotate::close(begin_, capacity_ * stride_);
  begin_ = nullptr;
  top_ = bottom_ = nullptr;
  levels_ = 2;
  fresh_ = capacity_ = 0;
  root_ = 0;
  buffer_.release();
}

} // namespace allot::inline ALLOT_ABI
