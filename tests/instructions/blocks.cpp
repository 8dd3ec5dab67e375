// blocks POOL BLOCKS PAIRS: what block_steps.sh counts the instructions of.
//
// Fills a pool with BLOCKS blocks, then frees and allocates PAIRS times in batches at random
// places. POOL is any or first_free, the orders of a BlockPool, or multipool.
#include <allot/block_pool.hpp>
#include <allot/multipool.hpp>

#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

namespace {

template <class Allocate, class Deallocate>
void run(std::size_t blocks, std::size_t pairs, Allocate allocate, Deallocate deallocate) {
  std::vector<void*> held(blocks);
  for (void*& block : held)
    block = allocate();
  std::minstd_rand random(1);
  constexpr std::size_t batch = 50;
  for (; pairs != 0; pairs -= batch) {
    std::size_t places[batch];
    for (std::size_t i = 0; i != batch; ++i) {
      places[i] = (random() % (blocks / batch)) * batch + i; // no two alike
      deallocate(held[places[i]]);
    }
    for (const std::size_t place : places)
      held[place] = allocate();
  }
}

} // namespace

int main(int count, char** arguments) {
  if (count != 4)
    return 2;
  const std::size_t blocks = std::strtoull(arguments[2], nullptr, 10);
  const std::size_t pairs = std::strtoull(arguments[3], nullptr, 10);
  if (std::strcmp(arguments[1], "multipool") == 0) {
    allot::Multipool pool({.zero = false});
    run(
        blocks, pairs, [&] { return pool.allocate(64); }, [&](void* p) { pool.deallocate(p); });
    return pool.used() == blocks * 64 ? 0 : 1;
  }
  const auto order =
      std::strcmp(arguments[1], "any") == 0 ? allot::Order::any : allot::Order::first_free;
  allot::BlockPool pool(8, blocks, {.zero = false, .order = order});
  run(
      blocks, pairs, [&] { return pool.allocate(); }, [&](void* p) { pool.deallocate(p); });
  return pool.stats().used == blocks ? 0 : 1;
}
