#include <boost/pool/object_pool.hpp>
#include <boost/pool/pool.hpp>
#include <iostream>
#include <string>
#include <utility>

struct Order {
  Order(int p, std::string o) : price(p), owner(std::move(o)) {}
  int price;
  std::string owner;
};

int main() {
  boost::pool<> blocks(sizeof(double));
  void* block = blocks.malloc();
  std::cout << blocks.is_from(block) << "\n";
  blocks.free(block);

  boost::object_pool<Order> orders;
  Order* order = orders.construct(100, "somebody");
  std::cout << order->price << " " << order->owner << "\n";
} // ~Order() runs for each
