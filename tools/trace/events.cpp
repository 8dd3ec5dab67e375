#include "reader.hpp"

#include <algorithm>
#include <utility>

namespace trace {
namespace {

constexpr std::size_t max_open = std::size_t{1} << 30; // bytes, of frames of different threads

[[noreturn]] void damaged() {
  throw Error("damaged: an event that cannot be");
}

} // namespace

bool Events::next(Event& event) {
  if (current_ == none || cursors_[current_].next.order >= until_) {
    if (!choose())
      return false;
  }
  Cursor& cursor = cursors_[current_];
  event = cursor.next;
  if (cursor.left != 0) {
    decode(cursor);
  } else {
    bytes_ -= cursor.payload.size();
    closed_.push_back(std::exchange(current_, none));
  }
  return true;
}

/// Makes the cursor with the earliest event the current one; false if there is none.
bool Events::choose() {
  if (current_ != none) {
    waiting_.push_back({cursors_[current_].next.order, current_});
    std::push_heap(waiting_.begin(), waiting_.end());
    current_ = none;
  }
  const auto& frames = trace_.frames_;
  while (frame_ != frames.size() &&
         (waiting_.empty() || frames[frame_].header.first <= waiting_.front().order))
    open_frame();
  if (waiting_.empty())
    return false;
  std::pop_heap(waiting_.begin(), waiting_.end());
  current_ = waiting_.back().cursor;
  waiting_.pop_back();
  until_ = waiting_.empty() ? ~std::uint64_t{0} : waiting_.front().order;
  if (frame_ != frames.size())
    until_ = std::min(until_, frames[frame_].header.first);
  return true;
}

void Events::open_frame() {
  if (trace_.watcher_)
    trace_.watcher_(100 * frame_ / trace_.frames_.size());
  const Trace::Frame& frame = trace_.frames_[frame_++];
  if (closed_.empty()) {
    closed_.push_back(static_cast<std::uint32_t>(cursors_.size()));
    cursors_.emplace_back();
  }
  const std::uint32_t number = closed_.back();
  closed_.pop_back();
  Cursor& cursor = cursors_[number];
  cursor = {};
  cursor.payload = trace_.unpack(frame);
  bytes_ += cursor.payload.size();
  if (bytes_ > max_open)
    throw Error("damaged: too many threads at the same time");
  cursor.left = frame.header.count;
  cursor.last = frame.header.last;
  cursor.next.thread = frame.header.thread;
  cursor.next.got = frame.header.first - 1; // modulo 2^64
  decode(cursor);
  waiting_.push_back({cursor.next.order, number});
  std::push_heap(waiting_.begin(), waiting_.end());
}

void Events::decode(Cursor& cursor) const {
  const std::uint8_t* at = cursor.payload.data() + cursor.at;
  const std::uint8_t* const end = cursor.payload.data() + cursor.payload.size();
  const auto number = [&at, end] {
    std::uint64_t n;
    at = get(at, end, n);
    if (at == nullptr)
      damaged();
    return n;
  };
  if (at == end)
    damaged();
  const std::uint8_t tag = *at++;
  Event& event = cursor.next;
  event.operation = static_cast<Operation>(tag & 15);
  if (event.operation > Operation::delete_array || (tag & 0x80) != 0)
    damaged();

  const std::uint64_t ahead = (tag & flag::ordered) != 0 ? number() : 1;
  // The first one's number is the header's, whatever it says.
  event.order = event.got + (cursor.at == 0 ? 1 : ahead);
  if (event.order > cursor.last || (cursor.at != 0 && (ahead == 0 || ahead > cursor.last)))
    damaged();

  const auto& contexts = trace_.contexts_;
  if ((tag & flag::same) != 0) {
    event.kept = contexts[event.context].depth;
  } else {
    const std::uint64_t kept = number();
    const std::uint64_t context = number();
    if (context >= contexts.size() || kept > contexts[context].depth)
      damaged();
    event.kept = static_cast<std::uint32_t>(kept);
    event.context = static_cast<std::uint32_t>(context);
  }

  const unsigned shift = (tag & flag::odd) != 0 ? 0 : 4;
  const bool moves = event.operation == Operation::reallocate;
  const auto address = [&](std::uint64_t from) {
    return from + (static_cast<std::uint64_t>(unzigzag(number())) << shift);
  };
  event.address = address(event.address);
  event.old = 0;
  if (moves) {
    event.old = event.address;
    event.address = address(event.address);
  }
  event.size = releases(event.operation) ? 0 : number();
  if (event.operation == Operation::aligned) {
    const std::uint64_t alignment = number();
    if (alignment > 63)
      damaged();
    event.alignment = static_cast<std::uint8_t>(alignment);
  }
  event.got = event.order;
  if (moves) {
    const std::uint64_t between = number();
    if (between >= cursor.last - event.order)
      damaged();
    event.got += between + 1;
  }
  cursor.at = static_cast<std::size_t>(at - cursor.payload.data());
  --cursor.left;
}

} // namespace trace
