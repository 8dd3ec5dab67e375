// blocks ORDER BLOCKS PAIRS: what block_steps.sh counts the instructions of.
//
// Fills a pool of BLOCKS blocks, then frees and allocates PAIRS times in batches at random places.
#include <allot/block_pool.hpp>

#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

int main(int count, char** arguments) {
  if (count != 4)
    return 2;
  const auto order =
      std::strcmp(arguments[1], "any") == 0 ? allot::Order::any : allot::Order::first_free;
  const std::size_t blocks = std::strtoull(arguments[2], nullptr, 10);
  std::size_t pairs = std::strtoull(arguments[3], nullptr, 10);

  allot::BlockPool pool(8, blocks, {.zero = false, .order = order});
  std::vector<void*> held(blocks);
  for (void*& block : held)
    block = pool.allocate();
  std::minstd_rand random(1);
  constexpr std::size_t batch = 50;
  for (; pairs != 0; pairs -= batch) {
    std::size_t places[batch];
    for (std::size_t i = 0; i != batch; ++i) {
      places[i] = (random() % (blocks / batch)) * batch + i; // no two alike
      pool.deallocate(held[places[i]]);
    }
    for (const std::size_t place : places)
      held[place] = pool.allocate();
  }
  return pool.stats().used == blocks ? 0 : 1;
}
