#include <allot/detail/cursor.hpp>

namespace allot {
inline namespace ALLOT_ABI {

Cursor::Cursor(const char* strategy, const Buffer& buffer, bool zero) {
  if (buffer.data() == nullptr)
    throw_misuse(strategy, Errc::bad_size, "the buffer has no room for 8 aligned bytes");
  *this = Cursor(buffer.data(), buffer.size(), buffer.gap());
  if (zero && !buffer.is_zero())
    std::memset(buffer.data(), 0, buffer.extent());
  annotate::open(buffer.data(), buffer.extent());
}

void Cursor::check_request(const char* strategy, bool busy, std::size_t alignment) const {
  if (released())
    throw_released(strategy);
  if (busy)
    throw_busy(strategy, "its own destructors run");
  if (!is_power_of_two(alignment))
    throw_bad_alignment(strategy, alignment);
}

void Cursor::refuse(const char* strategy, bool busy, std::size_t bytes,
                    std::size_t alignment) const {
  check_request(strategy, busy, alignment);
  throw_full(strategy, bytes, available(), capacity());
}

} // namespace ALLOT_ABI
} // namespace allot
