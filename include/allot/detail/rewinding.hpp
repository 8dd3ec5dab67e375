// Rewinding: checkpoints of a strategy that can go back to a position, and scopes that do so by
// themselves.
//
//   allocated | allocated | allocated | free
//             ^ checkpoint 0          ^ position()
//                         ^ checkpoint 1
#pragma once

#include <allot/detail/record_stack.hpp>

#include <concepts>
#include <cstddef>

namespace allot {
inline namespace ALLOT_ABI {

/// Restores at the end of a block what was there at its beginning. Scopes end in the reverse order
/// of their making; anything else goes to the misuse handler. The strategy must not move meanwhile.
template <class S>
class [[nodiscard]] Scope {
public:
  explicit Scope(S& strategy) : strategy_(strategy), depth_(strategy.enter_scope()) {}
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  ~Scope() { strategy_.leave_scope(depth_); }

private:
  S& strategy_;
  std::size_t depth_;
};

template <class S, class Position>
class Rewinding {
public:
  /// Remembers what is handed out now. Checkpoints nest. Gives how many there were before.
  /// Misuse: released. Exhausted: the heap refused.
  std::size_t checkpoint() {
    self().check_usable();
    return push(false);
  }

  /// Takes back all that was handed out since the last checkpoint, which goes too; destroys the
  /// objects made since, newest first. An older allocation that grew since has its old size again.
  /// The memory is not zeroed until the next reset.
  /// Misuse: no checkpoint is left; released.
  void restore() {
    self().check_usable();
    if (checkpoints_.empty()) [[unlikely]]
      throw_misuse(self().label(), Errc::no_checkpoint, "restore without a checkpoint");
    self().rewind(checkpoints_.pop().position);
  }

  /// A checkpoint that is restored at the end of the enclosing block. Fails as checkpoint does.
  Scope<S> scope() { return Scope<S>(self()); }

  /// Whether S has what is asked of it. It may be private: S befriends this.
  [[nodiscard]] static consteval bool is_served() {
    return requires(S& s, const S& cs, Position position) {
      { cs.position() } -> std::convertible_to<Position>;
      s.rewind(position);
      { cs.lower(position) } -> std::same_as<bool>; // one above position(), and whether it was
      cs.check_usable();
      cs.label();
    };
  }

protected:
  Rewinding() = default;
  Rewinding(Rewinding&&) noexcept = default;
  Rewinding& operator=(Rewinding&&) noexcept = default;
  ~Rewinding() = default;

  [[nodiscard]] std::size_t checkpoints() const noexcept { return checkpoints_.size(); }
  void forget_checkpoints(std::size_t but = 0) noexcept {
    if (checkpoints_.size() > but)
      checkpoints_.truncate(but);
  }

  // After the newest allocation was made smaller: a checkpoint that kept all of it keeps what is
  // left, and not a part of what is handed out next. O(checkpoints that are lowered).
  void lower_checkpoints() noexcept {
    for (std::size_t i = checkpoints_.size(); i-- != 0 && self().lower(checkpoints_[i].position);) {
    }
  }

  // Taking everything back under an open scope would leave the scope nothing to restore.
  void check_no_scope(const char* done) const {
    if (scopes_ != 0) [[unlikely]]
      throw_misuse(self().label(), Errc::busy, "%s with %zu scopes open", done, scopes_);
  }
  bool report_open_scope(const char* done) const noexcept {
    if (scopes_ != 0) [[unlikely]]
      report_misuse(self().label(), Errc::busy, "%s with %zu scopes open", done, scopes_);
    return scopes_ != 0;
  }
  void end_scopes(const char* done) noexcept {
    (void)report_open_scope(done);
    scopes_ = 0;
  }

private:
  template <class>
  friend class Scope;
  S& self() noexcept { return static_cast<S&>(*this); }
  [[nodiscard]] const S& self() const noexcept { return static_cast<const S&>(*this); }

  struct Checkpoint {
    Position position;
    bool scoped;
  };

  std::size_t push(bool scoped) {
    checkpoints_.push(self().label(), self().position(), scoped);
    return checkpoints_.size() - 1;
  }
  std::size_t enter_scope() {
    self().check_usable();
    const std::size_t depth = push(true);
    ++scopes_;
    return depth;
  }
  void leave_scope(std::size_t depth) noexcept {
    if (scopes_ != 0) // else the strategy was assigned to meanwhile
      --scopes_;
    if (is_innermost(depth)) [[likely]] {
      checkpoints_.truncate(depth + 1); // later ones, which an exception may have left
      self().rewind(checkpoints_.pop().position);
    } else {
      report_misuse(self().label(), Errc::no_checkpoint,
                    "a scope ended out of order: %zu checkpoints are left, it made number %zu",
                    checkpoints_.size(), depth + 1);
    }
  }
  // Whether the checkpoint at `depth` is a scope's, and none above it is.
  [[nodiscard]] bool is_innermost(std::size_t depth) const noexcept {
    if (depth >= checkpoints_.size() || !checkpoints_[depth].scoped)
      return false;
    std::size_t above = checkpoints_.size() - 1;
    while (above != depth && !checkpoints_[above].scoped)
      --above;
    return above == depth;
  }

  RecordStack<Checkpoint> checkpoints_;
  std::size_t scopes_ = 0;
};

/// Can go back to where it was.
template <class S, class Position>
concept Rewound = Rewinding<S, Position>::is_served();

} // namespace ALLOT_ABI
} // namespace allot
