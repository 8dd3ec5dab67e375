#include "memory.hpp"

#include <allot/pmr/synchronized_pool_resource.hpp>
#include <allot/pmr/unsynchronized_pool_resource.hpp>

#include <algorithm>
#include <cstddef>
#include <memory_resource>
#include <optional>
#include <vector>

namespace {

using namespace model;
using allot::Errc;

template <class Resource>
class PoolDriver {
public:
  explicit PoolDriver(Input& input) : in_(input) {}

  void run() {
    check(resource_.upstream_resource() == &upstream_, "upstream_resource");
    for (; !in_.empty(); check_state()) {
      switch (in_.below(128)) {
      case 0:
        release();
        break;
      case 1:
      case 2:
        refuse();
        break;
      case 3:
        places_.check_contents();
        break;
      case 4:
        for (std::size_t i = in_.below(128), bytes = in_.size(); i != 0; --i)
          allocate(bytes, 8);
        break;
      case 5:
        for (std::size_t i = in_.below(128); i != 0; --i)
          deallocate();
        break;
      case 6:
        trim();
        break;
      case 7:
        limit_ = in_.one_in(2) ? Upstream::most : in_.below(8192);
        operation("refuse above", limit_);
        upstream_.refuse_above(limit_);
        break;
      case 8:
        reset_peak();
        break;
      case 9:
        check_stats();
        break;
      default:
        in_.one_in(2) ? deallocate() : allocate(in_.size(), in_.one_in(4) ? in_.alignment() : 8);
      }
    }
    if (in_.one_in(2))
      release();
  }

private:
  // Chunks must not become larger than upstream can serve.
  [[nodiscard]] std::pmr::pool_options draw() {
    std::pmr::pool_options options;
    options.max_blocks_per_chunk = 1 + in_.below(64);
    options.largest_required_pool_block = in_.below(4097);
    operation("pool", options.max_blocks_per_chunk, options.largest_required_pool_block);
    return options;
  }

  void allocate(std::size_t bytes, std::size_t alignment) {
    std::optional<Errc> expected;
    if (!allot::is_power_of_two(alignment))
      expected = Errc::bad_alignment;
    else if (bytes > Upstream::most * red_zone_scale || alignment > Upstream::most)
      expected = Errc::system_refused;
    if (!worth_throwing(in_, expected.has_value()))
      return;
    operation("allocate", bytes, alignment);
    void* p = nullptr;
    const std::size_t requests = upstream_.requests();
    const std::optional<Errc> refused = refusal([&] { p = resource_.allocate(bytes, alignment); });
    if (limit_ == Upstream::most || expected)
      check(refused == expected, "refused exactly when upstream refuses");
    else
      check(!refused || (refused == Errc::system_refused && upstream_.requests() != requests),
            "refused only when upstream refuses");
    if (refused)
      return;
    check(p != nullptr && is_aligned(p, alignment), "aligned");
    places_.add({new_piece(p, bytes), std::max<std::size_t>(bytes, 1), alignment});
  }
  void deallocate() {
    if (places_.empty())
      return;
    const std::size_t i = places_.pick(in_);
    operation("deallocate", i);
    const Place place = places_.remove(i);
    const std::size_t requests = upstream_.requests();
    resource_.deallocate(place.piece.p, place.piece.bytes, place.alignment);
    check(upstream_.requests() == requests, "giving back asks upstream for nothing");
  }
  void trim() {
    const std::size_t keep = in_.one_in(2) ? 0 : in_.below(65536);
    operation("trim", keep);
    resource_.trim(keep);
    check(upstream_.blocks() == 0 || keep != 0 || !places_.empty(), "what is free is given back");
  }

  void refuse() {
    operation("misuse");
    std::size_t other[8] = {};
    const auto refuses = [&](void* p, std::size_t bytes, std::size_t alignment, Errc code) {
      resource_.deallocate(p, bytes, alignment);
      check(Reports::take() == code, "misuse is reported, with its name");
    };
    refuses(other, in_.size(), 8, Errc::foreign_pointer);
    if (places_.empty())
      return;
    const std::size_t i = places_.pick(in_);
    const auto [piece, room, alignment, written] = places_[i];
    refuses(piece.p, room + 1, alignment, Errc::bad_size);
    refuses(piece.p, room, 24, Errc::bad_alignment);
    const bool pooled = allot::saturating_round_up(room, alignment) <=
                        resource_.options().largest_required_pool_block;
    if (!pooled)
      return;
    refuses(piece.p + 1, room, alignment, Errc::misaligned_pointer);
    check(piece.intact(), "contents kept");
    places_.erase(i);
    resource_.deallocate(piece.p, piece.bytes, alignment);
    refuses(piece.p, piece.bytes, alignment, Errc::double_free);
  }

  void release() {
    operation("release");
    places_.check_contents();
    places_.clear();
    resource_.release();
    check(upstream_.blocks() == 0, "all is given back upstream");
  }
  void reset_peak() {
    operation("reset_peak");
    resource_.reset_peak();
    const allot::Stats stats = resource_.stats();
    check(stats.peak == stats.used, "the peak is what is used");
  }
  void check_stats() {
    operation("stats");
    const allot::Stats stats = resource_.stats();
    check(stats.used + stats.available == stats.capacity, "all is used or available");
    check(stats.used <= stats.peak, "the peak is no less than what is used");
    std::size_t pooled = 0; // the rest is large
    std::size_t available = 0;
    for (std::size_t i = 0; i != resource_.classes(); ++i) {
      const allot::ClassStats blocks = resource_.class_stats(i);
      pooled += blocks.used * blocks.block_bytes;
      available += blocks.available * blocks.block_bytes;
    }
    check(pooled <= stats.used && available == stats.available, "the classes are all there is");
  }
  void check_state() { check(!Reports::take(), "no misuse is reported that was none"); }

  Input& in_;
  Reports reports_;
  Upstream upstream_;
  std::size_t limit_ = Upstream::most;
  Places places_;
  Resource resource_{draw(), &upstream_};
};

const Driver driver("pmr_pool", [](Input& input) {
  if (input.one_in(2))
    PoolDriver<allot::pmr::unsynchronized_pool_resource>(input).run();
  else
    PoolDriver<allot::pmr::synchronized_pool_resource>(input).run();
});

} // namespace
