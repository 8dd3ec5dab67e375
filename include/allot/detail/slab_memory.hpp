// SlabMemory: where slabs of 64 KiB lie, with a record of whoever uses them and a Run for each.
//
// For SlabRuns. Not for use on its own.
//
//   begin(), a multiple of 64 KiB     records()          runs()
//   | slab | slab | ...              | record | ...    | Run | ...
//
// It is addresses of the system's, which may have to be committed before they are touched, or a
// buffer, for which the system is asked nothing. Nothing throws: a refusal has changed nothing.
//
// Where pages were moved to is a mapping of its own, of which a system has only so many (65,530 a
// process), and only pages of one mapping are moved at once. Pages are of one if they were side by
// side at first, which `Run::away` tells; more than 32 parts are copied, and what was moved to is
// mapped anew when it is decommitted. So mappings are few: a hundred objects of 1 to 20 MiB that
// moved 64,790 times had 784 at the most.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/annotate.hpp>
#include <allot/base/mapping.hpp>
#include <allot/base/size.hpp>
#include <allot/buffer.hpp>
#include <allot/detail/run_tree.hpp>

#include <cstddef>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

class SlabMemory {
public:
  static constexpr std::size_t slab_bytes = 64_KiB;
  static constexpr std::size_t small = 32_MiB / slab_bytes; // slabs of a pool without huge pages

  static constexpr std::size_t least_moved = 1_MiB; // below, a system call costs what a copy does
  static constexpr std::size_t most_parts = 32;     // moved one by one

  SlabMemory() = default;
  SlabMemory(SlabMemory&& other) noexcept { *this = static_cast<SlabMemory&&>(other); }
  SlabMemory& operator=(SlabMemory&& other) noexcept;

  /// Reserves addresses for `slabs` and their records of `record_bytes`, a multiple of 64.
  /// False: the system refused.
  [[nodiscard]] bool reserve(std::size_t slabs, std::size_t record_bytes, Commit commit,
                             HugePages huge_pages) noexcept;
  /// Takes as many slabs, and their records, as there is room for. False, and the buffer is as it
  /// was: there is no room for one.
  [[nodiscard]] bool stand_on(Buffer& buffer, std::size_t record_bytes, bool zero) noexcept;
  void release() noexcept;

  [[nodiscard]] std::byte* begin() const noexcept { return begin_; }
  [[nodiscard]] std::byte* records() const noexcept { return records_; }
  [[nodiscard]] Run* runs() const noexcept { return runs_; }
  [[nodiscard]] Gap gap() const noexcept { return gap_; }
  [[nodiscard]] std::size_t extent() const noexcept { return gap_.stretch(slab_bytes); }
  [[nodiscard]] std::byte* address(std::size_t number) const noexcept {
    return begin_ + number * extent();
  }
  [[nodiscard]] std::size_t slabs() const noexcept { return slabs_; }
  [[nodiscard]] bool on_buffer() const noexcept { return buffer_.data() != nullptr; }

  /// Slabs whose records may be touched, and are zero at first.
  [[nodiscard]] std::size_t ready() const noexcept { return ready_; }
  /// Makes the records of at least so many slabs ready; of a buffer, also clears the slabs if that
  /// was asked for. Huge pages begin where more than `small` are.
  [[nodiscard]] bool make_ready(std::size_t slabs) noexcept;
  /// Makes slabs without memory readable.
  [[nodiscard]] bool back(std::size_t number, std::size_t length) noexcept;
  /// Gives the memory of slabs to the system. They read as zero when they have some again.
  void decommit(std::size_t number, std::size_t length) noexcept;
  /// Moves the first `bytes` from slab `from` on, in whole pages, to slab `to`, which has memory
  /// and is written to nowhere: pages, where the system can, else they are copied. True: all of the
  /// slabs that they were in is zero.
  [[nodiscard]] bool move(std::size_t from, std::size_t to, std::size_t bytes) noexcept;
  /// Whether pages were moved to any of the slabs. O(1) where none were at all, else O(length).
  [[nodiscard]] bool was_moved_to(std::size_t number, std::size_t length) const noexcept;

private:
  void lay_out(std::byte* memory, std::size_t slabs, std::size_t record_bytes) noexcept;
  [[nodiscard]] bool commit_records(std::size_t slabs) noexcept;
  void clear_to(std::size_t slabs) noexcept;
  void start_huge_pages() noexcept;
  void advise(std::size_t number, std::size_t length) noexcept;
  [[nodiscard]] std::size_t part(std::size_t number, std::size_t most) const noexcept;
  [[nodiscard]] bool is_scattered(std::size_t number, std::size_t length) const noexcept;
  void set_away(std::size_t number, Run::Number away) noexcept;

  std::byte* begin_ = nullptr;
  std::byte* records_ = nullptr;
  Run* runs_ = nullptr;
  std::size_t record_bytes_ = 0;
  std::size_t slabs_ = 0;
  std::size_t ready_ = 0;
  std::size_t moved_ = 0;            // slabs that pages were moved to
  std::size_t huge_from_ = max_size; // pages of slabs from there on are huge
  HugePages huge_pages_ = HugePages::never;
  bool zero_ = false; // slabs of a buffer must be zeroed first
  Gap gap_;
  Mapping mapping_; // this, or the buffer
  Buffer buffer_;
};

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot

#endif
