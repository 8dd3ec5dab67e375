#include "serve.hpp"

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
