#include "memory.hpp"
#include "operations.hpp"

#include <allot/bump.hpp>

#include <utility>

namespace {

using namespace model;

class BumpDriver {
public:
  explicit BumpDriver(Input& input) : in_(input) {}

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
        ops_.any();
      }
      ops_.check_state();
    }
    ops_.check_all();
    bump_.release();
    memory_.check_surroundings();
  }

private:
  allot::Bump make() {
    const std::size_t bytes = 16 + in_.below(4096);
    const bool zero = !in_.one_in(4);
    allot::Buffer buffer = memory_.draw(in_, bytes, zero);
    model_ = CursorModel(buffer.data(), buffer.size(), buffer.gap().stretch(1), zero);
    return allot::Bump(std::move(buffer), {.zero = zero});
  }

  void reset() {
    operation("reset");
    ops_.check_all();
    bump_.reset();
    model_.reset();
  }
  void release() {
    operation("release");
    ops_.check_all();
    bump_.release();
    bump_.release();
    check_released(bump_, in_.size());
    bump_ = make();
  }
  void move() {
    operation("move");
    allot::Bump other(std::move(bump_));
    check_released(bump_, in_.size());
    bump_ = std::move(other);
    check_released(other, in_.size());
  }
  Input& in_;
  Memory memory_;
  CursorModel model_;
  allot::Bump bump_ = make();
  ByteOperations<allot::Bump, CursorModel> ops_{bump_, model_, in_};
};

const Driver driver("bump", [](Input& input) { BumpDriver(input).run(); });

} // namespace
