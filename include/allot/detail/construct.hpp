// Making an object in memory that is there.
#pragma once

#include <allot/base/abi.hpp>

#include <new>
#include <type_traits>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

/// A T can be made of these: by a constructor, or, if it is an aggregate, from its members.
template <class T, class... Args>
concept CreatableFrom = std::is_constructible_v<T, Args...> ||
                        (std::is_aggregate_v<T> && requires { T{std::declval<Args>()...}; });

template <class T, class... Args>
T* construct(void* p, Args&&... args) {
  if constexpr (std::is_constructible_v<T, Args...>)
    return ::new (p) T(std::forward<Args>(args)...);
  else // before clang 16 an aggregate cannot be initialised with parentheses
    return ::new (p) T{std::forward<Args>(args)...};
}

} // namespace ALLOT_ABI
} // namespace allot
