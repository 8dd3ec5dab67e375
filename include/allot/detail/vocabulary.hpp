// The part of the vocabulary that is the same for every strategy that has it, written once on top
// of the strategy's own allocate, try_resize and position.
//
//   Copying<S>     copy, reallocate; needs S::holds(p, bytes): whether all of that is allocated
//   Creating<S>    create, create_array; needs S::owed(), S::position() and S::rewind(Position)
//   Rewinding<S>   checkpoint, restore, scope; needs S::position(), S::rewind(Position), and
//                  S::lower(Position), which lowers one above position() and tells whether it was
#pragma once

#include <allot/base/size.hpp>
#include <allot/detail/cleanups.hpp>
#include <allot/detail/construct.hpp>
#include <allot/detail/record_stack.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <ranges>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

template <class S>
class Copying {
public:
  /// A copy of the text, without a terminating zero, valid as long as any allocation of S.
  [[nodiscard]] std::string_view copy(std::string_view text) {
    return {static_cast<const char*>(copy_bytes(text.data(), text.size(), 1)), text.size()};
  }

  /// A copy of the elements.
  template <class T, std::size_t extent>
  requires std::is_trivially_copyable_v<T>
  [[nodiscard]] std::span<std::remove_const_t<T>> copy(std::span<T, extent> elements) {
    void* p = copy_bytes(elements.data(), elements.size_bytes(), alignof(T));
    return {static_cast<std::remove_const_t<T>*>(p), elements.size()};
  }

  /// The same for a vector, an array or any other contiguous range.
  template <std::ranges::contiguous_range R>
  requires(!std::is_convertible_v<const R&, std::string_view>)
      [[nodiscard]] auto copy(const R& elements) {
    return copy(std::span(elements));
  }

  /// Makes the allocation of `old_bytes` at `p` `new_bytes` long: in place if it is the newest and
  /// there is room, else in a new place, where the contents are copied to; the old place stays
  /// taken. A null `p` allocates. Fails as allocate does, with the old allocation intact.
  /// Misuse also: the bytes that would be kept are not allocated here.
  [[nodiscard]] void* reallocate(void* p, std::size_t old_bytes, std::size_t new_bytes,
                                 std::size_t alignment = granule) {
    const bool aligned =
        is_power_of_two(alignment) && padding(reinterpret_cast<std::uintptr_t>(p), alignment) == 0;
    if (p != nullptr && aligned && self().try_resize(p, old_bytes, new_bytes))
      return p;
    return reallocate_elsewhere(p, old_bytes, new_bytes, alignment);
  }

private:
  S& self() noexcept { return static_cast<S&>(*this); }

  [[gnu::noinline]] void* reallocate_elsewhere(void* p, std::size_t old_bytes,
                                               std::size_t new_bytes, std::size_t alignment) {
    const std::size_t kept = p == nullptr ? 0 : std::min(old_bytes, new_bytes);
    if (kept != 0 && !self().holds(p, kept)) [[unlikely]] {
      (void)self().allocate(0, alignment); // refuses what must be refused before a foreign pointer
      throw_misuse(S::strategy_name, Errc::foreign_pointer,
                   "%p cannot be reallocated: not from here", p);
    }
    void* const moved = self().allocate(new_bytes, alignment);
    if (kept != 0) {
      std::memcpy(moved, p, kept);
      annotate::hide(p, kept); // taken until it is taken back, but nobody's to touch
    }
    return moved;
  }
  void* copy_bytes(const void* from, std::size_t bytes, std::size_t alignment) {
    void* const p = self().allocate(bytes, alignment);
    if (bytes != 0)
      std::memcpy(p, from, bytes);
    return p;
  }
};

template <class S>
class Creating : public Copying<S> {
public:
  /// A T made in place. Unless T is trivially destructible, its destructor runs when the strategy
  /// takes the memory back, newest object first. The constructor may allocate from this strategy;
  /// if it throws, the memory is taken back unless it allocated. Fails as allocate does.
  /// Misuse also: the constructor took back the memory, by a reset or a restore; the object is
  /// lost.
  template <class T, class... Args>
  T* create(Args&&... args) {
    if constexpr (std::is_trivially_destructible_v<T>) {
      Rollback rollback(self());
      void* const p = self().allocate(sizeof(T), alignof(T));
      rollback.arm();
      T* const object = construct<T>(p, std::forward<Args>(args)...);
      rollback.disarm();
      return object;
    } else {
      constexpr std::size_t offset = Cleanups::object_offset<T>;
      Rollback rollback(self());
      std::byte* const block = allocate_record(offset + sizeof(T), alignof(T));
      rollback.arm();
      T* const object = construct<T>(block + offset, std::forward<Args>(args)...);
      rollback.disarm();
      self().owed().template own<T>(block);
      return object;
    }
  }

  /// `count` value-initialised Ts; otherwise as `create`. If a constructor throws, those already
  /// made are destroyed, newest first.
  template <class T>
  std::span<T> create_array(std::size_t count) {
    constexpr bool owed = !std::is_trivially_destructible_v<T>;
    constexpr std::size_t offset = owed ? Cleanups::array_offset<T> : 0;
    Rollback rollback(self());
    const std::size_t bytes = saturating_multiply(count, sizeof(T));
    std::byte* block = nullptr;
    if (owed && count != 0)
      block = allocate_record(saturating_add(bytes, offset), alignof(T));
    else
      block = static_cast<std::byte*>(self().allocate(bytes, alignof(T)));
    if (count == 0)
      return {reinterpret_cast<T*>(block), 0};
    rollback.arm();
    T* const first = reinterpret_cast<T*>(block + offset);
    Unwinding<T> made{first, 0};
    for (; made.count != count; ++made.count)
      ::new (first + made.count) T();
    made.count = 0;
    rollback.disarm();
    if constexpr (owed)
      self().owed().template own_array<T>(block, count);
    return {first, count};
  }

private:
  S& self() noexcept { return static_cast<S&>(*this); }

  std::byte* allocate_record(std::size_t bytes, std::size_t alignment) {
    return static_cast<std::byte*>(
        self().allocate(bytes, std::max(alignment, alignof(Cleanups::ArrayRecord))));
  }

  // Guards, not try blocks: headers must compile where exceptions are off.
  class Rollback {
  public:
    explicit Rollback(S& strategy) noexcept
        : strategy_(strategy), before_(strategy.position()), checkpoints_(depth()) {}
    Rollback(const Rollback&) = delete;
    ~Rollback() {
      if (!armed_ || strategy_.position() != reserved_)
        return;
      if constexpr (has_checkpoints) // that the constructor made are not for others to restore
        strategy_.forget_checkpoints(checkpoints_);
      strategy_.rewind(before_);
    }
    void arm() noexcept {
      reserved_ = strategy_.position();
      used_ = strategy_.used();
      armed_ = true;
    }
    void disarm() {
      armed_ = false;
      if (strategy_.used() < used_) [[unlikely]]
        throw_misuse(S::strategy_name, Errc::busy, "a constructor took back its object's memory");
    }

  private:
    static constexpr bool has_checkpoints = requires(S & s) { s.forget_checkpoints(0); };
    [[nodiscard]] std::size_t depth() const noexcept {
      if constexpr (has_checkpoints)
        return strategy_.checkpoints();
      else
        return 0;
    }

    S& strategy_;
    decltype(std::declval<S&>().position()) before_;
    decltype(std::declval<S&>().position()) reserved_{};
    std::size_t checkpoints_;
    std::size_t used_ = 0;
    bool armed_ = false;
  };

  template <class T>
  struct Unwinding {
    T* first;
    std::size_t count;
    ~Unwinding() {
      for (; count != 0; --count)
        std::destroy_at(first + (count - 1));
    }
  };
};

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
      throw_misuse(S::strategy_name, Errc::no_checkpoint, "restore without a checkpoint");
    self().rewind(checkpoints_.pop().position);
  }

  /// A checkpoint that is restored at the end of the enclosing block.
  Scope<S> scope() { return Scope<S>(self()); }

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
  // left, and not a part of what is handed out next. Gives `resized`.
  bool lower_checkpoints(bool resized) noexcept {
    for (std::size_t i = checkpoints_.size(); i-- != 0 && self().lower(checkpoints_[i].position);) {
    }
    return resized;
  }

  // Taking everything back under an open scope would leave the scope nothing to restore.
  void check_no_scope(const char* done) const {
    if (scopes_ != 0) [[unlikely]]
      throw_misuse(S::strategy_name, Errc::busy, "%s with %zu scopes open", done, scopes_);
  }
  bool report_open_scope(const char* done) const noexcept {
    if (scopes_ != 0) [[unlikely]]
      report_misuse(S::strategy_name, Errc::busy, "%s with %zu scopes open", done, scopes_);
    return scopes_ != 0;
  }
  void end_scopes(const char* done) noexcept {
    (void)report_open_scope(done);
    scopes_ = 0;
  }

private:
  friend Scope<S>;
  S& self() noexcept { return static_cast<S&>(*this); }

  struct Checkpoint {
    Position position;
    bool scoped;
  };

  std::size_t push(bool scoped) {
    checkpoints_.push(S::strategy_name, self().position(), scoped);
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
      report_misuse(S::strategy_name, Errc::no_checkpoint,
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

} // namespace ALLOT_ABI
} // namespace allot
