#include "model.hpp"

#include <allot/multipool.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

namespace {

using namespace model;
using allot::Errc;

constexpr std::size_t slab = 65536;
constexpr std::size_t page = 4096;
constexpr std::size_t megabyte = 1048576;

/// The next of the classes, found by counting up.
std::size_t block_size(std::size_t bytes) {
  if (bytes <= 128)
    return std::max(allot::round_up(bytes), allot::granule);
  std::size_t size = 128;
  for (std::size_t step = 32;; step *= 2)
    for (int i = 0; i != 4; ++i)
      if ((size += step) >= bytes)
        return size;
}
/// Has whole pages: those above 160 KiB, and those of which a slab or two hold one.
bool is_large(std::size_t bytes, std::size_t alignment) {
  const std::size_t rounded =
      allot::saturating_round_up(std::max<std::size_t>(bytes, 1), alignment);
  return rounded > 160 * 1024 || (rounded > 48 * 1024 && rounded <= 64 * 1024) ||
         (rounded > 96 * 1024 && rounded <= 128 * 1024);
}
std::size_t usable(std::size_t bytes, std::size_t alignment) {
  bytes = std::max<std::size_t>(bytes, 1);
  return is_large(bytes, alignment) ? allot::saturating_round_up(bytes, page)
                                    : block_size(allot::saturating_round_up(bytes, alignment));
}

class MultipoolDriver {
public:
  explicit MultipoolDriver(Input& input) : in_(input) {}

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
        trim();
        break;
      case 3:
      case 4:
        refuse();
        break;
      case 5:
        places_.check_contents();
        break;
      case 6:
        for (std::size_t i = in_.below(64), bytes = in_.size(); i != 0; --i)
          allocate(bytes, 8);
        break;
      case 7:
        for (std::size_t i = in_.below(64); i != 0; --i)
          deallocate();
        break;
      case 8:
        allocate(megabyte + 64 * in_.below(4096), 8);
        reallocate();
        break;
      default:
        any();
      }
    }
    all_can_be_had_again();
    release();
  }

private:
  allot::Multipool make() {
    on_buffer_ = in_.one_in(3);
    return on_buffer_ ? make_on_buffer() : make_on_addresses();
  }
  // Of memory that is full of something, where no multiple of a slab's size is.
  allot::Multipool make_on_buffer() {
    const std::size_t slabs = 1 + in_.below(16);
    const std::size_t bytes = (slabs + 1) * slab + slabs * 1376;
    const std::size_t limit = in_.one_in(2) ? slab * in_.below(16) : allot::max_size;
    const bool heap = in_.one_in(2);
    zero_ = !in_.one_in(4);
    used_ = 0;
    operation("pool on a buffer", bytes, limit, zero_);
    memory_.assign(heap ? 0 : bytes, std::byte{0xEE});
    allot::Buffer buffer = heap ? allot::Buffer::heap(bytes) : allot::Buffer::borrowed(memory_);
    std::memset(buffer.data(), 0xEE, buffer.extent());
    allot::Multipool pool(std::move(buffer), {.zero = zero_, .limit = limit});
    capacity_ = pool.capacity();
    check(capacity_ >= std::min(slabs * slab, limit) && capacity_ <= (slabs + 1) * slab &&
              capacity_ <= limit && pool.available() == capacity_,
          "capacity on a buffer");
    return pool;
  }
  allot::Multipool make_on_addresses() {
    const std::size_t limit = in_.one_in(2) ? slab * in_.below(16) : allot::max_size;
    const bool follows = limit != allot::max_size && in_.one_in(2);
    const std::size_t reserve = follows ? 0 : 1 + slab * in_.below(in_.one_in(4) ? 256 : 16);
    zero_ = !in_.one_in(4);
    used_ = 0;
    operation("pool", reserve, limit, zero_);
    allot::Multipool pool({.zero = zero_, .reserve = reserve, .limit = limit});
    capacity_ = follows ? limit : std::min(allot::saturating_round_up(reserve, slab), limit);
    capacity_ = capacity_ / slab * slab;
    check(pool.capacity() == capacity_ && pool.available() == capacity_, "capacity");
    return pool;
  }

  void any() {
    switch (in_.below(16)) {
    case 0:
    case 1:
      return resize();
    case 2:
    case 3:
      return reallocate();
    case 4:
      return allocate(in_.size(), in_.alignment());
    case 5:
      return allocate(in_.one_in(8) ? 8 * in_.below(65536) : in_.size(), 8);
    case 6:
    case 7:
    case 8:
    case 9:
    case 10:
      return allocate(in_.size(), 8);
    default:
      return deallocate();
    }
  }

  void allocate(std::size_t bytes, std::size_t alignment) {
    operation("allocate", bytes, alignment);
    void* p = nullptr;
    if (in_.one_in(16)) {
      const bool at_least = alignment == 8 && in_.one_in(2);
      const auto refused = refusal([&] {
        p = at_least ? pool_.allocate_at_least(bytes).p : pool_.allocate(bytes, alignment);
      });
      check(!refused || refused == (allot::is_power_of_two(alignment) ? Errc::no_room
                                                                      : Errc::bad_alignment),
            "why it was refused");
    } else {
      p = alignment == 8 ? pool_.try_allocate(bytes) : pool_.try_allocate(bytes, alignment);
    }
    if (p == nullptr)
      return check_refused(bytes, alignment);
    check(allot::is_power_of_two(alignment), "refused an alignment that is none");
    served(p, bytes, alignment, 0, 0);
  }
  /// Where blocks and large objects lie is the pool's choice, so whether there is room for what
  /// needs slabs side by side is not known here.
  void check_refused(std::size_t bytes, std::size_t alignment) const {
    if (!allot::is_power_of_two(alignment) || usable(bytes, alignment) > slab ||
        is_large(bytes, alignment))
      check(!allot::is_power_of_two(alignment) || !places_.empty() ||
                std::max<std::size_t>(bytes, 1) > pool_.available() || alignment > slab,
            "an empty pool has room");
    else
      check(pool_.available() == 0, "a block is refused only if no slab is left");
  }
  /// At `p` there are `kept` bytes of an older allocation, and nothing was written past `written`.
  void served(void* p, std::size_t bytes, std::size_t alignment, std::size_t kept,
              std::size_t written) {
    check(is_aligned(p, std::max(alignment, allot::granule)), "aligned");
    check(pool_.usable_size(p) == usable(bytes, alignment), "usable_size");
    place(p, bytes, usable(bytes, alignment), alignment, kept, written);
  }
  void place(void* p, std::size_t bytes, std::size_t room, std::size_t alignment, std::size_t kept,
             std::size_t written) {
    const std::size_t fresh = std::max(kept, written);
    if (zero_ && fresh < bytes)
      check(holds(static_cast<std::byte*>(p) + fresh, bytes - fresh, 0), "zero at first");
    places_.add({new_piece(p, bytes), room, alignment, std::max(written, bytes)});
    used_ += room;
  }

  void deallocate() {
    if (places_.empty())
      return;
    const std::size_t i = places_.pick(in_);
    operation("deallocate", i);
    const Place place = places_.remove(i);
    if (in_.one_in(8))
      check(pool_.try_deallocate(place.piece.p) && !pool_.try_deallocate(place.piece.p),
            "freed once");
    else if (in_.one_in(3))
      pool_.deallocate(place.piece.p, place.piece.bytes, place.alignment);
    else
      pool_.deallocate(place.piece.p);
    used_ -= place.room;
  }
  void resize() {
    if (places_.empty())
      return;
    const std::size_t i = places_.pick(in_);
    const std::size_t bytes = in_.size();
    const Place before = places_[i];
    operation("try_resize", before.piece.bytes, bytes);
    const bool resized = pool_.try_resize(before.piece.p, before.piece.bytes, bytes);
    check(resized || before.piece.intact(), "contents kept");
    check(resized || bytes > before.room, "what there is room for can be");
    if (resized)
      replaced(i, before.piece.p, bytes, allot::granule);
  }
  void reallocate() {
    const bool fresh = places_.empty() || in_.one_in(16);
    const std::size_t i = fresh ? 0 : in_.one_in(4) ? longest() : places_.pick(in_);
    const Place before = fresh ? Place() : places_[i];
    const bool grows = before.room >= megabyte && !in_.one_in(4); // by pages, and often elsewhere
    const std::size_t bytes = grows ? before.room + 64 * in_.below(16384) : in_.size();
    const bool sized = in_.one_in(2);
    const std::size_t alignment = sized ? before.alignment : allot::granule;
    operation("reallocate", before.piece.bytes, bytes, alignment);
    void* p = nullptr;
    if (sized || in_.one_in(8)) {
      const auto refused = refusal([&] {
        p = sized ? pool_.reallocate(before.piece.p, before.piece.bytes, bytes, alignment)
                  : pool_.reallocate(before.piece.p, bytes);
      });
      check(!refused || refused == Errc::no_room, "why it was refused");
    } else {
      p = pool_.try_reallocate(before.piece.p, bytes);
    }
    if (p == nullptr) {
      check(before.piece.intact() && (fresh || bytes > before.room), "to shrink never fails");
      return;
    }
    if (fresh)
      served(p, bytes, alignment, 0, 0);
    else
      replaced(i, p, bytes, alignment);
  }
  [[nodiscard]] std::size_t longest() const {
    std::size_t best = 0;
    for (std::size_t i = 0; i != places_.size(); ++i)
      best = places_[i].room > places_[best].room ? i : best;
    return best;
  }
  /// The allocation number `i` is `bytes` at `p` now.
  void replaced(std::size_t i, void* p, std::size_t bytes, std::size_t alignment) {
    const Place before = places_[i];
    const std::size_t kept = std::min(before.piece.bytes, bytes);
    check(holds(static_cast<std::byte*>(p), kept, before.piece.value), "contents kept");
    const bool moved = p != before.piece.p;
    const std::size_t room = pool_.usable_size(p);
    if (moved)
      check(room == usable(bytes, alignment), "usable_size of what was moved");
    else
      check(room >= bytes &&
                (room == before.room ||
                 room == allot::saturating_round_up(std::max<std::size_t>(bytes, 1), page)),
            "room enough, in the block or in pages");
    forget(i);
    place(p, bytes, room, alignment, kept,
          moved ? std::min(before.written, bytes) : before.written);
  }
  void forget(std::size_t i) {
    used_ -= places_[i].room;
    places_.erase(i);
  }

  void refuse() {
    operation("misuse");
    std::size_t other[8] = {};
    const auto refuses = [&](void* p, Errc code) {
      check(refusal([&] { pool_.deallocate(p); }) == code, "misuse is refused, with its name");
      check(pool_.try_reallocate(p, 8) == nullptr || p == nullptr, "not reallocated");
      check(!pool_.try_resize(p, 8, 8), "not resized");
      check(!pool_.try_deallocate(p) && pool_.try_usable_size(p) == 0, "not freed");
    };
    check(refusal([&] { pool_.deallocate(nullptr); }) == Errc::null_pointer, "null");
    refuses(other, Errc::foreign_pointer);
    check(!pool_.owns(other) && !pool_.owns(nullptr), "owns nothing foreign");
    if (places_.empty())
      return;
    const std::size_t i = places_.pick(in_);
    const Place place = places_[i];
    check(pool_.owns(place.piece.p) && pool_.owns(place.piece.p + place.room - 1), "owns it");
    check(refusal([&] { pool_.deallocate(place.piece.p, place.room + 1); }) == Errc::bad_size,
          "a size that it has not");
    check(!pool_.try_resize(place.piece.p, place.room + 1, 8), "a size that it has not");
    check(refusal([&] { pool_.deallocate(place.piece.p, place.piece.bytes, 24); }) ==
              Errc::bad_alignment,
          "no alignment");
    refuses(place.piece.p + 1 + in_.below(65536) % (place.room - 1), Errc::misaligned_pointer);
    forget(i);
    pool_.deallocate(place.piece.p);
    refuses(place.piece.p, Errc::double_free);
  }

  void reset() {
    operation("reset");
    places_.check_contents();
    pool_.reset();
    places_.clear();
    used_ = 0;
  }
  void trim() {
    const std::size_t keep = in_.size();
    operation("trim", keep);
    pool_.trim(keep);
  }
  void all_can_be_had_again() {
    operation("all");
    while (!places_.empty())
      pool_.deallocate(places_.remove(places_.size() - 1).piece.p);
    used_ = 0;
    pool_.trim();
    check(pool_.committed() == (on_buffer_ ? capacity_ : 0) && pool_.available() == capacity_,
          "all is given back");
    if (capacity_ != 0)
      check(pool_.try_allocate(capacity_) != nullptr, "all of it is one piece again");
  }
  void release() {
    operation("release");
    places_.check_contents();
    places_.clear();
    pool_.release();
    pool_.release();
    check_released(pool_);
    pool_ = make();
  }
  void move() {
    operation("move");
    allot::Multipool other(std::move(pool_));
    check_released(pool_);
    pool_ = std::move(other);
    check_released(other);
  }
  void check_released(allot::Multipool& pool) {
    const std::size_t bytes = in_.size();
    check(pool.try_allocate(bytes) == nullptr, "refused when released");
    check(refusal([&] { return pool.allocate(bytes); }) == Errc::released, "released");
    check(refusal([&] { pool.deallocate(&pool); }) == Errc::released, "released");
    check(refusal([&] { pool.reset(); }) == Errc::released, "released");
    check(refusal([&] { pool.trim(); }) == Errc::released, "released");
    check(pool.capacity() == 0 && pool.used() == 0 && pool.committed() == 0, "nothing is left");
  }
  void check_state() const {
    check(pool_.capacity() == capacity_, "capacity");
    check(pool_.committed() <= capacity_, "not more than the limit");
    if (operations().size() % 16 == 0)
      check(pool_.used() == used_, "used");
    check(used_ <= capacity_ - pool_.available(), "what is used is not available");
  }

  Input& in_;
  std::size_t capacity_ = 0, used_ = 0;
  bool zero_ = true;
  bool on_buffer_ = false;
  std::vector<std::byte> memory_;
  Places places_;
  allot::Multipool pool_ = make();
};

const Driver driver("multipool", [](Input& input) { MultipoolDriver(input).run(); });

} // namespace
