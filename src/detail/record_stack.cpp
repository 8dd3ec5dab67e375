#include <allot/detail/record_stack.hpp>

#include <allot/base/annotate.hpp>
#include <allot/base/size.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

Grown grow(Label owner, void* p, std::size_t count, std::size_t record) {
  const std::size_t room = std::max<std::size_t>(16, saturating_add(count, count / 2));
  const std::size_t bytes = saturating_multiply(room, record);
  void* grown = bytes <= largest_request ? std::realloc(p, bytes) : nullptr;
  if (grown == nullptr)
    throw_exhausted(owner, Errc::system_refused, "the heap refused %zu bytes for its records",
                    bytes);
  return {grown, room};
}

void free_grown(void* p) noexcept {
  std::free(p);
}

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
