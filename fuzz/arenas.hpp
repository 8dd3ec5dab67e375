// The driver of an Arena, and of what is one under another name.
#pragma once

#include "memory.hpp"
#include "operations.hpp"

#include <allot/arena.hpp>

#include <cstddef>
#include <utility>

namespace model {

template <class S>
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
      one();
      check_state();
    }
    ops_.end_all_scopes();
    release();
    memory_.check_surroundings();
  }

private:
  void one() {
    switch (in_.below(64)) {
    case 0:
      return reset();
    case 1:
      return in_.one_in(2) ? release() : move();
    case 2:
      return look_at_rest();
    case 3:
      return ops_.check_all();
    default:
      if (in_.one_in(5))
        return ops_.any_of_them();
      in_.one_in(4) ? ops_.any_object() : ops_.any();
    }
  }

  S make() {
    const std::size_t bytes = 16 + in_.below(in_.one_in(8) ? 65536 : 8192);
    const bool zero = !in_.one_in(4);
    const std::size_t marks = in_.one_in(4) ? in_.below(in_.one_in(4) ? 4096 : 12) : 0;
    operation("arena", bytes, zero, marks);
    if (in_.one_in(4)) {
      S arena(bytes, {.zero = zero, .marks = marks});
      start(bytes_of(arena.allocate(0)), allot::round_up(bytes), red_zone_scale, zero, marks, true);
      return arena;
    }
    allot::Buffer buffer = memory_.draw(in_, bytes, zero);
    const bool on_heap = buffer.is_from_heap();
    const std::size_t aside = on_heap ? 0 : bytes_at_end(marks, 0, record_bytes);
    if (aside >= buffer.size()) {
      check(refusal([&] { S(std::move(buffer), {.zero = zero, .marks = marks}); }) ==
                Errc::bad_size,
            "refused where marks leave nothing");
      return make();
    }
    start(buffer.data(), buffer.size() - aside, buffer.gap().stretch(1), zero, marks, on_heap);
    return S(std::move(buffer), {.zero = zero, .marks = marks});
  }
  void start(std::byte* base, std::size_t bytes, std::size_t scale, bool zero, std::size_t marks,
             bool on_heap) {
    model_ = Model(base, bytes, scale, zero);
    model_.marks = marks;
    model_.record_bytes = on_heap ? 0 : record_bytes; // where it has its records too, then
  }

  void reset() {
    if (ops_.reset())
      model_.reset();
  }
  void release() {
    if (!ops_.release())
      return;
    arena_.release();
    check_released(arena_);
    arena_ = make();
  }
  void move() {
    ops_.move([this](S& arena) { check_released(arena); });
  }
  void check_released(S& arena) {
    model::check_released(arena, in_.size());
    check(arena.freed() && arena.buffer() == nullptr, "freed");
    check(refusal([&] { arena.checkpoint(); }) == Errc::released, "released");
    check(refusal([&] { arena.restore(); }) == Errc::released, "released");
    check(refusal([&] { auto scope = arena.scope(); }) == Errc::released, "released");
  }
  // Which makes all of it ready, so seldom. What is not handed out is hidden in instrumented
  // builds.
  void look_at_rest() {
    operation("buffer");
    const Span& span = model_.span;
    const std::byte* const buffer =
        in_.one_in(2) ? arena_.buffer() : std::as_const(arena_).buffer();
    check(buffer == span.base && arena_.size() == span.size, "buffer");
    if (model_.zero && !allot::instrumented && span.fresh < span.end())
      check(holds(span.fresh, static_cast<std::size_t>(span.end() - span.fresh), 0),
            "what was never handed out is zero");
  }
  void check_state() {
    ops_.check_state();
    check(arena_.offset() == model_.used() && !arena_.freed(), "offset");
    check(!arena_.owns(model_.span.head()) && !arena_.owns(model_.span.base - 1), "owns no more");
  }

  static constexpr std::size_t record_bytes = sizeof(allot::detail::ArenaPosition);
  using Model = Rewound<CursorModel>;
  Input& in_;
  Reports reports_;
  Memory memory_;
  Model model_;
  S arena_ = make();
  RewindOperations<ObjectOperations<S, Model>> ops_{arena_, model_, in_};
};

} // namespace model
