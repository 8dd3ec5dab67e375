// What malloc and its kin, and operator new and delete, have in common.
#pragma once

#include "../../preload/next.hpp"
#include "trial.hpp"

namespace trial {

using preload::caller;
using preload::next;

void* serve_call(std::size_t bytes, Call call, std::uint64_t sp, std::uint64_t bp);
void* serve_call_aligned(std::size_t bytes, std::size_t alignment, Call call, Registers caller);

/// A block from allot; null: the next function is to serve it.
[[gnu::always_inline]] inline void* serve(std::size_t bytes, Registers caller) {
  const Call call = look_at(caller);
  return call.place ? serve_call(bytes, call, caller.sp, caller.bp) : nullptr;
}

[[gnu::always_inline]] inline void* serve_aligned(std::size_t bytes, std::size_t alignment,
                                                  Registers caller) {
  const Call call = look_at(caller);
  return call.place ? serve_call_aligned(bytes, alignment, call, caller) : nullptr;
}

void* serve_or_next(std::size_t bytes, Call call, std::uint64_t sp, std::uint64_t bp);
void* without_keys(std::size_t bytes, std::uint64_t ip, std::uint64_t sp, std::uint64_t bp);

/// A block from allot, or from the next malloc. All calls are the last thing it does, so that what
/// no key has costs little more than that malloc.
[[gnu::always_inline]] inline void* serve_or_malloc(std::size_t bytes, Registers caller) {
  Keys* const keys = plan.keys.load(std::memory_order_acquire);
  if (!keys) [[unlikely]]
    return without_keys(bytes, caller.ip, caller.sp, caller.bp);
  if (plan.measures) [[unlikely]]
    mine.last = nullptr;
  Keys::Place* const place = keys->innermost(caller.ip);
  if (!place) [[likely]]
    return next.malloc(bytes);
  return serve_or_next(bytes, {keys, place}, caller.sp, caller.bp);
}

/// Where there may be no next function yet.
void* malloc_or_early(std::size_t bytes);
void* early_or_null(std::size_t bytes);

[[gnu::always_inline]] inline bool ready() {
  return next.dlclose != nullptr || preload::find_next();
}

} // namespace trial
