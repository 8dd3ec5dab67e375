// ArenaSource: where a Region's arenas come from, upstream or the heap, as much of it as there is.
//
// An arena that is refused is asked for again at half the size. What was refused is not asked for
// again at once: the next arena starts at the size that this one had, and the size doubles only
// when it was given. So an arena takes at most a call for each halving, and many take two each.
#pragma once

#include <allot/base/size.hpp>
#include <allot/buffer.hpp>
#include <allot/upstream.hpp>

#include <cstddef>
#include <new>

namespace allot {
inline namespace ALLOT_ABI {

namespace detail {
/// What `call` returns, or none if it throws std::bad_alloc.
template <class Call>
auto none_if_refused(Call call) -> decltype(call()) {
#if defined(__cpp_exceptions)
  try {
    return call();
  } catch (const std::bad_alloc&) {
    return {};
  }
#else
  return call();
#endif
}
} // namespace detail

class ArenaSource {
public:
  ArenaSource() = default;
  /// None is the heap. `zero`: what is known to be zero without being cleared is of use.
  ArenaSource(UpstreamRef upstream, bool zero) noexcept : upstream_(upstream), zero_(zero) {}

  /// For `front` bytes and an arena of `wanted`, or of half as many each time that is refused, but
  /// not of fewer than `least`. No memory: the heap refused them. What upstream throws of them, and
  /// what is no std::bad_alloc, passes through.
  [[nodiscard]] Buffer take(std::size_t front, std::size_t least, std::size_t wanted, Label owner);
  /// No larger arena than this is asked for, but for one request.
  [[nodiscard]] std::size_t offered() const noexcept { return offered_; }
  void forget_refusals() noexcept { offered_ = max_size; }

private:
  [[nodiscard]] Buffer ask(std::size_t bytes, Label owner) const;
  [[nodiscard]] Buffer try_ask(std::size_t bytes, Label owner) const;

  UpstreamRef upstream_;
  bool zero_ = true;
  std::size_t offered_ = max_size;
};

} // namespace ALLOT_ABI
} // namespace allot
