#include <allot/stack.hpp>

#include <atomic>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

Stack::Stack(Buffer buffer, Options options) : name_(options.name) {
  room_for_marks_.prepare(marks_, buffer, options.marks, label());
  cursor_ = Cursor(label(), buffer, options.zero).without_gap();
  floor_ = cursor_.begin();
  set_aside_ = room_for_marks_.set_aside(marks_, cursor_, options.marks);
  buffer_ = std::move(buffer);
}

Stack& Stack::operator=(Stack&& other) noexcept {
  if (this != &other) {
    end_scopes("assigned to");
    other.end_scopes("moved");
    release();
    cursor_ = std::move(other.cursor_);
    floor_ = std::exchange(other.floor_, nullptr);
    marks_ = std::move(other.marks_);
    next_serial_ = std::exchange(other.next_serial_, 0);
    popped_end_ = other.popped_end_;
    buffer_ = std::move(other.buffer_);
    room_for_marks_ = std::move(other.room_for_marks_);
    set_aside_ = std::exchange(other.set_aside_, 0);
    unusual_ = std::exchange(other.unusual_, false);
    name_ = other.name_;
  }
  return *this;
}

Stack::~Stack() {
  end_scopes("destroyed");
  release();
}

void Stack::end_scopes(const char* done) noexcept {
  (void)scopes_.report_any(label(), done);
  for (; innermost() != nullptr; scopes_.close(*innermost()))
    innermost()->stack_ = nullptr;
  unusual_ = marks_.has_borrowed();
}

void Stack::check_usable() const {
  if (freed())
    throw_released(label());
}

// A push of nothing, or beyond what is zero so far.
std::span<std::byte> Stack::try_push_slow(std::span<const std::byte> bytes) noexcept {
  if (freed())
    return {};
  if (bytes.empty()) {
    hide_popped();
    return {cursor_.head(), 0};
  }
  return cursor_.make_ready(bytes.size()) ? place(bytes) : std::span<std::byte>();
}

std::span<std::byte> Stack::push_slow(std::span<const std::byte> bytes) {
  const std::span<std::byte> pushed = try_push_slow(bytes);
  if (pushed.data() != nullptr)
    return pushed;
  check_usable();
  throw_full(label(), bytes.size(), available(), capacity());
}

void Stack::refuse_underflow(std::size_t bytes, const char* done) const {
  check_usable();
  throw_misuse(label(), Errc::underflow, "%zu bytes %s, %zu of %zu are there", bytes, done, used(),
               capacity());
}

std::span<std::byte> Stack::pop_slow(std::size_t bytes) {
  if (!fits(bytes, used()) || unusual_) [[unlikely]]
    return pop_rarely(bytes);
  return {drop_across(bytes), bytes};
}

std::span<std::byte> Stack::try_pop_slow(std::size_t bytes) noexcept {
  if (!fits(bytes, used()) || unusual_) [[unlikely]]
    return try_pop_rarely(bytes);
  return {drop_across(bytes), bytes};
}

std::span<std::byte> Stack::pop_rarely(std::size_t bytes) {
  const std::span<std::byte> popped = try_pop_rarely(bytes);
  if (popped.data() == nullptr)
    refuse_underflow(bytes, "popped");
  return popped;
}

// Nothing, too much, or where scopes may be dropped, or marks at the far end.
std::span<std::byte> Stack::try_pop_rarely(std::size_t bytes) noexcept {
  if (!fits(bytes, used()))
    return {bytes == 0 ? cursor_.head() : nullptr, 0};
  std::byte* const top = drop_across(bytes);
  while (innermost() != nullptr && innermost()->top_ > top)
    scopes_.close(*innermost());
  drop_marks(marks_.size());
  update_floor();
  return {top, bytes};
}

Marker Stack::mark_slow() {
  check_usable();
  hide_popped(); // which may lie where the record will
  if (marks_.full())
    room_for_marks_.add(marks_, cursor_, label());
  unusual_ = innermost() != nullptr || marks_.has_borrowed();
  if (next_serial_ % serial_run == 0) {
    static std::atomic<std::uint64_t> runs{1}; // no marker has the serial 0
    next_serial_ = runs.fetch_add(1, std::memory_order_relaxed) * serial_run;
  }
  return set_mark();
}

void Stack::restore_slow(Marker marker) {
  check_usable();
  if (!is_set(marker))
    throw_misuse(label(), Errc::stale_marker,
                 "marker %zu was popped or restored below, or is another stack's; %zu are set",
                 marker.index_, marks_.size());
  hide_popped();
  cursor_.rewind(marks_[marker.index_].top);
  while (innermost() != nullptr && innermost()->marks_ > marker.index_)
    scopes_.close(*innermost());
  drop_marks(marker.index_ + 1);
  floor_ = cursor_.head();
}

void Stack::enter(Scope& scope) {
  check_usable();
  scope.top_ = cursor_.head();
  scope.marks_ = marks_.size();
  scopes_.open(scope);
  unusual_ = true;
  floor_ = cursor_.head();
  hide_popped();
}

Stack::Scope::~Scope() {
  if (stack_ != nullptr)
    stack_->leave(*this);
}

void Stack::leave(Scope& scope) noexcept {
  if (innermost() != &scope)
    return report_lost(scope);
  scopes_.close(scope);
  hide_popped();
  cursor_.rewind(scope.top_);
  drop_marks(scope.marks_);
  update_floor();
}

void Stack::report_lost(Scope& scope) noexcept {
  (void)scopes_.take_out(scope);
  report_misuse(label(), Errc::stale_marker,
                "a scope ended below whose beginning the stack was popped or restored, or before "
                "one that was opened in it");
}

void Stack::reset() {
  check_usable();
  scopes_.check_none(label(), "reset");
  hide_popped();
  drop_marks(0);
  cursor_.reset();
  floor_ = cursor_.begin();
}

void Stack::release() noexcept {
  if (freed() || scopes_.report_any(label(), "released"))
    return;
  annotate::close(buffer_.data(), buffer_.extent());
  cursor_ = Cursor();
  floor_ = nullptr;
  marks_ = {};
  room_for_marks_ = BufferRecords();
  set_aside_ = 0;
  unusual_ = false;
  next_serial_ = 0; // so that setting a mark finds out
  buffer_.release();
}

} // namespace ALLOT_ABI
} // namespace allot
