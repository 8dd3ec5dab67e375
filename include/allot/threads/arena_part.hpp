// What a thread has of a SharedArena: a cursor, in its first cache line, and the objects whose
// destructors are owed. To the one thread that has it, it is an arena of its own.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/detail/cleanups.hpp>
#include <allot/detail/creating.hpp>
#include <allot/threads/chunk_cursor.hpp>
#include <allot/threads/thread_parts.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace allot {
inline namespace ALLOT_ABI {

class SharedArena;

namespace detail {
class alignas(64) ArenaPart : public ChunkCursor,
                              public ThreadPart,
                              public Creating<ArenaPart, Destructors::run> {
public:
  ArenaPart(SharedArena& arena, Shared& of, Gap gap) noexcept
      : ChunkCursor(gap), ThreadPart(of), arena_(arena) {}

  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment) {
    std::byte* const p = head();
    if (alignment <= granule && is_power_of_two(alignment) && fits(p, bytes)) [[likely]]
      return take(p, bytes);
    return allocate_slow(bytes, alignment);
  }
  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
    std::byte* const p = head();
    if (alignment <= granule && is_power_of_two(alignment) && fits(p, bytes)) [[likely]]
      return take(p, bytes);
    return try_allocate_slow(bytes, alignment);
  }

  struct Position {
    Cleanups::Position objects;
    std::byte* head;
    std::size_t used;
    bool operator==(const Position&) const = default;
  };
  [[nodiscard]] Position position() const noexcept { return {objects_.position(), head(), used()}; }
  /// Back to before the newest allocation, if it was in the chunk.
  void rewind(const Position& to) noexcept {
    objects_.destroy_back_to(to.objects);
    if (head() != to.head)
      truncate(head() - gap().stretch(used() - to.used));
  }
  [[nodiscard]] Cleanups& cleanups() noexcept { return objects_; }
  [[nodiscard]] Label label() const noexcept;

  /// While code of the caller's runs, which must not take back the arena.
  void enter() noexcept { visits_.store(visits() + 1, std::memory_order_relaxed); }
  void leave() noexcept {
    visits_.store(visits() - 1, std::memory_order_relaxed);
    object_count_.store(objects_.count(), std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint32_t visits() const noexcept {
    return visits_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::size_t objects() const noexcept {
    return object_count_.load(std::memory_order_relaxed);
  }

  bool idle = true; // whether no thread has it; guarded by the mutex

  /// The thread that had it is no more.
  void leave_for_good() noexcept {
    visits_.store(0, std::memory_order_relaxed);
    idle = true;
  }

private:
  [[nodiscard, gnu::cold]] void* allocate_slow(std::size_t bytes, std::size_t alignment);
  [[nodiscard, gnu::cold]] void* try_allocate_slow(std::size_t bytes,
                                                   std::size_t alignment) noexcept;

  SharedArena& arena_;
  Cleanups objects_;
  std::atomic<std::size_t> object_count_ = 0;
  std::atomic<std::uint32_t> visits_ = 0;
};

static_assert(CreatedIn<ArenaPart, Destructors::run>);

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot

#endif
