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
    while (!in_.empty()) {
      one();
      check_state();
    }
    ops_.end_all_scopes();
    release();
  }

private:
  allot::MappedArena make() {
    const std::size_t bytes = 1 + 64 * in_.below(2048);
    const bool zero = !in_.one_in(4);
    const bool guarded = in_.one_in(4);
    const std::size_t marks = in_.one_in(4) ? in_.below(12) : 0;
    operation("reserve", bytes, zero, guarded);
    allot::MappedArena arena(
        bytes, {.zero = zero, .guard_pages = guarded, .commit = policy, .marks = marks});
    model_ = Model(bytes_of(arena.allocate(0)), in_steps(bytes), red_zone_scale, zero);
    return arena;
  }

  void one() {
    switch (in_.below(64)) {
    case 0:
      return reset();
    case 1:
      return in_.one_in(4) ? release() : move();
    case 2:
      return trim();
    case 3:
      return ops_.check_all();
    case 4:
      return commit();
    default:
      in_.one_in(5) ? ops_.any_of_them() : ops_.any();
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
    if (ops_.reset())
      model_.reset();
  }
  void release() {
    if (!ops_.release())
      return;
    check_released(arena_, in_.size());
    check(refusal([&] { arena_.checkpoint(); }) == Errc::released, "released");
    check(refusal([&] { arena_.commit(8); }) == Errc::released, "released");
    check(refusal([&] { arena_.trim(); }) == Errc::released, "released");
    check(arena_.committed() == 0, "nothing is committed");
    arena_ = make();
  }
  void move() {
    ops_.move([this](allot::MappedArena& arena) { check_released(arena, in_.size()); });
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
