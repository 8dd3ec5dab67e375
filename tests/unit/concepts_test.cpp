#include <allot/concepts.hpp>

#include "support.hpp"

#include <allot/allot.hpp>

#include <utility>

using namespace allot;

namespace {

// Which roles each strategy plays, and which it does not.
static_assert(Strategy<Arena> && Allocating<Arena> && !Deallocating<Arena> && Resettable<Arena> &&
              Rewindable<Arena> && !Trimmable<Arena>);
static_assert(Reporting<Arena> && Reporting<Bump> && Reporting<SlotArena> &&
              Reporting<TypedArena<int>> && Reporting<ObjectPool<int>> && Reporting<BlockPool> &&
              Reporting<Multipool> && Reporting<Stack> && Reporting<MappedArena> &&
              Reporting<Region> && Reporting<Scratch>);
static_assert(Trimmable<Region> && Trimmable<MappedArena> && Trimmable<Multipool> &&
              Trimmable<ObjectPool<int>> && !Trimmable<BlockPool> && !Trimmable<Stack>);
static_assert(Strategy<Bump> && Allocating<Bump> && !Deallocating<Bump> && Resettable<Bump> &&
              !Rewindable<Bump>);
static_assert(Strategy<SlotArena> && !Allocating<SlotArena> && !Deallocating<SlotArena> &&
              Resettable<SlotArena> && !Rewindable<SlotArena>);
static_assert(Strategy<TypedArena<int>> && !Allocating<TypedArena<int>> &&
              !Deallocating<TypedArena<int>> && Resettable<TypedArena<int>> &&
              !Rewindable<TypedArena<int>>);
static_assert(Strategy<ObjectPool<int>> && !Allocating<ObjectPool<int>> &&
              !Deallocating<ObjectPool<int>> && !Resettable<ObjectPool<int>> &&
              !Rewindable<ObjectPool<int>>);
static_assert(Strategy<BlockPool> && !Allocating<BlockPool> && Deallocating<BlockPool> &&
              Resettable<BlockPool> && !Rewindable<BlockPool>);
static_assert(Strategy<Multipool> && Allocating<Multipool> && Deallocating<Multipool> &&
              Resettable<Multipool> && !Rewindable<Multipool>);
static_assert(Strategy<Stack> && !Allocating<Stack> && !Deallocating<Stack> && Resettable<Stack> &&
              Rewindable<Stack>);
static_assert(Strategy<MappedArena> && Allocating<MappedArena> && !Deallocating<MappedArena> &&
              Resettable<MappedArena> && Rewindable<MappedArena>);
static_assert(Strategy<Region> && Allocating<Region> && !Deallocating<Region> &&
              Resettable<Region> && Rewindable<Region>);
static_assert(Strategy<Scratch> && Allocating<Scratch> && !Deallocating<Scratch> &&
              Resettable<Scratch> && Rewindable<Scratch>);

// What each concept asks for: the class that has it all, and those that lack one thing.
class Whole {
public:
  Whole() = default;
  Whole(Whole&&) noexcept {}
  Whole& operator=(Whole&&) noexcept { return *this; }
  void release() noexcept {}
  [[nodiscard]] bool owns(const void*) const noexcept { return false; }
  [[nodiscard]] bool freed() const noexcept { return false; }
  [[nodiscard]] bool empty() const noexcept { return true; }
  [[nodiscard]] std::size_t capacity() const noexcept { return 0; }
  [[nodiscard]] std::size_t used() const noexcept { return 0; }
  [[nodiscard]] std::size_t available() const noexcept { return 0; }
  [[nodiscard]] std::size_t peak() const noexcept { return 0; }
  void reset_peak() noexcept {}
  [[nodiscard]] const char* name() const noexcept { return "whole"; }
  [[nodiscard]] Label label() const noexcept { return "whole"; }
  [[nodiscard]] Stats stats() const noexcept { return {name(), 0, 0, 0, 0, 0}; }
  void trim(std::size_t = 0) {}
  [[nodiscard]] void* allocate(std::size_t) { return nullptr; }
  [[nodiscard]] void* allocate(std::size_t, std::size_t) { return nullptr; }
  [[nodiscard]] void* try_allocate(std::size_t) noexcept { return nullptr; }
  [[nodiscard]] void* try_allocate(std::size_t, std::size_t) noexcept { return nullptr; }
  [[nodiscard]] bool try_resize(void*, std::size_t, std::size_t) noexcept { return false; }
  void deallocate(void*) {}
  void reset() {}
  int scope() { return 0; }
};
static_assert(Strategy<Whole> && Reporting<Whole> && Allocating<Whole> && Deallocating<Whole> &&
              Resettable<Whole> && Rewindable<Whole>);

struct Copyable : Whole {
  Copyable(const Copyable&) : Whole() {}
  Copyable& operator=(const Copyable&) { return *this; }
};
struct MoveMayThrow : Whole {
  MoveMayThrow(MoveMayThrow&&) noexcept(false) : Whole() {}
  MoveMayThrow& operator=(MoveMayThrow&&) noexcept { return *this; }
};
struct ReleaseMayThrow : Whole {
  void release() {}
};
struct OwnsChanges : Whole {
  bool owns(const void*) noexcept { return false; }
};
struct PeakMayThrow : Whole {
  [[nodiscard]] std::size_t peak() const { return 0; }
};
struct TrimsAllOrNothing : Whole {
  void trim() {}
};
// What hands out memory need not tell all that allot's own strategies tell.
struct Quiet : Whole {
  void stats() const noexcept = delete;
};
static_assert(Strategy<Quiet> && Allocating<Quiet> && !Reporting<Quiet>);
static_assert(!Reporting<PeakMayThrow> && Trimmable<Whole> && !Trimmable<TrimsAllOrNothing>);
static_assert(!Strategy<Copyable> && !Movable<MoveMayThrow> && !Strategy<ReleaseMayThrow> &&
              !Strategy<OwnsChanges>);
static_assert(!Allocating<Copyable> && !Deallocating<Copyable> && !Resettable<Copyable> &&
              !Rewindable<Copyable>);

struct TryMayThrow : Whole {
  void* try_allocate(std::size_t) { return nullptr; }
  void* try_allocate(std::size_t, std::size_t) { return nullptr; }
};
struct NoAlignment : Whole {
  void* allocate(std::size_t) { return nullptr; }
};
struct NoResize : Whole {
  bool try_resize(void*, std::size_t, std::size_t) noexcept = delete;
};
static_assert(Strategy<TryMayThrow> && !Allocating<TryMayThrow> && !Allocating<NoAlignment> &&
              !Allocating<NoResize>);

// A function for one role takes whatever plays it.
template <Allocating S>
std::size_t fill_up(S& s) {
  std::size_t count = 0;
  while (s.try_allocate(8) != nullptr)
    ++count;
  return count;
}
template <Resettable S>
void start_over(S& s) {
  s.reset();
}

TEST(Roles, LetOneFunctionServeEveryStrategyThatPlaysThem) {
  Bump bump(64);
  Scratch scratch(64);
  Region region({.arena_size = 64, .limit = 64});
  EXPECT_EQ(fill_up(bump), 8u);
  EXPECT_EQ(fill_up(scratch), 8u);
  EXPECT_EQ(fill_up(region), 8u);
  start_over(bump);
  start_over(scratch);
  start_over(region);
  EXPECT_EQ(bump.used() + scratch.used() + region.used(), 0u);
}

} // namespace
