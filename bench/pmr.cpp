// The standard's memory resources and ours in their place, called through their base class as
// containers call them.
#include "block_runs.hpp"
#include "bump_runs.hpp"
#include "cells.hpp"
#include "thread_runs.hpp"

#include <allot/pmr.hpp>

#include <chrono>
#include <cstddef>
#include <memory_resource>
#include <string>
#include <utility>
#include <vector>

namespace bench {

namespace pmr {

// What no resource can be faster than: nothing is allocated, and always the same block given.
class OneBlock final : public std::pmr::memory_resource {
public:
  OneBlock(void* block, std::size_t /*bytes*/) : block_(block) {}
  void release() {}

private:
  void* do_allocate(std::size_t /*bytes*/, std::size_t /*alignment*/) override { return block_; }
  void do_deallocate(void* /*p*/, std::size_t /*bytes*/, std::size_t /*alignment*/) override {}
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }

  void* block_;
};

template <class R>
inline constexpr const char* name_of = nullptr;
template <>
inline constexpr const char* name_of<OneBlock> = "the call alone";
template <>
inline constexpr const char* name_of<std::pmr::monotonic_buffer_resource> = "std::pmr monotonic";
template <>
inline constexpr const char* name_of<allot::pmr::monotonic_buffer_resource> =
    "allot::pmr monotonic";
template <>
inline constexpr const char* name_of<std::pmr::unsynchronized_pool_resource> =
    "std::pmr unsynchronized_pool";
template <>
inline constexpr const char* name_of<allot::pmr::unsynchronized_pool_resource> =
    "allot::pmr unsynchronized_pool";
template <>
inline constexpr const char* name_of<std::pmr::synchronized_pool_resource> =
    "std::pmr synchronized_pool";
template <>
inline constexpr const char* name_of<allot::pmr::synchronized_pool_resource> =
    "allot::pmr synchronized_pool";

// A resource that the compiler does not know.
template <class R>
class Base {
public:
  template <class... Args>
  explicit Base(Args... args) : resource_(args...) {
    asm volatile("" : "+r"(base_));
  }
  Base(const Base&) = delete;
  std::pmr::memory_resource* operator->() const { return base_; }
  void release() { resource_.release(); }

private:
  R resource_;
  std::pmr::memory_resource* base_ = &resource_;
};

template <class R>
class Monotonic {
public:
  static constexpr const char* name = name_of<R>;
  explicit Monotonic(const Need& need)
      : memory_(memory(need.bytes)), resource_(static_cast<void*>(memory_.get()), need.bytes) {}
  void* allocate(std::size_t bytes) { return resource_->allocate(bytes, 8); }
  void reset() { resource_.release(); }

private:
  Memory memory_;
  Base<R> resource_;
};

template <class R>
class Pool {
public:
  static constexpr const char* name = name_of<R>;
  explicit Pool(std::size_t /*blocks*/) {}
  void* allocate() { return resource_->allocate(block_bytes, 8); }
  void deallocate(void* p) { resource_->deallocate(p, block_bytes, 8); }

private:
  Base<R> resource_;
};

// All n blocks are taken, and freed in no order.
template <class Pool>
class AllRandom final : public Runner {
public:
  explicit AllRandom(std::size_t n) : pool_(n), live_(n), order_(shuffled(n)) {
    AllRandom::round();
  }
  void round() override {
    for (void*& p : live_)
      touch(p = pool_.allocate(), 0);
    for (const std::uint32_t i : order_)
      pool_.deallocate(live_[i]);
  }

private:
  Pool pool_;
  std::vector<void*> live_;
  std::vector<std::uint32_t> order_;
};

template <class R>
struct OneThreadPool : Pool<R> {
  static constexpr const char* name = "allot::pmr synchronized_pool, one thread";
  using Pool<R>::Pool;
};

template <class A>
using Run16 = FixedRun<A, 16, 8>;

template <template <class> class Run, class Standard, class Ours, class... Args>
Workload pools(std::string name, std::string text, std::size_t operations, bool counted,
               double ratio, const Args&... args) {
  Workload result{.name = std::move(name),
                  .text = std::move(text),
                  .operation = "block taken and freed",
                  .operations = operations,
                  .counted = counted};
  result.add<Run, NoPool>(Role::loop, {}, args...);
  result.add<Run, IndexStack>(Role::floor, {}, args...);
  std::vector<Bound> bounds;
  if (ratio != 0)
    bounds.push_back({name_of<Standard>, ratio});
  result.add<Run, Pool<Ours>>(Role::ours, std::move(bounds), args...);
  result.add<Run, Pool<Standard>>(Role::peer, {}, args...);
  return result;
}

template <class Standard, class Ours>
void add_pools(std::vector<Workload>& result, const std::string& what, bool random) {
  const std::size_t few = 1'000;
  const std::size_t many = 100'000;
  result.push_back(pools<blocks::Lifo, Standard, Ours>(
      what + ", LIFO, 10^3", "10^3 blocks of 64 bytes taken, then freed, the newest first", few,
      true, 0.30, few));
  if (!random)
    return;
  const std::size_t operations = blocks::Batch<NoPool>::operations;
  result.push_back(pools<blocks::Batch, Standard, Ours>(
      what + ", 64 random, 10^5", "of 10^5 blocks in use 64 freed at random, then 64 taken",
      operations, false, 0.30, many, many / 100 * 99));
  result.push_back(pools<blocks::Single, Standard, Ours>(
      what + ", 1 random, 10^5", "of 10^5 blocks in use one freed at random, then one taken",
      operations, false, 0.30, many, many / 100 * 99));
  result.push_back(pools<AllRandom, Standard, Ours>(what + ", all random, 10^5",
                                                    "10^5 blocks taken, and freed in no order",
                                                    many, false, 0, many));
}

// What a bound in nanoseconds is set against.
template <class A>
class Waiting final : public Runner {
public:
  void round() override {
    const auto end = std::chrono::steady_clock::now() +
                     std::chrono::nanoseconds(100 * threads::PassingOn<NoPool>::blocks);
    while (std::chrono::steady_clock::now() < end) {
    }
  }
};
struct HundredNanoseconds {
  static constexpr const char* name = "100 ns";
};

} // namespace pmr

std::vector<Workload> pmr_workloads() {
  using namespace pmr;
  using namespace threads;
  using StandardSynchronized = Pool<std::pmr::synchronized_pool_resource>;
  using OurSynchronized = Pool<allot::pmr::synchronized_pool_resource>;
  std::vector<Workload> result;

  Workload bump{.name = "pmr monotonic, 16 B",
                .text = "allocations of 16 bytes through the base class",
                .operation = "allocation",
                .operations = allocations};
  bump.add<Run16, Nothing>(Role::loop, {});
  bump.add<Run16, Monotonic<OneBlock>>(Role::floor, {});
  bump.add<Run16, Monotonic<allot::pmr::monotonic_buffer_resource>>(Role::ours,
                                                                    {{"std::pmr monotonic", 0.65}});
  bump.add<Run16, Monotonic<std::pmr::monotonic_buffer_resource>>(Role::peer, {});
  result.push_back(std::move(bump));

  add_pools<std::pmr::unsynchronized_pool_resource, allot::pmr::unsynchronized_pool_resource>(
      result, "pmr pool", true);
  add_pools<std::pmr::synchronized_pool_resource, allot::pmr::synchronized_pool_resource>(
      result, "pmr synchronized pool", false);

  Workload two{.name = "pmr synchronized pool, 2 threads",
               .text = "two threads each take 10^3 blocks of 64 bytes and free them, the newest "
                       "first, again and again",
               .operation = "block taken and freed",
               .operations = 2 * thread_blocks * thread_rounds,
               .counted = false,
               .threads = true};
  using Alone = OneThreadPool<allot::pmr::synchronized_pool_resource>;
  // Two threads do at least 1.7 times what one does.
  two.add<TwoThreads, OurSynchronized>(
      Role::ours, {{Alone::name, 1 / 1.7}, {StandardSynchronized::name, 0.30}});
  two.add<OneThread, Alone>(Role::reference, {});
  two.add<TwoThreads, StandardSynchronized>(Role::peer, {});
  result.push_back(std::move(two));

  Workload passing{.name = "pmr synchronized pool, passed on",
                   .text = "one thread takes blocks of 64 bytes, another frees them",
                   .operation = "block taken, passed on and freed",
                   .operations = PassingOn<NoPool>::blocks,
                   .counted = false,
                   .threads = true};
  passing.add<PassingOn, NoPool>(Role::floor, {});
  passing.add<PassingOn, OurSynchronized>(Role::ours, {{HundredNanoseconds::name, 1.0}});
  passing.add<Waiting, HundredNanoseconds>(Role::reference, {});
  passing.add<PassingOn, StandardSynchronized>(Role::peer, {});
  result.push_back(std::move(passing));
  return result;
}

} // namespace bench
