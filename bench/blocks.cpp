// Blocks of 64 bytes that come and go one by one: in stack order, and in no order.
#include "block_pools.hpp"
#include "cells.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace bench {

namespace blocks {

// Takes n blocks, then frees them, the newest first.
template <class Pool>
class Lifo final : public Runner {
public:
  explicit Lifo(std::size_t n) : pool_(n), live_(n) { Lifo::round(); }
  void round() override {
    const std::size_t n = live_.size();
    void** const live = live_.data();
    for (std::size_t i = 0; i != n; ++i) {
      live[i] = pool_.allocate();
      touch(live[i], i);
    }
    for (std::size_t i = n; i-- != 0;)
      pool_.deallocate(live[i]);
  }

private:
  Pool pool_;
  std::vector<void*> live_;
};

// Of n blocks `live` are in use. Frees `batch` of them at random, and takes as many anew.
template <class Pool, std::size_t batch>
class RandomFrees final : public Runner {
public:
  static constexpr std::size_t operations = 4096;

  RandomFrees(std::size_t n, std::size_t live)
      : pool_(n), live_(n), order_(shuffled(live)), end_(live / batch * batch) {
    // Every block is touched, and those that are free are anywhere.
    for (void*& p : live_)
      touch(p = pool_.allocate(), 0);
    for (const std::uint32_t i : shuffled(n))
      pool_.deallocate(live_[i]);
    live_.resize(live);
    for (void*& p : live_)
      touch(p = pool_.allocate(), 0);
    for (std::size_t done = 0; done < live; done += operations)
      RandomFrees::round();
  }
  ~RandomFrees() override {
    for (void* p : live_)
      pool_.deallocate(p);
  }

  void round() override {
    void** const live = live_.data();
    for (std::size_t done = 0; done != operations; done += batch) {
      const std::uint32_t* const victims = order_.data() + next_;
      for (std::size_t i = 0; i != batch; ++i)
        pool_.deallocate(live[victims[i]]);
      for (std::size_t i = 0; i != batch; ++i) {
        void* const p = pool_.allocate();
        touch(p, i);
        live[victims[i]] = p;
      }
      next_ += batch;
      if (next_ == end_)
        next_ = 0;
    }
  }

private:
  Pool pool_;
  std::vector<void*> live_;
  std::vector<std::uint32_t> order_;
  std::size_t end_;
  std::size_t next_ = 0;
};

template <class Pool>
using Single = RandomFrees<Pool, 1>;
template <class Pool>
using Batch = RandomFrees<Pool, 64>;

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
      const bool bounded = percent == 99;
      result.push_back(workload<Batch>("blocks, 64 random, " + fill,
                                       in_use + "64 freed at random, then 64 taken", operations,
                                       counted, bounded ? any_batch : std::vector<Bound>(),
                                       bounded ? first_batch : std::vector<Bound>(), n, live));
      result.push_back(workload<Single>("blocks, 1 random, " + fill,
                                        in_use + "one freed at random, then one taken", operations,
                                        counted, {}, {}, n, live));
    }
  }
  return result;
}

} // namespace bench
