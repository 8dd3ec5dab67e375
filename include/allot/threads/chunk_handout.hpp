// ChunkHandout: hands out a range from its front, to many threads at once, each of which then has a
// chunk of it to itself. It knows no memory: what it hands out are offsets.
//
//   0                                           frontier                   size
//   | chunk | chunk | exactly | chunk | chunk   | left                     |
//   |<--------------- taken() ----------------->|<--------- left() ------->|
//
// A chunk is one addition to the frontier, at any number of threads; none ever waits or tries
// again. Chunks become smaller as the end comes near, so that little lies idle in the threads'
// hands when nothing is left; the one that the end cuts is handed out as far as it goes. What is
// taken exactly is compared and exchanged, so that what does not fit takes nothing.
#pragma once

#include <allot/base/size.hpp>
#include <allot/threads/atomics.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

template <class Atomics = detail::Atomics>
class ChunkHandout {
public:
  struct Piece {
    std::size_t begin;
    std::size_t bytes; // 0: there is none
  };

  /// Of `size` bytes, a multiple of 8. Alignments are those of `origin` plus an offset.
  explicit ChunkHandout(std::size_t size, std::uintptr_t origin = 0) noexcept
      : size_(size), origin_(origin) {}

  /// A chunk: an even share of what is left for 64 threads, a multiple of 64 bytes, but at least
  /// `least` and at most `wanted`, the larger of both; or what is left, if that is less. One atomic
  /// addition, and none if nothing is left. Both multiples of 8.
  [[nodiscard]] Piece take_chunk(std::size_t wanted, std::size_t least) noexcept {
    const std::size_t room = left();
    if (room == 0) // so that the frontier passes the end by a chunk of each thread at most
      return {size_, 0};
    const std::size_t bytes = chunk(room, wanted, least);
    const std::size_t begin = frontier_.fetch_add(bytes, std::memory_order_relaxed);
    return begin < size_ ? Piece{begin, smaller(bytes, size_ - begin)} : Piece{size_, 0};
  }
  /// How large a chunk is where `room` bytes are left.
  [[nodiscard]] static std::size_t chunk(std::size_t room, std::size_t wanted,
                                         std::size_t least) noexcept {
    return larger(smaller(wanted, room / shares & ~(step - 1)), least);
  }
  /// `bytes`, a multiple of 8, at the next multiple of `alignment`, a power of two, with what has
  /// to be skipped in front; or nothing, and nothing is taken.
  [[nodiscard]] Piece take_exactly(std::size_t bytes, std::size_t alignment = granule) noexcept {
    std::size_t begin = frontier_.load(std::memory_order_relaxed);
    for (;;) {
      const std::size_t room = size_ - smaller(begin, size_);
      const std::size_t skip = padding(origin_ + begin, alignment);
      if (skip >= room || !fits(bytes, room - skip))
        return {size_, 0};
      if (frontier_.compare_exchange_weak(begin, begin + skip + bytes, std::memory_order_relaxed,
                                          std::memory_order_relaxed))
        return {begin, skip + bytes};
    }
  }

  /// `bytes`, a multiple of 8, right behind what ends at `begin`. False: others took what is there,
  /// or they do not fit, and nothing is taken.
  [[nodiscard]] bool take_behind(std::size_t begin, std::size_t bytes) noexcept {
    return fits(bytes, size_ - begin) &&
           frontier_.compare_exchange_strong(begin, begin + bytes, std::memory_order_relaxed,
                                             std::memory_order_relaxed);
  }

  [[nodiscard]] std::size_t taken() const noexcept {
    return smaller(frontier_.load(std::memory_order_relaxed), size_);
  }
  [[nodiscard]] std::size_t left() const noexcept { return size_ - taken(); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// Takes all back. No other thread may use it meanwhile.
  void restart() noexcept { frontier_.store(0, std::memory_order_relaxed); }

private:
  static constexpr std::size_t shares = 64;
  static constexpr std::size_t step = 64; // a cache line, so that threads share none

  std::size_t size_;
  std::uintptr_t origin_;
  // Away from what every call reads.
  alignas(64) typename Atomics::template Atomic<std::size_t> frontier_ = 0;
};

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
