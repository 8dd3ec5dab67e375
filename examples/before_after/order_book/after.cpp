// order_book [EVENTS]: orders are entered into a book and cancelled, in no order. What was
// cancelled last is kept in a log.
#include "input.hpp"

#include <allot/block_pool.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

constexpr std::size_t most_orders = 300'000;
constexpr std::size_t prices = 4096;

struct Level;

struct Order {
  std::uint64_t number;
  std::uint64_t quantity;
  Level* level;
  Order* previous = nullptr;
  Order* next = nullptr;
  char client[24] = "of a client";

  static void* operator new(std::size_t bytes);
  static void operator delete(void* order);
};

allot::BlockPool pool(sizeof(Order), most_orders, {.zero = false, .order = allot::Order::any});

void* Order::operator new(std::size_t) {
  return pool.allocate();
}
void Order::operator delete(void* order) {
  pool.deallocate(order);
}

/// The orders of a price and side, oldest first.
struct Level {
  void add(Order& order) {
    order.previous = newest;
    (newest != nullptr ? newest->next : oldest) = &order;
    newest = &order;
  }
  void remove(Order& order) {
    (order.previous != nullptr ? order.previous->next : oldest) = order.next;
    (order.next != nullptr ? order.next->previous : newest) = order.previous;
  }
  [[nodiscard]] std::uint64_t quantity() const {
    std::uint64_t sum = 0;
    for (const Order* order = oldest; order != nullptr; order = order->next)
      sum += order->quantity;
    return sum;
  }

  Order* oldest = nullptr;
  Order* newest = nullptr;
};

class Book {
public:
  void enter(std::uint64_t number, Random& random) {
    auto order = std::make_unique<Order>(Order{.number = number,
                                               .quantity = 1 + random.below(100),
                                               .level = &levels_[random.below(levels_.size())]});
    order->level->add(*order);
    orders_.push_back(std::move(order));
  }
  void cancel(std::size_t index) {
    std::swap(orders_[index], orders_.back());
    Order& order = *orders_.back();
    order.level->remove(order);
    if (order.number % 16 == 0)
      log("order cancelled: " + std::to_string(order.number));
    orders_.pop_back();
  }

  [[nodiscard]] std::size_t size() const { return orders_.size(); }
  [[nodiscard]] std::size_t logged() const { return log_.size(); }
  /// Of the levels that are shown: those in the middle, where buyers meet sellers.
  [[nodiscard]] std::uint64_t shown() const {
    std::uint64_t sum = 0;
    for (std::size_t i = prices - 64; i != prices + 64; ++i)
      sum += levels_[i].quantity();
    return sum;
  }

private:
  void log(std::string line) {
    log_.push_back(std::move(line));
    if (log_.size() > 20'000)
      log_.pop_front();
  }

  std::vector<std::unique_ptr<Order>> orders_;
  std::vector<Level> levels_{2 * prices};
  std::deque<std::string> log_;
};

} // namespace

int main(int argc, char** argv) {
  const std::uint64_t events = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10'000;
  Random random;
  Book book;
  std::uint64_t quantity = 0;
  for (std::uint64_t event = 0; event != events; ++event) {
    const bool full = book.size() == most_orders;
    if (book.size() < 1000 || (!full && random.below(8) < 5))
      book.enter(event, random);
    else
      book.cancel(random.below(book.size()));
    if (event % 1024 == 0)
      quantity += book.shown();
  }
  std::printf("%zu orders, %zu logged, a quantity of %llu shown\n", book.size(), book.logged(),
              static_cast<unsigned long long>(quantity));
}
