#include <allot/threads/shared_block_pool.hpp>

#include <algorithm>
#include <bit>
#include <cstring>
#include <mutex>
#include <new>

namespace allot {
inline namespace ALLOT_ABI {

namespace detail {

inline constexpr std::size_t most_idle_bytes = std::size_t{32} << 10;

// Where parts lie in the pool's own memory they are to take a twentieth of it, or so.
[[nodiscard]] std::size_t most_idle_blocks(std::size_t count, bool inside) noexcept {
  return std::clamp(std::bit_floor(count / (inside ? 64 : 16)), std::size_t{4}, std::size_t{128});
}
[[nodiscard]] std::size_t parts_inside(std::size_t count) noexcept {
  return count < 64 ? 0 : std::min<std::size_t>(64, 1 + count / 256);
}
[[nodiscard]] std::size_t bytes_of_part(std::size_t part, std::size_t most) noexcept {
  return saturating_round_up(part + (most + 1) * sizeof(NumberDepot::Number), buffer_alignment);
}
/// Where there is more than a line of flags, those of a group are to fill one.
[[nodiscard]] std::size_t flags_alignment(std::size_t count) noexcept {
  return count < NumberDepot::group ? 1 : NumberDepot::group;
}
/// Numbers and flags, of which there is one more.
[[nodiscard]] std::size_t bytes_beside(std::size_t count) noexcept {
  return saturating_add(saturating_multiply(count, sizeof(NumberDepot::Number) + 1),
                        flags_alignment(count));
}

} // namespace detail

detail::BlockRequest SharedBlockPool::asked(std::size_t block_bytes,
                                            const SharedBlockOptions& options,
                                            bool parts_inside) noexcept {
  constexpr auto with_parts = [](std::size_t count) noexcept {
    const std::size_t parts = detail::parts_inside(count);
    const std::size_t each =
        detail::bytes_of_part(sizeof(Part), detail::most_idle_blocks(count, true));
    return saturating_add(detail::bytes_beside(count),
                          parts * each + (parts != 0 ? buffer_alignment : 0));
  };
  return {block_bytes,
          options.alignment,
          parts_inside ? with_parts : detail::bytes_beside,
          detail::NumberDepot::max_count,
          "a shared block pool can number",
          {strategy_name, options.name}};
}

SharedBlockPool::SharedBlockPool(std::size_t block_bytes, std::size_t count,
                                 const SharedBlockOptions& options)
    : SharedBlockPool( // where much is asked for it is zero, and costs no more
          block_bytes, detail::BlockLayout::of(asked(block_bytes, options, false), count),
          Buffer::heap(detail::BlockLayout::of(asked(block_bytes, options, false), count).bytes(),
                       options.alignment, {.zero = true}, {strategy_name, options.name}),
          options) {}

SharedBlockPool::SharedBlockPool(std::size_t block_bytes, Buffer buffer,
                                 const SharedBlockOptions& options)
    : SharedBlockPool(
          block_bytes,
          detail::BlockLayout::in(asked(block_bytes, options, !buffer.is_from_heap()), buffer),
          std::move(buffer), options) {}

SharedBlockPool::SharedBlockPool(std::size_t block_bytes, const detail::BlockLayout& layout,
                                 Buffer&& buffer, const SharedBlockOptions& options)
    : begin_(buffer.data() + detail::bytes_before_blocks(buffer, options.alignment)),
      stride_(buffer.gap().stretch(layout.block_size)), by_stride_(stride_),
      block_size_(layout.block_size), block_bytes_(block_bytes), capacity_(layout.count),
      alignment_(detail::block_alignment(begin_, block_size_, options.alignment)),
      zero_(options.zero), name_(options.name) {
  std::byte* const side = begin_ + capacity_ * stride_;
  std::byte* flags = side + capacity_ * sizeof(Number);
  flags += padding(reinterpret_cast<std::uintptr_t>(flags), detail::flags_alignment(capacity_));
  depot_ = detail::NumberDepot(reinterpret_cast<Number*>(side), capacity_);
  flags_ = reinterpret_cast<Use*>(flags);
  if (!buffer.is_zero())
    std::memset(flags, 0, capacity_);
  mark(capacity_, Use::in_use);
  quick_count_ = zero_ ? 0 : capacity_;
  const bool inside = !buffer.is_from_heap();
  const std::size_t most = detail::most_idle_blocks(capacity_, inside);
  most_ = static_cast<std::uint32_t>(
      std::clamp(detail::most_idle_bytes / block_size_, std::size_t{1}, most));
  if (const std::size_t parts = detail::parts_inside(capacity_); inside && parts != 0) {
    std::byte* const free = flags + capacity_ + 1;
    parts_ = free + padding(reinterpret_cast<std::uintptr_t>(free), buffer_alignment);
    parts_end_ = parts_ + parts * detail::bytes_of_part(sizeof(Part), most);
  }
  if (!zero_ || buffer.is_zero())
    cleared_ = capacity_;
  buffer_ = std::move(buffer);
  annotate::open(begin_, capacity_ * stride_);
}

// -------------------------------------------------------------------------------------- slow paths

void* SharedBlockPool::try_allocate_slow() noexcept {
  std::size_t index = 0;
  Part* const mine = find_part();
  if (take(mine, index))
    return hand_out(index);
  while (take_slow(mine, index)) {
    if (claim(index)) [[likely]]
      return hand_out(index);
    report_freed_twice(index);
  }
  return nullptr;
}

void* SharedBlockPool::allocate_slow() {
  if (void* const p = try_allocate_slow()) [[likely]]
    return p;
  check_usable();
  throw_full(label(), 1, 0, capacity_, "blocks");
}

// A block that is handed out for the first time is cleared when the lock is left, as it may be
// large.
bool SharedBlockPool::take_slow(Part* mine, std::size_t& index) noexcept {
  bool uncleared = false;
  {
    const std::lock_guard lock(shared_.mutex);
    if (freed())
      return false;
    collect();
    if (mine == nullptr)
      mine = attach();
    if (mine != nullptr && mine->magazine.count() != 0) { // it was closed
      index = mine->magazine.pop();
      return true;
    }
    if (depot_.size() == 0)
      take_ranges();
    if (depot_.size() == 0 && !gather())
      return false;
    if (mine != nullptr) {
      const std::size_t most = share();
      detail::NumberDepot::Supply supply(depot_, mine->range, most);
      mine->magazine.refill(supply, most);
      index = mine->magazine.count() != 0 ? mine->magazine.pop() : supply.pop();
    } else {
      index = depot_.pop();
    }
    uncleared = index >= cleared_;
    clear(index);
    peak_ = larger(peak_, depot_.out());
  }
  if (uncleared) {
    annotate::show(address(index), stride_);
    std::memset(address(index), 0, stride_);
    annotate::hide(address(index), stride_);
  }
  return true;
}

// A block that the quick way did not free.
void SharedBlockPool::deallocate_slow(void* p, std::size_t index) {
  if (!in_use(index))
    refuse_pointer(p);
  mark(index, Use::free); // at once, to tell who frees it too
  if (zero_) {
    annotate::show(p, block_size_);
    std::memset(p, 0, block_size_);
  }
  annotate::freed(begin_, p, block_size_);
  if (!put(part(), index)) [[unlikely]]
    put_slow(index);
}

void SharedBlockPool::put_slow(std::size_t index) noexcept {
  const auto number = static_cast<Number>(index);
  Part* mine = find_part();
  if (put(mine, index))
    return;
  bool kept = false;
  {
    const std::lock_guard lock(shared_.mutex);
    collect();
    if (mine == nullptr)
      mine = attach();
    kept = mine == nullptr ? depot_.push(number)
                           : mine->magazine.put_or_spill(depot_, number, share());
  }
  if (!kept)
    report_freed_twice(index);
}

bool SharedBlockPool::try_allocate_many(std::span<void*> blocks) noexcept {
  for (std::size_t i = 0; i != blocks.size(); ++i) {
    blocks[i] = try_allocate();
    if (blocks[i] != nullptr)
      continue;
    while (i-- != 0)
      abandon(blocks[i]);
    std::fill(blocks.begin(), blocks.end(), nullptr);
    return false;
  }
  return true;
}

void SharedBlockPool::allocate_many(std::span<void*> blocks) {
  if (try_allocate_many(blocks))
    return;
  check_usable();
  throw_full(label(), blocks.size(), available(), capacity_, "blocks");
}

void SharedBlockPool::deallocate_many(std::span<void* const> blocks) {
  for (void* const p : blocks)
    deallocate(p);
}

// Frees the block of a constructor that threw, unless that has freed it itself.
void SharedBlockPool::abandon(void* p) noexcept {
  if (in_use(index_of(p)))
    deallocate(p);
}

// ----------------------------------------------------------------------------- with the mutex held

void SharedBlockPool::collect() noexcept {
  shared_.collect([this](detail::ThreadPart& left) {
    (void)static_cast<Part&>(left).magazine.empty_into(depot_);
    depot_.take_back(static_cast<Part&>(left).range);
    --threads_;
  });
}

// Null: the thread ends, or there is no memory.
SharedBlockPool::Part* SharedBlockPool::attach() noexcept {
  if (freed() || !detail::Shared::thread_has_parts())
    return nullptr;
  detail::ThreadPart* part = shared_.take_idle();
  if (part == nullptr) {
    Part* const made = new_part();
    if (made == nullptr)
      return nullptr;
    shared_.add(*made);
    part = shared_.take_idle();
  }
  shared_.attach(*part);
  ++threads_;
  return static_cast<Part*>(part);
}

SharedBlockPool::Part* SharedBlockPool::new_part() noexcept {
  const std::size_t bytes = detail::bytes_of_part(sizeof(Part), most_);
  Buffer memory;
  std::byte* at = nullptr;
  if (buffer_.is_from_heap()) {
    memory = Buffer::try_heap(bytes, buffer_alignment, {.zero = false});
    at = memory.data();
    part_bytes_on_heap_ += memory.size();
  } else if (static_cast<std::size_t>(parts_end_ - parts_) >= bytes) {
    at = std::exchange(parts_, parts_ + bytes);
  }
  if (at == nullptr)
    return nullptr;
  Part* const part = ::new (at)
      Part(shared_, reinterpret_cast<Number*>(at + sizeof(Part)), static_cast<Number>(capacity_));
  part->memory = std::move(memory);
  return part;
}

// What is left of the ranges of all threads goes to the depot.
void SharedBlockPool::take_ranges() noexcept {
  for (detail::ThreadPart* part = shared_.parts(); part != nullptr; part = part->next_of_shared)
    depot_.take_back(static_cast<Part*>(part)->range);
}

// What lies idle in magazines goes to the depot. False: nothing does.
bool SharedBlockPool::gather() noexcept {
  if (idle() == 0 || !shared_.close_parts())
    return false;
  for (detail::ThreadPart* part = shared_.parts(); part != nullptr; part = part->next_of_shared)
    (void)static_cast<Part*>(part)->magazine.empty_into(depot_);
  shared_.open_parts();
  return depot_.size() != 0;
}

// Of what is free: so many may lie in a magazine. None where threads would take from each other.
std::size_t SharedBlockPool::share() const noexcept {
  return std::min<std::size_t>(most_, depot_.size() / (2 * threads_));
}

std::size_t SharedBlockPool::idle() const noexcept {
  std::size_t count = 0;
  for (const detail::ThreadPart* part = shared_.parts(); part != nullptr;
       part = part->next_of_shared)
    count += static_cast<const Part*>(part)->magazine.count();
  return count;
}

// What the depot gave for the first time, ranges included, `but` one.
void SharedBlockPool::clear(std::size_t but) noexcept {
  if (depot_.limit() <= cleared_)
    return;
  const std::size_t first = cleared_ + (but >= cleared_ ? 1U : 0U);
  cleared_ = depot_.limit();
  const std::size_t bytes = (cleared_ - first) * stride_;
  annotate::show(address(first), bytes);
  std::memset(address(first), 0, bytes);
  annotate::hide(address(first), bytes);
}

// ------------------------------------------------------------------------------- all at once, told

void SharedBlockPool::reset() {
  check_usable();
  const std::lock_guard lock(shared_.mutex);
  collect();
  for (detail::ThreadPart* part = shared_.parts(); part != nullptr; part = part->next_of_shared) {
    static_cast<Part*>(part)->magazine.forget();
    static_cast<Part*>(part)->range = {};
  }
  const std::size_t limit = depot_.limit();
  annotate::truncated(begin_, begin_, limit * stride_);
  for (std::size_t first = 0; zero_ && first < limit;) { // those in use, run by run
    std::size_t end = first;
    while (end != limit && in_use(end))
      ++end;
    const std::size_t bytes = (end - first) * stride_;
    annotate::show(address(first), bytes);
    std::memset(address(first), 0, bytes);
    annotate::hide(address(first), bytes);
    first = end + 1;
  }
  for (std::size_t i = 0; i != limit; ++i)
    mark(i, Use::free);
  depot_.reset();
}

void SharedBlockPool::release() noexcept {
  if (freed())
    return;
  detail::ThreadPart* part = shared_.parts();
  shared_.forget_parts();
  while (part != nullptr) {
    auto& gone = static_cast<Part&>(*std::exchange(part, part->next_of_shared));
    const Buffer memory = std::move(gone.memory);
  }
  annotate::close(begin_, capacity_ * stride_);
  begin_ = nullptr;
  flags_ = nullptr;
  depot_ = {};
  quick_count_ = threads_ = capacity_ = peak_ = part_bytes_on_heap_ = 0;
  buffer_.release();
}

bool SharedBlockPool::owns(const void* p) const noexcept {
  const std::size_t offset = offset_of(p);
  return offset < capacity_ * stride_ && in_use(offset / stride_);
}

// A block that one thread takes and another frees may be seen in both magazines.
std::size_t SharedBlockPool::used() const noexcept {
  const std::lock_guard lock(shared_.mutex);
  return depot_.out() - smaller(depot_.out(), idle());
}

std::size_t SharedBlockPool::peak() const noexcept {
  const std::lock_guard lock(shared_.mutex);
  return peak_;
}

void SharedBlockPool::reset_peak() noexcept {
  const std::lock_guard lock(shared_.mutex);
  collect();
  (void)gather();
  peak_ = depot_.out();
}

SharedBlockPool::Stats SharedBlockPool::stats() const noexcept {
  const std::lock_guard lock(shared_.mutex);
  const std::size_t in_use = depot_.out() - smaller(depot_.out(), idle());
  const double utilization =
      capacity_ == 0 ? 0 : static_cast<double>(in_use) / static_cast<double>(capacity_);
  const std::size_t free = capacity_ - in_use;
  return {capacity_,
          in_use,
          free,
          utilization,
          {name(), capacity_ * block_size_, in_use * block_size_, free * block_size_,
           peak_ * block_size_, buffer_.size() + part_bytes_on_heap_}};
}

void SharedBlockPool::check_usable() const {
  if (freed())
    throw_released(label());
}

void SharedBlockPool::refuse_pointer(const void* p) const {
  detail::refuse_block(label(), p, {begin_, capacity_, stride_});
}

void SharedBlockPool::refuse_type(std::size_t bytes, std::size_t alignment) const {
  check_usable();
  detail::refuse_in_block(label(), bytes, alignment, block_size_, alignment_);
}

void SharedBlockPool::report_freed_twice(std::size_t index) const noexcept {
  report_misuse(label(), Errc::double_free, "block %zu at %p was freed by two threads at a time",
                index, static_cast<void*>(address(index)));
}

} // namespace ALLOT_ABI
} // namespace allot
