// SlabRuns: runs of slabs of 64 KiB in one range, and which of them are in use.
//
// A Multipool's memory. It knows no blocks: who takes a run knows what it is for, and has a record
// of its own for each slab here. Not for use on its own.
//
//   begin()                         top                               reserved
//   | used | spare | used           | bare  | used | addresses only   | records | runs |
//
// A free run is spare while it has memory, which is zero if that is asked for, and bare when the
// system has it again. Neighbours of a kind are one; what is bare below the top lowers it. In a
// buffer, which has its memory in any case, all that is free is bare, and the system is not asked.
//
// take, put, grow and shrink are O(log n) of the length of a run (see RunTree), plus system calls,
// and zeroing what is put back; a refusal is O(1) where the limit is reached, O(log n) where the
// reservation is. Nothing of it throws: a refusal has changed nothing, but may have given spare
// memory to the system.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/annotate.hpp>
#include <allot/base/mapping.hpp>
#include <allot/base/size.hpp>
#include <allot/buffer.hpp>
#include <allot/detail/run_tree.hpp>
#include <allot/detail/slab_memory.hpp>

#include <cstddef>
#include <cstdint>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

class SlabRuns {
public:
  using Number = Run::Number;
  static constexpr Number none = Run::none;
  static constexpr std::size_t slab_bytes = SlabMemory::slab_bytes;

  SlabRuns() = default;
  SlabRuns(SlabRuns&& other) noexcept { *this = static_cast<SlabRuns&&>(other); }
  SlabRuns& operator=(SlabRuns&& other) noexcept;
  ~SlabRuns() { release(); }

  /// Reserves addresses for `slabs`, and for a record of `record_bytes`, a multiple of 64, of each.
  /// Under HugePages::automatic pages are small, whatever the system's own choice, until more than
  /// 32 MiB are in use; then those above are huge, and those of records beyond the first 2 MiB. So
  /// that no more than a sixteenth is held beside what was touched in whole slabs.
  /// False: the system refused.
  [[nodiscard]] bool reserve(std::size_t slabs, std::size_t record_bytes, Commit commit,
                             HugePages huge_pages = HugePages::automatic) noexcept;
  /// Takes as many slabs, and their records, as there is room for. Where `zero` is asked for and
  /// the buffer may not be, slabs are zeroed as they are first taken. False, and the buffer is as
  /// it was: there is no room for one.
  [[nodiscard]] bool stand_on(Buffer& buffer, std::size_t record_bytes, bool zero) noexcept;
  /// No more than `most` are held at once.
  void limit(std::size_t most) noexcept { most_ = smaller(most, reserved()); }
  void release() noexcept;

  /// The number of the first of `length` slabs, at least one, that starts at a multiple of
  /// `alignment`, a power of two, counted from `origin`; or none. They are in use now.
  [[nodiscard]] Number take(std::size_t length, std::size_t alignment,
                            const std::byte* origin = nullptr) noexcept;
  /// Frees the run that starts there. Of it no more than the first `dirty` bytes are to be zeroed.
  /// What is kept for the next rise is 8 MiB, or half as much as is in use; the rest goes back.
  void put(std::size_t number, std::size_t dirty) noexcept;
  /// The same for a run that is zero as it shall be, and whose memory is kept.
  void keep(std::size_t number) noexcept;
  /// Makes a run in use longer, or leaves it. False: the slabs behind it are in use, or there is no
  /// room.
  [[nodiscard]] bool grow(std::size_t number, std::size_t length) noexcept;
  /// Makes it shorter, but not 0 slabs. Of what goes no more than the first `dirty` bytes are to be
  /// zeroed.
  void shrink(std::size_t number, std::size_t length, std::size_t dirty) noexcept;
  /// Moves the first `bytes` of a run in use, in whole pages, to another: see SlabMemory. True: the
  /// run is zero.
  [[nodiscard]] bool move(std::size_t from, std::size_t to, std::size_t bytes) noexcept {
    return memory_.move(from, to, bytes);
  }
  /// Gives memory of free slabs to the system, until no more than `keep` slabs have some.
  void give_up(std::size_t keep) noexcept;

  [[nodiscard]] std::byte* begin() const noexcept { return memory_.begin(); }
  [[nodiscard]] std::byte* records() const noexcept { return memory_.records(); }
  [[nodiscard]] std::byte* address(std::size_t number) const noexcept {
    return memory_.address(number);
  }
  /// Slabs that were ever below the top: what has records, which are zero at first.
  [[nodiscard]] std::size_t ready() const noexcept { return memory_.ready(); }
  [[nodiscard]] std::size_t reserved() const noexcept { return memory_.slabs(); }
  [[nodiscard]] std::size_t most() const noexcept { return most_; }
  [[nodiscard]] std::size_t in_use() const noexcept { return in_use_; }
  [[nodiscard]] std::size_t spare() const noexcept { return spare_; }
  /// Slabs that have memory.
  [[nodiscard]] std::size_t held() const noexcept { return on_buffer() ? most_ : in_use_ + spare_; }
  [[nodiscard]] bool on_buffer() const noexcept { return memory_.on_buffer(); }
  /// How far apart addresses lie.
  [[nodiscard]] Gap gap() const noexcept { return memory_.gap(); }
  /// The most that were in use since `reset_peak`.
  [[nodiscard]] std::size_t peak() const noexcept { return peak_; }
  void reset_peak() noexcept { peak_ = 0; }

  /// The first slab above all that are in use or have memory.
  [[nodiscard]] std::size_t top() const noexcept { return top_; }
  /// What the run is that starts there, below the top: in use, spare or bare.
  [[nodiscard]] Run::Kind kind(std::size_t number) const noexcept { return runs_[number].kind; }
  /// Slabs of the run that starts there.
  [[nodiscard]] std::size_t length(std::size_t number) const noexcept {
    return runs_[number].length;
  }
  /// The first run in use at or after `number`, where a run starts or the top is; or none. O(runs).
  [[nodiscard]] Number next_in_use(std::size_t number) const noexcept;
  /// The run in use that a slab is in, or none. O(runs).
  [[nodiscard]] Number around(std::size_t number) const noexcept;

private:
  using Kind = Run::Kind;

  [[nodiscard]] std::size_t in_slabs(std::size_t alignment) const noexcept {
    return larger(alignment, memory_.extent()) / memory_.extent();
  }
  void forget() noexcept;
  [[nodiscard]] Kind kept() const noexcept { return on_buffer() ? Kind::bare : Kind::spare; }
  [[nodiscard]] RunTree& tree(Kind kind) noexcept { return free_[kind == Kind::spare ? 0 : 1]; }
  [[nodiscard]] std::size_t most_spare() const noexcept;
  [[nodiscard]] std::size_t skip_to(std::size_t number, std::size_t alignment,
                                    const std::byte* origin) const noexcept;
  [[nodiscard]] Number take_free(Kind kind, std::size_t length, std::size_t alignment,
                                 const std::byte* origin) noexcept;
  [[nodiscard]] Number take_top(std::size_t length, std::size_t alignment,
                                const std::byte* origin) noexcept;
  [[nodiscard]] std::size_t take_at(std::size_t number, std::size_t most) noexcept;
  [[nodiscard]] bool is_free(std::size_t first, std::size_t last) const noexcept;
  void take_out_of_use(std::size_t number, std::size_t length, std::size_t dirty) noexcept;
  void decommit(std::size_t number, std::size_t length) noexcept;
  void join(Kind kind, std::size_t number, std::size_t length) noexcept;
  void insert(Kind kind, std::size_t number, std::size_t length) noexcept;
  void remove(std::size_t number) noexcept;
  void use(std::size_t number, std::size_t length) noexcept;

  Run* runs_ = nullptr;
  std::size_t top_ = 0;    // the first slab above all that are in use or have memory
  std::size_t in_use_ = 0; // slabs
  std::size_t spare_ = 0;  // slabs
  std::size_t most_ = 0;   // slabs to hold at once
  std::size_t peak_ = 0;   // of slabs in use
  RunTree free_[2];        // spare, bare
  SlabMemory memory_;
};

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot

#endif
