// Buffer: where a strategy's bytes come from and go back to: the heap, the operating system, memory
// that somebody else owns, or an upstream. Every strategy of a fixed size can stand on any of them.
// Those that grow take an upstream instead (Region, ObjectPool), or are memory of the system's
// (MappedArena).
//
//   Arena on_heap(Buffer::heap(4096));            // what Arena(4096) does
//   Arena on_stack(Buffer::borrowed(local_array));
//   Arena on_pages(Buffer::mapped(1_GiB));
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/annotate.hpp>
#include <allot/base/mapping.hpp>
#include <allot/base/size.hpp>
#include <allot/upstream.hpp>

#include <cstddef>
#include <span>

namespace allot {
inline namespace ALLOT_ABI {

/// The alignment of owned memory: a cache line.
inline constexpr std::size_t buffer_alignment = 64;

/// Options of the strategies that have no others.
struct Options {
  bool zero = true; ///< zero memory before it is handed out for the first time since a reset
  /// How many checkpoints or marks have room set aside for them. To what has none, as Bump,
  /// SlotArena and TypedArena, it means nothing: code that picks a strategy can give all the same.
  std::size_t marks = 0;
  const char* name = nullptr; ///< stands in messages and statistics; the caller keeps it alive
};

class Buffer {
public:
  Buffer() = default; ///< no memory at all

  /// `bytes`, rounded up to 8, from malloc, aligned to `alignment` (a power of two; 64 if less).
  /// What they hold is not known, but for more than 32 MiB with `options.zero`: fresh pages, which
  /// are zero. is_zero tells.
  /// Misuse: 0 bytes, a bad alignment. Exhausted: the heap refused. `owner` is named in errors.
  [[nodiscard]] static Buffer heap(std::size_t bytes, std::size_t alignment = buffer_alignment,
                                   Options options = {}, Label owner = "buffer");
  /// As `heap`, but a buffer without memory for every refusal.
  [[nodiscard]] static Buffer try_heap(std::size_t bytes, std::size_t alignment = buffer_alignment,
                                       Options options = {}) noexcept;
  /// `bytes`, rounded up to whole pages, from the operating system, all of it ready for use.
  /// `options.zero` means nothing here: whether reset zeroes is the strategy's own option.
  [[nodiscard]] static Buffer mapped(std::size_t bytes, const MapOptions& options = {});
  /// Memory of the caller's, trimmed to its 8-aligned inside; it must outlive the strategy.
  [[nodiscard]] static Buffer borrowed(std::span<std::byte> memory) noexcept;
  /// `bytes`, rounded up to 8, from `upstream`, which must outlive the buffer.
  /// Misuse: null, 0 bytes. What upstream throws passes through.
  [[nodiscard]] static Buffer from(UpstreamRef upstream, std::size_t bytes,
                                   std::size_t alignment = buffer_alignment,
                                   Label owner = "buffer");

  Buffer(Buffer&& other) noexcept { *this = static_cast<Buffer&&>(other); }
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer() { release(); }
  void release() noexcept;

  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  /// Bytes that a strategy may account for; in memory they take `gap().stretch(size())`.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t extent() const noexcept { return gap_.stretch(size_); }
  [[nodiscard]] Gap gap() const noexcept { return gap_; }
  /// Whether every byte is known to be zero. If not, a strategy that zeroes clears what it hands
  /// out, first.
  [[nodiscard]] bool is_zero() const noexcept { return zero_; }

  /// Whether it is memory from the heap.
  [[nodiscard]] bool is_from_heap() const noexcept { return source_ == Source::heap; }

private:
  enum class Source : unsigned char { none, heap, system, upstream };

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::byte* base_ = nullptr; // what goes back to the source
  std::size_t base_bytes_ = 0;
  std::size_t base_alignment_ = 0;
  UpstreamRef upstream_;
  Source source_ = Source::none;
  bool zero_ = false;
  Gap gap_;
};

namespace detail {
/// How many bytes to clear ahead of use where `cleared` were before: as many again, so that a call
/// is rarely needed, but at least `least`; and no more than `least` or 16 KiB, so that they are
/// still in the nearest cache when they are handed out.
[[nodiscard]] constexpr std::size_t step_ahead(std::size_t cleared, std::size_t least) noexcept {
  return larger(least, smaller(cleared, std::size_t{16} << 10));
}
/// Clears a step more of `count` items, at least one, of which `cleared` were before. How many that
/// makes. What is cleared was and is hidden.
[[nodiscard]] std::size_t clear_ahead(std::byte* begin, std::size_t stride, std::size_t cleared,
                                      std::size_t count) noexcept;
} // namespace detail

} // namespace ALLOT_ABI
} // namespace allot

#endif
