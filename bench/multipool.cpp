// Memory of any size that comes and goes one by one, as from malloc.
#include "block_pools.hpp"
#include "cells.hpp"
#include "ours.hpp"
#include "peers.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory_resource>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace bench {

namespace singly {

// Each heap's `deallocate` is told the size; those that take none leave it.

struct NoHeap {
  static constexpr const char* name = "loop";
  void* allocate(std::size_t) { return Nothing::place; }
  void deallocate(void*, std::size_t) {}
};

/// Every check is on; it has no switch.
template <bool zero>
struct OurHeap {
  static constexpr const char* name = zero ? "allot::Multipool, zeroing" : "allot::Multipool";
  void* allocate(std::size_t bytes) { return pool.allocate(bytes); }
  void deallocate(void* p, std::size_t) { pool.deallocate(p); }
  void* reallocate(void* p, std::size_t bytes) { return pool.reallocate(p, bytes); }
  allot::Multipool pool{{.zero = zero}};
};

template <class Malloc>
struct MallocHeap {
  static constexpr const char* name = Malloc::name;
  void* allocate(std::size_t bytes) { return Malloc::allocate(bytes); }
  void deallocate(void* p, std::size_t) { Malloc::deallocate(p); }
  void* reallocate(void* p, std::size_t bytes) { return Malloc::reallocate(p, bytes); }
};
template <std::derived_from<Absent> Malloc>
struct MallocHeap<Malloc> : Absent {};

#ifdef ALLOT_BENCH_MIMALLOC
/// A first-class heap, of one thread.
class OwnMimalloc {
public:
  static constexpr const char* name = MimallocHeap::name;
  OwnMimalloc() = default;
  OwnMimalloc(const OwnMimalloc&) = delete;
  ~OwnMimalloc() { mi_heap_destroy(heap_); }
  void* allocate(std::size_t bytes) { return mi_heap_malloc(heap_, bytes); }
  void deallocate(void* p, std::size_t) { mi_free(p); }
  void* reallocate(void* p, std::size_t bytes) { return mi_heap_realloc(heap_, p, bytes); }

private:
  mi_heap_t* heap_ = mi_heap_new();
};
#else
struct OwnMimalloc : Absent {};
#endif

struct PmrHeap {
  static constexpr const char* name = PmrPool::name;
  void* allocate(std::size_t bytes) { return pool.allocate(bytes, 8); }
  void deallocate(void* p, std::size_t bytes) { pool.deallocate(p, bytes, 8); }
  std::pmr::unsynchronized_pool_resource pool;
};

/// What a container asks of a heap.
template <class T, class Heap>
struct From {
  using value_type = T;
  explicit From(Heap& from) : heap(&from) {}
  template <class U>
  From(const From<U, Heap>& other) : heap(other.heap) {} // NOLINT: an allocator converts
  T* allocate(std::size_t n) { return static_cast<T*>(heap->allocate(n * sizeof(T))); }
  void deallocate(T* p, std::size_t n) { heap->deallocate(p, n * sizeof(T)); }
  friend bool operator==(const From& a, const From& b) { return a.heap == b.heap; }
  Heap* heap;
};

[[nodiscard]] std::vector<std::size_t> some_sizes(std::size_t n, std::size_t least,
                                                  std::size_t most) {
  std::mt19937 random(3);
  std::vector<std::size_t> sizes(n);
  for (std::size_t& bytes : sizes)
    bytes = least + random() % (most - least + 1);
  return sizes;
}

// Takes n blocks of 64 bytes, then frees them, the newest first.
template <class Heap>
class Lifo final : public Runner {
public:
  static constexpr std::size_t n = 1000;
  Lifo() { Lifo::round(); }
  void round() override {
    for (std::size_t i = 0; i != n; ++i)
      touch(live_[i] = heap_.allocate(block_bytes), i);
    for (std::size_t i = n; i-- != 0;)
      heap_.deallocate(live_[i], block_bytes);
  }

private:
  Heap heap_;
  void* live_[n] = {};
};

// Of n blocks in use frees one at random, and takes one of another size.
template <class Heap>
class Random final : public Runner {
public:
  static constexpr std::size_t operations = 4096;

  Random(std::size_t n, std::size_t least, std::size_t most)
      : live_(n), order_(shuffled(n)), sizes_(some_sizes(n + operations, least, most)) {
    for (std::size_t i = 0; i != n; ++i)
      take(live_[i], sizes_[i]);
    for (std::size_t done = 0; done < 2 * n; done += operations)
      Random::round();
  }
  ~Random() override {
    for (const Block& block : live_)
      heap_.deallocate(block.p, block.bytes);
  }
  void round() override {
    for (std::size_t i = 0; i != operations; ++i) {
      Block& block = live_[order_[next_]];
      heap_.deallocate(block.p, block.bytes);
      take(block, sizes_[next_ + i]);
      if (++next_ == order_.size())
        next_ = 0;
    }
  }

private:
  struct Block {
    void* p;
    std::size_t bytes;
  };
  void take(Block& block, std::size_t bytes) {
    block = {heap_.allocate(bytes), bytes};
    touch(block.p, bytes);
  }

  Heap heap_;
  std::vector<Block> live_;
  std::vector<std::uint32_t> order_;
  std::vector<std::size_t> sizes_;
  std::size_t next_ = 0;
};

// A map of n numbers, put in at random, and destroyed.
template <class Heap>
class Map final : public Runner {
public:
  explicit Map(std::size_t n) : keys_(shuffled(n)) { Map::round(); }
  void round() override {
    Numbers numbers(From<Number, Heap>{heap_});
    for (const std::uint32_t key : keys_)
      numbers.emplace(static_cast<int>(key), 0);
    asm volatile("" : : "r"(&numbers) : "memory");
  }

private:
  using Number = std::pair<const int, int>;
  using Numbers = std::map<int, int, std::less<>, From<Number, Heap>>;
  Heap heap_;
  std::vector<std::uint32_t> keys_;
};

// A vector of n strings of 30 to 50 characters, which grows; then destroyed.
template <class Heap>
class Strings final : public Runner {
public:
  static constexpr std::size_t n = 20'000;
  Strings() { Strings::round(); }
  void round() override {
    using String = std::basic_string<char, std::char_traits<char>, From<char, Heap>>;
    std::vector<String, From<String, Heap>> strings{From<String, Heap>(heap_)};
    for (std::size_t i = 0; i != n; ++i)
      strings.emplace_back(30 + i * 7 % 21, 'x', From<char, Heap>(heap_));
    asm volatile("" : : "r"(strings.data()) : "memory");
  }

private:
  Heap heap_;
};

// 64 arrays that grow by a half in turn, from 16 bytes to 64 KiB, and are freed.
template <class Heap>
class Growth final : public Runner {
public:
  static constexpr std::size_t arrays = 64;
  static constexpr std::size_t largest = 65536;
  static constexpr std::size_t operations = [] {
    std::size_t steps = 0;
    for (std::size_t bytes = 16; bytes <= largest; bytes += bytes / 2)
      ++steps;
    return steps * arrays;
  }();
  Growth() { Growth::round(); }
  void round() override {
    void* live[arrays] = {};
    std::size_t last = 0;
    for (std::size_t bytes = 16; bytes <= largest; last = bytes, bytes += bytes / 2) {
      for (void*& p : live) {
        p = heap_.reallocate(p, bytes);
        std::memset(static_cast<std::byte*>(p) + last, 1, bytes - last);
        asm volatile("" : : "r"(p) : "memory");
      }
    }
    for (void* const p : live)
      heap_.deallocate(p, last);
  }

private:
  Heap heap_;
};

// Two arrays that grow in turn by 1 MiB to 64 MiB, each in the other's way, and are freed.
template <class Heap>
class Large final : public Runner {
public:
  static constexpr std::size_t step = 1048576;
  static constexpr std::size_t largest = 64 * step;
  static constexpr std::size_t operations = 2 * (largest / step);
  Large() { Large::round(); }
  void round() override {
    void* live[2] = {};
    for (std::size_t bytes = step; bytes <= largest; bytes += step) {
      for (void*& p : live) {
        p = heap_.reallocate(p, bytes);
        for (std::size_t at = bytes - step; at != bytes; at += 4096)
          touch(static_cast<std::byte*>(p) + at, at);
      }
    }
    for (void* const p : live)
      heap_.deallocate(p, largest);
  }

private:
  Heap heap_;
};

template <template <class> class Run, class... Args>
void add_heaps(Workload& workload, std::vector<Bound> bounds, const Args&... args) {
  workload.add<Run, OurHeap<false>>(Role::ours, std::move(bounds), args...);
  workload.add<Run, OurHeap<true>>(Role::ours, {}, args...);
  workload.add_peers<Run, MallocHeap<Glibc>, MallocHeap<Mimalloc>, OwnMimalloc,
                     MallocHeap<Jemalloc>, MallocHeap<Tcmalloc>, MallocHeap<TbbMalloc>>(args...);
}

} // namespace singly

std::vector<Workload> multipool_workloads() {
  using namespace singly;
  std::vector<Workload> result;

  Workload lifo{.name = "heap, 64 B, LIFO, 10^3",
                .text = "1,000 blocks of 64 bytes taken from a heap for any size, then freed, the "
                        "newest first",
                .operation = "block taken and freed",
                .operations = Lifo<NoHeap>::n};
  lifo.add<Lifo, NoHeap>(Role::loop, {});
  add_heaps<Lifo>(
      lifo, {{"mimalloc", 1.3}, {"mimalloc heap", 1.3}, {"tcmalloc", 1.2}, {every_peer, 1.0}});
  lifo.add_peers<Lifo, PmrHeap>();
  result.push_back(std::move(lifo));

  struct Load {
    const char* name;
    const char* text;
    std::size_t n, least, most;
    bool counted;
    std::vector<Bound> bounds;
  };
  const Load loads[] = {
      {"heap, 64 B, random, 10^5",
       "64 bytes, of 10^5 in use",
       100'000,
       64,
       64,
       false,
       {{every_peer, 1.0}}},
      {"heap, 16-1024 B, random, 10^4",
       "16 to 1,024 bytes, of 10^4 in use",
       10'000,
       16,
       1024,
       true,
       {{"tcmalloc", 1.35}, {"mimalloc", 1.2}, {"mimalloc heap", 1.2}, {every_peer, 1.0}}},
  };
  for (const Load& load : loads) {
    Workload random{.name = load.name,
                    .text = std::string("blocks of ") + load.text +
                            ": one freed at random, then one taken",
                    .operation = "block freed and taken",
                    .operations = Random<NoHeap>::operations,
                    .counted = load.counted};
    random.add<Random, NoHeap>(Role::loop, {}, load.n, load.least, load.most);
    add_heaps<Random>(random, load.bounds, load.n, load.least, load.most);
    random.add_peers<Random, PmrHeap>(load.n, load.least, load.most);
    result.push_back(std::move(random));
  }

  const std::size_t n = 200'000;
  Workload map{.name = "heap, std::map",
               .text = "a std::map of 200,000 numbers, put in at random, and destroyed",
               .operation = "number put in and destroyed",
               .operations = n,
               .counted = false};
  add_heaps<Map>(map, {{"mimalloc", 1.1}, {"jemalloc", 1.1}, {every_peer, 1.0}}, n);
  map.add_peers<Map, PmrHeap>(n);
  result.push_back(std::move(map));

  Workload strings{.name = "heap, strings",
                   .text = "a std::vector of 20,000 strings of 30 to 50 characters, which grows, "
                           "and is destroyed",
                   .operation = "string made and destroyed",
                   .operations = Strings<NoHeap>::n,
                   .counted = false};
  add_heaps<Strings>(strings, {{"mimalloc", 1.2}, {"mimalloc heap", 1.2}, {every_peer, 1.0}});
  strings.add_peers<Strings, PmrHeap>();
  result.push_back(std::move(strings));

  Workload growth{.name = "heap, growth",
                  .text = "64 arrays reallocated in turn, by a half more each time, from 16 bytes "
                          "to 64 KiB, and filled",
                  .operation = "growth",
                  .operations = Growth<OurHeap<false>>::operations,
                  .counted = false};
  add_heaps<Growth>(growth, {{every_peer, 1.0}});
  result.push_back(std::move(growth));

  Workload large{.name = "heap, growth to 64 MiB",
                 .text = "two arrays reallocated in turn, by 1 MiB more each time, to 64 MiB, each "
                         "page written to",
                 .operation = "growth",
                 .operations = Large<OurHeap<false>>::operations,
                 .counted = false};
  add_heaps<Large>(large, {{"glibc malloc", 2.0}});
  result.push_back(std::move(large));
  return result;
}

} // namespace bench
