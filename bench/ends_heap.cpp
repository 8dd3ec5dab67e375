// Calls of the heap where none is needed. They are counted by malloc and its kin, which are defined
// here on top of glibc's own.
#include "cells.hpp"
#include "ends.hpp"

#include <allot/base/size.hpp>
#include <allot/buffer.hpp>
#include <allot/mapped_arena.hpp>
#include <allot/region.hpp>
#include <allot/scratch.hpp>
#include <allot/stack.hpp>

#include <concepts>
#include <cstdlib>
#include <utility>

extern "C" {
void* __libc_malloc(std::size_t bytes) noexcept;
void* __libc_calloc(std::size_t count, std::size_t bytes) noexcept;
void* __libc_realloc(void* p, std::size_t bytes) noexcept;
void __libc_free(void* p) noexcept;
}

namespace {

bool counting = false; // this program has one thread
std::size_t calls = 0;

void count() noexcept {
  if (counting)
    ++calls;
}

} // namespace

extern "C" {
void* malloc(std::size_t bytes) noexcept {
  count();
  return __libc_malloc(bytes);
}
void* calloc(std::size_t elements, std::size_t bytes) noexcept {
  count();
  return __libc_calloc(elements, bytes);
}
void* realloc(void* p, std::size_t bytes) noexcept {
  count();
  return __libc_realloc(p, bytes);
}
void free(void* p) noexcept {
  if (p != nullptr)
    count();
  __libc_free(p);
}
}

namespace bench::ends {

using namespace allot;

namespace {

/// Calls of malloc, calloc, realloc and free that `work` makes.
std::size_t heap_calls(const std::function<void()>& work) {
  calls = 0;
  counting = true;
  work();
  counting = false;
  return calls;
}

constexpr std::size_t nested = 16; // as many as a strategy is told of by `.marks`

alignas(64) std::byte lent[64 * 1024];

/// A strategy on memory that the caller has, for which no heap is needed.
template <class S>
S on_lent() {
  return S(Buffer::borrowed(lent));
}

// What a coming version may have is asked for through a template's parameter, and only there may
// it be missing.
template <class S>
concept HasRoomForMarks = requires(Buffer buffer) { S(std::move(buffer), {.marks = nested}); };
template <class R>
concept StartsOnBuffer = std::constructible_from<R, Buffer, RegionOptions>;

std::size_t calls_of_first_scope() {
  return heap_calls([] {
    auto scratch = on_lent<Scratch>();
    const auto scope = scratch.scope();
    touch(scratch.allocate(64), 1);
  });
}

std::size_t calls_of_mark() {
  return heap_calls([] {
    auto stack = on_lent<Stack>();
    stack.push(1);
    (void)stack.mark();
  });
}

std::size_t calls_of_mapped_scope() {
  return heap_calls([] {
    MappedArena arena(1_MiB);
    const auto scope = arena.scope();
    touch(arena.allocate(64), 1);
  });
}

template <class S>
std::string calls_of_nested_marks() {
  if constexpr (HasRoomForMarks<S>)
    return text(heap_calls([] {
      S strategy(Buffer::borrowed(lent), {.marks = nested});
      for (std::size_t i = 0; i != nested; ++i)
        if constexpr (requires { strategy.mark(); })
          (void)strategy.mark();
        else
          strategy.checkpoint();
    }));
  else
    return no_figure;
}

template <class R>
std::string calls_of_region() {
  if constexpr (StartsOnBuffer<R>)
    return text(heap_calls([] {
      R region(Buffer::borrowed(lent), RegionOptions{});
      touch(region.allocate(1000), 1);
    }));
  else
    return no_figure;
}

} // namespace

Rows heap_call_rows(const Scale&) {
  return {
      {"heap calls, first scope of a Scratch on borrowed memory", "calls",
       text(calls_of_first_scope()), "0"},
      {"heap calls, a mark of a Stack on borrowed memory", "calls", text(calls_of_mark()), "0"},
      {"heap calls, a scope of a MappedArena", "calls", text(calls_of_mapped_scope()), "0"},
      {"heap calls, 16 marks of a Stack with `.marks = 16`", "calls",
       calls_of_nested_marks<Stack>(), "0"},
      {"heap calls, 16 checkpoints of a Scratch with `.marks = 16`", "calls",
       calls_of_nested_marks<Scratch>(), "0"},
      {"heap calls, a Region that starts on borrowed memory", "calls", calls_of_region<Region>(),
       "0"},
  };
}

} // namespace bench::ends
