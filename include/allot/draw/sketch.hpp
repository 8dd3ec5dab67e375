// What each strategy shows of itself. All of them befriend this, which reads and changes nothing.
//
// A new strategy is one function more, which makes a picture of it.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/draw/picture.hpp>
#include <allot/stats.hpp>

#include <concepts>
#include <cstddef>
#include <span>
#include <vector>

namespace allot {
inline namespace ALLOT_ABI {

class Arena;
class BlockPool;
class Bump;
class Cursor;
class MappedArena;
class Multipool;
class ObjectPoolCore;
class Region;
class SlotArena;
class Stack;
template <class T>
class TypedArena;
template <class T, class Make, class Reset>
class ObjectPool;

struct Sketch {
  [[nodiscard]] static Picture of(const Bump& bump);
  [[nodiscard]] static Picture of(const Arena& arena); ///< Scratch, too
  [[nodiscard]] static Picture of(const MappedArena& arena);
  [[nodiscard]] static Picture of(const Region& region);
  [[nodiscard]] static Picture of(const Stack& stack);
  [[nodiscard]] static Picture of(const SlotArena& arena);
  [[nodiscard]] static Picture of(const BlockPool& pool);
  [[nodiscard]] static Picture of(const ObjectPoolCore& pool);
  [[nodiscard]] static Picture of(const Multipool& pool);

  template <class T>
  [[nodiscard]] static Picture of(const TypedArena<T>& arena) {
    const auto is_hole = [](const void* context, std::size_t index) {
      return static_cast<const TypedArena<T>*>(context)->is_hole(index);
    };
    return of_slots(arena, "object", arena.holes_.empty() ? nullptr : +is_hole, &arena);
  }
  template <class T, class Make, class Reset>
  [[nodiscard]] static Picture of(const ObjectPool<T, Make, Reset>& pool) {
    return of(static_cast<const ObjectPoolCore&>(pool));
  }

  /// What stands on a strategy: a Resource, an Allocator.
  template <class R>
    requires requires(const R& r) { of(r.strategy()); }
  [[nodiscard]] static Picture of(const R& resource) {
    return of(resource.strategy());
  }
  /// The resources in allot::pmr, which have statistics.
  template <class R>
    requires requires(const R& r) {
      r.upstream_resource();
      { r.stats() } -> std::same_as<Stats>;
    }
  [[nodiscard]] static Picture of(const R& resource) {
    std::vector<ClassStats> classes;
    if constexpr (requires { resource.class_stats(0); })
      for (std::size_t i = 0; i != resource.classes(); ++i)
        classes.push_back(resource.class_stats(i));
    return of_stats(resource.stats(), classes);
  }

private:
  using IsHole = bool (*)(const void* context, std::size_t index);
  static Picture of_slots(const SlotArena& arena, const char* what, IsHole is_hole,
                          const void* context);
  static Picture of_stats(const Stats& stats, std::span<const ClassStats> classes);

  static void add_cursor(Strip& strip, const Cursor& cursor);
  static void mark_records(Picture& picture, const Region& region,
                           std::span<const Cursor* const> cursors);
  template <class S>
  static void add_checkpoints(Strip& strip, const S& strategy);
};

} // namespace ALLOT_ABI
} // namespace allot

#endif
