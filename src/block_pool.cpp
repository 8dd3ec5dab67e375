#include <allot/block_pool.hpp>

#include <algorithm>
#include <cstring>
#include <new>

namespace allot {
inline namespace ALLOT_ABI {

// For Order::first_free the count is bounded by sizes alone.
detail::BlockRequest BlockPool::asked(std::size_t block_bytes,
                                      const BlockOptions& options) noexcept {
  const bool any = options.order == Order::any;
  return {block_bytes,
          options.alignment,
          any ? FreeStack::bytes : FreeBitmap::bytes,
          any ? FreeStack::max_count : max_size - 1,
          "Order::any can number",
          {strategy_name, options.name}};
}

BlockPool::BlockPool(std::size_t block_bytes, std::size_t count, const BlockOptions& options)
    : BlockPool(block_bytes, detail::BlockLayout::of(asked(block_bytes, options), count),
                Buffer::heap(detail::BlockLayout::of(asked(block_bytes, options), count).bytes(),
                             options.alignment, {.zero = options.zero},
                             {strategy_name, options.name}),
                options) {}

BlockPool::BlockPool(std::size_t block_bytes, Buffer buffer, const BlockOptions& options)
    : BlockPool(block_bytes, detail::BlockLayout::in(asked(block_bytes, options), buffer),
                std::move(buffer), options) {}

BlockPool::BlockPool(std::size_t block_bytes, const detail::BlockLayout& layout, Buffer&& buffer,
                     const BlockOptions& options)
    : begin_(buffer.data() + detail::bytes_before_blocks(buffer, options.alignment)),
      stride_(buffer.gap().stretch(layout.block_size)), by_stride_(stride_), order_(options.order),
      zero_(options.zero), block_size_(layout.block_size), block_bytes_(block_bytes),
      capacity_(layout.count),
      alignment_(detail::block_alignment(begin_, block_size_, options.alignment)),
      name_(options.name) {
  std::byte* const side = begin_ + capacity_ * stride_;
  if (order_ == Order::any)
    ::new (&stack_) FreeStack(side, capacity_, zero_ ? Freeing::slow : Freeing::quick);
  else
    ::new (&bitmap_) FreeBitmap(side, capacity_);
  if (zero_ && !buffer.is_zero())
    order_ == Order::any ? stack_.set_ready(0) : bitmap_.set_ready(0);
  buffer_ = std::move(buffer);
  annotate::open(begin_, capacity_ * stride_);
}

BlockPool& BlockPool::operator=(BlockPool&& other) noexcept {
  if (this != &other) {
    release();
    begin_ = std::exchange(other.begin_, nullptr);
    stride_ = other.stride_;
    by_stride_ = other.by_stride_;
    order_ = other.order_;
    zero_ = other.zero_;
    if (order_ == Order::any)
      ::new (&stack_) FreeStack(other.stack_);
    else
      ::new (&bitmap_) FreeBitmap(other.bitmap_);
    other.forget_blocks();
    block_size_ = other.block_size_;
    block_bytes_ = other.block_bytes_;
    capacity_ = std::exchange(other.capacity_, 0);
    alignment_ = other.alignment_;
    peak_ = std::exchange(other.peak_, 0);
    buffer_ = std::move(other.buffer_);
    name_ = other.name_;
  }
  return *this;
}

std::size_t BlockPool::find() noexcept {
  return order_ == Order::any ? stack_.find() : bitmap_.find();
}

// When all that are ready are in use. `none`: they are all that there are.
std::size_t BlockPool::clear_and_find() noexcept {
  const std::size_t cleared = order_ == Order::any ? stack_.ready() : bitmap_.ready();
  if (cleared == capacity_)
    return none;
  const std::size_t ready = detail::clear_ahead(begin_, stride_, cleared, capacity_);
  order_ == Order::any ? stack_.set_ready(ready) : bitmap_.set_ready(ready);
  return find();
}

void* BlockPool::try_allocate_slow() noexcept {
  std::size_t index = find();
  if (index == none) [[unlikely]]
    index = clear_and_find();
  return index == none ? nullptr : hand_out(index);
}

void* BlockPool::allocate_slow() {
  std::size_t index = find();
  if (index == none) [[unlikely]]
    index = clear_and_find();
  if (index != none) [[likely]]
    return hand_out(index);
  check_usable();
  throw_full(label(), 1, 0, capacity_, "blocks");
}

// A block that the quick ways did not free.
void BlockPool::deallocate_slow(void* p, std::size_t index) {
  const bool freed =
      order_ == Order::any ? stack_.put_back_slow(index) : bitmap_.put_back_slow(index);
  if (!freed)
    refuse_pointer(p);
  __builtin_prefetch(p); // as deallocate
  if (zero_ || instrumented)
    close(p);
}

// What follows for a block that was freed.
void BlockPool::close(void* p) noexcept {
  if (zero_) {
    annotate::show(p, block_size_);
    std::memset(p, 0, block_size_);
  }
  annotate::freed(begin_, p, block_size_);
}

bool BlockPool::try_allocate_many(std::span<void*> blocks) noexcept {
  const bool given =
      order_ == Order::any ? take_many_of_stack(blocks) : take_many_of_bitmap(blocks);
  if (!given)
    std::fill(blocks.begin(), blocks.end(), nullptr);
  return given;
}

bool BlockPool::take_many_of_stack(std::span<void*> blocks) noexcept {
  if (blocks.size() > capacity_ - stack_.used())
    return false;
  FreeStack stack = stack_; // in registers
  for (void*& block : blocks) {
    std::size_t index = 0;
    if (!stack.take(index)) [[unlikely]] {
      stack_ = stack;
      index = stack_.find();
      if (index == none)
        index = clear_and_find();
      stack = stack_;
    }
    block = hand_out(index);
  }
  stack_ = stack;
  return true;
}

// When no block is ready, all below the limit are in use, which tells how many are free. A fresh
// one is not taken before that is known, for it would count as used at the peak.
bool BlockPool::take_many_of_bitmap(std::span<void*> blocks) noexcept {
  if (blocks.size() > capacity_ - bitmap_.least_used())
    return false;
  for (std::size_t taken = 0; taken != blocks.size(); ++taken) {
    std::size_t index = 0;
    if (!bitmap_.take(index)) {
      const bool prefix = bitmap_.is_prefix();
      if (prefix && blocks.size() - taken > capacity_ - bitmap_.limit()) {
        take_back(blocks.first(taken));
        return false;
      }
      index = bitmap_.find();
      if (prefix && index == none)
        index = clear_and_find();
    }
    blocks[taken] = hand_out(index);
  }
  return true;
}

// Undoes that blocks were handed out, the newest first, so that the next ones are what they were.
// Nobody has written to them, so they are zero still.
void BlockPool::take_back(std::span<void* const> blocks) noexcept {
  for (std::size_t i = blocks.size(); i-- != 0;) {
    (void)put_back_in_bitmap(index_of(blocks[i]));
    annotate::freed(begin_, blocks[i], block_size_);
  }
}

void BlockPool::allocate_many(std::span<void*> blocks) {
  if (try_allocate_many(blocks))
    return;
  check_usable();
  throw_full(label(), blocks.size(), available(), capacity_, "blocks");
}

void BlockPool::deallocate_many(std::span<void* const> blocks) {
  const std::size_t freed =
      order_ == Order::any ? put_back_many_of_stack(blocks) : put_back_many_of_bitmap(blocks);
  if (freed != blocks.size())
    refuse_pointer(blocks[freed]);
}

// How many, up to the first that is not in use.
std::size_t BlockPool::put_back_many_of_stack(std::span<void* const> blocks) noexcept {
  FreeStack stack = stack_; // in registers
  std::size_t freed = 0;
  for (; freed != blocks.size(); ++freed) {
    void* const p = blocks[freed];
    if (!stack.put_back_slow(index_of(p)))
      break;
    __builtin_prefetch(p); // likely the next to be allocated
    if (zero_ || instrumented)
      close(p);
  }
  stack_ = stack;
  return freed;
}

std::size_t BlockPool::put_back_many_of_bitmap(std::span<void* const> blocks) noexcept {
  std::size_t freed = 0;
  for (; freed != blocks.size(); ++freed) {
    void* const p = blocks[freed];
    const std::size_t index = index_of(p);
    if (!put_back_in_bitmap(index))
      break;
    __builtin_prefetch(p);
    if (zero_ || instrumented)
      close(p);
  }
  return freed;
}

// Frees the block of a constructor that threw, unless that has reset the pool or freed it itself.
void BlockPool::abandon(void* p) noexcept {
  if (in_use(index_of(p)))
    deallocate(p);
}

bool BlockPool::owns(const void* p) const noexcept {
  const std::size_t offset = offset_of(p);
  return offset < capacity_ * stride_ && in_use(offset / stride_);
}

bool BlockPool::in_use(std::size_t index) const noexcept {
  return order_ == Order::any ? stack_.in_use(index) : bitmap_.in_use(index);
}

std::size_t BlockPool::next_in_use(std::size_t index) const noexcept {
  return order_ == Order::any ? stack_.next_in_use(index) : bitmap_.next_in_use(index);
}

std::size_t BlockPool::used() const noexcept {
  return order_ == Order::any ? stack_.used() : bitmap_.used();
}

std::size_t BlockPool::peak() const noexcept {
  return std::max(peak_, order_ == Order::any ? stack_.peak() : bitmap_.peak());
}

void BlockPool::reset_peak() noexcept {
  peak_ = 0;
  order_ == Order::any ? stack_.reset_peak() : bitmap_.reset_peak();
}

BlockPool::Stats BlockPool::stats() const noexcept {
  const std::size_t in_use = used();
  const double utilization =
      capacity_ == 0 ? 0 : static_cast<double>(in_use) / static_cast<double>(capacity_);
  const std::size_t free = capacity_ - in_use;
  return {capacity_,
          in_use,
          free,
          utilization,
          {name(), capacity_ * block_size_, in_use * block_size_, free * block_size_,
           peak() * block_size_, buffer_.size()}};
}

void BlockPool::check_usable() const {
  if (begin_ == nullptr)
    throw_released(label());
}

void BlockPool::refuse_pointer(const void* p) const {
  detail::refuse_block(label(), p, {begin_, capacity_, stride_});
}

void BlockPool::refuse_type(std::size_t bytes, std::size_t alignment) const {
  check_usable();
  detail::refuse_in_block(label(), bytes, alignment, block_size_, alignment_);
}

void BlockPool::reset() {
  check_usable();
  const std::size_t limit = order_ == Order::any ? stack_.limit() : bitmap_.limit();
  annotate::truncated(begin_, begin_, limit * stride_);
  if (zero_) { // the blocks in use, run by run; the others are zero
    for (std::size_t first = next_in_use(0); first != none;) {
      std::size_t end = first + 1;
      while (in_use(end))
        ++end;
      const std::size_t bytes = (end - first) * stride_;
      annotate::show(address(first), bytes);
      std::memset(address(first), 0, bytes);
      annotate::hide(address(first), bytes);
      first = next_in_use(end);
    }
  }
  peak_ = peak();
  order_ == Order::any ? stack_.reset() : bitmap_.reset();
}

void BlockPool::release() noexcept {
  if (begin_ == nullptr)
    return;
  annotate::close(begin_, capacity_ * stride_);
  begin_ = nullptr;
  forget_blocks();
  capacity_ = 0;
  peak_ = 0;
  buffer_.release();
}

void BlockPool::forget_blocks() noexcept {
  if (order_ == Order::any)
    stack_ = {};
  else
    bitmap_ = {};
}

} // namespace ALLOT_ABI
} // namespace allot
