// What a strategy can be asked to do, one concept a role. Each strategy's header ends by asserting
// the roles that its class plays.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/errc.hpp>

#include <concepts>
#include <cstddef>
#include <type_traits>

namespace allot {
inline namespace ALLOT_ABI {

/// Owns memory, cannot be copied, and gives everything back in one step that cannot fail.
template <class S>
concept Strategy = !std::is_copy_constructible_v<S> && !std::is_copy_assignable_v<S> &&
                   requires(S& s, const S& cs, const void* p) {
                     { s.release() } noexcept;
                     { cs.owns(p) } noexcept -> std::same_as<bool>;
                   };

/// Can be moved, and leaves what it is moved from released. What threads share stays where it is.
template <class S>
concept Movable =
    Strategy<S> && std::is_nothrow_move_constructible_v<S> && std::is_nothrow_move_assignable_v<S>;

/// Tells of itself in the words that all of allot's strategies have.
template <class S>
concept Reporting = Strategy<S> && requires(S& s, const S& cs) {
  { cs.freed() } noexcept -> std::same_as<bool>;
  { cs.empty() } noexcept -> std::same_as<bool>;
  { cs.capacity() } noexcept -> std::same_as<std::size_t>;
  { cs.used() } noexcept -> std::same_as<std::size_t>;
  { cs.available() } noexcept -> std::same_as<std::size_t>;
  { cs.peak() } noexcept -> std::same_as<std::size_t>;
  { s.reset_peak() } noexcept;
  { cs.name() } noexcept -> std::same_as<const char*>;
  { cs.label() } noexcept -> std::same_as<Label>;
  cs.stats();
};

/// Hands out bytes of any size.
template <class S>
concept Allocating =
    Strategy<S> && requires(S& s, std::size_t bytes, std::size_t alignment, void* p) {
      { s.allocate(bytes) } -> std::same_as<void*>;
      { s.allocate(bytes, alignment) } -> std::same_as<void*>;
      { s.try_allocate(bytes) } noexcept -> std::same_as<void*>;
      { s.try_allocate(bytes, alignment) } noexcept -> std::same_as<void*>;
      { s.try_resize(p, bytes, bytes) } noexcept -> std::same_as<bool>;
    };

/// Takes single blocks back.
template <class S>
concept Deallocating = Strategy<S> && requires(S& s, void* p) { s.deallocate(p); };

/// Hands out blocks of one size, as BlockPool does.
template <class S>
concept HandingOutBlocks = Deallocating<S> && requires(S& s, const S& cs) {
  { s.allocate() } -> std::same_as<void*>;
  { cs.block_size() } -> std::same_as<std::size_t>;
  { cs.block_alignment() } -> std::same_as<std::size_t>;
};

/// Takes everything back and keeps the memory.
template <class S>
concept Resettable = Strategy<S> && requires(S& s) { s.reset(); };

/// Gives memory that it keeps for reuse back, all but so much.
template <class S>
concept Trimmable = Strategy<S> && requires(S& s, std::size_t keep) {
  s.trim();
  s.trim(keep);
};

/// Takes back what came after a point, by itself at the end of a scope.
template <class S>
concept Rewindable = Strategy<S> && requires(S& s) {
  { s.scope() } -> std::destructible;
};

} // namespace ALLOT_ABI
} // namespace allot

#endif
