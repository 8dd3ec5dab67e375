#include "memory.hpp"
#include "operations.hpp"
#include "span.hpp"

#include <allot/stack.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace {

using namespace model;
using allot::Errc;

class StackDriver {
public:
  explicit StackDriver(Input& input) : in_(input) {}

  void run() {
    while (!in_.empty()) {
      one();
      check_state();
    }
    while (!open_.empty())
      end_scope(open_.size() - 1);
    release();
  }

private:
  using Value = std::pair<std::uint32_t, std::uint32_t>; // without padding
  struct Pushed {
    std::size_t top, bytes;
  };
  struct Mark {
    allot::Marker marker;
    std::size_t top;
  };
  struct Scope {
    std::unique_ptr<allot::Stack::Scope> scope; // which never moves
    std::size_t top, marks;                     // at its beginning
    bool lost = false;                          // popped or restored below
    bool idle = false;                          // of a stack that moved
  };

  allot::Stack make() {
    const std::size_t bytes = 16 + in_.below(2048);
    zero_ = !in_.one_in(4);
    marks_aside_ = in_.one_in(4) ? in_.below(in_.one_in(4) ? 200 : 12) : 0;
    const allot::Options options{.zero = zero_, .marks = marks_aside_};
    operation("stack", bytes, zero_, marks_aside_);
    peak_ = fresh_ = 0;
    end_ = SIZE_MAX;
    if (in_.one_in(4)) {
      allot::Stack stack(bytes, options);
      begin_ = stack.push(std::span<const std::byte>()).data();
      capacity_ = allot::round_up(bytes);
      on_heap_ = true;
      return stack;
    }
    allot::Buffer buffer = memory_.draw(in_, bytes, zero_);
    on_heap_ = buffer.is_from_heap(); // where its marks are too, then
    const std::size_t aside = on_heap_ ? 0 : bytes_at_end(marks_aside_, 0, record_bytes);
    if (aside >= buffer.size()) {
      check(refusal([&] { allot::Stack(std::move(buffer), options); }) == Errc::bad_size,
            "refused where marks leave nothing");
      return make();
    }
    begin_ = buffer.data();
    capacity_ = buffer.size() - aside;
    return allot::Stack(std::move(buffer), options);
  }

  void one() {
    switch (in_.below(64)) {
    case 0:
      return reset();
    case 1:
      return in_.one_in(4) ? release() : move();
    case 2:
      return check_contents();
    case 3:
    case 4:
    case 5:
      if (!open_.empty())
        end_scope(in_.one_in(8) ? in_.below(256) % open_.size() : open_.size() - 1);
      return;
    case 6:
    case 7:
      return open_scope();
    case 8:
    case 9:
    case 10:
    case 11:
    case 12:
      return mark();
    case 13:
    case 14:
    case 15:
      return restore();
    case 16:
      return refuse_marker();
    case 17:
      return reset_peak();
    case 18:
    case 19:
    case 20:
    case 21:
      return push_value();
    case 22:
    case 23:
    case 24:
    case 25:
      return in_.one_in(4) ? check_top() : pop_value();
    default:
      in_.below(16) < 9 ? push() : pop();
    }
  }

  void push() {
    const bool to_the_end = in_.one_in(64);
    const std::size_t most = left();
    const std::size_t bytes = to_the_end ? most + in_.below(3) - 1 : in_.size();
    operation("push", bytes);
    const bool expected = bytes <= most;
    if (expected)
      std::memset(source_, static_cast<int>(++value_ % 255 + 1), bytes);
    const std::span<const std::byte> data(source_, bytes); // not read if it is too long
    std::span<std::byte> pushed;
    if (in_.one_in(2) && worth_throwing(in_, !expected)) {
      const auto refused = refusal([&] { pushed = stack_.push(data); });
      check(expected ? !refused : refused == Errc::no_room,
            "refused exactly when there is no room");
    } else {
      pushed = stack_.try_push(data);
      check((pushed.data() != nullptr) == expected, "refused exactly when there is no room");
    }
    if (expected)
      add(pushed, data);
  }
  // Of a type that is not trivially copyable.
  void push_value() {
    operation("push a value");
    ++value_;
    const Value value(value_, ~value_);
    const bool expected = sizeof value <= left();
    std::span<std::byte> pushed;
    if (in_.one_in(2) && worth_throwing(in_, !expected)) {
      const auto refused = refusal([&] { pushed = stack_.push(value); });
      check(expected ? !refused : refused == Errc::no_room,
            "refused exactly when there is no room");
    } else {
      pushed = stack_.try_push(value);
      check((pushed.data() != nullptr) == expected, "refused exactly when there is no room");
    }
    if (expected)
      add(pushed, std::as_bytes(std::span(&value, 1)));
  }
  void add(std::span<std::byte> pushed, std::span<const std::byte> data) {
    const std::size_t bytes = data.size();
    check(pushed.data() == begin_ + image_.size() && pushed.size() == bytes, "on top");
    check(bytes == 0 || std::memcmp(pushed.data(), data.data(), bytes) == 0, "a copy");
    pushed_.push_back({image_.size(), bytes});
    image_.insert(image_.end(), data.begin(), data.end());
    image_.resize(allot::round_up(image_.size()), nobodys);
    fresh_ = std::max(fresh_, image_.size());
    peak_ = std::max(peak_, image_.size());
  }
  void pop() {
    const bool exact = !pushed_.empty() && !in_.one_in(4);
    const std::size_t bytes = exact ? pushed_.back().bytes : in_.size();
    operation("pop", bytes);
    const bool expected = bytes <= image_.size();
    std::span<std::byte> popped;
    if (in_.one_in(2) && worth_throwing(in_, !expected)) {
      const auto refused = refusal([&] { popped = stack_.pop(bytes); });
      check(expected ? !refused : refused == Errc::underflow, "refused exactly when not there");
    } else {
      popped = stack_.try_pop(bytes);
      check((popped.data() != nullptr) == expected, "refused exactly when not there");
    }
    if (!expected)
      return;
    const std::size_t top = image_.size() - allot::round_up(bytes);
    check(popped.data() == begin_ + top && popped.size() == bytes, "what was on top");
    check_image(top, bytes);
    drop(top);
  }
  void pop_value() {
    operation("pop a value");
    const bool expected = sizeof(Value) <= image_.size();
    std::optional<Value> popped;
    if (in_.one_in(2) && worth_throwing(in_, !expected)) {
      const auto refused = refusal([&] { popped = stack_.pop<Value>(); });
      check(expected ? !refused : refused == Errc::underflow, "refused exactly when not there");
    } else {
      popped = stack_.try_pop<Value>();
    }
    check(popped.has_value() == expected, "refused exactly when not there");
    if (!expected)
      return;
    const std::size_t top = image_.size() - sizeof(Value);
    check_value(*popped, top);
    drop(top);
  }
  void check_top() {
    operation("top");
    if (sizeof(Value) > image_.size()) {
      if (worth_throwing(in_, true))
        check(refusal([&] { (void)stack_.top<Value>(); }) == Errc::underflow, "nothing is there");
      return;
    }
    const std::size_t top = image_.size() - sizeof(Value);
    const void* const there = &stack_.top<Value>();
    check(there == begin_ + top, "on top");
  }
  void check_value(const Value& value, std::size_t top) const {
    const auto bytes = std::as_bytes(std::span(&value, 1));
    for (std::size_t i = 0; i != bytes.size(); ++i)
      if (image_[top + i] != nobodys)
        check(bytes[i] == image_[top + i], "what was on top");
  }
  void drop(std::size_t top) {
    back_to(top);
    while (!marks_.empty() && marks_.back().top > top)
      drop_mark();
    for (Scope& scope : open_)
      scope.lost |= scope.top > top;
  }

  void mark() {
    operation("mark", marks_.size());
    const bool expected = far_end(marks_.size() + 1) <= capacity_ - image_.size();
    if (!worth_throwing(in_, !expected))
      return;
    allot::Marker marker;
    check(refusal([&] { marker = stack_.mark(); }) ==
              (expected ? std::nullopt : std::optional(Errc::no_room)),
          "a mark is refused exactly when its record has no room");
    if (!expected)
      return;
    check(marker.index() == marks_.size(), "the number of marks");
    check(last_ != marker, "no two are equal");
    last_ = marker;
    marks_.push_back({marker, image_.size()});
    end_ = std::min(end_, capacity_ - far_end(marks_.size()));
  }
  void restore() {
    if (marks_.empty())
      return;
    const std::size_t index = in_.one_in(2) ? marks_.size() - 1 : in_.below(256) % marks_.size();
    operation("restore", index);
    check_image(0, marks_[index].top);
    stack_.restore(marks_[index].marker);
    while (marks_.size() > index + 1)
      drop_mark();
    for (Scope& scope : open_)
      scope.lost |= scope.marks > index;
    back_to(marks_.back().top);
  }
  void reset_peak() {
    operation("reset_peak");
    stack_.reset_peak();
    peak_ = image_.size();
    fresh_ = std::min(fresh_, image_.size());
  }
  void refuse_marker() {
    operation("stale marker");
    if (stale_ != allot::Marker())
      check(refusal([&] { stack_.restore(stale_); }) == Errc::stale_marker, "a stale marker");
    check(refusal([&] { stack_.restore(allot::Marker()); }) == Errc::stale_marker, "no marker");
  }
  void open_scope() {
    if (open_.size() == 20)
      return;
    operation("scope", marks_.size());
    open_.push_back({std::make_unique<allot::Stack::Scope>(stack_), image_.size(), marks_.size()});
  }
  void end_scope(std::size_t i) {
    Scope scope = std::move(open_[i]);
    open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(i));
    const bool innermost = std::all_of(open_.begin() + static_cast<std::ptrdiff_t>(i), open_.end(),
                                       [](const Scope& inner) { return inner.lost || inner.idle; });
    operation("end of scope", i, scope.lost, scope.idle);
    scope.scope.reset();
    const bool restores = !scope.idle && !scope.lost && innermost;
    check(Reports::take() ==
              (restores || scope.idle ? std::nullopt : std::optional(Errc::stale_marker)),
          "a scope that was lost or ends out of order is reported");
    if (!restores)
      return;
    while (marks_.size() > scope.marks)
      drop_mark();
    back_to(scope.top);
  }
  // That the stack knows of.
  [[nodiscard]] bool has_scopes() const {
    return std::any_of(open_.begin(), open_.end(),
                       [](const Scope& scope) { return !scope.lost && !scope.idle; });
  }

  void reset() {
    check_contents();
    if (!resets(stack_, has_scopes()))
      return;
    if (zero_ && !allot::instrumented) // else it is hidden
      check(holds(begin_, std::min(fresh_, end_), 0), "zero after a reset, but where marks were");
    clear();
    fresh_ = 0;
    end_ = SIZE_MAX;
  }
  void release() {
    check_contents();
    if (!releases(stack_, has_scopes()))
      return;
    clear();
    stack_.release();
    check_released(stack_);
    memory_.check_surroundings();
    stack_ = make();
  }
  void move() {
    move_and_back(stack_, has_scopes(), [this](allot::Stack& stack) { check_released(stack); });
    for (Scope& scope : open_)
      scope.idle |= !scope.lost;
  }
  void check_released(allot::Stack& stack) {
    const std::size_t number = 0;
    check(stack.try_push(std::as_bytes(std::span(&number, 1))).data() == nullptr, "refused");
    check(stack.try_pop(8).data() == nullptr, "refused when released");
    check(refusal([&] { (void)stack.push(std::span(&number, 1)); }) == Errc::released, "released");
    check(refusal([&] { (void)stack.pop(8); }) == Errc::released, "released");
    check(refusal([&] { (void)stack.mark(); }) == Errc::released, "released");
    check(refusal([&] { stack.restore(last_); }) == Errc::released, "released");
    check(refusal([&] { stack.reset(); }) == Errc::released, "released");
    check(!stack.try_pop<Value>() && stack.freed() && stack.empty(), "freed");
    check(refusal([&] { (void)stack.top<Value>(); }) == Errc::released, "released");
    check(stack.capacity() == 0 && stack.used() == 0 && stack.available() == 0, "nothing is left");
  }

  void drop_mark() {
    stale_ = marks_.back().marker;
    marks_.pop_back();
  }
  void back_to(std::size_t top) {
    image_.resize(top);
    while (!pushed_.empty() && pushed_.back().top >= top)
      pushed_.pop_back();
    if (!pushed_.empty())
      pushed_.back().bytes = std::min(pushed_.back().bytes, top - pushed_.back().top);
  }
  void clear() {
    while (!marks_.empty())
      drop_mark();
    image_.clear();
    pushed_.clear();
  }
  void check_image(std::size_t from, std::size_t bytes) const {
    for (std::size_t i = from; i != from + bytes; ++i)
      if (image_[i] != nobodys)
        check(begin_[i] == image_[i], "contents kept");
  }
  [[nodiscard]] std::size_t far_end(std::size_t marks) const {
    return on_heap_ ? 0 : bytes_at_end(marks, marks_aside_, record_bytes);
  }
  [[nodiscard]] std::size_t left() const {
    return capacity_ - far_end(marks_.size()) - image_.size();
  }
  void check_contents() const { check_image(0, image_.size()); }
  void check_state() const {
    check(stack_.used() == image_.size(), "used");
    check(stack_.available() == left(), "available");
    check(stack_.capacity() == capacity_ && stack_.size() == capacity_, "capacity");
    check(stack_.peak() == peak_, "peak");
    check(stack_.empty() == image_.empty() && !stack_.freed(), "empty, freed");
    check(image_.empty() || stack_.owns(begin_ + image_.size() - 1), "owns what is on it");
    check(!stack_.owns(begin_ + image_.size()) && !stack_.owns(begin_ - 1), "owns nothing else");
  }

  static constexpr std::size_t record_bytes = 2 * sizeof(std::uint64_t); // a place and a number
  static constexpr std::byte nobodys{0}; // what sizes are rounded up by
  Input& in_;
  Reports reports_;
  Memory memory_;
  bool on_heap_ = false;
  std::size_t capacity_ = 0, peak_ = 0, fresh_ = 0, marks_aside_ = 0;
  std::size_t end_ = SIZE_MAX; // the lowest since the last reset
  std::uint32_t value_ = 0;
  std::byte* begin_ = nullptr;
  bool zero_ = true;
  std::byte source_[4096];
  std::vector<std::byte> image_; // what must be on the stack
  std::vector<Pushed> pushed_;
  std::vector<Mark> marks_;
  std::vector<Scope> open_;
  allot::Marker last_, stale_;
  allot::Stack stack_ = make();
};

const Driver driver("stack", [](Input& input) { StackDriver(input).run(); });

} // namespace
