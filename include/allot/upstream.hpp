// What every strategy that stands on a std::pmr resource asks of it.
#pragma once

#include <allot/base/annotate.hpp>
#include <allot/base/size.hpp>

#include <cstddef>
#include <memory_resource>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

/// What `upstream` is, if it is one. Misuse: null.
[[nodiscard]] inline std::pmr::memory_resource* checked(std::pmr::memory_resource* upstream,
                                                        const char* owner) {
  if (upstream == nullptr) [[unlikely]]
    throw_misuse(owner, Errc::null_pointer, "a null resource was given");
  return upstream;
}

/// `bytes` from `upstream`, aligned as asked. What it throws passes through.
/// Exhausted: it gave null or a misaligned address (which it gets back), or the request is larger
/// than any can be.
[[nodiscard]] void* take(std::pmr::memory_resource& upstream, std::size_t bytes,
                         std::size_t alignment, const char* owner);

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
