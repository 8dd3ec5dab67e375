#include "lane.hpp"

#include <cerrno>
#include <csignal>
#include <ctime>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace record {

std::uint64_t monotonic() {
  timespec t;
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(t.tv_nsec);
}

void Pen::start(Segment* segment, Lane* lane, std::uint32_t thread) {
  segment_ = segment;
  lane_ = lane;
  block_ = nullptr;
  thread_ = thread;
  limit_ = nullptr;
  at_ = reinterpret_cast<std::uint8_t*>(lane);
  if (lane->open.exchange(0) != 0)
    lane->closed.fetch_add(1, std::memory_order_release);
}

// Closes the block, and begins the next one.
bool Pen::turn(std::uint64_t order) {
  std::uint32_t closed = lane_->closed.load(std::memory_order_relaxed);
  if (block_) {
    block_->last = order_;
    block_->end = monotonic();
    block_->count = count_;
    block_ = nullptr;
    limit_ = nullptr;
    lane_->open.store(0, std::memory_order_relaxed);
    lane_->closed.store(++closed, std::memory_order_release);
  }
  if (!wait_for_room(closed))
    return false;
  block_ = &lane_->blocks[closed % blocks_of_lane];
  block_->used.store(0, std::memory_order_relaxed);
  block_->thread = thread_;
  block_->first = order;
  block_->begin = monotonic();
  block_->count = 0;
  lane_->open.store(1, std::memory_order_release);
  at_ = block_->events;
  limit_ = block_->events + sizeof block_->events - trace::max_event;
  order_ = order - 1;
  address_ = 0;
  count_ = 0;
  fresh_ = true;
  return true;
}

bool Pen::wait_for_room(std::uint32_t closed) {
  std::uint32_t beat = segment_->beat.load();
  for (unsigned idle = 0;;) {
    if (segment_->stop.load(std::memory_order_acquire) != 0)
      return false;
    const std::uint32_t drained = lane_->drained.load(std::memory_order_acquire);
    if (closed - drained < blocks_of_lane)
      return true;
    const timespec patience{.tv_sec = 0, .tv_nsec = 100'000'000};
    ::syscall(SYS_futex, &lane_->drained, FUTEX_WAIT, drained, &patience, nullptr, 0);
    // A command that was killed drains nothing any more; one that is stopped will go on.
    const std::uint32_t beat_now = segment_->beat.load();
    idle = beat_now == beat ? idle + 1 : 0;
    beat = beat_now;
    if (idle > 10 && ::kill(segment_->command, 0) != 0 && errno == ESRCH)
      return false;
  }
}

} // namespace record
