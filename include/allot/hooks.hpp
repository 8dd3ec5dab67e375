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
//   mruby    mrb_state* mrb = hooks::pass_to(mrb_open_allocf, pool);
//   yyjson   yyjson_alc alc;
//            hooks::fill(region, alc.malloc, alc.realloc, alc.free, alc.ctx);
//
// docs/guide/c_libraries.md has a table. Functions with names are in hooks/functions.hpp, which
// says what sizes, alignments and refusals are; those for a context that is the library's own
// structure in hooks/through.hpp; those that are handed over all together here.
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
// `deallocate<S>` beside an allocating function that you wrote for such a library does compile, and
// is wrong: write its free as well, or derive from the strategy with a `try_allocate` of your own.
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

#include <allot/concepts.hpp>
#include <allot/hooks/functions.hpp>
#include <allot/hooks/through.hpp>

#include <concepts>
#include <cstddef>
#include <type_traits>

namespace allot {
inline namespace ALLOT_ABI {
namespace hooks {

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

  /// mruby's, which does all: a null `p` allocates; 0 bytes free it, and give null. `State` is its
  /// own, null at first, and not needed.
  template <class State, std::integral Size>
  [[nodiscard]] static void* serve(State*, void* p, Size bytes, void* context) noexcept {
    if (bytes != 0)
      return hooks::reallocate<S>(context, p, bytes);
    hooks::deallocate<S>(context, p);
    return nullptr;
  }
};
} // namespace detail

/// What the library's `create` gives for hooks and `strategy`, which must outlive it:
/// pcre2_general_context_create, whose hooks get the context last, or, where they get it first,
/// BrotliEncoderCreateInstance.
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
/// mrb_open_allocf and mrb_open_core, whose one hook gets their state first and the context last.
template <class Result, class State, std::integral Size, Allocating S>
  requires(!std::is_void_v<State>) // which could be the context
Result pass_to(Result (*create)(void* (*)(State*, void*, Size, void*), void*), S& strategy) {
  return create(detail::ContextLast<S>::serve, &strategy);
}

/// Sets the members that a library's structure has for its hooks and their context. The context
/// comes first, also where realloc is told the old size (yyjson), or last (GLFW, miniaudio): the
/// member that allocates tells, and others that do not go with it do not compile. `strategy` must
/// outlive what is made with them.
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

} // namespace hooks
} // namespace ALLOT_ABI
} // namespace allot

#endif
