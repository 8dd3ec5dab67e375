// Orders that come and go in any order, each in a block of its own.
#include <allot/block_pool.hpp>
#include <allot/error.hpp>

#include <cassert>
#include <new>

struct Order {
  int price;
  int amount;
};

int main() {
  allot::BlockPool pool(sizeof(Order), 1000, {.name = "orders"});
  auto* first = new (pool.allocate()) Order{100, 5};
  auto* second = new (pool.allocate()) Order{101, 7};
  pool.deallocate(first);
  assert(pool.owns(second) && !pool.owns(first));

  try {
    pool.deallocate(first); // again
    return 1;
  } catch (const allot::Misuse& error) {
    assert(error.code() == allot::Errc::double_free);
  }
  pool.deallocate(second);
  assert(pool.empty() && pool.peak() == 2);
}
