#include "memory.hpp"
#include "operations.hpp"

#include <allot/arena.hpp>

#include <utility>

namespace {

using namespace model;

class ArenaDriver {
public:
  explicit ArenaDriver(Input& input) : in_(input) {
    Ends::hook() = [this] {
      check(arena_.try_allocate(8) == nullptr && !arena_.try_resize(nullptr, 0, 8),
            "closed while destructors run");
    };
  }

  void run() {
    while (!in_.empty()) {
      switch (in_.below(64)) {
      case 0:
        reset();
        break;
      case 1:
        release();
        break;
      case 2:
        move();
        break;
      case 3:
        ops_.check_all();
        break;
      default:
        in_.one_in(4) ? ops_.any_object() : ops_.any();
      }
      check_state();
    }
    release();
    memory_.check_surroundings();
  }

private:
  allot::Arena make() {
    const std::size_t bytes = 16 + in_.below(8192);
    const bool zero = !in_.one_in(4);
    allot::Buffer buffer = memory_.draw(in_, bytes, zero);
    model_ = CursorModel(buffer.data(), buffer.size(), buffer.gap().stretch(1), zero);
    return allot::Arena(std::move(buffer), {.zero = zero});
  }

  void reset() {
    operation("reset");
    ops_.check_all();
    arena_.reset();
    ops_.ends.expect_back_to(0);
    model_.reset();
  }
  void release() {
    operation("release");
    ops_.check_all();
    arena_.release();
    ops_.ends.expect_back_to(0);
    arena_.release();
    check(arena_.freed(), "freed");
    check_released(arena_, in_.size());
    arena_ = make();
  }
  void move() {
    operation("move");
    allot::Arena other(std::move(arena_));
    check_released(arena_, in_.size());
    arena_ = std::move(other);
    check_released(other, in_.size());
  }
  void check_state() {
    ops_.check_state();
    check(arena_.buffer() == model_.span.base && arena_.offset() == model_.used(), "offset");
  }

  Input& in_;
  Memory memory_;
  CursorModel model_;
  allot::Arena arena_ = make();
  ObjectOperations<allot::Arena, CursorModel> ops_{arena_, model_, in_};
};

const Driver driver("arena", [](Input& input) { ArenaDriver(input).run(); });

} // namespace
