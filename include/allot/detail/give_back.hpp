// Giving one allocation back, for the faces: containers and C libraries free one by one, whatever
// the strategy below them can do with that.
//
//   Multipool, BlockPool           the block is free again
//   Arena, Bump, Region, ...       the newest allocation is taken back; another stays until reset
#pragma once

#include <allot/error.hpp>

#include <cstddef>

namespace allot {
inline namespace ALLOT_ABI {

namespace detail {
/// Calls, and hands misuse to the handler where it would be thrown.
template <class Call>
void report_if_thrown(Call call) noexcept {
#if defined(__cpp_exceptions)
  try {
    call();
  } catch (const Misuse& misuse) {
    misuse_handler(misuse);
  }
#else
  call();
#endif
}
} // namespace detail

/// Gives back what `strategy.allocate(bytes, alignment)` gave. Misuse goes to the handler, and
/// changes nothing; strategies that free nothing singly cannot tell it, and ignore it.
template <class S>
void give_back(S& strategy, void* p, std::size_t bytes, std::size_t alignment) noexcept {
  if constexpr (requires { strategy.deallocate(p, bytes, alignment); })
    detail::report_if_thrown([&] { strategy.deallocate(p, bytes, alignment); });
  else if constexpr (requires { strategy.deallocate(p); })
    detail::report_if_thrown([&] { strategy.deallocate(p); });
  else
    (void)strategy.try_resize(p, bytes, 0);
}

} // namespace ALLOT_ABI
} // namespace allot
