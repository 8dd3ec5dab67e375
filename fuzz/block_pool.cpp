#include "memory.hpp"

#include <allot/block_pool.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

namespace {

using namespace model;
using allot::Errc;

constexpr std::size_t none = SIZE_MAX;

/// Which block comes next: the lowest that is free.
class FirstFree {
public:
  void take(std::size_t index) { lowest_ = index + 1; }
  void give_back(std::size_t index) { lowest_ = std::min(lowest_, index); }
  [[nodiscard]] std::size_t next(const std::vector<Piece>& blocks) const {
    while (lowest_ < blocks.size() && blocks[lowest_].bytes != 0)
      ++lowest_;
    return lowest_ < blocks.size() ? lowest_ : none;
  }

private:
  mutable std::size_t lowest_ = 0;
};

/// The one freed last, else the lowest that was never handed out.
class Any {
public:
  void take(std::size_t index) {
    if (freed_.empty())
      fresh_ = index + 1;
    else
      freed_.pop_back();
  }
  void give_back(std::size_t index) { freed_.push_back(index); }
  [[nodiscard]] std::size_t next(const std::vector<Piece>& blocks) const {
    if (!freed_.empty())
      return freed_.back();
    return fresh_ < blocks.size() ? fresh_ : none;
  }

private:
  std::vector<std::size_t> freed_;
  std::size_t fresh_ = 0;
};

template <class Choice, allot::Order order>
class BlockPoolDriver {
public:
  explicit BlockPoolDriver(Input& input) : in_(input) {}

  void run() {
    for (; !in_.empty(); check_state()) {
      switch (in_.below(128)) {
      case 0:
        in_.one_in(8) ? release() : move();
        break;
      case 1:
        reset();
        break;
      case 2:
        in_.one_in(2) ? check_contents() : for_each();
        break;
      case 3:
      case 4:
        refuse();
        break;
      case 5:
        for (std::size_t i = many(); i != 0; --i)
          try_allocate();
        break;
      case 6:
        for (std::size_t i = many(), how = in_.below(65536); i != 0; --i)
          deallocate(pick(how = another(how)));
        break;
      case 7:
        create();
        break;
      case 8:
        allocate_many();
        break;
      case 9:
        deallocate_many();
        break;
      case 10:
        reset_peak();
        break;
      default:
        in_.one_in(2) ? allocate() : deallocate(pick(in_.below(65536)));
      }
    }
    release();
  }

private:
  allot::BlockPool make() {
    constexpr std::size_t alignments[] = {1, 8, 16, 64, 256};
    block_bytes_ = 1 + in_.below(in_.one_in(8) ? 300 : 40);
    const std::size_t alignment = in_.one_in(4) ? alignments[in_.below(5)] : 8;
    zero_ = !in_.one_in(4);
    const allot::BlockOptions options{.zero = zero_, .order = order, .alignment = alignment};
    block_size_ = allot::saturating_round_up(block_bytes_, std::max(alignment, allot::granule));
    check(refusal([&] { return allot::BlockPool(8, in_.unservable(), options); }).has_value(),
          "no more blocks than there can be");
    check(refusal([&] { return allot::BlockPool(in_.unservable(), 8, options); }).has_value(),
          "no larger blocks than there can be");
    used_ = peak_ = 0;
    choice_ = Choice();
    return in_.one_in(2) ? on_buffer(options) : of_count(options);
  }
  allot::BlockPool of_count(const allot::BlockOptions& options) {
    constexpr std::size_t counts[] = {1,    63,   64,    65,     128,    4095,
                                      4096, 4097, 12289, 262143, 262144, 262145};
    const std::size_t kind = in_.below(64);
    const std::size_t count = kind == 0  ? counts[in_.below(12)]
                              : kind < 8 ? counts[in_.below(9)]
                                         : 1 + in_.below(300);
    operation("pool", block_bytes_, count, options.alignment);
    allot::BlockPool pool(block_bytes_, count, options);
    check(pool.capacity() == count, "exactly as many blocks as were asked for");
    start(pool, red_zone_scale);
    return pool;
  }
  allot::BlockPool on_buffer(const allot::BlockOptions& options) {
    allot::Buffer buffer = memory_.draw(in_, 2048 + in_.below(8192), zero_);
    operation("pool", block_bytes_, buffer.size(), options.alignment);
    const std::byte* const begin = buffer.data();
    const std::byte* const end = begin + buffer.extent();
    const std::size_t size = buffer.size();
    const std::size_t scale = buffer.gap().stretch(1);
    allot::BlockPool pool(block_bytes_, std::move(buffer), options);
    const std::size_t count = pool.capacity();
    start(pool, scale);
    check(begin_ >= begin && begin_ + count * stride_ <= end, "inside the buffer");
    // A block needs its bytes and a few of bookkeeping.
    check((count + 1) * (block_size_ + 8) + options.alignment + 64 >= size, "few bytes are wasted");
    return pool;
  }
  void start(allot::BlockPool& pool, std::size_t scale) {
    blocks_.assign(pool.capacity(), Piece());
    stride_ = block_size_ * scale;
    void* const first = pool.allocate();
    begin_ = static_cast<std::byte*>(first);
    pool.deallocate(first);
    peak_ = 1;
    if constexpr (order == allot::Order::any) {
      choice_.take(0);
      choice_.give_back(0);
    }
    const std::size_t natural = std::min<std::size_t>(block_size_ & (0 - block_size_), 64);
    check(is_aligned(begin_, natural) || scale == 1, "aligned to what divides their size");
  }

  void allocate() {
    const std::size_t index = choice_.next(blocks_);
    if (in_.one_in(2) || !worth_throwing(in_, index == none))
      return try_allocate();
    operation("allocate", index);
    void* p = nullptr;
    const auto refused = refusal([&] { p = pool_.allocate(); });
    check(index != none ? !refused : refused == Errc::no_room, "refused exactly when all are used");
    if (index != none)
      allocated(index, p);
  }
  void try_allocate() {
    const std::size_t index = choice_.next(blocks_);
    operation("try_allocate", index);
    void* const p = pool_.try_allocate();
    check((p != nullptr) == (index != none), "refused exactly when all are used");
    if (index != none)
      allocated(index, p);
  }
  void create() {
    struct alignas(64) Wide {
      unsigned char bytes[64];
    };
    const std::size_t index = choice_.next(blocks_);
    operation("create", index);
    if (block_size_ < sizeof(Wide)) {
      check(refusal([&] { (void)pool_.template create<Wide>(); }) == Errc::bad_size, "too large");
      check(pool_.template try_create<Wide>() == nullptr, "too large");
    }
    if (block_bytes_ < sizeof(std::size_t))
      return;
    if (index == none) {
      check(pool_.template try_create<std::size_t>() == nullptr, "all are used");
      return;
    }
    const auto* const p = in_.one_in(2) ? pool_.template create<std::size_t>(std::size_t{0})
                                        : pool_.template try_create<std::size_t>(std::size_t{0});
    allocated(index, const_cast<std::size_t*>(p));
  }
  void allocated(std::size_t index, void* p) {
    check(p == begin_ + index * stride_, "the block that comes next");
    if (zero_)
      check(holds(bytes_of(p), block_bytes_, 0), "zero");
    choice_.take(index);
    blocks_[index] = new_piece(p, block_bytes_);
    last_ = index;
    peak_ = std::max(peak_, ++used_);
  }

  /// Up to all of the blocks, or as many as take several words of the second level.
  [[nodiscard]] std::size_t many() {
    return in_.below(400) * std::min<std::size_t>(1 + blocks_.size() / 400, 32);
  }
  /// Near the one that was allocated last, or any.
  [[nodiscard]] std::size_t pick(std::size_t how) {
    const std::size_t around = how % 4 == 0 ? how * 37 : last_ + blocks_.size() - how % 16;
    return around % blocks_.size();
  }
  /// From one draw, or the input would soon be used up.
  [[nodiscard]] static std::size_t another(std::size_t how) {
    return (how * 25173 + 13849) % 65536;
  }
  void deallocate(std::size_t index) {
    Piece& block = blocks_[index];
    if (block.bytes == 0)
      return;
    operation("deallocate", index);
    check(block.intact(), "contents kept");
    check(pool_.owns(block.p), "owns a block in use");
    pool_.deallocate(block.p);
    deallocated(index);
  }
  void deallocated(std::size_t index) {
    check(!pool_.owns(blocks_[index].p), "does not own a free block");
    choice_.give_back(index);
    blocks_[index].bytes = 0;
    last_ = index;
    --used_;
  }
  [[nodiscard]] std::size_t batch() { return in_.one_in(4) ? many() : in_.below(100); }
  void allocate_many() {
    std::vector<void*> given(batch());
    operation("allocate_many", given.size());
    const bool served = pool_.try_allocate_many(given);
    check(served == (given.size() <= blocks_.size() - used_),
          "refused exactly when fewer are free");
    if (!served)
      return;
    for (void* const p : given) {
      const std::size_t index = choice_.next(blocks_);
      check(index != none, "no more than there are");
      allocated(index, p);
    }
  }
  /// Maybe with one among them that is wrong.
  void deallocate_many() {
    std::size_t how = in_.below(65536);
    std::vector<std::size_t> indices;
    for (std::size_t i = batch(); i != 0; --i) {
      const std::size_t index = pick(how = another(how));
      if (blocks_[index].bytes != 0)
        indices.push_back(index);
    }
    operation("deallocate_many", indices.size());
    std::vector<void*> given;
    for (const std::size_t index : indices) {
      check(blocks_[index].intact(), "contents kept");
      given.push_back(blocks_[index].p);
    }
    const auto refused = refusal([&] { pool_.deallocate_many(given); });
    for (const std::size_t index : indices) {
      if (blocks_[index].bytes == 0) // twice among them
        return check(refused == Errc::double_free, "freed up to the first that is wrong");
      deallocated(index);
    }
    check(!refused, "freed");
  }
  void refuse() {
    operation("misuse");
    std::size_t other[8] = {};
    const auto refuses = [&](void* p, Errc code) {
      check(refusal([&] { pool_.deallocate(p); }) == code, "misuse is refused, with its name");
    };
    refuses(nullptr, Errc::null_pointer);
    refuses(other, Errc::foreign_pointer);
    refuses(begin_ - stride_, Errc::foreign_pointer);
    refuses(begin_ + blocks_.size() * stride_, Errc::foreign_pointer);
    check(!pool_.owns(other) && !pool_.owns(nullptr), "owns nothing foreign");
    const std::size_t index = pick(in_.below(65536));
    const Piece& block = blocks_[index];
    const std::size_t inside = 1 + in_.below(65536) % (stride_ - 1);
    if (block.bytes != 0)
      refuses(block.p + inside, Errc::misaligned_pointer);
    else if (block.p != nullptr)
      refuses(block.p, Errc::double_free);
    else
      check(refusal([&] { pool_.deallocate(begin_ + index * stride_); }).has_value(),
            "a block that was not handed out is refused");
  }

  /// Maybe freeing each third.
  void for_each() {
    operation("for_each");
    std::size_t index = 0;
    const std::size_t freed = in_.one_in(4) ? in_.below(3) : 3;
    pool_.for_each([&](void* p) {
      while (index != blocks_.size() && blocks_[index].bytes == 0)
        ++index;
      check(index != blocks_.size() && blocks_[index].p == p, "the next that is in use");
      if (index % 3 == freed)
        deallocate(index);
      ++index;
    });
    while (index != blocks_.size())
      check(blocks_[index++].bytes == 0, "all that are in use");
  }
  void reset_peak() {
    operation("reset_peak");
    pool_.reset_peak();
    peak_ = used_;
    check(pool_.peak() == peak_, "the peak is what is used");
  }
  void reset() {
    operation("reset");
    check_contents();
    pool_.reset();
    std::fill(blocks_.begin(), blocks_.end(), Piece());
    choice_ = Choice();
    used_ = 0;
  }
  void release() {
    operation("release");
    check_contents();
    pool_.release();
    pool_.release();
    check_released(pool_);
    memory_.check_surroundings();
    pool_ = make();
  }
  void move() {
    operation("move");
    allot::BlockPool other(std::move(pool_));
    check_released(pool_);
    pool_ = std::move(other);
    check_released(other);
  }
  void check_released(allot::BlockPool& pool) {
    check(pool.try_allocate() == nullptr, "refused when released");
    check(refusal([&] { return pool.allocate(); }) == Errc::released, "released");
    check(refusal([&] { pool.deallocate(begin_); }) == Errc::released, "released");
    check(refusal([&] { pool.reset(); }) == Errc::released, "released");
    check(pool.capacity() == 0 && pool.stats().used == 0, "nothing is left");
    check(pool.freed() && pool.empty() && pool.peak() == 0, "nothing is left");
  }
  void check_contents() const {
    for (const Piece& block : blocks_)
      check(block.intact(), "contents kept");
  }
  void check_state() const {
    check(pool_.peak() == peak_, "the most in use");
    if (blocks_.size() > 5000 && used_ % 64 != 0) // adds up over all blocks
      return;
    const allot::BlockPool::Stats stats = pool_.stats();
    check(stats.total == blocks_.size() && pool_.capacity() == stats.total, "total");
    check(stats.used == used_ && stats.free == stats.total - used_, "used and free");
    check(std::abs(stats.utilization * static_cast<double>(stats.total) -
                   static_cast<double>(used_)) < 1e-6,
          "utilization");
    check(pool_.used() == used_ && pool_.available() == stats.free, "used and available");
    check(pool_.empty() == (used_ == 0) && !pool_.freed(), "empty");
    check(pool_.block_size() == block_size_, "block_size");
  }

  Input& in_;
  Memory memory_;
  std::size_t block_bytes_ = 0, block_size_ = 0, stride_ = 0, used_ = 0, peak_ = 0, last_ = 0;
  std::byte* begin_ = nullptr;
  bool zero_ = true;
  std::vector<Piece> blocks_;
  Choice choice_;
  allot::BlockPool pool_ = make();
};

const Driver driver("block_pool", [](Input& input) {
  if (input.one_in(2))
    BlockPoolDriver<FirstFree, allot::Order::first_free>(input).run();
  else
    BlockPoolDriver<Any, allot::Order::any>(input).run();
});

} // namespace
