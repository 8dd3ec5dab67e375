// The loops of the workloads that allocate and then take everything back at once.
#pragma once

#include "cells.hpp"
#include "ours.hpp"
#include "peers.hpp"

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace bench {

inline constexpr std::size_t allocations = 4096; // of a round

/// Sizes from 1 to 256, the same in every run.
[[nodiscard]] inline const std::vector<std::uint32_t>& random_sizes() {
  static const std::vector<std::uint32_t> sizes = [] {
    std::mt19937 random(1);
    std::vector<std::uint32_t> drawn(allocations);
    for (std::uint32_t& size : drawn)
      size = random() % 256 + 1;
    return drawn;
  }();
  return sizes;
}

/// Room for `count` allocations of at most `bytes`, each rounded up to the alignment.
[[nodiscard]] constexpr Need need(std::size_t count, std::size_t bytes, std::size_t alignment) {
  return {count, count * ((bytes + alignment - 1) / alignment * alignment) + alignment};
}

template <class A, std::size_t alignment>
void* allocate(A& allocator, std::size_t bytes) {
  if constexpr (alignment == 8)
    return allocator.allocate(bytes);
  else
    return allocator.allocate(bytes, alignment);
}

/// A size that the compiler knows.
template <class A, std::size_t bytes, std::size_t alignment>
class FixedRun final : public Runner {
public:
  FixedRun() { FixedRun::round(); }
  void round() override {
    for (std::size_t i = 0; i != allocations; ++i)
      touch(allocate<A, alignment>(allocator_, bytes), i);
    allocator_.reset();
  }

private:
  A allocator_{need(allocations, bytes, alignment)};
};

/// Sizes that it does not know.
template <class A, std::size_t alignment>
class ListedRun final : public Runner {
public:
  ListedRun() { ListedRun::round(); }
  void round() override {
    const std::uint32_t* const sizes = sizes_;
    for (std::size_t i = 0; i != allocations; ++i)
      touch(allocate<A, alignment>(allocator_, sizes[i]), i);
    allocator_.reset();
  }

private:
  const std::uint32_t* sizes_ = random_sizes().data();
  A allocator_{need(allocations, 256, alignment)};
};

/// All that allocate at an alignment of 8.
template <template <class> class Run>
void add_bump_peers(Workload& workload) {
  workload.add_peers<Run, PmrMonotonic, PmrMonotonicBase, FoonathanStack, LlvmDefault, LlvmLarge,
                     ProtobufArena, Obstack, AprPool, TallocPool, TbbPool, OneByOne<Glibc>,
                     OneByOne<Mimalloc>, MimallocHeap, OneByOne<Jemalloc>, OneByOne<Tcmalloc>,
                     OneByOne<TbbMalloc>>();
}

extern "C" {
struct BumpaloBump;
BumpaloBump* bumpalo_new(std::size_t bytes);
void bumpalo_delete(BumpaloBump* bump);
void bumpalo_16(BumpaloBump* bump, std::size_t count);
void bumpalo_64(BumpaloBump* bump, std::size_t count);
void bumpalo_24_aligned_64(BumpaloBump* bump, std::size_t count);
void bumpalo_listed(BumpaloBump* bump, const std::uint32_t* sizes, std::size_t count);
void bumpalo_listed_aligned_16(BumpaloBump* bump, const std::uint32_t* sizes, std::size_t count);
}

template <class A, void (*loop)(BumpaloBump*, std::size_t), std::size_t bytes,
          std::size_t alignment>
class BumpaloFixedRun final : public Runner {
public:
  BumpaloFixedRun() { BumpaloFixedRun::round(); }
  ~BumpaloFixedRun() override { bumpalo_delete(bump_); }
  void round() override { loop(bump_, allocations); }

private:
  BumpaloBump* const bump_ = bumpalo_new(need(allocations, bytes, alignment).bytes);
};

template <class A, void (*loop)(BumpaloBump*, const std::uint32_t*, std::size_t),
          std::size_t alignment>
class BumpaloListedRun final : public Runner {
public:
  BumpaloListedRun() { BumpaloListedRun::round(); }
  ~BumpaloListedRun() override { bumpalo_delete(bump_); }
  void round() override { loop(bump_, random_sizes().data(), allocations); }

private:
  BumpaloBump* const bump_ = bumpalo_new(need(allocations, 256, alignment).bytes);
};

} // namespace bench
