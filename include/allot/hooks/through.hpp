// Hooks whose context is a structure of the library's, in which a member points to the strategy:
// QuickJS's and FreeType's.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/size.hpp>
#include <allot/concepts.hpp>
#include <allot/detail/sealed_blocks.hpp>

#include <concepts>
#include <cstddef>

namespace allot {
inline namespace ALLOT_ABI {
namespace hooks {

namespace detail {
/// QuickJS's: counts what is allocated, which is left to the hooks, and limits it.
template <class Context>
concept Counting = requires(Context& c) {
  { c.malloc_count } -> std::same_as<std::size_t&>;
  { c.malloc_size } -> std::same_as<std::size_t&>;
  { c.malloc_limit } -> std::same_as<std::size_t&>;
};

template <class Context>
[[nodiscard]] bool allows(const Context& context, std::size_t more) noexcept {
  if constexpr (Counting<Context>)
    return context.malloc_size <= context.malloc_limit &&
           more <= context.malloc_limit - context.malloc_size;
  else
    return true;
}
} // namespace detail

/// Through the member of the context that points to the strategy:
///   using Hooks = hooks::Through<&JSMallocState::opaque, Multipool>;
///   JSMallocFunctions functions{Hooks::allocate, Hooks::deallocate, Hooks::reallocate, nullptr};
///   JS_NewRuntime2(&functions, &pool);
/// Sizes, alignment, refusals and misuse are as those of allot/hooks/functions.hpp say. A context
/// that counts as QuickJS's does is kept right, since garbage is collected by it: what blocks have
/// is counted, and a request beyond its limit is refused.
template <auto member, Allocating S>
class Through;

template <class Context, void* Context::*member, Allocating S>
class Through<member, S> {
public:
  template <std::integral Size>
  [[nodiscard]] static void* allocate(Context* context, Size bytes) noexcept {
    const std::size_t size = size_for(bytes);
    if (!detail::allows(*context, size))
      return nullptr;
    void* const p = detail::allocate_block(of(context), size);
    if (p != nullptr)
      count(context, 1, counted(context, p));
    return p;
  }
  /// A null `p` allocates; 0 bytes free it, and give null. Shrinking never fails.
  template <std::integral Size>
  [[nodiscard]] static void* reallocate(Context* context, void* p, Size bytes) noexcept {
    if (bytes == 0) {
      deallocate(context, p);
      return nullptr;
    }
    return p == nullptr ? allocate(context, bytes) : resize(context, p, size_for(bytes));
  }
  /// FreeType's, with the block last. It is told the old size, which is not needed.
  template <std::integral Size>
  [[nodiscard]] static void* reallocate(Context* context, Size, Size bytes, void* p) noexcept {
    return reallocate(context, p, bytes);
  }
  /// Null is ignored.
  static void deallocate(Context* context, void* p) noexcept {
    const std::size_t size = counted(context, p);
    if (detail::Counting<Context> && size == 0) // null, or no block
      return;
    detail::deallocate_block(of(context), p);
    count(context, std::size_t{0} - 1, 0 - size);
  }

private:
  [[nodiscard]] static S& of(Context* context) noexcept {
    return *static_cast<S*>(context->*member);
  }
  /// Never 0, which is the size of what is no block.
  template <std::integral Size>
  [[nodiscard]] static std::size_t size_for(Size bytes) noexcept {
    return larger(detail::bytes(bytes), detail::alignment);
  }
  /// What the block at `p` counts for. Where nothing does, none is measured: sanitizers let all of
  /// what is be used.
  [[nodiscard]] static std::size_t counted(Context* context, void* p) noexcept {
    if constexpr (detail::Counting<Context>)
      return detail::size_of_block(of(context), p);
    else
      return 0;
  }
  /// Differences, which may be below zero and wrap.
  static void count(Context* context, std::size_t blocks, std::size_t bytes) noexcept {
    if constexpr (detail::Counting<Context>)
      context->malloc_count += blocks, context->malloc_size += bytes;
  }
  [[nodiscard]] static void* resize(Context* context, void* p, std::size_t size) noexcept {
    const std::size_t old_size = counted(context, p);
    if (detail::Counting<Context> && old_size == 0)
      return nullptr;
    if (size > old_size && !detail::allows(*context, size - old_size))
      return nullptr;
    void* const moved = detail::reallocate_block(of(context), p, size);
    if (moved != nullptr)
      count(context, 0, counted(context, moved) - old_size);
    return moved;
  }
};

} // namespace hooks
} // namespace ALLOT_ABI
} // namespace allot

#endif
