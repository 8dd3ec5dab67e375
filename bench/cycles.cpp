// What comes round again: scratch memory that is gone back from, a region for each request, and
// resets that zero.
#include "cells.hpp"
#include "ours.hpp"
#include "peers.hpp"

#include <cstddef>
#include <cstring>
#include <memory>
#include <memory_resource>

namespace bench {

namespace cycles {

constexpr std::size_t room = 64 * 1024;

// ------------------------------------------------------------------------------------------
// scratch

// `scoped` runs a body, and takes back what it allocated.

struct NoScratch : Nothing {
  NoScratch() : Nothing(Need{}) {}
  template <class Body>
  void scoped(Body body) {
    body();
  }
};

struct IdealScratch : Ideal {
  IdealScratch() : Ideal(Need{1, room}) {}
  template <class Body>
  void scoped(Body body) {
    std::byte* const before = head;
    body();
    head = before;
  }
};

template <class Strategy>
struct OurScratch {
  static constexpr const char* name = name_of<Strategy>;
  void* allocate(std::size_t bytes) { return strategy.allocate(bytes); }
  template <class Body>
  void scoped(Body body) {
    const auto scope = strategy.scope();
    body();
  }
  Strategy strategy = make<Strategy>(room, false);
};

#ifdef ALLOT_BENCH_FOONATHAN
struct FoonathanScratch {
  using Stack = foonathan::memory::memory_stack<>;
  static constexpr const char* name = FoonathanStack::name;
  void* allocate(std::size_t bytes) { return stack.allocate(bytes, 8); }
  template <class Body>
  void scoped(Body body) {
    const foonathan::memory::memory_stack_raii_unwind<Stack> unwind(stack);
    body();
  }
  Stack stack{Stack::min_block_size(room)};
};
#else
struct FoonathanScratch : Absent {};
#endif

#ifdef ALLOT_BENCH_OBSTACK
struct ObstackScratch : Obstack {
  ObstackScratch() : Obstack(Need{1, room}) {}
  template <class Body>
  void scoped(Body body) {
    void* const before = allocate(8);
    body();
    release(before);
  }
};
#else
struct ObstackScratch : Absent {};
#endif

#ifdef ALLOT_BENCH_APR
// A pool below a pool is what its users take for this.
struct AprScratch {
  static constexpr const char* name = "APR subpool";
  void* allocate(std::size_t bytes) { return apr_palloc(inner, bytes); }
  template <class Body>
  void scoped(Body body) {
    apr_pool_create(&inner, outer.get());
    body();
    apr_pool_destroy(inner);
  }
  AprPool outer{Need{}};
  apr_pool_t* inner = nullptr;
};
#else
struct AprScratch : Absent {};
#endif

#ifdef ALLOT_BENCH_TALLOC
struct TallocScratch {
  static constexpr const char* name = "talloc context in a pool";
  TallocScratch() = default;
  TallocScratch(const TallocScratch&) = delete;
  ~TallocScratch() { talloc_free(outer); }
  void* allocate(std::size_t bytes) { return talloc_size(inner, bytes); }
  template <class Body>
  void scoped(Body body) {
    inner = talloc_new(outer);
    body();
    talloc_free(inner);
  }
  void* outer = talloc_pool(nullptr, room);
  void* inner = nullptr;
};
#else
struct TallocScratch : Absent {};
#endif

template <class Scratch>
class ScratchCycle final : public Runner {
public:
  static constexpr std::size_t operations = 1024;

  ScratchCycle() { ScratchCycle::round(); }
  void round() override {
    for (std::size_t done = 0; done != operations; ++done)
      scratch_.scoped([this] {
        for (std::size_t i = 0; i != 16; ++i)
          touch(scratch_.allocate(32), i);
      });
  }

private:
  Scratch scratch_;
};

Workload scratch_workload() {
  Workload result{.name = "scratch cycle",
                  .text = "a scope, 16 allocations of 32 bytes in it, and its end",
                  .operation = "scope",
                  .operations = ScratchCycle<NoScratch>::operations};
  result.add<ScratchCycle, NoScratch>(Role::loop, {});
  result.add<ScratchCycle, IdealScratch>(Role::floor, {});
  result.add<ScratchCycle, OurScratch<allot::Scratch>>(Role::ours, {});
  result.add<ScratchCycle, OurScratch<allot::Region>>(Role::ours, {});
  result.add<ScratchCycle, OurScratch<allot::MappedArena>>(Role::ours, {});
  result.add_peers<ScratchCycle, FoonathanScratch, ObstackScratch, AprScratch, TallocScratch>();
  return result;
}

// -----------------------------------------------------------------------------------------
// requests

// A request: an allocator from nothing, 1000 allocations of 64 bytes, and its end.
template <class A>
class Request final : public Runner {
public:
  Request() { Request::round(); }
  void round() override {
    A allocator(Need{allocations, allocations * 64});
    for (std::size_t i = 0; i != allocations; ++i)
      touch(allocator.allocate(64), i);
  }
  static constexpr std::size_t allocations = 1000;
};

/// Without being told how much it will be.
struct PmrGrowing {
  static constexpr const char* name = PmrMonotonic::name;
  explicit PmrGrowing(const Need&) {}
  void* allocate(std::size_t bytes) { return resource.allocate(bytes, 8); }
  std::pmr::monotonic_buffer_resource resource;
};

Workload request_workload() {
  Workload result{.name = "request",
                  .text = "an allocator made, 1000 allocations of 64 bytes, and its end",
                  .operation = "allocation",
                  .operations = Request<Nothing>::allocations};
  result.add<Request, Nothing>(Role::loop, {});
  result.add<Request, Ideal>(Role::floor, {});
  result.add<Request, NotZeroing<allot::Region>>(Role::ours, {});
  result.add<Request, NotZeroing<allot::Arena>>(Role::ours, {});
  result.add_peers<Request, PmrGrowing, FoonathanStack, LlvmDefault, LlvmLarge, ProtobufArena,
                   Obstack, AprPool, TallocPool, MimallocHeap, OneByOne<Glibc>>();
  return result;
}

// -------------------------------------------------------------------------------------------
// resets

struct Memset {
  static constexpr const char* name = "memset";
  explicit Memset(std::size_t n) : bytes(memory(n)), size(n) {}
  void* use() { return bytes.get(); }
  void reset() { std::memset(bytes.get(), 0, size); }
  Memory bytes;
  std::size_t size;
};

template <class Strategy>
struct OurReset {
  static constexpr const char* name = name_of<Strategy>;
  explicit OurReset(std::size_t n) : strategy(make<Strategy>(n, true)), size(n) {}
  void* use() { return strategy.allocate(size); }
  void reset() { strategy.reset(); }
  Strategy strategy;
  std::size_t size;
};

template <class Zeroing>
class Reset final : public Runner {
public:
  explicit Reset(std::size_t n) : zeroing_(n) { Reset::round(); }
  void round() override {
    touch(zeroing_.use(), 1);
    zeroing_.reset();
  }

private:
  Zeroing zeroing_;
};

Workload reset_workload(const char* size, std::size_t n) {
  Workload result{.name = std::string("zero on reset, ") + size,
                  .text = std::string(size) + " allocated at once, written to, reset and zeroed",
                  .operation = "reset",
                  .operations = 1,
                  .counted = false}; // how memset works depends on the processor
  const std::vector<Bound> bounds{{Memset::name, 1.1}};
  result.add<Reset, Memset>(Role::floor, {}, n);
  result.add<Reset, OurReset<allot::Bump>>(Role::ours, bounds, n);
  result.add<Reset, OurReset<allot::Arena>>(Role::ours, bounds, n);
  result.add<Reset, OurReset<allot::Scratch>>(Role::ours, bounds, n);
  result.add<Reset, OurReset<allot::Region>>(Role::ours, bounds, n);
  result.add<Reset, OurReset<allot::MappedArena>>(Role::ours, bounds, n);
  return result;
}

} // namespace cycles

std::vector<Workload> cycle_workloads() {
  using namespace cycles;
  std::vector<Workload> result;
  result.push_back(scratch_workload());
  result.push_back(request_workload());
  result.push_back(reset_workload("4 KiB", 4 << 10));
  result.push_back(reset_workload("64 KiB", 64 << 10));
  result.push_back(reset_workload("1 MiB", 1 << 20));
  result.push_back(reset_workload("16 MiB", 16 << 20));
  return result;
}

} // namespace bench
