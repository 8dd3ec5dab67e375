// The hooks that have names: functions whose type tells what the library passes. Where it passes a
// context pointer, the strategy's class is named; where it does not, the strategy itself, which has
// static storage.
//
// What holds for all of them, but for `resize`, which is told the old size and so is no member of
// this family (allot/hooks.hpp):
//
//   sizes        in bytes, of any integer type. One below zero, or beyond what the strategy has, is
//                refused. 0 bytes are a size as any other, whose block must be freed.
//   alignment    of std::max_align_t (16), and for `_aligned` what is asked, where that is more
//   refusals     null, and nothing changed: a block that was to be reallocated is intact
//   null         may be given as a block everywhere
//   misuse       what is no block of the strategy's goes to the misuse handler if it is to be freed
//                or measured, gives null if it is to be resized, and nothing is changed
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/size.hpp>
#include <allot/concepts.hpp>
#include <allot/detail/give_back.hpp>
#include <allot/detail/sealed_blocks.hpp>

#include <concepts>
#include <cstddef>
#include <cstring>

namespace allot {
inline namespace ALLOT_ABI {
namespace hooks {

// ------------------------------------------------------------------------- hooks with a context

/// lua_Alloc: allocates if `p` is null, whatever the old size is then; frees, and gives null, if
/// `new_bytes` is 0; resizes otherwise. Shrinking never fails. `old_bytes` must be what was asked
/// for last: nothing is kept beside the block. A free by another size goes to the handler where the
/// strategy can tell.
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
    return strategy.try_allocate(new_size, detail::alignment);
  if constexpr (detail::Sizing<S>)
    return strategy.try_reallocate(p, new_size);
  else
    return detail::resize(strategy, p, old_size, new_size, detail::alignment);
}

/// malloc. What is new holds what the strategy left there.
template <Allocating S, std::integral Size>
[[nodiscard]] void* allocate(void* context, Size bytes) noexcept {
  return detail::allocate_block(*static_cast<S*>(context), detail::bytes(bytes));
}
/// calloc: `count` times `size` bytes, all zero; null if the product overflows. O(bytes), but for
/// those that are zero already.
template <Allocating S, std::integral Size>
[[nodiscard]] void* allocate_array(void* context, Size count, Size size) noexcept {
  return detail::allocate_zero(*static_cast<S*>(context), detail::in_range(count),
                               detail::in_range(size));
}
/// realloc. A null `p` allocates. 0 bytes free nothing. Shrinking never fails. O(bytes) where the
/// block moves; the newest of a strategy that frees nothing singly does not.
template <Allocating S, std::integral Size>
[[nodiscard]] void* reallocate(void* context, void* p, Size bytes) noexcept {
  return detail::reallocate_block(*static_cast<S*>(context), p, detail::bytes(bytes));
}
/// For hooks that are told the old size: it is not needed, and may be wrong.
template <Allocating S, std::integral Size>
[[nodiscard]] void* reallocate(void* context, void* p, Size, Size bytes) noexcept {
  return reallocate<S>(context, p, bytes);
}
/// free. Null is ignored.
template <Allocating S>
void deallocate(void* context, void* p) noexcept {
  detail::deallocate_block(*static_cast<S*>(context), p);
}
/// Bytes that the block at `p` has room for, all of which may be used; 0 for null, and for what is
/// no block.
template <Allocating S, std::integral Size>
[[nodiscard]] Size usable_size(void* context, const void* p) noexcept {
  return static_cast<Size>(detail::size_of_block(*static_cast<S*>(context), p));
}
template <Allocating S, std::integral Size>
[[nodiscard]] Size usable_size(void* context, void* p) noexcept {
  return usable_size<S, Size>(context, static_cast<const void*>(p));
}

/// Aligned to `alignment`, any power of two up to 512 KiB; to another it gives null. What else the
/// hook is told, such as Vulkan's scope, is not needed. `deallocate` frees it, and `reallocate`
/// keeps it aligned where the strategy cannot tell sizes.
template <Allocating S, std::integral Size, class... Told>
[[nodiscard]] void* allocate_aligned(void* context, Size bytes, Size alignment, Told...) noexcept {
  const std::size_t front = detail::front_of(detail::in_range(alignment));
  if (front == 0)
    return nullptr;
  return detail::allocate_block(*static_cast<S*>(context), detail::bytes(bytes), front);
}
/// The same for what is there already, whatever it is aligned to. A null `p` allocates; 0 bytes
/// free it, and give null, as Vulkan asks. O(bytes) where the block cannot stay.
template <Allocating S, std::integral Size, class... Told>
[[nodiscard]] void* reallocate_aligned(void* context, void* p, Size bytes, Size alignment,
                                       Told...) noexcept {
  S& strategy = *static_cast<S*>(context);
  const std::size_t front = detail::front_of(detail::in_range(alignment));
  if (p != nullptr && bytes == 0) {
    detail::deallocate_block(strategy, p);
    return nullptr;
  }
  if (front == 0)
    return nullptr;
  return detail::reallocate_block(strategy, p, detail::bytes(bytes), front);
}

// ---------------------------------------------------------------------- hooks without a context

/// malloc, as above, of a static strategy; and so on.
template <auto& strategy, std::integral Size>
[[nodiscard]] void* allocate(Size bytes) noexcept {
  return detail::allocate_block(strategy, detail::bytes(bytes));
}
/// calloc.
template <auto& strategy, std::integral Size>
[[nodiscard]] void* allocate_array(Size count, Size size) noexcept {
  return detail::allocate_zero(strategy, detail::in_range(count), detail::in_range(size));
}
/// realloc.
template <auto& strategy, std::integral Size>
[[nodiscard]] void* reallocate(void* p, Size bytes) noexcept {
  return detail::reallocate_block(strategy, p, detail::bytes(bytes));
}
/// free.
template <auto& strategy>
void deallocate(void* p) noexcept {
  detail::deallocate_block(strategy, p);
}
/// For hooks that are told the size: it is not needed, and may be wrong.
template <auto& strategy, std::integral Size>
void deallocate(void* p, Size) noexcept {
  detail::deallocate_block(strategy, p);
}
/// malloc_usable_size.
template <auto& strategy, std::integral Size>
[[nodiscard]] Size usable_size(const void* p) noexcept {
  return static_cast<Size>(detail::size_of_block(strategy, p));
}
template <auto& strategy, std::integral Size>
[[nodiscard]] Size usable_size(void* p) noexcept {
  return usable_size<strategy, Size>(static_cast<const void*>(p));
}
/// strdup: a copy of the text with the zero at its end; of null, null. O(length).
template <auto& strategy>
[[nodiscard]] char* copy_text(const char* text) noexcept {
  const std::size_t bytes = text == nullptr ? 0 : std::strlen(text) + 1;
  void* const copy = bytes == 0 ? nullptr : allocate<strategy>(bytes);
  if (copy != nullptr)
    std::memcpy(copy, text, bytes);
  return static_cast<char*>(copy);
}

} // namespace hooks
} // namespace ALLOT_ABI
} // namespace allot

#endif
