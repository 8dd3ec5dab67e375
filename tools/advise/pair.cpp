#include "pair.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>
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
  // what it keeps at hand for the next call is soon used up. The median of some rounds.
  constexpr std::size_t pairs = 4000;
  constexpr int rounds = 25;
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
  std::vector<double> times;
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
    times.push_back((processor_ns() - begin) / static_cast<double>(pairs));
  }
  std::nth_element(times.begin(), times.begin() + rounds / 2, times.end());
  return times[rounds / 2];
}

} // namespace advise
