#include <allot/stack.hpp>

#include <atomic>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

namespace detail {
// Stacks draw serials in runs, so that setting a mark needs no atomic.
inline constexpr std::uint64_t serial_run = std::uint64_t{1} << 24;

std::uint64_t next_serials() noexcept {
  static std::atomic<std::uint64_t> runs{1};
  return runs.fetch_add(1, std::memory_order_relaxed) * serial_run;
}
} // namespace detail

Stack::Stack(Buffer buffer, Options options)
    : cursor_(Cursor(strategy_name, buffer, options.zero).without_gap()), floor_(buffer.data()),
      buffer_(std::move(buffer)), zero_(options.zero) {}

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
  }
  return *this;
}

Stack::~Stack() {
  end_scopes("destroyed");
  release();
}

void Stack::end_scopes(const char* done) noexcept {
  if (scopes_ != 0)
    report_misuse(strategy_name, Errc::busy, "%s with %zu scopes open", done, scopes_);
  scopes_ = 0;
}

void Stack::check_usable() const {
  if (cursor_.released())
    throw_released(strategy_name);
}

std::span<std::byte> Stack::push_slow(std::size_t bytes) {
  check_usable();
  if (bytes != 0)
    throw_full(strategy_name, bytes, available(), capacity());
  hide_popped();
  return {cursor_.head(), 0};
}

std::span<std::byte> Stack::pop_slow(std::size_t bytes) {
  check_usable();
  if (bytes != 0 && !fits(bytes, used()))
    throw_misuse(strategy_name, Errc::underflow, "%zu bytes popped, %zu of %zu are there", bytes,
                 used(), capacity());
  return try_pop(bytes);
}

std::span<std::byte> Stack::try_pop(std::size_t bytes) noexcept {
  if (bytes == 0)
    return {cursor_.head(), 0};
  if (!fits(bytes, used()))
    return {};
  std::byte* const top = drop(bytes);
  std::size_t keep = marks_.size();
  while (keep != 0 && marks_[keep - 1].top > top)
    --keep;
  drop_marks(keep);
  return {top, bytes};
}

Marker Stack::mark() {
  check_usable();
  if (next_serial_ % detail::serial_run == 0)
    next_serial_ = detail::next_serials();
  marks_.push(strategy_name, cursor_.head(), next_serial_);
  floor_ = cursor_.head();
  hide_popped();
  return {marks_.size() - 1, next_serial_++};
}

void Stack::drop_marks(std::size_t keep) noexcept {
  marks_.truncate(keep);
  floor_ = keep == 0 ? cursor_.begin() : marks_[keep - 1].top;
}

void Stack::rewind(std::byte* top) noexcept {
  hide_popped();
  cursor_.rewind(top);
}

void Stack::restore(Marker marker) {
  check_usable();
  if (marker.index_ >= marks_.size() || marks_[marker.index_].serial != marker.serial_)
    throw_misuse(strategy_name, Errc::stale_marker,
                 "marker %zu was popped or restored below, or is another stack's; %zu are set",
                 marker.index_, marks_.size());
  rewind(marks_[marker.index_].top);
  drop_marks(marker.index_ + 1);
}

void Stack::leave(Marker marker) noexcept {
  if (scopes_ != 0) // else the stack was assigned to meanwhile
    --scopes_;
  if (marker.index_ >= marks_.size() || marks_[marker.index_].serial != marker.serial_) {
    report_misuse(strategy_name, Errc::stale_marker,
                  "a scope ended whose marker %zu was popped or restored below", marker.index_);
    return;
  }
  rewind(marks_[marker.index_].top);
  drop_marks(marker.index_);
}

void Stack::reset() {
  check_usable();
  if (scopes_ != 0)
    throw_misuse(strategy_name, Errc::busy, "reset with %zu scopes open", scopes_);
  hide_popped();
  cursor_.reset(zero_);
  drop_marks(0);
}

void Stack::release() noexcept {
  if (cursor_.released())
    return;
  if (scopes_ != 0) {
    report_misuse(strategy_name, Errc::busy, "released with %zu scopes open", scopes_);
    return;
  }
  annotate::close(buffer_.data(), buffer_.extent());
  cursor_ = Cursor();
  floor_ = nullptr;
  marks_.truncate(0);
  buffer_.release();
}

} // namespace ALLOT_ABI
} // namespace allot
