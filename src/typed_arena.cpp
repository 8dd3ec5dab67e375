#include <allot/typed_arena.hpp>

#include <atomic>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

std::atomic<std::uint64_t> epochs_drawn{0};

std::uint64_t draw_epoch() noexcept {
  return epochs_drawn.fetch_add(1, std::memory_order_relaxed) + 1;
}

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
