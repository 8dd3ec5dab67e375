// Memory of any size for several threads: ours, the standard's and the mallocs, each in a small
// class whose `deallocate` is told the size; those that need none leave it.
#pragma once

#include "block_pools.hpp"
#include "ours.hpp"
#include "peers.hpp"

#include <allot/pmr.hpp>
#include <allot/threads/shared_multipool.hpp>

#include <cstddef>
#include <memory_resource>
#include <mutex>

namespace bench::threads {

/// What one does without it: one call after the other.
struct Locked {
  template <class Call>
  auto operator()(Call call) {
    const std::lock_guard lock(mutex);
    return call();
  }
  std::mutex mutex;
};

struct NoHeap {
  static constexpr const char* name = "loop";
  void* allocate(std::size_t) { return Nothing::place; }
  void deallocate(void*, std::size_t) {}
};
struct OurHeap {
  static constexpr const char* name = "allot::SharedMultipool";
  void* allocate(std::size_t bytes) { return pool.allocate(bytes); }
  void deallocate(void* p, std::size_t) { pool.deallocate(p); }
  allot::SharedMultipool pool{{.zero = false}};
};
struct OurHeapAlone : OurHeap {
  static constexpr const char* name = "allot::SharedMultipool, one thread";
};
struct OneThreadsHeap {
  static constexpr const char* name = "allot::Multipool";
  void* allocate(std::size_t bytes) { return pool.allocate(bytes); }
  void deallocate(void* p, std::size_t) { pool.deallocate(p); }
  allot::Multipool pool{{.zero = false}};
};
struct LockedHeap : Locked {
  static constexpr const char* name = "std::mutex, allot::Multipool";
  void* allocate(std::size_t bytes) {
    return (*this)([&] { return pool.allocate(bytes); });
  }
  void deallocate(void* p, std::size_t) {
    (*this)([&] { pool.deallocate(p); });
  }
  allot::Multipool pool{{.zero = false}};
};
template <class R>
inline constexpr const char* resource_name = "std::pmr synchronized_pool";
template <>
inline constexpr const char* resource_name<allot::pmr::synchronized_pool_resource> =
    "allot::pmr synchronized_pool";
// Through the base class, as containers call it.
template <class R>
struct ResourceHeap {
  static constexpr const char* name = resource_name<R>;
  ResourceHeap() { asm volatile("" : "+r"(base)); }
  ResourceHeap(const ResourceHeap&) = delete;
  void* allocate(std::size_t bytes) { return base->allocate(bytes, 8); }
  void deallocate(void* p, std::size_t bytes) { base->deallocate(p, bytes, 8); }
  R resource;
  std::pmr::memory_resource* base = &resource;
};
using OurResource = ResourceHeap<allot::pmr::synchronized_pool_resource>;
using StandardResource = ResourceHeap<std::pmr::synchronized_pool_resource>;
template <class Malloc>
struct MallocHeap {
  static constexpr const char* name = Malloc::name;
  void* allocate(std::size_t bytes) { return Malloc::allocate(bytes); }
  void deallocate(void* p, std::size_t) { Malloc::deallocate(p); }
};
template <std::derived_from<Absent> Malloc>
struct MallocHeap<Malloc> : Absent {};

/// A heap that is asked for blocks of 64 bytes.
template <class Heap>
struct PoolOf {
  static constexpr const char* name = Heap::name;
  explicit PoolOf(std::size_t) {}
  void* allocate() { return heap.allocate(block_bytes); }
  void deallocate(void* p) { heap.deallocate(p, block_bytes); }
  Heap heap;
};
template <std::derived_from<Absent> Heap>
struct PoolOf<Heap> : Absent {};

} // namespace bench::threads
