#include <allot/stack.hpp>

#include <atomic>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

Stack::Stack(Buffer buffer, Options options)
    : cursor_(Cursor({strategy_name, options.name}, buffer, options.zero).without_gap()),
      floor_(buffer.data()), buffer_(std::move(buffer)), name_(options.name) {
  detail::reserve_at_end(marks_, cursor_, options.marks, label());
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
    name_ = other.name_;
  }
  return *this;
}

Stack::~Stack() {
  end_scopes("destroyed");
  release();
}

std::size_t Stack::scopes() const noexcept {
  std::size_t count = 0;
  for (const Scope* scope = innermost_; scope != nullptr; scope = scope->outer_)
    ++count;
  return count;
}

void Stack::end_scopes(const char* done) noexcept {
  if (innermost_ != nullptr)
    report_misuse(label(), Errc::busy, "%s with %zu scopes open", done, scopes());
  for (; innermost_ != nullptr; innermost_ = innermost_->outer_)
    innermost_->stack_ = nullptr;
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
  drop_above(top);
  return {top, bytes};
}

// The marks and scopes above `top`.
void Stack::drop_above(const std::byte* top) noexcept {
  while (innermost_ != nullptr && innermost_->top_ > top)
    innermost_ = innermost_->outer_;
  marks_.drop_while([top](const Mark& mark) { return mark.top > top; });
  drop_marks(marks_.size());
  update_floor();
}

Marker Stack::mark_slow() {
  check_usable();
  hide_popped(); // which may lie where the record will
  if (marks_.full())
    detail::add_at_end(marks_, cursor_, label(), capacity());
  if (next_serial_ % serial_run == 0) {
    static std::atomic<std::uint64_t> runs{1}; // no marker has the serial 0
    next_serial_ = runs.fetch_add(1, std::memory_order_relaxed) * serial_run;
  }
  return set_mark();
}

void Stack::drop_mark_room() noexcept {
  detail::drop_at_end(marks_, cursor_);
}

void Stack::refuse(Marker marker) const {
  check_usable();
  throw_misuse(label(), Errc::stale_marker,
               "marker %zu was popped or restored below, or is another stack's; %zu are set",
               marker.index_, marks_.size());
}

void Stack::report_lost(Scope& scope) noexcept {
  for (Scope* inner = innermost_; inner != nullptr; inner = inner->outer_)
    if (inner->outer_ == &scope)
      inner->outer_ = scope.outer_;
  report_misuse(label(), Errc::stale_marker,
                "a scope ended below whose beginning the stack was popped or restored, or before "
                "one that was opened in it");
}

void Stack::reset() {
  check_usable();
  if (innermost_ != nullptr)
    throw_misuse(label(), Errc::busy, "reset with %zu scopes open", scopes());
  hide_popped();
  drop_marks(0);
  cursor_.reset();
  floor_ = cursor_.begin();
}

void Stack::release() noexcept {
  if (freed())
    return;
  if (innermost_ != nullptr) {
    report_misuse(label(), Errc::busy, "released with %zu scopes open", scopes());
    return;
  }
  annotate::close(buffer_.data(), buffer_.extent());
  cursor_ = Cursor();
  floor_ = nullptr;
  marks_ = {};
  next_serial_ = 0; // so that setting a mark finds out
  buffer_.release();
}

} // namespace ALLOT_ABI
} // namespace allot
