// SharedObjectPoolCore: what of a SharedObjectPool does not depend on the objects' type: who has
// which, and all that is refused. Its chunks are in object_chunks.hpp. Not for use on its own.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/annotate.hpp>
#include <allot/base/size.hpp>
#include <allot/buffer.hpp>
#include <allot/detail/object_pool_core.hpp>
#include <allot/stats.hpp>
#include <allot/threads/object_chunks.hpp>
#include <allot/threads/thread_magazine.hpp>
#include <allot/threads/thread_parts.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

class SharedObjectPoolCore : public ObjectChunks {
public:
  SharedObjectPoolCore(const SharedObjectPoolCore&) = delete;
  SharedObjectPoolCore& operator=(const SharedObjectPoolCore&) = delete;

  void shrink() { trim(capacity_); }
  void trim(std::size_t keep = 0);
  void release() noexcept;

  [[nodiscard]] ObjectPoolStats stats() const noexcept;
  [[nodiscard]] bool empty() const noexcept { return used() == 0; }
  [[nodiscard]] std::size_t used() const noexcept { return stats().in_use; }
  [[nodiscard]] std::size_t available() const noexcept { return stats().available; }
  [[nodiscard]] std::size_t peak() const noexcept;
  void reset_peak() noexcept;

protected:
  struct Part : ThreadPart {
    Part(Shared& of, Entry* items) noexcept
        : ThreadPart(of), magazine(items, {nullptr, &no_state}) {}
    ThreadMagazine<Entry> magazine;
    const Slots* recent = &no_slots;    // of the object that was given back last
    std::atomic<std::size_t> calls = 0; // callables that run in the thread
    Buffer memory;                      // that it lies in itself
    Group group;                        // for new objects; the mutex guards it, and
    bool left = false;                  // whether its thread ended
  };

  SharedObjectPoolCore(const ObjectKind& kind, std::size_t capacity,
                       const ObjectPoolOptions& options) noexcept
      : ObjectChunks(kind, capacity, options) {}
  /// After `end`.
  ~SharedObjectPoolCore() = default;
  /// As release, but leases that are out are told and forgotten.
  void end() noexcept;

  /// An object that is available, in state `as` now. False: its magazine has none.
  // Member by member: they were written so, and processors are slow to read both at once then.
  [[nodiscard, gnu::always_inline]] static bool take(Part& mine, Entry& entry, State as) noexcept {
    return mine.magazine.take(mine.lock, [&](const Entry& newest) noexcept {
      entry.object = newest.object;
      entry.state = newest.state;
      return claim(entry, as);
    });
  }
  /// The same from the depot or, if there is none, a slot to make one in, which is fresh or vacant.
  /// What upstream throws passes through. Exhausted: the heap or upstream refused, and no thread
  /// has one idle. Misuse: released.
  [[nodiscard]] Entry take_slow(State as);
  /// The same, but null for every refusal.
  [[nodiscard]] Entry try_take_slow(State as) noexcept;
  void made(Entry slot, State as) noexcept;
  /// An object in use is available again, and hidden.
  [[gnu::always_inline]] void put(Part* mine, Entry entry) noexcept {
    mark(entry.state, State::available);
    if (mine == nullptr || !mine->magazine.put(mine->lock, entry)) [[unlikely]]
      put_slow(entry);
  }
  /// Any object, or refuses it.
  void give_back_elsewhere(void* object);
  /// The same of one on a lease, or reports it.
  void end_lease_elsewhere(void* object) noexcept;
  /// Calls `visit(context, object)` for each object in use.
  void visit_used(void (*visit)(void* context, void* object), void* context);

  [[nodiscard]] Part* part() const noexcept { return static_cast<Part*>(shared_.part()); }
  [[nodiscard]] Part* find_part() const noexcept { return static_cast<Part*>(shared_.find_part()); }

  // Around a callable.
  class Call {
  public:
    Call(SharedObjectPoolCore& pool, Part* mine) noexcept : pool_(pool), mine_(mine) { add(1); }
    Call(const Call&) = delete;
    ~Call() { add(max_size); }

  private:
    void add(std::size_t n) noexcept {
      if (mine_ != nullptr) // which nobody else writes
        mine_->calls.store(mine_->calls.load(std::memory_order_relaxed) + n,
                           std::memory_order_relaxed);
      else
        pool_.calls_.fetch_add(n, std::memory_order_relaxed);
    }
    SharedObjectPoolCore& pool_;
    Part* mine_;
  };
  // Around one that makes an object, or resets one, unless that is done.
  struct Undo {
    SharedObjectPoolCore& pool;
    Entry entry;
    bool made; // before
    bool done = false;
    ~Undo() {
      if (!done)
        pool.undo(entry, made);
    }
  };

  Shared shared_;

private:
  static constexpr std::size_t most_idle = 16; // objects in a magazine

  [[nodiscard, gnu::always_inline]] static bool claim(Entry entry, State as) noexcept {
    if (*entry.state != State::available) [[unlikely]]
      return false;
    mark(entry.state, as);
    return true;
  }
  [[nodiscard]] Entry get(State as, bool may_throw);
  void put_slow(Entry entry) noexcept;
  void undo(Entry entry, bool made) noexcept;
  [[nodiscard]] bool put_elsewhere(void* object, State was) noexcept;
  [[nodiscard]] bool in_callable() noexcept;
  [[nodiscard]] bool called_back(const char* done) noexcept;
  void free_all() noexcept;

  // With the mutex held:
  [[nodiscard]] Entry take_with_lock(Part* mine, bool may_throw);
  [[nodiscard]] Entry slot_to_make(Group& mine) noexcept;
  [[nodiscard]] Group take_group(bool left) noexcept;
  [[nodiscard]] Part* attach() noexcept;
  [[nodiscard]] Part* new_part() noexcept;
  void collect() noexcept;
  [[nodiscard]] bool gather() noexcept;
  void empty_magazines() noexcept;
  [[nodiscard]] std::size_t share() const noexcept;
  [[nodiscard]] std::size_t idle() const noexcept;

  void check_usable() const;
  [[noreturn, gnu::cold]] void refuse(const void* object) const;
  [[noreturn, gnu::cold]] void refuse_more() const;
  [[gnu::cold]] void report_returned_twice(const void* object) const noexcept;

  std::atomic<std::size_t> calls_ = 0; // callables that run in threads without a part

  // What the mutex guards, beside the chunks.
  std::size_t made_ = 0;
  std::size_t peak_ = 0;
  std::size_t threads_ = 0; // that have a part
  Group group_;             // of threads without one
};

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot

#endif
