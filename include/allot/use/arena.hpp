// The verbs of the module `arena`, each under its own name and one line of the classes it stands
// for. `using namespace allot::use::arena;` is its "use arena".
//
// Where the page gives one call several meanings, the bare call has the first; the others take a
// tag, last: arena(a) resets, arena(a, release) frees. Sizes are any integer type but bool and the
// character types; a negative one is Misuse. Errors are those of the members.
//
// Next to `using namespace std`, `align` and (with <stack>) `stack` are ambiguous; Qt's macro
// `slots` must be off (QT_NO_KEYWORDS).
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/arena.hpp>
#include <allot/block_pool.hpp>
#include <allot/bump.hpp>
#include <allot/error.hpp>
#include <allot/mapped_arena.hpp>
#include <allot/object_pool.hpp>
#include <allot/region.hpp>
#include <allot/scratch.hpp>
#include <allot/slot_arena.hpp>
#include <allot/stack.hpp>
#include <allot/typed_arena.hpp>
#include <allot/use/tags.hpp>

#include <concepts>
#include <cstddef>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

// No word of the page is data to push on a stack, here or by the member.
template <std::derived_from<use::Word> T>
inline constexpr bool is_data<T> = false;

namespace use::arena {

using use::acquire;
using use::align;
using use::release;
using use::reset;
using use::restore;
using use::save;
using use::shrink;
using use::slots;
using use::stats;

// Arena

/// An arena with a buffer of `size` bytes.
template <Integer N>
[[nodiscard]] Arena arena(N size) {
  return Arena(to_size("arena", size));
}
/// `bytes` from the arena, aligned to 8.
template <Integer N>
[[nodiscard]] void* arena(Arena& a, N bytes) {
  return a.allocate(to_size("arena", bytes));
}
/// The nearest multiple of `alignment`, any number but 0, that is not below `size`.
template <Integer N>
[[nodiscard]] std::size_t arena(N size, align alignment) {
  return align_up(to_size("arena", size), alignment.value);
}
template <Integer N, Integer M>
[[nodiscard]] std::size_t arena(N size, M alignment) {
  return arena(size, align(alignment));
}
/// Takes everything back and zeroes it.
inline void arena(Arena& a, ResetTag) {
  a.reset();
}
inline void arena(Arena& a) {
  a.reset();
}
/// Frees the buffer.
inline void arena(Arena& a, ReleaseTag) noexcept {
  a.release();
}

/// An arena of `capacity` slots of `type_size` bytes. For a C++ type: TypedArena<T>(capacity).
template <Integer N>
[[nodiscard]] SlotArena arena(N type_size, slots capacity) {
  return SlotArena(to_size("arena", type_size), capacity.value);
}
/// The next slot and its index.
[[nodiscard]] inline Slot arena(SlotArena& t) {
  return t.allocate();
}
/// The slot with this index.
template <Integer N>
[[nodiscard]] void* arena(SlotArena& t, N index) {
  return t.at(to_size("arena", index));
}
inline void arena(SlotArena& t, ResetTag) {
  t.reset();
}
inline void arena(SlotArena& t, ReleaseTag) noexcept {
  t.release();
}

/// The next object, value-initialised, and its index.
template <class T>
typename TypedArena<T>::Slot arena(TypedArena<T>& t) {
  return t.create();
}
/// The object with this index.
template <class T, Integer N>
[[nodiscard]] T& arena(TypedArena<T>& t, N index) {
  return t.at(to_size("arena", index));
}
template <class T>
void arena(TypedArena<T>& t, ResetTag) {
  t.reset();
}
template <class T>
void arena(TypedArena<T>& t, ReleaseTag) noexcept {
  t.release();
}

// Bump

/// A bump allocator with a buffer of `size` bytes.
template <Integer N>
[[nodiscard]] Bump bumpn(N size) {
  return Bump(to_size("bumpn", size));
}
/// `size` bytes, aligned to 8.
template <Integer N>
[[nodiscard]] void* bumpa(Bump& b, N size) {
  return b.allocate(to_size("bumpa", size));
}
/// Takes everything back and zeroes it.
inline void bumpr(Bump& b) {
  b.reset();
}
/// Frees the buffer.
inline void bumpf(Bump& b) noexcept {
  b.release();
}

// Object pool

/// A pool of what `constructor()` makes; `reset_fn(object)` comes before each reuse.
template <class Make, class Reset, Integer N>
[[nodiscard]] auto pooln(Make constructor, Reset reset_fn, N initial_capacity) {
  return ObjectPool(std::move(constructor), std::move(reset_fn),
                    to_size("pooln", initial_capacity));
}
/// A returned object after resetting it, or else a new one.
template <class T, class Make, class Reset>
[[nodiscard]] T& poolg(ObjectPool<T, Make, Reset>& pool) {
  return pool.acquire();
}
/// Gives an object back.
template <class T, class Make, class Reset>
void poolr(ObjectPool<T, Make, Reset>& pool, std::type_identity_t<T>& object) {
  pool.give_back(object);
}
/// {available, in_use, total_allocated, capacity}
template <class T, class Make, class Reset>
[[nodiscard]] auto pools(const ObjectPool<T, Make, Reset>& pool, StatsTag = stats) {
  return pool.stats();
}
/// Destroys available objects until at most `capacity` are left.
template <class T, class Make, class Reset>
void pools(ObjectPool<T, Make, Reset>& pool, ShrinkTag) {
  pool.shrink();
}

// Fixed-size blocks

/// A pool of `block_count` blocks of `block_size` bytes.
template <Integer N, Integer K>
[[nodiscard]] BlockPool block(N block_size, K block_count) {
  return BlockPool(to_size("block", block_size), to_size("block", block_count));
}
/// The first free block.
[[nodiscard]] inline void* block(BlockPool& b, AcquireTag) {
  return b.allocate();
}
[[nodiscard]] inline void* block(BlockPool& b) {
  return b.allocate();
}
/// Frees a block and zeroes it.
inline void block(BlockPool& b, void* ptr) {
  b.deallocate(ptr);
}
/// {total, used, free, utilization}
[[nodiscard]] inline BlockPool::Stats block(const BlockPool& b, StatsTag) {
  return b.stats();
}

// Stack

/// A stack with a buffer of `size` bytes.
template <Integer N>
[[nodiscard]] Stack stack(N size) {
  return Stack(to_size("stack", size));
}
/// Data that cannot be meant as a size: no integer, which pops, and no bool or character either.
template <class Data>
concept StackData = requires(Stack& s, const Data& data) {
  s.push(data);
  requires !std::numeric_limits<std::decay_t<Data>>::is_integer;
};
/// Pushes a copy of the data: a value, a contiguous range's elements, or text.
template <StackData Data>
std::span<std::byte> stack(Stack& s, const Data& data) {
  return s.push(data);
}
/// Pops `size` bytes off the top; they can be read until the next push.
template <Integer N>
std::span<std::byte> stack(Stack& s, N size) {
  return s.pop(to_size("stack", size));
}
/// Sets a marker at the top.
[[nodiscard]] inline Marker stack(Stack& s) {
  return s.mark();
}
/// Discards everything pushed after the marker was set.
inline void stack(Stack& s, Marker mark) {
  s.restore(mark);
}

// Memory-mapped arena

/// An arena that reserves `size` bytes of addresses.
template <Integer N>
[[nodiscard]] MappedArena mmapn(N size, const MapOptions& options = {}) {
  return MappedArena(to_size("mmapn", size), options);
}
/// Commits `size` more bytes of physical memory; gives the total.
template <Integer N>
std::size_t mmapc(MappedArena& m, N size) {
  return m.commit(to_size("mmapc", size));
}
/// `bytes` aligned to 8, committing more pages as needed.
template <Integer N>
[[nodiscard]] void* mmapa(MappedArena& m, N bytes) {
  return m.allocate(to_size("mmapa", bytes));
}
/// Unmaps everything.
inline void mmapf(MappedArena& m) noexcept {
  m.release();
}

// Region

/// A region without arenas.
[[nodiscard]] inline Region regio() {
  return Region();
}
/// `size` bytes, from a new arena of 64 KiB if the current one is full.
template <Integer N>
[[nodiscard]] void* regio(Region& r, N size) {
  return r.allocate(to_size("regio", size));
}
/// Frees all arenas; the region is empty and usable.
inline void regio(Region& r, ReleaseTag) noexcept {
  r.release();
}
inline void regio(Region& r) noexcept {
  r.release();
}
/// {arenas, total_allocated, current_arena_used, current_arena_size}
[[nodiscard]] inline Region::Stats regio(const Region& r, StatsTag) {
  return r.stats();
}

// Scratch space

/// A scratch space backed by an arena of `size` bytes.
template <Integer N>
[[nodiscard]] Scratch scrat(N size) {
  return Scratch(to_size("scrat", size));
}
/// Saves the current offset as a checkpoint.
inline void scrat(Scratch& s, SaveTag) {
  s.checkpoint();
}
inline void scrat(Scratch& s) {
  s.checkpoint();
}
/// `bytes` from the scratch space.
template <Integer N>
[[nodiscard]] void* scrat(Scratch& s, N bytes) {
  return s.allocate(to_size("scrat", bytes));
}
/// Takes back everything since the last checkpoint.
inline void scrat(Scratch& s, RestoreTag) {
  s.restore();
}
/// Frees the arena.
inline void scrat(Scratch& s, ReleaseTag) noexcept {
  s.release();
}

} // namespace use::arena
} // namespace ALLOT_ABI
} // namespace allot

#endif
