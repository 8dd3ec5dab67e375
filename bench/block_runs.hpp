// The loops of the workloads on blocks that come and go one by one: of any allocator that is made
// for a number of blocks, as in block_pools.hpp.
#pragma once

#include "block_pools.hpp"
#include "cells.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace bench::blocks {

// Takes n blocks, then frees them, the newest first.
template <class Pool>
class Lifo final : public Runner {
public:
  explicit Lifo(std::size_t n) : pool_(n), live_(n) { Lifo::round(); }
  void round() override {
    const std::size_t n = live_.size();
    void** const live = live_.data();
    for (std::size_t i = 0; i != n; ++i) {
      live[i] = pool_.allocate();
      touch(live[i], i);
    }
    for (std::size_t i = n; i-- != 0;)
      pool_.deallocate(live[i]);
  }

private:
  Pool pool_;
  std::vector<void*> live_;
};

// Of n blocks `live` are in use. Frees `batch` of them at random, and takes as many anew.
template <class Pool, std::size_t batch>
class RandomFrees final : public Runner {
public:
  static constexpr std::size_t operations = 4096;

  RandomFrees(std::size_t n, std::size_t live)
      : pool_(n), live_(n), order_(shuffled(live)), end_(live / batch * batch) {
    // Every block is touched, and those that are free are anywhere.
    for (void*& p : live_)
      touch(p = pool_.allocate(), 0);
    for (const std::uint32_t i : shuffled(n))
      pool_.deallocate(live_[i]);
    live_.resize(live);
    for (void*& p : live_)
      touch(p = pool_.allocate(), 0);
    for (std::size_t done = 0; done < live; done += operations)
      RandomFrees::round();
  }
  ~RandomFrees() override {
    for (void* p : live_)
      pool_.deallocate(p);
  }

  void round() override {
    void** const live = live_.data();
    for (std::size_t done = 0; done != operations; done += batch) {
      const std::uint32_t* const victims = order_.data() + next_;
      if constexpr (requires { &Pool::allocate_many; }) {
        void* blocks[batch];
        for (std::size_t i = 0; i != batch; ++i)
          blocks[i] = live[victims[i]];
        pool_.deallocate_many(blocks);
        pool_.allocate_many(blocks);
        for (std::size_t i = 0; i != batch; ++i)
          touch(live[victims[i]] = blocks[i], i);
      } else {
        for (std::size_t i = 0; i != batch; ++i)
          pool_.deallocate(live[victims[i]]);
        for (std::size_t i = 0; i != batch; ++i) {
          void* const p = pool_.allocate();
          touch(p, i);
          live[victims[i]] = p;
        }
      }
      next_ += batch;
      if (next_ == end_)
        next_ = 0;
    }
  }

private:
  Pool pool_;
  std::vector<void*> live_;
  std::vector<std::uint32_t> order_;
  std::size_t end_;
  std::size_t next_ = 0;
};

template <class Pool>
using Single = RandomFrees<Pool, 1>;
template <class Pool>
using Batch = RandomFrees<Pool, 64>;

} // namespace bench::blocks
