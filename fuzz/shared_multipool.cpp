#include "model.hpp"

#include <allot/threads/shared_multipool.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <thread>

namespace {

using namespace model;
using allot::Errc;

constexpr std::size_t slab = 65536;
constexpr std::size_t megabyte = 1048576;

/// From one thread, and now and then another, which leaves what it has freed in its magazines. What
/// several do at a time is the torture's.
class SharedMultipoolDriver {
public:
  explicit SharedMultipoolDriver(Input& input) : in_(input) { make(); }

  void run() {
    for (std::size_t step = 0; !in_.empty(); step++ % 16 == 0 ? check_state() : void()) {
      switch (in_.below(128)) {
      case 0:
        in_.one_in(8) ? release() : reset();
        break;
      case 1:
        trim();
        break;
      case 2:
      case 3:
        refuse();
        break;
      case 4:
        places_.check_contents();
        break;
      case 5:
        for (std::size_t i = in_.below(128), bytes = in_.size(); i != 0; --i)
          allocate(bytes, 8);
        break;
      case 6:
        for (std::size_t i = in_.below(128); i != 0; --i)
          deallocate();
        break;
      case 7:
        allocate(slab * in_.below(16) + 64 * in_.below(1024), 8);
        break;
      case 8:
        if (in_.one_in(8))
          in_another_thread();
        break;
      case 9:
        check_classes();
        break;
      default:
        any();
      }
    }
    while (!places_.empty())
      deallocate();
    pool_->trim();
    check(pool_->committed() <= 2 * slab, "an empty pool holds its bookkeeping");
    release();
  }

private:
  void make() {
    const std::size_t limit = in_.one_in(2) ? slab * (2 + in_.below(32)) : allot::max_size;
    zero_ = !in_.one_in(4);
    operation("pool", limit, zero_);
    pool_.emplace(
        allot::SharedMultipoolOptions{.zero = zero_, .reserve = 32 * megabyte, .limit = limit});
    check(pool_->capacity() == std::min(limit, 32 * megabyte), "capacity");
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
      const auto refused = refusal([&] { p = pool_->allocate(bytes, alignment); });
      check(!refused || refused == (allot::is_power_of_two(alignment) ? Errc::no_room
                                                                      : Errc::bad_alignment),
            "why it was refused");
    } else {
      p = alignment == 8 ? pool_->try_allocate(bytes) : pool_->try_allocate(bytes, alignment);
    }
    if (p == nullptr) {
      check(!allot::is_power_of_two(alignment) || pool_->available() < pool_->capacity() ||
                bytes > pool_->capacity() / 4 || alignment > slab,
            "refused though all is there");
      return;
    }
    check(allot::is_power_of_two(alignment), "refused an alignment that is none");
    place(p, bytes, alignment, 0, 0);
  }
  /// At `p` there are `kept` bytes of an older allocation, and nothing was written past `written`.
  void place(void* p, std::size_t bytes, std::size_t alignment, std::size_t kept,
             std::size_t written) {
    check(is_aligned(p, std::max(alignment, allot::granule)), "aligned");
    const std::size_t room = pool_->usable_size(p);
    check(room >= bytes && pool_->owns(p) && pool_->owns(bytes_of(p) + room - 1), "usable_size");
    const std::size_t fresh = std::max(kept, written);
    if (zero_ && fresh < bytes)
      check(holds(bytes_of(p) + fresh, bytes - fresh, 0), "zero at first");
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
      check(pool_->try_deallocate(place.piece.p) && !pool_->try_deallocate(place.piece.p),
            "freed once");
    else if (in_.one_in(3))
      pool_->deallocate(place.piece.p, place.piece.bytes, place.alignment);
    else
      pool_->deallocate(place.piece.p);
    used_ -= place.room;
  }
  void resize() {
    if (places_.empty())
      return;
    const std::size_t i = places_.pick(in_);
    const std::size_t bytes = in_.size();
    const Place before = places_[i];
    operation("try_resize", before.piece.bytes, bytes);
    const bool resized = pool_->try_resize(before.piece.p, before.piece.bytes, bytes);
    check(resized || before.piece.intact(), "contents kept");
    check(resized || bytes > before.room, "what there is room for can be");
    if (resized)
      replaced(i, before.piece.p, bytes, allot::granule);
  }
  void reallocate() {
    const bool fresh = places_.empty() || in_.one_in(16);
    const std::size_t i = fresh ? 0 : places_.pick(in_);
    const Place before = fresh ? Place() : places_[i];
    const std::size_t bytes = in_.one_in(8) ? 64 * in_.below(16384) : in_.size();
    const bool sized = in_.one_in(2);
    const std::size_t alignment = sized ? before.alignment : allot::granule;
    operation("reallocate", before.piece.bytes, bytes, alignment);
    void* p = nullptr;
    if (in_.one_in(8)) {
      const auto refused = refusal([&] {
        p = sized ? pool_->reallocate(before.piece.p, before.piece.bytes, bytes, alignment)
                  : pool_->reallocate(before.piece.p, bytes);
      });
      check(!refused || refused == Errc::no_room, "why it was refused");
    } else {
      p = sized ? pool_->try_reallocate(before.piece.p, before.piece.bytes, bytes, alignment)
                : pool_->try_reallocate(before.piece.p, bytes);
    }
    if (p == nullptr)
      check(fresh || (before.piece.intact() && bytes > before.room), "to shrink never fails");
    else if (fresh)
      place(p, bytes, alignment, 0, 0);
    else
      replaced(i, p, bytes, alignment);
  }
  /// The allocation number `i` is `bytes` at `p` now.
  void replaced(std::size_t i, void* p, std::size_t bytes, std::size_t alignment) {
    const Place before = places_[i];
    const std::size_t kept = std::min(before.piece.bytes, bytes);
    check(holds(static_cast<std::byte*>(p), kept, before.piece.value), "contents kept");
    places_.erase(i);
    used_ -= before.room;
    place(p, bytes, alignment, kept, before.written);
  }

  void refuse() {
    operation("misuse");
    std::size_t other[8] = {};
    const auto refuses = [&](void* p, Errc code) {
      check(refusal([&] { pool_->deallocate(p); }) == code, "misuse is told, with its name");
      check(!pool_->try_deallocate(p) && pool_->try_usable_size(p) == 0, "misuse is refused");
    };
    refuses(other, Errc::foreign_pointer);
    refuses(nullptr, Errc::null_pointer);
    if (places_.empty())
      return;
    const std::size_t i = places_.pick(in_);
    const Place place = places_[i];
    check(refusal([&] { pool_->deallocate(place.piece.p, 10 * megabyte); }) == Errc::bad_size &&
              refusal([&] { pool_->deallocate(place.piece.p, 8, 24); }) == Errc::bad_alignment,
          "another size");
    refuses(place.piece.p + 1, Errc::misaligned_pointer);
    check(place.piece.intact(), "contents kept");
    places_.erase(i);
    pool_->deallocate(place.piece.p);
    used_ -= place.room;
    check(!pool_->owns(place.piece.p), "not owned");
    const auto code = refusal([&] { pool_->deallocate(place.piece.p); });
    check(code == Errc::double_free || code == Errc::foreign_pointer, "a double free is told");
  }

  // Its magazines are full of what it has freed then, until it is taken from there.
  void in_another_thread() {
    operation("in another thread");
    const std::size_t bytes = in_.size();
    std::thread([&] {
      void* blocks[100];
      for (void*& p : blocks) {
        p = pool_->try_allocate(bytes);
        check(p == nullptr || !zero_ || holds(bytes_of(p), bytes, 0), "zero at first");
      }
      for (void* const p : blocks)
        if (p != nullptr)
          pool_->deallocate(p);
      if (!places_.empty())
        deallocate();
    }).join();
  }

  void reset() {
    operation("reset");
    places_.check_contents();
    places_.clear();
    pool_->reset();
    used_ = 0;
  }
  void release() {
    operation("release");
    places_.check_contents();
    places_.clear();
    pool_->release();
    check(pool_->freed() && pool_->try_allocate(8) == nullptr && pool_->stats().committed == 0,
          "released");
    used_ = 0;
    make();
  }
  void trim() {
    const std::size_t keep = in_.one_in(2) ? 0 : slab * in_.below(16);
    operation("trim", keep);
    pool_->trim(keep);
  }
  void check_classes() {
    operation("class_stats");
    std::size_t used = 0;
    for (std::size_t i = 0; i != allot::SharedMultipool::classes(); ++i)
      used += pool_->class_stats(i).used * pool_->class_stats(i).block_bytes;
    check(used <= pool_->used(), "the classes are no more than all");
  }
  // A run of blocks of another class may be longer than what it serves.
  void check_state() {
    const std::size_t used = pool_->used();
    check(used >= used_ && (used == 0) == (used_ == 0), "used");
    check(pool_->peak() >= used && pool_->committed() <= pool_->capacity(), "statistics");
  }

  Input& in_;
  bool zero_ = true;
  std::size_t used_ = 0; // as usable_size tells
  Places places_;
  std::optional<allot::SharedMultipool> pool_;
};

const Driver driver("shared_multipool", [](Input& input) { SharedMultipoolDriver(input).run(); });

} // namespace
