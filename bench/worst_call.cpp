// The longest single call, which an average hides.
//
// The same sequence of calls is made several times, and each call is timed. What interrupts the
// program does not strike the same call each time, so the least of a call's times is its own; the
// longest of those is the worst call. A clock's reading is subtracted.
#include "block_pools.hpp"
#include "bump_runs.hpp"
#include "cells.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <limits>
#include <memory_resource>
#include <utility>
#include <vector>

namespace bench {

namespace worst_call {

using Clock = std::chrono::steady_clock;

double nanoseconds(Clock::duration time) {
  return std::chrono::duration<double, std::nano>(time).count();
}

double clock_reading() {
  static const double least = [] {
    double shortest = std::numeric_limits<double>::max();
    for (int i = 0; i != 10'000; ++i) {
      const auto before = Clock::now();
      shortest = std::min(shortest, nanoseconds(Clock::now() - before));
    }
    return shortest;
  }();
  return least;
}

/// The times of a sequence of calls, each the least of all passes.
class Calls {
public:
  explicit Calls(std::size_t count) : times_(count) {}
  template <class Pass>
  void measure(Pass pass) {
    std::fill(times_.begin(), times_.end(), std::numeric_limits<double>::max());
    for (int passes = 0; passes != 5; ++passes) {
      next_ = 0;
      pass();
    }
  }
  template <class Call>
  auto time(Call call) {
    const auto before = Clock::now();
    const auto result = call();
    double& time = times_[next_++];
    time = std::min(time, nanoseconds(Clock::now() - before));
    return result;
  }
  [[nodiscard]] double longest() const {
    return std::max(0.0, *std::max_element(times_.begin(), times_.end()) - clock_reading());
  }

private:
  std::vector<double> times_;
  std::size_t next_ = 0;
};

// A pool is filled, emptied in no order, and filled again.
template <class Pool>
class LongestPoolCall final : public Runner {
public:
  explicit LongestPoolCall(std::size_t n) : calls_(3 * n), live_(n), order_(shuffled(n)) {}
  void round() override {
    calls_.measure([this] {
      Pool pool(live_.size());
      take_all(pool);
      for (const std::uint32_t i : order_)
        calls_.time([&] {
          pool.deallocate(live_[i]);
          return 0;
        });
      take_all(pool);
      for (void* p : live_)
        pool.deallocate(p);
    });
  }
  [[nodiscard]] double longest_call() const override { return calls_.longest(); }

private:
  void take_all(Pool& pool) {
    for (void*& p : live_)
      touch(p = calls_.time([&] { return pool.allocate(); }), 0);
  }

  Calls calls_;
  std::vector<void*> live_;
  std::vector<std::uint32_t> order_;
};

// Allocations of 64 bytes, from an allocator that is not told how many they will be.
template <class A>
class LongestGrowth final : public Runner {
public:
  explicit LongestGrowth(std::size_t bytes) : count_(bytes / 64), calls_(count_) {}
  void round() override {
    calls_.measure([this] {
      A allocator(Need{1, 4096});
      for (std::size_t i = 0; i != count_; ++i)
        touch(calls_.time([&] { return allocator.allocate(64); }), i);
    });
  }
  [[nodiscard]] double longest_call() const override { return calls_.longest(); }

private:
  std::size_t count_;
  Calls calls_;
};

struct ZeroingRegion : Zeroing<allot::Region> {
  static constexpr const char* name = "allot::Region, zeroing";
  using Zeroing<allot::Region>::Zeroing;
};

// Where growing is not also the first touch of memory.
class RegionOnTouched {
public:
  static constexpr const char* name = "allot::Region, on touched memory";
  explicit RegionOnTouched(const Need&) : upstream_(touched(), extent) {}
  void* allocate(std::size_t bytes) { return region_.allocate(bytes); }

private:
  static constexpr std::size_t extent = std::size_t{32} << 20;
  static void* touched() {
    static const Memory bytes = [] {
      Memory fresh = memory(extent);
      std::memset(fresh.get(), 1, extent);
      return fresh;
    }();
    return bytes.get();
  }

  std::pmr::monotonic_buffer_resource upstream_;
  allot::Region region_{{.zero = false, .upstream = &upstream_}};
};

// All blocks but the last are in use: the longest search for one that is free.
template <class Pool>
class LastBlock final : public Runner {
public:
  static constexpr std::size_t operations = 4096;
  explicit LastBlock(std::size_t n) : pool_(n), live_(n) {
    for (void*& p : live_)
      touch(p = pool_.allocate(), 0);
    LastBlock::round();
  }
  ~LastBlock() override {
    for (void* p : live_)
      pool_.deallocate(p);
  }
  void round() override {
    for (std::size_t i = 0; i != operations; ++i) {
      pool_.deallocate(live_.back());
      live_.back() = pool_.allocate();
      touch(live_.back(), i);
    }
  }

private:
  Pool pool_;
  std::vector<void*> live_;
};

} // namespace worst_call

std::vector<Workload> worst_call_workloads() {
  using namespace worst_call;
  std::vector<Workload> result;
  for (const auto& [text, n] : {std::pair("10^3", 1'000), {"10^5", 100'000}, {"10^6", 1'000'000}}) {
    const auto blocks = static_cast<std::size_t>(n);
    Workload last{.name = std::string("last block, ") + text,
                  .text = std::string("all but the last of ") + text +
                          " blocks in use: it is freed and taken",
                  .operation = "block freed and taken",
                  .operations = LastBlock<NoPool>::operations};
    last.add<LastBlock, NoPool>(Role::loop, {}, blocks);
    last.add<LastBlock, IndexStack>(Role::floor, {}, blocks);
    last.add<LastBlock, AnyOrder>(Role::ours, {}, blocks);
    last.add<LastBlock, FirstFree>(Role::ours, {}, blocks);
    last.add<LastBlock, BoostPool>(Role::peer, {}, blocks);
    result.push_back(std::move(last));
  }
  for (const auto& [text, n] : {std::pair("10^3", 1'000), {"10^5", 100'000}}) {
    const auto blocks = static_cast<std::size_t>(n);
    Workload longest{.name = std::string("longest call, pool of ") + text,
                     .text = std::string("a pool of ") + text +
                             " blocks filled, emptied in no order, and filled again",
                     .operation = "longest call",
                     .operations = 1,
                     .counted = false,
                     .longest_call = true};
    longest.add<LongestPoolCall, IndexStack>(Role::floor, {}, blocks);
    longest.add<LongestPoolCall, AnyOrder>(Role::ours, {}, blocks);
    longest.add<LongestPoolCall, FirstFree>(Role::ours, {}, blocks);
    longest.add<LongestPoolCall, ZeroingFirstFree>(Role::ours, {}, blocks);
    add_block_peers<LongestPoolCall>(longest, blocks);
    result.push_back(std::move(longest));
  }
  for (const auto& [text, mebibytes] : {std::pair("1 MiB", 1), {"16 MiB", 16}}) {
    const auto bytes = static_cast<std::size_t>(mebibytes) << 20;
    Workload longest{.name = std::string("longest call, growth to ") + text,
                     .text = std::string("allocations of 64 bytes up to ") + text +
                             ", each written to after it was timed",
                     .operation = "longest call",
                     .operations = 1,
                     .counted = false,
                     .longest_call = true};
    longest.add<LongestGrowth, NotZeroing<allot::Region>>(Role::ours, {}, bytes);
    longest.add<LongestGrowth, ZeroingRegion>(Role::ours, {}, bytes);
    longest.add<LongestGrowth, RegionOnTouched>(Role::ours, {}, bytes);
    longest.add_peers<LongestGrowth, PmrMonotonic, FoonathanStack, LlvmDefault, ProtobufArena,
                      Obstack, AprPool, MimallocHeap>(bytes);
    result.push_back(std::move(longest));
  }
  return result;
}

} // namespace bench
