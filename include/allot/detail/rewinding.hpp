// Rewinding: checkpoints of a strategy that can go back to a position, and scopes that do so by
// themselves.
//
//   allocated | allocated | allocated | free
//             ^ checkpoint 0          ^ position()
//                         ^ a scope's: its record is in the scope itself
//
// Positions never fall from one record to the next newer one. Where memory below the newest record
// is given back, that record alone is lowered; it passes this on to the one below when it goes. So
// no operation visits more records than it drops.
#pragma once

#include <allot/detail/open_scopes.hpp>
#include <allot/detail/record_stack.hpp>

#include <concepts>
#include <cstddef>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

template <class S, class Position>
class Rewinding {
public:
  /// Restores at the end of a block what was there at its beginning. Scopes end in the reverse
  /// order of their making; anything else goes to the misuse handler. The strategy must not move
  /// meanwhile. It asks for no memory.
  class [[nodiscard]] Scope {
  public:
    explicit Scope(S& strategy) : strategy_(&strategy) { strategy.open_scope(*this); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope() {
      if (strategy_ != nullptr) [[likely]]
        strategy_->close_scope(*this);
    }

  private:
    friend Rewinding;
    friend OpenScopes<Scope>;
    S* strategy_; // null when it was destroyed, moved or assigned to meanwhile
    Scope* outer_ = nullptr;
    std::size_t checkpoints_ = 0; // that there were before
    Position position_;
  };

  /// Remembers what is handed out now. Checkpoints nest. Gives how many there were before. A few
  /// need no memory. More lie on the heap; on a buffer that is not from there at its far end, where
  /// `available()` falls by their size until they are restored; in what upstream gives where the
  /// strategy has one. O(1), amortised where that grows.
  /// Misuse: released. Exhausted: there is no room for its record.
  std::size_t checkpoint() {
    self().check_usable();
    if (checkpoints_.full()) [[unlikely]]
      self().add_record_room();
    checkpoints_.push(self().position());
    return checkpoints_.size() - 1;
  }

  /// Takes back all that was handed out since the last checkpoint, which goes too; destroys the
  /// objects made since, newest first. An older allocation that grew since has its old size again.
  /// The memory is not zeroed until the next reset.
  /// Misuse: no checkpoint is left that was made in the innermost scope; released.
  void restore() {
    self().check_usable();
    if (checkpoints_.size() == checkpoints_before_scope()) [[unlikely]]
      refuse_restore();
    self().rewind(pop());
  }

  /// A checkpoint that is restored at the end of the enclosing block. Misuse: released.
  Scope scope() { return Scope(self()); }

  /// Whether S has what is asked of it. It may be private: S befriends this.
  [[nodiscard]] static consteval bool is_served() {
    return requires(S& s, const S& cs, Position position) {
      { cs.position() } -> std::convertible_to<Position>;
      position.lower(position); // to that of another, if it is lower
      s.rewind(position);
      cs.check_usable();
      s.add_record_room();  // for one more, or throws
      s.drop_record_room(); // that is idle
      cs.label();
    };
  }

protected:
  using Records = RecordStack<Position>;

  Rewinding() = default;
  Rewinding(Rewinding&&) noexcept = delete;
  /// No scope is open on either.
  Rewinding& operator=(Rewinding&& other) noexcept {
    checkpoints_ = std::move(other.checkpoints_);
    return *this;
  }
  ~Rewinding() = default;

  [[nodiscard]] Records& records() noexcept { return checkpoints_; }
  [[nodiscard]] const Records& records() const noexcept { return checkpoints_; }
  [[nodiscard]] std::size_t checkpoints() const noexcept { return checkpoints_.size(); }
  /// Calls `visit(position, number)` for each checkpoint and each open scope, newest first, of
  /// which the latter have no number.
  template <class Visit>
  void for_each_record(Visit visit) const {
    Position lowest =
        self().position(); // what a newer one was lowered to holds for older ones, too
    std::size_t number = checkpoints_.size();
    for (const Scope* scope = innermost();; scope = scope->outer_) {
      const std::size_t before = scope == nullptr ? 0 : scope->checkpoints_;
      while (number > before) {
        lowest.lower(checkpoints_[--number]);
        visit(lowest, number);
      }
      if (scope == nullptr)
        return;
      lowest.lower(scope->position_);
      visit(lowest, no_number);
    }
  }
  static constexpr std::size_t no_number = max_size;
  /// Drops all but the oldest. O(those dropped), and O(1) for all.
  void forget_checkpoints(std::size_t but = 0) noexcept {
    if (but == 0 && innermost() == nullptr) {
      checkpoints_.truncate(0);
      if (checkpoints_.has_borrowed()) [[unlikely]]
        self().drop_record_room();
    }
    drop_checkpoints(but);
  }

  /// After the newest allocation was made smaller: a record that kept all of it keeps what is left,
  /// and not a part of what is handed out next.
  void lower_checkpoints() noexcept {
    if (Position* const newest = newest_record())
      newest->lower(self().position());
  }

  [[nodiscard]] bool has_scope() const noexcept { return innermost() != nullptr; }
  void check_no_scope(const char* done) const { scopes_.check_none(self().label(), done); }
  bool report_open_scope(const char* done) const noexcept {
    return scopes_.report_any(self().label(), done);
  }
  /// The open scopes, which is misuse, restore nothing any more.
  void end_scopes(const char* done) noexcept {
    (void)report_open_scope(done);
    while (innermost() != nullptr)
      drop_scope(*innermost());
  }

  // For a strategy whose scopes have one of these as a member:

  /// Null: it was destroyed, moved or assigned to meanwhile.
  [[nodiscard]] static S* strategy_of(const Scope& scope) noexcept { return scope.strategy_; }
  /// What its destructor does, which must not run then.
  void end_scope(Scope& scope) noexcept { close_scope(scope); }
  /// The scope restores nothing any more. False: it was not open.
  bool drop_scope(Scope& scope) noexcept {
    if (innermost() == &scope)
      scopes_.close(scope);
    else if (!scopes_.take_out(scope))
      return false;
    pass_to_older(scope);
    scope.strategy_ = nullptr;
    return true;
  }

private:
  S& self() noexcept { return static_cast<S&>(*this); }
  [[nodiscard]] const S& self() const noexcept { return static_cast<const S&>(*this); }

  [[nodiscard]] Scope* innermost() const noexcept { return scopes_.innermost(); }
  [[nodiscard]] std::size_t checkpoints_before_scope() const noexcept {
    return innermost() == nullptr ? 0 : innermost()->checkpoints_;
  }
  [[nodiscard]] Position* newest_record() noexcept {
    if (checkpoints_.size() != checkpoints_before_scope())
      return &checkpoints_.newest();
    return innermost() == nullptr ? nullptr : &innermost()->position_;
  }
  [[nodiscard]] Position pop() noexcept {
    const Position position = checkpoints_.pop();
    if (checkpoints_.has_borrowed()) [[unlikely]]
      self().drop_record_room();
    pass_down(position);
    return position;
  }
  [[gnu::cold]] void drop_checkpoints(std::size_t but) noexcept {
    while (checkpoints_.size() > but)
      (void)pop();
  }
  // What a record that goes was lowered to.
  void pass_down(const Position& position) noexcept {
    if (Position* const newest = newest_record())
      newest->lower(position);
  }

  // The same of a scope that is not restored: there may be newer records.
  void pass_to_older(const Scope& scope) noexcept {
    Scope* const outer = scope.outer_;
    if (scope.checkpoints_ != (outer == nullptr ? 0 : outer->checkpoints_))
      checkpoints_[scope.checkpoints_ - 1].lower(scope.position_);
    else if (outer != nullptr)
      outer->position_.lower(scope.position_);
  }

  void open_scope(Scope& scope) {
    self().check_usable();
    scope.position_ = self().position();
    scope.checkpoints_ = checkpoints_.size();
    scopes_.open(scope);
  }
  void close_scope(Scope& scope) noexcept {
    if (innermost() != &scope) [[unlikely]]
      return report_order(scope);
    if (checkpoints_.size() > scope.checkpoints_) [[unlikely]] // which an exception may have left
      drop_checkpoints(scope.checkpoints_);
    scopes_.close(scope);
    pass_down(scope.position_);
    self().rewind(scope.position_);
  }

  [[noreturn, gnu::cold]] void refuse_restore() const {
    throw_misuse(self().label(), Errc::no_checkpoint, "restore without a checkpoint%s",
                 innermost() == nullptr ? "" : " made in the innermost scope");
  }
  [[gnu::cold]] void report_order(Scope& scope) noexcept {
    (void)drop_scope(scope);
    report_misuse(self().label(), Errc::no_checkpoint,
                  "a scope ended out of order: one that was opened in it is still open");
  }

  OpenScopes<Scope> scopes_;
  Records checkpoints_;
};

/// The scopes of a strategy.
template <class S>
using Scope = typename S::Scope;

/// Can go back to where it was.
template <class S, class Position>
concept Rewound = Rewinding<S, Position>::is_served();

} // namespace ALLOT_ABI
} // namespace allot
