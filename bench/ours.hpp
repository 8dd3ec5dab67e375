// Our strategies as contestants, and what they are measured against at the least: the same thing
// written by hand, and no allocator at all.
#pragma once

#include "cells.hpp"

#include <allot/allot.hpp>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>

namespace bench {

/// What a round asks of an allocator.
struct Need {
  std::size_t allocations;
  std::size_t bytes; ///< of all of them, rounded up to 8 or to their alignment
};

struct Free {
  void operator()(void* p) const noexcept { std::free(p); }
};
/// Bytes that start on a cache line, as ours do.
using Memory = std::unique_ptr<std::byte, Free>;
[[nodiscard]] inline Memory memory(std::size_t bytes) {
  void* const p = std::aligned_alloc(64, (bytes + 63) / 64 * 64);
  if (p == nullptr)
    throw std::bad_alloc();
  return Memory(static_cast<std::byte*>(p));
}

/// A loop's own cost: "allocations" that are all the same.
struct Nothing {
  static constexpr const char* name = "loop";
  explicit Nothing(const Need&) {}
  void* allocate(std::size_t) { return place; }
  void* allocate(std::size_t, std::size_t) { return place; }
  void reset() {}
  alignas(64) static inline std::byte place[64] = {};
};

/// The least that a bump allocator can be: two pointers, and a check that cannot wrap.
struct Ideal {
  static constexpr const char* name = "ideal";
  explicit Ideal(const Need& need)
      : start(memory(need.bytes)), head(start.get()), end(head + need.bytes) {}

  void* allocate(std::size_t bytes) {
    const std::size_t last = bytes - 1;
    if (last >= static_cast<std::size_t>(end - head)) [[unlikely]]
      refuse();
    std::byte* const p = head;
    head += (last | 7) + 1;
    return p;
  }
  void* allocate(std::size_t bytes, std::size_t alignment) {
    const std::size_t last = bytes - 1;
    const std::size_t left = static_cast<std::size_t>(end - head);
    const std::size_t skip = (0 - reinterpret_cast<std::uintptr_t>(head)) & (alignment - 1);
    if (skip >= left || last >= left - skip) [[unlikely]]
      refuse();
    std::byte* const p = head + skip;
    head = p + (last | 7) + 1;
    return p;
  }
  void reset() { head = start.get(); }
  [[gnu::cold, gnu::noinline, noreturn]] static void refuse() { throw std::bad_alloc(); }

  Memory start;
  std::byte* head;
  std::byte* end;
};

struct ZeroingIdeal : Ideal {
  using Ideal::Ideal;
  void reset() {
    std::memset(start.get(), 0, static_cast<std::size_t>(head - start.get()));
    head = start.get();
  }
};

template <class Strategy>
inline constexpr const char* name_of = nullptr;
template <>
inline constexpr const char* name_of<allot::Arena> = "allot::Arena";
template <>
inline constexpr const char* name_of<allot::Bump> = "allot::Bump";
template <>
inline constexpr const char* name_of<allot::MappedArena> = "allot::MappedArena";
template <>
inline constexpr const char* name_of<allot::Region> = "allot::Region";
template <>
inline constexpr const char* name_of<allot::Scratch> = "allot::Scratch";

template <class Strategy>
[[nodiscard]] Strategy make(std::size_t bytes, bool zero) {
  if constexpr (std::is_same_v<Strategy, allot::Region>)
    return allot::Region({.zero = zero});
  else if constexpr (std::is_same_v<Strategy, allot::MappedArena>)
    return allot::MappedArena(bytes, {.zero = zero});
  else
    return Strategy(bytes, {.zero = zero});
}

template <class Strategy, bool zero>
struct Ours {
  static constexpr const char* name = name_of<Strategy>;
  explicit Ours(const Need& need) : strategy(make<Strategy>(need.bytes, zero)) {}
  void* allocate(std::size_t bytes) { return strategy.allocate(bytes); }
  void* allocate(std::size_t bytes, std::size_t alignment) {
    return strategy.allocate(bytes, alignment);
  }
  void reset() { strategy.reset(); }
  Strategy strategy;
};
/// As the peers are.
template <class Strategy>
using NotZeroing = Ours<Strategy, false>;
/// As the page says.
template <class Strategy>
using Zeroing = Ours<Strategy, true>;

} // namespace bench
