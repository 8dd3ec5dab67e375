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

} // namespace trial
