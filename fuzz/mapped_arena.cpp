#include "operations.hpp"

#include <allot/mapped_arena.hpp>

#include <algorithm>
#include <utility>

namespace {

using namespace model;

constexpr std::size_t step = 4096;
std::size_t in_steps(std::size_t bytes) {
  return allot::saturating_round_up(bytes, step);
}

class Model : public Rewound<CursorModel> {
public:
  using Rewound::Rewound;
  std::size_t committed = 0;

  void follow() { committed = std::max(committed, in_steps(used())); }
  void trim(std::size_t keep) {
    committed = std::min(committed, in_steps(std::max(keep, used())));
    span.fresh = std::min(span.fresh, span.at(committed)); // what lies above is zero again
  }
};

template <allot::Commit policy>
class MappedArenaDriver {
public:
  explicit MappedArenaDriver(Input& input) : in_(input) {}

  void run() {
    some();
    if (!in_.empty())
      run();
    release();
  }

private:
  allot::MappedArena make() {
    const std::size_t bytes = 1 + 64 * in_.below(2048);
    const bool zero = !in_.one_in(4);
    const bool guarded = in_.one_in(4);
    operation("reserve", bytes, zero, guarded);
    allot::MappedArena arena(bytes, {.zero = zero, .guard_pages = guarded, .commit = policy});
    model_ = Model(bytes_of(arena.allocate(0)), in_steps(bytes), red_zone_scale, zero);
    return arena;
  }

  /// Until the end of a scope.
  void some() {
    for (; !in_.empty(); check_state()) {
      switch (in_.below(64)) {
      case 0:
        reset();
        break;
      case 1:
        in_.one_in(4) ? release() : move();
        break;
      case 2:
        trim();
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
      case 13:
        commit();
        break;
      default:
        ops_.any();
      }
    }
  }

  void commit() {
    const std::size_t bytes = in_.size();
    operation("commit", bytes);
    const std::size_t more = in_steps(bytes);
    const bool fits = more <= model_.capacity() - model_.committed;
    std::size_t total = 0;
    const auto refused = refusal([&] { total = arena_.commit(bytes); });
    check(fits ? !refused : refused == Errc::no_room, "committed exactly what fits");
    if (!fits)
      return;
    model_.committed += more;
    check(total == model_.committed, "the total committed");
  }
  void trim() {
    const std::size_t keep = in_.size();
    operation("trim", keep);
    arena_.trim(keep);
    model_.trim(keep);
  }
  void reset() {
    operation("reset", model_.scopes);
    ops_.check_all();
    if (model_.scopes != 0) {
      check(refusal([&] { arena_.reset(); }) == Errc::busy, "not reset under a scope");
      return;
    }
    arena_.reset();
    model_.checkpoints.clear();
    model_.reset();
  }
  void release() {
    operation("release", model_.scopes);
    ops_.check_all();
    arena_.release();
    if (model_.scopes != 0) {
      check(Reports::take() == Errc::busy, "not released under a scope");
      return;
    }
    check_released(arena_, in_.size());
    check(refusal([&] { arena_.checkpoint(); }) == Errc::released, "released");
    check(refusal([&] { arena_.commit(8); }) == Errc::released, "released");
    check(refusal([&] { arena_.trim(); }) == Errc::released, "released");
    check(arena_.committed() == 0, "nothing is committed");
    arena_ = make();
  }
  void move() {
    if (model_.scopes != 0)
      return;
    operation("move");
    allot::MappedArena other(std::move(arena_));
    check_released(arena_, in_.size());
    arena_ = std::move(other);
    check_released(other, in_.size());
  }
  void check_state() {
    model_.follow();
    ops_.check_state();
    check(arena_.committed() == model_.committed, "committed");
  }

  Input& in_;
  Reports reports_;
  Model model_;
  allot::MappedArena arena_ = make();
  RewindOperations<ByteOperations<allot::MappedArena, Model>> ops_{arena_, model_, in_};
};

const Driver driver("mapped_arena", [](Input& input) {
  if (input.one_in(2))
    MappedArenaDriver<allot::Commit::demand>(input).run();
  else
    MappedArenaDriver<allot::Commit::strict>(input).run();
});

} // namespace
