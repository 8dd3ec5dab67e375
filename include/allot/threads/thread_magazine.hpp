// ThreadMagazine: what of a shared pool lies idle at one thread, so that taking and giving back
// need no other thread. What no thread has lies in the pool's depot.
//
//   thread   none | 7 | 2 | 5 |   |   |      put, take: under the OwnerLock of its part
//            bottom           top     end
//   depot    | 9 | 4 | 1 | 8 | ...            refill, put_or_spill, spill: under the mutex
//
// Below the items lies one that is never claimed, so that who takes tests nothing else.
//
// A magazine starts with room for a few and doubles up to a limit each time that it goes to the
// depot. It takes and leaves half of its room, so that neither taking nor giving back comes there
// again soon. When free items are scarce its room is less than its share of them, and none after
// another thread took what it had.
//
// A depot, which the mutex guards, has `size()`, `pop()` and `bool push(item)`. It refuses what
// there is no room for, which happens only when an item is there twice.
#pragma once

#include <allot/base/size.hpp>
#include <allot/threads/owner_lock.hpp>

#include <cstddef>
#include <cstdint>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

template <class Item, class Atomics = detail::Atomics>
class ThreadMagazine {
public:
  /// In `memory` for one item more than any limit is that it will be told. `none` is the one that
  /// cannot be claimed.
  ThreadMagazine(Item* memory, Item none) noexcept
      : top_(memory + 1), end_(memory + 1), bottom_(memory + 1) {
    *memory = none;
  }

  // The owner's. False: it is empty, full, or closed, or what would be taken cannot be claimed.

  template <class Claim>
  [[nodiscard, gnu::always_inline]] bool take(OwnerLock<Atomics>& lock, Claim claim) noexcept {
    if (!lock.enter()) [[unlikely]]
      return false;
    Item* const top = top_.load(std::memory_order_relaxed) - 1;
    const bool claimed = claim(*top);
    if (claimed) [[likely]]
      top_.store(top, std::memory_order_relaxed);
    lock.leave();
    return claimed;
  }
  [[nodiscard, gnu::always_inline]] bool put(OwnerLock<Atomics>& lock, Item item) noexcept {
    if (!lock.enter()) [[unlikely]]
      return false;
    Item* const top = top_.load(std::memory_order_relaxed);
    const bool fits = top != end_;
    if (fits) [[likely]] {
      *top = item;
      top_.store(top + 1, std::memory_order_relaxed);
    }
    lock.leave();
    return fits;
  }

  // With the mutex held: the owner's, or another's who closed the owner's lock.

  /// Takes the newest out. Not when empty.
  [[nodiscard]] Item pop() noexcept {
    Item* const top = top_.load(std::memory_order_relaxed) - 1;
    top_.store(top, std::memory_order_relaxed);
    return *top;
  }
  /// When it is empty. They come out as they would of the depot.
  template <class Depot>
  void refill(Depot& depot, std::size_t limit) noexcept {
    ramp(limit);
    Item* const top = bottom_ + smaller(room() / 2, depot.size());
    for (Item* place = top; place != bottom_;)
      *--place = depot.pop();
    top_.store(top, std::memory_order_relaxed);
  }
  /// When it is full. False: the depot refused some.
  template <class Depot>
  [[nodiscard]] bool put_or_spill(Depot& depot, Item item, std::size_t limit) noexcept {
    ramp(limit);
    const bool spilled = count() < room() || spill(depot, room() / 2);
    if (room() == 0)
      return depot.push(item) && spilled;
    Item* const top = top_.load(std::memory_order_relaxed);
    *top = item;
    top_.store(top + 1, std::memory_order_relaxed);
    return spilled;
  }
  /// All but the newest `kept` go to the depot. False: it refused some, which are nowhere then.
  template <class Depot>
  bool spill(Depot& depot, std::size_t kept) noexcept {
    const Item* const top = top_.load(std::memory_order_relaxed);
    const Item* const first_kept = top - smaller(count(), kept);
    bool all = true;
    for (const Item* item = bottom_; item != first_kept; ++item)
      all &= depot.push(*item);
    Item* place = bottom_;
    for (const Item* item = first_kept; item != top; ++item)
      *place++ = *item;
    top_.store(place, std::memory_order_relaxed);
    return all;
  }
  /// All go to the depot, and so does what is put in next.
  template <class Depot>
  bool empty_into(Depot& depot) noexcept {
    end_ = bottom_;
    return spill(depot, 0);
  }
  void forget() noexcept {
    end_ = bottom_;
    top_.store(bottom_, std::memory_order_relaxed);
  }

  /// Anybody's: what it was a moment ago.
  [[nodiscard]] std::size_t count() const noexcept {
    return static_cast<std::size_t>(top_.load(std::memory_order_relaxed) - bottom_);
  }

private:
  static constexpr std::size_t first_room = 4;

  [[nodiscard]] std::size_t room() const noexcept {
    return static_cast<std::size_t>(end_ - bottom_);
  }
  void ramp(std::size_t limit) noexcept {
    end_ = bottom_ + smaller(larger(2 * room(), first_room), limit);
  }

  typename Atomics::template Atomic<Item*> top_; // only who has the lock writes it
  Item* end_;
  Item* bottom_;
};

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
