// Hooks whose context is a structure of the library's, in which a member points to the strategy:
// QuickJS's.
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
/// Differences, which may be below zero and wrap.
template <class Context>
void count(Context& context, std::size_t blocks, std::size_t bytes) noexcept {
  if constexpr (Counting<Context>)
    context.malloc_count += blocks, context.malloc_size += bytes;
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
    void* const p =
        detail::allows(*context, size) ? detail::allocate_block(of(context), size) : nullptr;
    if (p != nullptr)
      detail::count(*context, 1, detail::size_of_block(of(context), p));
    return p;
  }
  /// A null `p` allocates; 0 bytes free it, and give null.
  template <std::integral Size>
  [[nodiscard]] static void* reallocate(Context* context, void* p, Size bytes) noexcept {
    if (bytes == 0) {
      deallocate(context, p);
      return nullptr;
    }
    return p == nullptr ? allocate(context, bytes) : resize(context, p, size_for(bytes));
  }
  /// Null is ignored.
  static void deallocate(Context* context, void* p) noexcept {
    const std::size_t size = detail::size_of_block(of(context), p);
    if (size == 0) // null, or no block
      return;
    detail::deallocate_block(of(context), p);
    detail::count(*context, std::size_t{0} - 1, 0 - size);
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
  [[nodiscard]] static void* resize(Context* context, void* p, std::size_t size) noexcept {
    const std::size_t old_size = detail::size_of_block(of(context), p);
    if (old_size == 0 || (size > old_size && !detail::allows(*context, size - old_size)))
      return nullptr;
    void* const moved = detail::reallocate_block(of(context), p, size);
    if (moved != nullptr)
      detail::count(*context, 0, detail::size_of_block(of(context), moved) - old_size);
    return moved;
  }
};

} // namespace hooks
} // namespace ALLOT_ABI
} // namespace allot

#endif
