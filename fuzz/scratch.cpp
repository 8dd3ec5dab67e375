#include "memory.hpp"
#include "operations.hpp"

#include <allot/scratch.hpp>

#include <utility>

namespace {

using namespace model;

class ScratchDriver {
public:
  explicit ScratchDriver(Input& input) : in_(input) {
    Ends::hook() = [this] {
      check(scratch_.try_allocate(8) == nullptr, "closed while destructors run");
    };
  }

  void run() {
    some();
    if (!in_.empty())
      run();
    release();
    memory_.check_surroundings();
  }

private:
  allot::Scratch make() {
    const std::size_t bytes = 16 + in_.below(8192);
    const bool zero = !in_.one_in(4);
    allot::Buffer buffer = memory_.draw(in_, bytes, zero);
    model_ = Model(buffer.data(), buffer.size(), buffer.gap().stretch(1), zero);
    return allot::Scratch(std::move(buffer), {.zero = zero});
  }

  /// Until the end of a scope.
  void some() {
    for (; !in_.empty(); ops_.check_state()) {
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
      case 4:
      case 5:
        return;
      case 6:
      case 7:
        if (model_.scopes < 20)
          ops_.scope([this] { some(); });
        break;
      case 8:
      case 9:
      case 10:
        ops_.checkpoint();
        break;
      case 11:
      case 12:
        ops_.restore();
        break;
      default:
        in_.one_in(4) ? ops_.any_object() : ops_.any();
      }
    }
  }

  void reset() {
    operation("reset", model_.scopes);
    ops_.check_all();
    if (model_.scopes != 0) {
      check(refusal([&] { scratch_.reset(); }) == Errc::busy, "not reset under a scope");
      return;
    }
    scratch_.reset();
    ops_.ends.expect_back_to(0);
    model_.checkpoints.clear();
    model_.reset();
  }
  void release() {
    operation("release", model_.scopes);
    ops_.check_all();
    scratch_.release();
    if (model_.scopes != 0) {
      check(Reports::take() == Errc::busy, "not released under a scope");
      return;
    }
    ops_.ends.expect_back_to(0);
    check_released(scratch_, in_.size());
    check(refusal([&] { scratch_.checkpoint(); }) == Errc::released, "released");
    check(refusal([&] { scratch_.restore(); }) == Errc::released, "released");
    scratch_ = make();
  }
  void move() {
    if (model_.scopes != 0)
      return;
    operation("move");
    allot::Scratch other(std::move(scratch_));
    check_released(scratch_, in_.size());
    scratch_ = std::move(other);
    check_released(other, in_.size());
  }

  using Model = Rewound<CursorModel>;
  Input& in_;
  Reports reports_;
  Memory memory_;
  Model model_;
  allot::Scratch scratch_ = make();
  RewindOperations<ObjectOperations<allot::Scratch, Model>> ops_{scratch_, model_, in_};
};

const Driver driver("scratch", [](Input& input) { ScratchDriver(input).run(); });

} // namespace
