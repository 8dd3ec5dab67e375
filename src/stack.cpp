#include <allot/stack.hpp>

#include <atomic>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

Stack::Stack(Buffer buffer, Options options)
    : cursor_(Cursor({strategy_name, options.name}, buffer, options.zero).without_gap()),
      floor_(buffer.data()), buffer_(std::move(buffer)), zero_(options.zero), name_(options.name) {}

Stack& Stack::operator=(Stack&& other) noexcept {
  if (this != &other) {
    end_scopes("assigned to");
    release();
    cursor_ = std::move(other.cursor_);
    floor_ = std::exchange(other.floor_, nullptr);
    marks_ = std::move(other.marks_);
    next_serial_ = std::exchange(other.next_serial_, 0);
    popped_end_ = other.popped_end_;
    buffer_ = std::move(other.buffer_);
    scopes_ = std::exchange(other.scopes_, 0);
    zero_ = other.zero_;
    name_ = other.name_;
  }
  return *this;
}

Stack::~Stack() {
  end_scopes("destroyed");
  release();
}

void Stack::end_scopes(const char* done) noexcept {
  if (scopes_ != 0)
    report_misuse(label(), Errc::busy, "%s with %zu scopes open", done, scopes_);
  scopes_ = 0;
}

void Stack::check_usable() const {
  if (freed())
    throw_released(label());
}

std::span<std::byte> Stack::push_slow(std::size_t bytes) {
  check_usable();
  if (bytes != 0)
    throw_full(label(), bytes, available(), capacity());
  hide_popped();
  return {cursor_.head(), 0};
}

void Stack::refuse_underflow(std::size_t bytes, const char* done) const {
  check_usable();
  throw_misuse(label(), Errc::underflow, "%zu bytes %s, %zu of %zu are there", bytes, done, used(),
               capacity());
}

std::span<std::byte> Stack::pop_slow(std::size_t bytes) {
  const std::span<std::byte> popped = try_pop_slow(bytes);
  if (popped.data() == nullptr)
    refuse_underflow(bytes, "popped");
  return popped;
}

std::span<std::byte> Stack::try_pop_slow(std::size_t bytes) noexcept {
  if (bytes == 0)
    return {cursor_.head(), 0};
  if (!fits(bytes, used()))
    return {};
  std::byte* const top = drop(bytes);
  marks_.drop_while([top](const Mark& mark) { return mark.top > top; });
  update_floor();
  return {top, bytes};
}

Marker Stack::mark_slow() {
  check_usable();
  if (next_serial_ % serial_run == 0) {
    static std::atomic<std::uint64_t> runs{1}; // no marker has the serial 0
    next_serial_ = runs.fetch_add(1, std::memory_order_relaxed) * serial_run;
  }
  return set_mark();
}

void Stack::refuse(Marker marker) const {
  check_usable();
  throw_misuse(label(), Errc::stale_marker,
               "marker %zu was popped or restored below, or is another stack's; %zu are set",
               marker.index_, marks_.size());
}

void Stack::report_lost(Marker marker) const noexcept {
  report_misuse(label(), Errc::stale_marker,
                "a scope ended whose marker %zu was popped or restored below", marker.index_);
}

void Stack::reset() {
  check_usable();
  if (scopes_ != 0)
    throw_misuse(label(), Errc::busy, "reset with %zu scopes open", scopes_);
  hide_popped();
  cursor_.reset(zero_);
  drop_marks(0);
}

void Stack::release() noexcept {
  if (freed())
    return;
  if (scopes_ != 0) {
    report_misuse(label(), Errc::busy, "released with %zu scopes open", scopes_);
    return;
  }
  annotate::close(buffer_.data(), buffer_.extent());
  cursor_ = Cursor();
  floor_ = nullptr;
  marks_.truncate(0);
  next_serial_ = 0; // so that setting a mark finds out
  buffer_.release();
}

} // namespace ALLOT_ABI
} // namespace allot
