// Creating: objects made in a strategy's memory. It destroys them when it takes the memory back,
// newest first, if it keeps Cleanups; if it keeps none, only what needs no destructor is made.
#pragma once

#include <allot/detail/cleanups.hpp>
#include <allot/detail/construct.hpp>

#include <concepts>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

enum class Destructors { run, never_run };

/// Whether an object of this type dies as it should where destructors are, or are not, run.
template <class T, Destructors destructors>
concept DiesProperly = destructors == Destructors::run || std::is_trivially_destructible_v<T>;

template <class S, Destructors destructors>
class Creating {
public:
  /// A T made in place. Unless T is trivially destructible, its destructor runs when the strategy
  /// takes the memory back, newest object first. The constructor may allocate from this strategy;
  /// if it throws, the memory is taken back unless it allocated. Fails as allocate does.
  /// Misuse also: the constructor took back the memory, by a reset or a restore; the object is
  /// lost.
  template <class T, class... Args>
    requires CreatableFrom<T, Args...> && DiesProperly<T, destructors>
  T* create(Args&&... args) {
    Rollback rollback(self());
    void* const block = self().allocate(block_bytes<T>, block_alignment<T>);
    T* const object = make<T>(rollback, block, std::forward<Args>(args)...);
    if (object == nullptr) [[unlikely]]
      throw_misuse(self().label(), Errc::busy, lost_object);
    return object;
  }
  /// As create, but null for every refusal. What the constructor throws passes through.
  template <class T, class... Args>
    requires CreatableFrom<T, Args...> && DiesProperly<T, destructors>
  [[nodiscard]] T* try_create(Args&&... args) {
    Rollback rollback(self());
    void* const block = self().try_allocate(block_bytes<T>, block_alignment<T>);
    return block == nullptr ? nullptr : make<T>(rollback, block, std::forward<Args>(args)...);
  }

  /// `count` value-initialised Ts; otherwise as `create`. If a constructor throws, those already
  /// made are destroyed, newest first.
  template <class T>
    requires CreatableFrom<T> && DiesProperly<T, destructors>
  std::span<T> create_array(std::size_t count) {
    constexpr std::size_t offset = owed<T> ? Cleanups::array_offset<T> : 0;
    Rollback rollback(self());
    const std::size_t bytes =
        saturating_add(saturating_multiply(count, sizeof(T)), count != 0 ? offset : 0);
    auto* const block = static_cast<std::byte*>(
        self().allocate(bytes, count != 0 ? block_alignment<T> : alignof(T)));
    if (count == 0)
      return {reinterpret_cast<T*>(block), 0};
    rollback.arm();
    T* const first = reinterpret_cast<T*>(block + offset);
    Unwinding<T> made{first, 0};
    for (; made.count != count; ++made.count)
      ::new (first + made.count) T();
    made.count = 0;
    if (!rollback.disarm()) [[unlikely]]
      throw_misuse(self().label(), Errc::busy, lost_object);
    if constexpr (owed<T>)
      self().cleanups().template add_array<T>(block, count);
    return {first, count};
  }

  /// Whether S has what is asked of it. It may be private: S befriends this.
  [[nodiscard]] static consteval bool is_served() {
    return requires(S& s, const S& cs, std::size_t n) {
      { s.allocate(n, n) } -> std::same_as<void*>;
      { s.try_allocate(n, n) } -> std::same_as<void*>;
      { cs.used() } -> std::same_as<std::size_t>;
      s.rewind(cs.position()); // takes back, and destroys, what is newer
      cs.label();
      requires destructors == Destructors::never_run || requires {
        { s.cleanups() } -> std::same_as<Cleanups&>;
      };
    };
  }

private:
  static constexpr const char* lost_object = "a constructor took back its object's memory";

  S& self() noexcept { return static_cast<S&>(*this); }

  template <class T>
  static constexpr bool owed = !std::is_trivially_destructible_v<T>;
  // A record of the object lies before it, if its destructor is owed.
  template <class T>
  static constexpr std::size_t object_offset = owed<T> ? Cleanups::object_offset<T> : 0;
  template <class T>
  static constexpr std::size_t block_bytes = object_offset<T> + sizeof(T);
  template <class T>
  static constexpr std::size_t block_alignment =
      owed<T> ? larger(alignof(T), alignof(Cleanups::ArrayRecord)) : alignof(T);

  // Guards, not try blocks: headers must compile where exceptions are off.
  class Rollback;

  /// Null: the constructor took back the memory.
  template <class T, class... Args>
  T* make(Rollback& rollback, void* block, Args&&... args) {
    rollback.arm();
    auto* const bytes = static_cast<std::byte*>(block);
    T* const object = construct<T>(bytes + object_offset<T>, std::forward<Args>(args)...);
    if (!rollback.disarm()) [[unlikely]]
      return nullptr;
    if constexpr (owed<T>)
      self().cleanups().template add<T>(bytes);
    return object;
  }

  class Rollback {
  public:
    explicit Rollback(S& strategy) noexcept
        : strategy_(strategy), before_(strategy.position()), checkpoints_(checkpoints()) {}
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
    /// False: the memory was taken back meanwhile.
    [[nodiscard]] bool disarm() noexcept {
      armed_ = false;
      return strategy_.used() >= used_;
    }

  private:
    static constexpr bool has_checkpoints = requires(S& s) { s.forget_checkpoints(0); };
    [[nodiscard]] std::size_t checkpoints() const noexcept {
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
        first[count - 1].~T();
    }
  };
};

/// Objects can be created in it.
template <class S, Destructors destructors>
concept CreatedIn = Creating<S, destructors>::is_served();

} // namespace ALLOT_ABI
} // namespace allot
