#include <allot/bump.hpp>

namespace allot {
inline namespace ALLOT_ABI {

Bump& Bump::operator=(Bump&& other) noexcept {
  if (this != &other) {
    release();
    cursor_ = std::move(other.cursor_);
    buffer_ = std::move(other.buffer_);
    name_ = other.name_;
  }
  return *this;
}

void* Bump::try_allocate_slow(std::size_t bytes, std::size_t alignment) noexcept {
  const bool usable = !freed() && is_power_of_two(alignment);
  return usable ? cursor_.take_slow(bytes, alignment) : nullptr;
}

void* Bump::allocate_slow(std::size_t bytes, std::size_t alignment) {
  if (void* p = try_allocate_slow(bytes, alignment))
    return p;
  cursor_.refuse(label(), false, bytes, alignment);
}

void Bump::reset() {
  if (freed())
    throw_released(label());
  cursor_.reset();
}

void Bump::release() noexcept {
  if (freed())
    return;
  annotate::close(buffer_.data(), buffer_.extent());
  cursor_ = Cursor();
  buffer_.release();
}

} // namespace ALLOT_ABI
} // namespace allot
