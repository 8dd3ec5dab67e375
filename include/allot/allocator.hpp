// Allocator: standard containers in a strategy's memory.
//
//   Arena arena(1_MiB);
//   std::vector<int, Allocator<int, Arena>> numbers(arena);
//
// It is a pointer to the strategy, with no virtual call between a container and the strategy's
// inline allocate. Not for interfaces that fix the container's type (Resource, for std::pmr).
//
//   Multipool                       any container; each piece is free again when it is freed
//   Arena, Bump, Scratch,           any container; only the newest piece is taken back, so a vector
//   MappedArena                     that grows leaves its old places behind until reset
//   Region                          the same, but pieces with an arena of their own are free again
//   BlockPool                       list, forward_list, set, map and their multi kin: one node a
//                                   block; not what asks for arrays (vector, deque, string, and the
//                                   buckets of unordered containers)
//
// Two allocators are equal if their strategy is the same one. It goes with a container that is
// moved or swapped and with the copy that a constructor makes; an assignment that copies leaves the
// target where it is. The strategy must outlive the containers, must not move while they live, and
// must not be reset under them: what they give back then goes to the misuse handler. Each call is
// one of the strategy's, in O(1); giving back to a Region what is not the newest takes O(log
// arenas).
//
// StaticAllocator is for who makes its allocators itself, from nothing, and cannot be handed one:
//
//   static Multipool pool;
//   template <class T>
//   using InPool = StaticAllocator<T, pool>;
//   nlohmann::basic_json<std::map, std::vector, std::string, bool, long, unsigned long, double,
//   InPool>
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/errc.hpp>
#include <allot/base/size.hpp>
#include <allot/concepts.hpp>
#include <allot/detail/give_back.hpp>

#include <cstddef>
#include <type_traits>

namespace allot {
inline namespace ALLOT_ABI {

template <class T, class Strategy>
class Allocator {
public:
  using value_type = T;
  using propagate_on_container_move_assignment = std::true_type;
  using propagate_on_container_swap = std::true_type;
  using is_always_equal = std::false_type;

  /// On `strategy`, which must outlive it. Implicit: containers take the strategy itself.
  Allocator(Strategy& strategy) noexcept : strategy_(&strategy) {}
  template <class U>
  Allocator(const Allocator<U, Strategy>& other) noexcept : strategy_(&other.strategy()) {}

  /// Room for `count` Ts, aligned for them. Fails as the strategy's allocate does; so does a count
  /// whose bytes no size can hold. Exhausted also: a block pool is asked for more than one T, or
  /// for one that does not fit a block.
  [[nodiscard]] T* allocate(std::size_t count) {
    static_assert(Allocating<Strategy> || HandingOutBlocks<Strategy>,
                  "this strategy serves no containers");
    if constexpr (Allocating<Strategy>) {
      return static_cast<T*>(
          strategy_->allocate(saturating_multiply(count, sizeof(T)), alignof(T)));
    } else {
      if (count > 1 || sizeof(T) > strategy_->block_size() ||
          alignof(T) > strategy_->block_alignment()) [[unlikely]]
        refuse(count);
      return static_cast<T*>(strategy_->allocate());
    }
  }
  /// Gives back what allocate(count) gave. O(1). Misuse goes to the handler.
  void deallocate(T* p, std::size_t count) noexcept {
    give_back(*strategy_, "allocator", p, saturating_multiply(count, sizeof(T)), alignof(T));
  }

  [[nodiscard]] Strategy& strategy() const noexcept { return *strategy_; }

private:
  [[noreturn, gnu::cold, gnu::noinline]] void refuse(std::size_t count) const {
    throw_exhausted(detail::label_of("allocator", *strategy_), Errc::no_room,
                    "%zu objects of %zu bytes aligned to %zu asked, a block holds one of at most "
                    "%zu aligned to %zu",
                    count, sizeof(T), alignof(T), strategy_->block_size(),
                    strategy_->block_alignment());
  }

  Strategy* strategy_;
};

template <class T, class U, class Strategy>
[[nodiscard]] bool operator==(const Allocator<T, Strategy>& a,
                              const Allocator<U, Strategy>& b) noexcept {
  return &a.strategy() == &b.strategy();
}

/// An Allocator on a strategy that has static storage, which its type names, so that all of them
/// are equal and have no members. Serves and fails as Allocator does. The strategy must not be
/// assigned to, reset or released while containers live, static ones too: those that were made
/// before it, or in another source file, may outlive it.
template <class T, auto& strategy>
class StaticAllocator {
  using On = Allocator<T, std::remove_reference_t<decltype(strategy)>>;

public:
  using value_type = T;
  using propagate_on_container_move_assignment = std::true_type;
  using is_always_equal = std::true_type;
  template <class U>
  struct rebind { // which the standard finds by itself only among parameters that are types
    using other = StaticAllocator<U, strategy>;
  };

  StaticAllocator() = default;
  template <class U>
  StaticAllocator(const StaticAllocator<U, strategy>&) noexcept {}

  /// As Allocator's.
  [[nodiscard]] T* allocate(std::size_t count) { return On(strategy).allocate(count); }
  void deallocate(T* p, std::size_t count) noexcept { On(strategy).deallocate(p, count); }
};

template <class T, class U, auto& strategy>
[[nodiscard]] bool operator==(const StaticAllocator<T, strategy>&,
                              const StaticAllocator<U, strategy>&) noexcept {
  return true;
}

} // namespace ALLOT_ABI
} // namespace allot

#endif
