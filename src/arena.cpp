#include <allot/arena.hpp>

#include <cstring>

namespace allot {
inline namespace ALLOT_ABI {

Arena::Arena(const char* name, Buffer buffer, Options options)
    : cursor_(name, buffer, options.zero), buffer_(std::move(buffer)), name_(name),
      zero_(options.zero) {}

Arena& Arena::operator=(Arena&& other) noexcept {
  if (this != &other && !objects_.report_running(name_, "assigned to") &&
      !other.objects_.report_running(other.name_, "moved")) {
    release();
    cursor_ = std::move(other.cursor_);
    objects_ = std::move(other.objects_);
    buffer_ = std::move(other.buffer_);
    name_ = other.name_;
    zero_ = other.zero_;
  }
  return *this;
}

void* Arena::try_allocate_slow(std::size_t bytes, std::size_t alignment) noexcept {
  const bool usable = !freed() && !objects_.running() && is_power_of_two(alignment);
  return usable && bytes == 0 ? cursor_.nothing(alignment) : nullptr;
}

void* Arena::allocate_slow(std::size_t bytes, std::size_t alignment) {
  if (void* p = try_allocate_slow(bytes, alignment))
    return p;
  cursor_.refuse(name_, objects_.running(), bytes, alignment);
}

void Arena::check_usable() const {
  if (freed())
    throw_released(name_);
  if (objects_.running())
    throw_busy(name_, "its own destructors run");
}

void Arena::reset() {
  check_usable();
  objects_.destroy_back_to({}, cursor_);
  cursor_.reset(zero_);
}

void Arena::release() noexcept {
  if (freed() || objects_.report_running(name_, "released"))
    return;
  objects_.destroy_back_to({}, cursor_);
  annotate::close(buffer_.data(), buffer_.extent());
  cursor_ = Cursor();
  buffer_.release();
}

} // namespace ALLOT_ABI
} // namespace allot
