// pmr::unsynchronized_pool_resource: the standard's, faster, and told of misuse; nothing else
// changes in a program that uses it.
//
// For containers of one thread whose nodes come and go. Not for several threads
// (synchronized_pool_resource), nor where all goes at once (monotonic_buffer_resource).
//
//   allot::pmr::unsynchronized_pool_resource resource;
//   {
//     allot::pmr::map<int, allot::pmr::string> names(&resource);
//     names[1] = "longer than what a string holds within itself";
//     names.erase(1); // its memory serves the next
//   }
//   resource.release(); // all memory goes back to upstream
//
// Small requests are served from pools, see pools.hpp; those above largest_required_pool_block go
// to upstream as they are. The memory of pools goes back to upstream at release and destruction,
// that of blocks in use too. Allocating and deallocating are O(1), but for growing and for finding
// a block's chunk: O(log chunks), and there are few. Nothing is zeroed.
//
// Deallocating throws nothing. A pointer that is null, foreign, inside a block or free already, and
// another size than was asked for, go to the misuse handler and change nothing. One thread at a
// time.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/pmr/pools.hpp>

#include <cstddef>
#include <memory_resource>

namespace allot {
inline namespace ALLOT_ABI {
namespace pmr {

class unsynchronized_pool_resource : public std::pmr::memory_resource {
public:
  // Misuse, for all: `upstream` is null. `upstream` must outlive the resource.
  unsynchronized_pool_resource()
      : unsynchronized_pool_resource(std::pmr::pool_options(), std::pmr::get_default_resource()) {}
  explicit unsynchronized_pool_resource(std::pmr::memory_resource* upstream)
      : unsynchronized_pool_resource(std::pmr::pool_options(), upstream) {}
  explicit unsynchronized_pool_resource(const std::pmr::pool_options& options)
      : unsynchronized_pool_resource(options, std::pmr::get_default_resource()) {}
  unsynchronized_pool_resource(const std::pmr::pool_options& options,
                               std::pmr::memory_resource* upstream)
      : unsynchronized_pool_resource(options, upstream, ChunkOptions()) {}
  /// Beyond the standard's: `resource({}, &upstream, {.max_bytes = 65536})`.
  unsynchronized_pool_resource(const std::pmr::pool_options& options,
                               std::pmr::memory_resource* upstream, ChunkOptions chunks)
      : pools_(options, chunks, upstream, resource_name) {}
  unsynchronized_pool_resource(const unsynchronized_pool_resource&) = delete;
  unsynchronized_pool_resource& operator=(const unsynchronized_pool_resource&) = delete;
  ~unsynchronized_pool_resource() override;

  /// Gives everything back to upstream, what is in use too.
  void release() { pools_.release(); }
  /// Gives chunks in which nothing is in use back to upstream, as long as what it holds is not
  /// below `keep` bytes then; with `keep` 0 and nothing in use, everything. One chunk of a size may
  /// stay while more than four others of it are in use. O(chunks).
  void trim(std::size_t keep = 0) noexcept;
  [[nodiscard]] std::pmr::memory_resource* upstream_resource() const noexcept {
    return pools_.upstream();
  }
  /// `used` and `peak` are in bytes of blocks, which are up to a quarter longer than what was asked
  /// for; `peak` adds the most of each size since construction or reset_peak, and survives release.
  /// O(chunks), after reset_peak O(free blocks): nothing is counted as blocks come and go.
  [[nodiscard]] Stats stats() const noexcept { return pools_.stats(); }
  /// Sets the peak to what is used. O(free blocks).
  void reset_peak() noexcept { pools_.reset_peak(); }
  /// How many sizes of blocks there are. What is larger than the last is upstream's.
  [[nodiscard]] std::size_t classes() const noexcept { return pools_.classes(); }
  /// The blocks of a size, the smallest first. Misuse: an index not below `classes`. O(chunks).
  [[nodiscard]] ClassStats class_stats(std::size_t index) const {
    return pools_.class_stats(index);
  }
  /// What is in force: zeros replaced by defaults, limits applied.
  [[nodiscard]] std::pmr::pool_options options() const noexcept { return pools_.options(); }

protected:
  /// What upstream throws passes through; it is asked for what nobody has too. Misuse: an alignment
  /// that is no power of two.
  /// Exhausted: upstream gave null, misaligned memory or more than there can be.
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    const std::size_t last = detail::last_of(bytes, alignment);
    if (!pools_.serves_small(last, alignment)) [[unlikely]]
      return allocate_slow(bytes, alignment);
    detail::Pool& pool = pools_.small_pool(last);
    detail::PoolChunk& chunk = *pool.available;
    const detail::BlockIndex index = *chunk.top;
    if (index == detail::no_block) [[unlikely]]
      return allocate_fresh(bytes, alignment);
    --chunk.top;
    return detail::Pools::hand_out(pool.stride, {&chunk, index}, bytes,
                                   detail::small_flag_of(bytes));
  }

  void do_deallocate(void* p, std::size_t bytes, std::size_t alignment) override {
    const std::size_t last = detail::last_of(bytes, alignment);
    if (!pools_.serves_small(last, alignment)) [[unlikely]]
      return deallocate_slow(p, bytes, alignment);
    detail::Pool& pool = pools_.small_pool(last);
    if (!pool.give_back(*pool.recent, p, bytes, detail::small_flag_of(bytes))) [[unlikely]]
      deallocate_elsewhere(p, bytes, alignment);
  }

  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }

private:
  static constexpr const char* resource_name = "unsynchronized_pool_resource";

  [[gnu::cold]] void* allocate_fresh(std::size_t bytes, std::size_t alignment);
  [[gnu::cold]] void* allocate_slow(std::size_t bytes, std::size_t alignment);
  [[gnu::cold]] void deallocate_elsewhere(void* p, std::size_t bytes,
                                          std::size_t alignment) noexcept;
  [[gnu::cold]] void deallocate_slow(void* p, std::size_t bytes, std::size_t alignment) noexcept;

  detail::Pools pools_;
};

} // namespace pmr
} // namespace ALLOT_ABI
} // namespace allot

#endif
