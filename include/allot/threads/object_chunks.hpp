// ObjectChunks: where the objects of a SharedObjectPool are, what state each is in, and which of
// those that are available no thread has. Not for use on its own: its owner has the mutex.
//
//   chunk:   | header | slot | slot | ... | slots that are fresh | entries | states |
//   groups:           | a thread's   | another's   | nobody's yet |           64 states: a line
//   depot:   the entries of the chunks, the oldest first, filled so far
//
//   state      what is there                                what finds it
//   ---------  -------------------------------------------  ------------------------------------
//   fresh      nothing, as it was never handed out          a group, or the newest chunk
//   vacant     nothing: it was destroyed, or making threw   the list in such slots themselves
//   available  an object                                    a magazine or the depot
//   taken      an object in use, or one that is being reset give_back
//   lent       the same on a lease                          the lease's end
//   leaving    an object that is being destroyed            who trims
//
// Fresh slots are handed to threads in groups, where each makes its next objects, so that what two
// threads use all the time does not lie in the same cache lines.
//
// Chunks never move, and go only when no other thread uses the pool, so that they are looked for
// without a lock. Entries have room for every object, so that nothing is refused when one comes
// back.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/size.hpp>
#include <allot/buffer.hpp>
#include <allot/detail/object_pool_core.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

class ObjectChunks {
public:
  ObjectChunks(const ObjectChunks&) = delete;
  ObjectChunks& operator=(const ObjectChunks&) = delete;

  [[nodiscard]] bool freed() const noexcept { return next_count_ == 0; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] const char* name() const noexcept { return label().text(); }
  [[nodiscard]] Label label() const noexcept { return {"shared_object_pool", options_.name}; }
  [[nodiscard]] bool owns(const void* p) const noexcept;

protected:
  enum class State : std::uint8_t { fresh, vacant, available, taken, lent, leaving };
  /// An object, or the slot of one that is to be made.
  struct Entry {
    void* object;
    State* state;
  };
  /// The slots of a chunk.
  struct Slots {
    std::byte* begin;
    std::size_t count;
    State* states;
  };
  struct Chunk : Slots {
    Buffer buffer; // that it lies in itself
    Entry* entries;
    std::size_t fresh; // slots from here on are, and in no group
    Chunk* next_leaving;
  };
  /// Fresh slots that lie one after the other.
  struct Group {
    Entry next{};
    State* end = nullptr;
    [[nodiscard]] bool empty() const noexcept { return next.state == end; }
  };

  static inline State no_state = State::taken; // never written
  static constexpr Slots no_slots{nullptr, 0, nullptr};
  static constexpr std::size_t most_chunks = 64;
  static constexpr std::size_t line = 64; // of a cache

  // All that is available and in no magazine; see thread_magazine.hpp.
  class Depot {
  public:
    explicit Depot(const ObjectChunks& chunks) noexcept : chunks_(chunks) {}
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] Entry pop() noexcept;
    [[nodiscard]] bool push(Entry entry) noexcept;
    void reset() noexcept { size_ = chunk_ = filled_ = 0; }

  private:
    const ObjectChunks& chunks_;
    std::size_t size_ = 0;
    std::size_t chunk_ = 0; // whose entries are filled so far
    std::size_t filled_ = 0;
  };

  ObjectChunks(const ObjectKind& kind, std::size_t capacity,
               const ObjectPoolOptions& options) noexcept
      : kind_(&kind), capacity_(capacity), next_count_(ObjectPoolCore::first_count(capacity)),
        options_(options) {}
  /// After `free_chunks`.
  ~ObjectChunks() = default;

  // Atomic, for `owns` of an object that others take and give back. Taking and giving back read
  // without that, for fewer instructions: those who may do it to an object come one after the
  // other.
  static void mark(State* state, State now) noexcept {
    __atomic_store(state, &now, __ATOMIC_RELAXED);
  }
  [[nodiscard]] static State state(const State* of) noexcept {
    State found = State::fresh;
    __atomic_load(of, &found, __ATOMIC_RELAXED);
    return found;
  }

  [[nodiscard]] static bool is_to_make(Entry entry) noexcept {
    return *entry.state == State::fresh || *entry.state == State::vacant;
  }

  [[nodiscard]] std::size_t offset_in(const Slots& slots, const void* p) const noexcept {
    return reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(slots.begin);
  }
  [[nodiscard]] void* address(const Slots& slots, std::size_t index) const noexcept {
    return slots.begin + index * kind_->stride;
  }
  [[nodiscard]] const Slots* slots_of(const void* p) const noexcept;
  [[nodiscard]] Chunk& chunk(std::size_t i) const noexcept {
    return *chunks_[i].load(std::memory_order_relaxed);
  }

  // With the mutex held:

  /// Null: there is none.
  [[nodiscard]] Entry take_vacant() noexcept;
  /// Not when empty.
  [[nodiscard]] Entry take_fresh(Group& group) const noexcept;
  /// Of the newest chunk: empty if all of that is in groups.
  [[nodiscard]] Group next_group() noexcept;
  /// False: there is no memory.
  [[nodiscard]] bool try_grow() noexcept;
  /// When try_grow did not: what upstream throws passes through. False: the heap refused.
  [[nodiscard]] bool grow();
  void add_vacant(Entry slot) noexcept;
  /// Takes chunks out that are left when `excess` objects leave, and tells how many more must.
  [[nodiscard]] Chunk* unlink_leaving(std::size_t& excess) noexcept;
  /// Empties a group that lies in such a chunk.
  void forget_leaving(Group& group) const noexcept {
    if (!group.empty() && slots_of(group.next.object) == nullptr)
      group = {};
  }
  /// All that is available goes to the depot, but for `excess` objects, which leave.
  void restock(std::size_t excess) noexcept;

  // When no other thread uses the pool:

  void free_leaving(Chunk* chunk) noexcept;
  void destroy_leaving(std::mutex& mutex) noexcept;
  void free_chunks() noexcept;
  [[nodiscard]] std::size_t leases() const noexcept;

  const ObjectKind* kind_;
  std::array<std::atomic<Chunk*>, most_chunks> chunks_{}; // oldest first
  std::atomic<std::size_t> chunk_count_ = 0;
  Depot depot_{*this};
  void* vacant_ = nullptr; // a list in the slots themselves
  std::size_t objects_ = 0;
  std::size_t held_ = 0; // bytes of all chunks, and of what else its owner adds
  bool scarce_ = false;  // no more chunk was to be had
  std::size_t capacity_;
  std::size_t next_count_; // slots of the next chunk; 0 when released
  ObjectPoolOptions options_;

private:
  [[nodiscard]] Buffer buffer_for(std::size_t count) const;
  void add_chunk(Buffer&& buffer, std::size_t count) noexcept;
  void destroy(void* object) const noexcept;
  void free_chunk(Chunk& chunk) const noexcept;
};

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot

#endif
