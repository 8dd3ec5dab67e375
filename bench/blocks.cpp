// Blocks of 64 bytes that come and go one by one: in stack order, and in no order.
#include "block_pools.hpp"
#include "block_runs.hpp"
#include "cells.hpp"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace bench {

namespace blocks {

template <template <class> class Run, class... Args>
Workload workload(const std::string& name, std::string text, std::size_t operations, bool counted,
                  std::vector<Bound> any, std::vector<Bound> first_free, const Args&... args) {
  Workload result{.name = name,
                  .text = std::move(text),
                  .operation = "block taken and freed",
                  .operations = operations,
                  .counted = counted};
  result.add<Run, NoPool>(Role::loop, {}, args...);
  result.add<Run, IndexStack>(Role::floor, {}, args...);
  result.add<Run, AnyOrder>(Role::ours, std::move(any), args...);
  result.add<Run, FirstFree>(Role::ours, std::move(first_free), args...);
  result.add<Run, ZeroingFirstFree>(Role::ours, {}, args...);
  add_block_peers<Run>(result, args...);
  return result;
}

} // namespace blocks

std::vector<Workload> block_workloads() {
  using namespace blocks;
  const std::string boost = "boost::pool";
  struct Size {
    std::size_t n;
    const char* text;
    std::vector<Bound> any_lifo, any_batch, first_batch;
  };
  const Size sizes[] = {
      {1'000, "10^3", {{boost, 1.0}}, {{boost, 1.2}}, {{boost, 2.1}}},
      {100'000, "10^5", {{boost, 1.0}}, {{boost, 1.1}}, {{boost, 1.7}}},
      {1'000'000, "10^6", {}, {{boost, 1.4}}, {}},
  };

  std::vector<Workload> result;
  for (const auto& [n, text, any_lifo, any_batch, first_batch] : sizes) {
    const std::string of = std::string(" of ") + text;
    const bool counted = n == 1'000; // Valgrind is too slow for more
    const std::size_t operations = Batch<NoPool>::operations;
    result.push_back(workload<Lifo>(std::string("blocks, LIFO, ") + text,
                                    "all" + of + " blocks taken, then freed, the newest first", n,
                                    counted, any_lifo, {{boost, 1.3}}, n));
    for (const std::size_t percent : {std::size_t{99}, std::size_t{50}}) {
      const std::size_t live = n / 100 * percent;
      const std::string fill = std::to_string(percent) + " % full, " + text;
      const std::string in_use = std::to_string(percent) + " %" + of + " blocks in use: ";
      const std::vector<Bound> any = percent == 99 ? any_batch : std::vector<Bound>();
      const std::vector<Bound> first = percent == 99 ? first_batch : std::vector<Bound>();
      Workload& batches = result.emplace_back(workload<Batch>(
          "blocks, 64 random, " + fill, in_use + "64 freed at random, then 64 taken", operations,
          counted, any, first, n, live));
      batches.add<Batch, AnyOrderByMany>(Role::ours, any, n, live);
      batches.add<Batch, FirstFreeByMany>(Role::ours, first, n, live);
      result.push_back(workload<Single>("blocks, 1 random, " + fill,
                                        in_use + "one freed at random, then one taken", operations,
                                        counted, {}, {}, n, live));
    }
  }
  return result;
}

} // namespace bench
