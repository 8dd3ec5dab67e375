// SharedArena: allocations and objects of any size, by many threads at once, from one buffer or one
// reserved range of addresses, taken back all at once.
//
// For what several threads build together and drop together: the nodes of a parallel parse, a
// compiler's IR, an index; with addresses that stay, and 32-bit offsets that name them. Not for one
// thread (Arena, MappedArena), for what each thread builds for itself (an arena a thread), or for
// single frees (SharedMultipool).
//
//   base                                                          frontier
//   | objects | rest    | objects | rest    | a large object      | left: addresses        |
//   |<-- a thread's --->|<-- another's ---->|<-- around chunks -->|                        |
//   |<------------------------------ capacity(): 1 TiB is fine --------------------------->|
//
// A thread bumps in a chunk of its own, which it takes at the frontier by one atomic addition; what
// is larger than an eighth of a chunk goes around it. Chunks become smaller as the end comes near.
// A thread that ends leaves its rest to the next one that comes. When the frontier is at the end,
// such rests are looked at before a request is refused; that of another thread that lives is not
// touched. Each thread but the first has a part of 192 bytes in the arena, until reset.
//
// allocate is O(1), and takes no lock but for a thread's first allocation and before a refusal.
// Under Commit::demand, the default, the kernel supplies pages at first touch, without a call;
// under strict (and on Windows, and in instrumented builds) chunks are taken and committed with a
// lock held. Sizes round up to 8 bytes. Memory is zeroed when it is first handed out, and reset
// zeroes what was taken.
//
// What is allocated stays valid, where it is, until reset, release or the arena's end. Those three
// need that no other thread calls the arena meanwhile; threads may end. It is told as misuse where
// a thread can be seen to be inside: in a constructor that `create` runs, or taking a chunk.
//
// After a fork the child has a copy, all of which it may use, and what the threads that it does not
// have left; what one of them was just taking around a chunk may be lost.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/mapping.hpp>
#include <allot/buffer.hpp>
#include <allot/concepts.hpp>
#include <allot/detail/construct.hpp>
#include <allot/detail/copying.hpp>
#include <allot/stats.hpp>
#include <allot/threads/arena_part.hpp>
#include <allot/threads/chunk_memory.hpp>
#include <allot/threads/thread_parts.hpp>

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

struct SharedArenaOptions {
  bool zero = true; ///< zero memory before it is handed out for the first time since a reset
  /// The most that a thread takes at a time, at least 256; 0 is 64 KiB.
  std::size_t chunk_bytes = 0;
  HugePages huge_pages = HugePages::automatic; ///< of a reservation
  Commit commit = Commit::demand;              ///< of a reservation
  const char* name = nullptr; ///< stands in messages and statistics; the caller keeps it alive
};

class SharedArena : public Copying<SharedArena> {
  using Part = detail::ArenaPart;

public:
  /// Reserves `bytes`, rounded up to 4096. Misuse: 0. Exhausted: the system refused.
  explicit SharedArena(std::size_t bytes, const SharedArenaOptions& options = {});
  /// On any buffer. Misuse: one with less than 8 aligned bytes.
  explicit SharedArena(Buffer buffer, const SharedArenaOptions& options = {});
  SharedArena(const SharedArena&) = delete;
  SharedArena& operator=(const SharedArena&) = delete;
  /// A thread that is seen inside goes to the misuse handler.
  ~SharedArena();

  /// `bytes` aligned to 8; what is handed out for the first time since a reset is zero, unless
  /// zeroing is off. 0 bytes give a pointer that is not null and take nothing. O(1).
  /// Exhausted: no room in this thread's chunk, at the frontier or in what threads left that ended;
  /// the system refused to commit. Misuse: released, or called by a destructor that reset runs.
  [[nodiscard]] void* allocate(std::size_t bytes) {
    if (Part* const part = this->part()) [[likely]]
      if (std::byte* const p = part->head(); part->fits(p, bytes)) [[likely]]
        return part->take(p, bytes);
    return allocate_slow(bytes, granule);
  }
  /// `bytes` aligned to `alignment`, a power of two; the bytes skipped count as used. Misuse also:
  /// another alignment.
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment) {
    if (alignment <= granule && is_power_of_two(alignment))
      return allocate(bytes);
    if (Part* const part = this->part()) [[likely]]
      if (void* const p = part->take_aligned(bytes, alignment)) [[likely]]
        return p;
    return allocate_slow(bytes, alignment);
  }
  /// As allocate, but null for every refusal.
  [[nodiscard]] void* try_allocate(std::size_t bytes) noexcept {
    if (Part* const part = this->part()) [[likely]]
      if (std::byte* const p = part->head(); part->fits(p, bytes)) [[likely]]
        return part->take(p, bytes);
    return try_allocate_slow(bytes, granule);
  }
  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
    if (alignment <= granule && is_power_of_two(alignment))
      return try_allocate(bytes);
    if (Part* const part = this->part()) [[likely]]
      if (void* const p = part->take_aligned(bytes, alignment)) [[likely]]
        return p;
    return try_allocate_slow(bytes, alignment);
  }

  // From Copying:    copy, reallocate.

  /// A T made in place. Unless T is trivially destructible, its destructor runs at reset, release
  /// or the arena's end: newest first among those of one thread, and of those that ended before it
  /// came and left it their part; in no order among threads. The constructor may allocate from this
  /// arena; if it throws, the memory is taken back unless it allocated, or T is large. Fails as
  /// allocate does.
  template <class T, class... Args>
    requires CreatableFrom<T, Args...>
  T* create(Args&&... args) {
    const Visit visit(*this);
    if (visit.part == nullptr) [[unlikely]]
      refuse(nullptr, sizeof(T), alignof(T));
    return visit.part->template create<T>(std::forward<Args>(args)...);
  }
  /// As create, but null for every refusal. What the constructor throws passes through.
  template <class T, class... Args>
    requires CreatableFrom<T, Args...>
  [[nodiscard]] T* try_create(Args&&... args) {
    const Visit visit(*this);
    return visit.part == nullptr ? nullptr
                                 : visit.part->template try_create<T>(std::forward<Args>(args)...);
  }
  /// `count` value-initialised Ts; otherwise as `create`. If a constructor throws, those already
  /// made are destroyed, newest first.
  template <class T>
    requires CreatableFrom<T>
  std::span<T> create_array(std::size_t count) {
    const Visit visit(*this);
    if (visit.part == nullptr) [[unlikely]]
      refuse(nullptr, saturating_multiply(count, sizeof(T)), alignof(T));
    return visit.part->template create_array<T>(count);
  }

  /// Makes this thread's newest allocation longer or shorter in place, if it is in its chunk, and
  /// gives it back if `new_bytes` is 0; another only shorter, which gives nothing back. False, and
  /// nothing changed, if that cannot be.
  [[nodiscard]] bool try_resize(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept;

  /// A name for what lies at `p`, a multiple of 8 above the first byte: how many times 8. O(1).
  /// 32 bits are enough up to 32 GiB (16 in instrumented builds, where red zones count). The first
  /// allocation of all may have 0; who needs that for "none" allocates 8 bytes first.
  /// Misuse: `p` is not in the arena, or not such a multiple; 32 bits of a larger arena; released.
  template <class Offset = std::uint32_t>
    requires std::same_as<Offset, std::uint32_t> || std::same_as<Offset, std::uint64_t>
  [[nodiscard]] Offset offset_of(const void* p) const {
    const std::uint64_t distance = distance_of(p);
    if (distance >= nameable_by(sizeof(Offset)) || distance % granule != 0) [[unlikely]]
      refuse_offset_of(p, sizeof(Offset));
    return static_cast<Offset>(distance / granule);
  }
  /// What has that name. O(1). Misuse: it is past the arena's end; released.
  template <class T = void>
  [[nodiscard]] T* at(std::uint64_t offset) const {
    if (offset >= memory_.extent() / granule) [[unlikely]]
      refuse_at(offset);
    return static_cast<T*>(static_cast<void*>(memory_.base() + offset * granule));
  }

  /// Destroys all objects, takes all memory back and zeroes it. Threads may go on afterwards.
  /// Misuse: released, called by one of those destructors, or a thread is seen inside; nothing is
  /// done then. O(what was taken + threads).
  void reset();
  /// Destroys all objects and gives the memory back. May be called twice. A thread that is seen
  /// inside goes to the misuse handler, and nothing is done.
  void release() noexcept;

  /// Whether it was released.
  [[nodiscard]] bool freed() const noexcept { return state() == State::released; }
  [[nodiscard]] bool empty() const noexcept { return used() == 0; }
  /// In bytes: used, lost and available together.
  [[nodiscard]] std::size_t capacity() const noexcept { return memory_.capacity(); }
  // Those below are O(threads), with a lock held. They are exact while no thread allocates; while
  // some do, used, lost and peak are no less than before, but for what was given back.
  [[nodiscard]] std::size_t used() const noexcept;
  /// What no request can have until reset: ends of chunks that were too short for what was asked,
  /// and threads' parts.
  [[nodiscard]] std::size_t lost() const noexcept;
  /// What the threads have left in their chunks, and what none has taken.
  [[nodiscard]] std::size_t available() const noexcept;
  /// The most that each thread used since the last reset, together, or before it, if that was more:
  /// the most that was ever used, where nothing was given back. Survives reset.
  [[nodiscard]] std::size_t peak() const noexcept;
  /// The peak is what is used now.
  void reset_peak() noexcept;
  /// How many objects `create` and `create_array` made that must be destroyed.
  [[nodiscard]] std::size_t objects() const noexcept;
  /// Bytes that have physical memory, in steps of 4096, if all that was ever taken was touched; of
  /// a buffer, all.
  [[nodiscard]] std::size_t committed() const noexcept { return memory_.committed(); }
  /// Whether `p` points into memory that is allocated now, or is in another thread's chunk. O(1).
  [[nodiscard]] bool owns(const void* p) const noexcept { return holds(p, 1); }
  /// The option's, or the strategy's own; never null.
  [[nodiscard]] const char* name() const noexcept { return label().text(); }
  /// How messages name it.
  [[nodiscard]] Label label() const noexcept { return {strategy_name, name_}; }
  [[nodiscard]] Stats stats() const noexcept {
    return {name(), capacity(), used(), available(), peak(), committed()};
  }

private:
  friend Copying<SharedArena>;
  friend detail::ArenaPart;
  static constexpr const char* strategy_name = "shared_arena";
  static constexpr const char* own_destructors = "its own destructors run";

  enum class State : unsigned char { open, destroying, released };

  /// This thread's part, or one that is lent to it; null if there is none to have.
  struct Visit {
    explicit Visit(SharedArena& of) noexcept : arena(of), part(of.part()) {
      if (part == nullptr) [[unlikely]]
        part = of.find_part(lent);
      if (part != nullptr)
        part->enter();
    }
    Visit(const Visit&) = delete;
    ~Visit() {
      if (part != nullptr)
        part->leave();
      if (lent) [[unlikely]]
        arena.take_back(*part);
    }
    SharedArena& arena;
    Part* part;
    bool lent = false;
  };

  void set_up() noexcept;

  [[nodiscard]] Part* part() const noexcept {
    detail::ThreadPart* const part = shared_.part();
    return part == nullptr ? nullptr : &static_cast<Part&>(*part);
  }
  [[nodiscard]] Part* own_part() const noexcept;
  [[nodiscard]] State state() const noexcept { return state_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t distance_of(const void* p) const noexcept {
    return reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(memory_.base());
  }
  [[nodiscard]] std::uint64_t nameable_by(std::size_t offset_bytes) const noexcept {
    return offset_bytes == sizeof(std::uint32_t) ? nameable_ : memory_.extent();
  }
  [[nodiscard]] bool holds(const void* p, std::size_t bytes) const noexcept;

  [[gnu::cold]] void* allocate_slow(std::size_t bytes, std::size_t alignment);
  [[gnu::cold]] void* try_allocate_slow(std::size_t bytes, std::size_t alignment) noexcept;
  [[nodiscard, gnu::cold]] Part* find_part(bool& lent) noexcept;
  [[gnu::cold]] void take_back(Part& part) noexcept;
  [[nodiscard]] void* take(Part& part, std::size_t bytes, std::size_t alignment) noexcept;
  template <class Take>
  [[nodiscard]] auto at_frontier(Part& part, Take take) noexcept;
  // With the mutex held:
  [[nodiscard]] bool add_part() noexcept;
  [[nodiscard]] bool find_rest(Part& part, std::size_t bytes, std::size_t alignment) noexcept;
  void collect() noexcept;
  template <class Do>
  void for_each_part(Do what) const noexcept;
  template <class Of>
  [[nodiscard]] std::size_t sum(Of of) const noexcept;
  [[nodiscard]] bool is_visited() const noexcept;
  void keep_peak() const noexcept;

  [[nodiscard]] const char* close_unless_inside() noexcept;
  void take_all_back() noexcept;
  [[noreturn, gnu::cold]] void refuse(const Part* part, std::size_t bytes,
                                      std::size_t alignment) const;
  [[noreturn, gnu::cold]] void refuse_offset_of(const void* p, std::size_t offset_bytes) const;
  [[noreturn, gnu::cold]] void refuse_at(std::uint64_t offset) const;

  detail::Shared shared_;
  std::uint64_t nameable_ = 0; // in memory, by 32 bits: all, or nothing
  const char* name_;
  std::atomic<State> state_ = State::open;
  std::size_t parts_bytes_ = 0;
  mutable std::size_t peak_ = 0; // as it was told last
  detail::ChunkMemory memory_;
  Part first_; // the first thread's
};

static_assert(Reporting<SharedArena> && Allocating<SharedArena> && Resettable<SharedArena>);
static_assert(CopiedInto<SharedArena>);

} // namespace ALLOT_ABI
} // namespace allot

#endif
