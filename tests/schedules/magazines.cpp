// Magazines: a thread takes and gives back through its own, while another closes it, takes all that
// is in it, and opens it. No item is with two, and none is lost.
#include "model.hpp"
#include "protocols.hpp"

#include <allot/threads/owner_lock.hpp>
#include <allot/threads/thread_magazine.hpp>

#include <memory>
#include <mutex>

namespace schedules {
namespace {

using allot::detail::OwnerLock;
using allot::detail::ThreadMagazine;
using Item = Plain<int>;
constexpr int items = 3;
constexpr int none = -1;

/// What no thread has.
class Depot {
public:
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(size_); }
  [[nodiscard]] int pop() {
    expect(size_ != 0, "an item was lost");
    size_ = size_ == 0 ? 0 : size_ - 1;
    return items_[size_];
  }
  bool push(int item) {
    if (size_ == items)
      return false;
    items_[size_] = item;
    size_ = size_ + 1;
    return true;
  }

private:
  Plain<int> size_;
  Item items_[items];
};

template <class Atomics>
struct Pool {
  static constexpr std::size_t limit = 4;
  Mutex mutex;
  OwnerLock<Atomics> lock{true};
  Item memory[limit + 1];
  ThreadMagazine<Item, Atomics> magazine{memory, none};
  Depot depot;
  Plain<int> used[items]; // by who has the item

  Pool() {
    for (int i = 0; i != items; ++i)
      depot.push(i);
  }

  int take() {
    int got = none;
    const auto claim = [&](int item) {
      got = item;
      return item != none;
    };
    if (magazine.take(lock, claim))
      return got;
    const std::lock_guard guard(mutex);
    if (magazine.count() == 0)
      magazine.refill(depot, limit);
    return magazine.count() == 0 ? depot.pop() : static_cast<int>(magazine.pop());
  }
  void give_back(int item) {
    if (magazine.put(lock, item))
      return;
    const std::lock_guard guard(mutex);
    expect(magazine.put_or_spill(depot, item, limit), "an item was given back twice");
  }

  // Another thread's, which has no magazine.

  int steal() {
    const std::lock_guard guard(mutex);
    expect(lock.close(), "it cannot be closed");
    expect(magazine.empty_into(depot), "an item was in the magazine twice");
    lock.open();
    return depot.pop();
  }
  void return_stolen(int item) {
    const std::lock_guard guard(mutex);
    expect(depot.push(item), "an item was given back twice");
  }

  void use(int item) {
    const bool is_one = item >= 0 && item < items;
    expect(is_one, "what was taken is no item");
    if (is_one)
      used[item] = used[item] + 1;
  }
  void check(int uses) {
    magazine.empty_into(depot);
    expect(depot.size() == items, "an item was lost");
    int sum = 0;
    for (const int times : used)
      sum += times;
    expect(sum == uses, "two had an item");
    int all = 0;
    while (depot.size() != 0)
      all |= 1 << depot.pop();
    expect(all == (1 << items) - 1, "an item is there twice");
  }
};

template <class Atomics>
Program with(int uses, int thefts) {
  const auto pool = std::make_shared<Pool<Atomics>>();
  return {{[=] {
             for (int i = 0; i != uses; ++i) {
               const int item = pool->take();
               pool->use(item);
               pool->give_back(item);
             }
           },
           [=] {
             for (int i = 0; i != thefts; ++i) {
               const int item = pool->steal();
               pool->use(item);
               pool->return_stolen(item);
             }
           }},
          [=] { pool->check(uses + thefts); }};
}

} // namespace

Cases magazine_cases() {
  return {
      {"magazines", [] { return with<Model>(3, 1); }, nullptr},
      {"magazines without a fence", [] { return with<WithoutFence>(2, 1); }, ""},
      {"magazines that order nothing", [] { return with<Relaxed>(2, 1); }, ""},
  };
}

} // namespace schedules
