// SlabTable: the slabs of a Multipool and their records: which block or large object an address is
// of, what is in use, and large objects, for which that is all there is to know.
//
// Blocks of size classes are SlabBlocks'. Not for use on its own. Nothing of it throws.
//
// A large object is a run of slabs of which the first one's record tells all; it takes pages of
// them. Those behind its end, as far as it ever was, may not be zero until it is freed.
//
//   | slab          | slab          | slab          |
//   | pages, in use         | written       | zero  |
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/annotate.hpp>
#include <allot/base/size.hpp>
#include <allot/detail/size_classes.hpp>
#include <allot/detail/slab.hpp>
#include <allot/detail/slab_runs.hpp>
#include <allot/stats.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

/// Reserves `bytes` for slabs and their records of sizeof(Slab); if that is 0, twice `most` slabs
/// or what is usual, or as much of it as there is. Exhausted: the system refused.
void reserve_slabs(SlabRuns& runs, std::size_t bytes, std::size_t most, HugePages huge_pages,
                   Label label);

class SlabTable {
public:
  using Classes = SizeClasses;
  using Number = SlabRuns::Number;
  static constexpr Number none = SlabRuns::none;
  static constexpr std::size_t slab_bytes = SlabRuns::slab_bytes;
  static_assert(Classes::slab_bytes == slab_bytes);

  /// Takes over runs that nothing is in, with a record of sizeof(Slab) for each slab; there were
  /// none before.
  void begin_on(SlabRuns&& runs, bool zero) noexcept;

  [[nodiscard]] std::byte* begin() const noexcept { return begin_; }
  /// What the pool is called where sanitizers are told of its blocks.
  [[nodiscard]] void* id() const noexcept { return slabs_; }
  [[nodiscard]] bool zero() const noexcept { return zero_; }
  [[nodiscard]] const SlabRuns& runs() const noexcept { return runs_; }

  /// The number of the granule that starts at `p`, or one above all.
  [[nodiscard]] std::size_t granule_at(const void* p) const noexcept {
    return std::rotr(offset_of(p), granule_shift());
  }
  [[nodiscard]] Slab& slab_at(std::size_t at) const noexcept { return slabs_[at / Slab::granules]; }
  /// Whether a block in use starts there.
  [[nodiscard]] bool is_live(std::size_t at) const noexcept {
    return at < ready_granules_ && (slab_at(at).live_word(at) >> (at % Slab::word_bits) & 1) != 0;
  }
  /// The slab of the block in use, or large object, that starts at `p`, or null.
  [[nodiscard]] Slab* find(const void* p) const noexcept {
    const std::size_t at = granule_at(p);
    return is_live(at) ? &slab_at(at) : nullptr;
  }
  /// Whether `p` points into one. O(1), but O(slabs) inside a large object.
  [[nodiscard]] bool owns(const void* p) const noexcept;

  /// The slab that `p` is in, or null. What its record says may be of former days.
  [[nodiscard]] const Slab* around(const void* p) const noexcept;
  /// The large object that the slab is inside of, or null.
  [[nodiscard]] const Slab* large_around(const Slab& slab) const noexcept;
  /// How far `p`, in the slab, lies from where a block of its class starts.
  [[nodiscard]] std::size_t offset_in_block(const Slab& slab, const void* p) const noexcept {
    const auto offset = static_cast<std::size_t>(static_cast<const std::byte*>(p) - slab.begin);
    return (slab.piece * slab_extent() + offset) % stride(slab);
  }
  /// Whether a block of the slab's class was ever carved there; it may start in a slab before.
  [[nodiscard]] bool was_block(const Slab& slab, const std::byte* start) const noexcept;

  void reset_peak() noexcept { runs_.reset_peak(); }
  /// Bytes of the blocks and large objects in use. O(slabs).
  [[nodiscard]] std::size_t used() const noexcept;
  /// Of the blocks of a class, and of large objects of that size. O(slabs).
  [[nodiscard]] ClassStats class_stats(std::size_t size_class) const noexcept;

protected:
  void move_from(SlabTable& other) noexcept;
  void forget() noexcept;
  void release() noexcept;
  /// Nothing is in use any more; the memory is kept.
  void reset() noexcept;

  [[nodiscard]] static std::size_t pages_for(std::size_t bytes) noexcept {
    return divide_up(larger(bytes, 1), Slab::page);
  }
  [[nodiscard]] static std::size_t slabs_for(std::size_t pages) noexcept {
    return divide_up(pages * Slab::page, slab_bytes);
  }
  /// Makes a large object of a run that has just come into use.
  void* start_large(Number number, std::size_t bytes) noexcept;
  /// Makes it longer or shorter in place. False, and nothing changed: there is no room.
  [[nodiscard]] bool resize_large(Slab& slab, std::size_t bytes) noexcept;
  /// Moves its contents to another, which is longer and has `bytes`.
  void move_large(Slab& slab, Slab& target, std::size_t bytes) noexcept;
  /// Frees the run of one that is not in use any more.
  void put_large(Slab& slab) noexcept;

  static void wipe(void* p, std::size_t bytes) noexcept {
    annotate::show(p, bytes);
    std::memset(p, 0, bytes);
  }

  // Distances in memory are stretched in instrumented builds, numbers of granules are the same.
  [[nodiscard]] std::size_t slab_extent() const noexcept { return runs_.gap().stretch(slab_bytes); }
  [[nodiscard]] int granule_shift() const noexcept {
    return std::countr_zero(runs_.gap().stretch(granule));
  }
  /// From one block to the next in memory.
  [[nodiscard]] std::size_t stride(const Slab& slab) const noexcept {
    return runs_.gap().stretch(slab.bytes);
  }
  [[nodiscard]] std::size_t offset_of(const void* p) const noexcept {
    return reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(begin_);
  }
  [[nodiscard]] Number number_of(const Slab& slab) const noexcept {
    return static_cast<Number>(&slab - slabs_);
  }
  void see_new_slabs() noexcept { ready_granules_ = runs_.ready() * Slab::granules; }

  std::byte* begin_ = nullptr;
  Slab* slabs_ = nullptr;
  std::size_t ready_granules_ = 0; // of the slabs that have records
  bool zero_ = true;
  SlabRuns runs_;

private:
  void shrink_large(Slab& slab, std::size_t run) noexcept;
  void clear(Slab& slab) noexcept;
  template <class F>
  void for_each_slab(const F& f) const noexcept;
};

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot

#endif
