#include "serve.hpp"

#include <cerrno>

namespace trial {

void* serve_call(std::size_t bytes, Call call, std::uint64_t sp, std::uint64_t bp) {
  Strategy* const strategy = strategy_for(call, sp, bp);
  if (!strategy)
    return nullptr;
  if (strategy->serves()) [[likely]]
    return strategy->allocate(bytes);
  strategy->pass_on();
  return nullptr;
}

void* serve_or_next(std::size_t bytes, Call call, std::uint64_t sp, std::uint64_t bp) {
  void* const p = serve_call(bytes, call, sp, bp);
  return p ? p : next.malloc(bytes);
}

void* without_keys(std::size_t bytes, std::uint64_t ip, std::uint64_t sp, std::uint64_t bp) {
  if (!plan.settled.load(std::memory_order_relaxed))
    if (void* const p = ready() ? serve(bytes, {ip, sp, bp}) : nullptr)
      return p;
  return malloc_or_early(bytes);
}

void* malloc_or_early(std::size_t bytes) {
  return ready() ? next.malloc(bytes) : early_or_null(bytes);
}

void* early_or_null(std::size_t bytes) {
  void* const p = preload::early_block(bytes);
  if (!p)
    errno = ENOMEM;
  return p;
}

void* serve_call_aligned(std::size_t bytes, std::size_t alignment, Call call, Registers caller) {
  if (alignment == 0 || (alignment & (alignment - 1)) != 0)
    return nullptr; // it is the next function's to refuse
  Strategy* const strategy = strategy_for(call, caller.sp, caller.bp);
  if (!strategy)
    return nullptr;
  if (strategy->serves())
    return strategy->allocate_aligned(bytes, alignment);
  strategy->pass_on();
  return nullptr;
}

} // namespace trial
