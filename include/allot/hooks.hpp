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
//   pcre2    pcre2_general_context* c = hooks::pass_to(pcre2_general_context_create, region);
//   yyjson   yyjson_alc alc;
//            hooks::fill(region, alc.malloc, alc.realloc, alc.free, alc.ctx);
//
// docs/faces.md has a table of libraries. Sizes may be of any integer type; it is deduced from the
// hook. Everything is aligned for anything, as malloc's is, and null stands for every refusal.
//
// There are two families, and what one handed out the other must not get:
//
//   resize     is told the old size, and keeps nothing beside the block
//   the rest   are not, or do not need it: the strategy tells sizes (Multipool can), or a header in
//              front of each block does, whose seal tells a block from what is foreign, inside one
//              or freed (detail/sealed_blocks.hpp)
//
// Some libraries pass the context last. Their free has the type of one that gets it first, so that
// the compiler cannot tell which is meant: a function named for the one would be taken for the
// other, with the block as its context. Such functions have no names here. `pass_to` and `fill`
// hand over all of a library's hooks and the context together, and their types together tell.
//
// Strategies that free nothing singly take the newest block back and keep the others until reset.
// A pointer that cannot be freed goes to the misuse handler, but for that `resize` cannot tell
// where there is no header; one that cannot be resized gives null. Both change nothing.
//
// All is what the strategy's own calls are, O(1) but for copying; finding a block's header in a
// Region takes O(log arenas). allocate_array writes no zeros over memory that is zero already. A
// block is valid until it is freed, moved by a reallocate, or taken back by its strategy.
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
    return strategy.try_allocate(new_size, detail::alignment);
  if constexpr (detail::Sizing<S>)
    return strategy.try_reallocate(p, new_size);
  else
    return detail::resize(strategy, p, old_size, new_size, detail::alignment);
}

template <Allocating S, std::integral Size>
[[nodiscard]] void* allocate(void* context, Size bytes) noexcept {
  return detail::allocate_block(*static_cast<S*>(context), detail::bytes(bytes));
}
/// `count` times `size` bytes, all zero, as calloc gives them; null if the product overflows.
template <Allocating S, std::integral Size>
[[nodiscard]] void* allocate_array(void* context, Size count, Size size) noexcept {
  return detail::allocate_zero(*static_cast<S*>(context), detail::in_range(count),
                               detail::in_range(size));
}
/// A null `p` allocates. 0 bytes are a size as any other, and free nothing. Shrinking never fails.
template <Allocating S, std::integral Size>
[[nodiscard]] void* reallocate(void* context, void* p, Size bytes) noexcept {
  return detail::reallocate_block(*static_cast<S*>(context), p, detail::bytes(bytes));
}
/// For hooks that are told the old size: it is not needed.
template <Allocating S, std::integral Size>
[[nodiscard]] void* reallocate(void* context, void* p, Size, Size bytes) noexcept {
  return reallocate<S>(context, p, bytes);
}
/// Null is ignored.
template <Allocating S>
void deallocate(void* context, void* p) noexcept {
  detail::deallocate_block(*static_cast<S*>(context), p);
}
/// Bytes that the block at `p` has room for; 0 for null. What is no block goes to the handler.
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
/// free it, and give null, as Vulkan asks. Copies where the block cannot stay.
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

template <auto& strategy, std::integral Size>
[[nodiscard]] void* allocate(Size bytes) noexcept {
  return detail::allocate_block(strategy, detail::bytes(bytes));
}
template <auto& strategy, std::integral Size>
[[nodiscard]] void* allocate_array(Size count, Size size) noexcept {
  return detail::allocate_zero(strategy, detail::in_range(count), detail::in_range(size));
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

// ------------------------------------------------------------------------ all hooks of a library

namespace detail {
/// Those that get the context last, and have no names for others.
template <class S>
struct ContextLast {
  template <std::integral Size>
  [[nodiscard]] static void* allocate(Size bytes, void* context) noexcept {
    return hooks::allocate<S>(context, bytes);
  }
  template <std::integral Size>
  [[nodiscard]] static void* reallocate(void* p, Size bytes, void* context) noexcept {
    return hooks::reallocate<S>(context, p, bytes);
  }
  static void deallocate(void* p, void* context) noexcept { hooks::deallocate<S>(context, p); }
};
} // namespace detail

/// What the library's `create` gives for hooks and `strategy`: pcre2_general_context_create, whose
/// hooks get the context last, or, where they get it first, BrotliEncoderCreateInstance.
template <class Result, std::integral Size, Allocating S>
Result pass_to(Result (*create)(void* (*)(Size, void*), void (*)(void*, void*), void*),
               S& strategy) {
  return create(detail::ContextLast<S>::allocate, detail::ContextLast<S>::deallocate, &strategy);
}
template <class Result, std::integral Size, Allocating S>
Result pass_to(Result (*create)(void* (*)(void*, Size), void (*)(void*, void*), void*),
               S& strategy) {
  return create(allocate<S>, deallocate<S>, &strategy);
}

/// Sets the members that a library's structure has for its hooks and their context. The context
/// comes first, also where realloc is told the old size (yyjson), or last (GLFW, miniaudio): the
/// member that allocates tells, and others that do not go with it do not compile.
template <Allocating S, std::integral Size>
void fill(S& strategy, void* (*&to_allocate)(void*, Size), void (*&to_free)(void*, void*),
          void*& context) noexcept {
  to_allocate = allocate<S>, to_free = deallocate<S>, context = &strategy;
}
template <Allocating S, std::integral Size>
void fill(S& strategy, void* (*&to_allocate)(void*, Size),
          void* (*&to_reallocate)(void*, void*, Size), void (*&to_free)(void*, void*),
          void*& context) noexcept {
  fill(strategy, to_allocate, to_free, context);
  to_reallocate = reallocate<S>;
}
template <Allocating S, std::integral Size>
void fill(S& strategy, void* (*&to_allocate)(void*, Size),
          void* (*&to_reallocate)(void*, void*, Size, Size), void (*&to_free)(void*, void*),
          void*& context) noexcept {
  fill(strategy, to_allocate, to_free, context);
  to_reallocate = reallocate<S>;
}
template <Allocating S, std::integral Size>
void fill(S& strategy, void* (*&to_allocate)(Size, void*), void (*&to_free)(void*, void*),
          void*& context) noexcept {
  using Last = detail::ContextLast<S>;
  to_allocate = Last::allocate, to_free = Last::deallocate, context = &strategy;
}
template <Allocating S, std::integral Size>
void fill(S& strategy, void* (*&to_allocate)(Size, void*),
          void* (*&to_reallocate)(void*, Size, void*), void (*&to_free)(void*, void*),
          void*& context) noexcept {
  fill(strategy, to_allocate, to_free, context);
  to_reallocate = detail::ContextLast<S>::reallocate;
}

// --------------------------------------------------- hooks whose context is the library's own type

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
/// A context that counts as QuickJS's does is kept right, since garbage is collected by it, and
/// what passes its limit is refused. What is no block goes to the handler, and changes nothing.
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
