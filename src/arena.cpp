#include <allot/arena.hpp>

namespace allot {
inline namespace ALLOT_ABI {

Arena::Arena(const char* kind, Buffer buffer, Options options) : kind_(kind), name_(options.name) {
  room_for_records_.prepare(records(), buffer, options.marks, label());
  cursor_ = Cursor(label(), buffer, options.zero);
  set_aside_ = room_for_records_.set_aside(records(), cursor_, options.marks);
  buffer_ = std::move(buffer);
}

Arena& Arena::operator=(Arena&& other) noexcept {
  if (this != &other && !objects_.report_running(label(), "assigned to") &&
      !other.objects_.report_running(other.label(), "moved")) {
    end_scopes("assigned to");
    other.end_scopes("moved");
    release();
    Rewinding::operator=(static_cast<Rewinding&&>(other)); // its own part
    cursor_ = std::move(other.cursor_);
    objects_ = std::move(other.objects_);
    buffer_ = std::move(other.buffer_);
    room_for_records_ = std::move(other.room_for_records_);
    set_aside_ = std::exchange(other.set_aside_, 0);
    kind_ = other.kind_;
    name_ = other.name_;
  }
  return *this;
}

Arena::~Arena() {
  end_scopes("destroyed");
  release();
}

void* Arena::try_allocate_slow(std::size_t bytes, std::size_t alignment) noexcept {
  const bool usable = !freed() && !objects_.running() && is_power_of_two(alignment);
  return usable ? cursor_.take_slow(bytes, alignment) : nullptr;
}

void* Arena::allocate_slow(std::size_t bytes, std::size_t alignment) {
  if (void* p = try_allocate_slow(bytes, alignment))
    return p;
  cursor_.refuse(label(), objects_.running(), bytes, alignment);
}

void Arena::check_usable() const {
  if (freed())
    throw_released(label());
  if (objects_.running())
    throw_busy(label(), "its own destructors run");
}

void Arena::add_record_room() {
  room_for_records_.add(records(), cursor_, label());
}

void Arena::drop_record_room() noexcept {
  BufferRecords::drop(records(), cursor_);
}

std::byte* Arena::buffer() noexcept {
  if (!freed() && !objects_.running())
    cursor_.zero_rest();
  return cursor_.begin();
}

std::byte* Arena::buffer() const noexcept {
  if (!freed() && !objects_.running())
    cursor_.zero_rest();
  return cursor_.begin();
}

void Arena::reset() {
  check_usable();
  check_no_scope("reset");
  forget_checkpoints();
  objects_.destroy_back_to({}, cursor_);
  cursor_.reset();
}

void Arena::release() noexcept {
  if (freed() || objects_.report_running(label(), "released") || report_open_scope("released"))
    return;
  forget_checkpoints();
  objects_.destroy_back_to({}, cursor_);
  annotate::close(buffer_.data(), buffer_.extent());
  cursor_ = Cursor();
  records() = Records();
  room_for_records_ = BufferRecords();
  set_aside_ = 0;
  buffer_.release();
}

} // namespace ALLOT_ABI
} // namespace allot
