// Standard containers: their nodes, arrays and texts in our memory, and in that of mallocs.
#include "block_pools.hpp"
#include "cells.hpp"
#include "ours.hpp"
#include "peers.hpp"

#include <allot/allocator.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <memory_resource>
#include <new>
#include <random>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace bench {

namespace containers {

// --------------------------------------------------------- where the containers' memory comes from

// `allocator<T>()` is a container's; `drop` takes back what freeing piece by piece did not.

/// The least that an allocator can be over a malloc.
template <class T, class Malloc>
struct MallocAllocator {
  using value_type = T;
  MallocAllocator() = default;
  template <class U>
  MallocAllocator(const MallocAllocator<U, Malloc>&) noexcept {}
  T* allocate(std::size_t n) {
    void* const p = Malloc::allocate(n * sizeof(T));
    if (p == nullptr) [[unlikely]]
      Ideal::refuse();
    return static_cast<T*>(p);
  }
  void deallocate(T* p, std::size_t) noexcept { Malloc::deallocate(p); }
  template <class U>
  bool operator==(const MallocAllocator<U, Malloc>&) const noexcept {
    return true;
  }
};

template <class Malloc>
struct On {
  static constexpr const char* name = Malloc::name;
  explicit On(const Need&) {}
  template <class T>
  [[nodiscard]] MallocAllocator<T, Malloc> allocator() {
    return {};
  }
  void drop() {}
};
template <std::derived_from<Absent> Malloc>
struct On<Malloc> : Absent {};

template <class Resource>
struct OnResource {
  static constexpr const char* name = std::is_same_v<Resource, std::pmr::monotonic_buffer_resource>
                                          ? "std::pmr monotonic"
                                          : "std::pmr unsynchronized_pool";
  explicit OnResource(const Need&) {}
  template <class T>
  [[nodiscard]] std::pmr::polymorphic_allocator<T> allocator() {
    return &resource;
  }
  void drop() { resource.release(); }
  Resource resource;
};
using OnPmrMonotonic = OnResource<std::pmr::monotonic_buffer_resource>;
using OnPmrPool = OnResource<std::pmr::unsynchronized_pool_resource>;

template <class Strategy>
struct OnBytes {
  static constexpr const char* name = name_of<Strategy>;
  explicit OnBytes(const Need& need) : OnBytes(make<Strategy>(need.bytes, false)) {}
  explicit OnBytes(Strategy made) : strategy(std::move(made)) {}
  template <class T>
  [[nodiscard]] allot::Allocator<T, Strategy> allocator() {
    return strategy;
  }
  void drop() { strategy.reset(); }
  Strategy strategy;
};

struct OnMultipool {
  static constexpr const char* name = "allot::Multipool";
  explicit OnMultipool(const Need&) {}
  template <class T>
  [[nodiscard]] allot::Allocator<T, allot::Multipool> allocator() {
    return pool;
  }
  void drop() {}
  allot::Multipool pool{{.zero = false}};
};

/// On huge pages, which are a matter of one argument here: a map's nodes are visited in no order.
struct OnBlocks {
  static constexpr const char* name = "allot::BlockPool, huge pages";
  explicit OnBlocks(const Need& need)
      : pool(need.bytes / need.allocations, huge(need), {.zero = false}) {}
  [[nodiscard]] static allot::Buffer huge(const Need& need) {
    return allot::Buffer::mapped(need.bytes + need.bytes / 16,
                                 {.huge_pages = allot::HugePages::always});
  }
  template <class T>
  [[nodiscard]] allot::Allocator<T, allot::BlockPool> allocator() {
    return pool;
  }
  void drop() {}
  allot::BlockPool pool;
};
struct OnHugeBump : OnBytes<allot::Bump> {
  static constexpr const char* name = "allot::Bump, huge pages";
  explicit OnHugeBump(const Need& need)
      : OnBytes(allot::Bump(OnBlocks::huge(need), {.zero = false})) {}
};

// ---------------------------------------------------------------------------------- what they hold

constexpr std::size_t keys = 1'000'000;
struct Node { // as large as a std::map<int, int>'s
  std::uint64_t words[5];
};

template <class Memory>
class Map final : public Runner {
public:
  // A round before the first would take most of a second. This touches as much memory, and leaves
  // free nodes in as little order as a map does.
  Map() : order_(shuffled(keys)) {
    auto allocator = memory_.template allocator<Node>();
    std::vector<Node*> nodes(keys);
    for (Node*& node : nodes)
      touch(node = allocator.allocate(1), 0);
    for (const std::uint32_t i : order_)
      allocator.deallocate(nodes[i], 1);
    memory_.drop();
  }
  void round() override {
    using Pair = std::pair<const int, int>;
    {
      std::map<int, int, std::less<>, decltype(memory_.template allocator<Pair>())> map(
          memory_.template allocator<Pair>());
      for (const std::uint32_t key : order_)
        map.emplace(static_cast<int>(key), 0);
      asm volatile("" : : "r"(&map) : "memory");
    }
    memory_.drop();
  }

private:
  std::vector<std::uint32_t> order_;
  Memory memory_{Need{keys, keys * sizeof(Node)}};
};

constexpr std::size_t texts = 100'000;

template <class Memory>
class Texts final : public Runner {
public:
  Texts() : lengths_(texts) {
    std::mt19937 random(3);
    for (std::uint8_t& length : lengths_)
      length = static_cast<std::uint8_t>(20 + random() % 41);
    Texts::round();
  }
  void round() override {
    using Chars = decltype(memory_.template allocator<char>());
    using String = std::basic_string<char, std::char_traits<char>, Chars>;
    {
      const std::string_view text = "a text of sixty characters, some of which go into the string";
      const Chars chars = memory_.template allocator<char>();
      std::vector<String, decltype(memory_.template allocator<String>())> all(
          memory_.template allocator<String>());
      for (const std::uint8_t length : lengths_) {
        if constexpr (std::is_constructible_v<Chars, std::pmr::memory_resource*>)
          all.emplace_back(text.substr(0, length)); // which passes the resource on by itself
        else
          all.emplace_back(text.substr(0, length), chars);
      }
      asm volatile("" : : "r"(&all) : "memory");
    }
    memory_.drop();
  }

private:
  std::vector<std::uint8_t> lengths_;
  Memory memory_{Need{texts, 32 * (std::size_t{1} << 20)}};
};

} // namespace containers

std::vector<Workload> container_workloads() {
  using namespace containers;
  const std::vector<Bound> mallocs{{every_peer, 1.0}};

  Workload map{.name = "map, 10^6 random keys",
               .text = "10^6 ints inserted into a std::map in random order, then the map's end",
               .operation = "element",
               .operations = keys,
               .counted = false};
  // Which frees node by node; mimalloc and tcmalloc are ahead of it.
  map.add<Map, OnBlocks>(Role::ours, {{Glibc::name, 1.0}});
  map.add<Map, OnHugeBump>(Role::ours, mallocs);
  map.add<Map, OnBytes<allot::Bump>>(Role::ours, mallocs);
  map.add_peers<Map, On<Glibc>, On<Jemalloc>, On<Mimalloc>, On<Tcmalloc>>();

  Workload vector{.name = "vector of strings, 10^5",
                  .text = "10^5 strings of 20 to 60 bytes added to a std::vector, then its end",
                  .operation = "string",
                  .operations = texts,
                  .counted = false};
  vector.add<Texts, OnMultipool>(Role::ours, {});
  vector.add<Texts, OnBytes<allot::Bump>>(Role::ours, mallocs);
  vector.add<Texts, OnBytes<allot::Region>>(Role::ours, mallocs);
  vector.add<Texts, OnPmrPool>(Role::reference, {});
  vector.add<Texts, OnPmrMonotonic>(Role::reference, {});
  vector.add_peers<Texts, On<Glibc>, On<Jemalloc>, On<Mimalloc>, On<Tcmalloc>>();
  return {map, vector};
}

} // namespace bench
