// Making an object in memory that is there.
#pragma once

#include <allot/base/abi.hpp>

#include <new>
#include <type_traits>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

/// A T at `p`: by its constructor, or, if it is an aggregate, from its members.
template <class T, class... Args>
T* construct(void* p, Args&&... args) {
  if constexpr (std::is_constructible_v<T, Args...>)
    return ::new (p) T(std::forward<Args>(args)...);
  else // before clang 16 an aggregate cannot be initialised with parentheses
    return ::new (p) T{std::forward<Args>(args)...};
}

} // namespace ALLOT_ABI
} // namespace allot
