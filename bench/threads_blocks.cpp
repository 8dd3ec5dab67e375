// Blocks that several threads take and free: by one thread, beside the strategies that serve only
// one; by two; and passed on from one to the other.
#include "block_pools.hpp"
#include "cells.hpp"
#include "ours.hpp"
#include "peers.hpp"
#include "thread_heaps.hpp"
#include "thread_runs.hpp"

#include <allot/threads/shared_block_pool.hpp>
#include <allot/threads/shared_object_pool.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace bench {

namespace threads {

// ----------------------------------------------------------------------------------------- blocks

class OurBlocks {
public:
  static constexpr const char* name = "allot::SharedBlockPool";
  explicit OurBlocks(std::size_t n) : pool_(block_bytes, n, {.zero = false}) {}
  [[gnu::always_inline]] void* allocate() { return pool_.allocate(); }
  [[gnu::always_inline]] void deallocate(void* p) { pool_.deallocate(p); }

private:
  allot::SharedBlockPool pool_;
};
struct OurBlocksAlone : OurBlocks {
  static constexpr const char* name = "allot::SharedBlockPool, one thread";
  using OurBlocks::OurBlocks;
};

class OurObjects {
public:
  static constexpr const char* name = "allot::SharedObjectPool";
  explicit OurObjects(std::size_t n) : pool_(n) {}
  void* allocate() { return &pool_.acquire(); }
  void deallocate(void* p) { pool_.give_back(*static_cast<Object*>(p)); }

private:
  using Object = std::array<std::byte, block_bytes>;
  allot::SharedObjectPool<Object> pool_;
};

struct LockedBlocks : Locked {
  static constexpr const char* name = "std::mutex, allot::BlockPool";
  explicit LockedBlocks(std::size_t n) : pool(block_bytes, n, {.zero = false}) {}
  void* allocate() {
    return (*this)([&] { return pool.allocate(); });
  }
  void deallocate(void* p) {
    (*this)([&] { pool.deallocate(p); });
  }
  allot::BlockPool pool;
};

#ifdef ALLOT_BENCH_TBB
struct TbbMemoryPool {
  static constexpr const char* name = "TBB memory_pool";
  explicit TbbMemoryPool(std::size_t) {}
  void* allocate() { return pool.malloc(block_bytes); }
  void deallocate(void* p) { pool.free(p); }
  tbb::memory_pool<std::allocator<char>> pool;
};
#else
struct TbbMemoryPool : Absent {};
#endif

// In each of 64 turns takes 16 blocks, then frees them, the newest first.
template <class Pool>
class Pairs final : public Runner {
public:
  static constexpr std::size_t operations = 64 * 16;
  Pairs() { Pairs::round(); }
  void round() override {
    void* live[16];
    for (std::size_t turn = 0; turn != 64; ++turn) {
      for (void*& p : live)
        touch(p = pool_.allocate(), turn);
      for (std::size_t i = 16; i-- != 0;)
        pool_.deallocate(live[i]);
    }
  }

private:
  Pool pool_{10'000};
};

// ------------------------------------------------------------------------------------------ sizes

// Of 1,000 blocks of 16 to 1,024 bytes in use, a thread, one freed at random, then one taken.
class RandomSizes {
public:
  static constexpr std::size_t blocks = 1000;
  static constexpr std::size_t turns = 20'000;
  explicit RandomSizes(std::uint32_t seed) {
    std::mt19937 random(seed);
    for (Draw& draw : draws_)
      draw = {static_cast<std::uint32_t>(random() % blocks),
              static_cast<std::uint32_t>(16 + random() % 1009)};
  }
  template <class Heap>
  void take_all(Heap& heap) {
    for (std::size_t i = 0; i != blocks; ++i)
      take(heap, live_[i], draws_[i].bytes);
  }
  template <class Heap>
  void turn_over(Heap& heap) {
    for (const Draw& draw : draws_) {
      Block& block = live_[draw.block];
      heap.deallocate(block.p, block.bytes);
      take(heap, block, draw.bytes);
    }
  }
  template <class Heap>
  void free_all(Heap& heap) {
    for (const Block& block : live_)
      heap.deallocate(block.p, block.bytes);
  }

private:
  struct Draw {
    std::uint32_t block, bytes;
  };
  struct Block {
    void* p;
    std::size_t bytes;
  };
  template <class Heap>
  static void take(Heap& heap, Block& block, std::size_t bytes) {
    block = {heap.allocate(bytes), bytes};
    touch(block.p, bytes);
  }
  std::vector<Draw> draws_ = std::vector<Draw>(turns);
  std::array<Block, blocks> live_{};
};

template <class Heap, std::size_t threads>
class SizesTogether final : public Runner {
public:
  SizesTogether() {
    mine_.take_all(heap_);
    helpers_.take_all(heap_);
    SizesTogether::round();
  }
  ~SizesTogether() override {
    helper_.reset();
    mine_.free_all(heap_);
    helpers_.free_all(heap_);
  }
  void round() override {
    if (helper_)
      helper_->start();
    mine_.turn_over(heap_);
    helper_ ? helper_->wait() : helpers_.turn_over(heap_);
  }

private:
  Heap heap_;
  RandomSizes mine_{1};
  alignas(64) RandomSizes helpers_{2};
  std::unique_ptr<Helper> helper_ =
      threads == 2 ? std::make_unique<Helper>([this] { helpers_.turn_over(heap_); }) : nullptr;
};
template <class Heap>
using SizesAlone = SizesTogether<Heap, 1>;
template <class Heap>
using SizesByTwo = SizesTogether<Heap, 2>;

// One thread has many heaps, and takes and frees a block of each in turn.
template <class Heap>
class Many final : public Runner {
public:
  static constexpr std::size_t operations = 8192;
  explicit Many(std::size_t count) : heaps_(count) {
    for (auto& heap : heaps_)
      heap = std::make_unique<Heap>();
    Many::round();
  }
  void round() override {
    for (std::size_t done = 0; done != operations;)
      for (std::size_t i = 0; i != heaps_.size() && done != operations; ++i, ++done) {
        void* const p = heaps_[i]->allocate(block_bytes);
        touch(p, i);
        heaps_[i]->deallocate(p, block_bytes);
      }
  }

private:
  std::vector<std::unique_ptr<Heap>> heaps_;
};

// Each of the standard's has one of the 1,024 keys of a process.
constexpr std::size_t most_standard_resources = 1000;

// -------------------------------------------------------------------------------------- workloads

template <template <class> class Run>
void add_pool_peers(Workload& workload) {
  workload.add_peers<Run, TbbMemoryPool, PoolOf<StandardResource>, PoolOf<MallocHeap<Glibc>>,
                     PoolOf<MallocHeap<Mimalloc>>, PoolOf<MallocHeap<Jemalloc>>,
                     PoolOf<MallocHeap<Tcmalloc>>, PoolOf<MallocHeap<TbbMalloc>>>();
}

void add_blocks(std::vector<Workload>& result) {
  Workload one{.name = "threads, blocks",
               .text = "of a pool of 10^4 blocks 16 taken by one thread, then freed, the newest "
                       "first",
               .operation = "block taken and freed",
               .operations = Pairs<NoPool>::operations};
  one.add<Pairs, NoPool>(Role::loop, {});
  one.add<Pairs, OurBlocks>(Role::ours, {{AnyOrder::name, 1.6}});
  one.add<Pairs, OurObjects>(Role::ours, {});
  one.add<Pairs, PoolOf<OurHeap>>(Role::ours, {});
  one.add<Pairs, PoolOf<OurResource>>(Role::ours, {});
  one.add<Pairs, AnyOrder>(Role::reference, {});
  one.add<Pairs, LockedBlocks>(Role::reference, {});
  add_pool_peers<Pairs>(one);
  result.push_back(std::move(one));

  Workload two{.name = "threads, blocks, by two",
               .text = "two threads each take 10^3 blocks of 64 bytes and free them, the newest "
                       "first, again and again",
               .operation = "block taken and freed",
               .operations = 2 * thread_blocks * thread_rounds,
               .counted = false,
               .threads = true};
  two.add<TwoThreads, OurBlocks>(Role::ours, {faster_than(OurBlocksAlone::name, 1.7)});
  two.add<OneThread, OurBlocksAlone>(Role::reference, {});
  two.add<TwoThreads, OurObjects>(Role::ours, {});
  two.add<TwoThreads, PoolOf<OurHeap>>(Role::ours, {faster_than(OurHeapAlone::name, 1.7)});
  two.add<OneThread, PoolOf<OurHeapAlone>>(Role::reference, {});
  two.add<TwoThreads, PoolOf<OurResource>>(Role::ours, {});
  two.add<TwoThreads, LockedBlocks>(Role::reference, {});
  add_pool_peers<TwoThreads>(two);
  result.push_back(std::move(two));

  Workload passing{.name = "threads, blocks, passed on",
                   .text = "one thread takes blocks of 64 bytes, another frees them",
                   .operation = "block taken, passed on and freed",
                   .operations = PassingOn<NoPool>::blocks,
                   .counted = false,
                   .threads = true};
  passing.add<PassingOn, NoPool>(Role::floor, {});
  passing.add<PassingOn, OurBlocks>(Role::ours, {{Mimalloc::name, 1.0}});
  passing.add<PassingOn, OurObjects>(Role::ours, {});
  passing.add<PassingOn, PoolOf<OurHeap>>(Role::ours, {});
  passing.add<PassingOn, PoolOf<OurResource>>(Role::ours, {});
  passing.add<PassingOn, LockedBlocks>(Role::reference, {});
  add_pool_peers<PassingOn>(passing);
  result.push_back(std::move(passing));
}

template <template <class> class Run>
void add_heap_peers(Workload& workload) {
  workload.add_peers<Run, StandardResource, MallocHeap<Glibc>, MallocHeap<Mimalloc>,
                     MallocHeap<Jemalloc>, MallocHeap<Tcmalloc>, MallocHeap<TbbMalloc>>();
}

void add_sizes(std::vector<Workload>& result) {
  Workload one{.name = "threads, 16-1024 B",
               .text = "of 2,000 blocks of 16 to 1,024 bytes one freed at random by one thread, "
                       "then one taken",
               .operation = "block freed and taken",
               .operations = 2 * RandomSizes::turns};
  one.add<SizesAlone, NoHeap>(Role::loop, {});
  one.add<SizesAlone, OurHeap>(Role::ours, {{OurResource::name, 1.0}});
  one.add<SizesAlone, OurResource>(Role::ours, {});
  one.add<SizesAlone, OneThreadsHeap>(Role::reference, {});
  one.add<SizesAlone, LockedHeap>(Role::reference, {});
  add_heap_peers<SizesAlone>(one);
  result.push_back(std::move(one));

  Workload two{.name = "threads, 16-1024 B, by two",
               .text = "the same, 1,000 blocks a thread",
               .operation = "block freed and taken",
               .operations = 2 * RandomSizes::turns,
               .counted = false,
               .threads = true};
  two.add<SizesByTwo, OurHeap>(Role::ours, {faster_than(OurHeapAlone::name, 1.7)});
  two.add<SizesAlone, OurHeapAlone>(Role::reference, {});
  two.add<SizesByTwo, OurResource>(Role::ours, {});
  two.add<SizesByTwo, LockedHeap>(Role::reference, {});
  add_heap_peers<SizesByTwo>(two);
  result.push_back(std::move(two));
}

void add_many(std::vector<Workload>& result) {
  for (const std::size_t count :
       {std::size_t{1}, std::size_t{512}, std::size_t{1000}, std::size_t{4096}}) {
    const bool both = count <= most_standard_resources;
    Workload many{.name = "threads, " + std::to_string(count) + " resources",
                  .text = "one thread takes and frees a block of 64 bytes of each of " +
                          std::to_string(count) + " in turn",
                  .operation = "block taken and freed",
                  .operations = Many<NoHeap>::operations,
                  .counted = count == 512};
    many.add<Many, NoHeap>(Role::loop, {}, count);
    many.add<Many, OurResource>(
        Role::ours, both ? std::vector<Bound>{{StandardResource::name, 2.0}} : std::vector<Bound>(),
        count);
    if (both)
      many.add<Many, StandardResource>(Role::peer, {}, count);
    result.push_back(std::move(many));
  }
}

} // namespace threads

std::vector<Workload> thread_block_workloads() {
  using namespace threads;
  std::vector<Workload> result;
  add_blocks(result);
  add_sizes(result);
  add_many(result);
  return result;
}

} // namespace bench
