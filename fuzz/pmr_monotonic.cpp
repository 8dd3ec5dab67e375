#include "memory.hpp"

#include <allot/pmr/monotonic_buffer_resource.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace {

using namespace model;
using allot::Errc;

class MonotonicDriver {
public:
  explicit MonotonicDriver(Input& input) : in_(input) { start(); }

  void run() {
    for (; !in_.empty();) {
      switch (in_.below(256)) {
      case 0:
        release();
        break;
      case 1:
        places_.check_contents();
        break;
      case 2:
        if (!places_.empty()) {
          const Place place = places_[places_.pick(in_)];
          resource_.deallocate(place.piece.p, place.piece.bytes); // does nothing
        }
        break;
      case 3:
        check_stats();
        break;
      default:
        allocate();
      }
    }
    places_.check_contents();
  }

private:
  static constexpr std::size_t front = 3; // an odd address
  static std::size_t grown(std::size_t size) { return size + size / 2 + size % 2; }

  void allocate() {
    const std::size_t bytes = in_.size();
    const std::size_t alignment = in_.one_in(2) ? in_.alignment() : std::size_t{1} << in_.below(5);
    const std::size_t taken = std::max<std::size_t>(bytes, 1); // no two have one address
    const std::size_t start = aligned(head_, alignment);
    const bool there = allot::is_power_of_two(alignment) && start <= end_ && start >= head_ &&
                       taken <= (end_ - start) / scale_;
    std::optional<Errc> expected;
    if (!allot::is_power_of_two(alignment))
      expected = Errc::bad_alignment;
    else if (!there && (std::max(taken, next_) > Upstream::most - 64 ||
                        alignment > Upstream::most / red_zone_scale))
      expected = Errc::system_refused;
    if (!worth_throwing(in_, expected.has_value()))
      return;
    operation("allocate", bytes, alignment);
    const std::size_t blocks = upstream_.blocks();
    void* p = nullptr;
    check(expected == refusal([&] { p = resource_.allocate(bytes, alignment); }),
          "refused exactly when upstream refuses");
    if (expected)
      return;
    check(p != nullptr && is_aligned(p, alignment), "aligned");
    const auto at = reinterpret_cast<std::uintptr_t>(p);
    if (upstream_.blocks() != blocks) {
      check(!there && upstream_.blocks() == blocks + 1, "another chunk where there is no room");
      scale_ = red_zone_scale;
      end_ = at + std::max(taken, next_) * scale_;
      next_ = grown(next_);
    } else {
      const bool in_chunk = upstream_.blocks() != 0; // which may be a little longer than known
      check(at == start && (there || in_chunk), "the next address");
    }
    head_ = at + taken * scale_;
    end_ = std::max(end_, head_);
    places_.add({new_piece(p, bytes), taken});
  }
  [[nodiscard]] std::uintptr_t aligned(std::uintptr_t at, std::size_t alignment) const {
    return (at + alignment * scale_ - 1) & (0 - alignment * scale_);
  }

  void check_stats() {
    operation("stats");
    const allot::Stats before = resource_.stats();
    check(before.used + before.available == before.capacity, "all is used or available");
    check(before.used <= before.peak && before.capacity <= before.committed + bytes_, "in order");
    if (in_.one_in(2))
      resource_.reset_peak();
    const allot::Stats after = resource_.stats();
    check(after.used == before.used && (after.peak == after.used || after.peak == before.peak),
          "the peak alone is reset");
  }
  void release() {
    operation("release");
    places_.check_contents();
    places_.clear();
    resource_.release();
    check(upstream_.blocks() == 0, "all is given back upstream");
    start();
  }
  void start() {
    scale_ = 1;
    head_ = reinterpret_cast<std::uintptr_t>(buffer_.data() + front);
    end_ = head_ + bytes_;
    next_ = grown(bytes_);
  }

  Input& in_;
  Upstream upstream_;
  std::size_t bytes_ = 1 + in_.below(512);
  std::vector<std::byte> buffer_ = std::vector<std::byte>(front + bytes_);
  Places places_;
  std::size_t scale_ = 1, next_ = 0;
  std::uintptr_t head_ = 0, end_ = 0;
  allot::pmr::monotonic_buffer_resource resource_{buffer_.data() + front, bytes_, &upstream_};
};

const Driver driver("pmr_monotonic", [](Input& input) { MonotonicDriver(input).run(); });

} // namespace
