#include <allot/detail/cursor.hpp>

namespace allot {
inline namespace ALLOT_ABI {

Cursor::Cursor(Label owner, const Buffer& buffer, bool zero) {
  if (buffer.data() == nullptr)
    throw_misuse(owner, Errc::bad_size, "the buffer has no room for 8 aligned bytes");
  *this = Cursor(buffer.data(), buffer.size(), buffer.gap());
  if (zero && !buffer.is_zero())
    std::memset(buffer.data(), 0, buffer.extent());
  annotate::open(buffer.data(), buffer.extent());
}

void Cursor::check_request(Label who, bool busy, std::size_t alignment) const {
  if (released())
    throw_released(who);
  if (busy)
    throw_busy(who, "its own destructors run");
  if (!is_power_of_two(alignment))
    throw_bad_alignment(who, alignment);
}

void Cursor::refuse(Label who, bool busy, std::size_t bytes, std::size_t alignment) const {
  check_request(who, busy, alignment);
  throw_full(who, bytes, available(), capacity());
}

} // namespace ALLOT_ABI
} // namespace allot
