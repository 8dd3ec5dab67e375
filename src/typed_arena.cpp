#include <allot/typed_arena.hpp>

#include <atomic>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

// 64 bits, so that counting goes on where the epochs end.
std::atomic<std::uint64_t> epochs_drawn{0};

std::uint32_t draw_epoch(Label owner) {
  const std::uint64_t epoch = epochs_drawn.fetch_add(1, std::memory_order_relaxed) + 1;
  if (epoch >= no_epoch)
    throw_exhausted(owner, Errc::no_room, "all %u epochs of handles are used up", no_epoch - 1);
  return static_cast<std::uint32_t>(epoch);
}

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
