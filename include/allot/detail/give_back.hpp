// Giving one allocation back, for the faces: containers and C libraries free one by one, whatever
// the strategy below them can do with that.
//
//   Multipool, BlockPool           the block is free again
//   Arena, Bump, Region, ...       the newest allocation is taken back; another stays until reset
//   Region                         one with an arena of its own is taken back, too
//
// O(1); in a Region O(log arenas) for what is not the newest.
#pragma once

#include <allot/base/errc.hpp>
#include <allot/base/size.hpp>

#include <cstddef>
#include <cstdint>

namespace allot {
inline namespace ALLOT_ABI {

namespace detail {

/// Whether all of the `bytes` at `p` may be memory that the strategy handed out: both ends are.
template <class S>
[[nodiscard]] bool may_own_all(const S& strategy, const void* p, std::size_t bytes) noexcept {
  const auto first = reinterpret_cast<std::uintptr_t>(p);
  return bytes == 0 || (first + (bytes - 1) >= first && strategy.owns(p) &&
                        strategy.owns(static_cast<const std::byte*>(p) + (bytes - 1)));
}

/// How messages of a face name a strategy: by the name it was given, if any.
template <class S>
[[nodiscard]] Label label_of(const char* face, const S& strategy) noexcept {
  if constexpr (requires { strategy.label(); })
    return {face, strategy.label().name};
  else
    return face;
}

/// Tells why `bytes` at `p` cannot be given back.
template <class S>
[[gnu::cold, gnu::noinline]] void report_given_back(const S& strategy, const char* face, void* p,
                                                    std::size_t bytes,
                                                    std::size_t alignment) noexcept {
  const Label who = label_of(face, strategy);
  if (p == nullptr)
    report_misuse(who, Errc::null_pointer, "a null pointer was given back");
  else if (!is_power_of_two(alignment))
    report_misuse(who, Errc::bad_alignment, "alignment %zu is not a power of two", alignment);
  else if (padding(reinterpret_cast<std::uintptr_t>(p), alignment) != 0)
    report_misuse(who, Errc::misaligned_pointer, "%p is not aligned to %zu", p, alignment);
  else
    report_misuse(who, Errc::foreign_pointer, "%zu bytes at %p are not allocated by this strategy",
                  bytes, p);
}

} // namespace detail

/// Gives back what `strategy.allocate(bytes, alignment)` gave. Misuse goes to the handler, naming
/// the face, and changes nothing. A strategy that frees nothing singly tells what is not in memory
/// that it has handed out (a container that outlived a reset, say); it cannot tell what was given
/// back before.
template <class S>
void give_back(S& strategy, const char* face, void* p, std::size_t bytes,
               std::size_t alignment) noexcept {
  if constexpr (requires { strategy.deallocate(p, bytes, alignment); })
    detail::report_if_thrown([&] { strategy.deallocate(p, bytes, alignment); });
  else if constexpr (requires { strategy.deallocate(p); })
    detail::report_if_thrown([&] { strategy.deallocate(p); });
  else if (bytes != 0 && strategy.try_resize(p, bytes, 0)) [[likely]]
    return;
  else if (p == nullptr || !is_power_of_two(alignment) ||
           padding(reinterpret_cast<std::uintptr_t>(p), alignment) != 0 ||
           !detail::may_own_all(strategy, p, bytes)) [[unlikely]]
    detail::report_given_back(strategy, face, p, bytes, alignment);
}

} // namespace ALLOT_ABI
} // namespace allot
