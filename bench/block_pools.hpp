// Pools of 64-byte blocks, ours and the peers': made for n blocks, with `allocate` and
// `deallocate`.
#pragma once

#include "cells.hpp"
#include "ours.hpp"
#include "peers.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <random>
#include <span>
#include <utility>
#include <vector>

#ifdef ALLOT_BENCH_BOOST
#include <boost/pool/pool.hpp>
#endif
#ifdef ALLOT_BENCH_FOONATHAN
#include <foonathan/memory/memory_pool.hpp>
#endif

namespace bench {

inline constexpr std::size_t block_bytes = 64;

/// 0 to n - 1 in no order, the same in every run.
[[nodiscard]] inline std::vector<std::uint32_t> shuffled(std::size_t n) {
  std::mt19937 random(2);
  std::vector<std::uint32_t> order(n);
  for (std::size_t i = 0; i != n; ++i) {
    order[i] = static_cast<std::uint32_t>(i);
    std::swap(order[i], order[random() % (i + 1)]);
  }
  return order;
}

struct NoPool {
  static constexpr const char* name = "loop";
  explicit NoPool(std::size_t) {}
  void* allocate() { return Nothing::place; }
  void deallocate(void*) {}
};

/// The least that a pool can be: a stack of the free blocks' indices. It checks that a block is
/// left, and nothing when one is freed.
class IndexStack {
public:
  static constexpr const char* name = "ideal: stack of indices";
  explicit IndexStack(std::size_t n)
      : blocks_(memory(n * block_bytes)), free_(std::make_unique<std::uint32_t[]>(n)), count_(n) {
    for (std::size_t i = 0; i != n; ++i)
      free_[i] = static_cast<std::uint32_t>(n - 1 - i);
  }
  void* allocate() {
    if (count_ == 0) [[unlikely]]
      Ideal::refuse();
    return blocks_.get() + free_[--count_] * block_bytes;
  }
  void deallocate(void* p) {
    const auto offset = static_cast<std::size_t>(static_cast<std::byte*>(p) - blocks_.get());
    free_[count_++] = static_cast<std::uint32_t>(offset / block_bytes);
  }

private:
  Memory blocks_;
  std::unique_ptr<std::uint32_t[]> free_;
  std::size_t count_;
};

/// With all checks on; they have no switch.
template <allot::Order order, bool zero>
class OurPool {
public:
  static constexpr const char* name = order == allot::Order::any ? "allot::BlockPool, any order"
                                      : zero ? "allot::BlockPool, first free, zeroing"
                                             : "allot::BlockPool, first free";
  explicit OurPool(std::size_t n) : pool_(block_bytes, n, {.zero = zero, .order = order}) {}
  // Inlined, as what they call is where it is called without them.
  [[gnu::always_inline]] void* allocate() { return pool_.allocate(); }
  [[gnu::always_inline]] void deallocate(void* p) { pool_.deallocate(p); }

private:
  allot::BlockPool pool_;
};
using AnyOrder = OurPool<allot::Order::any, false>;
using FirstFree = OurPool<allot::Order::first_free, false>;
using ZeroingFirstFree = OurPool<allot::Order::first_free, true>;

/// The same, asked for several blocks at a time.
template <allot::Order order>
class OurPoolByMany {
public:
  static constexpr const char* name = order == allot::Order::any
                                          ? "allot::BlockPool, any order, many"
                                          : "allot::BlockPool, first free, many";
  explicit OurPoolByMany(std::size_t n) : pool_(block_bytes, n, {.zero = false, .order = order}) {}
  void* allocate() { return pool_.allocate(); }
  void deallocate(void* p) { pool_.deallocate(p); }
  void allocate_many(std::span<void*> blocks) { pool_.allocate_many(blocks); }
  void deallocate_many(std::span<void* const> blocks) { pool_.deallocate_many(blocks); }

private:
  allot::BlockPool pool_;
};
using AnyOrderByMany = OurPoolByMany<allot::Order::any>;
using FirstFreeByMany = OurPoolByMany<allot::Order::first_free>;

#ifdef ALLOT_BENCH_BOOST
class BoostPool {
public:
  static constexpr const char* name = "boost::pool";
  explicit BoostPool(std::size_t n) : pool_(block_bytes, n) {}
  void* allocate() { return pool_.malloc(); }
  void deallocate(void* p) { pool_.free(p); }

private:
  boost::pool<> pool_;
};
#else
struct BoostPool : Absent {};
#endif

#ifdef ALLOT_BENCH_FOONATHAN
class FoonathanPool {
public:
  static constexpr const char* name = "foonathan memory_pool";
  explicit FoonathanPool(std::size_t n)
      : pool_(block_bytes, foonathan::memory::memory_pool<>::min_block_size(block_bytes, n)) {}
  void* allocate() { return pool_.allocate_node(); }
  void deallocate(void* p) { pool_.deallocate_node(p); }

private:
  foonathan::memory::memory_pool<> pool_;
};
#else
struct FoonathanPool : Absent {};
#endif

class PmrPool {
public:
  static constexpr const char* name = "std::pmr unsynchronized_pool";
  explicit PmrPool(std::size_t) {}
  void* allocate() { return pool_.allocate(block_bytes, 8); }
  void deallocate(void* p) { pool_.deallocate(p, block_bytes, 8); }

private:
  std::pmr::unsynchronized_pool_resource pool_;
};

template <class Malloc>
struct MallocPool {
  static constexpr const char* name = Malloc::name;
  explicit MallocPool(std::size_t) {}
  void* allocate() { return Malloc::allocate(block_bytes); }
  void deallocate(void* p) { Malloc::deallocate(p); }
};
template <std::derived_from<Absent> Malloc>
struct MallocPool<Malloc> : Absent {};

#ifdef ALLOT_BENCH_MIMALLOC
class MimallocHeapPool {
public:
  static constexpr const char* name = MimallocHeap::name;
  explicit MimallocHeapPool(std::size_t) {}
  MimallocHeapPool(const MimallocHeapPool&) = delete;
  ~MimallocHeapPool() { mi_heap_destroy(heap_); }
  void* allocate() { return mi_heap_malloc(heap_, block_bytes); }
  void deallocate(void* p) { mi_free(p); }

private:
  mi_heap_t* heap_ = mi_heap_new();
};
#else
struct MimallocHeapPool : Absent {};
#endif

template <template <class> class Run, class... Args>
void add_block_peers(Workload& workload, const Args&... args) {
  workload.add_peers<Run, BoostPool, FoonathanPool, PmrPool, MallocPool<Glibc>,
                     MallocPool<Mimalloc>, MimallocHeapPool, MallocPool<Jemalloc>,
                     MallocPool<Tcmalloc>, MallocPool<TbbMalloc>>(args...);
}

} // namespace bench
