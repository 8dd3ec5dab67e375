// pmr::synchronized_pool_resource: the standard's, for many threads at once, and told of misuse;
// nothing else changes in a program that uses it.
//
// For containers that several threads fill and empty, one after another or passing nodes on. Not
// for one thread (unsynchronized_pool_resource has no thread to look up).
//
//   allot::pmr::synchronized_pool_resource resource;
//   auto work = [&] {
//     allot::pmr::list<int> list(&resource);
//     for (int i = 0; i != 1000; ++i)
//       list.push_back(i);
//   };
//   std::thread one(work), two(work);
//   one.join(), two.join();
//   resource.release(); // while no thread uses it
//
// A thread has two magazines a size class, of up to 64 free blocks each, takes from them and gives
// to them without a lock, and exchanges blocks with the others when both are empty or full: one at
// first, and the more the more it did (threads/shared_pools.hpp). It may use thousands of
// resources.
//
// Magazines belong to the resource: release and destruction need that no other thread uses it, as
// the standard's do, and take back what lies in them. A thread that ends leaves its magazines to
// the others, and so does one that is there where upstream refuses. Threads and resources may end
// in any order. Upstream is called under one lock. The child of a fork may allocate and give back
// whatever the other threads did: it has a copy of all that was there.
//
// Deallocating throws nothing. A pointer that is null, foreign, inside a block or free already, and
// another size than was asked for, go to the misuse handler and change nothing: each block's flag
// is written by the thread that has the block, and is checked by the one that gives it back. Two
// threads that free one block at the same moment, without any order between them, may both pass.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/threads/shared_pools.hpp>

#include <cstddef>
#include <memory_resource>

namespace allot {
inline namespace ALLOT_ABI {

namespace pmr {

class synchronized_pool_resource : public std::pmr::memory_resource {
public:
  // Misuse, for all: `upstream` is null. `upstream` must outlive the resource.
  synchronized_pool_resource()
      : synchronized_pool_resource(std::pmr::pool_options(), std::pmr::get_default_resource()) {}
  explicit synchronized_pool_resource(std::pmr::memory_resource* upstream)
      : synchronized_pool_resource(std::pmr::pool_options(), upstream) {}
  explicit synchronized_pool_resource(const std::pmr::pool_options& options)
      : synchronized_pool_resource(options, std::pmr::get_default_resource()) {}
  synchronized_pool_resource(const std::pmr::pool_options& options,
                             std::pmr::memory_resource* upstream)
      : synchronized_pool_resource(options, upstream, ChunkOptions()) {}
  /// Beyond the standard's: `resource({}, &upstream, {.max_bytes = 65536})`.
  synchronized_pool_resource(const std::pmr::pool_options& options,
                             std::pmr::memory_resource* upstream, ChunkOptions chunks);
  synchronized_pool_resource(const synchronized_pool_resource&) = delete;
  synchronized_pool_resource& operator=(const synchronized_pool_resource&) = delete;
  ~synchronized_pool_resource() override;

  /// Gives everything back to upstream, what is in use and what lies in magazines too. No other
  /// thread may use the resource meanwhile.
  void release();
  /// Gives chunks in which nothing is in use back to upstream, as long as what it holds is not
  /// below `keep` bytes then; with `keep` 0 and nothing in use, everything. One chunk of a size may
  /// stay while more than four others of it are in use. What lies in magazines is not in use.
  /// O(chunks + threads + blocks in magazines). No other thread may use the resource meanwhile.
  void trim(std::size_t keep = 0);
  [[nodiscard]] std::pmr::memory_resource* upstream_resource() const noexcept {
    return pools_.upstream();
  }
  /// `used` and `peak` are in bytes of blocks, which are up to a quarter longer than what was asked
  /// for, and count what lies in magazines; `peak` is the most since construction or reset_peak,
  /// and survives release. O(chunks), after reset_peak O(free blocks), with the lock held.
  [[nodiscard]] Stats stats() const { return pools_.stats(); }
  /// Sets the peak to what is used. O(free blocks), with the lock held.
  void reset_peak() { pools_.reset_peak(); }
  /// How many sizes of blocks there are. What is larger than the last is upstream's.
  [[nodiscard]] std::size_t classes() const noexcept { return pools_.classes(); }
  /// The blocks of a size, the smallest first; what lies in magazines is used. Misuse: an index not
  /// below `classes`. O(chunks), with the lock held.
  [[nodiscard]] ClassStats class_stats(std::size_t index) const {
    return pools_.class_stats(index);
  }
  /// What is in force: zeros replaced by defaults, limits applied.
  [[nodiscard]] std::pmr::pool_options options() const noexcept { return pools_.options(); }

protected:
  /// What upstream throws passes through; it is asked for what nobody has too. Misuse: an alignment
  /// that is no power of two.
  /// Exhausted: upstream gave null, misaligned memory or more than there can be.
  void* do_allocate(std::size_t bytes, std::size_t alignment) override;
  void do_deallocate(void* p, std::size_t bytes, std::size_t alignment) override;
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }

private:
  static constexpr const char* resource_name = "synchronized_pool_resource";

  detail::SharedPools pools_;
};

} // namespace pmr
} // namespace ALLOT_ABI
} // namespace allot

#endif
