#include "memory.hpp"

#include <allot/stack.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
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
    some();
    if (!in_.empty())
      run();
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

  allot::Stack make() {
    const std::size_t bytes = 16 + in_.below(2048);
    zero_ = !in_.one_in(4);
    allot::Buffer buffer = memory_.draw(in_, bytes, zero_);
    begin_ = buffer.data();
    capacity_ = buffer.size();
    peak_ = fresh_ = 0;
    return allot::Stack(std::move(buffer), {.zero = zero_});
  }

  /// Until the end of a scope.
  void some() {
    for (; !in_.empty(); check_state()) {
      switch (in_.below(64)) {
      case 0:
        reset();
        break;
      case 1:
        in_.one_in(4) ? release() : move();
        break;
      case 2:
        check_contents();
        break;
      case 3:
      case 4:
        return;
      case 5:
        if (scopes_ < 20)
          scope();
        break;
      case 6:
      case 7:
      case 8:
      case 9:
        mark();
        break;
      case 10:
      case 11:
      case 12:
        restore();
        break;
      case 13:
        refuse_marker();
        break;
      case 14:
        stack_.reset_peak();
        peak_ = image_.size();
        break;
      case 15:
      case 16:
      case 17:
      case 18:
        push_value();
        break;
      case 19:
      case 20:
      case 21:
      case 22:
        in_.one_in(4) ? check_top() : pop_value();
        break;
      default:
        in_.below(16) < 9 ? push() : pop();
      }
    }
  }

  void push() {
    const bool to_the_end = in_.one_in(64);
    const std::size_t left = capacity_ - image_.size();
    const std::size_t bytes = to_the_end ? left + in_.below(3) - 1 : in_.size();
    operation("push", bytes);
    const bool expected = bytes <= left;
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
    const bool expected = sizeof value <= capacity_ - image_.size();
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
  }

  void mark() {
    operation("mark");
    const allot::Marker marker = stack_.mark();
    check(marker.index() == marks_.size(), "the number of marks");
    check(last_ != marker, "no two are equal");
    last_ = marker;
    marks_.push_back({marker, image_.size()});
  }
  void restore() {
    if (marks_.empty())
      return;
    const std::size_t index = in_.one_in(2) ? marks_.size() - 1 : in_.below(256) % marks_.size();
    if (marks_[index].marker == allot::Marker())
      return;
    operation("restore", index);
    check_image(0, marks_[index].top);
    stack_.restore(marks_[index].marker);
    while (marks_.size() > index + 1)
      drop_mark();
    back_to(marks_.back().top);
  }
  void refuse_marker() {
    operation("stale marker");
    if (stale_ != allot::Marker())
      check(refusal([&] { stack_.restore(stale_); }) == Errc::stale_marker, "a stale marker");
    check(refusal([&] { stack_.restore(allot::Marker()); }) == Errc::stale_marker, "no marker");
  }
  void scope() {
    const std::size_t depth = marks_.size();
    operation("scope", depth);
    {
      const auto scope = stack_.scope();
      ++scopes_;
      marks_.push_back({allot::Marker(), image_.size()}); // one that nobody else has
      some();
      operation("end of scope", depth);
    }
    --scopes_;
    const bool there = marks_.size() > depth && marks_[depth].marker == allot::Marker();
    check(Reports::take() == (there ? std::nullopt : std::optional(Errc::stale_marker)),
          "a scope whose marker is gone is reported");
    if (!there)
      return;
    back_to(marks_[depth].top);
    while (marks_.size() > depth)
      drop_mark();
  }

  void reset() {
    operation("reset", scopes_);
    check_contents();
    if (scopes_ != 0) {
      check(refusal([&] { stack_.reset(); }) == Errc::busy, "not reset under a scope");
      return;
    }
    stack_.reset();
    if (zero_ && !allot::instrumented) // else it is hidden
      check(holds(begin_, fresh_, 0), "zero after a reset");
    clear();
    fresh_ = 0;
  }
  void release() {
    operation("release", scopes_);
    check_contents();
    stack_.release();
    if (scopes_ != 0) {
      check(Reports::take() == Errc::busy, "not released under a scope");
      return;
    }
    clear();
    stack_.release();
    check_released(stack_);
    memory_.check_surroundings();
    stack_ = make();
  }
  void move() {
    if (scopes_ != 0)
      return;
    operation("move");
    allot::Stack other(std::move(stack_));
    check_released(stack_);
    stack_ = std::move(other);
    check_released(other);
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
    if (marks_.back().marker != allot::Marker())
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
  void check_contents() const { check_image(0, image_.size()); }
  void check_state() const {
    check(stack_.used() == image_.size(), "used");
    check(stack_.available() == capacity_ - image_.size(), "available");
    check(stack_.capacity() == capacity_ && stack_.size() == capacity_, "capacity");
    check(stack_.peak() == peak_, "peak");
    check(stack_.empty() == image_.empty() && !stack_.freed(), "empty, freed");
    check(image_.empty() || stack_.owns(begin_ + image_.size() - 1), "owns what is on it");
    check(!stack_.owns(begin_ + image_.size()) && !stack_.owns(begin_ - 1), "owns nothing else");
  }

  static constexpr std::byte nobodys{0}; // what sizes are rounded up by
  Input& in_;
  Reports reports_;
  Memory memory_;
  std::size_t capacity_ = 0, peak_ = 0, fresh_ = 0, scopes_ = 0;
  std::uint32_t value_ = 0;
  std::byte* begin_ = nullptr;
  bool zero_ = true;
  std::byte source_[4096];
  std::vector<std::byte> image_; // what must be on the stack
  std::vector<Pushed> pushed_;
  std::vector<Mark> marks_;
  allot::Marker last_, stale_;
  allot::Stack stack_ = make();
};

const Driver driver("stack", [](Input& input) { StackDriver(input).run(); });

} // namespace
