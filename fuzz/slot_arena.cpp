#include "memory.hpp"

#include <allot/slot_arena.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace {

using namespace model;
using allot::Errc;

class SlotArenaDriver {
public:
  explicit SlotArenaDriver(Input& input) : in_(input) {}

  void run() {
    for (; !in_.empty(); check_state()) {
      switch (in_.below(64)) {
      case 0:
        reset();
        break;
      case 1:
        in_.one_in(4) ? release() : move();
        break;
      case 2:
        check_contents();
        break;
      case 3:
      case 4:
        look_past_the_end();
        break;
      default:
        in_.one_in(3) ? look() : allocate();
      }
    }
    release();
  }

private:
  allot::SlotArena make() {
    slot_bytes_ = in_.one_in(8) ? 1 + in_.below(1000) : 1 + in_.below(64);
    zero_ = !in_.one_in(4);
    operation("slots of", slot_bytes_);
    const std::size_t bytes = allot::round_up(slot_bytes_) + 16 + in_.below(8192);
    allot::Buffer buffer = memory_.draw(in_, bytes, zero_);
    begin_ = buffer.data();
    stride_ = allot::round_up(slot_bytes_) * buffer.gap().stretch(1);
    capacity_ = buffer.size() / allot::round_up(slot_bytes_);
    check(refusal([&] { return allot::SlotArena(0, allot::Buffer()); }) == Errc::bad_size,
          "no slots of 0 bytes");
    check(refusal([&] { return allot::SlotArena(8, in_.unservable()); }).has_value(),
          "no more slots than there can be");
    peak_ = fresh_ = 0;
    return allot::SlotArena(slot_bytes_, std::move(buffer), {.zero = zero_});
  }

  void allocate() {
    const bool expected = slots_.size() < capacity_;
    operation("allocate", slots_.size());
    allot::Slot slot;
    if (in_.one_in(2) && worth_throwing(in_, !expected)) {
      const auto refused = refusal([&] { slot = arena_.allocate(); });
      check(expected ? !refused : refused == Errc::no_room, "refused exactly when all are taken");
    } else {
      slot = arena_.try_allocate();
      check((slot.ptr != nullptr) == expected, "refused exactly when all are taken");
    }
    if (!expected)
      return;
    check(slot.index == slots_.size(), "the next index");
    check(slot.ptr == begin_ + slot.index * stride_, "the next slot");
    if (zero_ && slot.index >= fresh_)
      check(holds(bytes_of(slot.ptr), slot_bytes_, 0), "zero at first");
    slots_.push_back(new_piece(slot.ptr, slot_bytes_));
    fresh_ = std::max(fresh_, slots_.size());
    peak_ = std::max(peak_, slots_.size());
  }
  void look() {
    if (slots_.empty())
      return;
    const std::size_t index = in_.below(65536) % slots_.size();
    operation("at", index);
    const Piece& slot = slots_[index];
    check(arena_.at(index) == slot.p && slot.intact(), "a slot");
    check(arena_.owns(slot.p) && arena_.owns(slot.p + slot.bytes - 1), "owns it");
  }
  void look_past_the_end() {
    const std::size_t index = allot::saturating_add(slots_.size(), in_.size());
    operation("at", index);
    if (worth_throwing(in_, true))
      check(refusal([&] { return arena_.at(index); }) == Errc::out_of_bounds, "out of bounds");
    check(!arena_.owns(begin_ + slots_.size() * stride_) && !arena_.owns(begin_ - 1),
          "owns nothing else");
  }
  void reset() {
    operation("reset");
    check_contents();
    arena_.reset();
    slots_.clear();
    fresh_ = 0;
  }
  void release() {
    operation("release");
    check_contents();
    slots_.clear();
    arena_.release();
    arena_.release();
    check_released(arena_);
    memory_.check_surroundings();
    arena_ = make();
  }
  void move() {
    operation("move");
    allot::SlotArena other(std::move(arena_));
    check_released(arena_);
    arena_ = std::move(other);
    check_released(other);
  }
  void check_released(allot::SlotArena& arena) {
    check(arena.try_allocate().ptr == nullptr, "refused when released");
    check(refusal([&] { return arena.allocate(); }) == Errc::released, "released");
    check(refusal([&] { return arena.at(0); }) == Errc::released, "released");
    check(refusal([&] { arena.reset(); }) == Errc::released, "released");
    check(arena.capacity() == 0 && arena.used() == 0 && arena.available() == 0, "nothing is left");
  }
  void check_contents() const {
    for (const Piece& slot : slots_)
      check(slot.intact(), "contents kept");
  }
  void check_state() const {
    check(arena_.capacity() == capacity_, "capacity");
    check(arena_.used() == slots_.size(), "used");
    check(arena_.available() == capacity_ - slots_.size(), "available");
    check(arena_.peak() == peak_, "peak");
    check(arena_.slot_size() == allot::round_up(slot_bytes_), "slot_size");
  }

  Input& in_;
  Memory memory_;
  std::size_t slot_bytes_ = 0, stride_ = 0, capacity_ = 0, peak_ = 0, fresh_ = 0;
  std::byte* begin_ = nullptr;
  bool zero_ = true;
  std::vector<Piece> slots_;
  allot::SlotArena arena_ = make();
};

const Driver driver("slot_arena", [](Input& input) { SlotArenaDriver(input).run(); });

} // namespace
