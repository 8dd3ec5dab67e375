#include <allot/block_pool.hpp>
#include <allot/region.hpp>
#include <iostream>
#include <string>
#include <utility>

struct Order {
  Order(int p, std::string o) : price(p), owner(std::move(o)) {}
  int price;
  std::string owner;
};

int main() {
  allot::BlockPool blocks(sizeof(double), 1000);
  void* block = blocks.try_allocate();
  std::cout << blocks.owns(block) << "\n";
  blocks.deallocate(block); // a second time it is Misuse

  allot::Region orders;
  Order* order = orders.create<Order>(100, "somebody");
  std::cout << order->price << " " << order->owner << "\n";
} // ~Order() runs for each
