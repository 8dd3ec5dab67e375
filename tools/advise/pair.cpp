#include "pair.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <limits>
#include <new>
#include <random>
#include <vector>

namespace advise {
namespace {

double processor_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

} // namespace

double measure_pair_ns() {
  // Many blocks come, and then all go, in another order: that is where malloc costs most, since
  // what it keeps at hand for the next call is soon used up. The shortest of some rounds: all that
  // else goes on in the machine can only make one longer.
  constexpr std::size_t pairs = 4000;
  constexpr int rounds = 50;
  std::minstd_rand random(1);
  std::vector<std::size_t> sizes(pairs);
  std::vector<std::uint32_t> order(pairs);
  for (std::size_t i = 0; i < pairs; ++i) {
    const std::size_t size = 16u << random() % 5;
    sizes[i] = size + random() % size;
    order[i] = static_cast<std::uint32_t>(i);
  }
  for (std::size_t i = 0; i + 16 <= pairs; i += 16)
    std::shuffle(order.begin() + static_cast<std::ptrdiff_t>(i),
                 order.begin() + static_cast<std::ptrdiff_t>(i + 16), random);

  std::vector<void*> blocks(pairs);
  double shortest = std::numeric_limits<double>::infinity();
  for (int round = 0; round < rounds; ++round) {
    const double begin = processor_ns();
    for (std::size_t i = 0; i < pairs; ++i) {
      blocks[i] = std::malloc(sizes[i]);
      if (blocks[i] == nullptr)
        throw std::bad_alloc();
      *static_cast<char*>(blocks[i]) = 1;
    }
    for (const std::uint32_t i : order)
      std::free(blocks[i]);
    shortest = std::min(shortest, processor_ns() - begin);
  }
  return shortest / static_cast<double>(pairs);
}

} // namespace advise
