// Hooks: functions that C libraries call for memory, over any strategy that serves any size.
//
// C libraries differ in what their hooks are told. Name the strategy's class where the hook gets a
// context pointer, and the strategy itself, which then has static storage, where it gets none:
//
//   Lua      Multipool pool;
//            lua_newstate(hooks::resize<Multipool>, &pool);
//   zlib     z_stream stream{};
//            stream.zalloc = hooks::allocate_array<Arena>, stream.zfree = hooks::deallocate<Arena>,
//            stream.opaque = &arena;
//   zstd     ZSTD_customMem{hooks::allocate<Arena>, hooks::deallocate<Arena>, &arena}
//   expat    static Region region;
//            XML_Memory_Handling_Suite{hooks::allocate<region>, hooks::reallocate<region>,
//                                      hooks::deallocate<region>}
//
// Sizes may be of any integer type; it is deduced from the hook. Everything is aligned for
// anything, as malloc's is, and null stands for every refusal.
//
// There are two families, and what one handed out the other must not get:
//
//   resize     is told the old size, and keeps nothing beside the block
//   the rest   are not; where the strategy cannot tell sizes itself (Multipool can), each block
//              has a header
//
//                | size | seal | the block ...
//                ^             ^ aligned to 16
//
//              and the seal tells a block from what is foreign, inside one or freed
//
// Strategies that free nothing singly take the newest block back and keep the others until reset.
// A pointer that cannot be freed goes to the misuse handler, but for that `resize` cannot tell
// where there is no header; one that cannot be resized gives null. Both change nothing.
//
// All is what the strategy's own calls are, O(1) but for copying; finding a block's header in a
// Region takes O(log arenas). allocate_array writes no zeros over memory that is zero already.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/annotate.hpp>
#include <allot/base/errc.hpp>
#include <allot/base/size.hpp>
#include <allot/concepts.hpp>
#include <allot/detail/give_back.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {
namespace hooks {

namespace detail {

inline constexpr std::size_t alignment = alignof(std::max_align_t);

/// Can tell how long a block is, and free it without being told.
template <class S>
concept Sizing = Allocating<S> && Deallocating<S> && requires(S& s, void* p, std::size_t bytes) {
  { s.usable_size(p) } -> std::same_as<std::size_t>;
  { s.try_reallocate(p, bytes) } -> std::same_as<void*>;
};

/// `n` in bytes, rounded up so that nothing is skipped before the next block, which would keep this
/// one from being the newest; what no size can be, as a size that no strategy serves.
template <std::integral Size>
[[nodiscard]] constexpr std::size_t bytes(Size n) noexcept {
  return std::in_range<std::size_t>(n) ? saturating_round_up(static_cast<std::size_t>(n), alignment)
                                       : max_size;
}

template <class S>
[[nodiscard]] void* allocate(S& strategy, std::size_t bytes) noexcept {
  return strategy.try_allocate(bytes, alignment);
}

/// In place if that can be, else in a new one. What shrinks stays where it is at the worst.
template <class S>
[[nodiscard]] void* resize(S& strategy, void* p, std::size_t old_bytes,
                           std::size_t new_bytes) noexcept {
  if (strategy.try_resize(p, old_bytes, new_bytes))
    return p;
  if (new_bytes <= old_bytes)
    return strategy.owns(p) ? p : nullptr;
  return strategy.try_reallocate(p, old_bytes, new_bytes, alignment);
}

/// In front of each block of a strategy that cannot tell sizes.
struct alignas(alignment) Header {
  std::size_t size;
  std::uintptr_t seal;

  [[nodiscard]] std::uintptr_t intact() const noexcept {
    return ~(reinterpret_cast<std::uintptr_t>(this) ^ size);
  }
  /// As numbers, since `p` may be anything.
  static Header* of(void* p) noexcept {
    return reinterpret_cast<Header*>(reinterpret_cast<std::uintptr_t>(p) - sizeof(Header));
  }
};

[[nodiscard]] inline bool is_aligned(const void* p) noexcept {
  return padding(reinterpret_cast<std::uintptr_t>(p), alignment) == 0;
}

/// Whether there is memory of the strategy's where the header of a block at `p` would be.
template <class S>
[[nodiscard]] bool owns_header(const S& strategy, void* p) noexcept {
  const auto end = reinterpret_cast<std::uintptr_t>(p);
  return strategy.owns(reinterpret_cast<void*>(end - sizeof(Header))) &&
         strategy.owns(reinterpret_cast<void*>(end - 1));
}

/// Whether `p` is a block in use. Nothing is read through it that is not the strategy's.
template <class S>
[[nodiscard]] bool is_block(const S& strategy, void* p) noexcept {
  return is_aligned(p) && owns_header(strategy, p) &&
         Header::of(p)->seal == Header::of(p)->intact();
}

/// Says of what is no block why it is none.
template <class S>
[[gnu::cold]] void report(const S& strategy, void* p) noexcept {
  const Label who = allot::detail::label_of("hooks", strategy);
  if (!owns_header(strategy, p))
    report_misuse(who, Errc::foreign_pointer, "%p is not from here, or was taken back", p);
  else if (!is_aligned(p))
    report_misuse(who, Errc::misaligned_pointer, "%p lies inside a block", p);
  else
    report_misuse(who, Errc::double_free, "%p was freed already, or lies inside a block", p);
}

template <class S>
[[nodiscard]] void* allocate_block(S& strategy, std::size_t bytes) noexcept {
  if constexpr (Sizing<S>) {
    return allocate(strategy, bytes);
  } else {
    void* const place = allocate(strategy, saturating_add(bytes, sizeof(Header)));
    if (place == nullptr)
      return nullptr;
    auto* const header = ::new (place) Header{.size = bytes, .seal = 0};
    header->seal = header->intact();
    return header + 1;
  }
}

template <class S>
void deallocate_block(S& strategy, void* p) noexcept {
  if (p == nullptr)
    return;
  if constexpr (Sizing<S>) {
    allot::detail::report_if_thrown([&] { strategy.deallocate(p); });
  } else {
    if (!is_block(strategy, p)) [[unlikely]]
      return report(strategy, p);
    Header* const header = Header::of(p);
    header->seal = 0;
    give_back(strategy, "hooks", header, header->size + sizeof(Header), alignment);
  }
}

template <class S>
[[nodiscard]] void* reallocate_block(S& strategy, void* p, std::size_t bytes) noexcept {
  if (p == nullptr)
    return allocate_block(strategy, bytes);
  if constexpr (Sizing<S>) {
    return strategy.try_reallocate(p, bytes);
  } else {
    if (!is_block(strategy, p)) [[unlikely]]
      return nullptr;
    Header* const header = Header::of(p);
    header->seal = 0; // first: where the block moves, its old place may be gone
    auto* const moved = static_cast<Header*>(resize(strategy, header, header->size + sizeof(Header),
                                                    saturating_add(bytes, sizeof(Header))));
    if (moved == nullptr) {
      header->seal = header->intact();
      return nullptr;
    }
    if (moved != header && strategy.owns(header))
      annotate::show(header, sizeof(Header)); // so that the broken seal can be read
    moved->size = bytes;
    moved->seal = moved->intact();
    return moved + 1;
  }
}

template <class S>
[[nodiscard]] std::size_t size_of_block(S& strategy, void* p) noexcept {
  std::size_t size = 0;
  if (p == nullptr)
    return size;
  if constexpr (Sizing<S>)
    allot::detail::report_if_thrown([&] { size = strategy.usable_size(p); });
  else if (is_block(strategy, p)) [[likely]]
    size = Header::of(p)->size;
  else
    report(strategy, p);
  annotate::show(p, size); // all of which may be used now
  return size;
}

template <class S>
[[nodiscard]] void* allocate_zero(S& strategy, std::size_t count, std::size_t size) noexcept {
  const std::size_t all = bytes(saturating_multiply(count, size));
  void* const p = all <= PTRDIFF_MAX ? allocate_block(strategy, all) : nullptr;
  if (p == nullptr)
    return p;
  if constexpr (requires { strategy.dirty_bytes(p, all); })
    std::memset(p, 0, strategy.dirty_bytes(p, all)); // so that fresh pages stay untouched
  else
    std::memset(p, 0, all);
  return p;
}

/// A factor of an array's size.
template <std::integral Size>
[[nodiscard]] constexpr std::size_t factor(Size n) noexcept {
  return std::in_range<std::size_t>(n) ? static_cast<std::size_t>(n) : max_size;
}

} // namespace detail

// ------------------------------------------------------------------------- hooks with a context

/// lua_Alloc: allocates if `p` is null, whatever the old size is then; frees, and gives null, if
/// `new_bytes` is 0; resizes otherwise. Shrinking never fails.
template <Allocating S>
[[nodiscard]] void* resize(void* context, void* p, std::size_t old_bytes,
                           std::size_t new_bytes) noexcept {
  S& strategy = *static_cast<S*>(context);
  const std::size_t old_size = detail::bytes(old_bytes);
  const std::size_t new_size = detail::bytes(new_bytes);
  if (new_bytes == 0) {
    if (p != nullptr)
      give_back(strategy, "hooks", p, old_size, detail::alignment);
    return nullptr;
  }
  if (p == nullptr)
    return detail::allocate(strategy, new_size);
  if constexpr (detail::Sizing<S>)
    return strategy.try_reallocate(p, new_size);
  else
    return detail::resize(strategy, p, old_size, new_size);
}

template <Allocating S, std::integral Size>
[[nodiscard]] void* allocate(void* context, Size bytes) noexcept {
  return detail::allocate_block(*static_cast<S*>(context), detail::bytes(bytes));
}
/// `count` times `size` bytes, all zero, as calloc gives them; null if the product overflows.
template <Allocating S, std::integral Size>
[[nodiscard]] void* allocate_array(void* context, Size count, Size size) noexcept {
  return detail::allocate_zero(*static_cast<S*>(context), detail::factor(count),
                               detail::factor(size));
}
/// A null `p` allocates. 0 bytes are a size as any other, and free nothing. Shrinking never fails.
template <Allocating S, std::integral Size>
[[nodiscard]] void* reallocate(void* context, void* p, Size bytes) noexcept {
  return detail::reallocate_block(*static_cast<S*>(context), p, detail::bytes(bytes));
}
/// Null is ignored.
template <Allocating S>
void deallocate(void* context, void* p) noexcept {
  detail::deallocate_block(*static_cast<S*>(context), p);
}

// ---------------------------------------------------------------------- hooks without a context

template <auto& strategy, std::integral Size>
[[nodiscard]] void* allocate(Size bytes) noexcept {
  return detail::allocate_block(strategy, detail::bytes(bytes));
}
template <auto& strategy, std::integral Size>
[[nodiscard]] void* allocate_array(Size count, Size size) noexcept {
  return detail::allocate_zero(strategy, detail::factor(count), detail::factor(size));
}
template <auto& strategy, std::integral Size>
[[nodiscard]] void* reallocate(void* p, Size bytes) noexcept {
  return detail::reallocate_block(strategy, p, detail::bytes(bytes));
}
template <auto& strategy>
void deallocate(void* p) noexcept {
  detail::deallocate_block(strategy, p);
}
/// For hooks that are told the size: it is not needed.
template <auto& strategy, std::integral Size>
void deallocate(void* p, Size) noexcept {
  detail::deallocate_block(strategy, p);
}
/// Bytes that the block at `p` has room for; 0 for null. What is no block goes to the handler.
template <auto& strategy, std::integral Size>
[[nodiscard]] Size usable_size(void* p) noexcept {
  return static_cast<Size>(detail::size_of_block(strategy, p));
}

} // namespace hooks
} // namespace ALLOT_ABI
} // namespace allot

#endif
