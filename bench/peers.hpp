// The peers: each in a small class, called as its users call it. `allocate` and `reset` are what a
// bump workload asks of it; the pools, stacks and typed interfaces that some of them have besides
// are in the files of the workloads that need them.
#pragma once

#include "cells.hpp"
#include "ours.hpp"

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <memory_resource>
#include <new>

#ifdef ALLOT_BENCH_APR
#include <apr_general.h>
#include <apr_pools.h>
#endif
#ifdef ALLOT_BENCH_FOONATHAN
#include <foonathan/memory/memory_stack.hpp>
#endif
#ifdef ALLOT_BENCH_LLVM
#include <llvm/Support/Allocator.h>
#endif
#ifdef ALLOT_BENCH_MIMALLOC
#include <mimalloc.h>
#endif
#ifdef ALLOT_BENCH_OBSTACK
#include <obstack.h>
#endif
#ifdef ALLOT_BENCH_PROTOBUF
#include <google/protobuf/arena.h>
#endif
#ifdef ALLOT_BENCH_TALLOC
#include <talloc.h>
#endif
#ifdef ALLOT_BENCH_TBB
#define TBB_PREVIEW_MEMORY_POOL 1
#include <oneapi/tbb/memory_pool.h>
#include <oneapi/tbb/scalable_allocator.h>
#endif
#ifdef ALLOT_BENCH_TCMALLOC
#include <gperftools/tcmalloc.h>
#endif

namespace bench {

// ---------------------------------------------------------------- allocators of the malloc family

struct Glibc {
  static constexpr const char* name = "glibc malloc";
  static void* allocate(std::size_t bytes) { return std::malloc(bytes); }
  static void* allocate(std::size_t bytes, std::size_t alignment) {
    return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  }
  static void* reallocate(void* p, std::size_t bytes) { return std::realloc(p, bytes); }
  static void deallocate(void* p) { std::free(p); }
};

#ifdef ALLOT_BENCH_JEMALLOC
/// jemalloc has no other names for its functions than malloc's, so they are looked up. A call
/// through a pointer costs what a program's call through the linker's table does.
struct Jemalloc {
  static constexpr const char* name = "jemalloc";
  static void* allocate(std::size_t bytes) { return malloc_(bytes); }
  static void* allocate(std::size_t bytes, std::size_t alignment) {
    return aligned_alloc_(alignment, (bytes + alignment - 1) / alignment * alignment);
  }
  static void* reallocate(void* p, std::size_t bytes) { return realloc_(p, bytes); }
  static void deallocate(void* p) { free_(p); }

private:
  static decltype(&std::malloc) const malloc_;
  static decltype(&std::aligned_alloc) const aligned_alloc_;
  static decltype(&std::realloc) const realloc_;
  static decltype(&std::free) const free_;
};
#else
struct Jemalloc : Absent {};
#endif

#ifdef ALLOT_BENCH_MIMALLOC
struct Mimalloc {
  static constexpr const char* name = "mimalloc";
  static void* allocate(std::size_t bytes) { return mi_malloc(bytes); }
  static void* allocate(std::size_t bytes, std::size_t alignment) {
    return mi_malloc_aligned(bytes, alignment);
  }
  static void* reallocate(void* p, std::size_t bytes) { return mi_realloc(p, bytes); }
  static void deallocate(void* p) { mi_free(p); }
};

/// A first-class heap, dropped as a whole.
class MimallocHeap {
public:
  static constexpr const char* name = "mimalloc heap";
  explicit MimallocHeap(const Need&) {}
  MimallocHeap(const MimallocHeap&) = delete;
  ~MimallocHeap() { mi_heap_destroy(heap_); }
  void* allocate(std::size_t bytes) { return mi_heap_malloc(heap_, bytes); }
  void* allocate(std::size_t bytes, std::size_t alignment) {
    return mi_heap_malloc_aligned(heap_, bytes, alignment);
  }
  void reset() {
    mi_heap_destroy(heap_);
    heap_ = mi_heap_new();
  }

private:
  mi_heap_t* heap_ = mi_heap_new();
};
#else
struct Mimalloc : Absent {};
struct MimallocHeap : Absent {};
#endif

#ifdef ALLOT_BENCH_TBB
struct TbbMalloc {
  static constexpr const char* name = "TBB scalable_malloc";
  static void* allocate(std::size_t bytes) { return scalable_malloc(bytes); }
  static void* allocate(std::size_t bytes, std::size_t alignment) {
    return scalable_aligned_malloc(bytes, alignment);
  }
  static void* reallocate(void* p, std::size_t bytes) { return scalable_realloc(p, bytes); }
  static void deallocate(void* p) { scalable_free(p); }
};

class TbbPool {
public:
  static constexpr const char* name = "TBB fixed_pool";
  explicit TbbPool(const Need& need)
      : bytes_(2 * need.bytes + (std::size_t{1} << 20)), memory_(memory(bytes_)),
        pool_(memory_.get(), bytes_) {}
  void* allocate(std::size_t bytes) { return pool_.malloc(bytes); }
  void reset() { pool_.recycle(); }

private:
  std::size_t bytes_;
  Memory memory_;
  tbb::fixed_pool pool_;
};
#else
struct TbbMalloc : Absent {};
struct TbbPool : Absent {};
#endif

#ifdef ALLOT_BENCH_TCMALLOC
struct Tcmalloc {
  static constexpr const char* name = "tcmalloc";
  static void* allocate(std::size_t bytes) { return tc_malloc(bytes); }
  static void* allocate(std::size_t bytes, std::size_t alignment) {
    return tc_memalign(alignment, bytes);
  }
  static void* reallocate(void* p, std::size_t bytes) { return tc_realloc(p, bytes); }
  static void deallocate(void* p) { tc_free(p); }
};
#else
struct Tcmalloc : Absent {};
#endif

/// An allocator that must be given back every allocation by itself.
template <class Malloc>
class OneByOne {
public:
  static constexpr const char* name = Malloc::name;
  explicit OneByOne(const Need& need) : live_(std::make_unique<void*[]>(need.allocations)) {}
  OneByOne(const OneByOne&) = delete;
  ~OneByOne() { reset(); }
  void* allocate(std::size_t bytes) { return live_[count_++] = Malloc::allocate(bytes); }
  void* allocate(std::size_t bytes, std::size_t alignment) {
    return live_[count_++] = Malloc::allocate(bytes, alignment);
  }
  void reset() {
    for (std::size_t i = 0; i != count_; ++i)
      Malloc::deallocate(live_[i]);
    count_ = 0;
  }

private:
  std::unique_ptr<void*[]> live_;
  std::size_t count_ = 0;
};
template <std::derived_from<Absent> Malloc>
class OneByOne<Malloc> : public Absent {};

// ---------------------------------------------------------------------- arenas and bump allocators

class PmrMonotonic {
public:
  static constexpr const char* name = "std::pmr monotonic";
  explicit PmrMonotonic(const Need& need)
      : memory_(memory(need.bytes)), resource_(memory_.get(), need.bytes) {}
  void* allocate(std::size_t bytes) { return resource_.allocate(bytes, 8); }
  void* allocate(std::size_t bytes, std::size_t alignment) {
    return resource_.allocate(bytes, alignment);
  }
  void reset() { resource_.release(); }

private:
  Memory memory_;
  std::pmr::monotonic_buffer_resource resource_;
};

/// As containers call it: a virtual function of a resource they do not know.
class PmrMonotonicBase {
public:
  static constexpr const char* name = "std::pmr monotonic, base";
  explicit PmrMonotonicBase(const Need& need)
      : memory_(memory(need.bytes)), resource_(memory_.get(), need.bytes) {
    asm volatile("" : "+r"(base_));
  }
  PmrMonotonicBase(const PmrMonotonicBase&) = delete;
  void* allocate(std::size_t bytes) { return base_->allocate(bytes, 8); }
  void* allocate(std::size_t bytes, std::size_t alignment) {
    return base_->allocate(bytes, alignment);
  }
  void reset() { resource_.release(); }

private:
  Memory memory_;
  std::pmr::monotonic_buffer_resource resource_;
  std::pmr::memory_resource* base_ = &resource_;
};

#ifdef ALLOT_BENCH_FOONATHAN
class FoonathanStack {
public:
  static constexpr const char* name = "foonathan memory_stack";
  explicit FoonathanStack(const Need& need) : stack_(stack_.min_block_size(need.bytes)) {}
  void* allocate(std::size_t bytes) { return stack_.allocate(bytes, 8); }
  void* allocate(std::size_t bytes, std::size_t alignment) {
    return stack_.allocate(bytes, alignment);
  }
  void reset() { stack_.unwind(bottom_); }

private:
  foonathan::memory::memory_stack<> stack_;
  foonathan::memory::memory_stack<>::marker bottom_ = stack_.top();
};
#else
struct FoonathanStack : Absent {};
#endif

#ifdef ALLOT_BENCH_LLVM
template <class Allocator>
class Llvm {
public:
  static constexpr const char* name = std::is_same_v<Allocator, llvm::BumpPtrAllocator>
                                          ? "LLVM BumpPtrAllocator"
                                          : "LLVM, slabs of 1 MiB";
  explicit Llvm(const Need&) {}
  void* allocate(std::size_t bytes) { return allocator_.Allocate(bytes, llvm::Align(8)); }
  void* allocate(std::size_t bytes, std::size_t alignment) {
    return allocator_.Allocate(bytes, llvm::Align(alignment));
  }
  void reset() { allocator_.Reset(); }

private:
  Allocator allocator_;
};
using LlvmDefault = Llvm<llvm::BumpPtrAllocator>;
using LlvmLarge = Llvm<llvm::BumpPtrAllocatorImpl<llvm::MallocAllocator, std::size_t{1} << 20>>;
#else
struct LlvmDefault : Absent {};
struct LlvmLarge : Absent {};
#endif

#ifdef ALLOT_BENCH_PROTOBUF
class ProtobufArena {
public:
  static constexpr const char* name = "protobuf Arena";
  explicit ProtobufArena(const Need& need)
      : bytes_(need.bytes + 1024), memory_(memory(bytes_)),
        arena_(reinterpret_cast<char*>(memory_.get()), bytes_) {}
  void* allocate(std::size_t bytes) {
    return google::protobuf::Arena::CreateArray<char>(&arena_, bytes);
  }
  void reset() { arena_.Reset(); }

private:
  std::size_t bytes_;
  Memory memory_;
  google::protobuf::Arena arena_;
};
#else
struct ProtobufArena : Absent {};
#endif

#ifdef ALLOT_BENCH_OBSTACK
class Obstack {
public:
  static constexpr const char* name = "GNU obstack";
  explicit Obstack(const Need& need) {
    obstack_specify_allocation(&obstack_, static_cast<int>(need.bytes + 64), 8, std::malloc,
                               std::free);
    bottom_ = allocate(8);
  }
  Obstack(const Obstack&) = delete;
  ~Obstack() { obstack_free(&obstack_, nullptr); }
  void* allocate(std::size_t bytes) { return obstack_alloc(&obstack_, static_cast<int>(bytes)); }
  /// Takes back all since `p`, and `p`.
  void release(void* p) { obstack_free(&obstack_, p); }
  void reset() {
    release(bottom_);
    bottom_ = allocate(8);
  }

private:
  obstack obstack_;
  void* bottom_;
};
#else
struct Obstack : Absent {};
#endif

#ifdef ALLOT_BENCH_APR
class AprPool {
public:
  static constexpr const char* name = "APR pool";
  explicit AprPool(const Need&) {
    static const apr_status_t initialized = apr_initialize();
    if (initialized != APR_SUCCESS || apr_pool_create(&pool_, nullptr) != APR_SUCCESS)
      throw std::bad_alloc();
  }
  AprPool(const AprPool&) = delete;
  ~AprPool() { apr_pool_destroy(pool_); }
  void* allocate(std::size_t bytes) { return apr_palloc(pool_, bytes); }
  void reset() { apr_pool_clear(pool_); }
  [[nodiscard]] apr_pool_t* get() const { return pool_; }

private:
  apr_pool_t* pool_ = nullptr;
};
#else
struct AprPool : Absent {};
#endif

#ifdef ALLOT_BENCH_TALLOC
class TallocPool {
public:
  static constexpr const char* name = "talloc pool";
  explicit TallocPool(const Need& need)
      : pool_(talloc_pool(nullptr, need.bytes + need.allocations * header)) {}
  TallocPool(const TallocPool&) = delete;
  ~TallocPool() { talloc_free(pool_); }
  void* allocate(std::size_t bytes) { return talloc_size(pool_, bytes); }
  void reset() { talloc_free_children(pool_); }

private:
  static constexpr std::size_t header = 128; // at least, of each allocation
  void* pool_;
};
#else
struct TallocPool : Absent {};
#endif

#ifdef ALLOT_BENCH_BUMPALO
/// Its loops are in bumpalo.rs, so that it inlines into them.
struct Bumpalo {
  static constexpr const char* name = "bumpalo";
};
#else
struct Bumpalo : Absent {};
#endif

} // namespace bench
